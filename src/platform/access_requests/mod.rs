//! Access requests: somebody without an account asks, an administrator answers with an invitation and one app or one
//! token that is approved beforehand, and the asker makes it once they have joined.

pub mod answers;
pub mod offers;

use super::actor::Actor;
use super::commit;
use super::people;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use crate::account::attempts::{self, Allowance};
use crate::account::letters::{Form, compose, post};
use crate::account::{self};
use crate::base::handle::Handle;
use crate::base::master::Purpose;
use crate::base::peer::network;
use crate::base::random;
use crate::base::text::{deceives, name};
use crate::base::time::Timestamp;
use crate::config::Texts;
use crate::context::Context;
use crate::model::access_request::{AccessRequest, DESCRIPTION_CHARS_MAX, Integration, NAME_CHARS_MAX};
use crate::model::event::{Event, EventKind};
use crate::model::mail::TRIED_FOR;
use crate::model::user::{Duty, User};
use crate::store::records::{Versioned, list_by_index, load};
use crate::store::{Batch, Key, StoreError, keys};
use std::net::IpAddr;
use std::time::Duration;

/// Rows of one page of the queue.
pub const PAGE: u32 = 25;
/// Requests that may wait. Then nobody can ask before some are answered.
pub const WAITING_MAX: u32 = 1000;

/// Requests of or for one address, whoever sends them.
const REQUESTS: Allowance = Allowance {
    what: "access request",
    max: 3,
    window: Duration::from_secs(24 * 60 * 60),
};

/// Requests that come out of one network, whatever addresses they name.
const OF_NETWORK: Allowance = Allowance {
    what: "access requests of a network",
    max: 20,
    window: Duration::from_secs(24 * 60 * 60),
};

/// Requests that administrators get letters about, of all that strangers send; they all stand in the queue.
const ANNOUNCED: Allowance = Allowance {
    what: "letters about access requests",
    max: 20,
    window: Duration::from_secs(24 * 60 * 60),
};
/// Letters about one request: a batch has room for no more.
const ADMINISTRATORS_MAX: usize = 25;

const WAITS: Form = Form::new("mail_request_waits_subject", "mail_request_waits_text");
const RECEIVED: Form = Form::new("mail_request_received_subject", "mail_request_received_text");

/// What somebody entered.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub name: &'a str,
    pub organization: &'a str,
    pub email: &'a str,
    pub integration: &'a str,
    pub description: &'a str,
}

/// Where there is no such form, there is nothing of it.
pub fn check_open(ctx: &Context) -> Result<(), Refusal> {
    if ctx.profile().access_requests {
        Ok(())
    } else {
        Err(Refusal::NotFound)
    }
}

/// Puts a request into the queue. The path and query of its status page, which open it for whoever has them.
pub async fn ask(ctx: &Context, texts: &Texts, asked: Asked<'_>, peer: IpAddr) -> Result<String, Refusal> {
    check_open(ctx)?;
    let request = checked(ctx, texts, asked)?;
    attempts::count(ctx, &OF_NETWORK, &network(peer).to_string()).await?;
    if !attempts::ask(ctx, &REQUESTS, &request.email, peer).await? {
        return Err(account::Refusal::Wait(REQUESTS.window).into());
    }
    let index = keys::waiting_access_requests();
    if ctx.store.scan(&index, None, WAITING_MAX).await?.len() >= WAITING_MAX as usize {
        return Err(Refusal::State("requests_full"));
    }
    let link = status_link(ctx, &request).ok_or(Refusal::NotFound)?;
    let url = format!("{}{link}", ctx.issuer());
    // Nothing of what was entered stands in the letter: nobody has shown yet that the address is theirs.
    let letter = compose(ctx, texts, &request.email, RECEIVED, &[("link", &url)]);
    let mut batch = Batch::new();
    batch.insert(&request)?.insert(&Event {
        subject: Some(request.email.clone()),
        ..Event::new(EventKind::AccessRequested, request.at, &*ctx.random)
    })?;
    post(ctx, &mut batch, Some(&letter), request.at + TRIED_FOR)?;
    announce(ctx, &mut batch, &request).await?;
    if commit(ctx, batch).await? {
        Ok(link)
    } else {
        Err(Refusal::Conflict)
    }
}

/// Puts a letter to each administrator into the batch, in their own languages. It says nothing that a stranger wrote.
async fn announce(ctx: &Context, batch: &mut Batch, request: &AccessRequest) -> Result<(), Refusal> {
    if ctx.config.mail.is_none() {
        return Ok(());
    }
    match attempts::count_with(ctx, batch, &ANNOUNCED, "").await {
        Ok(()) => {}
        Err(account::Refusal::Wait(_)) => return Ok(()),
        Err(refusal) => return Err(refusal.into()),
    }
    let link = format!("{}/admin/access-requests/{}", ctx.issuer(), request.id);
    let administers = |user: &Versioned<User>| user.duty == Some(Duty::Administrator) && !user.disabled;
    let told = people::on_duty(ctx).await?.into_iter().filter(administers);
    for administrator in told.take(ADMINISTRATORS_MAX) {
        let texts = ctx.config.pages.texts(administrator.language.as_deref());
        let letter = compose(ctx, texts, &administrator.email, WAITS, &[("link", &link)]);
        post(ctx, batch, Some(&letter), request.at + TRIED_FOR)?;
    }
    Ok(())
}

