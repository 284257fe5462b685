//! The webhook subscription of a caller: shown, made, changed and switched off.
//!
//! An API key or token has no grant: each stands for one of its own.

pub mod callback;
mod once;
mod refused;
mod wanted;

pub use refused::Refused;

use super::{new_secret, opened, sealed};
use crate::base::random;
use crate::base::secret::Secret;
use crate::config::PaymentRules;
use crate::context::Context;
use crate::model::api_key::ApiKey;
use crate::model::app::App;
use crate::model::grant::{Grant, GrantStatus};
use crate::model::personal_token::PersonalToken;
use crate::model::subscription::Subscription;
use crate::oauth::access_token::TypedId;
use crate::platform::caller::{Caller, Credential};
use crate::platform::{ATTEMPTS_MAX, commit};
use crate::store::records::{Versioned, load};
use crate::store::{Batch, Key, StoreError, keys};
use http::Method;
use serde_json::{Map, Value, json};
use wanted::Wanted;

/// Of the end of a secret that people are shown.
const LAST_CHARS: usize = 4;

/// One call, admitted by the gateway.
pub struct Asked<'a> {
    pub ctx: &'a Context,
    pub caller: &'a Caller,
    /// The caller's as what it makes remembers it.
    pub owner: String,
    pub method: &'a Method,
    pub body: &'a [u8],
    /// The `Idempotency-Key`.
    pub key: Option<&'a str>,
}

/// What a call comes to: 200, and this.
pub struct Reply {
    pub body: Value,
    /// It was given before, to the same call.
    pub replayed: bool,
}

impl Asked<'_> {
    pub fn organization(&self) -> &str {
        &self.caller.organization
    }

    pub(in crate::platform::webhooks) fn rules(&self) -> Result<&PaymentRules, Refused> {
        let rules = self.ctx.profile().webhooks.payments.as_ref();
        rules.ok_or_else(|| Refused::new(501, "not_configured", "The profile tells nobody of payments."))
    }

    /// The organization's id, under the name that it has in answers.
    pub(in crate::platform::webhooks) fn answer(&self, members: Value) -> Value {
        let mut body = Map::new();
        let noun = &self.ctx.profile().noun;
        body.insert(noun.id_member(), json!(TypedId::new(self.ctx, self.organization())));
        if let Value::Object(members) = members {
            body.extend(members);
        }
        Value::Object(body)
    }

    fn place(&self) -> Key {
        keys::subscription(self.organization(), &self.owner)
    }

    pub(in crate::platform::webhooks) async fn found(&self) -> Result<Option<Versioned<Subscription>>, StoreError> {
        load(&*self.ctx.store, &self.place()).await
    }

    /// The batch rests on what the caller acts with being as it is: whoever ends it ends what is made here too.
    async fn hold(&self, batch: &mut Batch) -> Result<(), Refused> {
        let store = &*self.ctx.store;
        let gone = || Refused::new(401, "invalid_token", "The credential has been revoked.");
        let caller = self.caller;
        match (&caller.grant, &caller.credential) {
            (Some(grant), _) => {
                let grant = load::<Grant>(store, &keys::grant(&caller.organization, grant)).await?;
                let grant = grant.filter(|grant| grant.status == GrantStatus::Active);
                batch.require(&grant.ok_or_else(gone)?);
            }
            (None, Credential::ApiKey { id }) => {
                let key = load::<ApiKey>(store, &keys::api_key(id)).await?;
                let key = key.filter(|key| key.live(self.ctx.now()));
                batch.require(&key.ok_or_else(gone)?);
            }
            (None, Credential::PersonalToken { id }) => {
                let token = load::<PersonalToken>(store, &keys::personal_token(&caller.user, id)).await?;
                batch.require(&token.ok_or_else(gone)?);
            }
            (None, Credential::AccessToken { .. }) => {
                let client_id = caller.client_id.as_deref().unwrap_or_default();
                let app = load::<App>(store, &keys::app(client_id)).await?;
                batch.require(&app.ok_or_else(gone)?);
            }
        }
        Ok(())
    }
}

/// `null` where there never was one.
pub async fn show(asked: &Asked<'_>) -> Result<Reply, Refused> {
    let found = asked.found().await?;
    let subscription = found.map(|found| shown(asked, &found));
    Ok(Reply::new(asked.answer(json!({ "subscription": subscription }))))
}

