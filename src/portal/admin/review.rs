//! `/admin/reviews/{client_id}`: one submission, what of it is new, and the decision.

use super::on_duty;
use super::parts::{Wrong, field, moment, risk, state, verdict, way};
use super::reviews::kind;
use crate::config::Scope;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::{NOTE_CHARS_MAX, Submission, Verdict};
use crate::platform::refusal::Refusal;
use crate::platform::reviews::{self, Case, Difference, decisions};
use crate::platform::rights::Right;
use crate::portal::app_card;
use crate::portal::desk::{Desk, Part};
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::portal::visit::Visit;
use crate::web::request::Request;
use maud::{Markup, html};

const FORM: &str = "review";
/// The decisions, as the buttons send them, in the order of the buttons.
const DECISIONS: [(Verdict, &str, &str); 3] = [
    (Verdict::Approved, "reviews_approve", ""),
    (Verdict::ChangesRequested, "reviews_ask_for_changes", "secondary"),
    (Verdict::Rejected, "reviews_reject", "danger"),
];

pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let case = reviews::look(ctx, &desk.actor, client_id).await?;
    page(&desk, &case, "", &Wrong::nothing()).await
}

pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match on_duty(ctx, request, Right::Review).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(FORM)?;
    let (wanted, note) = (field(&fields, "decision")?, field(&fields, "note")?);
    let seen = field(&fields, "seen")?;
    let wanted = DECISIONS.into_iter().find(|(verdict, ..)| verdict.as_str() == wanted);
    let (wanted, ..) = wanted.ok_or(Trouble::BadForm)?;
    let texts = desk.visit.texts;
    let decided = decisions::decide(ctx, texts, &desk.actor, client_id, seen, (wanted, note)).await;
    let refusal = match decided {
        Ok(()) => {
            let to = format!("/admin/reviews?done={}", wanted.as_str());
            return Ok(redirect(&desk.visit, &to, None));
        }
        Err(refusal) => refusal,
    };
    let wrong = Wrong::of(&desk.visit, refusal, "reviews_conflict")?;
    let case = reviews::look(ctx, &desk.actor, client_id).await?;
    page(&desk, &case, note, &wrong).await
}

async fn page(desk: &Desk<'_>, case: &Case, note: &str, wrong: &Wrong) -> Paged {
    let Some(submission) = &case.submission else {
        return Err(Refusal::NotFound.into());
    };
    let visit = &desk.visit;
    let body = html! {
        (wrong.notice())
        (app_card::card(visit, &handed_in(case, submission)).await?)
        (facts(desk, case, submission))
        @let differences = case.differences();
        @if !differences.is_empty() {
            h2 { (desk.text("reviews_differences")) }
            (compared(visit, &differences))
        }
        h2 { (desk.text("reviews_scopes")) }
        (scopes(desk, case, submission))
        h2 { (desk.text("reviews_redirect_uris")) }
        ul.plain {
            @for uri in &submission.redirect_uris { li { code { (uri) } } }
            @if submission.redirect_uris.is_empty() { li.quiet { (desk.text("reviews_none_given")) } }
        }
        (history(desk, case))
        (form(desk, case, note, wrong))
    };
    let way = way(desk, &[("/admin/reviews", desk.text("reviews"))]);
    Ok(desk
        .page(Part::Administration, &way, &submission.name, body)
        .with_status(wrong.status)
        .show(visit))
}

/// The app as the submission says it is, for the card.
fn handed_in(case: &Case, submission: &Submission) -> App {
    App {
        name: submission.name.clone(),
        developer: submission.developer.clone(),
        ..case.app.value.clone()
    }
}

fn facts(desk: &Desk<'_>, case: &Case, submission: &Submission) -> Markup {
    let visit = &desk.visit;
    html! {
        dl {
            dt { (desk.text("admin_state")) } dd { (state(visit, case.app.state)) }
            dt { (visit.noun()) } dd { bdi { (case.organization) } }
            dt { "client_id" } dd { code { (submission.client_id) } }
            dt { (desk.text("reviews_about")) } dd { (kind(desk, case.kind())) " (" (submission.number) ")" }
            dt { (desk.text("reviews_handed_in")) }
            dd {
                (moment(submission.at))
                @if let Some(by) = &case.by { ", " bdi { (by.name) } " (" (by.email) ")" }
            }
        }
        p { a href=(format!("/admin/apps/{}", submission.client_id)) { (desk.text("admin_app_link")) } }
    }
}

