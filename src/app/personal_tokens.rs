//! Personal access tokens.

use super::{Place, Row};
use crate::context::Context;
use crate::web::request::Request;
use crate::web::response::Response;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Route {}

pub static ROWS: [Row<Route>; 0] = [];

pub async fn handle(_ctx: &Context, _request: &Request, route: Route, _place: &Place<'_>) -> Response {
    match route {}
}
