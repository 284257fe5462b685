//! `/access-requests/status`: what became of a request, for whoever has its link, and the app that was approved with
//! it, for who asked.

use crate::context::Context;
use crate::model::access_request::{AccessRequest, Offer, Offered, Outcome};
use crate::platform::access_requests::of_link;
use crate::platform::access_requests::offers::{self, Made, Next, Taken};
use crate::platform::actor::Actor;
use crate::platform::refusal::Refusal;
use crate::portal::admin::parts::{Wrong, field, moment};
use crate::portal::desk::Desk;
use crate::portal::page::Page;
use crate::portal::passwords::asked;
use crate::portal::personal_tokens::{Scene, made};
use crate::portal::trouble::Paged;
use crate::portal::visit::Visit;
use crate::web::request::Request;
use form_urlencoded::byte_serialize;
use maud::{Markup, html};

const FORM: &str = "take_up_offer";

pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let link = asked(request, "link")?.unwrap_or_default();
    page(&visit, &link, &Wrong::nothing()).await
}

/// Makes the app or the token, and shows its credentials once.
pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(FORM)?;
    let link = field(&fields, "link")?;
    match offers::make(ctx, &desk.actor, link).await {
        Ok(Taken::App(made)) => Ok(credentials(&desk.visit, &made)),
        Ok(Taken::Token(made)) => made::page(&desk, Scene::Own, &made),
        Err(refusal) => {
            let wrong = Wrong::of(&desk.visit, refusal, "conflict_text")?;
            page(&desk.visit, link, &wrong).await
        }
    }
}

async fn page(visit: &Visit<'_>, link: &str, wrong: &Wrong) -> Paged {
    let request = of_link(visit.ctx, link).await?;
    let body = html! {
        (wrong.notice())
        @match request.answer.as_ref().map(|answer| &answer.outcome) {
            None => p.notice { (visit.text("requests_waits")) },
            Some(Outcome::Declined { note }) => {
                p.notice.warning { (visit.text("requests_declined")) }
                p { bdi { @for line in note.lines() { (line) br; } } }
            }
            Some(Outcome::Accepted(offer)) => {
                p.notice.good { (visit.text("requests_accepted")) }
                (accepted(visit, link, &request, offer).await?)
            }
        }
        dl.after-fields {
            dt { (visit.noun()) } dd { bdi { (request.organization) } }
            dt { (visit.text("requests_asked_at")) } dd { (moment(request.at)) }
        }
    };
    Ok(Page::new(visit.text("requests_status"), body)
        .with_status(wrong.status)
        .show(visit))
}

async fn accepted(visit: &Visit<'_>, link: &str, request: &AccessRequest, offer: &Offer) -> Result<Markup, Refusal> {
    let Some(signed_in) = visit.signed_in() else {
        return Ok(html! {
            p { (visit.text("requests_next_sign_in")) }
            p { a.button href=(sign_in(link)) { (visit.text("sign_in")) } }
        });
    };
    let actor = Actor::of_user(signed_in.user.clone());
    Ok(match offers::next(visit.ctx, &actor, request, offer).await? {
        Next::OtherAccount => html! {
            p { (visit.fill("requests_next_other_account", &[("email", &signed_in.user.email)])) }
            p { a href=(sign_in(link)) { (visit.text("sign_in")) } }
        },
        Next::Join => html! { p { (visit.text("requests_next_join")) } },
        Next::Role => html! { p { (visit.text("requests_next_role")) } },
        Next::MadeToken => html! {
            p { (visit.text("requests_token_before")) }
            p { a href="/account/tokens" { (visit.text("pat_heading")) } }
        },
        Next::MadeApp(client_id) => html! {
            p { (visit.text("requests_made_before")) }
            p { a href=(app(&client_id)) { (visit.text("requests_app_link")) } }
        },
        Next::Make => html! {
            p { (visit.text(next_text(offer))) }
            p { bdi { strong { (offer.name) } } }
            p { @for scope in &offer.scopes { code { (scope) } " " } }
            form method="post" action="/access-requests/status" {
                (visit.csrf(FORM))
                input type="hidden" name="link" value=(link);
                button.wide-button {
                    @if offer.kind == Offered::PersonalToken { (visit.text("requests_make_token")) }
                    @else { (visit.text("requests_make")) }
                }
            }
        },
    })
}

fn next_text(offer: &Offer) -> &'static str {
    match offer.kind {
        Offered::Private => "requests_next_make_private",
        Offered::Public => "requests_next_make_public",
        Offered::PersonalToken => "requests_next_make_token",
    }
}

fn credentials(visit: &Visit<'_>, made: &Made) -> crate::web::response::Response {
    let body = html! {
        @match &made.client_secret {
            Some(secret) => {
                p.notice.warning { (visit.text("requests_shown_once")) }
                dl {
                    dt { "client_id" } dd { code { (made.client_id) } }
                    dt { "client_secret" } dd { code { (secret) } }
                    dt { (visit.ctx.profile().noun.id_claim()) } dd { code { (made.organization) } }
                    dt { "scope" } dd { code { (made.scopes.join(" ")) } }
                }
            }
            None => {
                p { (visit.text("requests_made_draft")) }
                dl { dt { "client_id" } dd { code { (made.client_id) } } }
            }
        }
        p.after-fields { a href=(app(&made.client_id)) { (visit.text("requests_app_link")) } }
    };
    Page::new(visit.text("requests_made"), body).show(visit)
}

fn app(client_id: &str) -> String {
    format!("/developer/apps/{client_id}")
}

fn sign_in(link: &str) -> String {
    let link: String = byte_serialize(link.as_bytes()).collect();
    let next: String = byte_serialize(format!("/access-requests/status?link={link}").as_bytes()).collect();
    format!("/login?other=yes&next={next}")
}
