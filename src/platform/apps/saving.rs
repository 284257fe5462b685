//! How a change of an app is written: the app, its dossier, the queue of reviews and what happened, in one batch.

use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::Submission;
use crate::model::event::{Change, Event, EventKind};
use crate::model::review::{self, Case, Save, Saved};
use crate::platform::actor::{Actor, AppAccess};
use crate::platform::commit;
use crate::platform::refusal::Refusal;
use crate::platform::reviews::letters;
use crate::platform::rights::Right;
use crate::store::records::{Versioned, load};
use crate::store::{Batch, StoreError, keys};

/// Times it is thought over because somebody else changed the same app meanwhile.
pub const ATTEMPTS: usize = 5;
/// Of a text in an event's changes: with all that one save can change, the event fits into one record.
const CHANGE_BYTES_MAX: usize = 500;

/// A change in the making.
pub struct Edit<'a> {
    pub access: &'a AppAccess,
    /// To be changed. Its state and the app's scopes follow from the rest.
    pub case: Case,
    /// What the change rests on besides the app itself, and what else it writes.
    pub batch: Batch,
    /// How it is told of.
    pub event: EventKind,
    pub note: Option<String>,
    /// Even without a change, it is handed in.
    pub hand_in: bool,
    /// Not even then: what is as it was is left alone.
    pub only_changes: bool,
    /// Everything but the writing.
    pub dry_run: bool,
}

