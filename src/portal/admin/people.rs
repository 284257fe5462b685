//! `/admin/people`: administrators and reviewers.

use super::on_duty;
use super::parts::{Wrong, done, field, way};
use crate::context::Context;
use crate::model::user::{Duty, User};
use crate::platform::people;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::portal::desk::{Desk, Part};
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::html;

const APPOINT: &str = "appoint";
const DISMISS: &str = "dismiss";
const DONE: [(&str, &str); 2] = [
    ("appointed", "people_done_appointed"),
    ("dismissed", "people_done_dismissed"),
];

pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    page(&desk, ("", ""), &Wrong::nothing()).await
}

/// `POST /admin/people`: somebody takes up a duty.
pub async fn appoint(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(APPOINT)?;
    let (email, wanted) = (field(&fields, "email")?, field(&fields, "duty")?);
    let appointed = match Duty::ALL.into_iter().find(|duty| duty.as_str() == wanted) {
        Some(duty) => people::appoint(ctx, &desk.actor, email, duty).await,
        None => Err(Fault::new("duty", "people_duty_missing").into()),
    };
    match appointed {
        Ok(_) => Ok(redirect(&desk.visit, "/admin/people?done=appointed", None)),
        Err(refusal) => {
            let wrong = Wrong::of(&desk.visit, refusal, "conflict_text")?;
            page(&desk, (email, wanted), &wrong).await
        }
    }
}

async fn page(desk: &Desk<'_>, (email, wanted): (&str, &str), wrong: &Wrong) -> Paged {
    let visit = &desk.visit;
    let on_duty = people::list(desk.ctx(), &desk.actor).await?;
    let body = html! {
        (done(desk, &DONE)?)
        (wrong.notice())
        p.quiet { (desk.text("people_text")) }
        ul.rows {
            @for user in &on_duty {
                li {
                    div.what {
                        h2.plain { bdi { (user.name) } }
                        p.quiet { (user.email) }
                    }
                    p {
                        @if user.disabled { span.tag { (desk.text("admin_disabled")) } " " }
                        span.tag { (duty(desk, user.duty)) }
                    }
                    a href=(format!("/admin/people/{}", user.id))
                        aria-label=(visit.fill("people_dismiss_of", &[("name", &user.name)])) {
                        (desk.text("people_dismiss"))
                    }
                }
            }
        }
        h2 { (desk.text("people_add")) }
        form method="post" action="/admin/people" {
            (visit.csrf(APPOINT))
            label for="email" { (desk.text("email")) }
            input #email type="email" name="email" value=(email) required autocomplete="off" autocapitalize="none"
                spellcheck="false" aria-describedby="email-hint";
            p.hint #email-hint { (desk.text("people_email_hint")) }
            (wrong.at(visit, "email"))
            fieldset {
                legend { (desk.text("people_duty")) }
                @for one in [Duty::Reviewer, Duty::Administrator] {
                    label.option {
                        input type="radio" name="duty" value=(one.as_str()) checked[wanted == one.as_str()] required;
                        span {
                            strong { (duty(desk, Some(one))) }
                            span.quiet { (desk.text(about(one))) }
                        }
                    }
                }
                (wrong.at(visit, "duty"))
            }
            button.after-fields { (desk.text("people_appoint")) }
        }
    };
    let way = way(desk, &[]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("people"), body)
        .with_status(wrong.status)
        .show(visit))
}

/// `GET /admin/people/{user}`: asks before a duty ends.
pub async fn confirm(ctx: &Context, request: &Request, user: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    confirm_page(&desk, user, "", &Wrong::nothing()).await
}

/// `POST /admin/people/{user}`: the duty ends, confirmed by the address.
pub async fn dismiss(ctx: &Context, request: &Request, user: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(DISMISS)?;
    let confirm = field(&fields, "confirm")?;
    let found = find(&desk, user).await?;
    let dismissed = if confirm.trim().to_lowercase() == found.email.to_lowercase() {
        people::dismiss(ctx, &desk.actor, user).await
    } else {
        Err(Fault::new("confirm", "people_confirm_wrong").into())
    };
    match dismissed {
        Ok(gone) if gone.id == desk.actor.id() => Ok(redirect(&desk.visit, "/account", None)),
        Ok(_) => Ok(redirect(&desk.visit, "/admin/people?done=dismissed", None)),
        Err(refusal) => {
            let wrong = Wrong::of(&desk.visit, refusal, "conflict_text")?;
            confirm_page(&desk, user, confirm, &wrong).await
        }
    }
}

async fn find(desk: &Desk<'_>, user: &str) -> Result<User, Trouble> {
    let on_duty = people::list(desk.ctx(), &desk.actor).await?;
    let found = on_duty.into_iter().find(|one| one.id == user);
    Ok(found.ok_or(Refusal::NotFound)?.value)
}

async fn confirm_page(desk: &Desk<'_>, user: &str, typed: &str, wrong: &Wrong) -> Paged {
    let user = find(desk, user).await?;
    let visit = &desk.visit;
    let body = html! {
        (wrong.notice())
        p { bdi { (user.name) } " (" (user.email) "), " (duty(desk, user.duty)) }
        p { (desk.text("people_dismiss_text")) }
        form method="post" action=(format!("/admin/people/{}", user.id)) {
            (visit.csrf(DISMISS))
            label for="confirm" { (visit.fill("people_confirm", &[("email", &user.email)])) }
            input #confirm name="confirm" value=(typed) autocomplete="off" autocapitalize="none" required;
            (wrong.at(visit, "confirm"))
            div.inline-choices {
                button.danger { (desk.text("people_dismiss")) }
                a.button.secondary href="/admin/people" { (desk.text("back")) }
            }
        }
    };
    let way = way(desk, &[("/admin/people", desk.text("people"))]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("people_dismiss"), body)
        .with_status(wrong.status)
        .show(visit))
}

fn duty<'d>(desk: &Desk<'d>, duty: Option<Duty>) -> &'d str {
    match duty {
        Some(Duty::Administrator) => desk.text("people_administrator"),
        Some(Duty::Reviewer) => desk.text("people_reviewer"),
        None => "",
    }
}

fn about(duty: Duty) -> &'static str {
    match duty {
        Duty::Administrator => "people_administrator_text",
        Duty::Reviewer => "people_reviewer_text",
    }
}
