//! Letters to those who work on an app about what was decided, and to reviewers about what waits.

use super::{organization_name, works_on};
use crate::account;
use crate::account::attempts::{self, Allowance};
use crate::account::letters::{Form, compose, post};
use crate::config::Texts;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::{Decision, Dossier, Submission, Verdict};
use crate::model::mail::TRIED_FOR;
use crate::model::member::Member;
use crate::model::role::Role;
use crate::model::user::User;
use crate::platform::actor::Actor;
use crate::platform::people::on_duty;
use crate::platform::refusal::Refusal;
use crate::store::records::list;
use crate::store::{Batch, StoreError, keys};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Letters about one decision.
const TOLD_MAX: usize = 30;
/// Members looked at to find the owners.
const MEMBERS_MAX: u32 = 500;

const APPROVED: Form = Form::new("mail_review_approved_subject", "mail_review_approved_text");
const REJECTED: Form = Form::new("mail_review_rejected_subject", "mail_review_rejected_text");
const CHANGES: Form = Form::new("mail_review_changes_subject", "mail_review_changes_text");
const SUSPENDED: Form = Form::new("mail_review_suspended_subject", "mail_review_suspended_text");
const WAITS: Form = Form::new("mail_review_waits_subject", "mail_review_waits_text");
const REINSTATED: Form = Form::new("mail_review_reinstated_subject", "mail_review_reinstated_text");

/// Puts a letter for each of them into the batch.
pub async fn tell(
    ctx: &Context,
    texts: &Texts,
    batch: &mut Batch,
    app: &App,
    dossier: &Dossier,
    decision: &Decision,
) -> Result<(), StoreError> {
    if ctx.config.mail.is_none() {
        return Ok(());
    }
    let form = match decision.verdict {
        Verdict::Approved => APPROVED,
        Verdict::Rejected => REJECTED,
        Verdict::ChangesRequested => CHANGES,
        Verdict::Suspended => SUSPENDED,
        Verdict::Reinstated => REINSTATED,
    };
    let note = match decision.note.as_str() {
        "" => texts.fill("mail_review_no_note", &[]),
        note => note.to_owned(),
    };
    let link = format!("{}/developer/apps/{}", ctx.issuer(), app.client_id);
    let values = [("app", app.name.as_str()), ("note", note.as_str()), ("link", &link)];
    for to in concerned_by(ctx, app, &dossier.team).await? {
        let letter = compose(ctx, texts, &to, form, &values);
        post(ctx, batch, Some(&letter), decision.at + TRIED_FOR)?;
    }
    Ok(())
}

/// Letters about one submission: a batch has room for no more.
const REVIEWERS_MAX: usize = 25;
/// Submissions of one organization that reviewers get letters about; they all stand in the queue.
const SUBMISSIONS: Allowance = Allowance {
    what: "letters about submissions",
    max: 20,
    window: Duration::from_secs(24 * 60 * 60),
};

/// Puts a letter to each reviewer who may decide about it into the batch, in their own languages. Those who only review
/// come before those who administer.
pub async fn announce(
    ctx: &Context,
    batch: &mut Batch,
    dossier: &Dossier,
    submission: &Submission,
) -> Result<(), Refusal> {
    if ctx.config.mail.is_none() {
        return Ok(());
    }
    match attempts::count_with(ctx, batch, &SUBMISSIONS, &submission.organization).await {
        Ok(()) => {}
        Err(account::Refusal::Wait(_)) => return Ok(()),
        Err(refusal) => return Err(refusal.into()),
    }
    let link = format!("{}/admin/reviews/{}", ctx.issuer(), submission.client_id);
    let organization = organization_name(ctx, &submission.organization).await?;
    let values = [
        ("app", submission.name.as_str()),
        ("organization", &organization),
        ("link", &link),
    ];
    let mut told = 0;
    for reviewer in on_duty(ctx).await?.into_iter().rev().filter(|user| !user.disabled) {
        let key = keys::member(&submission.organization, &reviewer.id);
        let member = ctx.load::<Member>(&key).await?;
        let actor = Actor::of_user(Arc::new(reviewer));
        if member.is_some_and(|member| !member.removed) || works_on(&actor, Some(dossier), [submission]) {
            continue;
        }
        let texts = ctx.config.pages.texts(actor.user.language.as_deref());
        let letter = compose(ctx, texts, &actor.user.email, WAITS, &values);
        post(ctx, batch, Some(&letter), ctx.now() + TRIED_FOR)?;
        told += 1;
        if told == REVIEWERS_MAX {
            break;
        }
    }
    Ok(())
}

/// Those who work on an app, as it stands.
pub async fn concerned(ctx: &Context, app: &App) -> Result<Vec<String>, StoreError> {
    let dossier = ctx.load::<Dossier>(&keys::dossier(&app.client_id)).await?;
    let team = dossier
        .as_ref()
        .map(|dossier| dossier.team.as_slice())
        .unwrap_or_default();
    concerned_by(ctx, app, team).await
}

/// The team, the owners and the support's address: each address once.
async fn concerned_by(ctx: &Context, app: &App, team: &[String]) -> Result<Vec<String>, StoreError> {
    let mut users = Vec::new();
    for user in team {
        let member = ctx.load::<Member>(&keys::member(&app.organization, user)).await?;
        users.extend(
            member
                .filter(|member| !member.removed)
                .map(|member| member.user.clone()),
        );
    }
    let members = keys::members(&app.organization);
    let (members, _) = list::<Member>(&*ctx.store, &members, None, MEMBERS_MAX).await?;
    let owners = members.iter().filter(|m| !m.removed && m.role == Role::Owner);
    users.extend(owners.map(|member| member.user.clone()));
    let mut told: Vec<String> = Vec::new();
    for user in users {
        let user = ctx.load::<User>(&keys::user(&user)).await?;
        told.extend(user.filter(|user| !user.disabled).map(|user| user.email.clone()));
    }
    let support = app.developer.support.as_ref();
    told.extend(support.filter(|address| User::valid_email(address)).cloned());
    let mut seen = BTreeSet::new();
    told.retain(|email| seen.insert(email.to_lowercase()));
    told.truncate(TOLD_MAX);
    Ok(told)
}
