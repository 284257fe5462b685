//! API keys of an organization: made, listed, revoked, and shown at the door.

use super::actor::{Actor, Membership};
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, commit, cursor, event};
use crate::account;
use crate::base::master::Purpose;
use crate::base::order;
use crate::base::random;
use crate::base::secret::Secret;
use crate::base::text;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::api_key::{ApiKey, NAME_CHARS_MAX, SCOPES_BYTES_MAX};
use crate::model::counts::Limit;
use crate::model::epoch::Epochs;
use crate::model::event::{Change, Event, EventKind};
use crate::model::last_use::API_KEY;
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::personal_token::PersonalToken;
use crate::model::role::Role;
use crate::model::user::User;
use crate::oauth::{last_use, personal_token};
use crate::store::records::{Versioned, list_by_index, load};
use crate::store::{Batch, StoreError, keys};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Keys of one organization that nobody has revoked. Two made at once may be one more: it only keeps the list short.
pub const KEYS_MAX: usize = 50;
/// Keys that are looked at.
const LISTED_MAX: u32 = 100;
const ID_BYTES: usize = 15;
const SECRET_BYTES: usize = 24;
/// Longer than any id and any secret.
const SHOWN_BYTES_MAX: usize = 128;

/// How long keys may live; `None`: until somebody revokes them.
pub const LIFETIMES_DAYS: [Option<u64>; 4] = [Some(30), Some(90), Some(365), None];

/// What is asked for.
pub struct NewKey<'a> {
    pub name: &'a str,
    pub scopes: Vec<String>,
    /// One of [`LIFETIMES_DAYS`].
    pub days: Option<u64>,
}

/// A key that was just made, with what is shown once.
pub struct Made {
    pub key: ApiKey,
    pub secret: Secret,
}

/// A key in the list.
pub struct Listed {
    pub key: Versioned<ApiKey>,
    /// Its maker's name.
    pub maker: String,
    pub used_at: Option<Timestamp>,
    /// What it may do now; empty: nothing.
    pub scopes: Vec<String>,
}

/// A key that was shown at the door and is good.
pub struct Authenticated {
    pub key: Arc<Versioned<ApiKey>>,
    pub organization: Arc<Versioned<Organization>>,
    pub role: Role,
    /// What it may do now.
    pub scopes: Vec<String>,
}

/// Makes a key that acts as whoever makes it.
pub async fn create(ctx: &Context, actor: &Actor, organization: &str, new: &NewKey<'_>) -> Result<Made, Refusal> {
    enabled(ctx)?;
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, organization, Right::ManageApiKeys).await?;
        let name = checked(ctx, actor, &membership, new)?;
        if all(ctx, organization).await?.len() >= KEYS_MAX {
            return Err(Refusal::State("org_keys_full"));
        }
        let now = ctx.now();
        let rules = &ctx.profile().api_keys;
        let text = format!("{}{}", rules.secret_prefix, random::token::<SECRET_BYTES>(&*ctx.random));
        let key = ApiKey {
            id: format!("{}{}", rules.id_prefix, random::token::<ID_BYTES>(&*ctx.random)),
            organization: organization.to_owned(),
            digest: ctx.secret.digest(Purpose::ApiKey, text.as_bytes()),
            name,
            scopes: new.scopes.clone(),
            created_by: actor.id().to_owned(),
            stamps: counters(ctx, &membership.organization, &membership.member, &actor.user).await?,
            created_at: now,
            expires_at: ends(
                actor,
                new.days.map(|days| now + Duration::from_secs(days * 24 * 60 * 60)),
            ),
            made_with: actor
                .token
                .as_ref()
                .map(|token| (token.record.user.clone(), token.record.id.clone())),
            revoked: false,
        };
        let mut batch = Batch::new();
        membership.hold(&mut batch);
        actor.hold(&mut batch).insert(&key)?;
        batch.insert(&Event {
            subject: Some(format!("{} ({})", key.name, key.id)),
            changes: vec![Change::new("scopes", None::<&str>, Some(shortened(&key.scopes)))],
            ..event(ctx, actor, EventKind::ApiKeyCreated, organization)
        })?;
        if commit(ctx, batch).await? {
            let secret = Secret::new(text);
            return Ok(Made { key, secret });
        }
    }
    Err(Refusal::Conflict)
}

