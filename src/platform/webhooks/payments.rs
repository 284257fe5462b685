//! What becomes known of a payment, and to whom: the subscription of whoever made the payment link; else the address
//! that the link names, or the organization's settings. Each delivery is written with what it tells of.

use super::owner::may_act;
use super::subscriptions::callback::{put_if_missing, signer};
use crate::base::digest::{base64url, sha256};
use crate::base::time::Timestamp;
use crate::config::{PaymentRules, Subscription as Rule};
use crate::context::Context;
use crate::model::callback_secret::ORGANIZATION;
use crate::model::delivery::{BODY_BYTES_MAX, Delivery, State, To, WAITING_MAX};
use crate::model::subscription::Subscription;
use crate::oauth::access_token::TypedId;
use crate::oauth::subscriptions::{rule, tells_late};
use crate::store::records::{count, load};
use crate::store::{Batch, StoreError, keys};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Longer addresses are none: what is written down has to hold one.
const URL_BYTES_MAX: usize = 1000;
/// Of a text that is told.
const TEXT_CHARS_MAX: usize = 200;
const SHORT_TEXT_CHARS_MAX: usize = 120;
/// Before it is escaped.
const TEXT_BYTES_MAX: usize = 250;

/// A payment whose status is another one now.
pub struct Payment<'a> {
    pub at: Timestamp,
    pub organization: &'a str,
    /// Who made the link, as documents remember it.
    pub owner: &'a str,
    /// The subscription that was active when the link was made.
    pub subscription: Option<&'a str>,
    pub link: &'a str,
    pub link_status: &'a str,
    pub public_url: &'a str,
    pub expires_at: Option<Timestamp>,
    /// The link as it was sent, and changed since.
    pub payload: &'a Map<String, Value>,
    /// `callbackUrl` of the organization's settings.
    pub callback_url: Option<&'a str>,
    pub session: &'a str,
    pub status: &'a str,
    pub previous: &'a str,
    pub deposit_address: &'a str,
}

/// What a new payment link remembers of its maker's subscription, with this batch; `Err`: the maker's platform makes
/// none without an active one.
pub async fn put_new_link(
    ctx: &Context,
    batch: &mut Batch,
    organization: &str,
    owner: &str,
    client_id: Option<&str>,
) -> Result<Result<Option<String>, ()>, StoreError> {
    if ctx.profile().webhooks.payments.is_none() {
        return Ok(Ok(None));
    }
    let key = keys::subscription(organization, owner);
    let found = load::<Subscription>(&*ctx.store, &key).await?;
    match &found {
        Some(found) => batch.require(found),
        None => batch.require_absent(key),
    };
    let active = found.filter(|found| found.active).map(|found| found.value.id);
    if active.is_none() && rule(ctx, client_id).await? == Some(Rule::Required) {
        return Ok(Err(()));
    }
    Ok(Ok(active))
}

/// Puts into the batch that changes the payment what is sent of it.
pub async fn put(ctx: &Context, batch: &mut Batch, payment: &Payment<'_>) -> Result<(), StoreError> {
    let Some(rules) = &ctx.profile().webhooks.payments else {
        return Ok(());
    };
    let key = keys::subscription(payment.organization, payment.owner);
    let subscription = load::<Subscription>(&*ctx.store, &key).await?;
    match subscription {
        Some(subscription) if hears(ctx, &subscription, payment).await? => {
            if subscription.wants(&rules.event) {
                put_to_subscription(ctx, batch, rules, (payment, &subscription)).await?;
            }
        }
        _ => put_to_address(ctx, batch, rules, payment).await?,
    }
    Ok(())
}

/// Whether it is told of this payment: while it is active and its owner may act; on its platform's word, also what was
/// made while it was active.
async fn hears(ctx: &Context, subscription: &Subscription, payment: &Payment<'_>) -> Result<bool, StoreError> {
    let made_with_it = payment.subscription == Some(&subscription.id);
    if made_with_it && tells_late(ctx, subscription).await? {
        return Ok(true);
    }
    Ok(subscription.active && may_act(ctx, payment.organization, payment.owner).await?)
}

