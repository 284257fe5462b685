//! Access tokens: JWTs as RFC 9068 says, bound to one organization and one audience, stamped with epochs.

use super::scope;
use super::standing::{Judged, acting};
use crate::base::jose::{Algorithm, PublicKey, UnverifiedJws, sign_jwt};
use crate::base::json::parse_strict_object;
use crate::base::random;
use crate::base::time::Timestamp;
use crate::config::IdType;
use crate::context::Context;
use crate::model::app::App;
use crate::model::epoch::Epochs;
use crate::model::family::Family;
use crate::model::grant::{Grant, GrantStatus};
use crate::model::revoked_token::RevokedToken;
use crate::store::{Batch, Key, StoreError, keys};
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Longer than any token this server makes.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// RFC 9068 §2.1.
const TYP: &str = "at+jwt";

/// What a token says (RFC 9068 §2.2). `organization` stands under the profile's noun, as number or text.
#[derive(Clone, Debug)]
pub struct Claims {
    pub sub: String,
    pub aud: String,
    pub client_id: String,
    pub jti: String,
    pub iat: Timestamp,
    pub exp: Timestamp,
    pub scope: String,
    pub organization: String,
    /// What it was made under; `None` for a private app, which needs no grant.
    pub grant: Option<GrantIds>,
    /// The claim `installation_id`, which is the client_id.
    pub native: bool,
    /// Thumbprint of the key it is bound to: `cnf.jkt` (RFC 9449 §6.1).
    pub jkt: Option<String>,
    pub epochs: Epochs,
}

/// The claims `grant_id` and `fid`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GrantIds {
    pub grant: String,
    pub family: String,
}

impl Claims {
    /// `token_type` of answers about it (RFC 6749 §7.1, RFC 9449 §5).
    pub fn token_type(&self) -> &'static str {
        if self.jkt.is_some() { "DPoP" } else { "Bearer" }
    }

    pub fn scopes(&self) -> Vec<String> {
        self.scope
            .split(' ')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// An id as the profile types it: a JSON number in integer profiles, else a string (alike in claim and response).
#[derive(Serialize)]
#[serde(untagged)]
pub enum TypedId<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> TypedId<'a> {
    /// An id from a time when the profile had text ids stays text where, as a number, it would be read as another one.
    pub fn new(ctx: &Context, id: &'a str) -> Self {
        let canonical = !id.starts_with(['0', '+']);
        match (ctx.profile().ids, id.parse()) {
            (IdType::Integer, Ok(number)) if canonical && number <= NUMBER_MAX => Self::Number(number),
            _ => Self::Text(id),
        }
    }
}

/// Beyond it JavaScript takes two neighbours for the same (RFC 8259 §6).
const NUMBER_MAX: u64 = (1 << 53) - 1;

struct Payload<'a> {
    ctx: &'a Context,
    claims: &'a Claims,
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { ctx, claims } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("iss", ctx.issuer())?;
        map.serialize_entry("sub", &claims.sub)?;
        map.serialize_entry("aud", &claims.aud)?;
        map.serialize_entry("client_id", &claims.client_id)?;
        map.serialize_entry("jti", &claims.jti)?;
        map.serialize_entry("iat", &claims.iat.seconds())?;
        map.serialize_entry("exp", &claims.exp.seconds())?;
        map.serialize_entry("scope", &claims.scope)?;
        map.serialize_entry(ctx.profile().noun.id_claim(), &TypedId::new(ctx, &claims.organization))?;
        if let Some(ids) = &claims.grant {
            map.serialize_entry("grant_id", &ids.grant)?;
            map.serialize_entry("fid", &ids.family)?;
        }
        if claims.native {
            map.serialize_entry("installation_id", &claims.client_id)?;
        }
        if let Some(jkt) = &claims.jkt {
            map.serialize_entry("cnf", &json!({ "jkt": jkt }))?;
        }
        map.serialize_entry("ep", &claims.epochs)?;
        map.end()
    }
}

/// What is to be made; times, jti and signature are added by [`mint`].
pub struct Order<'a> {
    pub sub: &'a str,
    pub aud: &'a str,
    pub algorithm: Algorithm,
    pub client_id: &'a str,
    pub organization: &'a str,
    pub scopes: &'a [String],
    pub grant: Option<GrantIds>,
    /// Of an installation.
    pub native: bool,
    pub jkt: Option<&'a str>,
    pub epochs: Epochs,
    pub lifetime: Duration,
    /// How long the answer with the token may be repeated: its key is published until then, whenever the token ends.
    pub repeatable_until: Option<Timestamp>,
}

pub struct Minted {
    pub token: String,
    pub kid: String,
    pub claims: Claims,
}

pub async fn mint(ctx: &Context, order: &Order<'_>) -> Result<Minted, StoreError> {
    mint_at(ctx, order, random::token::<18>(&*ctx.random), ctx.now()).await
}

