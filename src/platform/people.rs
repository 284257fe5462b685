//! Who is on duty for the whole installation: administrators and reviewers, how they come and go, and the one-time link
//! by which the first administrator comes.

use super::actor::Actor;
use super::commit;
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use crate::account::{self, joining, links};
use crate::base::order;
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::event::{Change, Event, EventKind};
use crate::model::link::{Allows, Link, LinkKind};
use crate::model::user::{Duty, User};
use crate::store::records::{Versioned, list_by_index, load, load_by_index};
use crate::store::{Batch, StoreError, keys};

/// People on duty at the same time.
pub const ON_DUTY_MAX: u32 = 200;
/// How often something is thought over because of somebody else.
const TRIES: usize = 8;

/// Everybody on duty, administrators first.
pub async fn list(ctx: &Context, actor: &Actor) -> Result<Vec<Versioned<User>>, Refusal> {
    actor.on_duty(Right::Administer)?;
    Ok(on_duty(ctx).await?)
}

/// The user with this address takes up a duty.
pub async fn appoint(ctx: &Context, actor: &Actor, email: &str, duty: Duty) -> Result<User, Refusal> {
    actor.on_duty(Right::Administer)?;
    let user = load_by_index::<User>(&*ctx.store, &keys::email(email.trim())).await?;
    let user = user.ok_or(Fault::new("email", "people_unknown"))?;
    if user.disabled {
        return Err(Fault::new("email", "people_disabled").into());
    }
    set_duty(ctx, Some(actor), &user.id, Some(duty)).await
}

/// Their duty ends, at once. The last administrator stays: nobody could appoint the next.
pub async fn dismiss(ctx: &Context, actor: &Actor, user: &str) -> Result<User, Refusal> {
    actor.on_duty(Right::Administer)?;
    let found = load::<User>(&*ctx.store, &keys::user(user)).await?;
    found.filter(|user| user.duty.is_some()).ok_or(Refusal::NotFound)?;
    set_duty(ctx, Some(actor), user, None).await
}

/// Without an actor it is the command line that does it, which may leave nobody.
pub async fn set_duty(ctx: &Context, by: Option<&Actor>, user: &str, duty: Option<Duty>) -> Result<User, Refusal> {
    for _ in 0..TRIES {
        let user = load::<User>(&*ctx.store, &keys::user(user)).await?;
        let user = user.ok_or(Refusal::NotFound)?;
        if user.duty == duty {
            return Ok(user.value);
        }
        let mut batch = Batch::new();
        let others = on_duty(ctx).await?;
        if user.duty == Some(Duty::Administrator) && by.is_some() {
            let other = others.iter().find(|other| other.id != user.id && administers(other));
            batch.require(other.ok_or(Refusal::State("people_last"))?);
        }
        if user.duty.is_none() && others.len() >= ON_DUTY_MAX as usize {
            return Err(Refusal::State("people_too_many"));
        }
        if duty == Some(Duty::Administrator) {
            match standing_link(ctx).await? {
                Some(link) => batch.remove(&link),
                None => batch.require_absent(keys::administrator_link()),
            };
        }
        if let Some(by) = by {
            by.hold(&mut batch);
        }
        let changed = change(ctx, &mut batch, &user, duty, by)?;
        batch.revokes = duty.is_none();
        if commit(ctx, batch).await? {
            return Ok(changed);
        }
    }
    Err(Refusal::Conflict)
}

/// A link for the first administrator, to be shown once; `None` where there is one, or where a link stands that was
/// shown before.
pub async fn first_link(ctx: &Context) -> Result<Option<String>, StoreError> {
    let there = on_duty(ctx).await?.iter().any(|user| administers(user));
    let link = standing_link(ctx).await?;
    if there || link.is_some_and(|link| ctx.now() < link.expires_at) {
        return Ok(None);
    }
    new_link(ctx).await.map(Some)
}

