//! Organizations and who belongs to them.

use super::{LIST_MAX, check_name, commit, users};
use crate::config::IdType;
use crate::context::Context;
use crate::model::event::{Change, Event, EventKind};
use crate::model::member::Member;
use crate::model::organization::{NAME_CHARS_MAX, Organization};
use crate::model::role::Role;
use crate::model::user::User;
use crate::oauth::access_token::TypedId;
use crate::platform::{event_of_command_line, founding, members};
use crate::store::records::{Versioned, list as list_records, load};
use crate::store::{Batch, keys};
use serde_json::{Value, json};

const ID_CHARS_MAX: usize = 40;

pub async fn create(ctx: &Context, name: &str, id: Option<String>) -> Result<Value, String> {
    let name = check_name(&ctx.profile().noun.singular, name, NAME_CHARS_MAX)?;
    let mut batch = Batch::new();
    let organization = match id {
        None => founding::found(ctx, &mut batch, name).await?,
        Some(id) => {
            let organization = founding::named(ctx, check_id(id, ctx.profile().ids)?, name);
            if ctx.store.get(&keys::organization(&organization.id)).await?.is_some() {
                return Err(format!("the id {} is taken", organization.id));
            }
            batch.insert(&organization)?;
            organization
        }
    };
    batch.insert(&event_of_command_line(
        ctx,
        EventKind::OrganizationCreated,
        &organization.id,
    ))?;
    commit(ctx, batch).await?;
    Ok(view(ctx, &organization))
}

fn check_id(id: String, ids: IdType) -> Result<String, String> {
    let fits = match ids {
        // Canonical decimal, exactly representable in JavaScript.
        IdType::Integer => id
            .parse::<u64>()
            .is_ok_and(|n| n > 0 && n < (1 << 53) && n.to_string() == id),
        IdType::Text => {
            (1..=ID_CHARS_MAX).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        }
    };
    if fits {
        return Ok(id);
    }
    Err(match ids {
        IdType::Integer => format!("`{id}` is not an id: this profile uses whole numbers from 1"),
        IdType::Text => format!("`{id}` is not an id: use 1 to {ID_CHARS_MAX} letters, digits, `_` and `-`"),
    })
}

pub async fn list(ctx: &Context) -> Result<Value, String> {
    let found = list_records::<Organization>(&*ctx.store, &keys::organizations(), None, LIST_MAX).await;
    let (organizations, _) = found?;
    Ok(organizations.iter().map(|o| view(ctx, o)).collect())
}

/// A flag: enabling brings unexpired tokens back.
pub async fn disable(ctx: &Context, organization: &str, disabled: bool) -> Result<Value, String> {
    let old = find(ctx, organization).await?;
    let new = Organization {
        disabled,
        ..old.value.clone()
    };
    let status = |organization: &Organization| if organization.disabled { "disabled" } else { "active" };
    let mut batch = Batch::new();
    batch.replace(&old, &new)?;
    batch.revokes = disabled;
    batch.insert(&Event {
        changes: vec![Change::new("status", Some(status(&old)), Some(status(&new)))],
        ..event_of_command_line(ctx, EventKind::OrganizationChanged, &new.id)
    })?;
    commit(ctx, batch).await?;
    Ok(view(ctx, &new))
}

pub async fn members(ctx: &Context, organization: &str) -> Result<Value, String> {
    let organization = find(ctx, organization).await?;
    let found = list_records::<Member>(&*ctx.store, &keys::members(&organization.id), None, LIST_MAX).await;
    let (members, _) = found?;
    let mut rows = Vec::new();
    for member in members.iter().filter(|m| !m.removed) {
        let user = users::find(ctx, &member.user).await?;
        rows.push(member_view(ctx, member, &user));
    }
    Ok(Value::Array(rows))
}

/// Adds the user, or changes the role. A smaller role shrinks live tokens at their next use.
pub async fn set_member(ctx: &Context, organization: &str, user: &str, role: Role) -> Result<Value, String> {
    let organization = find(ctx, organization).await?;
    let user = users::find(ctx, user).await?;
    let mut batch = Batch::new();
    let old = load::<Member>(&*ctx.store, &keys::member(&organization.id, &user.id)).await?;
    let event = |kind| event_of_command_line(ctx, kind, &organization.id);
    let member = match &old {
        Some(old) => {
            let kind = if old.removed {
                EventKind::MemberAdded
            } else {
                EventKind::MemberChanged
            };
            members::put_role(&mut batch, old, role, event(kind))?;
            old.with_role(role)
        }
        None => {
            let new = Member::new(&organization.id, &user.id, role, ctx.now());
            batch.insert(&new)?.insert(&Event {
                user: Some(user.id.clone()),
                changes: vec![Change::new("role", None::<Role>, Some(role))],
                ..event(EventKind::MemberAdded)
            })?;
            new
        }
    };
    commit(ctx, batch).await?;
    Ok(member_view(ctx, &member, &user))
}

pub async fn remove_member(ctx: &Context, organization: &str, user: &str) -> Result<Value, String> {
    let organization = find(ctx, organization).await?;
    let user = users::find(ctx, user).await?;
    let old = load::<Member>(&*ctx.store, &keys::member(&organization.id, &user.id)).await?;
    let Some(old) = old.filter(|m| !m.removed) else {
        return Err(format!("{} is no member of {}", user.email, organization.id));
    };
    let mut batch = Batch::new();
    let event = event_of_command_line(ctx, EventKind::MemberRemoved, &organization.id);
    members::put_removal(&mut batch, &old, event)?;
    commit(ctx, batch).await?;
    Ok(json!({ "removed": true, "user": user.id, "email": user.email }))
}

pub async fn find(ctx: &Context, id: &str) -> Result<Versioned<Organization>, String> {
    let found = load::<Organization>(&*ctx.store, &keys::organization(id)).await?;
    found.ok_or_else(|| {
        format!(
            "there is no {} {id}: `grantd org list` shows them",
            ctx.profile().noun.singular
        )
    })
}

fn view(ctx: &Context, organization: &Organization) -> Value {
    json!({
        "id": TypedId::new(ctx, &organization.id),
        "name": organization.name,
        "status": if organization.disabled { "disabled" } else { "active" },
        "created_at": organization.created_at.to_string(),
    })
}

fn member_view(ctx: &Context, member: &Member, user: &User) -> Value {
    json!({
        "organization": TypedId::new(ctx, &member.organization),
        "user": user.id,
        "email": user.email,
        "role": member.role,
    })
}
