//! Finding personal access tokens: one's own, and for admins those of their organization.

use super::{Actor, Refusal, Right};
use crate::base::order;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::last_use::PERSONAL_TOKEN;
use crate::model::member::Member;
use crate::model::personal_token::{PersonalToken, TOKENS_MAX};
use crate::model::role::Role;
use crate::model::user::User;
use crate::oauth::{last_use, personal_token};
use crate::store::records::{Versioned, list, list_by_index, load, load_by_index};
use crate::store::{StoreError, keys};
use std::sync::Arc;

/// Members of one organization that are looked at.
const MEMBERS_MAX: u32 = 500;

pub(super) async fn all_of(ctx: &Context, user: &str) -> Result<Vec<Versioned<PersonalToken>>, StoreError> {
    let (tokens, _) = list(&*ctx.store, &keys::personal_tokens(user), None, TOKENS_MAX).await?;
    Ok(tokens)
}

/// A token as lists show it.
pub struct Listed {
    pub token: PersonalToken,
    /// Whether it works.
    pub live: bool,
    pub used_at: Option<Timestamp>,
}

async fn listed(ctx: &Context, tokens: Vec<Versioned<PersonalToken>>) -> Result<Vec<Listed>, StoreError> {
    let mut found = Vec::with_capacity(tokens.len());
    for token in tokens {
        let live = personal_token::standing(ctx, &token).await?.is_ok();
        let used_at = last_use::of(ctx, PERSONAL_TOKEN, &token.id).await?;
        found.push(Listed {
            token: token.value,
            live,
            used_at,
        });
    }
    order::by_key(&mut found, |listed| std::cmp::Reverse(listed.token.created_at));
    Ok(found)
}

/// One's own, the newest first; with a token only those of its organization.
pub async fn own(ctx: &Context, actor: &Actor) -> Result<Vec<Listed>, Refusal> {
    let mut tokens = all_of(ctx, actor.id()).await?;
    if let Some(bounds) = &actor.token {
        let organization = &bounds.record.organization;
        actor.in_organization(ctx, organization, Right::MakeTokens).await?;
        tokens.retain(|token| token.organization == *organization);
    }
    Ok(listed(ctx, tokens).await?)
}

/// Everybody's in the organization, and the id to go on after.
pub async fn of_organization(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<Listed>, Option<String>), Refusal> {
    actor.in_organization(ctx, organization, Right::ManageTokens).await?;
    let index = keys::personal_tokens_of_organization(organization);
    let after = after.map(|id| keys::personal_token_of_organization(organization, id));
    let (tokens, more) = list_by_index::<PersonalToken>(&*ctx.store, &index, after.as_ref(), limit).await?;
    let next = tokens.last().filter(|_| more.is_some()).map(|token| token.id.clone());
    Ok((listed(ctx, tokens).await?, next))
}

/// The members that cannot sign in and stand no higher than whoever makes tokens for them, by name.
pub async fn systems(ctx: &Context, organization: &str, maker: Role) -> Result<Vec<Arc<Versioned<User>>>, StoreError> {
    let (members, _) = list::<Member>(&*ctx.store, &keys::members(organization), None, MEMBERS_MAX).await?;
    let mut found = Vec::new();
    // Roles are ordered from the most to the least powerful.
    for member in members.iter().filter(|member| !member.removed && member.role >= maker) {
        let user = ctx.load::<User>(&keys::user(&member.user)).await?;
        found.extend(user.filter(|user| user.password.is_none() && !user.disabled));
    }
    order::by(&mut found, |a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// One's own, wherever it is for: nobody needs to be a member still to end what they made.
pub async fn find_own(ctx: &Context, actor: &Actor, id: &str) -> Result<Versioned<PersonalToken>, Refusal> {
    let found = load::<PersonalToken>(&*ctx.store, &keys::personal_token(actor.id(), id)).await?;
    let token = found.ok_or(Refusal::NotFound)?;
    if actor.token.is_some() {
        actor
            .in_organization(ctx, &token.organization, Right::MakeTokens)
            .await?;
    }
    Ok(token)
}

/// Anybody's in the organization, for its admins.
pub async fn find_in(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    id: &str,
) -> Result<Versioned<PersonalToken>, Refusal> {
    actor.in_organization(ctx, organization, Right::ManageTokens).await?;
    let index = keys::personal_token_of_organization(organization, id);
    let found = load_by_index::<PersonalToken>(&*ctx.store, &index).await?;
    found.ok_or(Refusal::NotFound)
}
