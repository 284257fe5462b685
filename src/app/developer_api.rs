//! The JSON API of the portal. Its table is the one that its document is made of.

use super::{Place, Row, row};
use crate::api::developer::call::Call;
use crate::api::developer::once::once;
use crate::api::developer::{
    Answered, access_requests, answer, api_keys, app_life, apps, audit, connected_apps, credentials, manifest, me,
    openapi, organizations, reviews, tokens, webhooks,
};
use crate::context::Context;
use crate::platform::developer_api::schema::Takes;
use crate::platform::developer_api::table::{self, OPERATIONS, Op};
use crate::platform::logos;
use crate::web::request::Request;
use crate::web::response::Response;
use http::Method;
use std::pin::Pin;
use std::sync::LazyLock;

pub type Route = Op;

pub static ROWS: LazyLock<Vec<Row<Route>>> = LazyLock::new(|| {
    let rows = OPERATIONS.iter().map(|operation| Row {
        body_bytes_max: matches!(operation.takes, Takes::Picture).then_some(logos::BYTES_MAX),
        revokes: revokes(operation.op),
        ..row(operation.method.clone(), operation.path, operation.op)
    });
    rows.collect()
});

const fn revokes(op: Op) -> bool {
    matches!(
        op,
        Op::RevokeToken
            | Op::RevokeOrganizationToken
            | Op::RevokeSecret
            | Op::RevokeAppToken
            | Op::RevokeGrants
            | Op::RevokeGrant
            | Op::RevokeApiKey
            | Op::RemoveKeys
            | Op::DisableApp
    )
}

/// What one operation does, on the heap: there are many, and a frame with room for each of them would fill the stack.
type Doing<'c> = Pin<Box<dyn Future<Output = Answered> + Send + 'c>>;

fn doing<'c, F: Future<Output = Answered> + Send + 'c>(begin: impl FnOnce() -> F) -> Doing<'c> {
    Box::pin(begin())
}

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    if route == Op::Document {
        return openapi::get(ctx);
    }
    let call = match Call::of(ctx, request, table::of(route)).await {
        Ok(call) => call,
        Err(problem) => return problem.response(ctx, request),
    };
    // Whoever sends a call twice wants it once; what is no POST comes to the same anyway.
    let answered = if request.method == Method::POST {
        once(&call, perform(&call, place)).await
    } else {
        perform(&call, place).await
    };
    answer(&call, answered)
}

