//! Passwords: chosen, changed, forgotten.

use super::attempts::{self, Allowance};
use super::letters::{self, compose, post};
use super::{Refusal, commit, links, note};
use crate::base::password_rules;
use crate::base::secret::Secret;
use crate::config::Texts;
use crate::context::Context;
use crate::model::counts::Limit;
use crate::model::event::EventKind;
use crate::model::link::{Allows, Link, LinkKind};
use crate::model::mail::TRIED_FOR;
use crate::model::user::User;
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, StoreError, keys};
use std::net::IpAddr;
use std::time::Duration;

/// Letters to one address, whoever asks for them.
const REQUESTS: Allowance = Allowance {
    what: "password reset",
    max: 3,
    window: Duration::from_secs(60 * 60),
};

/// The hash of a password that may be chosen by somebody of whom others know `about`.
pub async fn hash(ctx: &Context, password: &Secret, about: &[&str]) -> Result<String, Refusal> {
    password_rules::check(password.expose(), about)?;
    Ok(ctx.passwords.hash(password).await?)
}

/// Whether this is the user's password. Wrong ones count, like those at sign-in.
pub async fn verify(ctx: &Context, user: &User, password: &Secret, peer: IpAddr) -> Result<(), Refusal> {
    let principal = user.id.as_str();
    if let Some(wait) = ctx.held_back(Limit::Failures, ctx.limiter.blocked(principal, peer, ctx.now())) {
        return Err(Refusal::Wait(wait));
    }
    let right = match &user.password {
        Some(phc) => ctx.passwords.verify(password, phc).await?,
        None => {
            ctx.passwords.verify_nobody(password).await?;
            false
        }
    };
    // Those who were looked at meanwhile count too.
    if let Some(wait) = ctx.held_back(Limit::Failures, ctx.limiter.blocked(principal, peer, ctx.now())) {
        return Err(Refusal::Wait(wait));
    }
    if !right {
        ctx.limiter.failed(principal, peer, ctx.now());
        return Err(Refusal::WrongPassword);
    }
    Ok(())
}

/// The user with another password. Whatever the old one opened ends: sessions, grants and tokens.
pub fn replaced(user: &User, phc: String) -> User {
    User {
        password: Some(phc),
        epoch: user.epoch + 1,
        ..user.clone()
    }
}

/// Another password for the user with this id, who knows the old one: the batch that sets it, and the user as they then
/// are. Whoever asks adds the session that goes on, and commits.
pub async fn change(
    ctx: &Context,
    texts: &Texts,
    user: &str,
    (old, new): (&Secret, &Secret),
    peer: IpAddr,
) -> Result<(Batch, User), Refusal> {
    let user = load::<User>(&*ctx.store, &keys::user(user)).await?;
    let user = user.filter(|user| !user.disabled).ok_or(Refusal::WrongPassword)?;
    verify(ctx, &user, old, peer).await?;
    let changed = replaced(&user, hash(ctx, new, &[&user.email, &user.name]).await?);
    let mut batch = Batch::new();
    batch.replace(&user, &changed)?;
    tell(ctx, texts, &mut batch, &changed)?;
    Ok((batch, changed))
}

/// Sends a link to whoever has an account with this address, and does as much where nobody has.
pub async fn ask_reset(ctx: &Context, texts: &Texts, email: &str, peer: IpAddr) -> Result<(), Refusal> {
    if !User::valid_email(email) {
        return Err(Refusal::BadAddress);
    }
    if !attempts::ask(ctx, &REQUESTS, email, peer).await? {
        return Ok(());
    }
    let found = load_by_index::<User>(&*ctx.store, &keys::email(email)).await?;
    let user = found.filter(|user| user.password.is_some() && !user.disabled);
    let mut batch = Batch::new();
    reset_link(ctx, texts, &mut batch, user.as_deref())?;
    // A conflict is a clash of random numbers.
    commit(ctx, batch).await?;
    Ok(())
}

/// A link for a user, from an administrator: to show, where no mail server takes it.
pub async fn send_reset(ctx: &Context, texts: &Texts, user: &User) -> Result<Option<String>, StoreError> {
    let mut batch = Batch::new();
    let url = reset_link(ctx, texts, &mut batch, Some(user))?;
    commit(ctx, batch).await?;
    Ok(ctx.config.mail.is_none().then_some(url))
}

fn reset_link(ctx: &Context, texts: &Texts, batch: &mut Batch, user: Option<&User>) -> Result<String, StoreError> {
    let allows = match user {
        Some(user) => Allows::PasswordReset {
            user: user.id.clone(),
            epoch: user.epoch,
        },
        None => Allows::Nothing,
    };
    let link = links::make(ctx, LinkKind::PasswordReset, allows);
    batch.insert(&link.record)?;
    let letter = user.map(|user| compose(ctx, texts, &user.email, letters::RESET, &[("link", &link.url)]));
    post(ctx, batch, letter.as_ref(), link.record.expires_at)?;
    Ok(link.url)
}

/// Who may set a new password with this link.
pub async fn of_reset_link(ctx: &Context, token: &str) -> Result<(Versioned<Link>, Versioned<User>), Refusal> {
    let link = links::find(ctx, LinkKind::PasswordReset, token).await?;
    let link = link.ok_or(Refusal::LinkGone)?;
    let Allows::PasswordReset { user, epoch } = &link.allows else {
        return Err(Refusal::LinkGone);
    };
    let user = load::<User>(&*ctx.store, &keys::user(user)).await?;
    // Another password was set since: with another link, say, that was asked for because this one took its time.
    let user = user.filter(|user| !user.disabled && user.epoch == *epoch);
    Ok((link, user.ok_or(Refusal::LinkGone)?))
}

/// Sets a new password with a link, once. Nobody is signed in by it: a second factor is still asked for.
pub async fn reset(ctx: &Context, texts: &Texts, token: &str, password: &Secret) -> Result<(), Refusal> {
    let (_, user) = of_reset_link(ctx, token).await?;
    let phc = hash(ctx, password, &[&user.email, &user.name]).await?;
    loop {
        let (link, user) = of_reset_link(ctx, token).await?;
        let changed = replaced(&user, phc.clone());
        let mut batch = Batch::new();
        batch.remove(&link).replace(&user, &changed)?;
        tell(ctx, texts, &mut batch, &changed)?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
}

/// Notes that the password is another one, and writes it to whom it belongs: who did not do it learns of it.
fn tell(ctx: &Context, texts: &Texts, batch: &mut Batch, user: &User) -> Result<(), StoreError> {
    note(ctx, batch, EventKind::PasswordChanged, user)?;
    let letter = compose(ctx, texts, &user.email, letters::PASSWORD_CHANGED, &[]);
    post(ctx, batch, Some(&letter), ctx.now() + TRIED_FOR)
}
