//! Who the token acts as.

use super::call::Call;
use super::organizations::view;
use super::{Answered, Reply, tokens};
use crate::platform::refusal::Refusal;
use serde_json::json;

/// `GET /me`.
pub async fn get(call: &Call<'_>) -> Answered {
    let user = &call.actor().user;
    let memberships = call.actor().memberships(call.ctx).await?;
    let own = memberships.iter().find(|m| m.organization.id == call.organization());
    let own = own.ok_or(Refusal::NotFound)?;
    Ok(Reply::ok(json!({
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "duty": user.duty.map(|duty| duty.as_str()),
        "organization": view(call.ctx, own),
        "token": tokens::view(call.ctx, &call.bearer.token, true, Some(call.ctx.now())),
    })))
}
