//! Reviews, for whoever is on duty.

use super::app_life::changes;
use super::apps::{decision, submission};
use super::call::{Call, stated};
use super::{Answered, Reply};
use crate::model::dossier::Verdict;
use crate::model::event::Change;
use crate::model::scope::Risk;
use crate::platform::reviews::{self, Case, Difference, Kind, Waiting, decisions};
use serde::Deserialize;
use serde_json::{Value, json};

/// `GET /reviews`: what waits, longest first.
pub async fn queue(call: &Call<'_>) -> Answered {
    let (rows, next) = reviews::queue(call.ctx, call.actor(), call.after(), call.limit).await?;
    Ok(Reply::ok(call.page(rows.iter().map(waiting).collect(), next)))
}

fn waiting(of: &Waiting) -> Value {
    json!({
        "client_id": of.client_id,
        "name": of.name,
        "organization": of.organization,
        "reason": reason(of.kind),
        "risk": of.risk,
        "since": of.since.to_string(),
        "own": of.own,
    })
}

const fn reason(kind: Kind) -> &'static str {
    match kind {
        Kind::First => "first",
        Kind::Scopes => "scopes",
        Kind::Resubmission => "resubmission",
    }
}

/// `GET /reviews/{client_id}`.
pub async fn one(call: &Call<'_>, client_id: &str) -> Answered {
    let case = reviews::look(call.ctx, call.actor(), client_id).await?;
    Ok(Reply::ok(view(call, &case)))
}

fn view(call: &Call<'_>, case: &Case) -> Value {
    let scopes = case.scopes();
    let risk: Option<Risk> = scopes.risk(&call.ctx.profile().scopes);
    let differences: Vec<Change> = case.differences().into_iter().map(change).collect();
    json!({
        "client_id": case.app.client_id,
        "seen": case.seen(),
        "waiting": case.waiting().is_some(),
        "own": case.own,
        "organization": case.organization,
        "state": case.app.state,
        "reason": reason(case.kind()),
        "risk": risk,
        "submission": case.submission.as_ref().map(|of| submission(call, of)),
        "earlier": case.earlier.iter().map(|of| submission(call, of)).collect::<Vec<_>>(),
        "differences": changes(&differences),
        "scopes": { "added": scopes.added, "kept": scopes.kept, "removed": scopes.removed },
        "decision": case.dossier().verdict.as_ref().map(decision),
    })
}

fn change(of: Difference) -> Change {
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    Change {
        what: of.what.to_owned(),
        before: said(of.before),
        after: said(of.after),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    verdict: Verdict,
    seen: String,
    #[serde(default, deserialize_with = "stated")]
    note: Option<String>,
}

/// `POST /reviews/{client_id}/decisions`: about what `seen` says that the reviewer looked at.
pub async fn decide(call: &Call<'_>, client_id: &str) -> Answered {
    let body: Decided = call.body()?;
    let (ctx, actor) = (call.ctx, call.actor());
    let texts = ctx.config.pages.texts([]);
    let said = (body.verdict, body.note.as_deref().unwrap_or_default());
    match body.verdict {
        Verdict::Approved | Verdict::Rejected | Verdict::ChangesRequested => {
            decisions::decide(ctx, texts, actor, client_id, &body.seen, said).await?;
        }
        Verdict::Suspended | Verdict::Reinstated => {
            decisions::halt(ctx, texts, actor, client_id, &body.seen, said).await?;
        }
    }
    one(call, client_id).await
}

/// `GET /all-apps`: of every organization.
pub async fn all_apps(call: &Call<'_>) -> Answered {
    let (apps, next) = reviews::apps(call.ctx, call.actor(), call.after(), call.limit).await?;
    let items = apps.iter().map(|(app, organization)| {
        json!({
            "client_id": app.client_id,
            "name": app.name,
            "organization": organization,
            "kind": app.kind,
            "state": app.state,
            "disabled": app.disabled,
        })
    });
    Ok(Reply::ok(call.page(items.collect(), next)))
}
