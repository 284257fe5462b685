//! Every operation there is: the one table that the routes, the OpenAPI document and the documentation are made of.

use super::schema::{Field, Of, Shape, Takes, optional};
use super::shapes::{EVENT, apps::*, credentials::*, organizations::*, people::*, reviews::*, webhooks::*};
use crate::platform::rights::{APPS_READ, APPS_WRITE, GRANTS, REQUESTS, REVIEWS, TOKENS};
use http::Method;

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
    pub takes: Takes,
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

use Gives::{Document as OpenApi, Made, Nothing, One, Page};
use Takes::{Json, Nothing as NoBody, Picture};

/// `Op: METHOD path, operationId, text, scope, what it takes => what it gives;`
macro_rules! operations {
    ($($op:ident: $method:ident $path:literal, $id:literal $text:literal,
        $scope:expr, $takes:expr => $gives:expr;)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Op { $($op),* }

        pub static OPERATIONS: [Operation; [$(Op::$op),*].len()] = [$(Operation {
            op: Op::$op,
            method: Method::$method,
            path: concat!("/api/developer/v1", $path),
            id: $id,
            text: $text,
            scope: $scope,
            takes: $takes,
            gives: $gives,
        }),*];
    };
}

operations! {
    Document: GET "/openapi.json", "getOpenApi" "api_get_openapi", None, NoBody => OpenApi;
    Me: GET "/me", "getMe" "api_get_me", None, NoBody => One(&ME);

    Tokens: GET "/tokens", "listTokens" "api_list_tokens", Some(TOKENS), NoBody => Page(&TOKEN);
    CreateToken: POST "/tokens", "createToken" "api_create_token",
        Some(TOKENS), Json(&NEW_TOKEN) => Made(&MADE_TOKEN);
    RevokeToken: DELETE "/tokens/{token}", "revokeToken" "api_revoke_token", Some(TOKENS), NoBody => Nothing;

    Organizations: GET "/organizations", "listOrganizations" "api_list_organizations",
        Some(GRANTS), NoBody => Page(&ORGANIZATION_SHAPE);
    Organization: GET "/organizations/{organization}", "getOrganization" "api_get_organization",
        Some(GRANTS), NoBody => One(&ORGANIZATION_SHAPE);
    Members: GET "/organizations/{organization}/members", "listMembers" "api_list_members",
        Some(GRANTS), NoBody => Page(&MEMBER);
    OrganizationTokens: GET "/organizations/{organization}/tokens", "listOrganizationTokens"
        "api_list_organization_tokens", Some(TOKENS), NoBody => Page(&TOKEN);
    RevokeOrganizationToken: DELETE "/organizations/{organization}/tokens/{token}", "revokeOrganizationToken"
        "api_revoke_organization_token", Some(TOKENS), NoBody => Nothing;
    Audit: GET "/organizations/{organization}/audit", "listAuditLog" "api_list_audit_log",
        Some(GRANTS), NoBody => Page(&EVENT);

    Apps: GET "/organizations/{organization}/apps", "listApps" "api_list_apps",
        Some(APPS_READ), NoBody => Page(&APP);
    CreateApp: POST "/organizations/{organization}/apps", "createApp" "api_create_app",
        Some(APPS_WRITE), Json(&NEW_APP) => Made(&APP);
    ApplyApp: PUT "/organizations/{organization}/apps/{app}", "applyApp" "api_apply_app",
        Some(APPS_WRITE), Json(&MANIFEST) => One(&APPLIED);
    Stakes: GET "/apps", "listAppsAsStakeholder" "api_list_stakes", Some(APPS_READ), NoBody => Page(&APP);
    App: GET "/apps/{client_id}", "getApp" "api_get_app", Some(APPS_READ), NoBody => One(&APP);
    ChangeApp: PATCH "/apps/{client_id}", "changeApp" "api_change_app",
        Some(APPS_WRITE), Json(&APP_CHANGES) => One(&APP);
    SetScopes: PUT "/apps/{client_id}/scopes", "setScopes" "api_set_scopes",
        Some(APPS_WRITE), Json(&WANTED) => One(&APP);
    SetLogo: PUT "/apps/{client_id}/logo", "setLogo" "api_set_logo", Some(APPS_WRITE), Picture => One(&APP);
    Submissions: GET "/apps/{client_id}/submissions", "listSubmissions" "api_list_submissions",
        Some(APPS_READ), NoBody => Page(&SUBMISSION);
    Submit: POST "/apps/{client_id}/submissions", "submitApp" "api_submit_app", Some(APPS_WRITE), NoBody => One(&APP);
    Withdraw: POST "/apps/{client_id}/withdraw", "withdrawApp" "api_withdraw_app",
        Some(APPS_WRITE), NoBody => One(&APP);
    History: GET "/apps/{client_id}/history", "listHistory" "api_list_history",
        Some(APPS_READ), NoBody => Page(&EVENT);
    Team: GET "/apps/{client_id}/team", "getTeam" "api_get_team", Some(APPS_WRITE), NoBody => One(&TEAM);
    AddToTeam: PUT "/apps/{client_id}/team/{user}", "addToTeam" "api_add_to_team",
        Some(APPS_WRITE), NoBody => Nothing;
    RemoveFromTeam: DELETE "/apps/{client_id}/team/{user}", "removeFromTeam" "api_remove_from_team",
        Some(APPS_WRITE), NoBody => Nothing;
    DisableApp: POST "/apps/{client_id}/disable", "disableApp" "api_disable_app",
        Some(APPS_WRITE), NoBody => One(&APP);
    EnableApp: POST "/apps/{client_id}/enable", "enableApp" "api_enable_app", Some(APPS_WRITE), NoBody => One(&APP);

    Secrets: GET "/apps/{client_id}/secrets", "listSecrets" "api_list_secrets",
        Some(APPS_WRITE), NoBody => Page(&SECRET);
    AddSecret: POST "/apps/{client_id}/secrets", "addSecret" "api_add_secret",
        Some(APPS_WRITE), Json(&NEW_SECRET) => Made(&MADE_SECRET);
    RevokeSecret: DELETE "/apps/{client_id}/secrets/{secret}", "revokeSecret" "api_revoke_secret",
        Some(APPS_WRITE), NoBody => Nothing;
    Keys: GET "/apps/{client_id}/jwks", "getClientKeys" "api_get_client_keys",
        Some(APPS_WRITE), NoBody => One(&KEYS);
    SetKeys: PUT "/apps/{client_id}/jwks", "setClientKeys" "api_set_client_keys",
        Some(APPS_WRITE), Json(&NEW_KEYS) => One(&KEYS);
    RemoveKeys: DELETE "/apps/{client_id}/jwks", "removeClientKeys" "api_remove_client_keys",
        Some(APPS_WRITE), NoBody => Nothing;
    AppTokens: GET "/apps/{client_id}/tokens", "listAppTokens" "api_list_app_tokens",
        Some(APPS_WRITE), NoBody => Page(&APP_TOKEN);
    MakeAppToken: POST "/apps/{client_id}/tokens", "createAppToken" "api_create_app_token",
        Some(APPS_WRITE), Json(&NEW_APP_TOKEN) => Made(&MADE_APP_TOKEN);
    RevokeAppToken: DELETE "/apps/{client_id}/tokens/{token}", "revokeAppToken" "api_revoke_app_token",
        Some(APPS_WRITE), NoBody => Nothing;
    Failures: GET "/apps/{client_id}/failures", "listFailures" "api_list_failures",
        Some(APPS_READ), NoBody => Page(&FAILURE);

    Webhooks: GET "/apps/{client_id}/webhooks", "listWebhooks" "api_list_webhooks",
        Some(APPS_READ), NoBody => Page(&WEBHOOK);
    CreateWebhook: POST "/apps/{client_id}/webhooks", "createWebhook" "api_create_webhook",
        Some(APPS_WRITE), Json(&NEW_WEBHOOK) => Made(&MADE_WEBHOOK);
    Webhook: GET "/apps/{client_id}/webhooks/{webhook}", "getWebhook" "api_get_webhook",
        Some(APPS_READ), NoBody => One(&WEBHOOK);
    ChangeWebhook: PATCH "/apps/{client_id}/webhooks/{webhook}", "changeWebhook" "api_change_webhook",
        Some(APPS_WRITE), Json(&WEBHOOK_CHANGE) => One(&WEBHOOK);
    RemoveWebhook: DELETE "/apps/{client_id}/webhooks/{webhook}", "removeWebhook" "api_remove_webhook",
        Some(APPS_WRITE), NoBody => Nothing;
    RotateWebhook: POST "/apps/{client_id}/webhooks/{webhook}/secret", "rotateWebhookSecret" "api_rotate_webhook",
        Some(APPS_WRITE), NoBody => One(&MADE_WEBHOOK);
    TestWebhook: POST "/apps/{client_id}/webhooks/{webhook}/test", "testWebhook" "api_test_webhook",
        Some(APPS_WRITE), NoBody => One(&DELIVERY);
    Deliveries: GET "/apps/{client_id}/webhooks/{webhook}/deliveries", "listDeliveries" "api_list_deliveries",
        Some(APPS_READ), NoBody => Page(&DELIVERY);
    Delivery: GET "/apps/{client_id}/webhooks/{webhook}/deliveries/{delivery}", "getDelivery" "api_get_delivery",
        Some(APPS_READ), NoBody => One(&DELIVERY);
    Resend: POST "/apps/{client_id}/webhooks/{webhook}/deliveries/{delivery}/resend", "resendDelivery"
        "api_resend_delivery", Some(APPS_WRITE), NoBody => One(&DELIVERY);
    ResendRange: POST "/apps/{client_id}/webhooks/{webhook}/resend", "resendDeliveries" "api_resend_deliveries",
        Some(APPS_WRITE), Json(&RESEND) => One(&RESENT);

    Reviews: GET "/reviews", "listReviews" "api_list_reviews", Some(REVIEWS), NoBody => Page(&WAITING);
    Review: GET "/reviews/{client_id}", "getReview" "api_get_review", Some(REVIEWS), NoBody => One(&REVIEW);
    Decide: POST "/reviews/{client_id}/decisions", "decideReview" "api_decide_review",
        Some(REVIEWS), Json(&VERDICT) => One(&REVIEW);
    AllApps: GET "/all-apps", "listAllApps" "api_list_all_apps", Some(REVIEWS), NoBody => Page(&LISTED_APP);

    ConnectedApps: GET "/organizations/{organization}/connected-apps", "listConnectedApps"
        "api_list_connected_apps", Some(GRANTS), NoBody => Page(&CONNECTED_APP);
    ConnectedApp: GET "/organizations/{organization}/connected-apps/{client_id}", "getConnectedApp"
        "api_get_connected_app", Some(GRANTS), NoBody => One(&CONNECTED_APP);
    Grants: GET "/organizations/{organization}/connected-apps/{client_id}/grants", "listGrants"
        "api_list_grants", Some(GRANTS), NoBody => Page(&GRANT);
    RevokeGrants: DELETE "/organizations/{organization}/connected-apps/{client_id}/grants", "revokeGrants"
        "api_revoke_grants", Some(GRANTS), NoBody => One(&ENDED);
    RevokeGrant: DELETE "/organizations/{organization}/connected-apps/{client_id}/grants/{grant}", "revokeGrant"
        "api_revoke_grant", Some(GRANTS), NoBody => Nothing;
    Policy: GET "/organizations/{organization}/policy", "getConsentPolicy" "api_get_consent_policy",
        Some(GRANTS), NoBody => One(&POLICY);
    ChangePolicy: PATCH "/organizations/{organization}/policy", "changeConsentPolicy" "api_change_consent_policy",
        Some(GRANTS), Json(&POLICY_CHANGE) => One(&POLICY);
    ApiKeys: GET "/organizations/{organization}/api-keys", "listApiKeys" "api_list_api_keys",
        Some(TOKENS), NoBody => Page(&API_KEY);
    MakeApiKey: POST "/organizations/{organization}/api-keys", "createApiKey" "api_create_api_key",
        Some(TOKENS), Json(&NEW_API_KEY) => Made(&MADE_API_KEY);
    RevokeApiKey: DELETE "/organizations/{organization}/api-keys/{key}", "revokeApiKey" "api_revoke_api_key",
        Some(TOKENS), NoBody => Nothing;

    AccessRequests: GET "/access-requests", "listAccessRequests" "api_list_access_requests",
        Some(REQUESTS), NoBody => Page(&ACCESS_REQUEST);
    AccessRequest: GET "/access-requests/{request}", "getAccessRequest" "api_get_access_request",
        Some(REQUESTS), NoBody => One(&ACCESS_REQUEST);
    AcceptRequest: POST "/access-requests/{request}/accept", "acceptAccessRequest" "api_accept_access_request",
        Some(REQUESTS), Json(&ACCEPTANCE) => One(&ACCEPTED);
    DeclineRequest: POST "/access-requests/{request}/decline", "declineAccessRequest" "api_decline_access_request",
        Some(REQUESTS), Json(&DECLINE) => Nothing;
}

