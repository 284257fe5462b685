//! Documents of any members: lists with cursors, and what is one document by itself.

use super::call::{Call, Reply};
use super::merge::merge;
use super::refusal::Refusal;
use super::round::{NewDocument, Round};
use crate::base::digest::{base64url, from_base64url};
use crate::model::document::Document;
use crate::sandbox::ids;
use crate::store::StoreError;
use crate::store::records::Versioned;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// What the server says of a document itself; sent back to it, they say nothing.
const OWN: [&str; 3] = ["id", "created_at", "updated_at"];
/// The id of what is one document by itself.
pub const THE_ONE: &str = "document";

/// Whether the route is about one document that is in no list.
pub fn is_single(call: &Call<'_>) -> bool {
    let methods = &call.route.methods;
    let writes = methods
        .iter()
        .any(|(method, _)| *method == Method::PUT || *method == Method::PATCH);
    !call.names_one() && (writes || call.ctx.config.sandbox.documents.contains_key(call.collection))
}

pub async fn answer(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    if !call.action.is_empty() {
        return Err(Refusal::NotHere);
    }
    round.sample().await?;
    match (call.names_one(), call.method()) {
        (false, &Method::GET) => list(round).await,
        (false, &Method::POST) => {
            let content = bare(call.body()?);
            let made = round
                .insert(NewDocument {
                    content: &content,
                    unique: None,
                    has_page: false,
                })
                .await?;
            Ok(Reply::created(shown(&made)?))
        }
        (true, &Method::GET) => Ok(Reply::ok(shown(&*named(round).await?)?)),
        (true, &Method::PUT) => {
            let old = named(round).await?;
            let new = round.replace(&old, &bare(call.body()?))?;
            Ok(Reply::ok(shown(&new)?))
        }
        (true, &Method::PATCH) => {
            let old = named(round).await?;
            let mut content: Map<String, Value> = content(&old)?;
            merge(&mut content, bare(call.body()?));
            let new = round.replace(&old, &content)?;
            Ok(Reply::ok(shown(&new)?))
        }
        (true, &Method::DELETE) => {
            let old = named(round).await?;
            round.remove(&old).await?;
            Ok(Reply {
                status: StatusCode::NO_CONTENT,
                body: None,
                replayed: false,
            })
        }
        _ => Err(Refusal::NotHere),
    }
}

async fn list(round: &Round<'_>) -> Result<Reply, Refusal> {
    let call = round.call;
    let (documents, more) = round.page(|_| true, after(call)?.as_deref(), 0, call.limit()?).await?;
    let items: Vec<Value> = documents.iter().map(|one| shown(one)).collect::<Result<_, _>>()?;
    Ok(Reply::ok(
        json!({ "items": items, "next_cursor": next(&documents, more) }),
    ))
}

/// What the `cursor` says that the list goes on after. The document may be gone since.
pub fn after(call: &Call<'_>) -> Result<Option<String>, Refusal> {
    let Some(cursor) = call.param("cursor")? else {
        return Ok(None);
    };
    let id = from_base64url(cursor).and_then(|bytes| String::from_utf8(bytes).ok());
    let id = id.filter(|id| ids::is_one(id));
    id.map(Some)
        .ok_or_else(|| Refusal::invalid("cursor is none of this list: take it from the page before."))
}

/// The cursor of the next page.
pub fn next(documents: &[Versioned<Document>], more: bool) -> Option<String> {
    let last = documents.last().filter(|_| more);
    last.map(|last| base64url(&last.id))
}

async fn named(round: &Round<'_>) -> Result<Versioned<Document>, Refusal> {
    let found = round.named().await?;
    found.ok_or(Refusal::NotFound("not_found", "document"))
}

/// The document without what is the server's to say.
fn bare(mut body: Map<String, Value>) -> Map<String, Value> {
    body.retain(|name, _| !OWN.contains(&name.as_str()));
    body
}

fn shown(document: &Document) -> Result<Value, Refusal> {
    let mut shown = Map::new();
    shown.insert("id".into(), json!(document.id));
    shown.extend(content::<Map<String, Value>>(document)?);
    shown.insert("created_at".into(), json!(document.created_at.to_string()));
    shown.insert("updated_at".into(), json!(document.updated_at.to_string()));
    Ok(Value::Object(shown))
}

/// What a document holds.
pub fn content<T: DeserializeOwned>(document: &Document) -> Result<T, Refusal> {
    let read = serde_json::from_str(&document.content);
    read.map_err(|why| StoreError::Corrupt(format!("a document cannot be read: {why}")).into())
}

/// Of what is one document by itself: its content now, and after what the call does.
pub async fn single(round: &mut Round<'_>) -> Result<Map<String, Value>, Refusal> {
    let call = round.call;
    let there = round.one(THE_ONE).await?;
    let first = || {
        call.ctx
            .config
            .sandbox
            .documents
            .get(call.collection)
            .cloned()
            .unwrap_or_default()
    };
    let mut now = match there.as_ref().filter(|one| one.live(call.now())) {
        Some(document) => content(document)?,
        None => first(),
    };
    match *call.method() {
        Method::GET => return Ok(now),
        Method::PUT => now = call.body()?,
        Method::PATCH => merge(&mut now, call.body()?),
        _ => return Err(Refusal::NotHere),
    }
    match there {
        Some(old) => {
            round.replace(&old, &now)?;
        }
        None => round.insert_single(THE_ONE, &now)?,
    }
    Ok(now)
}

pub async fn answer_single(round: &mut Round<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::ok(Value::Object(single(round).await?)))
}
