//! Apps as their developers make and change them. Whatever is saved goes through [`saving`], where the app moves from
//! state to state; what may stand in an app is judged in [`checks`].

pub mod checks;
pub mod history;
pub mod listing;
pub mod people;
pub(super) mod saving;
pub mod scopes;
pub mod standing;
pub mod team;
pub mod transfer;
pub mod withdrawal;

use super::actor::{Actor, AppAccess, Membership};
use super::commit;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use crate::base::random;
use crate::context::Context;
use crate::model::app::{App, AppState, ClientType, Kind};
use crate::model::dossier::Dossier;
use crate::model::review::{self, Case};
use crate::store::records::count;
use crate::store::{Batch, keys};
use people::Named;
use saving::Edit;
pub use saving::waiting;
use scopes::Wish;

/// Apps of one organization.
const APPS_MAX: u32 = 200;

/// What a developer tells of an app, as a form or the JSON API sends it. What is empty is not there.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Details {
    pub name: String,
    pub company: String,
    pub website: String,
    /// An email address or an https URL.
    pub support: String,
    pub privacy_policy: String,
    pub terms: String,
    /// Of public apps.
    pub redirect_uris: Vec<String>,
    /// Of private apps: a user id.
    pub dedicated_user: String,
    /// Email addresses.
    pub stakeholders: Vec<String>,
}

/// An app that is to be made.
#[derive(Clone, Debug)]
pub struct NewApp {
    pub kind: Kind,
    pub client_type: ClientType,
    pub details: Details,
    /// The digest of a picture that is kept already.
    pub logo: Option<String>,
    /// `None`: they are told later.
    pub wishes: Option<Vec<Wish>>,
    /// What a file calls it ([`super::manifest`]).
    pub key: Option<String>,
}

/// Other details: what is `None` stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DetailsChange {
    pub name: Option<String>,
    pub company: Option<String>,
    pub website: Option<String>,
    pub support: Option<String>,
    pub privacy_policy: Option<String>,
    pub terms: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    pub dedicated_user: Option<String>,
    pub stakeholders: Option<Vec<String>>,
}

impl DetailsChange {
    pub fn applied(&self, old: Details) -> Details {
        let text = |new: &Option<String>, old: String| new.clone().unwrap_or(old);
        let list = |new: &Option<Vec<String>>, old: Vec<String>| new.clone().unwrap_or(old);
        Details {
            name: text(&self.name, old.name),
            company: text(&self.company, old.company),
            website: text(&self.website, old.website),
            support: text(&self.support, old.support),
            privacy_policy: text(&self.privacy_policy, old.privacy_policy),
            terms: text(&self.terms, old.terms),
            redirect_uris: list(&self.redirect_uris, old.redirect_uris),
            dedicated_user: text(&self.dedicated_user, old.dedicated_user),
            stakeholders: list(&self.stakeholders, old.stakeholders),
        }
    }

    /// What another kind of app would have is refused, not left out.
    pub fn check_fits(&self, kind: Kind, faults: &mut Vec<Fault>) {
        if kind != Kind::Public && self.redirect_uris.as_ref().is_some_and(|uris| !uris.is_empty()) {
            faults.push(Fault::new("redirect_uris", "developer_fault_other_kind"));
        }
        if kind != Kind::Private && self.dedicated_user.as_ref().is_some_and(|user| !user.is_empty()) {
            faults.push(Fault::new("dedicated_user", "developer_fault_other_kind"));
        }
    }
}

impl Details {
    /// As they stand.
    pub fn of(case: &Case) -> Self {
        let Case { app, dossier } = case;
        let developer = &app.developer;
        Self {
            name: app.name.clone(),
            company: developer.company.clone(),
            website: developer.website.clone(),
            support: developer.support.clone().unwrap_or_default(),
            privacy_policy: developer.privacy_policy.clone().unwrap_or_default(),
            terms: developer.terms.clone().unwrap_or_default(),
            redirect_uris: app.redirect_uris.clone(),
            dedicated_user: app.dedicated_user.clone().unwrap_or_default(),
            stakeholders: dossier.stakeholders.clone(),
        }
    }
}

impl AppAccess {
    /// The app with its dossier.
    pub fn case(&self) -> Case {
        Case {
            app: self.app.value.clone(),
            dossier: self.dossier(),
        }
    }
}

/// A new app of the organization, a draft until nothing that is required is missing. It needs a name at least.
pub async fn create(ctx: &Context, actor: &Actor, organization: &str, new: NewApp) -> Result<Case, Refusal> {
    let membership = actor.in_organization(ctx, organization, Right::CreateApp).await?;
    check_room(ctx, organization).await?;
    let mut batch = Batch::new();
    let draft = drafted(ctx, actor, &membership, &new, &mut batch).await?;
    let mut case = draft.clone();
    if let Some(wishes) = new.wishes.as_ref().filter(|wishes| !wishes.is_empty()) {
        scopes::put(ctx, Some(membership.role()), &mut case, wishes)?;
    }
    membership.hold(&mut batch);
    let case = saving::insert(ctx, actor, &draft, case, &mut batch)?;
    if commit(ctx, batch).await? {
        Ok(case)
    } else {
        Err(Refusal::Conflict)
    }
}

/// Of two that are made at once one may be too many: it only keeps the list short.
pub(super) async fn check_room(ctx: &Context, organization: &str) -> Result<(), Refusal> {
    let index = keys::apps_of_organization(organization);
    if count(&*ctx.store, &index, APPS_MAX).await? < APPS_MAX as usize {
        Ok(())
    } else {
        Err(Refusal::State("developer_too_many_apps"))
    }
}

