//! What clients discover: RFC 8414 for the server, RFC 9728 for each resource.

use super::authorize::{PROMPTS, ResponseMode};
use super::{client_assertion, dpop, native, pkce, token};
use crate::base::jose::Alg;
use crate::config::Resource;
use crate::context::Context;
use crate::model::app::GrantType;
use serde_json::{Value, json};

/// Methods that [`super::client_auth`] accepts where a client may be of type public; who introspects never is.
const CLIENT_AUTH_METHODS: [&str; 4] = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"];
const INTROSPECTION_AUTH_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "private_key_jwt"];

/// The languages of the pages.
const UI_LOCALES: [&str; 3] = ["en", "fr", "sl"];

/// RFC 8414 §2. Only what this server does.
pub fn authorization_server(ctx: &Context) -> Value {
    let at = |path: &str| format!("{}{path}", ctx.issuer());
    let assertion_algs = client_assertion::ALGS.map(Alg::as_str);
    let mut document = json!({
        "issuer": ctx.issuer(),
        "authorization_endpoint": at("/oauth/authorize"),
        "pushed_authorization_request_endpoint": at("/oauth/par"),
        "token_endpoint": at("/oauth/token"),
        "revocation_endpoint": at("/oauth/revoke"),
        "introspection_endpoint": at("/oauth/introspect"),
        "jwks_uri": at("/oauth/jwks.json"),
        "scopes_supported": ctx.profile().scopes.names().collect::<Vec<_>>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ResponseMode::ALL.map(ResponseMode::as_str),
        "grant_types_supported": token::GRANT_TYPES.map(GrantType::as_str),
        "code_challenge_methods_supported": [pkce::METHOD],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": false,
        "prompt_values_supported": PROMPTS,
        "ui_locales_supported": UI_LOCALES,
        "token_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "revocation_endpoint_auth_methods_supported": CLIENT_AUTH_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "introspection_endpoint_auth_methods_supported": INTROSPECTION_AUTH_METHODS,
        "introspection_endpoint_auth_signing_alg_values_supported": assertion_algs,
        "dpop_signing_alg_values_supported": dpop::ALGS.map(Alg::as_str),
        "protected_resources": ctx.profile().resources.iter().map(|r| &r.identifier).collect::<Vec<_>>(),
    });
    if !ctx.profile().native_templates.is_empty() {
        document["native_installation_endpoint"] = at(native::PATH).into();
    }
    document
}

/// RFC 9728 §2.
pub fn protected_resource(ctx: &Context, resource: &Resource) -> Value {
    let mut document = json!({
        "resource": resource.identifier,
        "authorization_servers": [ctx.issuer()],
        "scopes_supported": ctx.profile().scopes.names().collect::<Vec<_>>(),
        "bearer_methods_supported": ["header"],
        "resource_name": resource.name,
    });
    if let Some(documentation) = &resource.documentation {
        document["resource_documentation"] = documentation.as_str().into();
    }
    document
}

/// The resource whose identifier has this path; the bare well-known address stands for the first (RFC 9728 §3.1).
pub fn resource_at<'a>(ctx: &'a Context, path: &str) -> Option<&'a Resource> {
    let resources = &ctx.profile().resources;
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return resources.first();
    }
    resources.iter().find(|r| path_of(&r.identifier) == path)
}

/// The path of an absolute URI, without a trailing slash.
fn path_of(identifier: &str) -> &str {
    let after_scheme = identifier.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
    path.trim_end_matches('/')
}
