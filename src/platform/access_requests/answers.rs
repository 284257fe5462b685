//! What administrators answer to an access request.

use super::{look, status_link};
use crate::account::letters::{Form, compose, post};
use crate::account::links;
use crate::base::text::name;
use crate::context::Context;
use crate::model::access_request::{AccessRequest, Answer, NAME_CHARS_MAX, Offer, Outcome, SCOPES_BYTES_MAX};
use crate::model::app::Kind;
use crate::model::event::{Event, EventKind};
use crate::model::link::{Allows, LinkKind};
use crate::model::mail::TRIED_FOR;
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::role::Role;
use crate::model::user::User;
use crate::platform::actor::Actor;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::reviews::decisions::note;
use crate::platform::{commit, founding};
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, StoreError, keys};

const DECLINED: Form = Form::new("mail_request_declined_subject", "mail_request_declined_text");
const ACCEPTED: Form = Form::new("mail_request_accepted_subject", "mail_request_accepted_text");

/// The roles an asker can be invited with: those that may have an app.
pub const ROLES: [Role; 3] = [Role::Developer, Role::Admin, Role::Owner];

/// What an administrator entered.
#[derive(Clone, Copy)]
pub struct Acceptance<'a> {
    /// The id of an organization there is; empty for a new one.
    pub organization: &'a str,
    /// Of the new one.
    pub organization_name: &'a str,
    /// In an organization there is. Of a new one the asker is the owner.
    pub role: &'a str,
    pub kind: &'a str,
    pub app_name: &'a str,
    pub scopes: &'a [&'a str],
}

/// Declines, with a note that the asker reads.
pub async fn decline(ctx: &Context, actor: &Actor, id: &str, why: &str) -> Result<(), Refusal> {
    let request = open(ctx, actor, id).await?;
    let note = note(why, false)?;
    let mut batch = Batch::new();
    let link = url(ctx, &request)?;
    let values = [("note", note.as_str()), ("link", &link)];
    tell(ctx, &mut batch, &request, DECLINED, &values)?;
    answer(ctx, actor, batch, &request, Outcome::Declined { note: note.clone() }).await
}

/// Accepts: invites the asker into an organization, which is made where there is none yet, and approves one app
/// beforehand. The invitation's link, to show, where no mail server takes it.
pub async fn accept(
    ctx: &Context,
    actor: &Actor,
    id: &str,
    acceptance: Acceptance<'_>,
) -> Result<Option<String>, Refusal> {
    let request = open(ctx, actor, id).await?;
    // A duty opens nothing of an organization: whoever has it lets nobody in who is themselves.
    if request.email.eq_ignore_ascii_case(&actor.user.email) {
        return Err(Refusal::Forbidden);
    }
    let (kind, app_name, scopes) = checked(ctx, acceptance)?;
    let mut batch = Batch::new();
    let (organization, role) = place(ctx, &mut batch, acceptance).await?;
    let user = load_by_index::<User>(&*ctx.store, &keys::email(&request.email)).await?;
    let member = match user {
        Some(user) => load::<Member>(&*ctx.store, &keys::member(&organization.id, &user.id)).await?,
        None => None,
    };
    let allows = Allows::Invitation {
        organization: organization.id.clone(),
        email: request.email.clone(),
        role,
        epoch: member.map_or(0, |member| member.epoch),
        by: None,
    };
    let invitation = links::make(ctx, LinkKind::Invitation, allows);
    batch.insert(&invitation.record)?;
    let link = url(ctx, &request)?;
    let values = [
        ("organization", organization.name.as_str()),
        ("invitation", &invitation.url),
        ("link", &link),
    ];
    tell(ctx, &mut batch, &request, ACCEPTED, &values)?;
    let offer = Offer {
        organization: organization.id,
        role,
        kind,
        name: app_name,
        scopes,
        client_id: None,
    };
    answer(ctx, actor, batch, &request, Outcome::Accepted(offer)).await?;
    Ok(ctx.config.mail.is_none().then_some(invitation.url))
}

async fn open(ctx: &Context, actor: &Actor, id: &str) -> Result<Versioned<AccessRequest>, Refusal> {
    let request = look(ctx, actor, id).await?;
    if request.answer.is_some() {
        return Err(Refusal::State("requests_answered"));
    }
    Ok(request)
}

