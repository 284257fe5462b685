//! The apps that have access to an organization's data: listed, and cut off.
//!
//! An organization may have a hundred thousand grants, and there is no list of its apps. So a page reads a stretch of
//! its grants, and an app stands where the grant is that comes first in the app's own index: once, on one page.

use super::actor::Actor;
use super::granted::{put_revocation, used_at};
use super::refusal::Refusal;
use super::rights::Right;
use super::{ATTEMPTS_MAX, apps, commit, cursor};
use crate::base::order;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::grant::{Grant, GrantStatus};
use crate::model::user::User;
use crate::oauth::scope;
use crate::oauth::standing::in_person;
use crate::store::records::{Versioned, list as list_records, load};
use crate::store::{Batch, Key, StoreError, keys};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Apps on one page, and grants of one app on one page.
pub const PAGE: u32 = 20;
/// Grants read for one page.
const READ_MAX: u32 = 500;
const READS_MAX: usize = 10;
/// Grants of one app that its row in the list is made of, and index keys read to find them.
const SUMMARY_MAX: usize = 20;
const SUMMARY_READ_MAX: u32 = 200;
/// An organization's own apps that are listed.
const OWN_APPS_MAX: u32 = 200;
/// Grants that one batch ends: each is three records and two index keys.
const ENDED_BY_BATCH_MAX: u32 = 12;
/// Grants that one click ends, and index keys it reads to find them.
const ENDED_MAX: usize = 10_000;
const ENDING_READ_MAX: usize = 200_000;

/// A grant, and whose it is.
pub struct Granted {
    pub grant: Grant,
    pub name: String,
    pub email: String,
    /// Of an installation whose last approver left, or may not grant all of it any more.
    pub needs_approver: bool,
    pub used_at: Option<Timestamp>,
}

/// An app with access, made of its first [`SUMMARY_MAX`] grants here.
pub struct ConnectedApp {
    pub app: Arc<Versioned<App>>,
    pub grants: Vec<Granted>,
    /// There may be further grants.
    pub more: bool,
}

pub struct ConnectedApps {
    /// By name.
    pub apps: Vec<ConnectedApp>,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// The grants of one app, a page of them.
pub struct AppGrants {
    pub app: Arc<Versioned<App>>,
    pub grants: Vec<Granted>,
    pub next: Option<String>,
}

/// What ended; `more`: there was too much for one click.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    pub number: usize,
    pub more: bool,
}

impl ConnectedApp {
    /// All that its grants hold, each once.
    pub fn scopes(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = Vec::new();
        for scope in self.grants.iter().flat_map(|granted| &granted.grant.scopes) {
            if !scopes.contains(&scope.as_str()) {
                scopes.push(scope);
            }
        }
        scopes
    }

    pub fn since(&self) -> Option<Timestamp> {
        self.grants.iter().map(|granted| granted.grant.created_at).min()
    }

    pub fn used_at(&self) -> Option<Timestamp> {
        self.grants.iter().filter_map(|granted| granted.used_at).max()
    }
}

