//! What reviewers see: what waits, and what of it is new. What they decide is in [`decisions`].

pub mod decisions;
pub(super) mod letters;

use super::actor::Actor;
use super::refusal::Refusal;
use super::rights::Right;
use crate::base::time::Timestamp;
use crate::config::ScopeCatalog;
use crate::context::Context;
use crate::model::app::{App, Developer, Kind as AppKind};
use crate::model::dossier::{Decision, Dossier, Submission, Verdict};
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::scope::Risk;
use crate::model::user::User;
use crate::store::records::{Versioned, list, list_by_index, load};
use crate::store::{Key, StoreError, keys};
use std::sync::Arc;

/// Rows of one page of a list.
pub const PAGE: u32 = 25;
/// What waits is counted up to here.
pub const COUNTED_MAX: u32 = 1000;
/// Earlier submissions shown with one.
const EARLIER_MAX: u64 = 5;
/// Apps read at once for a page of all of them, and how often.
const READ_MAX: u32 = 100;
const READS_MAX: usize = 50;

/// What a submission is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    First,
    /// Of an app that was approved before.
    Scopes,
    /// After a reviewer said no, or asked for something.
    Resubmission,
}

/// One row of the queue.
pub struct Waiting {
    pub client_id: String,
    pub name: String,
    pub organization: String,
    pub kind: Kind,
    /// The highest of the scopes it does not have yet.
    pub risk: Option<Risk>,
    pub since: Timestamp,
    /// Of an organization the reviewer belongs to: somebody else decides.
    pub own: bool,
}

/// An app as a reviewer sees it.
pub struct Case {
    pub app: Versioned<App>,
    pub(super) dossier: Option<Versioned<Dossier>>,
    /// The last one, decided or not.
    pub submission: Option<Versioned<Submission>>,
    /// Those before it, the newest first.
    pub earlier: Vec<Submission>,
    pub organization: String,
    /// Who handed it in; `None` where nobody did.
    pub by: Option<Arc<Versioned<User>>>,
    /// Of an organization the reviewer belongs to.
    pub own: bool,
    /// Why it is not: their record there, of who was removed.
    left: Option<Versioned<Member>>,
}

/// How the scopes of a submission differ from the approved ones, each in the order of the submission.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ScopeDiff {
    pub added: Vec<String>,
    pub kept: Vec<String>,
    pub removed: Vec<String>,
}

/// One detail that is another one than in the submission before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// As the JSON API spells it.
    pub what: &'static str,
    pub before: String,
    pub after: String,
}

/// How many submissions wait, at most [`COUNTED_MAX`].
pub async fn waiting(ctx: &Context, actor: &Actor) -> Result<usize, Refusal> {
    actor.on_duty(Right::Review)?;
    let prefix = keys::waiting_submissions();
    Ok(ctx.store.scan(&prefix, None, COUNTED_MAX).await?.len())
}

/// A page of what waits, longest first, and where the next page begins.
pub async fn queue(
    ctx: &Context,
    actor: &Actor,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<Waiting>, Option<String>), Refusal> {
    actor.on_duty(Right::Review)?;
    let after = after.and_then(cursor);
    let index = keys::waiting_submissions();
    let (submissions, more) = list_by_index::<Submission>(&*ctx.store, &index, after.as_ref(), limit).await?;
    let last = submissions.last().filter(|_| more.is_some());
    let next = last.map(|submission| format!("{}.{}", submission.at.millis(), submission.client_id));
    let mut found = Vec::with_capacity(submissions.len());
    // Some may have been decided between the two reads.
    for submission in submissions
        .into_iter()
        .filter(|submission| submission.decision.is_none())
    {
        found.push(row(ctx, actor, submission.value).await?);
    }
    Ok((found, next))
}

/// `<milliseconds>.<client_id>`: the last row of a page.
fn cursor(text: &str) -> Option<Key> {
    let (at, client_id) = text.split_once('.')?;
    let at = Timestamp::from_millis(at.parse().ok()?);
    Some(keys::waiting_submission(at, client_id))
}