/// Another link, to be shown once. The one before ends.
pub async fn new_link(ctx: &Context) -> Result<String, StoreError> {
    loop {
        if let Some(old) = standing_link(ctx).await? {
            let mut batch = Batch::new();
            batch.remove(&old);
            commit(ctx, batch).await?;
            continue;
        }
        let link = links::make(ctx, LinkKind::Administrator, Allows::Administrator);
        let mut batch = Batch::new();
        batch.insert(&link.record)?;
        if commit(ctx, batch).await? {
            return Ok(link.url);
        }
    }
}

/// The link, while it makes somebody an administrator.
pub async fn of_link(ctx: &Context, token: &str) -> Result<Versioned<Link>, Refusal> {
    let link = links::find(ctx, LinkKind::Administrator, token).await?;
    let link = link.filter(|link| link.allows == Allows::Administrator);
    link.ok_or(Refusal::Account(account::Refusal::LinkGone))
}

/// Whoever is signed in becomes an administrator, by the link, once.
pub async fn take(ctx: &Context, token: &str, user: &str) -> Result<(), Refusal> {
    for _ in 0..TRIES {
        let link = of_link(ctx, token).await?;
        let user = load::<User>(&*ctx.store, &keys::user(user)).await?;
        let user = user.filter(|user| !user.disabled).ok_or(Refusal::NotFound)?;
        let mut batch = Batch::new();
        batch.remove(&link);
        change(ctx, &mut batch, &user, Some(Duty::Administrator), None)?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// The same with an account that is made for it.
pub async fn take_as_new(
    ctx: &Context,
    token: &str,
    email: &str,
    name: &str,
    password: &Secret,
) -> Result<(), Refusal> {
    of_link(ctx, token).await?;
    let email = email.trim();
    if !User::valid_email(email) {
        return Err(account::Refusal::BadAddress.into());
    }
    let user = joining::chosen(ctx, email, name, password).await?;
    for _ in 0..TRIES {
        let link = of_link(ctx, token).await?;
        if ctx.store.get(&keys::email(email)).await?.is_some() {
            return Err(Fault::new("email", "administrator_email_taken").into());
        }
        let user = User {
            duty: Some(Duty::Administrator),
            ..user.clone()
        };
        let mut batch = Batch::new();
        batch.remove(&link).insert(&user)?;
        note(ctx, &mut batch, &user, (None, user.duty), None)?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

fn change(
    ctx: &Context,
    batch: &mut Batch,
    user: &Versioned<User>,
    duty: Option<Duty>,
    by: Option<&Actor>,
) -> Result<User, StoreError> {
    let changed = User {
        duty,
        ..user.value.clone()
    };
    batch.replace(user, &changed)?;
    note(ctx, batch, &changed, (user.duty, duty), by)?;
    Ok(changed)
}

fn note(
    ctx: &Context,
    batch: &mut Batch,
    user: &User,
    (before, after): (Option<Duty>, Option<Duty>),
    by: Option<&Actor>,
) -> Result<(), StoreError> {
    let text = |duty: Option<Duty>| duty.map(|duty| duty.as_str().to_owned());
    let event = Event {
        user: Some(user.id.clone()),
        by: by.map(|by| by.id().to_owned()),
        token: by.and_then(Actor::token_used),
        subject: Some(user.email.clone()),
        changes: vec![Change {
            what: "duty".to_owned(),
            before: text(before),
            after: text(after),
        }],
        ..Event::new(EventKind::DutyChanged, ctx.now(), &*ctx.random)
    };
    batch.insert(&event).map(|_| ())
}

/// Whether they can do what an administrator does.
fn administers(user: &User) -> bool {
    user.duty == Some(Duty::Administrator) && user.password.is_some() && !user.disabled
}

pub(super) async fn on_duty(ctx: &Context) -> Result<Vec<Versioned<User>>, StoreError> {
    let (mut found, _) = list_by_index::<User>(&*ctx.store, &keys::users_on_duty(), None, ON_DUTY_MAX).await?;
    order::by(&mut found, |a, b| (a.duty, &a.email).cmp(&(b.duty, &b.email)));
    Ok(found)
}

/// An expired one too.
async fn standing_link(ctx: &Context) -> Result<Option<Versioned<Link>>, StoreError> {
    load_by_index(&*ctx.store, &keys::administrator_link()).await
}
