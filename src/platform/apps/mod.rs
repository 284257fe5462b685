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

use super::actor::{Actor, AppAccess};
use super::commit;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use crate::base::random;
use crate::context::Context;
use crate::model::app::{App, AppState, ClientType, Kind};
use crate::model::dossier::Dossier;
use crate::model::review::{self, Case};
use crate::store::{Batch, keys};

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
    let index = keys::apps_of_organization(organization);
    if ctx.store.scan(&index, None, APPS_MAX).await?.len() >= APPS_MAX as usize {
        return Err(Refusal::State("developer_too_many_apps"));
    }
    let client_id = format!("{}_app_{}", ctx.profile().prefix, random::token::<15>(&*ctx.random));
    let mut faults = Vec::new();
    if new.kind == Kind::ResourceServer || (new.kind == Kind::Private && new.client_type == ClientType::Public) {
        faults.push(Fault::new("kind", "developer_fault_kind"));
    }
    let mut app = App::new(
        client_id.clone(),
        organization.to_owned(),
        new.kind,
        new.client_type,
        ctx.now(),
    );
    app.state = AppState::Draft;
    app.developer.logo = new.logo;
    let mut dossier = Dossier {
        team: vec![actor.id().to_owned()],
        ..Dossier::new(&client_id)
    };
    checks::apply(&mut app, &mut dossier.stakeholders, &new.details, &mut faults);
    if app.name.is_empty() && !faults.iter().any(|fault| fault.field == "name") {
        faults.push(Fault::new("name", "developer_fault_required"));
    }
    let mut batch = Batch::new();
    if app.kind == Kind::Private {
        let chosen = people::find(ctx, organization, &new.details.dedicated_user).await?;
        app.dedicated_user = chosen.dedicated(membership.role(), &mut batch, &mut faults);
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let case = Case { app, dossier };
    membership.hold(&mut batch);
    saving::insert(ctx, actor, &case, &mut batch)?;
    if commit(ctx, batch).await? {
        Ok(case)
    } else {
        Err(Refusal::Conflict)
    }
}

/// Other details.
pub async fn edit(ctx: &Context, actor: &Actor, client_id: &str, details: &Details) -> Result<Case, Refusal> {
    let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
    let chosen = people::find(ctx, &access.app.organization, &details.dedicated_user).await?;
    saving::edit(ctx, actor, client_id, |edit| {
        let mut faults = Vec::new();
        let Case { app, dossier } = &mut edit.case;
        checks::apply(app, &mut dossier.stakeholders, details, &mut faults);
        let other_user = app.dedicated_user.as_deref().unwrap_or_default() != details.dedicated_user;
        if app.kind == Kind::Private && other_user {
            let role = edit.access.relation.role.ok_or(Refusal::Forbidden)?;
            app.dedicated_user = chosen.dedicated(role, &mut edit.batch, &mut faults);
        }
        // Whatever was complete stays so.
        if edit.access.app.state != AppState::Draft {
            require(ctx, &edit.case, &mut faults);
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(faults))
        }
    })
    .await
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