async fn row(ctx: &Context, actor: &Actor, submission: Submission) -> Result<Waiting, StoreError> {
    let dossier = ctx.load::<Dossier>(&keys::dossier(&submission.client_id)).await?;
    let approved = dossier.as_ref().and_then(|dossier| dossier.approved.clone());
    let verdict = dossier.as_ref().and_then(|dossier| dossier.verdict.as_ref());
    let diff = ScopeDiff::of(approved.as_deref().unwrap_or_default(), &submission.scopes);
    let member = ctx
        .load::<Member>(&keys::member(&submission.organization, actor.id()))
        .await?;
    Ok(Waiting {
        kind: Kind::of(approved.is_some(), verdict),
        risk: diff.risk(&ctx.profile().scopes),
        organization: organization_name(ctx, &submission.organization).await?,
        since: submission.at,
        own: member.is_some_and(|member| !member.removed)
            || works_on(actor, dossier.as_ref().map(|dossier| &dossier.value), [&submission]),
        client_id: submission.client_id,
        name: submission.name,
    })
}

/// An app with everything a reviewer judges it by.
pub async fn look(ctx: &Context, actor: &Actor, client_id: &str) -> Result<Case, Refusal> {
    actor.on_duty(Right::Review)?;
    let app = load::<App>(&*ctx.store, &keys::app(client_id)).await?;
    // An installation is reviewed by nobody: its platform is the operator's own.
    let app = app.filter(|app| app.kind != AppKind::Native).ok_or(Refusal::NotFound)?;
    let dossier = load::<Dossier>(&*ctx.store, &keys::dossier(client_id)).await?;
    let number = dossier.as_ref().map_or(0, |dossier| dossier.submissions);
    let submission = load_submission(ctx, client_id, number).await?;
    let mut earlier = Vec::new();
    for number in (number.saturating_sub(EARLIER_MAX)..number).rev() {
        earlier.extend(load_submission(ctx, client_id, number).await?.map(|found| found.value));
    }
    let by = match &submission {
        Some(submission) => ctx.load::<User>(&keys::user(&submission.by)).await?,
        None => None,
    };
    let member = load::<Member>(&*ctx.store, &keys::member(&app.organization, actor.id())).await?;
    let submitted = submission.iter().map(|submission| &submission.value);
    let mine = works_on(
        actor,
        dossier.as_ref().map(|dossier| &dossier.value),
        submitted.chain(&earlier),
    );
    Ok(Case {
        organization: organization_name(ctx, &app.organization).await?,
        own: mine || member.as_ref().is_some_and(|member| !member.removed),
        left: member.filter(|member| member.removed),
        app,
        dossier,
        submission,
        earlier,
        by,
    })
}

/// Whether whoever would decide works on the app, or did when it was handed in: leaving its organization, or handing it
/// to another one, makes nobody impartial.
fn works_on<'s>(
    actor: &Actor,
    dossier: Option<&Dossier>,
    submissions: impl IntoIterator<Item = &'s Submission>,
) -> bool {
    let email = actor.user.email.to_lowercase();
    let listed = dossier.is_some_and(|d| d.team.iter().any(|id| id == actor.id()) || d.stakeholders.contains(&email));
    listed || submissions.into_iter().any(|submission| submission.by == actor.id())
}

/// A page of all apps by client_id, and where the next page begins. Installations have a list of their own.
pub async fn apps(
    ctx: &Context,
    actor: &Actor,
    after: Option<&str>,
    limit: u32,
) -> Result<(Vec<(App, String)>, Option<String>), Refusal> {
    actor.on_duty(Right::Review)?;
    let mut after = after.and_then(|after| super::cursor(Some(after))).map(keys::app);
    let mut found = Vec::with_capacity(limit as usize);
    let mut last = None;
    for _ in 0..READS_MAX {
        let (apps, next) = list::<App>(&*ctx.store, &keys::apps(), after.as_ref(), READ_MAX).await?;
        for app in apps {
            if found.len() == limit as usize {
                return Ok((found, last));
            }
            last = Some(app.client_id.clone());
            if app.kind != AppKind::Native {
                let organization = organization_name(ctx, &app.organization).await?;
                found.push((app.value, organization));
            }
        }
        after = next;
        if after.is_none() {
            return Ok((found, None));
        }
    }
    Ok((found, last))
}

