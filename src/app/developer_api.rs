//! The JSON API of the portal. Its table is the one that its document is made of.

use super::{Place, Row, row};
use crate::api::developer::call::Call;
use crate::api::developer::once::once;
use crate::api::developer::{
    Answered, access_requests, answer, api_keys, app_life, apps, audit, connected_apps, credentials, manifest, me,
    openapi, organizations, reviews, tokens,
};
use crate::context::Context;
use crate::platform::developer_api::schema::Takes;
use crate::platform::developer_api::table::{self, OPERATIONS, Op};
use crate::platform::logos;
use crate::web::request::Request;
use crate::web::response::Response;
use http::Method;
use std::sync::LazyLock;

pub type Route = Op;

pub static ROWS: LazyLock<Vec<Row<Route>>> = LazyLock::new(|| {
    let rows = OPERATIONS.iter().map(|operation| Row {
        body_bytes_max: matches!(operation.takes, Takes::Picture).then_some(logos::BYTES_MAX),
        ..row(operation.method.clone(), operation.path, operation.op)
    });
    rows.collect()
});

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
async fn perform(call: &Call<'_>, place: &Place<'_>) -> Answered {
    let (organization, id, token) = (place.get("organization"), place.get("client_id"), place.get("token"));
    let (user, asked) = (place.get("user"), place.get("request"));
    match call.operation.op {
        Op::Document | Op::Me => me::get(call).await,
        Op::Tokens => tokens::own(call).await,
        Op::CreateToken => tokens::create(call).await,
        Op::RevokeToken => tokens::revoke(call, token).await,
        Op::Organizations => organizations::all(call).await,
        Op::Organization => organizations::one(call, organization).await,
        Op::Members => organizations::members(call, organization).await,
        Op::OrganizationTokens => tokens::all(call, organization).await,
        Op::RevokeOrganizationToken => tokens::revoke_any(call, organization, token).await,
        Op::Audit => audit::entries(call, organization).await,
        Op::Apps => apps::all(call, organization).await,
        Op::CreateApp => apps::create(call, organization).await,
        Op::ApplyApp => manifest::apply(call, organization, place.get("app")).await,
        Op::Stakes => apps::stakes(call).await,
        Op::App => apps::get(call, id).await,
        Op::ChangeApp => apps::change(call, id).await,
        Op::SetScopes => apps::set_scopes(call, id).await,
        Op::SetLogo => app_life::set_logo(call, id).await,
        Op::Submissions => app_life::submissions(call, id).await,
        Op::Submit => app_life::submit(call, id).await,
        Op::History => app_life::events(call, id).await,
        Op::Team => app_life::people(call, id).await,
        Op::AddToTeam => app_life::add_to_team(call, id, user).await,
        Op::RemoveFromTeam => app_life::remove_from_team(call, id, user).await,
        Op::DisableApp => app_life::set_disabled(call, id, true).await,
        Op::EnableApp => app_life::set_disabled(call, id, false).await,
        Op::Secrets => credentials::all(call, id).await,
        Op::AddSecret => credentials::add(call, id).await,
        Op::RevokeSecret => credentials::revoke(call, id, place.get("secret")).await,
        Op::Keys => credentials::keys(call, id).await,
        Op::SetKeys => credentials::set_keys(call, id).await,
        Op::RemoveKeys => credentials::remove_keys(call, id).await,
        Op::AppTokens => credentials::tokens(call, id).await,
        Op::MakeAppToken => credentials::make_token(call, id).await,
        Op::RevokeAppToken => credentials::revoke_token(call, id, token).await,
        Op::Failures => credentials::refused(call, id).await,
        Op::Reviews => reviews::queue(call).await,
        Op::Review => reviews::one(call, id).await,
        Op::Decide => reviews::decide(call, id).await,
        Op::AllApps => reviews::all_apps(call).await,
        Op::ConnectedApps => connected_apps::all(call, organization).await,
        Op::ConnectedApp => connected_apps::one(call, organization, id).await,
        Op::Grants => connected_apps::grants(call, organization, id).await,
        Op::RevokeGrants => connected_apps::revoke_all(call, organization, id).await,
        Op::RevokeGrant => connected_apps::revoke(call, organization, id, place.get("grant")).await,
        Op::Policy => connected_apps::policy(call, organization).await,
        Op::ChangePolicy => connected_apps::change_policy(call, organization).await,
        Op::ApiKeys => api_keys::all(call, organization).await,
        Op::MakeApiKey => api_keys::make(call, organization).await,
        Op::RevokeApiKey => api_keys::revoke(call, organization, place.get("key")).await,
        Op::AccessRequests => access_requests::waiting(call).await,
        Op::AccessRequest => access_requests::one(call, asked).await,
        Op::AcceptRequest => access_requests::accept(call, asked).await,
        Op::DeclineRequest => access_requests::decline(call, asked).await,
    }
}
