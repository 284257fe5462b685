//! `POST /logout`.

use super::page::signed_out;
use super::session;
use super::trouble::Paged;
use super::visit::Visit;
use crate::context::Context;
use crate::web::request::Request;

pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    visit.form("logout")?;
    if let Some(signed_in) = visit.signed_in() {
        session::end(ctx, &signed_in.user.id, &signed_in.session.id).await?;
    }
    Ok(signed_out(&visit, "/login"))
}
