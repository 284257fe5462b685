//! What should worry whoever runs the server, as its page for administrators says it.

use crate::context::Context;
use crate::platform::watching::{look, warnings};
use serde_json::{Value, json};

pub async fn tell(ctx: &Context) -> Value {
    let texts = ctx.config.pages.texts([]);
    let found = warnings::of(ctx, &look(ctx).await);
    let told = found.iter().map(|one| {
        let values: Vec<(&str, &str)> = one.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        json!({ "text": texts.fill(one.key, &values), "urgent": one.urgent })
    });
    json!({ "warnings": told.collect::<Vec<_>>() })
}
