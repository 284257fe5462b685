//! The refresh token grant (OAuth 2.1 §4.3): every use rotates, a lost answer loses nothing, a thief is found.
//!
//! What a refresh token comes to is for [`Family::judge`] to say; here it is carried out, each decision in one batch
//! that names what it rests on. Of several requests at once one rotates, and the others are judged again.

use super::answer::Answer;
use super::delegated::{self, Approval, Delegated, Issue};
use super::error::{ErrorCode, OAuthError};
use super::idempotency::{self, Lasts};
use super::refresh_token::{self, Place};
use super::scope;
use super::token::Asked;
use crate::base::master::Purpose;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::Kind;
use crate::model::event::EventKind;
use crate::model::failure::Rule;
use crate::model::family::{Family, How, Next, Policy, Rotation, Shown, Verdict};
use crate::store::records::{Versioned, load};
use crate::store::{Batch, StoreError};
use std::time::Duration;

/// How long a rotation with an `Idempotency-Key` is repeated, if its successor stays unused.
const KEYED_REPLAY_MAX: Duration = Duration::from_secs(24 * 3600);

/// A refresh token that is this client's, of a family whose grant stands.
struct Held<'a> {
    ctx: &'a Context,
    asked: &'a Asked<'a>,
    family: Versioned<Family>,
    delegated: Delegated,
    now: Timestamp,
}

pub async fn refresh_token(ctx: &Context, asked: &Asked<'_>) -> Result<Answer, OAuthError> {
    let Some(token) = asked.params.get("refresh_token")? else {
        return Err(OAuthError::invalid_request("The parameter refresh_token is missing."));
    };
    let place = refresh_token::read(ctx, token)
        .ok_or_else(|| invalid("it is none of this server's").breaking(Rule::RefreshUnknown))?;
    for _ in 0..delegated::ATTEMPTS_MAX {
        let held = find(ctx, asked, &place).await?;
        let (answer, batch) = match held.judge(token, place.number) {
            Verdict::Rotate => held.rotate().await?,
            Verdict::ReplayKeyed => held.repeat_receipt().await?,
            Verdict::ReplayPlain => held.repeat().await?,
            Verdict::Reuse => held.end_grant()?,
            Verdict::RecoveryExpired => return Err(recovery_expired()),
            Verdict::WrongKey => return Err(wrong_key(asked)),
            Verdict::Invalid(why) => return Err(invalid(why).breaking(Rule::RefreshEnded)),
        };
        if asked.commit(ctx, batch).await? {
            return answer;
        }
    }
    Err(delegated::busy())
}

/// Refused before anything else is looked at: what is unknown, another client's, or under a grant that has ended. Of an
/// installation also what is for another resource, whatever key it shows.
async fn find<'a>(ctx: &'a Context, asked: &'a Asked<'a>, place: &Place) -> Result<Held<'a>, OAuthError> {
    let family = load::<Family>(&*ctx.store, &place.family_key()).await?;
    let family = family.ok_or_else(|| invalid("its family is gone").breaking(Rule::RefreshEnded))?;
    if family.client_id != asked.app().client_id {
        return Err(invalid("it is another client's").breaking(Rule::RefreshOfAnother));
    }
    if asked.app().kind == Kind::Native && asked.names_other_resource(&family.resource) {
        return Err(invalid("it is for another resource").breaking(Rule::Resource));
    }
    let approval = Approval {
        organization: &family.organization,
        user: &family.user,
        grant: &family.grant,
        stamps: &family.stamps,
    };
    let delegated = delegated::standing(ctx, asked.app(), &approval)
        .await?
        .map_err(invalid)?;
    Ok(Held {
        ctx,
        asked,
        family,
        delegated,
        now: ctx.now(),
    })
}

/// What is to be answered once the batch stands.
type Decided = Result<(Result<Answer, OAuthError>, Batch), OAuthError>;

