//! Who sends a request and whether it may pass: one decision for the proxy, the sandbox and `/gateway/check`.

use super::Gateway;
use super::credentials::{DPOP, Scheme, Shown};
use super::identity::Sender;
use super::path;
use super::rate_limits::Standing;
use super::refusal::{NoToken, Refusal};
use super::verified::VerifiedToken;
use crate::base::secret::Secret;
use crate::config::routes::{Found, Needed};
use crate::context::Context;
use crate::oauth::access_token::Claims;
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::{dpop, personal_token};
use crate::platform::api_keys;
use crate::platform::caller::Caller;
use http::{HeaderMap, Method};
use std::net::IpAddr;
use std::sync::Arc;

/// The parts of a request that decide.
pub struct Asked<'a> {
    pub method: &'a Method,
    /// As sent.
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    pub peer: IpAddr,
}

/// What may pass.
pub struct Admitted {
    pub caller: Arc<Sender>,
    pub found: Found,
    method: Method,
    shown: Known,
}

/// What was shown and found good, to be judged again while a connection lasts.
enum Known {
    AccessToken(Arc<VerifiedToken>),
    PersonalToken(Secret),
    ApiKey(String, Secret, IpAddr),
}

impl Admitted {
    /// Whether it would be admitted now.
    pub async fn still_stands(&self, ctx: &Context) -> bool {
        let Some(needed) = self.found.route.needs(&self.method) else {
            return false;
        };
        match &self.shown {
            Known::AccessToken(token) if token.is_good(ctx) => {
                let sender = token.sender(ctx).await;
                sender.is_ok_and(|sender| sender.is_ok_and(|sender| sender.holds(ctx, needed)))
            }
            Known::AccessToken(_) => false,
            Known::PersonalToken(text) => {
                let caller = Caller::of_personal_token(ctx, text.expose()).await;
                caller.is_ok_and(|caller| caller.is_ok_and(|caller| caller.holds(ctx, needed)))
            }
            Known::ApiKey(id, secret, peer) => {
                let shown = api_keys::authenticate(ctx, id, secret, *peer).await;
                let caller = shown.ok().flatten().map(Caller::of_api_key);
                caller.is_some_and(|caller| caller.holds(ctx, needed))
            }
        }
    }
}

/// The decision, and what its answer says of the limits, whatever the answer is.
pub async fn admit(ctx: &Context, gateway: &Gateway, asked: &Asked<'_>) -> (Result<Admitted, Refusal>, Standing) {
    let mut standing = Standing::default();
    let admitted = judge(ctx, gateway, asked, &mut standing).await;
    (admitted, standing)
}

/// In this order: the spelling of the path, the credentials, the limits, the route, its resource, the organization, the
/// scopes. 404 and 405 are for whoever is authenticated; a challenge names the scopes of a route, so routes are no
/// secret.
async fn judge(
    ctx: &Context,
    gateway: &Gateway,
    asked: &Asked<'_>,
    standing: &mut Standing,
) -> Result<Admitted, Refusal> {
    // 1. One way to read the path.
    if !path::is_plain(asked.path) {
        return Err(Refusal::Malformed(
            "The path is not in its plain form (RFC 3986 section 6.2.2).",
        ));
    }
    let routes = ctx.routes();
    let found = routes.at(&path::bare(asked.path));
    let needed = found.as_ref().and_then(|found| found.route.needs(asked.method));
    // 2. Credentials, from one place.
    let shown = Shown::of(&ctx.profile().api_keys, asked.headers)?;
    let no_token = |error| {
        let resource = match &found {
            Some(found) => found.route.resource.clone(),
            None => ctx.profile().default_resource().identifier.clone(),
        };
        Refusal::Token(Box::new(NoToken {
            error,
            resource,
            scopes: needed.map(|needed| needed.to_ask_for().to_vec()).unwrap_or_default(),
        }))
    };
    let (caller, shown) = match shown {
        Shown::Nothing => return Err(no_token(None)),
        Shown::ApiKey { id, secret } => match api_keys::authenticate(ctx, id, &secret, asked.peer).await {
            Ok(Some(found)) => (
                Arc::new(Sender::new(Caller::of_api_key(found))),
                Known::ApiKey(id.to_owned(), secret, asked.peer),
            ),
            Ok(None) => return Err(Refusal::ApiKey),
            Err(refused) => return Err(refused.into()),
        },
        Shown::Token { scheme, token } => match of_token(ctx, gateway, asked, scheme, token).await? {
            Ok(known) => known,
            Err(wrong) => return Err(no_token(Some(wrong))),
        },
    };
    // 3. Limits: also of what is refused below, which is work too.
    let limits = &gateway.rate_limits;
    limits.count(ctx, &routes, found.as_ref(), &caller, standing).await?;
    // 4. The route and its method.
    let Some(found) = found else {
        return Err(Refusal::NoRoute);
    };
    let Some(needed) = found.route.needs(asked.method) else {
        let known = found.route.methods.iter().map(|(method, _)| method.clone());
        return Err(Refusal::Method(known.collect()));
    };
    may_pass(ctx, &caller, &shown, &found, needed)?;
    Ok(Admitted {
        caller,
        method: asked.method.clone(),
        found,
        shown,
    })
}

