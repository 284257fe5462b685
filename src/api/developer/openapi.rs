//! `GET /openapi.json`: the table as an OpenAPI 3.1 document.

use super::call::{LIMIT, LIMIT_MAX};
use super::cursor::CURSOR_CHARS_MAX;
use crate::context::Context;
use crate::platform::developer_api::kinds::{
    CONFLICT, INVALID, KINDS, Kind, NO_PICTURE, NOT_JSON, OTHER_BODY, STATE, TOO_MANY, UNKNOWN_END,
};
use crate::platform::developer_api::schema::{PICTURES, Takes, reference};
use crate::platform::developer_api::table::{Gives, OPERATIONS, Operation, shapes};
use crate::web::response::Response;
use http::header::CACHE_CONTROL;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

pub fn get(ctx: &Context) -> Response {
    Response::json(StatusCode::OK, &document(ctx)).with(CACHE_CONTROL, "public, max-age=300")
}

pub fn document(ctx: &Context) -> Value {
    let texts = ctx.config.pages.texts([]);
    let mut paths: Map<String, Value> = Map::new();
    for operation in &OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = describe(ctx, operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": texts.get("api_title"),
            "description": texts.get("api_text"),
            "version": "1",
        },
        "servers": [{ "url": ctx.issuer() }],
        "externalDocs": { "url": format!("{}/docs", ctx.issuer()) },
        "paths": paths,
        "components": {
            "schemas": schemas(ctx),
            "securitySchemes": {
                "personalAccessToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": texts.get("api_token_text"),
                },
            },
        },
    })
}

fn schemas(ctx: &Context) -> Map<String, Value> {
    let mut schemas = Map::new();
    for shape in shapes() {
        schemas.insert(shape.name.to_owned(), shape.schema(ctx.profile()));
    }
    schemas.insert("Problem".to_owned(), problem(ctx));
    schemas.insert("Unread".to_owned(), unread());
    schemas
}

/// RFC 9457 §3.1.
fn problem(ctx: &Context) -> Value {
    let types = KINDS.map(|kind| format!("{}/docs/errors#{}", ctx.issuer(), kind.name));
    json!({
        "type": "object",
        "properties": {
            "type": { "type": "string", "format": "uri", "enum": types },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "instance": { "type": "string" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "field": { "type": "string" }, "detail": { "type": "string" } },
                    "required": ["field", "detail"],
                    "additionalProperties": false,
                },
            },
        },
        "required": ["type", "title", "status", "detail", "instance"],
        "additionalProperties": false,
    })
}

/// What the server answers to a request that it does not read to its end.
fn unread() -> Value {
    json!({
        "type": "object",
        "properties": { "error": { "type": "string" }, "error_description": { "type": "string" } },
        "required": ["error"],
        "additionalProperties": false,
    })
}

fn describe(ctx: &Context, operation: &Operation) -> Value {
    let texts = ctx.config.pages.texts([]);
    let mut described = json!({
        "operationId": operation.id,
        "summary": texts.get(operation.text),
        "tags": [texts.get(operation.area())],
        "parameters": parameters(ctx, operation),
        "responses": responses(ctx, operation),
        "security": match operation.gives {
            Gives::Document => json!([]),
            _ => json!([{ "personalAccessToken": operation.scope.into_iter().collect::<Vec<_>>() }]),
        },
    });
    let content = match operation.takes {
        Takes::Nothing => return described,
        Takes::Json(shape) => json!({ "application/json": { "schema": reference(shape.name) } }),
        // OpenAPI 3.1 §4.8.14.3: bytes have no schema.
        Takes::Picture => PICTURES.iter().map(|of| ((*of).to_owned(), json!({}))).collect(),
    };
    described["requestBody"] = json!({ "required": true, "content": content });
    described
}

