//! `/developer/apps/{client_id}/consent`: what the app's users will be asked, in every language.

use super::frame::{AppDesk, Tab};
use crate::context::Context;
use crate::model::app::Kind;
use crate::oauth::params::Params;
use crate::platform::rights::Right;
use crate::portal::trouble::{Paged, Trouble};
use crate::portal::visit::Visit;
use crate::portal::{app_card, consent};
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

/// `GET`: `?lang=fr` says in which language.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::SeeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    if page.app().kind != Kind::Public {
        return Err(Trouble::NotFound);
    }
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes()).unwrap_or_default();
    let lang = params.get("lang").ok().flatten().unwrap_or(page.desk.visit.language());
    let mut reader = Visit::unknown(ctx, request);
    reader.prefer(Some(lang));
    let shown = preview(&page, &reader).await?;
    let body = html! {
        p { (page.desk.text("developer_preview_text")) }
        ul.links {
            @for texts in ctx.config.pages.languages() {
                li {
                    a href=(format!("{}?lang={}", page.address("/consent"), texts.language)) lang=(texts.language)
                        aria-current=[(texts.language == reader.language()).then_some("true")] {
                        (texts.get("developer_language"))
                    }
                }
            }
        }
        (shown)
    };
    Ok(page.show(Tab::Consent, StatusCode::OK, body))
}

/// The same as on the consent page; its buttons do nothing.
async fn preview(page: &AppDesk<'_>, reader: &Visit<'_>) -> Result<Markup, Trouble> {
    let app = page.app();
    let wanted = page.access.dossier().wanted;
    Ok(html! {
        section.preview lang=(reader.language()) aria-label=(page.desk.text("developer_preview")) {
            p { span.tag { (page.desk.text("developer_preview")) } }
            p.title { (reader.text("consent_heading")) }
            (app_card::card(reader, app).await?)
            p.title { (reader.text("consent_scopes")) }
            (consent::scopes(reader, &wanted))
            @if let Some(uri) = app.redirect_uris.first() {
                (app_card::destination(reader, uri))
            }
            div.choices {
                button type="button" disabled { (reader.text("approve")) }
                button.secondary type="button" disabled { (reader.text("deny")) }
            }
        }
    })
}
