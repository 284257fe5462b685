//! More rows of the table in `matrix_api`: webhooks of an app, access requests.

use crate::matrix_api::Row;

pub const NEW_WEBHOOK: &str = r#"{"label":"One","url":"https://hooks.example/one"}"#;

pub const WEBHOOKS: &[Row] = &[
    ("GET", "/apps/{client_id}/webhooks", "", "dtao"),
    ("POST", "/apps/{client_id}/webhooks", r#"{"label":"","url":""}"#, "tao"),
    ("GET", "/apps/{client_id}/webhooks/{endpoint}", "", "dtao"),
    ("PATCH", "/apps/{client_id}/webhooks/{endpoint}", "{}", "tao"),
    ("POST", "/apps/{client_id}/webhooks/{endpoint}/secret", "", "tao"),
    ("POST", "/apps/{client_id}/webhooks/{endpoint}/test", "", "tao"),
    ("GET", "/apps/{client_id}/webhooks/{endpoint}/deliveries", "", "dtao"),
    (
        "GET",
        "/apps/{client_id}/webhooks/{endpoint}/deliveries/{delivery}",
        "",
        "dtao",
    ),
    (
        "POST",
        "/apps/{client_id}/webhooks/{endpoint}/deliveries/{delivery}/resend",
        "",
        "tao",
    ),
    ("POST", "/apps/{client_id}/webhooks/{endpoint}/resend", "{}", "tao"),
];

/// In a profile that has them.
pub const REQUESTS: &[Row] = &[
    ("GET", "/access-requests", "", "p"),
    ("GET", "/access-requests/{request}", "", "p"),
    (
        "POST",
        "/access-requests/{request}/accept",
        r#"{"kind":"public","app_name":"","scopes":[]}"#,
        "p",
    ),
    ("POST", "/access-requests/{request}/decline", r#"{"note":""}"#, "p"),
];
