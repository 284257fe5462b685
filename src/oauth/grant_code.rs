//! The authorization code grant (OAuth 2.1 §4.1.3): a code is redeemed once, by the client it was made for.

use super::answer::Answer;
use super::delegated::{self, Approval, Delegated, Issue};
use super::error::{ErrorCode, OAuthError};
use super::idempotency::{self, Lasts};
use super::refresh_token::Place;
use super::token::Asked;
use super::{code, native, pkce};
use crate::base::master::Purpose;
use crate::base::random;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{ClientType, Kind};
use crate::model::code::{Code, REMEMBERED, Redeemed};
use crate::model::event::EventKind;
use crate::model::failure::Rule;
use crate::model::family::{FAMILIES_MAX, Family, Start};
use crate::store::records::{Versioned, count, list, load};
use crate::store::{Batch, Key, keys};
use std::time::Duration;

/// How long the redemption of a code with an `Idempotency-Key` is repeated.
const REPLAY_MAX: Duration = Duration::from_secs(10 * 60);
/// Read at a time: more than a grant has.
const FAMILIES_PAGE: u32 = 64;

/// Families that one redemption clears away: each is three writes.
const CLEARED_MAX: usize = 15;

/// A code that this request may redeem, or might have.
struct Held<'a> {
    ctx: &'a Context,
    asked: &'a Asked<'a>,
    code: Versioned<Code>,
    delegated: Delegated,
    now: Timestamp,
}

pub async fn authorization_code(ctx: &Context, asked: &Asked<'_>) -> Result<Answer, OAuthError> {
    let Some(text) = asked.params.get("code")? else {
        return Err(OAuthError::invalid_request("The parameter code is missing."));
    };
    for _ in 0..delegated::ATTEMPTS_MAX {
        let code = code::find(ctx, text)
            .await?
            .ok_or_else(|| invalid("it is unknown").breaking(Rule::CodeUnknown))?;
        let held = check(ctx, asked, code).await?;
        let (answer, batch) = match &held.code.redeemed {
            None => held.redeem().await?,
            Some(redeemed) => held.judge_repeat(redeemed).await?,
        };
        if asked.commit(ctx, batch).await? {
            return answer;
        }
    }
    Err(delegated::busy())
}

/// All that the request must show, whether the code was used or not. Whoever fails here punishes nobody.
async fn check<'a>(ctx: &'a Context, asked: &'a Asked<'a>, code: Versioned<Code>) -> Result<Held<'a>, OAuthError> {
    let now = ctx.now();
    if code.client_id != asked.app().client_id {
        return Err(invalid("it is another client's").breaking(Rule::CodeOfAnother));
    }
    let forgotten_at = code.redeemed.as_ref().map(|redeemed| redeemed.at + REMEMBERED);
    if now >= forgotten_at.unwrap_or(code.expires_at) {
        return Err(invalid("it has expired").breaking(Rule::CodeExpired));
    }
    // OAuth 2.1 §10.2: only clients of OAuth 2.0 send it; one that does means it.
    let redirect_uri = asked.params.get("redirect_uri")?;
    if redirect_uri.is_some_and(|uri| uri != code.redirect_uri) {
        return Err(invalid("redirect_uri is not where the code was sent").breaking(Rule::CodeRedirectUri));
    }
    // RFC 9700 §2.1.1: a verifier is there if and only if a challenge was.
    match (&code.challenge, asked.params.get("code_verifier")?) {
        (None, None) => {}
        (Some(challenge), Some(verifier)) if pkce::verify(challenge, verifier) => {}
        (Some(_), _) => return Err(invalid("code_verifier is missing or wrong").breaking(Rule::CodeVerifier)),
        (None, Some(_)) => {
            let what = "There is a code_verifier and the authorization request had no code_challenge.";
            return Err(OAuthError::invalid_request(what));
        }
    }
    if asked.names_other_resource(&code.resource) {
        let what = "The code is for another resource.";
        let error = OAuthError::new(ErrorCode::InvalidTarget, what);
        return Err(native::as_grant_error(asked.app(), error));
    }
    check_key(code.jkt.as_deref(), asked.jkt())?;
    let approval = Approval {
        organization: &code.organization,
        user: &code.user,
        grant: &code.grant,
        stamps: &code.stamps,
    };
    let delegated = delegated::standing(ctx, asked.app(), &approval)
        .await?
        .map_err(invalid)?;
    Ok(Held {
        ctx,
        asked,
        code,
        delegated,
        now,
    })
}