/// One page of the apps with access.
pub async fn list(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<ConnectedApps, Refusal> {
    actor
        .in_organization(ctx, organization, Right::SeeConnectedApps)
        .await?;
    let prefix = keys::grants_of_organization(organization);
    let mut after = cursor(after).map(|grant| keys::grant(organization, grant));
    let mut first_of: BTreeMap<String, Option<Key>> = BTreeMap::new();
    let (mut apps, mut next) = (Vec::new(), None);
    for _ in 0..READS_MAX {
        let (grants, more) = list_records::<Grant>(&*ctx.store, &prefix, after.as_ref(), READ_MAX).await?;
        for grant in grants {
            if apps.len() == limit as usize {
                return Ok(sorted(apps, next));
            }
            if !first_of.contains_key(&grant.client_id) {
                let first = first_key(ctx, &grant.client_id, organization).await?;
                first_of.insert(grant.client_id.clone(), first);
            }
            if first_of[&grant.client_id].as_ref() == Some(&keys::grant(organization, &grant.id)) {
                apps.extend(summary(ctx, organization, &grant.client_id).await?);
            }
            next = Some(grant.value.id);
        }
        let Some(more) = more else {
            return Ok(sorted(apps, None));
        };
        after = Some(more);
    }
    Ok(sorted(apps, next))
}

fn sorted(mut apps: Vec<ConnectedApp>, next: Option<String>) -> ConnectedApps {
    order::by(&mut apps, |a, b| {
        (&a.app.name, &a.app.client_id).cmp(&(&b.app.name, &b.app.client_id))
    });
    ConnectedApps { apps, next }
}

/// The key of the grant that comes first in the app's index, ended or not.
async fn first_key(ctx: &Context, client_id: &str, organization: &str) -> Result<Option<Key>, StoreError> {
    let index = keys::grants_of_app(client_id, organization);
    let rows = ctx.store.scan(&index, None, 1).await?;
    Ok(rows.first().map(|(_, stored)| Key(stored.value.to_vec())))
}

/// `None` where nothing stands any more.
async fn summary(ctx: &Context, organization: &str, client_id: &str) -> Result<Option<ConnectedApp>, StoreError> {
    let Some(app) = ctx.load::<App>(&keys::app(client_id)).await? else {
        return Ok(None);
    };
    let index = keys::grants_of_app(client_id, organization);
    let rows = ctx.store.scan(&index, None, SUMMARY_READ_MAX).await?;
    let mut more = rows.len() == SUMMARY_READ_MAX as usize;
    let mut grants = Vec::new();
    for (_, stored) in rows {
        let Some(granted) = standing(ctx, &Key(stored.value.to_vec())).await? else {
            continue;
        };
        if grants.len() == SUMMARY_MAX {
            more = true;
            break;
        }
        grants.push(granted);
    }
    let connected = !grants.is_empty() || more;
    Ok(connected.then_some(ConnectedApp { app, grants, more }))
}

/// The grant under this key, unless it was taken back.
async fn standing(ctx: &Context, key: &Key) -> Result<Option<Granted>, StoreError> {
    let grant = load::<Grant>(&*ctx.store, key).await?;
    let Some(grant) = grant.filter(|grant| grant.status != GrantStatus::Revoked) else {
        return Ok(None);
    };
    let user = ctx.load::<User>(&keys::user(&grant.user)).await?;
    let (name, email) = user.map_or_else(Default::default, |user| (user.name.clone(), user.email.clone()));
    Ok(Some(Granted {
        used_at: used_at(ctx, &grant).await?,
        needs_approver: grant.native && needs_approver(ctx, &grant).await?,
        grant: grant.value,
        name,
        email,
    }))
}

async fn needs_approver(ctx: &Context, grant: &Grant) -> Result<bool, StoreError> {
    let Some(app) = ctx.load::<App>(&keys::app(&grant.client_id)).await? else {
        return Ok(false);
    };
    Ok(match in_person(ctx, &grant.organization, &grant.user).await? {
        Ok(stands) => {
            let effective = scope::effective(&ctx.profile().scopes, &app, stands.role, &grant.scopes);
            effective.len() < grant.scopes.len()
        }
        Err(_) => true,
    })
}

/// One app with access, as the list has it.
pub async fn summary_of(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    client_id: &str,
) -> Result<ConnectedApp, Refusal> {
    actor
        .in_organization(ctx, organization, Right::SeeConnectedApps)
        .await?;
    connected(ctx, organization, client_id).await?;
    summary(ctx, organization, client_id).await?.ok_or(Refusal::NotFound)
}

/// One page of what members granted this app. An app that nobody here ever granted anything is not found.
pub async fn of_app(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    client_id: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<AppGrants, Refusal> {
    actor
        .in_organization(ctx, organization, Right::SeeConnectedApps)
        .await?;
    let app = connected(ctx, organization, client_id).await?;
    let index = keys::grants_of_app(client_id, organization);
    let mut after = cursor(after).map(|holder| keys::grant_of_app(client_id, organization, holder));
    let (mut grants, mut next) = (Vec::<Granted>::new(), None);
    for _ in 0..READS_MAX {
        let rows = ctx.store.scan(&index, after.as_ref(), READ_MAX).await?;
        let last = rows.len() < READ_MAX as usize;
        for (key, stored) in rows {
            if grants.len() == limit as usize {
                return Ok(AppGrants { app, grants, next });
            }
            if let Some(granted) = standing(ctx, &Key(stored.value.to_vec())).await? {
                next = Some(granted.grant.holder().to_owned());
                grants.push(granted);
            }
            after = Some(key);
        }
        if last {
            next = None;
            break;
        }
    }
    Ok(AppGrants { app, grants, next })
}

/// An app that somebody here granted something, now or once.
pub async fn connected(ctx: &Context, organization: &str, client_id: &str) -> Result<Arc<Versioned<App>>, Refusal> {
    let client_id = cursor(Some(client_id)).ok_or(Refusal::NotFound)?;
    let first = first_key(ctx, client_id, organization).await?;
    first.ok_or(Refusal::NotFound)?;
    let app = ctx.load::<App>(&keys::app(client_id)).await?;
    app.ok_or(Refusal::NotFound)
}

/// One member's grant, unless it has ended.
pub async fn one(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    client_id: &str,
    id: &str,
) -> Result<Granted, Refusal> {
    actor
        .in_organization(ctx, organization, Right::SeeConnectedApps)
        .await?;
    let id = cursor(Some(id)).ok_or(Refusal::NotFound)?;
    let granted = standing(ctx, &keys::grant(organization, id)).await?;
    let granted = granted.filter(|granted| granted.grant.client_id == client_id);
    granted.ok_or(Refusal::NotFound)
}

/// One member's grant. One write ends every token under it.
pub async fn revoke(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    client_id: &str,
    id: &str,
) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor
            .in_organization(ctx, organization, Right::RevokeConnectedApps)
            .await?;
        let id = cursor(Some(id)).ok_or(Refusal::NotFound)?;
        let grant = load::<Grant>(&*ctx.store, &keys::grant(organization, id)).await?;
        let grant = grant
            .filter(|grant| grant.client_id == client_id)
            .ok_or(Refusal::NotFound)?;
        if grant.status == GrantStatus::Revoked {
            return Ok(());
        }
        let mut batch = Batch::new();
        membership.hold(&mut batch);
        put_revocation(ctx, &mut batch, &grant, (actor.id(), actor.token_used())).await?;
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// Everything that members granted this app.
pub async fn revoke_all(ctx: &Context, actor: &Actor, organization: &str, client_id: &str) -> Result<Ended, Refusal> {
    actor
        .in_organization(ctx, organization, Right::RevokeConnectedApps)
        .await?;
    connected(ctx, organization, client_id).await?;
    let index = keys::grants_of_app(client_id, organization);
    let (mut after, mut number, mut read) = (None, 0, 0);
    while number < ENDED_MAX && read < ENDING_READ_MAX {
        let rows = ctx.store.scan(&index, after.as_ref(), ENDED_BY_BATCH_MAX).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(Ended { number, more: false });
        };
        after = Some(last.clone());
        read += rows.len();
        let grants: Vec<Key> = rows.iter().map(|(_, stored)| Key(stored.value.to_vec())).collect();
        number += end(ctx, actor, organization, &grants).await?;
    }
    Ok(Ended { number, more: true })
}

/// How many of these it ended; those that have ended already are left alone.
async fn end(ctx: &Context, actor: &Actor, organization: &str, grants: &[Key]) -> Result<usize, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let membership = actor
            .in_organization(ctx, organization, Right::RevokeConnectedApps)
            .await?;
        let (mut batch, mut number) = (Batch::new(), 0);
        membership.hold(&mut batch);
        for key in grants {
            let grant = load::<Grant>(&*ctx.store, key).await?;
            if let Some(grant) = grant.filter(|grant| grant.status != GrantStatus::Revoked) {
                put_revocation(ctx, &mut batch, &grant, (actor.id(), actor.token_used())).await?;
                number += 1;
            }
        }
        if number == 0 || commit(ctx, batch).await? {
            return Ok(number);
        }
    }
    Err(Refusal::Conflict)
}

