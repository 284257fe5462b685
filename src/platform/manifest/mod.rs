//! An app as a file says it: made where there is none yet, changed where something differs, and left alone otherwise.
//!
//! The file names its app by a `key` of its own choice, each once in an organization, or by the `client_id` of an app
//! that was made elsewhere. What the file does not name stays as it is; what it names empty goes. Secrets never stand
//! in it: they are made, shown and revoked apart.

pub mod read;

use super::actor::{Actor, Membership};
use super::apps::people::{self, Named};
use super::apps::{self, Details, DetailsChange, NewApp, saving, scopes};
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit};
use crate::context::Context;
use crate::model::app::{App, AppState, ClientType, KEY_BYTES_MAX, Kind};
use crate::model::dossier::Dossier;
use crate::model::event::{Change, EventKind};
use crate::model::review::Case;
use crate::model::user::User;
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, StoreError, keys};
use scopes::Wish;

/// Which app is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Name {
    Key(String),
    ClientId(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    pub kind: Kind,
    /// `None`: as it is; a new one is confidential.
    pub client_type: Option<ClientType>,
    /// The dedicated user by id or email address.
    pub details: DetailsChange,
    /// `None`: they stay.
    pub scopes: Option<Vec<Wish>>,
}

/// What an application of a file comes to, or would come to.
#[derive(Clone, Debug)]
pub struct Applied {
    /// `None`: there was none.
    pub before: Option<Case>,
    pub after: Case,
}

impl Name {
    /// A client_id has underscores, and a key has none. `None`: it can be neither.
    pub fn of(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let fits = (1..=KEY_BYTES_MAX).contains(&text.len()) && !text.starts_with('-');
        if text.contains('_') {
            super::cursor(Some(text)).map(|id| Self::ClientId(id.to_owned()))
        } else {
            (fits && text.bytes().all(allowed)).then(|| Self::Key(text.to_owned()))
        }
    }
}

impl Applied {
    /// What became different; of a new app everything that it has.
    pub fn differences(&self) -> Vec<Change> {
        let app = &self.after.app;
        let nothing = || {
            let mut blank = App::new(
                app.client_id.clone(),
                app.organization.clone(),
                app.kind,
                app.client_type,
                app.created_at,
            );
            blank.state = AppState::Draft;
            Case {
                dossier: Dossier::new(&app.client_id),
                app: blank,
            }
        };
        let before = self.before.clone().unwrap_or_else(nothing);
        let mut changes = saving::changes(&before, &self.after);
        // Whoever applies it is no part of the file.
        changes.retain(|change| change.what != "team");
        changes
    }

    pub fn created(&self) -> bool {
        self.before.is_none()
    }
}

/// The app that this name stands for in the organization.
pub async fn find(ctx: &Context, organization: &str, name: &Name) -> Result<Option<Versioned<App>>, StoreError> {
    let store = &*ctx.store;
    let found = match name {
        Name::Key(key) => load_by_index::<App>(store, &keys::app_of_key(organization, key)).await?,
        Name::ClientId(id) => load::<App>(store, &keys::app(id)).await?,
    };
    Ok(found.filter(|app| app.organization == organization))
}

/// Makes the app be what the file says, or only says what would become different. All of it or nothing.
pub async fn apply(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    name: &Name,
    manifest: &Manifest,
    dry_run: bool,
) -> Result<Applied, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, organization, Right::CreateApp).await?;
        match (find(ctx, organization, name).await?, name) {
            (Some(app), _) => return change(ctx, actor, &app, manifest, dry_run).await,
            (None, Name::ClientId(_)) => return Err(Refusal::NotFound),
            (None, Name::Key(key)) => {
                let made = create(ctx, actor, &membership, key, manifest, dry_run).await?;
                if let Some(after) = made {
                    return Ok(Applied { before: None, after });
                }
            }
        }
    }
    Err(Refusal::Conflict)
}

