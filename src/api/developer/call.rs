//! One call: who makes it, of which operation, with what.

use super::cursor::CURSOR_CHARS_MAX;
use super::problem::Problem;
use crate::base::json::parse_strict_object;
use crate::context::Context;
use crate::oauth::params::Params;
use crate::platform::actor::Actor;
use crate::platform::developer_api::kinds::{NO_PICTURE, NOT_JSON};
use crate::platform::developer_api::schema::{Of, PICTURES};
use crate::platform::developer_api::table::{Gives, Operation};
use crate::platform::personal_tokens::{Bearer, authenticate};
use crate::platform::refusal::Refusal;
use crate::web::request::Request;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

/// Of one page of a list.
pub const LIMIT: u32 = 50;
pub const LIMIT_MAX: u32 = 100;
/// Of what is one of a few words, or a time.
const VALUE_CHARS_MAX: usize = 64;

pub struct Call<'a> {
    pub ctx: &'a Context,
    pub request: &'a Request,
    pub operation: &'static Operation,
    pub bearer: Bearer,
    pub limit: u32,
    after: Option<String>,
    params: Params<'a>,
}

impl<'a> Call<'a> {
    pub async fn of(ctx: &'a Context, request: &'a Request, operation: &'static Operation) -> Result<Self, Problem> {
        let bearer = bearer(ctx, request).await?;
        if let Some(scope) = operation.scope
            && !bearer.scopes.iter().any(|held| held == scope)
        {
            return Err(Refusal::MissingScope(scope).into());
        }
        let query = request.query.as_deref().unwrap_or_default();
        let params = Params::parse(query.as_bytes()).map_err(|error| Problem::malformed(error.description))?;
        check_query(ctx, operation, &params)?;
        let param = |name| params.get(name).map_err(|error| Problem::malformed(error.description));
        let limit = match param("limit")? {
            None => LIMIT,
            Some(text) => match text.parse() {
                Ok(limit) if (1..=LIMIT_MAX).contains(&limit) => limit,
                _ => return Err(Problem::malformed(format!("limit must be 1 to {LIMIT_MAX}."))),
            },
        };
        let after = param("after")?.map(str::to_owned);
        let mut call = Self {
            ctx,
            request,
            operation,
            bearer,
            limit,
            after: None,
            params,
        };
        if let Some(after) = after {
            let opened = call.opened(&after);
            call.after = Some(opened.ok_or_else(|| Problem::malformed("after is no cursor of this list."))?);
        }
        Ok(call)
    }

    pub fn actor(&self) -> &Actor {
        &self.bearer.actor
    }

    /// The organization that the token works in.
    pub fn organization(&self) -> &str {
        &self.bearer.token.organization
    }

    /// What the cursor says that the list goes on after.
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// What the query says under this name.
    pub fn filter(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        let value = self.params.get(name);
        value.map_err(|error| Problem::malformed(error.description))
    }

    /// The same, as what it stands for.
    pub fn filter_as<T>(&self, name: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
        let Some(text) = self.filter(name)? else {
            return Ok(None);
        };
        let read = read(text).ok_or_else(|| Problem::malformed(format!("{name} is not as the documentation has it.")));
        read.map(Some)
    }

    /// The body: a picture.
    pub fn picture(&self) -> Result<Bytes, Problem> {
        if PICTURES.contains(&&*self.media_type()) {
            Ok(self.request.body.clone())
        } else {
            Err(Problem::new(NO_PICTURE))
        }
    }

    fn media_type(&self) -> String {
        let content_type = self.request.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        media_type.to_ascii_lowercase()
    }

    /// The body: one JSON object with known members, each once.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.media_type() != "application/json" {
            return Err(Problem::new(NOT_JSON));
        }
        parse_strict_object(&self.request.body)
            .map_err(|error| Problem::malformed(format!("The body cannot be read: {error}.")))
    }
}

/// Only parameters that the documentation has, none of them empty or longer than it says.
fn check_query(ctx: &Context, operation: &Operation, params: &Params<'_>) -> Result<(), Problem> {
    let is_list = matches!(operation.gives, Gives::Page(_));
    for (name, value) in params.pairs() {
        let filter = operation
            .filters()
            .iter()
            .find(|filter| filter.name(ctx.profile()) == name);
        let chars_max = match filter.map(|filter| &filter.of) {
            Some(Of::Line(most)) => *most as usize,
            Some(_) => VALUE_CHARS_MAX,
            None if is_list && ["after", "limit"].contains(&name) => CURSOR_CHARS_MAX,
            None => {
                return Err(Problem::malformed(
                    "The query has a parameter that this operation does not know.",
                ));
            }
        };
        if value.is_empty() || value.chars().count() > chars_max {
            return Err(Problem::malformed(format!(
                "The query has a parameter that is empty or longer than {chars_max} characters."
            )));
        }
    }
    Ok(())
}

/// For `#[serde(default, deserialize_with = "stated")]`: a member that may be left out, and is not null for that.
pub fn stated<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// RFC 6750 §2.1, and no other way: a token in the address ends up in logs, one in a cookie is sent by other pages too.
async fn bearer(ctx: &Context, request: &Request) -> Result<Bearer, Problem> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let Some(header) = headers.next() else {
        return Err(Problem::unauthorized(false));
    };
    let token = header.to_str().ok().and_then(|header| header.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer") && headers.next().is_none());
    let Some((_, token)) = token else {
        return Err(Problem::unauthorized(true));
    };
    let bearer = authenticate(ctx, token.trim()).await?;
    bearer.ok_or_else(|| Problem::unauthorized(true))
}
