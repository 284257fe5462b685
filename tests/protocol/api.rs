//! Calls of the JSON API, each answer held against its OpenAPI document.

use crate::http::{Answer, request};
use crate::support::World;
use grantd::model::user::User;
use grantd::platform::actor::Actor;
use grantd::platform::personal_tokens::{Expiry, NewToken, create};
use grantd::store::keys;
use grantd::store::records::load_by_index;
use http::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub const BASE: &str = "/api/developer/v1";

/// Whoever calls: a world and a token.
pub struct Api<'w> {
    pub world: &'w World,
    pub token: String,
}

impl<'w> Api<'w> {
    /// As this user of the world's organization; no scopes means all that may be had.
    pub async fn of(world: &'w World, email: &str, scopes: &[&str]) -> Self {
        Self::within(world, &world.organization, email, scopes).await
    }

    /// The same, with a token of another organization.
    pub async fn within(world: &'w World, organization: &str, email: &str, scopes: &[&str]) -> Self {
        let user = load_by_index::<User>(&*world.ctx.store, &keys::email(email)).await;
        let actor = Actor::of_user(Arc::new(user.unwrap().expect("there is such a user")));
        let new = NewToken {
            organization: organization.to_owned(),
            member: None,
            name: "API".into(),
            scopes: (!scopes.is_empty()).then(|| scopes.iter().map(|s| (*s).to_owned()).collect()),
            expiry: Expiry::Usual,
        };
        let made = create(&world.ctx, &actor, &new).await.expect("a token is made");
        world.secrets.keep_token(&made.text);
        Self {
            world,
            token: made.text,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &body.to_string(), &[]).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, &body.to_string(), &[]).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, &body.to_string(), &[]).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &str, more: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let mut headers = vec![("authorization", bearer.as_str())];
        let takes = !body.is_empty() || method == Method::POST;
        if takes && !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(more);
        call(self.world, method, path, body, &headers).await
    }
}

/// One call, with these headers; `path` stands below [`BASE`].
pub async fn call(world: &World, method: Method, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let full = format!("{BASE}{path}");
    let answer = world
        .send(request(method.clone(), &full, headers, body.as_bytes()))
        .await;
    let document = document(world).await;
    judge(&document, &method, full.split('?').next().unwrap(), &answer);
    for name in ["access-control-allow-origin", "set-cookie"] {
        assert!(answer.header(name).is_none(), "{name} in {answer:?}");
    }
    if answer.status >= 400 {
        assert_eq!(answer.json["status"], answer.status, "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    answer
}

/// The document of this profile, read once.
async fn document(world: &World) -> Arc<Value> {
    static READ: Mutex<BTreeMap<String, Arc<Value>>> = Mutex::new(BTreeMap::new());
    let profile = world.ctx.profile().name.clone();
    let known = READ.lock().unwrap().get(&profile).cloned();
    if let Some(known) = known {
        return known;
    }
    let read = Arc::new(world.get(&format!("{BASE}/openapi.json")).await.json);
    READ.lock().unwrap().insert(profile, read.clone());
    read
}

/// Whether the document describes this answer.
fn judge(document: &Value, method: &Method, path: &str, answer: &Answer) {
    let paths = document["paths"].as_object().expect("paths");
    let (_, found) = paths
        .iter()
        .filter(|(_, item)| item.get(method.as_str().to_lowercase()).is_some())
        .find(|(pattern, _)| matches(pattern, path))
        .unwrap_or_else(|| panic!("{method} {path} is not in the document"));
    let operation = &found[method.as_str().to_lowercase()];
    let described = &operation["responses"][answer.status.to_string()];
    assert!(described.is_object(), "{method} {path} may not answer {answer:?}");
    let Some(content) = described["content"].as_object() else {
        assert_eq!(answer.body, "");
        return;
    };
    let kind = answer.header("content-type").expect("a body has a type");
    let schema = &content.get(kind).unwrap_or_else(|| panic!("{kind} is not described"))["schema"];
    if let Err(why) = holds(document, schema, &answer.json, "") {
        panic!("{method} {path}: {why} in {answer:?}");
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(|(a, b)| a == b || a.starts_with('{'))
}

/// The part of JSON Schema that the document uses.
pub fn holds(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return holds(document, target.expect("the schema is there"), value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices.iter().any(|choice| holds(document, choice, value, at).is_ok());
        return if fits {
            Ok(())
        } else {
            Err(format!("{at} is none of its types"))
        };
    }
    let is_right = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        other => panic!("{at}: the checker does not know the type {other:?}"),
    };
    if !is_right {
        return Err(format!("{at} is no {}", schema["type"]));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at} is none of {words:?}"));
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        holds(document, &schema["items"], item, &format!("{at}[{place}]"))?;
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        if schema["additionalProperties"].is_object() {
            holds(
                document,
                &schema["additionalProperties"],
                member,
                &format!("{at}.{name}"),
            )?;
        }
    }
    // What says of a key only that it is one is open.
    let closed = schema["additionalProperties"] == false;
    let Some(members) = value.as_object().filter(|_| closed) else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return Err(format!("{at}.{name} is missing"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(inner) => holds(document, inner, member, &format!("{at}.{name}"))?,
            None => return Err(format!("{at}.{name} is not described")),
        }
    }
    Ok(())
}

#[test]
fn the_checker_notices_what_is_wrong() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"], "additionalProperties": false,
        "properties": {
            "a": { "type": "string", "enum": ["x"] },
            "b": { "type": "array", "items": { "type": "integer" } },
        },
    });
    let judge = |value: Value| holds(&Value::Null, &schema, &value, "").is_ok();
    assert!(judge(serde_json::json!({ "a": "x", "b": [1] })));
    for wrong in [
        serde_json::json!({}),
        serde_json::json!({ "a": "y" }),
        serde_json::json!({ "a": "x", "b": ["1"] }),
        serde_json::json!({ "a": "x", "c": 1 }),
    ] {
        assert!(!judge(wrong.clone()), "{wrong}");
    }
}