/// The names between braces.
pub fn places(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn parameters(ctx: &Context, operation: &Operation) -> Vec<Value> {
    let texts = ctx.config.pages.texts([]);
    let parameter = |name: &str, of: &str, schema: Value| json!({ "name": name, "in": of, "schema": schema });
    // As ids are made, and keys of apps.
    let id = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]+$", "minLength": 1, "maxLength": 64 });
    let mut parameters: Vec<Value> = places(operation.path)
        .map(|name| {
            let mut parameter = parameter(name, "path", id.clone());
            parameter["required"] = true.into();
            parameter
        })
        .collect();
    for filter in operation.filters() {
        let schema = filter.of.schema(ctx.profile());
        parameters.push(parameter(filter.name(ctx.profile()), "query", schema));
    }
    if let Gives::Page(_) = operation.gives {
        let after = json!({ "type": "string", "minLength": 1, "maxLength": CURSOR_CHARS_MAX });
        parameters.push(parameter("after", "query", after));
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT });
        parameters.push(parameter("limit", "query", limit));
    }
    if operation.method == Method::POST {
        let key = json!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{8,200}$" });
        let mut parameter = parameter("Idempotency-Key", "header", key);
        parameter["description"] = texts.get("api_idempotency_text").into();
        parameters.push(parameter);
    }
    parameters
}

fn responses(ctx: &Context, operation: &Operation) -> Value {
    let texts = ctx.config.pages.texts([]);
    let good = |schema: Value| {
        json!({
            "description": texts.get(operation.text),
            "content": { "application/json": { "schema": schema } },
        })
    };
    let mut responses = Map::new();
    let (status, mut body) = match operation.gives {
        Gives::Document => ("200", good(json!({ "type": "object" }))),
        Gives::One(shape) => ("200", good(reference(shape.name))),
        Gives::Made(shape) => ("201", good(reference(shape.name))),
        Gives::Page(shape) => ("200", good(shape.page_schema())),
        Gives::Nothing => ("204", json!({ "description": texts.get(operation.text) })),
    };
    let mut header = |name: &str, schema: Value| body["headers"][name] = json!({ "schema": schema });
    if operation.method == Method::POST {
        header("Idempotent-Replayed", json!({ "type": "string", "enum": ["true"] }));
    }
    if let Gives::Made(_) = operation.gives {
        header("Location", json!({ "type": "string", "format": "uri" }));
    }
    responses.insert(status.to_owned(), body);
    for kind in KINDS.iter().filter(|kind| may_answer(operation, **kind)) {
        let status = kind.status.to_string();
        responses
            .entry(status)
            .or_insert_with(|| refused(kind, texts.get(kind.title)));
    }
    if !matches!(operation.takes, Takes::Nothing) {
        // By whoever reads the request, before anybody knows what it is about.
        for (status, key) in [("408", "api_slow"), ("413", "api_too_large")] {
            let content = json!({ "application/json": { "schema": reference("Unread") } });
            let body = json!({ "description": texts.get(key), "content": content });
            responses.insert(status.to_owned(), body);
        }
    }
    responses.into()
}

fn refused(kind: &Kind, title: &str) -> Value {
    let mut body = json!({
        "description": title,
        "content": { "application/problem+json": { "schema": reference("Problem") } },
    });
    match kind.status {
        401 | 403 => body["headers"]["WWW-Authenticate"] = json!({ "schema": { "type": "string" } }),
        429 | 503 => body["headers"]["Retry-After"] = json!({ "schema": { "type": "string" } }),
        _ => {}
    }
    body
}

/// What a call of this operation may come to. Whatever is not here is never answered.
fn may_answer(operation: &Operation, kind: Kind) -> bool {
    let is_read = operation.is_read();
    match kind {
        _ if matches!(operation.gives, Gives::Document) => false,
        NOT_JSON => matches!(operation.takes, Takes::Json(_)),
        NO_PICTURE => matches!(operation.takes, Takes::Picture),
        INVALID | CONFLICT | STATE | TOO_MANY => !is_read,
        OTHER_BODY | UNKNOWN_END => operation.method == Method::POST,
        _ => true,
    }
}
