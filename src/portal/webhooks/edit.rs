//! `/developer/apps/{client_id}/webhooks/{endpoint}/edit`: another label, address, choice of events or order.

use super::{fields, said, status_of, to_endpoint, wanted};
use crate::context::Context;
use crate::model::endpoint::Endpoint;
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::platform::webhooks::{self, Wanted};
use crate::portal::developer::frame::{AppDesk, Tab};
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use crate::web::response::Response;
use maud::html;

const EDIT: &str = "webhook_edit";

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let endpoint = webhooks::find(ctx, &page.access, id).await?;
    let now = Wanted {
        label: endpoint.label.clone(),
        url: endpoint.url.clone(),
        events: endpoint.kinds.iter().map(|kind| kind.as_str().to_owned()).collect(),
        in_order: endpoint.in_order,
    };
    Ok(show(&page, &endpoint, &now, &[]))
}

/// `POST`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let wanted = wanted(&page.desk.visit.form(EDIT)?)?;
    let endpoint = webhooks::find(ctx, &page.access, id).await?;
    match webhooks::change(ctx, &page.desk.actor, client_id, id, &wanted).await {
        Ok(()) => Ok(to_endpoint(&page, id, "saved")),
        Err(refusal) => Ok(show(&page, &endpoint, &wanted, &said(refusal)?)),
    }
}

fn show(page: &AppDesk<'_>, endpoint: &Endpoint, typed: &Wanted, faults: &[Fault]) -> Response {
    let visit = &page.desk.visit;
    let back = super::address(page, endpoint);
    let body = html! {
        form.long method="post" action={ (back) "/edit" } {
            (visit.csrf(EDIT))
            (fields(visit, typed, faults))
            div.choices {
                button { (visit.text("developer_save")) }
                a.button.secondary href=(back) { (visit.text("back")) }
            }
        }
    };
    let below = [(back.clone(), endpoint.label.clone())];
    page.show_below(
        Tab::Webhooks,
        &below,
        visit.text("hook_change"),
        status_of(faults),
        body,
    )
}