impl Held<'_> {
    fn judge(&self, token: &str, number: u64) -> Verdict {
        let key = self.bound_key();
        let shown = Shown {
            secret: &self.ctx.secret,
            token,
            number,
            client_id: &self.asked.app().client_id,
            jkt: self.asked.jkt(),
            key: key.as_deref(),
        };
        let policy = Policy {
            grace: self.ctx.profile().lifetimes.refresh_grace,
            keyed: (self.asked.app().kind != Kind::Native).then_some(KEYED_REPLAY_MAX),
        };
        self.family.judge(&shown, &policy, self.now)
    }

    fn bound_key(&self) -> Option<Vec<u8>> {
        let key = self.asked.key?;
        Some(idempotency::bound_to_family(&self.family, key))
    }

    /// Fewer scopes than the family's, or all of them (RFC 6749 §6); the same audience. Before anything is used up.
    fn scopes(&self) -> Result<Vec<String>, OAuthError> {
        let family = &self.family;
        if self.asked.names_other_resource(&family.resource) {
            let what = "The refresh token is for another resource.";
            return Err(OAuthError::new(ErrorCode::InvalidTarget, what));
        }
        let asked = match self.asked.params.get("scope")? {
            Some(asked) if self.asked.app().kind == Kind::Native => scope::exactly(&family.scopes, asked)?,
            Some(asked) => scope::within(&self.ctx.profile().scopes, &family.scopes, asked)?,
            None => family.scopes.clone(),
        };
        delegated::effective(self.ctx, self.asked.app(), &self.delegated.stands, &asked)
    }

    async fn rotate(self) -> Decided {
        let Self { ctx, asked, now, .. } = self;
        let scopes = self.scopes()?;
        let place = Place::live(&self.family).next();
        let (text, random) = place.make(ctx);
        let jti = delegated::jti(ctx);
        let key = self.bound_key();
        let how = match &key {
            Some(bound) => How::Keyed {
                key: ctx.secret.digest(Purpose::IdempotencyKey, bound),
                kid: None,
            },
            None => How::Plain {
                successor: ctx
                    .secret
                    .seal(Purpose::RefreshToken, &place.family_key().0, &random, &*ctx.random),
                jti: jti.clone(),
                issued_at: now,
            },
        };
        let next = Next {
            live: ctx.secret.digest(Purpose::RefreshToken, text.as_bytes()),
            jkt: asked.jkt().map(str::to_owned),
            how,
            idle: delegated::refresh_lifetimes(ctx, asked.app(), &self.family.resource).0,
        };
        let mut family = self.family.rotate(next, now);
        // How long one of an installation is repeated nobody knows: the key that signs it is told of the receipt.
        let with_family = key.is_some() && asked.app().kind == Kind::Native;
        let repeatable_until = key.filter(|_| !with_family);
        let repeatable_until = repeatable_until.map(|_| family.expiry().min(now + KEYED_REPLAY_MAX));
        let issue = Issue {
            app: asked.app(),
            family: &family,
            scopes: &scopes,
            jkt: asked.jkt(),
            jti,
            at: now,
            repeatable_until,
        };
        let minted = delegated::mint(ctx, issue).await?;
        let lasts = match repeatable_until {
            Some(until) => Some(Lasts::Until(until)),
            None if with_family => Some(Lasts::WithFamily {
                kid: family.signed_by(&minted.kid),
            }),
            None => None,
        };
        let body = delegated::granted(ctx, asked.app(), minted, text, &self.delegated.stands).body(ctx);
        let mut batch = Batch::new();
        batch.replace(&self.family, &family)?;
        idempotency::forget(&mut batch, &self.family);
        if let (Some(key), Some(lasts)) = (family.keyed_rotation(), lasts) {
            batch.insert(&idempotency::receipt(ctx, &family, *key, &body, lasts)?)?;
        }
        Ok((Ok(Answer { body, replayed: false }), batch))
    }

    async fn repeat_receipt(self) -> Decided {
        self.scopes()?;
        let bound = self.bound_key().ok_or_else(recovery_expired)?;
        let place = idempotency::place(&self.family);
        let Some(body) = idempotency::recall(self.ctx, &place, &bound).await? else {
            return Err(recovery_expired());
        };
        Ok((Ok(Answer { body, replayed: true }), self.unchanged()))
    }

    /// The successor as it was made, with the access token as it was made: from the family's own record.
    async fn repeat(self) -> Decided {
        let Self { ctx, asked, .. } = self;
        let scopes = self.scopes()?;
        let Some(Rotation {
            how: How::Plain {
                successor,
                jti,
                issued_at,
            },
            ..
        }) = &self.family.rotation
        else {
            return Err(recovery_expired());
        };
        let place = Place::live(&self.family);
        let random = ctx
            .secret
            .open(Purpose::RefreshToken, &place.family_key().0, successor)
            .and_then(|random| random.as_slice().try_into().ok())
            .ok_or_else(|| StoreError::Corrupt("the successor of a refresh token cannot be opened".into()))?;
        let text = place.remake(ctx, random);
        if !self.family.is_live(&ctx.secret, &text) {
            // The master secret has a new key: the text would have another tag than the one that was handed out.
            return Err(recovery_expired());
        }
        let issue = Issue {
            app: asked.app(),
            family: &self.family,
            scopes: &scopes,
            jkt: asked.jkt(),
            jti: jti.clone(),
            at: *issued_at,
            repeatable_until: None,
        };
        let minted = delegated::mint(ctx, issue).await?;
        let batch = self.unchanged();
        let body = delegated::granted(ctx, asked.app(), minted, text, &self.delegated.stands).body(ctx);
        Ok((Ok(Answer { body, replayed: true }), batch))
    }

    fn unchanged(&self) -> Batch {
        let mut batch = Batch::new();
        batch.require(&self.family);
        batch
    }

    /// RFC 9700 §4.14.2: which of the two is the thief nobody can tell, so the user has to consent again.
    fn end_grant(self) -> Decided {
        let grant = &self.delegated.grant;
        let mut batch = self.unchanged();
        batch.revokes = true;
        batch.replace(grant, &grant.reuse_detected())?;
        batch.insert(&delegated::reuse(
            self.ctx,
            EventKind::RefreshReuseDetected,
            &self.family,
        ))?;
        let why = format!("it was used before: grant {} of {} ends", grant.id, grant.client_id);
        Ok((Err(invalid(why).breaking(Rule::RefreshReused)), batch))
    }
}

/// One sentence for every refresh token that is not good; the difference goes to the log.
fn invalid(why: impl Into<String>) -> OAuthError {
    let what = "The refresh token is invalid, expired, revoked or was used before.";
    OAuthError::new(ErrorCode::InvalidGrant, what).because(why)
}

fn recovery_expired() -> OAuthError {
    let mut error = invalid("the answer to its Idempotency-Key is not repeated any more").breaking(Rule::NotRepeated);
    error.recovery_expired = true;
    error
}

/// RFC 9449 §5: the refresh tokens of a public client are bound to its key.
fn wrong_key(asked: &Asked<'_>) -> OAuthError {
    if asked.jkt().is_none() {
        let what = "The refresh token is bound to a key: send a DPoP proof of that key.";
        return OAuthError::new(ErrorCode::InvalidDpopProof, what);
    }
    let what = "The refresh token is bound to another key than the DPoP proof is of.";
    OAuthError::new(ErrorCode::InvalidDpopKey, what)
}
