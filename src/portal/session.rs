//! Who is signed in, in which browser.
//!
//! The cookie is `<session id>.<secret>`; the store has the digest of the whole. Signing in always makes a new record
//! (session fixation, CVE-2026-7507); consent and a change of organization make a new secret for the same one.

use crate::base::master::{KeyedDigest, Purpose};
use crate::base::order;
use crate::base::random;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::session::Session;
use crate::model::user::User;
use crate::store::records::{Versioned, list_by_index, load};
use crate::store::{Batch, Outcome, StoreError, keys};
use crate::web::request::Request;
use http::header::USER_AGENT;
use std::sync::Arc;
use std::time::Duration;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 24;
/// How exact `used_at` is: a write for every page would be a write for every page.
const TOUCHED_EVERY: Duration = Duration::from_secs(5 * 60);
/// Sessions one user may have; the one unused for longest makes room.
pub const SESSIONS_MAX: u32 = 50;
const USER_AGENT_CHARS_MAX: usize = 200;

/// A browser in which somebody is signed in.
#[derive(Clone)]
pub struct SignedIn {
    pub session: Arc<Versioned<Session>>,
    pub user: Arc<Versioned<User>>,
}

/// A record for somebody's batch, and what the browser's cookie must then hold.
pub struct Fresh {
    pub session: Session,
    pub cookie: String,
}

/// Who `cookie` says is signed in, if that still stands.
pub async fn find(ctx: &Context, cookie: &str) -> Result<Option<SignedIn>, StoreError> {
    let now = ctx.now();
    let Some((id, _)) = cookie.split_once('.') else {
        return Ok(None);
    };
    let Some(session) = ctx.load::<Session>(&keys::session(id)).await? else {
        return Ok(None);
    };
    if !shown(ctx, &session, cookie, now) || !session.alive(now) {
        return Ok(None);
    }
    let Some(user) = ctx.load::<User>(&keys::user(&session.user)).await? else {
        return Ok(None);
    };
    let global = ctx.settings().await?.epoch;
    if user.disabled || session.user_epoch < user.epoch || session.global_epoch < global {
        return Ok(None);
    }
    Ok(Some(SignedIn { session, user }))
}

/// Both are compared, whichever matches: the time tells nothing.
fn shown(ctx: &Context, session: &Session, cookie: &str, now: Timestamp) -> bool {
    let matches = |digest| ctx.secret.verify(Purpose::Session, cookie.as_bytes(), digest);
    let current = matches(&session.secret);
    let previous = session.previous.as_ref().filter(|previous| now < previous.until);
    current | previous.is_some_and(|previous| matches(&previous.secret))
}

/// Notes that the session is used, now and then. Not worth failing for: somebody else's note is as good.
pub async fn touched(ctx: &Context, request: &Request, signed_in: SignedIn) -> SignedIn {
    let (session, now) = (&signed_in.session, ctx.now());
    let idle = ctx.config.sessions.idle;
    if now.since(session.used_at) < TOUCHED_EVERY.min(idle / 4) {
        return signed_in;
    }
    let value = Session {
        used_at: now,
        idle_ends_at: now + idle,
        address: request.peer.to_string(),
        ..session.value.clone()
    };
    let mut batch = Batch::new();
    let noted = match batch.replace(session, &value) {
        Ok(_) => ctx.store.commit(batch).await,
        Err(error) => Err(error),
    };
    match noted {
        // The version counts: what is decided next rests on the session as it is now.
        Ok(Outcome::Committed(version)) => SignedIn {
            session: Arc::new(Versioned { value, version }),
            ..signed_in
        },
        Ok(Outcome::Conflict) => signed_in,
        Err(error) => {
            log::warn!("request {}: the use of a session was not noted: {error}", request.id);
            signed_in
        }
    }
}