/// What the app would be, its scopes left out.
pub(super) async fn drafted(
    ctx: &Context,
    actor: &Actor,
    membership: &Membership,
    new: &NewApp,
    batch: &mut Batch,
) -> Result<Case, Refusal> {
    let organization = &membership.organization.id;
    let client_id = format!("{}_app_{}", ctx.profile().prefix, random::token::<15>(&*ctx.random));
    let mut faults = Vec::new();
    if new.kind == Kind::ResourceServer || (new.kind == Kind::Private && new.client_type == ClientType::Public) {
        faults.push(Fault::new("kind", "developer_fault_kind"));
    }
    let mut app = App::new(
        client_id.clone(),
        organization.clone(),
        new.kind,
        new.client_type,
        ctx.now(),
    );
    app.state = AppState::Draft;
    app.developer.logo.clone_from(&new.logo);
    app.key.clone_from(&new.key);
    let mut dossier = Dossier {
        team: vec![actor.id().to_owned()],
        ..Dossier::new(&client_id)
    };
    checks::apply(&mut app, &mut dossier.stakeholders, &new.details, &mut faults);
    if app.name.is_empty() && !faults.iter().any(|fault| fault.field == "name") {
        faults.push(Fault::new("name", "developer_fault_required"));
    }
    if app.kind == Kind::Private {
        let chosen = people::find(ctx, organization, &new.details.dedicated_user).await?;
        app.dedicated_user = chosen.dedicated(membership.role(), batch, &mut faults);
    }
    if faults.is_empty() {
        Ok(Case { app, dossier })
    } else {
        Err(Refusal::Invalid(faults))
    }
}

/// Other details.
pub async fn edit(ctx: &Context, actor: &Actor, client_id: &str, details: &Details) -> Result<Case, Refusal> {
    let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
    let chosen = people::find(ctx, &access.app.organization, &details.dedicated_user).await?;
    saving::edit(ctx, actor, client_id, |edit| {
        let mut faults = Vec::new();
        put(ctx, edit, details, &chosen, &mut faults)?;
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(faults))
        }
    })
    .await
}

/// Some other details.
pub async fn change(ctx: &Context, actor: &Actor, client_id: &str, change: &DetailsChange) -> Result<Case, Refusal> {
    let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
    let user = change.dedicated_user.as_deref().unwrap_or_default();
    let chosen = people::find(ctx, &access.app.organization, user).await?;
    saving::edit(ctx, actor, client_id, |edit| {
        let mut faults = Vec::new();
        change.check_fits(edit.access.app.kind, &mut faults);
        let details = change.applied(Details::of(&edit.case));
        put(ctx, edit, &details, &chosen, &mut faults)?;
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(faults))
        }
    })
    .await
}

/// The details in place of what there is; `chosen` is who they say it acts as, where that is somebody else.
pub(super) fn put(
    ctx: &Context,
    edit: &mut Edit<'_>,
    details: &Details,
    chosen: &Named,
    faults: &mut Vec<Fault>,
) -> Result<(), Refusal> {
    let Case { app, dossier } = &mut edit.case;
    checks::apply(app, &mut dossier.stakeholders, details, faults);
    let other_user = app.dedicated_user.as_deref().unwrap_or_default() != details.dedicated_user;
    if app.kind == Kind::Private && other_user {
        let role = edit.access.relation.role.ok_or(Refusal::Forbidden)?;
        app.dedicated_user = chosen.dedicated(role, &mut edit.batch, faults);
    }
    // Whatever was complete stays so.
    if edit.access.app.state != AppState::Draft {
        require(ctx, &edit.case, faults);
    }
    Ok(())
}

/// Hands the app in as it is: after a reviewer said no, or where a draft lacks nothing any more.
pub async fn submit(ctx: &Context, actor: &Actor, client_id: &str) -> Result<Case, Refusal> {
    saving::edit(ctx, actor, client_id, |edit| {
        let case = &edit.case;
        let missing = ctx.profile().review.missing(case);
        if !missing.is_empty() {
            let fault = |detail: &review::Detail| Fault::new(detail.as_str(), "developer_fault_required");
            return Err(Refusal::Invalid(missing.iter().map(fault).collect()));
        }
        if !can_be_submitted(case) {
            return Err(Refusal::State("developer_nothing_to_submit"));
        }
        edit.hand_in = true;
        Ok(())
    })
    .await
}

/// Whether there is anything to hand in, were it complete.
pub fn can_be_submitted(case: &Case) -> bool {
    let public = case.app.kind == Kind::Public;
    match case.app.state {
        AppState::Draft => true,
        AppState::ChangesRequested | AppState::Rejected => public,
        AppState::Active => public && case.dossier.wanted.iter().any(|scope| !case.app.scopes.contains(scope)),
        AppState::PendingReview | AppState::Suspended => false,
    }
}

/// Another picture: the digest of one that is kept already.
pub async fn set_logo(ctx: &Context, actor: &Actor, client_id: &str, logo: &str) -> Result<Case, Refusal> {
    saving::edit(ctx, actor, client_id, |edit| {
        edit.case.app.developer.logo = Some(logo.to_owned());
        Ok(())
    })
    .await
}

/// What is missing, beside its field. Scopes are another form's.
fn require(ctx: &Context, case: &Case, faults: &mut Vec<Fault>) {
    for detail in ctx.profile().review.missing(case) {
        let field = detail.as_str();
        if detail != review::Detail::Scopes && !faults.iter().any(|fault| fault.field == field) {
            faults.push(Fault::new(field, "developer_fault_required"));
        }
    }
}
