//! `app apply`: an app as a file says it. Whoever runs the server decides as a reviewer does, so a new app is active at
//! once and other scopes are in force at once, as with `app create` and `app change`.

use super::{commit, organizations};
use crate::base::random;
use crate::context::Context;
use crate::model::app::{App, ClientType, Kind};
use crate::model::dossier::Dossier;
use crate::model::event::EventKind;
use crate::model::organization::Organization;
use crate::model::review::{Case, Detail, Rules, same};
use crate::platform::apps::scopes;
use crate::platform::apps::{Details, checks};
use crate::platform::manifest::{self, Applied, Manifest, Name, read};
use crate::platform::refusal::{Fault, Refusal};
use crate::store::records::{Versioned, list, load};
use crate::store::{Batch, keys};
use serde_json::{Value, json};

/// The app is what the file says, or, with `check`, would be. Everything is judged before anything is written.
pub async fn apply(
    ctx: &Context,
    file: &str,
    text: &str,
    organization: Option<String>,
    check: bool,
) -> Result<Value, String> {
    let (name, manifest) = read::toml(file, text).map_err(|sentences| sentences.join("\n"))?;
    let organization = owner(ctx, &name, organization).await?;
    let found = manifest::find(ctx, &organization, &name).await?;
    let found = match (found, &name) {
        (None, Name::ClientId(id)) => {
            return Err(format!("{organization} has no app {id}: `grantd app list` shows them"));
        }
        (found, _) => found,
    };
    let old = match found {
        Some(app) => Some(Old::of(ctx, app).await?),
        None => None,
    };
    let mut batch = Batch::new();
    let after = wanted(ctx, old.as_ref(), &organization, &name, &manifest, &mut batch).await?;
    let applied = Applied {
        before: old.as_ref().map(|old| old.case.clone()),
        after,
    };
    let changed = applied.created() || !applied.differences().is_empty();
    if changed && !check {
        put(ctx, batch, old, &applied).await?;
    }
    Ok(view(ctx, &applied, changed, check))
}

/// An app as it was read.
struct Old {
    app: Versioned<App>,
    dossier: Option<Versioned<Dossier>>,
    case: Case,
}

impl Old {
    async fn of(ctx: &Context, app: Versioned<App>) -> Result<Self, String> {
        let dossier = load::<Dossier>(&*ctx.store, &keys::dossier(&app.client_id)).await?;
        let case = Case {
            dossier: dossier
                .as_ref()
                .map_or_else(|| Dossier::beside(&app), |dossier| dossier.value.clone()),
            app: app.value.clone(),
        };
        Ok(Self { app, dossier, case })
    }
}

/// The organization that is named, or the only one that can be meant.
async fn owner(ctx: &Context, name: &Name, organization: Option<String>) -> Result<String, String> {
    if let Some(named) = organization {
        return Ok(organizations::find(ctx, &named).await?.value.id);
    }
    if let Name::ClientId(id) = name {
        return Ok(super::apps::find(ctx, id).await?.value.organization);
    }
    let (two, _) = list::<Organization>(&*ctx.store, &keys::organizations(), None, 2).await?;
    match two.as_slice() {
        [only] => Ok(only.id.clone()),
        _ => Err("say whose app it is: --organization ID; `grantd org list` shows them".into()),
    }
}

/// The app as the file has it, or every reason why it cannot be.
async fn wanted(
    ctx: &Context,
    old: Option<&Old>,
    organization: &str,
    name: &Name,
    manifest: &Manifest,
    batch: &mut Batch,
) -> Result<Case, String> {
    let mut case = old.map_or_else(|| new(ctx, organization, name, manifest), |old| old.case.clone());
    let mut faults = manifest::other_sort(manifest, &case.app);
    let mut details = manifest.details.clone();
    details.check_fits(case.app.kind, &mut faults);
    let mut sentences = Vec::new();
    if let Some(user) = details.dedicated_user.as_mut().filter(|user| !user.is_empty()) {
        match super::apps::dedicated_user(ctx, organization, user, batch).await {
            Ok(id) => *user = id,
            Err(sentence) => sentences.push(format!("dedicated_user: {sentence}")),
        }
    }
    let all = details.applied(Details::of(&case));
    checks::apply(&mut case.app, &mut case.dossier.stakeholders, &all, &mut faults);
    if case.app.kind == Kind::Private {
        case.app.dedicated_user = Some(all.dedicated_user).filter(|user| !user.is_empty());
    }
    if let Some(wishes) = &manifest.scopes {
        let judged = scopes::put(ctx, None, &mut case, wishes);
        manifest::gather(judged, &mut faults).map_err(|refusal| sentence(ctx, refusal))?;
    }
    in_force(old, &mut case);
    // What a profile asks for besides only keeps developers from handing it in.
    let least = Rules {
        require_public: Vec::new(),
        require_private: Vec::new(),
        ..ctx.profile().review.clone()
    };
    let lacks = |detail: Detail| Fault::new(detail.as_str(), "developer_fault_required");
    let known = |fault: &Fault| faults.iter().any(|other| other.field == fault.field);
    let missing: Vec<Fault> = least.missing(&case).into_iter().map(lacks).collect();
    let missing: Vec<Fault> = missing.into_iter().filter(|fault| !known(fault)).collect();
    sentences.extend(faults.iter().chain(&missing).map(|fault| said(ctx, fault)));
    if sentences.is_empty() {
        Ok(case)
    } else {
        Err(sentences.join("\n"))
    }
}