/// The name, when nothing is wrong with what is asked for.
fn checked(ctx: &Context, actor: &Actor, membership: &Membership, new: &NewKey<'_>) -> Result<String, Refusal> {
    let mut faults = Vec::new();
    let name = text::name(new.name, NAME_CHARS_MAX);
    if name.is_none() {
        faults.push(Fault::new("name", "org_key_name_bad").with("characters", NAME_CHARS_MAX));
    }
    let catalog = &ctx.profile().scopes;
    let bytes: usize = new.scopes.iter().map(|scope| scope.len() + 1).sum();
    if new.scopes.is_empty() {
        faults.push(Fault::new("scopes", "org_key_scopes_none"));
    } else if !new
        .scopes
        .iter()
        .all(|scope| catalog.may_grant(membership.role(), scope))
    {
        faults.push(Fault::new("scopes", "org_key_scopes_beyond"));
    } else if let Some(token) = &actor.token
        && !new.scopes.iter().all(|scope| token.record.scopes.contains(scope))
    {
        // Whoever has only a token gets no more out of it than it may itself.
        faults.push(Fault::new("scopes", "org_key_scopes_beyond"));
    } else if bytes > SCOPES_BYTES_MAX {
        faults.push(Fault::new("scopes", "org_key_scopes_many"));
    }
    if !LIFETIMES_DAYS.contains(&new.days) {
        faults.push(Fault::new("days", "org_key_lifetime_bad"));
    }
    match name {
        Some(name) if faults.is_empty() => Ok(name),
        _ => Err(Refusal::Invalid(faults)),
    }
}

/// A key that was made with a token lives no longer.
fn ends(actor: &Actor, wanted: Option<Timestamp>) -> Option<Timestamp> {
    let token = actor.token.as_ref().and_then(|token| token.record.expires_at);
    match (wanted, token) {
        (Some(wanted), Some(token)) => Some(wanted.min(token)),
        (wanted, token) => wanted.or(token),
    }
}

/// For an event.
fn shortened(scopes: &[String]) -> String {
    const CHARS_MAX: usize = 500;
    let all = scopes.join(" ");
    if all.chars().count() <= CHARS_MAX {
        return all;
    }
    let mut text: String = all.chars().take(CHARS_MAX).collect();
    text.push('…');
    text
}

/// The counters that end a key.
async fn counters(
    ctx: &Context,
    organization: &Organization,
    member: &Member,
    user: &User,
) -> Result<Epochs, StoreError> {
    Ok(Epochs {
        global: ctx.settings().await?.epoch,
        organization: organization.epoch,
        user: user.epoch,
        member: member.epoch,
        ..Epochs::default()
    })
}

/// The keys that were not revoked, the newest first.
pub async fn list(ctx: &Context, actor: &Actor, organization: &str) -> Result<Vec<Listed>, Refusal> {
    enabled(ctx)?;
    actor.in_organization(ctx, organization, Right::SeeApiKeys).await?;
    let mut listed = Vec::new();
    for key in all(ctx, organization).await? {
        let maker = ctx.load::<User>(&keys::user(&key.created_by)).await?;
        listed.push(Listed {
            maker: maker.map_or(String::new(), |user| user.name.clone()),
            used_at: last_use::of(ctx, API_KEY, &key.id).await?,
            scopes: standing(ctx, &key).await?.map_or(Vec::new(), |(_, _, scopes)| scopes),
            key,
        });
    }
    order::by_key(&mut listed, |listed| std::cmp::Reverse(listed.key.created_at));
    Ok(listed)
}

/// One that was not revoked.
pub async fn show(ctx: &Context, actor: &Actor, organization: &str, id: &str) -> Result<Versioned<ApiKey>, Refusal> {
    enabled(ctx)?;
    actor.in_organization(ctx, organization, Right::SeeApiKeys).await?;
    find(ctx, organization, id).await
}

