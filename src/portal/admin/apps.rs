//! `/admin/apps`: every app, and the page on which one is suspended or reinstated.

use super::on_duty;
use super::parts::{Wrong, done, field, more, state, verdict, way};
use super::review::note_field;
use crate::context::Context;
use crate::model::app::{App, AppState};
use crate::model::dossier::Verdict;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::reviews::{self, Case, decisions};
use crate::platform::rights::Right;
use crate::portal::app_card;
use crate::portal::desk::{Desk, Part};
use crate::portal::page::redirect;
use crate::portal::passwords::asked;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use form_urlencoded::byte_serialize;
use maud::{Markup, html};

const FORM: &str = "suspend";
const DONE: [(&str, &str); 2] = [
    ("suspended", "admin_done_suspended"),
    ("reinstated", "admin_done_reinstated"),
];

/// `GET /admin/apps`, with `?client_id=` on to the app.
pub async fn list(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let wanted = asked(request, "client_id")?.map(|text| text.trim().to_owned());
    let mut missing = None;
    if let Some(client_id) = wanted {
        match reviews::look(ctx, &desk.actor, &client_id).await {
            Ok(case) => return Ok(redirect(&desk.visit, &path(&case.app), None)),
            Err(Refusal::NotFound) => missing = Some(client_id),
            Err(refusal) => return Err(refusal.into()),
        }
    }
    let after = asked(request, "after")?;
    let (rows, next) = reviews::apps(ctx, &desk.actor, after.as_deref(), reviews::PAGE).await?;
    let body = html! {
        form method="get" action="/admin/apps" role="search" {
            label for="client_id" { "client_id" }
            div.search {
                input #client_id type="search" name="client_id" value=[missing.as_ref()] autocapitalize="none"
                    spellcheck="false" required;
                button.secondary { (desk.text("admin_find")) }
            }
            @if missing.is_some() { p.fault role="alert" { (desk.text("admin_app_missing")) } }
        }
        @if rows.is_empty() {
            p { (desk.text("admin_apps_none")) }
        } @else {
            ul.rows {
                @for (app, organization) in &rows {
                    li {
                        div.what {
                            h2.plain { a href=(path(app)) { bdi { (app.name) } } }
                            p.quiet { bdi { (organization) } " · " code { (app.client_id) } }
                        }
                        p {
                            @if app.disabled { span.tag { (desk.text("admin_disabled")) } " " }
                            (state(&desk.visit, app.state))
                        }
                    }
                }
            }
            (more(&desk, "/admin/apps", next.as_deref()))
        }
    };
    let way = way(&desk, &[]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("admin_apps"), body)
        .show(&desk.visit))
}

fn path(app: &App) -> String {
    let client_id: String = byte_serialize(app.client_id.as_bytes()).collect();
    format!("/admin/apps/{client_id}")
}

/// `GET /admin/apps/{client_id}`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let case = reviews::look(ctx, &desk.actor, client_id).await?;
    page(&desk, &case, ("", ""), &Wrong::nothing()).await
}

/// `POST /admin/apps/{client_id}`: what the app's state allows, confirmed by its name.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(FORM)?;
    let (note, confirm) = (field(&fields, "note")?, field(&fields, "confirm")?);
    let wanted = match field(&fields, "decision")? {
        "suspended" => Verdict::Suspended,
        "reinstated" => Verdict::Reinstated,
        _ => return Err(Trouble::BadForm),
    };
    let case = reviews::look(ctx, &desk.actor, client_id).await?;
    let done = if wanted == Verdict::Suspended && confirm.trim() != case.app.name {
        Err(Fault::new("confirm", "admin_confirm_wrong").into())
    } else {
        let seen = field(&fields, "seen")?;
        let texts = desk.visit.texts;
        decisions::halt(ctx, texts, &desk.actor, client_id, seen, (wanted, note)).await
    };
    let refusal = match done {
        Ok(()) => {
            let to = format!("{}?done={}", path(&case.app), wanted.as_str());
            return Ok(redirect(&desk.visit, &to, None));
        }
        Err(refusal) => refusal,
    };
    let wrong = Wrong::of(&desk.visit, refusal, "reviews_conflict")?;
    let case = reviews::look(ctx, &desk.actor, client_id).await?;
    page(&desk, &case, (note, confirm), &wrong).await
}

async fn page(desk: &Desk<'_>, case: &Case, typed: (&str, &str), wrong: &Wrong) -> Paged {
    let visit = &desk.visit;
    let app = &case.app;
    let review = format!("/admin/reviews/{}", app.client_id);
    let body = html! {
        (done(desk, &DONE)?)
        (wrong.notice())
        (app_card::card(visit, app).await?)
        dl {
            dt { (desk.text("admin_state")) }
            dd {
                (state(visit, app.state))
                @if app.disabled { " " span.tag { (desk.text("admin_disabled")) } }
            }
            dt { (visit.noun()) } dd { bdi { (case.organization) } }
            dt { "client_id" } dd { code { (app.client_id) } }
            @if let Some(last) = case.dossier().verdict {
                dt { (desk.text("admin_last_decision")) }
                dd { (verdict(visit, last.verdict)) @if !last.note.is_empty() { ": " bdi { (last.note) } } }
            }
        }
        @if case.submission.is_some() { p { a href=(review) { (desk.text("admin_review_link")) } } }
        (form(desk, case, typed, wrong))
    };
    let way = way(desk, &[("/admin/apps", desk.text("admin_apps"))]);
    Ok(desk
        .page(Part::Administration, &way, &app.name, body)
        .with_status(wrong.status)
        .show(visit))
}

fn form(desk: &Desk<'_>, case: &Case, (note, confirm): (&str, &str), wrong: &Wrong) -> Markup {
    let visit = &desk.visit;
    let (verdict, heading, text, hint) = match case.app.state {
        AppState::Active => (
            Verdict::Suspended,
            "admin_suspend",
            "admin_suspend_text",
            "admin_suspend_hint",
        ),
        AppState::Suspended => (
            Verdict::Reinstated,
            "admin_reinstate",
            "admin_reinstate_text",
            "reviews_note_optional",
        ),
        _ => return html! { p { (desk.text("admin_not_active")) } },
    };
    if case.own {
        return html! { p.notice.warning { (desk.text("reviews_own_text")) } };
    }
    html! {
        h2 { (desk.text(heading)) }
        p { (desk.text(text)) }
        form method="post" action=(path(&case.app)) {
            (visit.csrf(FORM))
            input type="hidden" name="seen" value=(case.seen());
            (note_field(visit, note, ("reviews_note", hint), wrong))
            @if verdict == Verdict::Suspended {
                label for="confirm" { (visit.fill("admin_confirm", &[("name", &case.app.name)])) }
                input #confirm name="confirm" value=(confirm) autocomplete="off" required;
                (wrong.at(visit, "confirm"))
            }
            button.danger[verdict == Verdict::Suspended] name="decision" value=(verdict.as_str()) {
                (desk.text(heading))
            }
        }
    }
}
