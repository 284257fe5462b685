//! What reviewers decide. Each decision is one batch that rests on what the reviewer looked at: of two who decide at
//! once, one is told to look again.

use super::letters;
use super::{Case, look};
use crate::base::text::deceives;
use crate::config::Texts;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::{Decision, Dossier, NOTE_CHARS_MAX, Verdict};
use crate::model::event::{Change, Event, EventKind};
use crate::model::verdicts::{NotNow, decided, halted};
use crate::platform::actor::Actor;
use crate::platform::commit;
use crate::platform::refusal::{Fault, Refusal};
use crate::store::limits::VALUE_BYTES_MAX;
use crate::store::records::Record;
use crate::store::{Batch, codec, keys};

/// Of a list of scopes in an event; what is longer is cut.
const LISTED_BYTES_MAX: usize = 1200;

/// Decides about what waits: `Approved`, `Rejected` or `ChangesRequested`, the latter two with a note. `seen` is
/// [`Case::seen`] of what the reviewer looked at.
pub async fn decide(
    ctx: &Context,
    texts: &Texts,
    actor: &Actor,
    client_id: &str,
    seen: &str,
    (verdict, note): (Verdict, &str),
) -> Result<(), Refusal> {
    let case = open(ctx, actor, client_id, seen).await?;
    let submission = case.waiting().ok_or(NotNow::Decided)?;
    let decision = decision(ctx, actor, verdict, note)?;
    let (app, dossier, judged) = decided(&case.app, &case.dossier(), submission, decision)?;
    check_fits(&dossier)?;
    check_fits(&judged)?;
    let mut batch = Batch::new();
    batch.replace(submission, &judged)?;
    settle(ctx, texts, actor, &case, batch, (&app, &dossier)).await
}

/// Suspends an active app, with a note, or reinstates a suspended one.
pub async fn halt(
    ctx: &Context,
    texts: &Texts,
    actor: &Actor,
    client_id: &str,
    seen: &str,
    (verdict, note): (Verdict, &str),
) -> Result<(), Refusal> {
    let case = open(ctx, actor, client_id, seen).await?;
    let decision = decision(ctx, actor, verdict, note)?;
    let (app, dossier) = halted(&case.app, &case.dossier(), decision)?;
    check_fits(&dossier)?;
    let mut batch = Batch::new();
    batch.revokes = verdict == Verdict::Suspended;
    settle(ctx, texts, actor, &case, batch, (&app, &dossier)).await
}

/// The case, where this reviewer may decide it and has seen it as it is.
async fn open(ctx: &Context, actor: &Actor, client_id: &str, seen: &str) -> Result<Case, Refusal> {
    let case = look(ctx, actor, client_id).await?;
    if case.own {
        return Err(Refusal::Forbidden);
    }
    if case.seen() != seen {
        return Err(Refusal::Conflict);
    }
    Ok(case)
}

fn decision(ctx: &Context, actor: &Actor, verdict: Verdict, note: &str) -> Result<Decision, Refusal> {
    let optional = matches!(verdict, Verdict::Approved | Verdict::Reinstated);
    Ok(Decision {
        verdict,
        note: self::note(note, optional)?,
        by: actor.id().to_owned(),
        at: ctx.now(),
    })
}

/// What a person wrote to another, in lines.
pub(in crate::platform) fn note(text: &str, optional: bool) -> Result<String, Fault> {
    let note = text.replace("\r\n", "\n").trim().to_owned();
    if note.is_empty() && !optional {
        return Err(Fault::new("note", "reviews_note_missing"));
    }
    if note.chars().count() > NOTE_CHARS_MAX {
        return Err(Fault::new("note", "reviews_note_long").with("characters", NOTE_CHARS_MAX));
    }
    if note.chars().any(|c| c != '\n' && deceives(c)) {
        return Err(Fault::new("note", "reviews_note_bad"));
    }
    Ok(note)
}

/// A record has room for all that developers may write, and for a note of most lengths.
fn check_fits<R: Record>(record: &R) -> Result<(), Refusal> {
    if codec::encode(record)?.len() > VALUE_BYTES_MAX {
        return Err(Fault::new("note", "reviews_note_no_room").into());
    }
    Ok(())
}

/// Writes what was decided, to the store and to those it concerns.
async fn settle(
    ctx: &Context,
    texts: &Texts,
    actor: &Actor,
    case: &Case,
    mut batch: Batch,
    (app, dossier): (&App, &Dossier),
) -> Result<(), Refusal> {
    batch.replace(&case.app, app)?;
    match &case.dossier {
        Some(old) => batch.replace(old, dossier)?,
        None => batch.insert(dossier)?,
    };
    actor.hold(&mut batch);
    match &case.left {
        Some(left) => batch.require(left),
        None => batch.require_absent(keys::member(&app.organization, actor.id())),
    };
    let Some(decision) = &dossier.verdict else {
        return Err(Refusal::NotFound);
    };
    batch.insert(&Event {
        token: actor.token_used(),
        ..event(ctx, case, app, decision)
    })?;
    letters::tell(ctx, texts, &mut batch, app, dossier, decision).await?;
    if commit(ctx, batch).await? {
        Ok(())
    } else {
        Err(Refusal::Conflict)
    }
}

fn event(ctx: &Context, case: &Case, app: &App, decision: &Decision) -> Event {
    let kind = match decision.verdict {
        Verdict::Approved => EventKind::AppApproved,
        Verdict::Rejected => EventKind::AppRejected,
        Verdict::ChangesRequested => EventKind::AppChangesRequested,
        Verdict::Suspended => EventKind::AppSuspended,
        Verdict::Reinstated => EventKind::AppReinstated,
    };
    let mut changes = Vec::new();
    let mut changed = |what: &str, before: String, after: String| {
        if before != after {
            changes.push(Change {
                what: what.to_owned(),
                before: Some(before),
                after: Some(after),
            });
        }
    };
    changed("status", case.app.state.as_str().into(), app.state.as_str().into());
    if decision.verdict == Verdict::Approved {
        let before = case.dossier().approved.unwrap_or_default();
        changed("scopes", listed(&before), listed(&app.scopes));
    }
    Event {
        organization: Some(app.organization.clone()),
        client_id: Some(app.client_id.clone()),
        by: Some(decision.by.clone()),
        subject: Some(app.name.clone()),
        changes,
        note: Some(decision.note.clone()).filter(|note| !note.is_empty()),
        ..Event::new(kind, decision.at, &*ctx.random)
    }
}

fn listed(scopes: &[String]) -> String {
    let text = scopes.join(" ");
    match text.get(..LISTED_BYTES_MAX) {
        Some(beginning) if text.len() > LISTED_BYTES_MAX => format!("{beginning}… ({})", scopes.len()),
        _ => text,
    }
}

impl From<NotNow> for Refusal {
    fn from(why: NotNow) -> Self {
        Self::State(match why {
            NotNow::Decided => "reviews_decided",
            NotNow::Suspended => "reviews_suspended",
            NotNow::NotActive => "reviews_not_active",
            NotNow::NotSuspended => "reviews_not_suspended",
        })
    }
}
