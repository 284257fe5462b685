//! The organization that a token works in, and its members.

use super::call::Call;
use super::{Answered, Reply};
use crate::context::Context;
use crate::model::member::Member;
use crate::model::user::User;
use crate::oauth::access_token::TypedId;
use crate::platform::actor::Membership;
use crate::platform::rights::Right;
use crate::store::keys;
use crate::store::records::list;
use serde_json::{Value, json};

/// `GET /organizations`: the one that the token works in.
pub async fn all(call: &Call<'_>) -> Answered {
    let own = membership(call, call.organization()).await?;
    Ok(Reply::ok(call.page(vec![view(call.ctx, &own)], None)))
}

/// `GET /organizations/{organization}`.
pub async fn one(call: &Call<'_>, id: &str) -> Answered {
    Ok(Reply::ok(view(call.ctx, &membership(call, id).await?)))
}

/// `GET /organizations/{organization}/members`.
pub async fn members(call: &Call<'_>, id: &str) -> Answered {
    let ctx = call.ctx;
    call.actor().in_organization(ctx, id, Right::SeeMembers).await?;
    let after = call.after().map(|user| keys::member(id, user));
    let (members, next) = list::<Member>(&*ctx.store, &keys::members(id), after.as_ref(), call.limit).await?;
    let next = next.and_then(|_| members.last().map(|member| member.user.clone()));
    let mut items = Vec::with_capacity(members.len());
    for member in members.iter().filter(|member| !member.removed) {
        if let Some(user) = ctx.load::<User>(&keys::user(&member.user)).await? {
            items.push(json!({
                "id": user.id,
                "name": user.name,
                "email": user.email,
                "role": member.role,
                "kind": if user.password.is_some() { "person" } else { "system" },
                "created_at": member.created_at.to_string(),
            }));
        }
    }
    Ok(Reply::ok(call.page(items, next)))
}

async fn membership(call: &Call<'_>, id: &str) -> Result<Membership, super::problem::Problem> {
    let actor = call.actor();
    Ok(actor.in_organization(call.ctx, id, Right::SeeOrganization).await?)
}

pub fn view(ctx: &Context, own: &Membership) -> Value {
    json!({
        "id": TypedId::new(ctx, &own.organization.id),
        "name": own.organization.name,
        "role": own.role(),
        "created_at": own.organization.created_at.to_string(),
    })
}