/// The organization's own private apps, by name.
pub async fn private_apps(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
) -> Result<Vec<Arc<Versioned<App>>>, Refusal> {
    actor
        .in_organization(ctx, organization, Right::SeeConnectedApps)
        .await?;
    let index = keys::apps_of_organization(organization);
    let mut apps = Vec::new();
    for (_, stored) in ctx.store.scan(&index, None, OWN_APPS_MAX).await? {
        let app = ctx.load::<App>(&Key(stored.value.to_vec())).await?;
        apps.extend(app.filter(|app| app.kind == Kind::Private));
    }
    order::by(&mut apps, |a, b| (&a.name, &a.client_id).cmp(&(&b.name, &b.client_id)));
    Ok(apps)
}

/// A private app's switch. A flag: enabling brings unexpired tokens back.
pub async fn set_disabled(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    client_id: &str,
    disabled: bool,
) -> Result<(), Refusal> {
    let client_id = cursor(Some(client_id)).ok_or(Refusal::NotFound)?;
    let access = actor.on_app(ctx, client_id, Right::DisableApp).await?;
    // Neither its owner nor its kind is another one in a moment: a transfer has a page of its own.
    if access.app.organization != organization || access.app.kind != Kind::Private {
        return Err(Refusal::NotFound);
    }
    apps::standing::set_disabled(ctx, actor, client_id, disabled).await?;
    Ok(())
}
