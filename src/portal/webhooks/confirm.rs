//! What ends something for good, confirmed by typing the endpoint's label: another secret, and removal.

use super::{address, made_page};
use crate::context::Context;
use crate::model::endpoint::Endpoint;
use crate::platform::refusal::Fault;
use crate::platform::rights::Right;
use crate::platform::webhooks;
use crate::portal::developer::fields::{Field, entered};
use crate::portal::developer::frame::{AppDesk, Tab};
use crate::portal::page::redirect;
use crate::portal::trouble::Paged;
use crate::web::request::Request;
use crate::web::response::Response;
use http::{Method, StatusCode};
use maud::html;

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    Rotate,
    Remove,
}

impl What {
    const fn form(self) -> &'static str {
        match self {
            Self::Rotate => "webhook_rotate",
            Self::Remove => "webhook_remove",
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Rotate => "/rotate",
            Self::Remove => "/remove",
        }
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Rotate => ("hook_rotate", "hook_rotate_text"),
            Self::Remove => ("hook_remove", "hook_remove_text"),
        }
    }
}

/// `GET` and `POST /developer/apps/{client_id}/webhooks/{endpoint}/rotate`.
pub async fn rotate(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    page(ctx, request, client_id, id, What::Rotate).await
}

/// `GET` and `POST /developer/apps/{client_id}/webhooks/{endpoint}/remove`.
pub async fn remove(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    page(ctx, request, client_id, id, What::Remove).await
}

async fn page(ctx: &Context, request: &Request, client_id: &str, id: &str, what: What) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    if request.method != Method::POST {
        let endpoint = webhooks::find(ctx, &page.access, id).await?;
        return Ok(ask(&page, &endpoint, what, "", &[]));
    }
    let fields = page.desk.visit.form(what.form())?;
    let endpoint = webhooks::find(ctx, &page.access, id).await?;
    let typed = entered(&fields, "confirm")?;
    if typed.trim() != endpoint.label {
        let fault = Fault::new("confirm", "hook_fault_confirm").with("name", &endpoint.label);
        return Ok(ask(&page, &endpoint, what, typed, &[fault]));
    }
    let actor = &page.desk.actor;
    match what {
        What::Rotate => {
            let made = webhooks::rotate(ctx, actor, client_id, id).await?;
            Ok(made_page(&page, &made.endpoint, &made.secret, "hook_rotated"))
        }
        What::Remove => {
            webhooks::remove(ctx, actor, client_id, id).await?;
            Ok(redirect(
                &page.desk.visit,
                &page.address("/webhooks?done=removed"),
                None,
            ))
        }
    }
}

fn ask(page: &AppDesk<'_>, endpoint: &Endpoint, what: What, typed: &str, faults: &[Fault]) -> Response {
    let visit = &page.desk.visit;
    let back = address(page, endpoint);
    let (title, text) = what.texts();
    let title = visit.text(title);
    let hint = visit.fill("developer_confirm_hint", &[("name", &endpoint.label)]);
    let body = html! {
        form.long method="post" action={ (back) (what.ending()) } {
            (visit.csrf(what.form()))
            p.notice.warning { (visit.text(text)) }
            (Field::new("confirm", "hook_confirm", typed).hint(hint).show(visit, faults))
            div.choices {
                button.danger { (title) }
                a.button.secondary href=(back) { (visit.text("back")) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let below = [(back.clone(), endpoint.label.clone())];
    page.show_below(Tab::Webhooks, &below, title, status, body)
}