async fn load_submission(
    ctx: &Context,
    client_id: &str,
    number: u64,
) -> Result<Option<Versioned<Submission>>, StoreError> {
    load(&*ctx.store, &keys::submission(client_id, number)).await
}

async fn organization_name(ctx: &Context, id: &str) -> Result<String, StoreError> {
    let organization = ctx.load::<Organization>(&keys::organization(id)).await?;
    Ok(organization.map_or_else(|| id.to_owned(), |organization| organization.name.clone()))
}

impl Kind {
    /// `last` is what was decided before the submission: one that was replaced while it waited left no record.
    fn of(approved: bool, last: Option<&Decision>) -> Self {
        match last.map(|decision| decision.verdict) {
            Some(Verdict::Rejected | Verdict::ChangesRequested) => Self::Resubmission,
            _ if approved => Self::Scopes,
            _ => Self::First,
        }
    }
}

impl Case {
    /// What a decision is about; `None` where nothing waits.
    pub fn waiting(&self) -> Option<&Versioned<Submission>> {
        self.submission.as_ref().filter(|found| found.decision.is_none())
    }

    pub fn kind(&self) -> Kind {
        let dossier = self.dossier();
        let before = self.earlier.iter().find_map(|submission| submission.decision.as_ref());
        let last = match self.waiting() {
            Some(_) => dossier.verdict.as_ref(),
            None => before,
        };
        Kind::of(dossier.approved.is_some(), last)
    }

    /// What the reviewer looked at: a decision with it holds for nothing else.
    pub fn seen(&self) -> String {
        let submission = self.submission.as_ref().map_or(0, |found| found.version.0);
        let dossier = self.dossier.as_ref().map_or(0, |found| found.version.0);
        format!("{}.{dossier}.{submission}", self.app.version.0)
    }

    /// The dossier; an empty one where the app was made without.
    pub fn dossier(&self) -> Dossier {
        match &self.dossier {
            Some(dossier) => dossier.value.clone(),
            None => Dossier::beside(&self.app),
        }
    }

    /// Against what was approved last.
    pub fn scopes(&self) -> ScopeDiff {
        let approved = self.dossier().approved.unwrap_or_default();
        let wanted = self.submission.as_ref().map_or(&self.app.scopes, |found| &found.scopes);
        ScopeDiff::of(&approved, wanted)
    }

    /// Against the submission before.
    pub fn differences(&self) -> Vec<Difference> {
        match (self.earlier.first(), &self.submission) {
            (Some(before), Some(after)) => differences(before, after),
            _ => Vec::new(),
        }
    }
}

impl ScopeDiff {
    pub fn of(approved: &[String], wanted: &[String]) -> Self {
        let among = |list: &[String], in_other: bool, other: &[String]| {
            let found = list.iter().filter(|name| other.contains(name) == in_other);
            found.cloned().collect()
        };
        Self {
            added: among(wanted, false, approved),
            kept: among(wanted, true, approved),
            removed: among(approved, false, wanted),
        }
    }

    /// The highest of what is added, with what comes with it; `None` where nothing is.
    pub fn risk(&self, catalog: &ScopeCatalog) -> Option<Risk> {
        let all = catalog.closure(self.added.iter().map(String::as_str));
        all.iter()
            .filter_map(|name| catalog.get(name))
            .map(|scope| scope.risk)
            .max()
    }
}

fn differences(before: &Submission, after: &Submission) -> Vec<Difference> {
    let details = |of: &Submission| {
        let reasons = of.reasons.iter().map(|(scope, reason)| format!("{scope}: {reason}"));
        let Developer {
            company,
            website,
            logo,
            support,
            privacy_policy,
            terms,
        } = of.developer.clone();
        [
            ("name", of.name.clone()),
            ("company", company),
            ("website", website),
            ("logo", logo.unwrap_or_default()),
            ("support", support.unwrap_or_default()),
            ("privacy_policy", privacy_policy.unwrap_or_default()),
            ("terms", terms.unwrap_or_default()),
            ("redirect_uris", of.redirect_uris.join("\n")),
            ("scopes", of.scopes.join("\n")),
            ("reasons", reasons.collect::<Vec<_>>().join("\n")),
        ]
    };
    let pairs = details(before).into_iter().zip(details(after));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((what, before), (_, after))| Difference { what, before, after })
        .collect()
}
