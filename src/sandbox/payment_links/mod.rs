//! Payment links: made, listed, changed and archived. No money moves.

mod link;
pub mod sessions;

pub use link::{Link, LinkStatus, SessionStatus};

use super::call::{Call, Reply};
use super::collections::{after, content, next};
use super::fields::{amount, flag, is_email, object, text};
use super::merge::merge;
use super::refusal::Refusal;
use super::round::{NewDocument, Round};
use crate::model::document::Document;
use crate::platform::webhooks::payments;
use crate::store::records::Versioned;
use http::{Method, StatusCode};
use link::expiry;
use serde_json::{Map, Value, json};

/// The name of the collection.
pub const COLLECTION: &str = "payment_links";

/// Members beside the payload. In a body without one, all others are the payload's.
const BESIDE: [&str; 5] = ["status", "sendPaymentRequestEmail", "source", "settlement", "payload"];
const ADDRESSES: [&str; 4] = ["returnUrl", "successUrl", "failureUrl", "webhookUrl"];
const EXPIRATION_TIME: &str = "24h";

pub async fn answer(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    match (call.names_one(), call.method(), call.action) {
        (false, &Method::GET, _) => list(round).await,
        (false, &Method::POST, _) => create(round).await,
        (true, &Method::GET, "") => {
            let (document, link) = named(round).await?;
            Ok(Reply::ok(beside_organization(call, &link, &document)))
        }
        (true, &Method::PATCH, "") => change(round).await,
        (true, &Method::POST, "send-request-email") => send_request_email(round).await,
        _ => Err(Refusal::NotHere),
    }
}

/// A repeated creation made nothing: 200, where the first answer said 201.
pub fn told_again(call: &Call<'_>, mut reply: Reply) -> Reply {
    if call.collection == COLLECTION && reply.status == StatusCode::CREATED {
        reply.status = StatusCode::OK;
    }
    reply
}

async fn list(round: &Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    let (after, offset, status) = (after(call)?, call.offset()?, call.param("status")?);
    if after.is_some() && offset.is_some() {
        return Err(Refusal::invalid("Send a cursor or an offset, not both."));
    }
    let wanted = |document: &Document| {
        let has_status = |status| content::<Link>(document).is_ok_and(|link| link.has_status(status));
        call.sees(&document.owner) && status.is_none_or(has_status)
    };
    let (documents, more) = round
        .page(wanted, after.as_deref(), offset.unwrap_or_default(), call.limit()?)
        .await?;
    let shown = |document: &Versioned<Document>| {
        let link: Link = content(document)?;
        Ok(link.shown(call.ctx, document))
    };
    let links: Vec<Value> = documents.iter().map(shown).collect::<Result<_, Refusal>>()?;
    let mut body = Map::new();
    body.insert(call.id_member(), call.organization_id());
    body.insert("paymentLinks".into(), Value::Array(links));
    body.insert("hasMore".into(), json!(more));
    body.insert("nextCursor".into(), json!(next(&documents, more)));
    Ok(Reply::ok(Value::Object(body)))
}

async fn create(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let (call, sent) = (round.call, round.call.body()?);
    let now = call.now();
    let mut payload = match object(&sent, "payload")? {
        Some(payload) => payload.clone(),
        None => {
            let own = sent.iter().filter(|(name, _)| !BESIDE.contains(&name.as_str()));
            own.map(|(name, value)| (name.clone(), value.clone())).collect()
        }
    };
    for members in [&sent, &payload] {
        check_sandbox(members)?;
    }
    amount(&payload, "amount")?;
    for name in ["title", "description", "customerEmail"].iter().chain(&ADDRESSES) {
        text(&payload, name)?;
    }
    let metadata = object(&payload, "metadata")?.cloned().unwrap_or_default();
    payload.insert("metadata".into(), Value::Object(metadata));
    payload.insert("sandbox".into(), json!(true));
    let status = match text(&sent, "status")? {
        None => LinkStatus::Active,
        Some(status) => match LinkStatus::read(status)? {
            LinkStatus::Archived => {
                return Err(Refusal::Invalid(
                    "invalid_status",
                    "A new link is active or paused: it cannot begin archived.".into(),
                ));
            }
            status => status,
        },
    };
    let expires_at = expiry(text(&payload, "expirationTime")?.unwrap_or(EXPIRATION_TIME), now)?;
    let mut link = Link {
        status,
        payload,
        source: text(&sent, "source")?.map(str::to_owned),
        settlement: object(&sent, "settlement")?.cloned(),
        expires_at,
        session: None,
        subscription: subscription(round).await?,
        events: Vec::new(),
    };
    link.tell("created", now, json!({}));
    let email = link.email()?.filter(|email| is_email(email)).map(str::to_owned);
    let (emailed, email_error) = match (flag(&sent, "sendPaymentRequestEmail")?, email) {
        (false, _) => (false, None),
        (true, Some(email)) => {
            link.tell("payment_request_email", now, json!({ "email": email }));
            (true, None)
        }
        (true, None) => (false, Some("payload.customerEmail is no email address.")),
    };
    link.shorten();
    let document = round
        .insert(NewDocument {
            content: &link,
            unique: None,
            has_page: true,
        })
        .await?;
    let mut body = Map::new();
    body.insert("ok".into(), json!(true));
    body.insert(call.id_member(), call.organization_id());
    body.insert("paymentLink".into(), link.shown(call.ctx, &document));
    body.insert("paymentRequestEmailSent".into(), json!(emailed));
    body.insert("paymentRequestEmailError".into(), json!(email_error));
    Ok(Reply::created(Value::Object(body)))
}

