//! Installations of native apps, for whoever runs the server.

use crate::context::Context;
use crate::platform::installations::{self, Row};
use crate::platform::refusal::Refusal;
use serde_json::{Value, json};

/// Read at once.
const PAGE: u32 = 500;

pub async fn list(ctx: &Context) -> Result<Value, String> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = installations::all(ctx, after.as_deref(), PAGE).await?;
        rows.extend(page.iter().map(view));
        after = next;
        if after.is_none() || rows.len() >= super::LIST_MAX as usize {
            return Ok(rows.into());
        }
    }
}

fn view(row: &Row) -> Value {
    let installation = row.app.installation.as_ref();
    let key = |key: Option<&Option<String>>| key.cloned().flatten();
    json!({
        "client_id": row.app.client_id,
        "platform": installation.map(|installation| &installation.platform),
        "site_url": installation.map(|installation| &installation.site_url),
        "organization": row.organization,
        "active_key": key(installation.map(|installation| &installation.active_key)),
        "pending_key": key(installation.map(|installation| &installation.pending_key)),
        "registered_at": installation.map(|installation| installation.registered_at.to_string()),
        "reset_at": installation.and_then(|installation| installation.reset_at).map(|at| at.to_string()),
    })
}

pub async fn reset(ctx: &Context, client_id: &str) -> Result<Value, String> {
    match installations::reset_by_command_line(ctx, client_id).await {
        Ok(()) => Ok(json!({ "client_id": client_id, "reset": true })),
        Err(Refusal::NotFound) => Err(format!(
            "there is no installation {client_id}: `grantd installation list` shows them"
        )),
        Err(Refusal::Store(error)) => Err(error.to_string()),
        Err(_) => Err("it was changed by somebody else at the same moment: look at it and try again".into()),
    }
}