/// Of somebody who is authenticated, on a route that there is.
fn may_pass(ctx: &Context, caller: &Caller, shown: &Known, found: &Found, needed: &Needed) -> Result<(), Refusal> {
    let resource = &found.route.resource;
    // 5. The resource it was made for (RFC 9068 §4); personal tokens and keys are for all of them.
    if let Known::AccessToken(verified) = shown
        && verified.claims().aud != *resource
    {
        return Err(Refusal::Token(Box::new(NoToken {
            error: Some(Wrong::Token("The token is for another resource.")),
            resource: resource.clone(),
            scopes: needed.to_ask_for().to_vec(),
        })));
    }
    // 6. The organization, where the path names one.
    if found.organization().is_some_and(|named| !caller.is_of(ctx, named)) {
        return Err(Refusal::Organization);
    }
    // 7. The scopes, named at once where one is missing (RFC 6750 §3.1).
    if !caller.holds(ctx, needed) {
        return Err(Refusal::Scopes {
            needed: needed.clone(),
            resource: resource.clone(),
        });
    }
    Ok(())
}

/// What is wrong with a token that was shown; the sentence tells nothing of why it is dead.
#[derive(Debug)]
pub enum Wrong {
    Token(&'static str),
    /// The proof of possession (RFC 9449 §7.1).
    Proof(OAuthError),
}

const DEAD: Wrong = Wrong::Token("The token is no good: it is malformed, expired, revoked or not of this server.");

async fn of_token(
    ctx: &Context,
    gateway: &Gateway,
    asked: &Asked<'_>,
    scheme: Scheme,
    token: &str,
) -> Result<Result<(Arc<Sender>, Known), Wrong>, Refusal> {
    if personal_token::claimed(ctx, token) {
        if scheme == Scheme::Dpop {
            return Ok(Err(Wrong::Token("A personal access token is sent as Bearer.")));
        }
        return Ok(match Caller::of_personal_token(ctx, token).await? {
            Ok(caller) => Ok((
                Arc::new(Sender::new(caller)),
                Known::PersonalToken(Secret::new(token.to_owned())),
            )),
            Err(why) => {
                log::debug!("a personal access token was refused: {why}");
                Err(DEAD)
            }
        });
    }
    let verified = match gateway.verified.verify(ctx, token) {
        Ok(verified) => verified,
        Err(why) => {
            log::debug!("an access token was refused: {why}");
            return Ok(Err(DEAD));
        }
    };
    let proof = match possessed(ctx, asked, scheme, token, verified.claims()) {
        Ok(proof) => proof,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let sender = match verified.sender(ctx).await? {
        Ok(sender) => sender,
        Err(why) => {
            log::debug!("an access token was refused: {why}");
            return Ok(Err(DEAD));
        }
    };
    // Only a proof for a token that stands is remembered: nobody else fills the memory.
    if let Some(proof) = proof
        && !gateway.proofs.take(ctx, proof.once).await?
    {
        let what = "The DPoP proof has been used before: make a new one for every request.";
        return Ok(Err(Wrong::Proof(OAuthError::new(ErrorCode::InvalidDpopProof, what))));
    }
    Ok(Ok((sender, Known::AccessToken(verified))))
}

/// RFC 9449 §7.1, §7.2: a bound token is shown as DPoP with a proof of its key, and one that is not bound as Bearer.
fn possessed(
    ctx: &Context,
    asked: &Asked<'_>,
    scheme: Scheme,
    token: &str,
    claims: &Claims,
) -> Result<Option<dpop::Proof>, Wrong> {
    let jkt = match (scheme, &claims.jkt) {
        (Scheme::Bearer, None) => return Ok(None),
        (Scheme::Bearer, Some(_)) => {
            return Err(Wrong::Token(
                "The token is bound to a key: send it as DPoP, with a proof.",
            ));
        }
        (Scheme::Dpop, None) => return Err(Wrong::Token("The token is bound to no key: send it as Bearer.")),
        (Scheme::Dpop, Some(jkt)) => jkt,
    };
    let headers: Vec<&[u8]> = asked
        .headers
        .get_all(&DPOP)
        .iter()
        .map(|value| value.as_bytes())
        .collect();
    let resource = origin(&claims.aud);
    let origins = [ctx.issuer(), resource];
    let proof = dpop::verify(
        ctx,
        &dpop::Asked {
            origins: &origins,
            headers: &headers,
            method: asked.method.as_str(),
            path: asked.path,
            access_token: Some(token),
            native: claims.native,
        },
    )
    .map_err(Wrong::Proof)?;
    let Some(proof) = proof else {
        let what = "The DPoP header with the proof is missing.";
        return Err(Wrong::Proof(OAuthError::new(ErrorCode::InvalidDpopProof, what)));
    };
    if proof.jkt != *jkt {
        return Err(Wrong::Token("The token is bound to another key than the proof's."));
    }
    Ok(Some(proof))
}

/// Scheme and authority of an absolute URI.
fn origin(identifier: &str) -> &str {
    identifier
        .strip_suffix(path::root(identifier))
        .unwrap_or(identifier)
        .trim_end_matches('/')
}
