//! `/developer/apps/{client_id}/logo`: the app's picture, and the picture itself at `/logos/{file}`.

use super::fields::{sentence, summary};
use super::frame::AppDesk;
use crate::context::Context;
use crate::model::review::Detail;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::platform::{apps, logos};
use crate::portal::app_card;
use crate::portal::page::{redirect, with_hsts};
use crate::portal::trouble::{Paged, Trouble};
use crate::portal::visit::Visit;
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use maud::{Markup, html};

const FORM: &str = "app_logo";

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => Ok(show(&page, &[])),
        Err(to_sign_in) => Ok(to_sign_in),
    }
}

/// `POST`: the page once more, with the new picture.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let (_, file) = page.desk.visit.upload(FORM)?;
    let Some(file) = file else {
        return Ok(show(&page, &[Fault::new("logo", "developer_fault_no_logo")]));
    };
    let kept = match logos::keep(ctx, page.desk.actor.id(), file).await {
        Ok(digest) => apps::set_logo(ctx, &page.desk.actor, client_id, &digest).await,
        Err(refusal) => Err(refusal),
    };
    match kept {
        Ok(_) => Ok(redirect(&page.desk.visit, &page.address("/logo?done=saved"), None)),
        Err(Refusal::Invalid(faults)) => Ok(show(&page, &faults)),
        Err(other) => Err(other.into()),
    }
}

fn show(page: &AppDesk<'_>, faults: &[Fault]) -> Response {
    let visit = &page.desk.visit;
    let done = visit.request.query.as_deref() == Some("done=saved");
    let body = html! {
        @if done && faults.is_empty() {
            p.notice.good role="status" { (visit.text("developer_logo_saved")) }
        }
        (summary(visit, faults))
        p { (visit.text("developer_logo_preview")) }
        div.app {
            (app_card::tile(page.desk.ctx(), page.app()))
            p.name { bdi { (page.app().name) } }
        }
        form.long method="post" action=(page.address("/logo")) enctype="multipart/form-data" {
            (visit.csrf(FORM))
            (field(visit, page.app().developer.logo.as_deref().unwrap_or_default(), faults, &[]))
            div.choices {
                button { (visit.text("developer_save")) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    page.show_aside(visit.text("developer_logo"), status, body)
}

/// Where a picture is chosen. `kept` is the digest of the one there is.
pub fn field(visit: &Visit<'_>, kept: &str, faults: &[Fault], required: &[Detail]) -> Markup {
    let faults: Vec<&Fault> = faults.iter().filter(|fault| fault.field == "logo").collect();
    html! {
        label for="logo" {
            (visit.text("developer_logo"))
            @if required.contains(&Detail::Logo) { " " span.quiet { (visit.text("developer_required")) } }
        }
        @if !kept.is_empty() {
            img.tile src=(format!("/logos/{kept}.png")) alt=(visit.text("developer_logo_now")) width="52" height="52";
        }
        input #logo type="file" name="logo" accept="image/png,image/jpeg,image/webp"
            aria-describedby="logo-hint" aria-invalid=[(!faults.is_empty()).then_some("true")];
        p.hint #logo-hint {
            (visit.fill("developer_logo_hint", &[("kib", &(logos::BYTES_MAX / 1024).to_string())]))
        }
        @if !faults.is_empty() {
            div.fault {
                @for fault in faults { p { (sentence(visit, fault)) } }
            }
        }
    }
}

/// `GET /logos/{file}`: its name changes with its content, and it can be nothing but a picture.
pub async fn file(ctx: &Context, name: &str) -> Paged {
    let digest = name.strip_suffix(".png").ok_or(Trouble::NotFound)?;
    let png = logos::read(ctx, digest).await?.ok_or(Trouble::NotFound)?;
    let mut response = Response::new(StatusCode::OK)
        .with(CONTENT_TYPE, "image/png")
        .with(CACHE_CONTROL, "public, max-age=31536000, immutable")
        .with(CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.body = png;
    Ok(with_hsts(ctx, response))
}