/// What its maker's platform makes no link without.
async fn subscription(round: &mut Round<'_>) -> Result<Option<String>, Refusal> {
    let call = round.call;
    let (organization, client_id) = (call.organization(), call.caller.client_id.as_deref());
    let found = payments::put_new_link(call.ctx, &mut round.batch, organization, &call.owner, client_id).await?;
    found.map_err(|()| {
        Refusal::State(
            "webhook_subscription_inactive",
            "Nobody would hear of a payment: activate the webhook subscription first.",
            Map::new(),
        )
    })
}

/// No real funds, whatever a client hopes for.
fn check_sandbox(members: &Map<String, Value>) -> Result<(), Refusal> {
    match members.get("sandbox") {
        None | Some(Value::Null | Value::Bool(true)) => Ok(()),
        Some(_) => Err(Refusal::Invalid(
            "sandbox_only",
            "This is a sandbox: sandbox must be true or left out.".into(),
        )),
    }
}

async fn change(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let (call, sent) = (round.call, round.call.body()?);
    let (document, mut link) = named(round).await?;
    check_sandbox(&sent)?;
    let now = call.now();
    let status = text(&sent, "status")?.map(LinkStatus::read).transpose()?;
    for (name, value) in &sent {
        match name.as_str() {
            "status" | "sandbox" => {}
            "extendExpirationTime" => {
                let name = text(&sent, "extendExpirationTime")?;
                link.expires_at = expiry(name.unwrap_or_default(), now)?;
            }
            "metadata" => {
                let patch = object(&sent, "metadata")?.cloned().unwrap_or_default();
                if let Some(Value::Object(metadata)) = link.payload.get_mut("metadata") {
                    merge(metadata, patch);
                }
            }
            "skipQuoteAcceptance" => {
                link.payload.insert(name.clone(), json!(flag(&sent, name)?));
            }
            name if name == "invoicePdfUrl" || ADDRESSES.contains(&name) => {
                text(&sent, name)?;
                link.payload.insert(name.into(), value.clone());
            }
            _ => {
                return Err(Refusal::invalid(
                    "A payment link changes in status, extendExpirationTime, invoicePdfUrl, skipQuoteAcceptance, \
                     metadata, returnUrl, successUrl, failureUrl and webhookUrl; the body has another member.",
                ));
            }
        }
    }
    match status {
        Some(LinkStatus::Archived) => return archive(round, &document, link),
        Some(_) if link.status == LinkStatus::Archived => return Err(archived_before()),
        Some(status) if status != link.status => {
            link.status = status;
            link.tell("status_changed", now, json!({ "status": status }));
        }
        _ => {}
    }
    link.shorten();
    let changed = round.replace(&document, &link)?;
    Ok(Reply::ok(beside_organization(call, &link, &changed)))
}

/// Only a link that nobody began to pay.
fn archive(round: &mut Round<'_>, document: &Versioned<Document>, mut link: Link) -> Result<Reply, Refusal> {
    let call = round.call;
    if link.status == LinkStatus::Archived {
        return Err(archived_before());
    }
    if link.session.is_some() {
        let mut more = Map::new();
        more.insert("archiveEligibility".into(), json!("session_started"));
        more.insert("latestSession".into(), link.latest_session());
        return Err(Refusal::State(
            "payment_link_has_session",
            "Somebody began to pay this link: it can be paused, not archived.",
            more,
        ));
    }
    link.status = LinkStatus::Archived;
    link.tell("status_changed", call.now(), json!({ "status": link.status }));
    link.shorten();
    let changed = round.replace(document, &link)?;
    let mut body = beside_organization(call, &link, &changed);
    body["ok"] = json!(true);
    body["archiveEligibility"] = json!("no_session");
    body["archivedWithNoSession"] = json!(true);
    body["latestSession"] = Value::Null;
    body["sessionCreationClaimed"] = json!(false);
    Ok(Reply::ok(body))
}

fn archived_before() -> Refusal {
    let mut more = Map::new();
    more.insert("archiveEligibility".into(), json!("already_archived"));
    Refusal::State(
        "payment_link_already_archived",
        "This payment link is archived for good.",
        more,
    )
}

/// Nothing is sent: the link remembers that it was asked.
async fn send_request_email(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let sent = round.call.body_if_any()?;
    let (document, mut link) = named(round).await?;
    let email = match text(&sent, "email")? {
        Some(email) => Some(email.to_owned()),
        None => link.email()?.map(str::to_owned),
    };
    let email = email.filter(|email| is_email(email)).ok_or_else(|| {
        Refusal::Invalid(
            "invalid_email",
            "email must be an email address, here or as the link's customerEmail.".into(),
        )
    })?;
    let now = round.call.now();
    link.tell("payment_request_email", now, json!({ "email": email }));
    link.shorten();
    let changed = round.replace(&document, &link)?;
    let shown = link.shown(round.call.ctx, &changed);
    Ok(Reply::ok(json!({ "ok": true, "email": email, "paymentLink": shown })))
}

/// The link that the path names, where the caller may see it.
async fn named(round: &Round<'_>) -> Result<(Versioned<Document>, Link), Refusal> {
    let found = round.named().await?;
    let found = found.filter(|document| round.call.sees(&document.owner));
    let found = found.ok_or(Refusal::NotFound("payment_link_not_found", "payment link"))?;
    let link = content(&found)?;
    Ok((found, link))
}

fn beside_organization(call: &Call<'_>, link: &Link, document: &Document) -> Value {
    let mut body = Map::new();
    body.insert(call.id_member(), call.organization_id());
    body.insert("paymentLink".into(), link.shown(call.ctx, document));
    Value::Object(body)
}
