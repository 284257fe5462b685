//! The JSON API of the portal. Its table is the one that its document is made of.

use super::{Place, Row, row};
use crate::api::developer::call::Call;
use crate::api::developer::once::once;
use crate::api::developer::{answer, me, openapi, organizations, tokens, webhooks};
use crate::context::Context;
use crate::platform::developer_api::table::{self, OPERATIONS, Op};
use crate::web::request::Request;
use crate::web::response::Response;
use std::sync::LazyLock;

pub type Route = Op;

pub static ROWS: LazyLock<Vec<Row<Route>>> = LazyLock::new(|| {
    let rows = OPERATIONS.iter();
    rows.map(|operation| row(operation.method.clone(), operation.path, operation.op))
        .collect()
});

pub async fn handle(ctx: &Context, request: &Request, route: Route, place: &Place<'_>) -> Response {
    if route == Op::Document {
        return openapi::get(ctx);
    }
    let call = match Call::of(ctx, request, table::of(route)).await {
        Ok(call) => call,
        Err(problem) => return problem.response(ctx, request),
    };
    let call = &call;
    let (organization, token) = (place.get("organization"), place.get("token"));
    let (app, webhook, delivery) = (place.get("client_id"), place.get("webhook"), place.get("delivery"));
    let answered = match route {
        Op::Document => return openapi::get(ctx),
        Op::Me => me::get(call).await,
        Op::Tokens => tokens::own(call).await,
        Op::CreateToken => once(call, tokens::create(call)).await,
        Op::RevokeToken => tokens::revoke(call, token).await,
        Op::Organizations => organizations::all(call).await,
        Op::Organization => organizations::one(call, organization).await,
        Op::Members => organizations::members(call, organization).await,
        Op::OrganizationTokens => tokens::all(call, organization).await,
        Op::RevokeOrganizationToken => tokens::revoke_any(call, organization, token).await,
        Op::Webhooks => webhooks::all(call, app).await,
        Op::CreateWebhook => once(call, webhooks::create(call, app)).await,
        Op::Webhook => webhooks::one(call, app, webhook).await,
        Op::ChangeWebhook => webhooks::change(call, app, webhook).await,
        Op::RemoveWebhook => webhooks::remove(call, app, webhook).await,
        Op::RotateWebhook => once(call, webhooks::rotate(call, app, webhook)).await,
        Op::TestWebhook => once(call, webhooks::test(call, app, webhook)).await,
        Op::Deliveries => webhooks::log(call, app, webhook).await,
        Op::Delivery => webhooks::delivery(call, app, webhook, delivery).await,
        Op::Resend => once(call, webhooks::resend(call, app, webhook, delivery)).await,
    };
    answer(call, answered)
}