async fn put_to_subscription(
    ctx: &Context,
    batch: &mut Batch,
    rules: &PaymentRules,
    (payment, subscription): (&Payment<'_>, &Subscription),
) -> Result<(), StoreError> {
    let of_grant = subscription.owner.strip_prefix("grant:");
    let identity = [
        "subscription",
        &subscription.id,
        payment.organization,
        payment.link,
        payment.session,
        payment.status,
    ];
    let made = delivery(ctx, rules, payment, &identity);
    let (kind, body) = match of_grant {
        Some(grant) => {
            let mut body = envelope(ctx, rules, payment, (subscription, grant));
            body["deliveryGroupId"] = json!(made.group);
            (rules.event.as_str(), body)
        }
        None => (rules.short_event(), plain_envelope(rules, payment)),
    };
    let delivery = Delivery {
        client_id: subscription.client_id.clone().unwrap_or_default(),
        endpoint: subscription.id.clone(),
        to: To::Subscription {
            organization: payment.organization.to_owned(),
            owner: payment.owner.to_owned(),
        },
        kind: kind.to_owned(),
        ..made
    };
    insert(ctx, batch, delivery, body).await
}

/// The link's own address, signed with the secret of whoever made it, while they may act; else the organization's, with
/// its own.
async fn put_to_address(
    ctx: &Context,
    batch: &mut Batch,
    rules: &PaymentRules,
    payment: &Payment<'_>,
) -> Result<(), StoreError> {
    let own = payment.payload.get("webhookUrl").and_then(Value::as_str);
    let own = own.filter(|url| !url.is_empty() && url.len() <= URL_BYTES_MAX);
    let own = match own {
        Some(url) => may_act(ctx, payment.organization, payment.owner).await?.then_some(url),
        None => None,
    };
    let callback = payment.callback_url;
    let callback = callback.filter(|url| !url.is_empty() && url.len() <= URL_BYTES_MAX);
    let (url, signer) = match (own, callback) {
        (Some(url), _) => (url, signer(payment.owner)),
        (None, Some(url)) => (url, ORGANIZATION),
        (None, None) => return Ok(()),
    };
    let queue = base64url(&sha256([payment.organization, signer, url].join("\0").as_bytes())[..15]);
    let identity = ["address", &queue, payment.link, payment.session, payment.status];
    let delivery = Delivery {
        endpoint: format!("wa_{queue}"),
        to: To::Address {
            organization: payment.organization.to_owned(),
            owner: payment.owner.to_owned(),
            url: url.to_owned(),
            signer: signer.to_owned(),
        },
        kind: rules.short_event().to_owned(),
        ..delivery(ctx, rules, payment, &identity)
    };
    put_if_missing(ctx, batch, payment.organization, signer).await?;
    insert(ctx, batch, delivery, plain_envelope(rules, payment)).await
}

async fn insert(ctx: &Context, batch: &mut Batch, delivery: Delivery, body: Value) -> Result<(), StoreError> {
    let waiting = count(&*ctx.store, &keys::waiting_deliveries(&delivery.endpoint), WAITING_MAX).await?;
    let body = body.to_string();
    assert!(body.len() <= BODY_BYTES_MAX, "every part of a message is bounded");
    let state = if waiting < WAITING_MAX as usize {
        State::Pending
    } else {
        log::warn!(
            "{} has too much waiting: {} is only noted",
            delivery.endpoint,
            delivery.id
        );
        State::Cancelled
    };
    batch.insert(&Delivery {
        body,
        state,
        ..delivery
    })?;
    Ok(())
}

/// To be sent at once. `identity` is what tells this event of this receiver from any other.
fn delivery(ctx: &Context, rules: &PaymentRules, payment: &Payment<'_>, identity: &[&str]) -> Delivery {
    // A status may come back: the group is the same then, and the delivery another one.
    let name = crate::base::random::token::<15>(&*ctx.random);
    let id = Delivery::id_of(payment.at, &name);
    Delivery {
        group: Some(group(rules, identity)),
        ..Delivery::new(id.clone(), (&id, ""), payment.at, String::new(), ctx.now())
    }
}

pub(super) fn group(rules: &PaymentRules, identity: &[&str]) -> String {
    let mut group = rules.group_prefix.clone();
    for byte in sha256(identity.join("\0").as_bytes()) {
        write!(group, "{byte:02x}").expect("text takes all that is written");
    }
    group
}

/// What an app is told of what it made: these members and no other. Each attempt's own id is put before them.
fn envelope(
    ctx: &Context,
    rules: &PaymentRules,
    payment: &Payment<'_>,
    (subscription, grant): (&Subscription, &str),
) -> Value {
    let sent = payment.payload.get("metadata");
    let mut metadata = Map::new();
    for (at, name) in rules.metadata.iter().enumerate() {
        // The last is what people are shown.
        let most = if at + 1 == rules.metadata.len() {
            SHORT_TEXT_CHARS_MAX
        } else {
            TEXT_CHARS_MAX
        };
        let value = sent
            .and_then(|sent| sent.get(name))
            .and_then(|value| plain(value, most));
        metadata.insert(name.clone(), json!(value));
    }
    metadata.insert(rules.provider.member.clone(), json!(rules.provider.value));
    let mut body = json!({
        "schemaVersion": rules.schema,
        "type": rules.event,
        "createdAt": payment.at.to_string(),
        "status": payment.status,
        "grantId": grant,
        "subscriptionId": subscription.id,
        "installationId": subscription.client_id,
        "paymentLink": {
            "uid": payment.link,
            "fiatAmount": amount(payment),
            "fiatCurrency": currency(payment),
            "metadata": metadata,
        },
        "session": { "id": payment.session, "settlement": Value::Null },
    });
    let noun = &ctx.profile().noun;
    body[noun.id_member()] = json!(TypedId::new(ctx, payment.organization));
    body
}

/// What receivers of before know: all that there is of the link and its session.
fn plain_envelope(rules: &PaymentRules, payment: &Payment<'_>) -> Value {
    let of = |name: &str| payment.payload.get(name).and_then(|value| plain(value, TEXT_CHARS_MAX));
    let expires_at = payment.expires_at.map(|at| at.to_string());
    json!({
        "type": rules.event,
        "createdAt": payment.at.to_string(),
        "data": {},
        "event": { "type": rules.short_event(), "trigger": rules.short_event() },
        "paymentLink": {
            "id": payment.link,
            "uid": payment.link,
            "status": payment.link_status,
            "publicUrl": payment.public_url,
            "label": of("label"),
            "description": of("description"),
            "amount": amount(payment),
            "currency": currency(payment),
            "asset": of("asset"),
            "clientId": of("clientId"),
            "clientEmail": of("customerEmail"),
            "merchantOrderId": of("orderId"),
            "expiresAt": expires_at,
        },
        "session": {
            "id": payment.session,
            "status": payment.status,
            "previousStatus": payment.previous,
            "invoiceAmount": amount(payment),
            "invoiceAsset": currency(payment),
            "selectedSellAsset": of("asset"),
            "requiredSellAmount": Value::Null,
            "settlementAmount": Value::Null,
            "settlement": Value::Null,
            "depositAddress": payment.deposit_address,
            "destinationAddress": Value::Null,
            "channelId": Value::Null,
            "expiresAt": expires_at,
        },
    })
}

fn amount(payment: &Payment<'_>) -> Option<String> {
    payment
        .payload
        .get("amount")
        .and_then(|value| plain(value, TEXT_CHARS_MAX))
}

fn currency(payment: &Payment<'_>) -> String {
    let of = |name: &str| payment.payload.get(name).and_then(|value| plain(value, TEXT_CHARS_MAX));
    of("fiatCurrency")
        .or_else(|| of("currency"))
        .unwrap_or_else(|| "USD".to_owned())
}

/// Text and numbers, without blanks around.
fn plain(value: &Value, chars_max: usize) -> Option<String> {
    let text = match value {
        Value::String(text) => text
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(chars_max)
            .collect::<String>(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text = text[..text.floor_char_boundary(TEXT_BYTES_MAX)].trim();
    (!text.is_empty()).then(|| text.to_owned())
}