/// Makes it, or changes it: its id stays, and its secret unless another one is asked for.
pub async fn put(asked: &Asked<'_>) -> Result<Reply, Refused> {
    let rules = asked.rules()?;
    for _ in 0..ATTEMPTS_MAX {
        if let Some(reply) = once::told_before(asked).await? {
            return Ok(reply);
        }
        let wanted = Wanted::read(asked.ctx, rules, asked.body)?;
        let old = asked.found().await?;
        let mut batch = Batch::new();
        asked.hold(&mut batch).await?;
        let secret = (old.is_none() || wanted.rotate).then(|| new_secret(asked.ctx));
        let new = changed(asked, old.as_deref(), &wanted, secret.as_ref());
        match &old {
            Some(old) => batch.replace(old, &new)?,
            None => batch.insert(&new)?,
        };
        let mut body = asked.answer(json!({
            "ok": true,
            "created": old.is_none(),
            "rotated": old.is_some() && wanted.rotate,
            "subscription": shown(asked, &new),
        }));
        if let Some(secret) = &secret {
            body["signingSecret"] = json!(secret.expose());
        }
        let reply = Reply::new(body);
        once::keep(asked, &mut batch, &reply).await?;
        if commit(asked.ctx, batch).await? {
            asked.ctx.webhooks_waiting.notify_one();
            return Ok(reply);
        }
    }
    Err(Refused::again())
}

/// Off: address and secret stay, for what was made before.
pub async fn disable(asked: &Asked<'_>) -> Result<Reply, Refused> {
    for _ in 0..ATTEMPTS_MAX {
        if let Some(reply) = once::told_before(asked).await? {
            return Ok(reply);
        }
        let old = asked.found().await?.ok_or_else(Refused::no_subscription)?;
        let mut batch = Batch::new();
        asked.hold(&mut batch).await?;
        let new = if old.active {
            old.disabled(asked.ctx.now())
        } else {
            old.value.clone()
        };
        batch.replace(&old, &new)?;
        let reply = Reply::new(asked.answer(json!({
            "ok": true,
            "historicalDeliveryPreserved": true,
            "signingSecretChanged": false,
            "subscription": shown(asked, &new),
        })));
        once::keep(asked, &mut batch, &reply).await?;
        if commit(asked.ctx, batch).await? {
            return Ok(reply);
        }
    }
    Err(Refused::again())
}

impl Reply {
    pub const fn new(body: Value) -> Self {
        Self { body, replayed: false }
    }
}

fn changed(asked: &Asked<'_>, old: Option<&Subscription>, wanted: &Wanted, secret: Option<&Secret>) -> Subscription {
    let (ctx, now) = (asked.ctx, asked.ctx.now());
    let id = old.map_or_else(|| random::uuid(&*ctx.random), |old| old.id.clone());
    let (kept, last4) = match (secret, old) {
        (None, Some(old)) => (old.secret.clone(), old.last4.clone()),
        (secret, _) => {
            let secret = secret.expect("a new one has a secret");
            (sealed(ctx, &id, secret), last4(secret))
        }
    };
    Subscription {
        id,
        organization: asked.organization().to_owned(),
        owner: asked.owner.clone(),
        client_id: asked.caller.client_id.clone(),
        url: wanted.url.clone(),
        events: wanted.events.clone(),
        active: wanted.active,
        description: wanted.description.clone(),
        metadata: wanted.metadata.clone(),
        secret: kept,
        last4,
        secret_created_at: old.map_or(now, |old| old.secret_created_at),
        secret_updated_at: if secret.is_some() {
            now
        } else {
            old.map_or(now, |old| old.secret_updated_at)
        },
        created_at: old.map_or(now, |old| old.created_at),
        updated_at: now,
    }
}

pub(super) fn last4(secret: &Secret) -> String {
    let text = secret.expose();
    text[text.len().saturating_sub(LAST_CHARS)..].to_owned()
}

/// As its owner is shown it: the secret never, of one that is off not even its end.
fn shown(asked: &Asked<'_>, subscription: &Subscription) -> Value {
    let metadata: Value = serde_json::from_str(&subscription.metadata).unwrap_or_else(|_| json!({}));
    let grant = asked.caller.grant.as_deref().unwrap_or(&asked.owner);
    asked.answer(json!({
        "id": subscription.id,
        "oauthGrantId": grant,
        "grantId": grant,
        "installationId": subscription.client_id,
        "url": subscription.url,
        "callbackUrl": subscription.url,
        "events": subscription.events,
        "active": subscription.active,
        "status": subscription.status(),
        "description": subscription.description,
        "metadata": metadata,
        "secretLast4": subscription.active.then_some(&subscription.last4),
        "secretCreatedAt": subscription.secret_created_at.to_string(),
        "secretUpdatedAt": subscription.secret_updated_at.to_string(),
        "createdAt": subscription.created_at.to_string(),
        "updatedAt": subscription.updated_at.to_string(),
    }))
}

/// The secret that signs what it is told now. `None` where it was sealed with a key that is gone.
pub fn secret_of(ctx: &Context, subscription: &Subscription) -> Option<Secret> {
    opened(ctx, &subscription.id, &subscription.secret)
}
