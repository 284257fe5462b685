//! What a token rests on, as it stands now: judged when it is made and again whenever it is used.

use super::native;
use crate::context::Context;
use crate::model::app::{App, Kind};
use crate::model::epoch::Epochs;
use crate::model::member::Member;
use crate::model::organization::Organization;
use crate::model::role::Role;
use crate::model::user::User;
use crate::store::records::Versioned;
use crate::store::{StoreError, keys};
use std::sync::Arc;

/// Everything stands: the counters to stamp or to compare, and in which role the user acts.
pub struct Standing {
    pub epochs: Epochs,
    pub organization: Arc<Versioned<Organization>>,
    pub user: Arc<Versioned<User>>,
    pub member: Arc<Versioned<Member>>,
    pub role: Role,
}

/// `Err(why)` inside says what does not stand, for the log.
pub type Judged<T> = Result<Result<T, &'static str>, StoreError>;

/// `user` acting for `app` in `organization`.
pub async fn acting(ctx: &Context, app: &App, organization: &str, user: &str) -> Judged<Standing> {
    if !app.usable() {
        return Ok(Err("the app is not active"));
    }
    if app.kind == Kind::Native && native::template(ctx, app).is_none() {
        return Ok(Err("the profile has no such platform any more"));
    }
    let mut stands = match in_person(ctx, organization, user).await? {
        Ok(stands) => stands,
        Err(why) => return Ok(Err(why)),
    };
    stands.epochs.app = app.epoch;
    Ok(Ok(stands))
}

/// Whether whoever answers for the app does: its organization, or for an installation the profile.
pub async fn is_answered_for(ctx: &Context, app: &App) -> Result<bool, StoreError> {
    if app.kind == Kind::Native {
        return Ok(native::template(ctx, app).is_some());
    }
    let organization = ctx.load::<Organization>(&keys::organization(&app.organization)).await?;
    Ok(organization.is_some_and(|organization| !organization.disabled))
}

/// `user` acting in `organization` for themselves.
pub async fn in_person(ctx: &Context, organization: &str, user: &str) -> Judged<Standing> {
    let organization = match ctx.load::<Organization>(&keys::organization(organization)).await? {
        Some(organization) if !organization.disabled => organization,
        _ => return Ok(Err("the organization is disabled or unknown")),
    };
    let member = match ctx.load::<Member>(&keys::member(&organization.id, user)).await? {
        Some(member) if !member.removed => member,
        _ => return Ok(Err("the user is no member of the organization")),
    };
    let user = match ctx.load::<User>(&keys::user(user)).await? {
        Some(user) if !user.disabled => user,
        _ => return Ok(Err("the user is disabled or unknown")),
    };
    let epochs = Epochs {
        global: ctx.settings().await?.epoch,
        organization: organization.epoch,
        user: user.epoch,
        member: member.epoch,
        app: 0,
        grant: 0,
        family: 0,
    };
    Ok(Ok(Standing {
        epochs,
        role: member.role,
        organization,
        user,
        member,
    }))
}
