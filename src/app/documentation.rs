//! The developers' documentation.

use super::{Place, Row, get};
use crate::context::Context;
use crate::portal::documentation::{self, Section};
use crate::portal::trouble::answer;
use crate::web::request::Request;
use crate::web::response::Response;

pub type Route = Section;

pub static ROWS: [Row<Route>; 9] = [
    get("/docs", Section::Start),
    get("/docs/authentication", Section::Authentication),
    get("/docs/organizations", Section::Organizations),
    get("/docs/scopes", Section::Scopes),
    get("/docs/verify", Section::Verify),
    get("/docs/routes", Section::Routes),
    get("/docs/webhooks", Section::Webhooks),
    get("/docs/errors", Section::Errors),
    get("/docs/api", Section::Reference),
];

pub async fn handle(ctx: &Context, request: &Request, route: Route, _place: &Place<'_>) -> Response {
    answer(ctx, request, documentation::get(ctx, request, route).await)
}