fn checked(ctx: &Context, texts: &Texts, asked: Asked<'_>) -> Result<AccessRequest, Refusal> {
    let mut faults = Vec::new();
    let mut named = |field, text: &str| {
        let good = name(text, NAME_CHARS_MAX);
        if good.is_none() {
            faults.push(Fault::new(field, "requests_name_bad").with("characters", NAME_CHARS_MAX));
        }
        good.unwrap_or_default()
    };
    let (person, organization) = (named("name", asked.name), named("organization", asked.organization));
    let email = asked.email.trim().to_owned();
    if !User::valid_email(&email) {
        faults.push(Fault::new("email", "email_bad"));
    }
    let integration = Integration::ALL.into_iter().find(|i| i.as_str() == asked.integration);
    if integration.is_none() {
        faults.push(Fault::new("integration", "requests_integration_missing"));
    }
    let description = asked.description.replace("\r\n", "\n").trim().to_owned();
    let hides = description.chars().any(|c| c != '\n' && deceives(c));
    if description.is_empty() || hides || description.chars().count() > DESCRIPTION_CHARS_MAX {
        let fault = Fault::new("description", "requests_description_bad");
        faults.push(fault.with("characters", DESCRIPTION_CHARS_MAX));
    }
    let Some(integration) = integration.filter(|_| faults.is_empty()) else {
        return Err(Refusal::Invalid(faults));
    };
    let id = format!("q_{}", random::token::<12>(&*ctx.random));
    let text = Handle::new(id.clone().into_bytes(), &*ctx.random);
    let text = text.text(&ctx.secret, Purpose::AccessRequest, &prefix(ctx));
    let link = ctx
        .secret
        .seal(Purpose::AccessRequest, id.as_bytes(), text.as_bytes(), &*ctx.random);
    Ok(AccessRequest {
        digest: ctx.secret.digest(Purpose::AccessRequest, text.as_bytes()),
        link,
        id,
        name: person,
        organization,
        email,
        integration,
        description,
        language: texts.language.to_owned(),
        at: ctx.now(),
        answer: None,
    })
}

/// The request whose status the link with this text shows.
pub async fn of_link(ctx: &Context, text: &str) -> Result<Versioned<AccessRequest>, Refusal> {
    check_open(ctx)?;
    let gone = Refusal::Account(account::Refusal::LinkGone);
    let handle = Handle::read(&ctx.secret, Purpose::AccessRequest, &prefix(ctx), text);
    let id = handle.and_then(|handle| String::from_utf8(handle.locator).ok());
    let Some(id) = id else {
        return Err(gone);
    };
    let request = load::<AccessRequest>(&*ctx.store, &keys::access_request(&id)).await?;
    let opens = |request: &Versioned<AccessRequest>| {
        ctx.secret
            .verify(Purpose::AccessRequest, text.as_bytes(), &request.digest)
    };
    request.filter(opens).ok_or(gone)
}

/// Path and query of the status page; `None` where the seal was made with another secret.
fn status_link(ctx: &Context, request: &AccessRequest) -> Option<String> {
    let text = ctx
        .secret
        .open(Purpose::AccessRequest, request.id.as_bytes(), &request.link)?;
    let text = std::str::from_utf8(&text).ok()?;
    Some(format!("/access-requests/status?link={text}"))
}

fn prefix(ctx: &Context) -> String {
    format!("{}_request_", ctx.profile().prefix)
}

/// How many wait, at most [`WAITING_MAX`].
pub async fn waiting(ctx: &Context, actor: &Actor) -> Result<usize, Refusal> {
    actor.on_duty(Right::AnswerAccessRequests)?;
    let index = keys::waiting_access_requests();
    Ok(ctx.store.scan(&index, None, WAITING_MAX).await?.len())
}

/// A page of those that wait, longest first, and where the next page begins.
pub async fn queue(
    ctx: &Context,
    actor: &Actor,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<AccessRequest>, Option<String>), Refusal> {
    check_open(ctx)?;
    actor.on_duty(Right::AnswerAccessRequests)?;
    let after = after.and_then(cursor);
    let index = keys::waiting_access_requests();
    let (found, more) = list_by_index::<AccessRequest>(&*ctx.store, &index, after.as_ref(), limit).await?;
    let last = found.last().filter(|_| more.is_some());
    let next = last.map(|request| format!("{}.{}", request.at.millis(), request.id));
    // Some may have been answered between the two reads.
    let waiting = found.into_iter().filter(|request| request.answer.is_none());
    Ok((waiting.map(|request| request.value).collect(), next))
}

/// `<milliseconds>.<id>`: the last row of a page.
fn cursor(text: &str) -> Option<Key> {
    let (at, id) = text.split_once('.')?;
    let at = Timestamp::from_millis(at.parse().ok()?);
    Some(keys::waiting_access_request(at, id))
}

/// One request, answered or not.
pub async fn look(ctx: &Context, actor: &Actor, id: &str) -> Result<Versioned<AccessRequest>, Refusal> {
    check_open(ctx)?;
    actor.on_duty(Right::AnswerAccessRequests)?;
    find(ctx, id).await?.ok_or(Refusal::NotFound)
}

async fn find(ctx: &Context, id: &str) -> Result<Option<Versioned<AccessRequest>>, StoreError> {
    load(&*ctx.store, &keys::access_request(id)).await
}
