//! Every operation there is: the one table that the routes, the OpenAPI document and the documentation are made of.

use super::schema::{Field, ORGANIZATION, Of, Shape, field, optional};
use super::webhooks::{DELIVERY, MADE_WEBHOOK, NEW_WEBHOOK, WEBHOOK, WEBHOOK_CHANGE};
use crate::platform::rights::{APPS_READ, APPS_WRITE, GRANTS, TOKENS};
use http::Method;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    Document,
    Me,
    Tokens,
    CreateToken,
    RevokeToken,
    Organizations,
    Organization,
    Members,
    OrganizationTokens,
    RevokeOrganizationToken,
    Webhooks,
    CreateWebhook,
    Webhook,
    ChangeWebhook,
    RemoveWebhook,
    RotateWebhook,
    TestWebhook,
    Deliveries,
    Delivery,
    Resend,
}

pub struct Operation {
    pub op: Op,
    pub method: Method,
    pub path: &'static str,
    /// `operationId`.
    pub id: &'static str,
    /// The text that says what it does.
    pub text: &'static str,
    /// What the token must hold; `None` where any that works is enough.
    pub scope: Option<&'static str>,
    pub takes: Option<&'static Shape>,
    pub gives: Gives,
}

pub enum Gives {
    /// To everybody, without a token.
    Document,
    One(&'static Shape),
    /// 201.
    Made(&'static Shape),
    Page(&'static Shape),
    /// 204.
    Nothing,
}

const fn operation(
    op: Op,
    method: Method,
    path: &'static str,
    id: &'static str,
    text: &'static str,
    scope: Option<&'static str>,
    gives: Gives,
) -> Operation {
    Operation {
        op,
        method,
        path,
        id,
        text,
        scope,
        takes: None,
        gives,
    }
}

pub static OPERATIONS: [Operation; 20] = [
    operation(
        Op::Document,
        Method::GET,
        "/api/developer/v1/openapi.json",
        "getOpenApi",
        "api_get_openapi",
        None,
        Gives::Document,
    ),
    operation(
        Op::Me,
        Method::GET,
        "/api/developer/v1/me",
        "getMe",
        "api_get_me",
        None,
        Gives::One(&ME),
    ),
    operation(
        Op::Tokens,
        Method::GET,
        "/api/developer/v1/tokens",
        "listTokens",
        "api_list_tokens",
        Some(TOKENS),
        Gives::Page(&TOKEN),
    ),
    Operation {
        op: Op::CreateToken,
        method: Method::POST,
        path: "/api/developer/v1/tokens",
        id: "createToken",
        text: "api_create_token",
        scope: Some(TOKENS),
        takes: Some(&NEW_TOKEN),
        gives: Gives::Made(&MADE_TOKEN),
    },
    operation(
        Op::RevokeToken,
        Method::DELETE,
        "/api/developer/v1/tokens/{token}",
        "revokeToken",
        "api_revoke_token",
        Some(TOKENS),
        Gives::Nothing,
    ),
    operation(
        Op::Organizations,
        Method::GET,
        "/api/developer/v1/organizations",
        "listOrganizations",
        "api_list_organizations",
        Some(GRANTS),
        Gives::Page(&ORGANIZATION_SHAPE),
    ),
    operation(
        Op::Organization,
        Method::GET,
        "/api/developer/v1/organizations/{organization}",
        "getOrganization",
        "api_get_organization",
        Some(GRANTS),
        Gives::One(&ORGANIZATION_SHAPE),
    ),
    operation(
        Op::Members,
        Method::GET,
        "/api/developer/v1/organizations/{organization}/members",
        "listMembers",
        "api_list_members",
        Some(GRANTS),
        Gives::Page(&MEMBER),
    ),
    operation(
        Op::OrganizationTokens,
        Method::GET,
        "/api/developer/v1/organizations/{organization}/tokens",
        "listOrganizationTokens",
        "api_list_organization_tokens",
        Some(TOKENS),
        Gives::Page(&TOKEN),
    ),
    operation(
        Op::RevokeOrganizationToken,
        Method::DELETE,
        "/api/developer/v1/organizations/{organization}/tokens/{token}",
        "revokeOrganizationToken",
        "api_revoke_organization_token",
        Some(TOKENS),
        Gives::Nothing,
    ),
    operation(
        Op::Webhooks,
        Method::GET,
        "/api/developer/v1/apps/{client_id}/webhooks",
        "listWebhooks",
        "api_list_webhooks",
        Some(APPS_READ),
        Gives::Page(&WEBHOOK),
    ),
    Operation {
        op: Op::CreateWebhook,
        method: Method::POST,
        path: "/api/developer/v1/apps/{client_id}/webhooks",
        id: "createWebhook",
        text: "api_create_webhook",
        scope: Some(APPS_WRITE),
        takes: Some(&NEW_WEBHOOK),
        gives: Gives::Made(&MADE_WEBHOOK),
    },
    operation(
        Op::Webhook,
        Method::GET,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}",
        "getWebhook",
        "api_get_webhook",
        Some(APPS_READ),
        Gives::One(&WEBHOOK),
    ),
    Operation {
        op: Op::ChangeWebhook,
        method: Method::PATCH,
        path: "/api/developer/v1/apps/{client_id}/webhooks/{webhook}",
        id: "changeWebhook",
        text: "api_change_webhook",
        scope: Some(APPS_WRITE),
        takes: Some(&WEBHOOK_CHANGE),
        gives: Gives::One(&WEBHOOK),
    },
    operation(
        Op::RemoveWebhook,
        Method::DELETE,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}",
        "removeWebhook",
        "api_remove_webhook",
        Some(APPS_WRITE),
        Gives::Nothing,
    ),
    operation(
        Op::RotateWebhook,
        Method::POST,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}/secret",
        "rotateWebhookSecret",
        "api_rotate_webhook",
        Some(APPS_WRITE),
        Gives::One(&MADE_WEBHOOK),
    ),
    operation(
        Op::TestWebhook,
        Method::POST,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}/test",
        "testWebhook",
        "api_test_webhook",
        Some(APPS_WRITE),
        Gives::One(&DELIVERY),
    ),
    operation(
        Op::Deliveries,
        Method::GET,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}/deliveries",
        "listDeliveries",
        "api_list_deliveries",
        Some(APPS_READ),
        Gives::Page(&DELIVERY),
    ),
    operation(
        Op::Delivery,
        Method::GET,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}/deliveries/{delivery}",
        "getDelivery",
        "api_get_delivery",
        Some(APPS_READ),
        Gives::One(&DELIVERY),
    ),
    operation(
        Op::Resend,
        Method::POST,
        "/api/developer/v1/apps/{client_id}/webhooks/{webhook}/deliveries/{delivery}/resend",
        "resendDelivery",
        "api_resend_delivery",
        Some(APPS_WRITE),
        Gives::One(&DELIVERY),
    ),
];

