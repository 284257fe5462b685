//! What pages of the administration share.

use crate::base::time::Timestamp;
use crate::model::app::AppState;
use crate::model::dossier::Verdict;
use crate::model::scope::Risk;
use crate::oauth::params::Params;
use crate::platform::refusal::{Fault, Refusal};
use crate::portal::desk::{Crumb, Desk};
use crate::portal::passwords::asked;
use crate::portal::problem::Problem;
use crate::portal::trouble::Trouble;
use crate::portal::visit::Visit;
use http::StatusCode;
use maud::{Markup, html};

/// What was wrong with a form that is shown again.
pub struct Wrong {
    pub status: StatusCode,
    /// Said above the form.
    sentence: Option<String>,
    faults: Vec<Fault>,
}

impl Wrong {
    pub fn nothing() -> Self {
        Self {
            status: StatusCode::OK,
            sentence: None,
            faults: Vec::new(),
        }
    }

    /// What a form can say; the rest is a page of its own.
    pub fn of(visit: &Visit<'_>, refusal: Refusal, conflict: &'static str) -> Result<Self, Trouble> {
        let said = |status, key| Self {
            status,
            sentence: Some(visit.fill(key, &[])),
            faults: Vec::new(),
        };
        match refusal {
            Refusal::Invalid(faults) => Ok(Self {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                sentence: None,
                faults,
            }),
            Refusal::State(key) => Ok(said(StatusCode::CONFLICT, key)),
            Refusal::Conflict => Ok(said(StatusCode::CONFLICT, conflict)),
            Refusal::Account(refusal) => {
                let problem = Problem::of(visit, refusal)?;
                Ok(Self {
                    status: problem.status,
                    sentence: Some(problem.text),
                    faults: Vec::new(),
                })
            }
            refusal => Err(refusal.into()),
        }
    }

    /// Above the form.
    pub fn notice(&self) -> Markup {
        html! {
            @if let Some(sentence) = &self.sentence {
                p.notice.danger role="alert" { (sentence) }
            }
        }
    }

    /// Below the field.
    pub fn at(&self, visit: &Visit<'_>, field: &str) -> Markup {
        html! {
            @for fault in self.faults.iter().filter(|fault| fault.field == field) {
                p.fault role="alert" { (sentence(visit, fault)) }
            }
        }
    }
}

fn sentence(visit: &Visit<'_>, fault: &Fault) -> String {
    let values: Vec<(&str, &str)> = fault.values.iter().map(|(name, value)| (*name, &**value)).collect();
    visit.fill(fault.key, &values)
}

/// The way to a page of the administration; `more` follows it.
pub fn way(desk: &Desk<'_>, more: &[(&str, &str)]) -> Vec<Crumb> {
    let first = ("/admin".to_owned(), desk.text("nav_administration").to_owned());
    let more = more.iter().map(|(to, name)| ((*to).to_owned(), (*name).to_owned()));
    [first].into_iter().chain(more).collect()
}

/// A field of a form; empty where it is not there.
pub fn field<'f>(fields: &'f Params<'_>, name: &'static str) -> Result<&'f str, Trouble> {
    let value = fields.get(name).map_err(|_| Trouble::BadForm)?;
    Ok(value.unwrap_or_default())
}

/// The sentence for what was just done, as the address says it.
pub fn done(desk: &Desk<'_>, known: &[(&str, &'static str)]) -> Result<Markup, Trouble> {
    let done = asked(desk.visit.request, "done")?;
    let known = known.iter().find(|(name, _)| Some(*name) == done.as_deref());
    Ok(html! {
        @if let Some((_, text)) = known {
            p.notice.good role="status" { (desk.text(text)) }
        }
    })
}

/// Further rows, where there are some.
pub fn more(desk: &Desk<'_>, path: &str, after: Option<&str>) -> Markup {
    html! {
        @if let Some(after) = after {
            p.after { a href=(format!("{path}?after={after}")) { (desk.text("admin_more")) } }
        }
    }
}

/// How long ago, in the largest unit that is not zero.
pub fn age(visit: &Visit<'_>, since: Timestamp) -> Markup {
    let minutes = visit.ctx.now().since(since).as_secs() / 60;
    let (key, number) = match minutes {
        0..60 => ("admin_minutes", minutes),
        60..1440 => ("admin_hours", minutes / 60),
        _ => ("admin_days", minutes / 1440),
    };
    let text = visit.fill(key, &[("number", &number.to_string())]);
    html! { time datetime=(since.to_string()) title=(since.to_string()) { (text) } }
}

/// `2026-01-31 08:00 UTC`.
pub fn moment(at: Timestamp) -> Markup {
    let text = at.to_string();
    let shown = text.get(..16).map(|minute| format!("{} UTC", minute.replace('T', " ")));
    html! { time datetime=(text) { (shown.as_deref().unwrap_or(&text)) } }
}

pub fn risk(visit: &Visit<'_>, risk: Risk) -> Markup {
    let key = match risk {
        Risk::Low => "reviews_risk_low",
        Risk::Medium => "reviews_risk_medium",
        Risk::High => "reviews_risk_high",
    };
    html! { span.tag.high[risk == Risk::High] { (visit.text(key)) } }
}

pub fn state(visit: &Visit<'_>, state: AppState) -> Markup {
    let key = match state {
        AppState::Draft => "admin_state_draft",
        AppState::PendingReview => "admin_state_pending_review",
        AppState::ChangesRequested => "admin_state_changes_requested",
        AppState::Active => "admin_state_active",
        AppState::Rejected => "admin_state_rejected",
        AppState::Suspended => "admin_state_suspended",
    };
    let high = !matches!(state, AppState::Active | AppState::Draft);
    html! { span.tag.high[high] { (visit.text(key)) } }
}

pub fn verdict<'v>(visit: &Visit<'v>, verdict: Verdict) -> &'v str {
    visit.text(match verdict {
        Verdict::Approved => "reviews_verdict_approved",
        Verdict::Rejected => "reviews_verdict_rejected",
        Verdict::ChangesRequested => "reviews_verdict_changes_requested",
        Verdict::Suspended => "reviews_verdict_suspended",
        Verdict::Reinstated => "reviews_verdict_reinstated",
    })
}
