//! `/developer/apps/{client_id}/status`: owners and admins turn a private app off and on.

use super::fields::{Field, entered};
use super::frame::AppDesk;
use crate::context::Context;
use crate::model::app::Kind;
use crate::platform::apps::standing;
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use maud::html;

const FORM: &str = "app_status";

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::DisableApp).await? {
        Ok(page) if page.app().kind != Kind::Private => Err(Trouble::NotFound),
        Ok(page) => Ok(show(&page, "", &[])),
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`: turning it off takes its name, typed.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::DisableApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(FORM)?;
    let disable = match entered(&fields, "do")? {
        "disable" => true,
        "enable" => false,
        _ => return Err(Trouble::BadForm),
    };
    let typed = entered(&fields, "confirm")?;
    if disable && typed.trim() != page.app().name {
        let fault = Fault::new("confirm", "developer_fault_confirm").with("name", &page.app().name);
        return Ok(show(&page, typed, &[fault]));
    }
    standing::set_disabled(ctx, &page.desk.actor, client_id, disable).await?;
    let done = if disable { "?done=disabled" } else { "?done=enabled" };
    Ok(redirect(&page.desk.visit, &page.address(done), None))
}

fn show(page: &AppDesk<'_>, typed: &str, faults: &[Fault]) -> Response {
    let (app, visit) = (page.app(), &page.desk.visit);
    let title = visit.text(if app.disabled {
        "developer_enable"
    } else {
        "developer_disable"
    });
    let body = html! {
        form.long method="post" action=(page.address("/status")) {
            (visit.csrf(FORM))
            @if app.disabled {
                p { (visit.text("developer_enable_text")) }
                button name="do" value="enable" { (title) }
            } @else {
                p.notice.warning { (visit.text("developer_disable_text")) }
                (Field::new("confirm", "developer_confirm", typed)
                    .hint(visit.fill("developer_confirm_hint", &[("name", &app.name)])).show(visit, faults))
                button.danger name="do" value="disable" { (title) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    page.show_aside(title, status, body)
}
