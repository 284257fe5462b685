//! An app goes to another organization.

use super::{people, saving};
use crate::context::Context;
use crate::model::app::{ClientRules, Kind};
use crate::model::event::{Change, EventKind};
use crate::model::review::Case;
use crate::platform::actor::Actor;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::platform::{ATTEMPTS_MAX, webhooks};
use crate::store::Batch;

/// By somebody who is owner or admin of both. The team stays behind, whoever transfers it is the new one; everything
/// granted to the app ends, since it was granted to the old owner. A private app acts as a member of the new one.
pub async fn transfer(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    organization: &str,
    dedicated_user: &str,
) -> Result<Case, Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        match once(ctx, actor, client_id, organization, dedicated_user).await {
            Err(Refusal::Conflict) => {}
            done => return done,
        }
    }
    Err(Refusal::Conflict)
}

async fn once(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    organization: &str,
    dedicated_user: &str,
) -> Result<Case, Refusal> {
    let access = actor.on_app(ctx, client_id, Right::TransferApp).await?;
    if access.app.organization == organization {
        return Err(Fault::new("organization", "developer_fault_same_organization").into());
    }
    let target = actor.in_organization(ctx, organization, Right::TransferApp).await;
    let target = target.map_err(|refusal| match refusal {
        Refusal::NotFound | Refusal::Forbidden => Fault::new("organization", "developer_fault_organization").into(),
        other => other,
    })?;
    let chosen = people::find(ctx, organization, dedicated_user).await?;
    let mut endpoints = Batch::new();
    webhooks::put_transfer(ctx, client_id, &mut endpoints).await?;
    saving::edit_by(ctx, actor, client_id, Right::TransferApp, |edit| {
        // Whoever adds an endpoint writes the app anew: these are all there are only while it is the same.
        if edit.access.app.version != access.app.version {
            return Err(Refusal::Conflict);
        }
        let (app, dossier) = (&mut edit.case.app, &mut edit.case.dossier);
        let mut faults = Vec::new();
        if app.kind == Kind::Private {
            app.dedicated_user = chosen.dedicated(target.role(), &mut edit.batch, &mut faults);
            if app.dedicated_user.is_none() && faults.is_empty() {
                faults.push(Fault::new("dedicated_user", "developer_fault_required"));
            }
        }
        if !faults.is_empty() {
            return Err(Refusal::Invalid(faults));
        }
        app.organization = organization.to_owned();
        // It belongs to a file of the old owner's.
        app.key = None;
        app.epoch += 1;
        if app.kind == Kind::Private {
            // It acts for the new owner now: whoever knew its secrets or has its keys must not.
            app.secrets.clear();
            let mut rules = app.rules().into_owned();
            rules.jwks.clear();
            rules.auth_methods = ClientRules::of(app.kind, app.client_type).auth_methods;
            app.rules = Some(rules);
        }
        dossier.team = vec![actor.id().to_owned()];
        edit.event = EventKind::AppTransferred;
        target.hold(&mut edit.batch);
        // Where its messages went, the old owner knew best.
        edit.batch.checks.extend(endpoints.checks.iter().cloned());
        edit.batch.writes.extend(endpoints.writes.iter().cloned());
        // The new owner's log tells of it too; the app's own history has the event of the old one.
        let mut arrival = saving::event(ctx, actor, EventKind::AppTransferred, app);
        arrival.subject = Some(app.name.clone());
        arrival.changes = vec![Change {
            what: "app".to_owned(),
            before: None,
            after: arrival.client_id.take(),
        }];
        edit.batch.insert(&arrival)?;
        Ok(())
    })
    .await
}
