//! Ending a token: a page that says what ends, and wants its name typed.

use super::{Scene, faults, rows};
use crate::context::Context;
use crate::model::personal_token::PersonalToken;
use crate::platform::personal_tokens::{self, lists};
use crate::platform::refusal::{Fault, Refusal};
use crate::portal::desk::Desk;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::records::Versioned;
use crate::web::request::Request;
use http::StatusCode;
use maud::html;

const REVOKE: &str = "revoke_personal_token";

/// `GET /account/tokens/{token}` and `GET /organizations/{id}/tokens/{token}`.
pub async fn get(ctx: &Context, request: &Request, scene: Scene<'_>, id: &str) -> Paged {
    let desk = match scene.desk(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let token = find(&desk, scene, id).await?;
    page(&desk, scene, &token, &[]).await
}

/// `POST` to the same.
pub async fn post(ctx: &Context, request: &Request, scene: Scene<'_>, id: &str) -> Paged {
    let desk = match scene.desk(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(REVOKE)?;
    let token = find(&desk, scene, id).await?;
    let typed = fields.get("confirm").map_err(|_| Trouble::BadForm)?.unwrap_or_default();
    if typed.trim() != token.name {
        return page(&desk, scene, &token, &[Fault::new("confirm", "pat_confirm_wrong")]).await;
    }
    personal_tokens::revoke(ctx, &desk.actor, &token).await?;
    Ok(redirect(&desk.visit, &format!("{}?done=revoked", scene.list()), None))
}

async fn find(desk: &Desk<'_>, scene: Scene<'_>, id: &str) -> Result<Versioned<PersonalToken>, Refusal> {
    match scene {
        Scene::Own => lists::find_own(desk.ctx(), &desk.actor, id).await,
        Scene::Organization(organization) => lists::find_in(desk.ctx(), &desk.actor, organization, id).await,
    }
}

async fn page(desk: &Desk<'_>, scene: Scene<'_>, token: &PersonalToken, wrong: &[Fault]) -> Paged {
    let holder = match scene {
        Scene::Own => None,
        Scene::Organization(_) => Some(rows::holder_name(desk.ctx(), token).await?),
    };
    let body = html! {
        (scene.tabs(desk))
        dl {
            dt { (desk.text("name")) } dd { bdi { (token.name) } }
            @if let Some(holder) = &holder {
                dt { (desk.text("pat_holder")) } dd { bdi { (holder) } }
            }
            dt { (desk.text("pat_scopes")) } dd { (rows::titles(desk, token)) }
            dt { (desk.text("pat_times")) } dd { (rows::times(desk, token)) }
        }
        h2 { (desk.text("pat_revoke_heading")) }
        p { (desk.text("pat_revoke_text")) }
        form method="post" action={ (scene.list()) "/" (token.id) } {
            (desk.visit.csrf(REVOKE))
            label for="confirm" { (desk.fill("pat_confirm", &[("name", &token.name)])) }
            input #confirm type="text" name="confirm" autocomplete="off" required
                aria-describedby=[(!wrong.is_empty()).then_some("fault-confirm")]
                aria-invalid=[(!wrong.is_empty()).then_some("true")];
            (faults(desk, wrong, "confirm"))
            button.danger { (desk.text("pat_revoke")) }
        }
        p { a href=(scene.list()) { (desk.text("back")) } }
    };
    let status = if wrong.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let way = scene.way_below(desk);
    let page = desk.page(scene.part(), &way, &token.name, body).with_status(status);
    Ok(page.show(&desk.visit))
}
