//! Documents as the clients of payments know them: by two names for one id, in lists under a name of their own.

use super::call::Reply;
use super::collections::{after, content, next};
use super::refusal::Refusal;
use super::round::Round;
use crate::model::document::Document;
use serde_json::{Map, Value, json};

/// A page of the collection, under this name.
pub async fn list(round: &Round<'_>, name: &str) -> Result<Reply, Refusal> {
    let call = round.call;
    let after = after(call)?;
    let offset = call.offset()?.unwrap_or_default();
    let (documents, more) = round.page(|_| true, after.as_deref(), offset, call.limit()?).await?;
    let items: Vec<Value> = documents.iter().map(|one| shown(one)).collect::<Result<_, _>>()?;
    let mut body = json!({ name: items, "hasMore": more, "nextCursor": next(&documents, more) });
    body[call.id_member()] = call.organization_id();
    Ok(Reply::ok(body))
}

pub fn shown(document: &Document) -> Result<Value, Refusal> {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(document.id));
    shown.insert("uid".into(), json!(document.id));
    shown.extend(content::<Map<String, Value>>(document)?);
    shown.insert("createdAt".into(), json!(document.created_at.to_string()));
    shown.insert("updatedAt".into(), json!(document.updated_at.to_string()));
    Ok(Value::Object(shown))
}
