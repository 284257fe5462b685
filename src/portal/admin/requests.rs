//! `/admin/access-requests`: who asks for access to the API, and what is answered.

use super::on_duty;
use super::parts::{Wrong, age, done, field, moment, more, risk, way};
use super::review::note_field;
use crate::context::Context;
use crate::model::access_request::{AccessRequest, Integration, NAME_CHARS_MAX, Offered, Outcome};
use crate::model::role::Role;
use crate::platform::access_requests::answers::{self, Acceptance, ROLES};
use crate::platform::access_requests::{PAGE, look, queue};
use crate::platform::rights::{Right, scopes_for};
use crate::portal::access_requests::integration;
use crate::portal::desk::{Desk, Part};
use crate::portal::page::redirect;
use crate::portal::passwords::asked;
use crate::portal::personal_tokens::scope_title;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::{Markup, html};

const FORM: &str = "answer_request";
const LIST: &str = "/admin/access-requests";
const DAY_S: u64 = 24 * 60 * 60;
const DONE: [(&str, &str); 2] = [
    ("accepted", "requests_done_accepted"),
    ("declined", "requests_done_declined"),
];

/// What was entered, for the form to show it again.
#[derive(Clone, Copy)]
struct Entered<'a> {
    acceptance: Acceptance<'a>,
    note: &'a str,
}

/// `GET /admin/access-requests`.
pub async fn list(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::AnswerAccessRequests).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let after = asked(request, "after")?;
    let (rows, next) = queue(ctx, &desk.actor, after.as_deref(), PAGE).await?;
    let body = html! {
        (done(&desk, &DONE)?)
        @if rows.is_empty() {
            p { (desk.text("requests_none")) }
        } @else {
            ul.rows {
                @for request in &rows {
                    li {
                        div.what {
                            h2.plain { a href=(format!("{LIST}/{}", request.id)) { bdi { (request.organization) } } }
                            p.quiet {
                                bdi { (request.name) } " · " (request.email) " · " (age(&desk.visit, request.at))
                            }
                        }
                        span.tag { (integration(&desk.visit, request.integration)) }
                    }
                }
            }
            (more(&desk, LIST, next.as_deref()))
        }
    };
    let way = way(&desk, &[]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("requests"), body)
        .show(&desk.visit))
}

/// `GET /admin/access-requests/{request}`.
pub async fn get(ctx: &Context, request: &Request, id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::AnswerAccessRequests).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let found = look(ctx, &desk.actor, id).await?;
    let days = usual_days(ctx);
    let entered = Entered {
        acceptance: proposed(&found, &days),
        note: "",
    };
    page(&desk, &found, entered, &Wrong::nothing())
}

/// What is likely to be answered: an organization of its own, and the app that fits the integration.
fn proposed<'a>(request: &'a AccessRequest, days: &'a str) -> Acceptance<'a> {
    Acceptance {
        organization: "",
        organization_name: &request.organization,
        role: Role::Developer.as_str(),
        kind: match request.integration {
            Integration::ThirdPartySoftware => Offered::Public.as_str(),
            Integration::DirectSystem => Offered::Private.as_str(),
        },
        app_name: &request.organization,
        scopes: &[],
        days,
    }
}

/// What the form proposes: the life of the profile's tokens.
fn usual_days(ctx: &Context) -> String {
    let days = ctx.profile().pat.default_lifetime.as_secs() / DAY_S;
    days.to_string()
}

/// `POST /admin/access-requests/{request}`.
pub async fn post(ctx: &Context, request: &Request, id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::AnswerAccessRequests).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(FORM)?;
    let scopes: Vec<&str> = fields.all("scopes").collect();
    let acceptance = Acceptance {
        organization: field(&fields, "organization")?,
        organization_name: field(&fields, "organization_name")?,
        role: field(&fields, "role")?,
        kind: field(&fields, "kind")?,
        app_name: field(&fields, "app_name")?,
        scopes: &scopes,
        days: field(&fields, "days")?,
    };
    let note = field(&fields, "note")?;
    let accepts = match field(&fields, "decision")? {
        "accept" => true,
        "decline" => false,
        _ => return Err(Trouble::BadForm),
    };
    let answered = if accepts {
        answers::accept(ctx, &desk.actor, id, acceptance).await
    } else {
        answers::decline(ctx, &desk.actor, id, note).await.map(|()| None)
    };
    let done = if accepts { "accepted" } else { "declined" };
    match answered {
        Ok(Some(invitation)) => Ok(show_invitation(&desk, &invitation)),
        Ok(None) => Ok(redirect(&desk.visit, &format!("{LIST}?done={done}"), None)),
        Err(refusal) => {
            let wrong = Wrong::of(&desk.visit, refusal, "conflict_text")?;
            let found = look(ctx, &desk.actor, id).await?;
            // What was entered in one form leaves the other as it was proposed.
            let days = usual_days(ctx);
            let acceptance = if accepts { acceptance } else { proposed(&found, &days) };
            page(&desk, &found, Entered { acceptance, note }, &wrong)
        }
    }
}

/// Where no mail is sent, the administrator hands the link on.
fn show_invitation(desk: &Desk<'_>, link: &str) -> crate::web::response::Response {
    let body = html! {
        p { (desk.text("requests_invitation_text")) }
        p { code { (link) } }
        p { a href=(LIST) { (desk.text("requests")) } }
    };
    let way = way(desk, &[(LIST, desk.text("requests"))]);
    desk.page(Part::Administration, &way, desk.text("requests_done_accepted"), body)
        .show(&desk.visit)
}