/// RFC 9449 §10: a code may be bound to a key.
fn check_key(bound: Option<&str>, shown: Option<&str>) -> Result<(), OAuthError> {
    match (bound, shown) {
        (Some(_), None) => {
            let what = "The code is bound to a key: send a DPoP proof of that key.";
            Err(OAuthError::new(ErrorCode::InvalidDpopProof, what))
        }
        (Some(bound), Some(shown)) if bound != shown => {
            let what = "The code is bound to another key than the DPoP proof is of.";
            Err(OAuthError::new(ErrorCode::InvalidDpopKey, what))
        }
        _ => Ok(()),
    }
}

/// What is to be answered once the batch stands.
type Decided = Result<(Result<Answer, OAuthError>, Batch), OAuthError>;

impl Held<'_> {
    /// The code is used and a family begins, in one batch.
    async fn redeem(&self) -> Decided {
        let Self { ctx, asked, now, .. } = *self;
        let key = self.bound_key();
        let key = key.map(|bound| ctx.secret.digest(Purpose::IdempotencyKey, &bound));
        let (refresh_token, family) = self.begin();
        let scopes = delegated::effective(ctx, asked.app(), &self.delegated.stands, &family.scopes)?;
        let repeatable_until = key.map(|_| now + REPLAY_MAX);
        let issue = Issue {
            app: asked.app(),
            family: &family,
            scopes: &scopes,
            jkt: asked.jkt(),
            jti: delegated::jti(ctx),
            at: now,
            repeatable_until,
        };
        let minted = delegated::mint(ctx, issue).await?;
        let body = delegated::granted(ctx, asked.app(), minted, refresh_token, &self.delegated.stands).body(ctx);
        let redeemed = Code {
            redeemed: Some(Redeemed {
                at: now,
                family: family.id.clone(),
                key,
                jkt: asked.jkt().map(str::to_owned),
            }),
            ..self.code.value.clone()
        };
        let mut batch = Batch::new();
        batch.replace(&self.code, &redeemed)?;
        batch.insert(&family)?;
        if let (Some(key), Some(until)) = (key, repeatable_until) {
            batch.insert(&idempotency::receipt(ctx, &family, key, &body, Lasts::Until(until))?)?;
        }
        self.make_room(&mut batch).await?;
        Ok((Ok(Answer { body, replayed: false }), batch))
    }

    fn begin(&self) -> (String, Family) {
        let Self { ctx, asked, code, .. } = self;
        let (idle, absolute) = delegated::refresh_lifetimes(ctx, asked.app(), &code.resource);
        let place = Place {
            organization: code.organization.clone(),
            grant: code.grant.clone(),
            family: format!("f_{}", random::token::<12>(&*ctx.random)),
            number: 0,
        };
        let (text, _) = place.make(ctx);
        let start = Start {
            id: place.family,
            live: ctx.secret.digest(Purpose::RefreshToken, text.as_bytes()),
            // RFC 9449 §5: a confidential client shows who it is by itself, and may change its key.
            jkt: match asked.app().client_type {
                ClientType::Public => asked.jkt().map(str::to_owned),
                ClientType::Confidential => None,
            },
            idle,
            absolute,
        };
        (text, Family::start(code, start, self.now))
    }

    /// A grant has so many families at most: the longest idle ends, with its tokens.
    async fn make_room(&self, batch: &mut Batch) -> Result<(), OAuthError> {
        let siblings = keys::families(&self.code.organization, &self.code.grant);
        if self.asked.app().kind == Kind::Native {
            return self.clear(&siblings, batch).await;
        }
        // Few grants come near it: only then are the families looked at. Several redemptions at once may go beyond
        // it; the next one ends all that is too many.
        if count(&*self.ctx.store, &siblings, FAMILIES_PAGE).await? < FAMILIES_MAX {
            return Ok(());
        }
        let (mut families, _) = list::<Family>(&*self.ctx.store, &siblings, None, FAMILIES_PAGE).await?;
        families.sort_by_key(|family| (family.alive(self.now), family.used_at));
        let surplus = (families.len() + 1).saturating_sub(FAMILIES_MAX);
        for family in &families[..surplus] {
            batch.remove(family);
        }
        Ok(())
    }

    /// Of an installation, whose families may never expire: those that an earlier key or consent ended go as well.
    async fn clear(&self, siblings: &Key, batch: &mut Batch) -> Result<(), OAuthError> {
        let (mut families, _) = list::<Family>(&*self.ctx.store, siblings, None, FAMILIES_PAGE).await?;
        let stands = |family: &Family| family.alive(self.now) && family.stamps.cover(&self.delegated.stands.epochs);
        families.sort_by_key(|family| (stands(family), family.used_at));
        let dead = families.iter().filter(|family| !stands(family)).count();
        let surplus = (families.len() + 1).saturating_sub(FAMILIES_MAX);
        for family in families.iter().take(dead.max(surplus).min(CLEARED_MAX)) {
            idempotency::forget(batch, family);
            batch.remove(family);
        }
        Ok(())
    }

    /// Somebody comes with a used code and all that belongs to it.
    async fn judge_repeat(&self, redeemed: &Redeemed) -> Decided {
        let Self { ctx, code, .. } = self;
        let made = keys::family(&code.organization, &code.grant, &redeemed.family);
        let family = load::<Family>(&*ctx.store, &made).await?;
        let Some(family) = family.filter(|family| family.alive(self.now)) else {
            return Err(invalid("it was used, and what it made has ended").breaking(Rule::CodeUsed));
        };
        match (self.bound_key(), &redeemed.key) {
            (Some(bound), Some(key)) if ctx.secret.verify(Purpose::IdempotencyKey, &bound, key) => {
                self.repeat(redeemed, &family, &bound).await
            }
            _ => self.end_family(&family),
        }
    }

    async fn repeat(&self, redeemed: &Redeemed, family: &Versioned<Family>, bound: &[u8]) -> Decided {
        let Self { ctx, asked, code, .. } = self;
        if redeemed.jkt.as_deref() != asked.jkt() {
            return Err(invalid("its Idempotency-Key was used with another DPoP key"));
        }
        if self.now.since(redeemed.at) >= REPLAY_MAX {
            return Err(recovery_expired());
        }
        let place = keys::receipt(&code.organization, &code.grant, &redeemed.family, 0);
        let Some(body) = idempotency::recall(ctx, &place, bound).await? else {
            return Err(recovery_expired());
        };
        let mut batch = Batch::new();
        batch.require(code).require(family);
        Ok((Ok(Answer { body, replayed: true }), batch))
    }

    /// OAuth 2.1 §4.1.3: a code used twice was stolen, and so may be what it made.
    fn end_family(&self, family: &Versioned<Family>) -> Decided {
        let mut batch = Batch::new();
        batch.revokes = true;
        batch.require(&self.code).replace(family, &family.end())?;
        batch.insert(&delegated::reuse(self.ctx, EventKind::CodeReuseDetected, family))?;
        let why = format!("it was used before: family {} of {} ends", family.id, family.client_id);
        Ok((Err(invalid(why).breaking(Rule::CodeUsed)), batch))
    }

    fn bound_key(&self) -> Option<Vec<u8>> {
        let key = self.asked.key?;
        let credential = [self.code.client_id.as_bytes(), self.code.digest.as_bytes()];
        Some(idempotency::bound(&credential, key))
    }
}

/// One sentence for every code that is not good; the difference goes to the log.
fn invalid(why: impl Into<String>) -> OAuthError {
    let what = "The code is invalid, expired or was used before, or redirect_uri or code_verifier do not fit it.";
    OAuthError::new(ErrorCode::InvalidGrant, what).because(why)
}

fn recovery_expired() -> OAuthError {
    let mut error = invalid("the answer to its Idempotency-Key is not repeated any more").breaking(Rule::NotRepeated);
    error.recovery_expired = true;
    error
}