fn new(ctx: &Context, organization: &str, name: &Name, manifest: &Manifest) -> Case {
    let client_id = format!("{}_app_{}", ctx.profile().prefix, random::token::<15>(&*ctx.random));
    let client_type = manifest.client_type.unwrap_or(ClientType::Confidential);
    let mut app = App::new(
        client_id,
        organization.to_owned(),
        manifest.kind,
        client_type,
        ctx.now(),
    );
    if let Name::Key(key) = name {
        app.key = Some(key.clone());
    }
    Case {
        dossier: Dossier::new(&app.client_id),
        app,
    }
}

/// Other scopes are approved with it, and end what was made with the old ones; so does another user to act as.
fn in_force(old: Option<&Old>, case: &mut Case) {
    case.app.scopes.clone_from(&case.dossier.wanted);
    let Some(old) = old else {
        return;
    };
    let others = !same(&old.case.app.scopes, &case.app.scopes);
    if others || old.case.app.dedicated_user != case.app.dedicated_user {
        case.app.epoch += 1;
    }
    if let Some(approved) = case.dossier.approved.as_mut().filter(|_| others) {
        approved.clone_from(&case.app.scopes);
    }
}

async fn put(ctx: &Context, mut batch: Batch, old: Option<Old>, applied: &Applied) -> Result<(), String> {
    let Case { app, dossier } = &applied.after;
    let mut event = match &old {
        None => super::apps::told(ctx, EventKind::AppCreated, app),
        Some(old) if old.case.dossier.wanted != dossier.wanted => {
            super::apps::told(ctx, EventKind::AppScopesChanged, app)
        }
        Some(_) => super::apps::told(ctx, EventKind::AppChanged, app),
    };
    match &old {
        None => event.subject = Some(app.name.clone()),
        Some(_) => event.changes = applied.differences(),
    }
    match &old {
        None => batch.insert(app)?,
        Some(old) => {
            batch.revokes = app.epoch > old.app.epoch;
            batch.replace(&old.app, app)?
        }
    };
    match old.and_then(|old| old.dossier) {
        None => batch.insert(dossier)?,
        Some(old) => batch.replace(&old, dossier)?,
    };
    batch.insert(&event)?;
    commit(ctx, batch).await
}

fn said(ctx: &Context, fault: &Fault) -> String {
    let values: Vec<(&str, &str)> = fault
        .values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let sentence = ctx.config.pages.texts([]).fill(fault.key, &values);
    format!("{}: {sentence}", fault.field)
}

fn sentence(ctx: &Context, refusal: Refusal) -> String {
    match refusal {
        Refusal::State(key) => ctx.config.pages.texts([]).fill(key, &[]),
        Refusal::Store(error) => error.to_string(),
        other => format!("it was refused: {other:?}"),
    }
}

fn view(ctx: &Context, applied: &Applied, changed: bool, check: bool) -> Value {
    let app = &applied.after.app;
    let differences = applied
        .differences()
        .into_iter()
        .map(|change| json!({ "what": change.what, "before": change.before, "after": change.after }));
    let missing = ctx.profile().review.missing(&applied.after);
    json!({
        "client_id": Some(&app.client_id).filter(|_| !(check && applied.created())),
        "key": app.key,
        "created": applied.created(),
        "changed": changed,
        "dry_run": check,
        "state": app.state,
        "differences": differences.collect::<Vec<_>>(),
        "missing": missing.iter().map(|detail| detail.as_str()).collect::<Vec<_>>(),
    })
}