pub async fn revoke(ctx: &Context, actor: &Actor, organization: &str, id: &str) -> Result<(), Refusal> {
    enabled(ctx)?;
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor.in_organization(ctx, organization, Right::ManageApiKeys).await?;
        let old = find(ctx, organization, id).await?;
        let new = ApiKey {
            revoked: true,
            ..old.value.clone()
        };
        let mut batch = Batch::new();
        membership.hold(&mut batch);
        batch.replace(&old, &new)?;
        batch.revokes = true;
        batch.insert(&Event {
            subject: Some(format!("{} ({})", old.name, old.id)),
            user: (old.created_by != actor.id()).then(|| old.created_by.clone()),
            ..event(ctx, actor, EventKind::ApiKeyRevoked, organization)
        })?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

async fn find(ctx: &Context, organization: &str, id: &str) -> Result<Versioned<ApiKey>, Refusal> {
    let id = cursor(Some(id)).ok_or(Refusal::NotFound)?;
    let key = load::<ApiKey>(&*ctx.store, &keys::api_key(id)).await?;
    let key = key.filter(|key| key.organization == organization && !key.revoked);
    key.ok_or(Refusal::NotFound)
}

async fn all(ctx: &Context, organization: &str) -> Result<Vec<Versioned<ApiKey>>, StoreError> {
    let index = keys::api_keys_of_organization(organization);
    let (found, _) = list_by_index(&*ctx.store, &index, None, LISTED_MAX).await?;
    Ok(found)
}

/// In a profile without API keys there is nothing of them.
fn enabled(ctx: &Context) -> Result<(), Refusal> {
    if ctx.profile().api_keys.enabled {
        Ok(())
    } else {
        Err(Refusal::NotFound)
    }
}

/// Whether id and secret are those of a key that stands, as a request shows them. `None` is one answer for whatever is
/// wrong; wrong ones count, like those of any credential, and too many of them have to wait.
pub async fn authenticate(
    ctx: &Context,
    id: &str,
    secret: &Secret,
    peer: IpAddr,
) -> Result<Option<Authenticated>, Refusal> {
    enabled(ctx)?;
    if id.len() > SHOWN_BYTES_MAX || secret.expose().len() > SHOWN_BYTES_MAX {
        return Ok(None);
    }
    if let Some(wait) = ctx.held_back(Limit::Failures, ctx.limiter.blocked(id, peer, ctx.now())) {
        return Err(account::Refusal::Wait(wait).into());
    }
    let found = verified(ctx, id, secret).await?;
    if found.is_none() {
        ctx.limiter.failed(id, peer, ctx.now());
    }
    Ok(found)
}

async fn verified(ctx: &Context, id: &str, secret: &Secret) -> Result<Option<Authenticated>, StoreError> {
    let shown = secret.expose().as_bytes();
    let key = match cursor(Some(id)) {
        Some(id) => ctx.load::<ApiKey>(&keys::api_key(id)).await?,
        None => None,
    };
    let Some(key) = key else {
        // As much work as for a key there is: the time must not tell which it was.
        std::hint::black_box(ctx.secret.digest(Purpose::ApiKey, shown));
        return Ok(None);
    };
    if !ctx.secret.verify(Purpose::ApiKey, shown, &key.digest) {
        return Ok(None);
    }
    let Some((organization, role, scopes)) = standing(ctx, &key).await? else {
        return Ok(None);
    };
    last_use::note(ctx, API_KEY, &key.id);
    Ok(Some(Authenticated {
        key,
        organization,
        role,
        scopes,
    }))
}

/// Whether the key would be let in.
pub async fn stands(ctx: &Context, id: &str) -> Result<bool, StoreError> {
    match ctx.load::<ApiKey>(&keys::api_key(id)).await? {
        Some(key) => Ok(standing(ctx, &key).await?.is_some()),
        None => Ok(false),
    }
}

/// What the key rests on as it stands now, and what of its scopes the maker's role leaves; `None` where it is dead.
async fn standing(
    ctx: &Context,
    key: &ApiKey,
) -> Result<Option<(Arc<Versioned<Organization>>, Role, Vec<String>)>, StoreError> {
    let organization = ctx.load::<Organization>(&keys::organization(&key.organization)).await?;
    let member = ctx
        .load::<Member>(&keys::member(&key.organization, &key.created_by))
        .await?;
    let user = ctx.load::<User>(&keys::user(&key.created_by)).await?;
    let (Some(organization), Some(member), Some(user)) = (organization, member, user) else {
        return Ok(None);
    };
    let counters = counters(ctx, &organization, &member, &user).await?;
    let stands = key.live(ctx.now())
        && !organization.disabled
        && !member.removed
        && !user.disabled
        && key.stamps.cover(&counters);
    if !stands {
        return Ok(None);
    }
    if let Some((user, id)) = &key.made_with {
        let Some(parent) = ctx.load::<PersonalToken>(&keys::personal_token(user, id)).await? else {
            return Ok(None);
        };
        if personal_token::standing(ctx, &parent).await?.is_err() {
            return Ok(None);
        }
    }
    let may = |scope: &&String| ctx.profile().scopes.may_grant(member.role, scope);
    let scopes: Vec<String> = key.scopes.iter().filter(may).cloned().collect();
    Ok((!scopes.is_empty()).then_some((organization, member.role, scopes)))
}