/// The token with this `jti` as it was made at `at`, once more: for an answer that is repeated.
pub async fn mint_at(ctx: &Context, order: &Order<'_>, jti: String, at: Timestamp) -> Result<Minted, StoreError> {
    // Whole seconds, so that exp − iat is exactly the lifetime that expires_in announces.
    let iat = Timestamp::from_seconds(at.seconds());
    let claims = Claims {
        sub: order.sub.to_owned(),
        aud: order.aud.to_owned(),
        client_id: order.client_id.to_owned(),
        jti,
        iat,
        exp: iat + order.lifetime,
        scope: order.scopes.join(" "),
        organization: order.organization.to_owned(),
        grant: order.grant.clone(),
        native: order.native,
        jkt: order.jkt.map(str::to_owned),
        epochs: order.epochs,
    };
    let verifiable_until = order.repeatable_until.map_or(claims.exp, |at| at.max(claims.exp));
    let signer = ctx
        .keyring
        .signer(&ctx.key_tools(), order.algorithm, verifiable_until)
        .await?;
    let payload = serde_json::to_vec(&Payload { ctx, claims: &claims }).expect("claims are plain data");
    Ok(Minted {
        token: sign_jwt(&signer.key, &signer.record.kid, TYP, &payload),
        kid: signer.record.kid.clone(),
        claims,
    })
}

/// A token whose signature was found good, and the key that made it.
pub struct Verified {
    pub claims: Claims,
    pub kid: String,
}

impl Verified {
    /// Whether it would be found good now. Its text has not changed since, but time passes and keys are revoked.
    pub fn is_good(&self, ctx: &Context) -> bool {
        ctx.now() < self.claims.exp && ctx.keyring.set().verifying(&self.kid).is_some()
    }
}

/// A token of ours whose signature and times are good. Whether it still stands is for [`standing`] to say.
///
/// Errors say why, for the log.
pub fn verify(ctx: &Context, token: &str) -> Result<Claims, &'static str> {
    verify_with_key(ctx, token).map(|verified| verified.claims)
}

/// As [`verify`], for whoever remembers what was found.
pub fn verify_with_key(ctx: &Context, token: &str) -> Result<Verified, &'static str> {
    let keys = ctx.keyring.set();
    let (kid, map) = proven(token, |kid| keys.verifying(kid).map(|key| &**key)).map_err(Flaw::sentence)?;
    let claims = read(ctx, &map).ok_or("a claim is missing or of the wrong type")?;
    if map.get("iss").and_then(Value::as_str) != Some(ctx.issuer()) {
        return Err("its issuer is another");
    }
    in_time(&map, ctx.now()).map_err(Flaw::sentence)?;
    Ok(Verified { claims, kid })
}

/// What is wrong with a token whoever made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    NoJws,
    Typ,
    Key,
    Signature,
    Payload,
    Expired,
    NotYet,
}

impl Flaw {
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoJws => "it is no signed JWT of a kind that is accepted",
            Self::Typ => "its typ is not at+jwt",
            Self::Key => "its key is none of the issuer's",
            Self::Signature => "its signature is wrong",
            Self::Payload => "its payload is no JSON object",
            Self::Expired => "it has expired",
            Self::NotYet => "it is not valid yet",
        }
    }
}

/// The `kid` and what was signed, by a key that `find` has under that name.
pub fn proven<'a>(
    token: &str,
    find: impl FnOnce(&str) -> Option<&'a PublicKey>,
) -> Result<(String, Map<String, Value>), Flaw> {
    let jws = UnverifiedJws::parse(token, TOKEN_BYTES_MAX).map_err(|_| Flaw::NoJws)?;
    // RFC 9068 §4: "at+jwt" or "application/at+jwt", in any case.
    if !jws.has_typ(TYP) {
        return Err(Flaw::Typ);
    }
    let kid = jws.kid().ok_or(Flaw::Key)?;
    let payload = jws.verify(find(kid).ok_or(Flaw::Key)?).map_err(|_| Flaw::Signature)?;
    let map = parse_strict_object(payload).map_err(|_| Flaw::Payload)?;
    Ok((kid.to_owned(), map))
}

/// Whether `exp` and `nbf` say that it is good now.
pub fn in_time(map: &Map<String, Value>, now: Timestamp) -> Result<(), Flaw> {
    let at = |name: &str| map.get(name).map(|at| at.as_u64().map(Timestamp::from_seconds));
    if at("exp").flatten().is_none_or(|exp| exp <= now) {
        return Err(Flaw::Expired);
    }
    // Ours have none; one that is there is honoured all the same (RFC 7662 §4).
    if at("nbf").is_some_and(|nbf| nbf.is_none_or(|nbf| now < nbf)) {
        return Err(Flaw::NotYet);
    }
    Ok(())
}

