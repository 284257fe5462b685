//! The audit log: whether it is as it was written.

use crate::context::Context;
use crate::platform::audit_chain::verify;
use serde_json::Value;

pub async fn verify(ctx: &Context, since: Option<String>) -> Result<Value, String> {
    let report = verify::verify(ctx, since.as_deref()).await?;
    serde_json::to_value(report).map_err(|e| e.to_string())
}
