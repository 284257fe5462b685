//! `GET /openapi.json`: the table as an OpenAPI 3.1 document.

use crate::context::Context;
use crate::platform::developer_api::kinds::KINDS;
use crate::platform::developer_api::schema::reference;
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

fn describe(ctx: &Context, operation: &Operation) -> Value {
    let texts = ctx.config.pages.texts([]);
    let mut described = json!({
        "operationId": operation.id,
        "summary": texts.get(operation.text),
        "parameters": parameters(ctx, operation),
        "responses": responses(ctx, operation),
        "security": match operation.gives {
            Gives::Document => json!([]),
            _ => json!([{ "personalAccessToken": operation.scope.into_iter().collect::<Vec<_>>() }]),
        },
    });
    if let Some(shape) = operation.takes {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": reference(shape.name) } },
        });
    }
    described
}

/// The names between braces.
pub fn places(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

fn parameters(ctx: &Context, operation: &Operation) -> Vec<Value> {
    let texts = ctx.config.pages.texts([]);
    let text = json!({ "type": "string" });
    let parameter = |name: &str, of: &str, schema: Value| json!({ "name": name, "in": of, "schema": schema });
    let mut parameters: Vec<Value> = places(operation.path)
        .map(|name| {
            let mut parameter = parameter(name, "path", text.clone());
            parameter["required"] = true.into();
            parameter
        })
        .collect();
    if let Gives::Page(_) = operation.gives {
        parameters.push(parameter("after", "query", text.clone()));
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 50 });
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
    let (status, body) = match operation.gives {
        Gives::Document => ("200", good(json!({ "type": "object" }))),
        Gives::One(shape) => ("200", good(reference(shape.name))),
        Gives::Made(shape) => ("201", good(reference(shape.name))),
        Gives::Page(shape) => ("200", good(shape.page_schema())),
        Gives::Nothing => ("204", json!({ "description": texts.get(operation.text) })),
    };
    responses.insert(status.to_owned(), body);
    for kind in KINDS.iter().filter(|kind| may_answer(operation, kind.status)) {
        let status = kind.status.to_string();
        responses.entry(status).or_insert_with(|| {
            json!({
                "description": texts.get(kind.title),
                "content": { "application/problem+json": { "schema": reference("Problem") } },
            })
        });
    }
    responses.into()
}

fn may_answer(operation: &Operation, status: u16) -> bool {
    let is_read = operation.method == Method::GET;
    match status {
        _ if matches!(operation.gives, Gives::Document) => false,
        415 | 422 => operation.takes.is_some(),
        409 | 429 => !is_read,
        _ => true,
    }
}