/// A new session. `signed_in_for` is the authorization request that asked for it, if one did.
pub async fn begin(
    ctx: &Context,
    request: &Request,
    user: &User,
    signed_in_for: Option<&str>,
) -> Result<Fresh, StoreError> {
    let now = ctx.now();
    let id = random::token::<ID_BYTES>(&*ctx.random);
    let cookie = new_cookie(ctx, &id);
    let policy = ctx.config.sessions;
    let user_agent = request.header(USER_AGENT.as_str()).unwrap_or_default();
    let session = Session {
        secret: ctx.secret.digest(Purpose::Session, cookie.as_bytes()),
        id,
        user: user.id.clone(),
        previous: None,
        user_epoch: user.epoch,
        global_epoch: ctx.settings().await?.epoch,
        organization: None,
        signed_in_for: signed_in_for.map(|query| purpose_of(ctx, query)),
        signed_in_at: now,
        used_at: now,
        idle_ends_at: now + policy.idle,
        ends_at: now + policy.absolute,
        user_agent: user_agent.chars().take(USER_AGENT_CHARS_MAX).collect(),
        address: request.peer.to_string(),
    };
    Ok(Fresh { session, cookie })
}

/// The same session with another secret; the one before is good for a few seconds more.
pub fn rotated(ctx: &Context, session: &Session) -> Fresh {
    let cookie = new_cookie(ctx, &session.id);
    let digest = ctx.secret.digest(Purpose::Session, cookie.as_bytes());
    let session = session.with_secret(digest, ctx.now());
    Fresh { session, cookie }
}

/// Whether the user signed in for the very request with this query, and has not answered it yet (OpenID Connect Core
/// §3.1.2.1, `prompt=login`).
pub fn is_for(ctx: &Context, session: &Session, query: &str) -> bool {
    let made_for = session.signed_in_for.as_ref();
    made_for.is_some_and(|digest| ctx.secret.verify(Purpose::Session, &marked(query), digest))
}

fn purpose_of(ctx: &Context, query: &str) -> KeyedDigest {
    ctx.secret.digest(Purpose::Session, &marked(query))
}

/// Begins with a byte that no cookie does.
fn marked(query: &str) -> Vec<u8> {
    [&[0], query.as_bytes()].concat()
}

fn new_cookie(ctx: &Context, id: &str) -> String {
    format!("{id}.{}", random::token::<SECRET_BYTES>(&*ctx.random))
}

/// The sessions of a user that still stand, the last used first.
pub async fn of_user(ctx: &Context, user: &User) -> Result<Vec<Versioned<Session>>, StoreError> {
    let (now, global) = (ctx.now(), ctx.settings().await?.epoch);
    let mut sessions = all_of_user(ctx, &user.id).await?;
    sessions.retain(|s| s.alive(now) && s.user_epoch >= user.epoch && s.global_epoch >= global);
    order::by_key(&mut sessions, |s| std::cmp::Reverse(s.used_at));
    Ok(sessions)
}

/// Ended ones too, until they are swept.
pub async fn all_of_user(ctx: &Context, user: &str) -> Result<Vec<Versioned<Session>>, StoreError> {
    let index = keys::sessions_of_user(user);
    let (sessions, _) = list_by_index(&*ctx.store, &index, None, SESSIONS_MAX * 2).await?;
    Ok(sessions)
}

/// Signs a browser of this user out, wherever it is. `false` where there is no such session of theirs.
pub async fn end(ctx: &Context, user: &str, id: &str) -> Result<bool, StoreError> {
    loop {
        let Some(session) = load::<Session>(&*ctx.store, &keys::session(id)).await? else {
            return Ok(false);
        };
        if session.user != user {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.remove(&session);
        batch.revokes = true;
        // A conflict is somebody using the session at this moment: it ends all the same.
        if let Outcome::Committed(_) = ctx.store.commit(batch).await? {
            return Ok(true);
        }
    }
}

/// Ends the sessions unused for longest where there are more than a user may have.
pub async fn make_room(ctx: &Context, user: &User) -> Result<(), StoreError> {
    let mut sessions = all_of_user(ctx, &user.id).await?;
    order::by_key(&mut sessions, |s| std::cmp::Reverse(s.used_at));
    for session in sessions.iter().skip(SESSIONS_MAX as usize) {
        end(ctx, &user.id, &session.id).await?;
    }
    Ok(())
}