/// The operation's row.
pub fn of(op: Op) -> &'static Operation {
    let found = OPERATIONS.iter().find(|operation| operation.op == op);
    found.expect("a test finds every operation")
}

/// Every shape that an operation takes or gives, by name.
pub fn shapes() -> Vec<&'static Shape> {
    let mut found = Vec::new();
    for operation in &OPERATIONS {
        if let Some(shape) = operation.takes {
            shape.with_parts(&mut found);
        }
        match operation.gives {
            Gives::One(shape) | Gives::Made(shape) | Gives::Page(shape) => shape.with_parts(&mut found),
            Gives::Document | Gives::Nothing => {}
        }
    }
    found
}

const ROLES: Of = Of::Word(&["owner", "admin", "developer", "member"]);
const DUTIES: Of = Of::Word(&["administrator", "reviewer"]);
const ENDS: Of = Of::OrNull(&Of::Time);

pub static ME: Shape = Shape {
    name: "Me",
    fields: &[
        field("id", Of::Text),
        field("name", Of::Text),
        field("email", Of::Text),
        field("duty", Of::OrNull(&DUTIES)),
        field("organization", Of::One(&ORGANIZATION_SHAPE)),
        field("token", Of::One(&TOKEN)),
    ],
};

pub static ORGANIZATION_SHAPE: Shape = Shape {
    name: "Organization",
    fields: &[
        field("id", Of::OrganizationId),
        field("name", Of::Text),
        field("role", ROLES),
        field("created_at", Of::Time),
    ],
};

pub static MEMBER: Shape = Shape {
    name: "Member",
    fields: &[
        field("id", Of::Text),
        field("name", Of::Text),
        field("email", Of::Text),
        field("role", ROLES),
        field("kind", Of::Word(&["person", "system"])),
        field("created_at", Of::Time),
    ],
};

pub static TOKEN: Shape = Shape {
    name: "Token",
    fields: &TOKEN_FIELDS,
};

const TOKEN_FIELDS: [Field; 10] = [
    field("id", Of::Text),
    field("name", Of::Text),
    field("user", Of::Text),
    field(ORGANIZATION, Of::OrganizationId),
    field("scopes", Of::Texts),
    field("created_by", Of::Text),
    field("created_at", Of::Time),
    field("expires_at", ENDS),
    field("used_at", Of::OrNull(&Of::Time)),
    field("status", Of::Word(&["live", "ended"])),
];

pub static NEW_TOKEN: Shape = Shape {
    name: "NewToken",
    fields: &[
        field("name", Of::Line(60)),
        optional("scopes", Of::Texts),
        optional("expires_at", ENDS),
        optional("user", Of::Text),
    ],
};

pub static MADE_TOKEN: Shape = Shape {
    name: "MadeToken",
    fields: &[field("secret", Of::Text), field("token", Of::One(&TOKEN))],
};