fn read(ctx: &Context, map: &Map<String, Value>) -> Option<Claims> {
    let text = |name: &str| map.get(name)?.as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    let time = |name: &str| Some(Timestamp::from_seconds(map.get(name)?.as_u64()?));
    let organization = match map.get(ctx.profile().noun.id_claim())? {
        Value::Number(number) => number.as_u64()?.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let grant = match (map.get("grant_id"), map.get("fid")) {
        (None, None) => None,
        _ => Some(GrantIds {
            grant: text("grant_id")?,
            family: text("fid")?,
        }),
    };
    let jkt = match map.get("cnf") {
        None => None,
        Some(cnf) => Some(cnf.get("jkt")?.as_str()?.to_owned()),
    };
    Some(Claims {
        sub: text("sub")?,
        aud: text("aud")?,
        client_id: text("client_id")?,
        jti: text("jti")?,
        iat: time("iat")?,
        exp: time("exp")?,
        scope: map.get("scope")?.as_str()?.to_owned(),
        organization,
        grant,
        native: map.contains_key("installation_id"),
        jkt,
        epochs: serde_json::from_value(map.get("ep")?.clone()).ok()?,
    })
}

/// The keys of all records that [`standing`] reads: while nothing is written under them, its answer is the same.
pub fn rests_on(claims: &Claims) -> Vec<Key> {
    let (organization, user) = (&claims.organization, &claims.sub);
    let mut rests_on = vec![
        keys::revoked_token(claims.exp, &claims.jti),
        keys::app(&claims.client_id),
        keys::organization(organization),
        keys::member(organization, user),
        keys::user(user),
        keys::settings(),
    ];
    if let Some(ids) = &claims.grant {
        rests_on.push(keys::grant(organization, &ids.grant));
        rests_on.push(keys::family(organization, &ids.grant, &ids.family));
    }
    rests_on
}

/// What a verified token may do now: its effective scopes, or why it is dead.
pub async fn standing(ctx: &Context, claims: &Claims) -> Judged<Vec<String>> {
    // Like a scope that left the catalog: what is no longer offered is not granted either.
    if ctx.profile().resource(&claims.aud).is_none() {
        return Ok(Err("its audience is no resource of this server any more"));
    }
    let store = &*ctx.store;
    if store
        .get(&keys::revoked_token(claims.exp, &claims.jti))
        .await?
        .is_some()
    {
        return Ok(Err("it was revoked"));
    }
    let Some(app) = ctx.load::<App>(&keys::app(&claims.client_id)).await? else {
        return Ok(Err("its app is gone"));
    };
    let mut stands = match acting(ctx, &app, &claims.organization, &claims.sub).await? {
        Ok(stands) => stands,
        Err(why) => return Ok(Err(why)),
    };
    let counters = match &claims.grant {
        Some(ids) => granted(ctx, claims, ids).await?,
        // A private app speaks for its dedicated user of today: naming another ends the tokens of the former.
        None if app.dedicated_user.as_deref() == Some(claims.sub.as_str()) => Ok((0, 0)),
        None => Err("its user is no longer the app's dedicated user"),
    };
    match counters {
        Ok((grant, family)) => (stands.epochs.grant, stands.epochs.family) = (grant, family),
        Err(why) => return Ok(Err(why)),
    }
    if !claims.epochs.cover(&stands.epochs) {
        return Ok(Err("an epoch has passed it"));
    }
    let scopes = scope::effective(&ctx.profile().scopes, &app, stands.role, &claims.scopes());
    if scopes.is_empty() {
        return Ok(Err("none of its scopes is left"));
    }
    Ok(Ok(scopes))
}

/// The counters of the grant and the family it was made under, when both stand.
async fn granted(ctx: &Context, claims: &Claims, ids: &GrantIds) -> Judged<(u64, u64)> {
    let grant = ctx
        .load::<Grant>(&keys::grant(&claims.organization, &ids.grant))
        .await?;
    let grant = match grant {
        Some(grant) if grant.status == GrantStatus::Active => grant,
        _ => return Ok(Err("its grant has ended or is unknown")),
    };
    if !grant.serves(&claims.client_id, &claims.sub) {
        return Ok(Err("its grant is another app's or another user's"));
    }
    let family = keys::family(&claims.organization, &ids.grant, &ids.family);
    match ctx.load::<Family>(&family).await? {
        Some(family) if !family.ended => Ok(Ok((grant.epoch, family.epoch))),
        _ => Ok(Err("its family has ended or is unknown")),
    }
}

/// Ends one token before its time. Idempotent.
pub async fn revoke(ctx: &Context, claims: &Claims) -> Result<(), StoreError> {
    let record = RevokedToken {
        jti: claims.jti.clone(),
        expires_at: claims.exp,
    };
    let mut batch = Batch {
        revokes: true,
        ..Batch::new()
    };
    batch.insert(&record)?;
    // A conflict says that it stands there already.
    ctx.store.commit(batch).await?;
    Ok(())
}