fn compared(visit: &Visit<'_>, differences: &[Difference]) -> Markup {
    html! {
        table.compared {
            thead {
                tr {
                    th scope="col" { (visit.text("reviews_detail")) }
                    th scope="col" { (visit.text("reviews_before")) }
                    th scope="col" { (visit.text("reviews_after")) }
                }
            }
            tbody {
                @for Difference { what, before, after } in differences {
                    tr {
                        th scope="row" { (detail(visit, what)) }
                        td data-label=(visit.text("reviews_before")) { del { bdi { (lines(before)) } } }
                        td data-label=(visit.text("reviews_after")) { ins { bdi { (lines(after)) } } }
                    }
                }
            }
        }
    }
}

fn lines(text: &str) -> Markup {
    html! { @for line in text.lines() { (line) br; } }
}

fn detail<'v>(visit: &Visit<'v>, what: &str) -> &'v str {
    visit.text(match what {
        "name" => "name",
        "company" => "reviews_detail_company",
        "website" => "website",
        "logo" => "reviews_detail_logo",
        "support" => "support",
        "privacy_policy" => "privacy_policy",
        "terms" => "terms",
        "redirect_uris" => "reviews_redirect_uris",
        "reasons" => "reviews_detail_reasons",
        _ => "reviews_scopes",
    })
}

fn scopes(desk: &Desk<'_>, case: &Case, submission: &Submission) -> Markup {
    let diff = case.scopes();
    let groups = [
        ("reviews_added", &diff.added),
        ("reviews_removed", &diff.removed),
        ("reviews_kept", &diff.kept),
    ];
    html! {
        @for (heading, names) in groups.into_iter().filter(|(_, names)| !names.is_empty()) {
            h3 { (desk.text(heading)) " (" (names.len()) ")" }
            ul.rows.after-heading {
                @for name in names { (scope(desk, name, submission)) }
            }
        }
    }
}

fn scope(desk: &Desk<'_>, name: &str, submission: &Submission) -> Markup {
    let known: Option<&Scope> = desk.ctx().profile().scopes.get(name);
    let reason = submission.reasons.iter().find(|(scope, _)| scope == name);
    html! {
        li {
            div.what {
                p { code { (name) } }
                @match known {
                    Some(scope) => p { (scope.sentence(desk.visit.language())) },
                    None => p.quiet { (desk.text("reviews_scope_unknown")) },
                }
                @if let Some((_, reason)) = reason.filter(|(_, reason)| !reason.is_empty()) {
                    p.quiet { (desk.text("reviews_why")) " " bdi { (reason) } }
                }
            }
            @if let Some(scope) = known { (risk(&desk.visit, scope.risk)) }
        }
    }
}

fn history(desk: &Desk<'_>, case: &Case) -> Markup {
    let last = case.dossier().verdict;
    let earlier = case.earlier.iter().filter_map(|submission| submission.decision.clone());
    let mut all: Vec<_> = last.into_iter().chain(earlier).collect();
    all.dedup();
    html! {
        @if !all.is_empty() {
            h2 { (desk.text("reviews_history")) }
            ul.rows {
                @for decision in &all {
                    li {
                        div.what {
                            h3 { (verdict(&desk.visit, decision.verdict)) }
                            p.quiet { (moment(decision.at)) }
                            @if !decision.note.is_empty() { p { bdi { (lines(&decision.note)) } } }
                        }
                    }
                }
            }
        }
    }
}

fn form(desk: &Desk<'_>, case: &Case, note: &str, wrong: &Wrong) -> Markup {
    let visit = &desk.visit;
    html! {
        h2 { (desk.text("reviews_decision")) }
        @if case.waiting().is_none() {
            p { (desk.text("reviews_decided")) }
        } @else if case.own {
            p.notice.warning { (desk.text("reviews_own_text")) }
        } @else {
            form method="post" action=(format!("/admin/reviews/{}", case.app.client_id)) {
                (visit.csrf(FORM))
                input type="hidden" name="seen" value=(case.seen());
                (note_field(visit, note, ("reviews_note", "reviews_note_hint"), wrong))
                div.inline-choices {
                    @for (verdict, key, class) in DECISIONS {
                        button class=[Some(class).filter(|class| !class.is_empty())]
                            name="decision" value=(verdict.as_str()) { (desk.text(key)) }
                    }
                }
            }
        }
    }
}

/// A field for a note to whoever it is about.
pub fn note_field(visit: &Visit<'_>, note: &str, (label, hint): (&'static str, &'static str), wrong: &Wrong) -> Markup {
    html! {
        label for="note" { (visit.text(label)) }
        textarea #note name="note" rows="4" maxlength=(NOTE_CHARS_MAX) aria-describedby="note-hint" { (note) }
        p.hint #note-hint { (visit.fill(hint, &[("characters", &NOTE_CHARS_MAX.to_string())])) }
        (wrong.at(visit, "note"))
    }
}
