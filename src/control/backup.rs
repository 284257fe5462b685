//! What a backup is made from: the command that asked reads it, so that the server has no more to do than to read all
//! records once.

use crate::context::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An export of the store, made just now.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begun {
    /// The name of its file among the store's exports.
    pub name: String,
    pub seq: u64,
    pub records_format: u32,
}

pub async fn begin(ctx: &Context) -> Result<Value, String> {
    let records_format = ctx.settings().await?.format;
    let export = ctx.store.export().await?;
    let name = export.path.file_name().unwrap_or_default().to_string_lossy();
    let begun = Begun {
        name: name.into_owned(),
        seq: export.seq.0,
        records_format,
    };
    serde_json::to_value(begun).map_err(|e| e.to_string())
}

/// What the server has backed up by itself, and what fails.
pub fn status(ctx: &Context) -> Result<Value, String> {
    if ctx.config.backup.is_none() {
        return Err("nothing is backed up by schedule: set [backup] in grantd.toml".into());
    }
    serde_json::to_value(ctx.backups.now()).map_err(|e| e.to_string())
}
