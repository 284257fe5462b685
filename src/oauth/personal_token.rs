//! Personal access tokens as texts, and what one is worth now. Each says where its record lies; its tag keeps forged
//! ones away from the store.

use super::last_use;
use super::standing::{Judged, Standing, in_person};
use crate::base::handle::Handle;
use crate::base::master::Purpose;
use crate::context::Context;
use crate::model::last_use::PERSONAL_TOKEN;
use crate::model::personal_token::PersonalToken;
use crate::store::keys;
use crate::store::records::Versioned;
use std::sync::Arc;

/// Between the profile's prefix and the rest.
const MARK: &str = "_pat_";

/// One that works.
pub struct Acting {
    pub token: Arc<Versioned<PersonalToken>>,
    pub stands: Standing,
    /// What of its scopes the API honours now: granted ∩ what the member's role may grant.
    pub scopes: Vec<String>,
}

/// A new text for the record of this user and id.
pub fn make(ctx: &Context, user: &str, id: &str) -> String {
    let handle = Handle::new(locator(user, id), &*ctx.random);
    handle.text(&ctx.secret, Purpose::PersonalAccessToken, &prefix(ctx))
}

/// Whether the text has the form of a personal access token of this server, or claims to.
pub fn claimed(ctx: &Context, text: &str) -> bool {
    let rest = text.strip_prefix(&ctx.profile().prefix);
    rest.is_some_and(|rest| rest.starts_with(MARK))
}

/// What a text is worth now; else why it is worth nothing, for the log.
pub async fn verify(ctx: &Context, text: &str) -> Judged<Acting> {
    let handle = Handle::read(&ctx.secret, Purpose::PersonalAccessToken, &prefix(ctx), text);
    let Some((user, id)) = handle.and_then(|handle| place(&handle.locator)) else {
        return Ok(Err("it is none of ours"));
    };
    let token = match ctx.load::<PersonalToken>(&keys::personal_token(&user, &id)).await? {
        Some(token) => token,
        None => return Ok(Err("it was revoked")),
    };
    let shown = ctx
        .secret
        .verify(Purpose::PersonalAccessToken, text.as_bytes(), &token.digest);
    if !shown {
        return Ok(Err("it is not the one that was made"));
    }
    let stands = match standing(ctx, &token).await? {
        Ok(stands) => stands,
        Err(why) => return Ok(Err(why)),
    };
    let catalog = &ctx.profile().scopes;
    let effective = token.scopes.iter().filter(|name| catalog.may_grant(stands.role, name));
    let scopes = effective.cloned().collect();
    last_use::note(ctx, PERSONAL_TOKEN, &token.id);
    Ok(Ok(Acting { token, stands, scopes }))
}

/// Whether nothing that it rests on has ended since it was made.
pub async fn standing(ctx: &Context, token: &PersonalToken) -> Judged<Standing> {
    if token.expired(ctx.now()) {
        return Ok(Err("it has expired"));
    }
    let stands = match in_person(ctx, &token.organization, &token.user).await? {
        Ok(stands) => stands,
        Err(why) => return Ok(Err(why)),
    };
    if !token.stamps.cover(&stands.epochs) {
        return Ok(Err("an epoch has passed it"));
    }
    // Whoever made it with a stolen one loses both at once.
    if let Some((user, id)) = &token.made_with {
        let Some(parent) = ctx.load::<PersonalToken>(&keys::personal_token(user, id)).await? else {
            return Ok(Err("the token that it was made with is revoked"));
        };
        if let Err(why) = Box::pin(standing(ctx, &parent)).await? {
            return Ok(Err(why));
        }
    }
    Ok(Ok(stands))
}

/// The user's id with its length, then the token's: every locator reads in one way only.
fn locator(user: &str, id: &str) -> Vec<u8> {
    let length = u8::try_from(user.len()).expect("an id fits a key of the store, which has 256 bytes");
    [&[length], user.as_bytes(), id.as_bytes()].concat()
}

fn place(locator: &[u8]) -> Option<(String, String)> {
    let (length, rest) = locator.split_first()?;
    let (user, id) = rest.split_at_checked(usize::from(*length))?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    Some((text(user)?, text(id)?))
}

fn prefix(ctx: &Context) -> String {
    format!("{}{MARK}", ctx.profile().prefix)
}

#[cfg(test)]
mod tests {
    use super::{locator, place};

    #[test]
    fn a_locator_reads_in_one_way_only() {
        let made = locator("u_1", "ab");
        assert_eq!(place(&made), Some(("u_1".to_owned(), "ab".to_owned())));
        assert_eq!(place(&made[..3]), None);
        assert_ne!(made, locator("u_1a", "b"));
        assert_eq!(place(&[]), None);
    }
}