/// What of the query an operation knows, besides where a list goes on.
const AUDIT_FILTERS: [Field; 5] = [
    optional("event", Of::Line(60)),
    optional("person", Of::Line(200)),
    optional("client_id", Of::Line(64)),
    optional("from", Of::Time),
    optional("until", Of::Time),
];
const DELIVERY_FILTERS: [Field; 3] = [
    optional("status", STATES),
    optional("from", Of::Time),
    optional("until", Of::Time),
];
const FAILURE_FILTERS: [Field; 1] = [optional("id", Of::Line(64))];
const APPLY_FILTERS: [Field; 1] = [optional("dry_run", Of::Boolean)];

impl Operation {
    pub fn filters(&self) -> &'static [Field] {
        match self.op {
            Op::Audit => &AUDIT_FILTERS,
            Op::Deliveries => &DELIVERY_FILTERS,
            Op::Failures => &FAILURE_FILTERS,
            Op::ApplyApp => &APPLY_FILTERS,
            _ => &[],
        }
    }

    /// The text that names what it is about: operations of one stand together.
    pub fn area(&self) -> &'static str {
        let path = self.path.trim_start_matches("/api/developer/v1/");
        let about = |part: &str| path.contains(part);
        if path.starts_with("access-requests") {
            "api_area_requests"
        } else if path.starts_with("reviews") || path == "all-apps" {
            "api_area_reviews"
        } else if about("connected-apps") || about("policy") {
            "api_area_grants"
        } else if about("secrets") || about("jwks") || path.starts_with("apps/{client_id}/tokens") {
            "api_area_credentials"
        } else if about("webhooks") {
            "api_area_webhooks"
        } else if path.starts_with("apps") || path.starts_with("organizations/{organization}/apps") {
            "api_area_apps"
        } else if about("tokens") || about("api-keys") {
            "api_area_tokens"
        } else {
            "api_area_general"
        }
    }

    /// Reads change nothing.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET
    }
}

/// The operation's row.
pub fn of(op: Op) -> &'static Operation {
    &OPERATIONS[op as usize]
}

/// The areas, in the order of the documentation, each with its operations.
pub fn by_area() -> Vec<(&'static str, Vec<&'static Operation>)> {
    let mut areas: Vec<(&str, Vec<&Operation>)> = Vec::new();
    for operation in &OPERATIONS {
        match areas.iter_mut().find(|(area, _)| *area == operation.area()) {
            Some((_, operations)) => operations.push(operation),
            None => areas.push((operation.area(), vec![operation])),
        }
    }
    areas
}

/// Every shape that an operation takes or gives, by name.
pub fn shapes() -> Vec<&'static Shape> {
    let mut found = Vec::new();
    for operation in &OPERATIONS {
        if let Json(shape) = operation.takes {
            shape.with_parts(&mut found);
        }
        match operation.gives {
            One(shape) | Made(shape) | Page(shape) => shape.with_parts(&mut found),
            OpenApi | Nothing => {}
        }
    }
    found
}