/// Changes the app as `change` says, for whoever may change it.
pub async fn edit(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    change: impl Fn(&mut Edit<'_>) -> Result<(), Refusal>,
) -> Result<Case, Refusal> {
    edit_by(ctx, actor, client_id, Right::ChangeApp, change).await
}

/// The same, for another right.
pub async fn edit_by(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    right: Right,
    change: impl Fn(&mut Edit<'_>) -> Result<(), Refusal>,
) -> Result<Case, Refusal> {
    let (_, new) = compared(ctx, actor, client_id, right, change).await?;
    Ok(new)
}

/// The same; the app as it was and as it is.
pub async fn compared(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    right: Right,
    change: impl Fn(&mut Edit<'_>) -> Result<(), Refusal>,
) -> Result<(Case, Case), Refusal> {
    for _ in 0..ATTEMPTS {
        let access = actor.on_app(ctx, client_id, right).await?;
        let mut edit = Edit {
            case: access.case(),
            access: &access,
            batch: Batch::new(),
            event: EventKind::AppChanged,
            note: None,
            hand_in: false,
            only_changes: false,
            dry_run: false,
        };
        change(&mut edit)?;
        if let Some(case) = write(ctx, actor, edit).await? {
            return Ok((access.case(), case));
        }
    }
    Err(Refusal::Conflict)
}

/// `None`: somebody else was faster.
async fn write(ctx: &Context, actor: &Actor, edit: Edit<'_>) -> Result<Option<Case>, Refusal> {
    let access = edit.access;
    let old = access.case();
    if edit.only_changes && changes(&old, &edit.case).is_empty() {
        return Ok(Some(old));
    }
    let waiting = waiting(ctx, &old).await?;
    let save = Save {
        rules: &ctx.profile().review,
        by: actor.id(),
        now: ctx.now(),
        waiting: waiting.is_some(),
        hand_in: edit.hand_in,
    };
    let Saved {
        case,
        submission,
        withdrawn,
    } = review::save(&old, edit.case, &save);
    let mut batch = edit.batch;
    let changes = changes(&old, &case);
    if changes.is_empty() && submission.is_none() && batch.writes.is_empty() {
        return Ok(Some(case));
    }
    match (&waiting, &submission) {
        (Some(waiting), Some(submission)) => batch.replace(waiting, submission)?,
        (None, Some(submission)) => batch.insert(submission)?,
        (Some(waiting), None) if withdrawn => batch.remove(waiting),
        (_, None) => &mut batch,
    };
    batch.revokes = case.app.epoch > old.app.epoch || case.app.disabled;
    batch.replace(&access.app, &case.app)?;
    access.put_dossier(&mut batch, &case.dossier)?;
    access.hold(&mut batch);
    if !changes.is_empty() {
        let mut event = event(ctx, actor, edit.event, &old.app);
        event.changes = changes;
        event.note = edit.note;
        batch.insert(&event)?;
    }
    handed_in(ctx, actor, &case.app, submission.as_ref(), &mut batch)?;
    // One that took the place of another in the queue is no news.
    if let (None, Some(submission)) = (&waiting, &submission) {
        letters::announce(ctx, &mut batch, &case.dossier, submission).await?;
    }
    check_size(&batch)?;
    Ok((edit.dry_run || commit(ctx, batch).await?).then_some(case))
}

/// A new app: `draft` as it begins, `case` with the scopes it asks for, with which it may go into review or into use.
pub fn insert(ctx: &Context, actor: &Actor, draft: &Case, case: Case, batch: &mut Batch) -> Result<Case, Refusal> {
    let save = Save {
        rules: &ctx.profile().review,
        by: actor.id(),
        now: ctx.now(),
        waiting: false,
        hand_in: false,
    };
    let Saved { case, submission, .. } = if case.dossier.wanted.is_empty() {
        Saved {
            case,
            submission: None,
            withdrawn: false,
        }
    } else {
        review::save(draft, case, &save)
    };
    batch.insert(&case.app)?.insert(&case.dossier)?;
    if let Some(submission) = &submission {
        batch.insert(submission)?;
    }
    let mut event = event(ctx, actor, EventKind::AppCreated, &case.app);
    event.subject = Some(case.app.name.clone());
    batch.insert(&event)?;
    handed_in(ctx, actor, &case.app, submission.as_ref(), batch)?;
    check_size(batch)?;
    Ok(case)
}

/// The submission in the queue, if there is one.
pub async fn waiting(ctx: &Context, case: &Case) -> Result<Option<Versioned<Submission>>, StoreError> {
    let number = case.dossier.submissions;
    let last = load::<Submission>(&*ctx.store, &keys::submission(&case.app.client_id, number)).await?;
    Ok(last.filter(|submission| submission.decision.is_none()))
}

fn handed_in(
    ctx: &Context,
    actor: &Actor,
    app: &App,
    submission: Option<&Submission>,
    batch: &mut Batch,
) -> Result<(), StoreError> {
    if let Some(submission) = submission {
        let mut event = event(ctx, actor, EventKind::AppSubmitted, app);
        event.subject = Some(submission.number.to_string());
        batch.insert(&event)?;
    }
    Ok(())
}

/// Something that happened to the app, by whoever asks.
pub fn event(ctx: &Context, actor: &Actor, kind: EventKind, app: &App) -> Event {
    let mut event = Event::new(kind, ctx.now(), &*ctx.random);
    event.organization = Some(app.organization.clone());
    event.client_id = Some(app.client_id.clone());
    event.by = Some(actor.id().to_owned());
    event.token = actor.token_used();
    event
}

/// What one record cannot hold is refused with a sentence, not with a broken page.
fn check_size(batch: &Batch) -> Result<(), Refusal> {
    match batch.validate() {
        Err(StoreError::TooLarge(_)) => Err(Refusal::State("developer_too_large")),
        other => Ok(other?),
    }
}

/// What is another now, by the names of the JSON API.
pub fn changes(old: &Case, new: &Case) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut text = |what: &str, before: &str, after: &str| {
        if before != after {
            changes.push(Change {
                what: what.to_owned(),
                before: cut(before),
                after: cut(after),
            });
        }
    };
    let (of, to) = (&old.app.developer, &new.app.developer);
    let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
    text("name", &old.app.name, &new.app.name);
    text("company", &of.company, &to.company);
    text("website", &of.website, &to.website);
    text("logo", &maybe(&of.logo), &maybe(&to.logo));
    text("support", &maybe(&of.support), &maybe(&to.support));
    text("privacy_policy", &maybe(&of.privacy_policy), &maybe(&to.privacy_policy));
    text("terms", &maybe(&of.terms), &maybe(&to.terms));
    text("organization", &old.app.organization, &new.app.organization);
    let (user, to_user) = (&old.app.dedicated_user, &new.app.dedicated_user);
    text("dedicated_user", &maybe(user), &maybe(to_user));
    text("key", &maybe(&old.app.key), &maybe(&new.app.key));
    let disabled = |app: &App| if app.disabled { "disabled" } else { "enabled" };
    text("disabled", disabled(&old.app), disabled(&new.app));
    text("state", old.app.state.as_str(), new.app.state.as_str());
    let mut list = |what: &str, between: &str, before: &[String], after: &[String]| {
        let only = |these: &[String], others: &[String]| {
            let only: Vec<&str> = these
                .iter()
                .filter(|one| !others.contains(one))
                .map(String::as_str)
                .collect();
            only.join(between)
        };
        text(what, &only(before, after), &only(after, before));
    };
    list("redirect_uris", " ", &old.app.redirect_uris, &new.app.redirect_uris);
    list("scopes", " ", &old.dossier.wanted, &new.dossier.wanted);
    list(
        "stakeholders",
        " ",
        &old.dossier.stakeholders,
        &new.dossier.stakeholders,
    );
    list("team", " ", &old.dossier.team, &new.dossier.team);
    let reasons = |case: &Case| -> Vec<String> {
        let reasons = case.dossier.reasons.iter();
        reasons.map(|(scope, why)| format!("{scope}: {why}")).collect()
    };
    list("reasons", "; ", &reasons(old), &reasons(new));
    changes
}

/// `None` for nothing.
fn cut(text: &str) -> Option<String> {
    let mut end = text.len().min(CHANGE_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let whole = end == text.len();
    (!text.is_empty()).then(|| {
        if whole {
            text.to_owned()
        } else {
            format!("{}…", &text[..end])
        }
    })
}
