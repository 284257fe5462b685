//! One call: who makes it, of which collection and document, with what.

use super::ids;
use super::refusal::Refusal;
use crate::base::json::parse_strict_object;
use crate::base::time::Timestamp;
use crate::config::routes::{Found, Route};
use crate::context::Context;
use crate::oauth::access_token::TypedId;
use crate::oauth::params::Params;
use crate::platform::caller::Caller;
use crate::web::request::Request;
use http::header::CONTENT_TYPE;
use http::{HeaderName, Method, StatusCode};
use serde_json::{Map, Value, json};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const KEY_CHARS_MIN: usize = 8;
const KEY_CHARS_MAX: usize = 200;
/// Of one page of a list.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 100;
const OFFSET_MAX: u32 = 5000;

pub struct Call<'a> {
    pub ctx: &'a Context,
    pub request: &'a Request,
    pub caller: &'a Caller,
    pub route: &'a Route,
    pub collection: &'a str,
    /// What the path names of the collection, in whatever spelling.
    id: Option<&'a str>,
    /// What the path says behind it.
    pub action: &'a str,
    /// Who makes it, as documents remember it: a grant where there is one, else an app, a token or a key.
    pub owner: String,
    params: Params<'a>,
    /// The `Idempotency-Key`, of a call that may change something.
    pub key: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub fn of(ctx: &'a Context, request: &'a Request, caller: &'a Caller, found: &'a Found) -> Result<Self, Refusal> {
        let route: &Route = &found.route;
        let (name, action) = item(route);
        let query = request.query.as_deref().unwrap_or_default();
        let params = Params::parse(query.as_bytes()).map_err(|error| Refusal::invalid(error.description))?;
        let reads = matches!(request.method, Method::GET | Method::HEAD);
        Ok(Self {
            ctx,
            request,
            caller,
            route,
            collection: route.sandbox.as_deref().unwrap_or_default(),
            id: name.map(|name| found.part(name)),
            action,
            owner: caller.owner(),
            params,
            key: if reads { None } else { key(request)? },
        })
    }

    pub fn now(&self) -> Timestamp {
        self.ctx.now()
    }

    pub fn organization(&self) -> &'a str {
        &self.caller.organization
    }

    /// HEAD is GET without the body.
    pub fn method(&self) -> &Method {
        if self.request.method == Method::HEAD {
            &Method::GET
        } else {
            &self.request.method
        }
    }

    /// Whether the path names a document rather than a collection.
    pub fn names_one(&self) -> bool {
        self.id.is_some()
    }

    /// The id in the path, where it can be one at all.
    pub fn id(&self) -> Option<&'a str> {
        self.id.filter(|id| ids::is_one(id))
    }

    pub fn sees(&self, owner: &str) -> bool {
        self.caller.sees_all() || self.owner == owner
    }

    pub fn param(&self, name: &'static str) -> Result<Option<&str>, Refusal> {
        self.params
            .get(name)
            .map_err(|error| Refusal::invalid(error.description))
    }

    pub fn limit(&self) -> Result<u32, Refusal> {
        self.number("limit", 1, LIMIT_MAX).map(|limit| limit.unwrap_or(LIMIT))
    }

    pub fn offset(&self) -> Result<Option<u32>, Refusal> {
        self.number("offset", 0, OFFSET_MAX)
    }

    fn number(&self, name: &'static str, least: u32, most: u32) -> Result<Option<u32>, Refusal> {
        let bad = || Refusal::invalid(format!("{name} must be a whole number from {least} to {most}."));
        let Some(text) = self.param(name)? else {
            return Ok(None);
        };
        let number = text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        number
            .filter(|number| (least..=most).contains(number))
            .map(Some)
            .ok_or_else(bad)
    }

    /// The body: one JSON object with every member once.
    pub fn body(&self) -> Result<Map<String, Value>, Refusal> {
        let content_type = self.request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        let is = |name: &str| media_type.eq_ignore_ascii_case(name);
        let patch = self.request.method == Method::PATCH && is("application/merge-patch+json");
        if !patch && !is("application/json") {
            return Err(Refusal::NotJson);
        }
        parse_strict_object(&self.request.body)
            .map_err(|error| Refusal::invalid(format!("The body cannot be read: {error}.")))
    }

    /// Of a call that may be made without one.
    pub fn body_if_any(&self) -> Result<Map<String, Value>, Refusal> {
        if self.request.body.is_empty() {
            return Ok(Map::new());
        }
        self.body()
    }

    /// The organization's id as the profile types it.
    pub fn organization_id(&self) -> Value {
        json!(TypedId::new(self.ctx, self.organization()))
    }

    /// `companyId`, where an organization is a company.
    pub fn id_member(&self) -> String {
        self.ctx.profile().noun.id_member()
    }
}

/// What a call comes to.
#[derive(Clone, PartialEq, Debug)]
pub struct Reply {
    pub status: StatusCode,
    /// None at 204.
    pub body: Option<Value>,
    /// It was given before, to the same call.
    pub replayed: bool,
}

impl Reply {
    pub fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body: Some(body),
            replayed: false,
        }
    }

    pub fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, body)
    }

    pub fn created(body: Value) -> Self {
        Self::new(StatusCode::CREATED, body)
    }
}

/// The name of the part that stands for a document, where the pattern has one, and what follows it.
fn item(route: &Route) -> (Option<&str>, &str) {
    let pattern = route.path.as_str();
    let Some((before, after)) = pattern
        .rsplit_once('{')
        .map(|(_, last)| last.split_once('}').unwrap_or((last, "")))
    else {
        return (None, "");
    };
    let name = before.trim_start_matches('*');
    if route.organization.as_deref() == Some(name) {
        return (None, "");
    }
    (Some(name), after.trim_start_matches('/'))
}

fn key(request: &Request) -> Result<Option<&str>, Refusal> {
    let mut headers = request.headers.get_all(KEY).iter();
    let Some(key) = headers.next() else {
        return Ok(None);
    };
    if headers.next().is_some() {
        return Err(Refusal::Invalid(
            "invalid_idempotency_key",
            "There is more than one Idempotency-Key.".into(),
        ));
    }
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._~:+/=-".contains(&b);
    let key = key.to_str().unwrap_or_default();
    if !(KEY_CHARS_MIN..=KEY_CHARS_MAX).contains(&key.len()) || !key.bytes().all(good) {
        return Err(Refusal::Invalid(
            "invalid_idempotency_key",
            "The Idempotency-Key must be 8 to 200 of the characters A-Z a-z 0-9 . _ ~ : + / = -.".into(),
        ));
    }
    Ok(Some(key))
}