fn page(desk: &Desk<'_>, request: &AccessRequest, entered: Entered<'_>, wrong: &Wrong) -> Paged {
    let visit = &desk.visit;
    let body = html! {
        (wrong.notice())
        dl {
            dt { (visit.noun()) } dd { bdi { (request.organization) } }
            dt { (desk.text("name")) } dd { bdi { (request.name) } }
            dt { (desk.text("email")) } dd { (request.email) }
            dt { (desk.text("requests_integration")) } dd { (integration(visit, request.integration)) }
            dt { (desk.text("requests_asked_at")) } dd { (moment(request.at)) }
        }
        h2 { (desk.text("requests_description")) }
        p { bdi { @for line in request.description.lines() { (line) br; } } }
        @match request.answer.as_ref().map(|answer| &answer.outcome) {
            Some(Outcome::Declined { note }) => {
                h2 { (desk.text("requests_declined")) }
                p { bdi { (note) } }
            }
            Some(Outcome::Accepted(offer)) => {
                h2 { (desk.text("requests_accepted")) }
                p { bdi { (offer.name) } ": " (kind(desk, offer.kind)) }
                p { @for scope in &offer.scopes { code { (scope) } " " } }
            }
            None => {
                (accept_form(desk, request, entered.acceptance, wrong))
                (decline_form(desk, request, entered.note, wrong))
            }
        }
    };
    let way = way(desk, &[(LIST, desk.text("requests"))]);
    Ok(desk
        .page(Part::Administration, &way, &request.organization, body)
        .with_status(wrong.status)
        .show(visit))
}

fn accept_form(desk: &Desk<'_>, request: &AccessRequest, entered: Acceptance<'_>, wrong: &Wrong) -> Markup {
    let visit = &desk.visit;
    html! {
        h2 { (desk.text("requests_accept")) }
        p.quiet { (desk.text("requests_accept_text")) }
        form method="post" action=(format!("{LIST}/{}", request.id)) {
            (visit.csrf(FORM))
            fieldset.first {
                legend { (visit.noun()) }
                label for="organization_name" { (desk.text("requests_organization_new")) }
                input #organization_name name="organization_name" value=(entered.organization_name) autocomplete="off"
                    maxlength=(NAME_CHARS_MAX);
                (wrong.at(visit, "organization_name"))
                label for="organization" { (desk.text("requests_organization_there")) }
                input #organization name="organization" value=(entered.organization) autocomplete="off"
                    aria-describedby="organization-hint";
                p.hint #organization-hint { (desk.text("requests_organization_hint")) }
                (wrong.at(visit, "organization"))
                label for="role" { (desk.text("requests_role")) }
                select #role name="role" {
                    @for role in ROLES {
                        option value=(role.as_str()) selected[entered.role == role.as_str()] { (desk.role(role)) }
                    }
                }
                (wrong.at(visit, "role"))
            }
            label for="app_name" { (desk.text("requests_app_name")) }
            input #app_name name="app_name" value=(entered.app_name) autocomplete="off" required
                maxlength=(NAME_CHARS_MAX);
            (wrong.at(visit, "app_name"))
            fieldset {
                legend { (desk.text("requests_kind")) }
                @for one in [Offered::Public, Offered::Private, Offered::PersonalToken] {
                    label.option {
                        input type="radio" name="kind" value=(one.as_str()) required
                            checked[entered.kind == one.as_str()];
                        span { (kind(desk, one)) }
                    }
                }
                (wrong.at(visit, "kind"))
            }
            label for="days" { (desk.text("requests_days")) }
            input #days type="number" name="days" value=(entered.days) min="1" max="366" autocomplete="off"
                aria-describedby="days-hint";
            p.hint #days-hint {
                (desk.text("requests_days_hint"))
                @if desk.ctx().profile().pat.no_expiry { " " (desk.text("requests_days_never")) }
            }
            (wrong.at(visit, "days"))
            (scopes(desk, entered.scopes, wrong))
            button.after-fields name="decision" value="accept" { (desk.text("requests_accept")) }
        }
    }
}

fn scopes(desk: &Desk<'_>, chosen: &[&str], wrong: &Wrong) -> Markup {
    let visit = &desk.visit;
    html! {
        fieldset {
            legend { (desk.text("reviews_scopes")) }
            @for scope in desk.ctx().profile().scopes.iter() {
                label.option {
                    input type="checkbox" name="scopes" value=(scope.name)
                        checked[chosen.contains(&scope.name.as_str())];
                    span {
                        strong { code { (scope.name) } " " (risk(visit, scope.risk)) }
                        span.quiet { (scope.sentence(visit.language())) }
                    }
                }
            }
            (wrong.at(visit, "scopes"))
        }
        fieldset {
            legend { (desk.text("requests_scopes_own")) }
            p.quiet { (desk.text("pat_scopes_own_text")) }
            // What an owner may hold, and nobody more: a duty comes with no answer.
            @for name in scopes_for(Role::Owner, None) {
                label.option {
                    input type="checkbox" name="scopes" value=(name) checked[chosen.contains(&name)];
                    span {
                        strong { (scope_title(desk, name)) }
                        span.quiet { code { (name) } }
                    }
                }
            }
        }
    }
}

fn decline_form(desk: &Desk<'_>, request: &AccessRequest, note: &str, wrong: &Wrong) -> Markup {
    html! {
        h2 { (desk.text("requests_decline")) }
        form method="post" action=(format!("{LIST}/{}", request.id)) {
            (desk.visit.csrf(FORM))
            (note_field(&desk.visit, note, ("requests_note", "requests_note_hint"), wrong))
            button.danger name="decision" value="decline" { (desk.text("requests_decline")) }
        }
    }
}

fn kind<'d>(desk: &Desk<'d>, kind: Offered) -> &'d str {
    desk.text(match kind {
        Offered::Private => "requests_kind_private",
        Offered::Public => "requests_kind_public",
        Offered::PersonalToken => "requests_kind_token",
    })
}