/// `None`: something changed meanwhile, maybe another app of this key.
async fn create(
    ctx: &Context,
    actor: &Actor,
    membership: &Membership,
    key: &str,
    manifest: &Manifest,
    dry_run: bool,
) -> Result<Option<Case>, Refusal> {
    apps::check_room(ctx, &membership.organization.id).await?;
    let mut faults = Vec::new();
    let details = with_user_id(ctx, &manifest.details).await?;
    details.check_fits(manifest.kind, &mut faults);
    let new = NewApp {
        kind: manifest.kind,
        client_type: manifest.client_type.unwrap_or(ClientType::Confidential),
        details: details.applied(Details::default()),
        logo: None,
        wishes: None,
        key: Some(key.to_owned()),
    };
    let mut batch = Batch::new();
    let draft = match apps::drafted(ctx, actor, membership, &new, &mut batch).await {
        Ok(draft) => draft,
        Err(Refusal::Invalid(found)) => return Err(Refusal::Invalid([faults, found].concat())),
        Err(other) => return Err(other),
    };
    let mut case = draft.clone();
    if let Some(wishes) = manifest.scopes.as_ref().filter(|wishes| !wishes.is_empty()) {
        gather(
            scopes::put(ctx, Some(membership.role()), &mut case, wishes),
            &mut faults,
        )?;
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    membership.hold(&mut batch);
    let case = saving::insert(ctx, actor, &draft, case, &mut batch)?;
    Ok((dry_run || commit(ctx, batch).await?).then_some(case))
}

async fn change(
    ctx: &Context,
    actor: &Actor,
    app: &App,
    manifest: &Manifest,
    dry_run: bool,
) -> Result<Applied, Refusal> {
    // Whoever may not change it learns nothing of whom it could name.
    actor.on_app(ctx, &app.client_id, Right::ChangeApp).await?;
    let details = with_user_id(ctx, &manifest.details).await?;
    let chosen = chosen(ctx, &app.organization, &details).await?;
    let changed = saving::compared(ctx, actor, &app.client_id, Right::ChangeApp, |edit| {
        let mut faults = other_sort(manifest, &edit.access.app);
        details.check_fits(edit.access.app.kind, &mut faults);
        let wanted = details.applied(Details::of(&edit.case));
        apps::put(ctx, edit, &wanted, &chosen, &mut faults)?;
        if let Some(wishes) = &manifest.scopes {
            let role = edit.access.relation.role.ok_or(Refusal::Forbidden)?;
            let had = edit.case.dossier.wanted.clone();
            gather(scopes::put(ctx, Some(role), &mut edit.case, wishes), &mut faults)?;
            if had != edit.case.dossier.wanted {
                edit.event = EventKind::AppScopesChanged;
            }
        }
        edit.only_changes = true;
        edit.dry_run = dry_run;
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(faults))
        }
    });
    let (before, after) = changed.await?;
    Ok(Applied {
        before: Some(before),
        after,
    })
}

/// What is wrong with some of it is told with what is wrong with the rest.
pub fn gather(judged: Result<(), Refusal>, faults: &mut Vec<Fault>) -> Result<(), Refusal> {
    match judged {
        Err(Refusal::Invalid(found)) => {
            faults.extend(found);
            Ok(())
        }
        other => other,
    }
}

/// What an app is from the beginning to its end.
pub fn other_sort(manifest: &Manifest, app: &App) -> Vec<Fault> {
    let mut faults = Vec::new();
    if manifest.kind != app.kind {
        faults.push(Fault::new("kind", "developer_fault_other_sort"));
    }
    if manifest.client_type.is_some_and(|of| of != app.client_type) {
        faults.push(Fault::new("client_type", "developer_fault_other_sort"));
    }
    faults
}

/// Whom the file says it acts as; nobody where it says nothing.
pub async fn chosen(ctx: &Context, organization: &str, details: &DetailsChange) -> Result<Named, StoreError> {
    let user = details.dedicated_user.as_deref().unwrap_or_default();
    people::find(ctx, organization, user).await
}

/// A file names people by their address; what is nobody's stays as it is, and is refused later.
pub async fn with_user_id(ctx: &Context, details: &DetailsChange) -> Result<DetailsChange, StoreError> {
    let mut details = details.clone();
    if let Some(email) = details.dedicated_user.as_ref().filter(|user| user.contains('@')) {
        let user = load_by_index::<User>(&*ctx.store, &keys::email(email)).await?;
        if let Some(user) = user {
            details.dedicated_user = Some(user.value.id);
        }
    }
    Ok(details)
}
