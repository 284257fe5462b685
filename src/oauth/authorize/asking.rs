//! "Ask an admin": where an organization's policy bars a consent, its owners and admins get a letter about it.

use super::AuthorizationRequest;
use crate::account::attempts::{self, Allowance};
use crate::account::letters::{ASKS_FOR_APP, ASKS_FOR_ROLE, compose, post};
use crate::account::{Refusal, commit};
use crate::base::order;
use crate::config::Texts;
use crate::context::Context;
use crate::model::event::{Event, EventKind};
use crate::model::mail::TRIED_FOR;
use crate::model::member::Member;
use crate::model::organization::{Barred, Organization};
use crate::model::role::Role;
use crate::model::user::User;
use crate::oauth::standing::acting;
use crate::store::records::list;
use crate::store::{Batch, StoreError, keys};
use std::time::Duration;

/// For each user, app and organization, however often they ask.
const ASKED: Allowance = Allowance {
    what: "consent asked for",
    max: 1,
    window: Duration::from_secs(24 * 60 * 60),
};

/// Owners and admins who get the letter; owners before admins.
const TOLD_MAX: usize = 20;
/// Members looked at to find them.
const MEMBERS_MAX: usize = 10_000;
const PAGE: u32 = 500;

/// What came of a wish.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdminsAsked {
    /// The name of the organization.
    Told(String),
    /// Less than a day ago.
    Already(String),
    /// Nobody else is an owner or admin, or this server sends no mail.
    Nobody(String),
    /// No policy stands in the way, or no longer.
    NotBarred,
}

/// Writes one letter to each of those who decide, at most once a day. The request stays open: the app learns nothing.
pub async fn ask_admins(
    ctx: &Context,
    texts: &Texts,
    request: &AuthorizationRequest,
    asker: &User,
    organization: &str,
) -> Result<AdminsAsked, StoreError> {
    let app = &request.app;
    loop {
        let Ok(standing) = acting(ctx, app, organization, &asker.id).await? else {
            return Ok(AdminsAsked::NotBarred);
        };
        let organization = &standing.organization;
        let Err(barred) = organization.policy.judge(standing.role, &app.client_id) else {
            return Ok(AdminsAsked::NotBarred);
        };
        let name = organization.name.clone();
        if ctx.config.mail.is_none() {
            return Ok(AdminsAsked::Nobody(name));
        }
        let mut batch = Batch::new();
        let who = format!("{} {} {}", asker.id, app.client_id, organization.id);
        match attempts::count_with(ctx, &mut batch, &ASKED, &who).await {
            Ok(()) => {}
            Err(Refusal::Store(error)) => return Err(error),
            Err(_) => return Ok(AdminsAsked::Already(name)),
        }
        let admins = admins(ctx, organization, asker).await?;
        if admins.is_empty() {
            return Ok(AdminsAsked::Nobody(name));
        }
        let values = [
            ("name", asker.name.as_str()),
            ("asker", &asker.email),
            ("app", &app.name),
            ("client_id", &app.client_id),
            ("organization", &name),
        ];
        let form = match barred {
            Barred::App => ASKS_FOR_APP,
            Barred::Role => ASKS_FOR_ROLE,
        };
        let now = ctx.now();
        for admin in &admins {
            let letter = compose(ctx, texts, &admin.email, form, &values);
            post(ctx, &mut batch, Some(&letter), now + TRIED_FOR)?;
        }
        batch.insert(&Event {
            organization: Some(organization.id.clone()),
            user: Some(asker.id.clone()),
            client_id: Some(app.client_id.clone()),
            ..Event::new(EventKind::ConsentAsked, now, &*ctx.random)
        })?;
        batch.require(&**organization).require(&*standing.member);
        if commit(ctx, batch).await? {
            return Ok(AdminsAsked::Told(name));
        }
    }
}

/// Who decides for the organization, but for the asker.
async fn admins(ctx: &Context, organization: &Organization, asker: &User) -> Result<Vec<User>, StoreError> {
    let (mut members, mut seen, mut after) = (Vec::new(), 0, None);
    loop {
        let prefix = keys::members(&organization.id);
        let (page, next) = list::<Member>(&*ctx.store, &prefix, after.as_ref(), PAGE).await?;
        seen += page.len();
        members.extend(page.into_iter().map(|member| member.value).filter(|member| {
            !member.removed && member.user != asker.id && matches!(member.role, Role::Owner | Role::Admin)
        }));
        after = next;
        if after.is_none() || seen >= MEMBERS_MAX {
            break;
        }
    }
    order::by_key(&mut members, |member| member.role);
    let mut users = Vec::new();
    for member in members {
        let user = ctx.load::<User>(&keys::user(&member.user)).await?;
        users.extend(user.filter(|user| !user.disabled).map(|user| user.value.clone()));
        if users.len() == TOLD_MAX {
            break;
        }
    }
    Ok(users)
}