/// One line an operation.
fn perform<'c>(call: &'c Call<'_>, place: &'c Place<'_>) -> Doing<'c> {
    let (organization, id, token) = (place.get("organization"), place.get("client_id"), place.get("token"));
    let (user, asked, hook) = (place.get("user"), place.get("request"), place.get("webhook"));
    match call.operation.op {
        Op::Document | Op::Me => doing(|| me::get(call)),
        Op::Tokens => doing(|| tokens::own(call)),
        Op::CreateToken => doing(|| tokens::create(call)),
        Op::RevokeToken => doing(|| tokens::revoke(call, token)),
        Op::Organizations => doing(|| organizations::all(call)),
        Op::Organization => doing(|| organizations::one(call, organization)),
        Op::Members => doing(|| organizations::members(call, organization)),
        Op::OrganizationTokens => doing(|| tokens::all(call, organization)),
        Op::RevokeOrganizationToken => doing(|| tokens::revoke_any(call, organization, token)),
        Op::Audit => doing(|| audit::entries(call, organization)),
        Op::Apps => doing(|| apps::all(call, organization)),
        Op::CreateApp => doing(|| apps::create(call, organization)),
        Op::ApplyApp => doing(|| manifest::apply(call, organization, place.get("app"))),
        Op::Stakes => doing(|| apps::stakes(call)),
        Op::App => doing(|| apps::get(call, id)),
        Op::ChangeApp => doing(|| apps::change(call, id)),
        Op::SetScopes => doing(|| apps::set_scopes(call, id)),
        Op::SetLogo => doing(|| app_life::set_logo(call, id)),
        Op::Submissions => doing(|| app_life::submissions(call, id)),
        Op::Submit => doing(|| app_life::submit(call, id)),
        Op::Withdraw => doing(|| app_life::withdraw(call, id)),
        Op::History => doing(|| app_life::events(call, id)),
        Op::Team => doing(|| app_life::people(call, id)),
        Op::AddToTeam => doing(|| app_life::add_to_team(call, id, user)),
        Op::RemoveFromTeam => doing(|| app_life::remove_from_team(call, id, user)),
        op @ (Op::DisableApp | Op::EnableApp) => doing(|| app_life::set_disabled(call, id, op == Op::DisableApp)),
        Op::Secrets => doing(|| credentials::all(call, id)),
        Op::AddSecret => doing(|| credentials::add(call, id)),
        Op::RevokeSecret => doing(|| credentials::revoke(call, id, place.get("secret"))),
        Op::Keys => doing(|| credentials::keys(call, id)),
        Op::SetKeys => doing(|| credentials::set_keys(call, id)),
        Op::RemoveKeys => doing(|| credentials::remove_keys(call, id)),
        Op::AppTokens => doing(|| credentials::tokens(call, id)),
        Op::MakeAppToken => doing(|| credentials::make_token(call, id)),
        Op::RevokeAppToken => doing(|| credentials::revoke_token(call, id, token)),
        Op::Failures => doing(|| credentials::refused(call, id)),
        Op::Webhooks => doing(|| webhooks::all(call, id)),
        Op::CreateWebhook => doing(|| webhooks::create(call, id)),
        Op::Webhook => doing(|| webhooks::one(call, id, hook)),
        Op::ChangeWebhook => doing(|| webhooks::change(call, id, hook)),
        Op::RemoveWebhook => doing(|| webhooks::remove(call, id, hook)),
        Op::RotateWebhook => doing(|| webhooks::rotate(call, id, hook)),
        Op::TestWebhook => doing(|| webhooks::test(call, id, hook)),
        Op::Deliveries => doing(|| webhooks::log(call, id, hook)),
        Op::Delivery => doing(|| webhooks::delivery(call, id, hook, place.get("delivery"))),
        Op::Resend | Op::ResendRange => doing(|| webhooks::resend(call, id, hook, place.get("delivery"))),
        Op::Reviews => doing(|| reviews::queue(call)),
        Op::Review => doing(|| reviews::one(call, id)),
        Op::Decide => doing(|| reviews::decide(call, id)),
        Op::AllApps => doing(|| reviews::all_apps(call)),
        Op::ConnectedApps => doing(|| connected_apps::all(call, organization)),
        Op::ConnectedApp => doing(|| connected_apps::one(call, organization, id)),
        Op::Grants => doing(|| connected_apps::grants(call, organization, id)),
        Op::RevokeGrants => doing(|| connected_apps::revoke_all(call, organization, id)),
        Op::RevokeGrant => doing(|| connected_apps::revoke(call, organization, id, place.get("grant"))),
        Op::Policy => doing(|| connected_apps::policy(call, organization)),
        Op::ChangePolicy => doing(|| connected_apps::change_policy(call, organization)),
        Op::ApiKeys => doing(|| api_keys::all(call, organization)),
        Op::MakeApiKey => doing(|| api_keys::make(call, organization)),
        Op::RevokeApiKey => doing(|| api_keys::revoke(call, organization, place.get("key"))),
        Op::AccessRequests => doing(|| access_requests::waiting(call)),
        Op::AccessRequest => doing(|| access_requests::one(call, asked)),
        Op::AcceptRequest => doing(|| access_requests::accept(call, asked)),
        Op::DeclineRequest => doing(|| access_requests::decline(call, asked)),
    }
}