fn checked(ctx: &Context, acceptance: Acceptance<'_>) -> Result<(Kind, String, Vec<String>), Refusal> {
    let mut faults = Vec::new();
    let kinds = [Kind::Private, Kind::Public];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == acceptance.kind);
    if kind.is_none() {
        faults.push(Fault::new("kind", "requests_kind_missing"));
    }
    let app_name = name(acceptance.app_name, NAME_CHARS_MAX);
    if app_name.is_none() {
        faults.push(Fault::new("app_name", "requests_name_bad").with("characters", NAME_CHARS_MAX));
    }
    // In the order of the catalog, each once.
    let names = ctx.profile().scopes.names();
    let scopes: Vec<String> = names
        .filter(|name| acceptance.scopes.contains(name))
        .map(str::to_owned)
        .collect();
    let unknown = acceptance.scopes.iter().any(|scope| !scopes.iter().any(|s| s == scope));
    let bytes: usize = scopes.iter().map(|scope| scope.len() + 1).sum();
    if scopes.is_empty() || unknown {
        faults.push(Fault::new("scopes", "requests_scopes_missing"));
    } else if bytes > SCOPES_BYTES_MAX {
        faults.push(Fault::new("scopes", "requests_scopes_many"));
    }
    match (kind, app_name) {
        (Some(kind), Some(app_name)) if faults.is_empty() => Ok((kind, app_name, scopes)),
        _ => Err(Refusal::Invalid(faults)),
    }
}

/// The organization, and the role in it; the batch rests on it or makes it.
async fn place(ctx: &Context, batch: &mut Batch, acceptance: Acceptance<'_>) -> Result<(Organization, Role), Refusal> {
    let id = acceptance.organization.trim();
    if id.is_empty() {
        let name = name(acceptance.organization_name, NAME_CHARS_MAX);
        let fault = || Fault::new("organization_name", "requests_name_bad").with("characters", NAME_CHARS_MAX);
        let organization = founding::found(ctx, batch, name.ok_or_else(fault)?).await?;
        return Ok((organization, Role::Owner));
    }
    let role = ROLES.into_iter().find(|role| role.as_str() == acceptance.role);
    let role = role.ok_or(Fault::new("role", "requests_role_missing"))?;
    let organization = load::<Organization>(&*ctx.store, &keys::organization(id)).await?;
    let organization = organization.filter(|organization| !organization.disabled);
    let organization = organization.ok_or(Fault::new("organization", "requests_organization_unknown"))?;
    batch.require(&organization);
    Ok((organization.value, role))
}

fn url(ctx: &Context, request: &AccessRequest) -> Result<String, Refusal> {
    let link = status_link(ctx, request);
    let link = link.ok_or_else(|| StoreError::Corrupt("the seal of an access request does not open".into()))?;
    Ok(format!("{}{link}", ctx.issuer()))
}

fn tell(
    ctx: &Context,
    batch: &mut Batch,
    request: &AccessRequest,
    form: Form,
    values: &[(&str, &str)],
) -> Result<(), StoreError> {
    let texts = ctx.config.pages.texts([request.language.as_str()]);
    let letter = compose(ctx, texts, &request.email, form, values);
    post(ctx, batch, Some(&letter), ctx.now() + TRIED_FOR)
}

async fn answer(
    ctx: &Context,
    actor: &Actor,
    mut batch: Batch,
    request: &Versioned<AccessRequest>,
    outcome: Outcome,
) -> Result<(), Refusal> {
    let (organization, note) = match &outcome {
        Outcome::Accepted(offer) => (Some(offer.organization.clone()), None),
        Outcome::Declined { note } => (None, Some(note.clone())),
    };
    let answered = AccessRequest {
        answer: Some(Answer {
            by: actor.id().to_owned(),
            at: ctx.now(),
            outcome,
        }),
        ..request.value.clone()
    };
    batch.replace(request, &answered)?.insert(&Event {
        organization,
        by: Some(actor.id().to_owned()),
        subject: Some(request.email.clone()),
        note,
        ..Event::new(EventKind::AccessRequestAnswered, ctx.now(), &*ctx.random)
    })?;
    actor.hold(&mut batch);
    if commit(ctx, batch).await? {
        Ok(())
    } else {
        Err(Refusal::Conflict)
    }
}
