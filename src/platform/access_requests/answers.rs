//! What administrators answer to an access request.

use super::{look, status_link};
use crate::account::letters::{Form, compose, post};
use crate::account::links;
use crate::base::text::name;
use crate::context::Context;
use crate::model::access_request::{AccessRequest, Answer, NAME_CHARS_MAX, Offer, Offered, Outcome, SCOPES_BYTES_MAX};
use crate::model::event::{Event, EventKind};
use crate::model::link::{Allows, LinkKind};
use crate::model::mail::TRIED_FOR;
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::personal_token;
use crate::model::role::Role;
use crate::model::user::User;
use crate::platform::actor::Actor;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::reviews::decisions::note;
use crate::platform::rights::{SCOPES, scopes_for};
use crate::platform::{commit, founding};
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, StoreError, keys};

const DECLINED: Form = Form::new("mail_request_declined_subject", "mail_request_declined_text");
const ACCEPTED: Form = Form::new("mail_request_accepted_subject", "mail_request_accepted_text");

/// The roles an asker can be invited with: those that may have an app.
pub const ROLES: [Role; 3] = [Role::Developer, Role::Admin, Role::Owner];

/// The most days that a token lives.
pub const DAYS_MAX: u32 = 366;

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
    /// Of the app or the token.
    pub app_name: &'a str,
    pub scopes: &'a [&'a str],
    /// That a token lives.
    pub days: &'a str,
}

/// The same, judged.
struct Wanted {
    kind: Offered,
    name: String,
    scopes: Vec<String>,
    days: Option<u32>,
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

/// Accepts: invites the asker into an organization, which is made where there is none yet, and approves one app or one
/// token beforehand. The invitation's link, to show, where no mail server takes it.
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
    let wanted = checked(ctx, acceptance)?;
    let mut batch = Batch::new();
    let (organization, role) = place(ctx, &mut batch, acceptance).await?;
    if wanted.kind == Offered::PersonalToken {
        check_role(ctx, &wanted.scopes, role)?;
    }
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
        kind: wanted.kind,
        name: wanted.name,
        scopes: wanted.scopes,
        client_id: None,
        days: wanted.days,
        token: None,
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

fn checked(ctx: &Context, acceptance: Acceptance<'_>) -> Result<Wanted, Refusal> {
    let mut faults = Vec::new();
    let kind = Offered::ALL.into_iter().find(|kind| kind.as_str() == acceptance.kind);
    if kind.is_none() {
        faults.push(Fault::new("kind", "requests_kind_missing"));
    }
    let is_token = kind == Some(Offered::PersonalToken);
    let chars_max = if is_token {
        personal_token::NAME_CHARS_MAX
    } else {
        NAME_CHARS_MAX
    };
    let name = name(acceptance.app_name, chars_max);
    if name.is_none() {
        faults.push(Fault::new("app_name", "requests_name_bad").with("characters", chars_max));
    }
    // In the order of the catalog, each once; those of the JSON API are for tokens alone.
    let own = SCOPES.into_iter().filter(|_| is_token);
    let names = ctx.profile().scopes.names().chain(own);
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
    let days = match days(ctx, acceptance.days) {
        Err(fault) if is_token => {
            faults.push(fault);
            None
        }
        days => days.ok().flatten().filter(|_| is_token),
    };
    match (kind, name) {
        (Some(kind), Some(name)) if faults.is_empty() => Ok(Wanted {
            kind,
            name,
            scopes,
            days,
        }),
        _ => Err(Refusal::Invalid(faults)),
    }
}

/// Nothing entered is a life without end, where the profile has that.
fn days(ctx: &Context, text: &str) -> Result<Option<u32>, Fault> {
    let text = text.trim();
    if text.is_empty() && ctx.profile().pat.no_expiry {
        return Ok(None);
    }
    let days = text.parse().ok().filter(|days| (1..=DAYS_MAX).contains(days));
    days.map(Some)
        .ok_or(Fault::new("days", "requests_days_bad").with("days", DAYS_MAX))
}

/// A token never does more than the role: better said now than found out by the asker.
fn check_role(ctx: &Context, scopes: &[String], role: Role) -> Result<(), Refusal> {
    let own = scopes_for(role, None);
    let held = |name: &String| ctx.profile().scopes.may_grant(role, name) || own.contains(&name.as_str());
    let beyond: Vec<&str> = scopes.iter().filter(|name| !held(name)).map(String::as_str).collect();
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Fault::new("scopes", "requests_scopes_role")
        .with("scopes", beyond.join(" "))
        .into())
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
        token: actor.token_used(),
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
