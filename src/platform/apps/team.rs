//! Who works on an app, besides the owners and admins of its organization.

use super::people::{self, Named};
use super::saving;
use crate::context::Context;
use crate::model::dossier::TEAM_MAX;
use crate::model::review::Case;
use crate::model::role::Role;
use crate::platform::actor::Actor;
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;

/// A developer of the organization may change the app from now on. Once more changes nothing.
pub async fn add(ctx: &Context, actor: &Actor, client_id: &str, user: &str) -> Result<Case, Refusal> {
    let access = actor.on_app(ctx, client_id, Right::ChangeApp).await?;
    let named = people::find(ctx, &access.app.organization, user).await?;
    let Named::Member(person) = named else {
        return Err(Fault::new("user", "developer_fault_no_member").into());
    };
    if person.member.role > Role::Developer {
        return Err(Fault::new("user", "developer_fault_no_developer").into());
    }
    saving::edit(ctx, actor, client_id, |edit| {
        let team = &mut edit.case.dossier.team;
        if team.iter().any(|id| *id == person.user.id) {
            return Ok(());
        }
        if team.len() >= TEAM_MAX {
            return Err(Fault::new("user", "developer_fault_team")
                .with("count", TEAM_MAX)
                .into());
        }
        team.push(person.user.id.clone());
        edit.batch.require(&*person.member);
        Ok(())
    })
    .await
}

/// Nobody who is not in the team is taken out of it.
pub async fn remove(ctx: &Context, actor: &Actor, client_id: &str, user: &str) -> Result<Case, Refusal> {
    saving::edit(ctx, actor, client_id, |edit| {
        let team = &mut edit.case.dossier.team;
        let before = team.len();
        team.retain(|id| id != user);
        if team.len() == before {
            return Err(Refusal::NotFound);
        }
        Ok(())
    })
    .await
}
