//! What an organization granted, to whom, and who may grant it.

use super::call::Call;
use super::{Answered, Reply};
use crate::model::installation::Installation;
use crate::model::organization::AppsAllowed;
use crate::platform::connected_apps::{self, ConnectedApp, Granted};
use crate::platform::policy::{self, PolicyChange};
use serde_json::{Value, json};

/// `GET /organizations/{organization}/connected-apps`.
pub async fn all(call: &Call<'_>, organization: &str) -> Answered {
    let found = connected_apps::list(call.ctx, call.actor(), organization, call.after(), call.limit).await?;
    Ok(Reply::ok(call.page(found.apps.iter().map(view).collect(), found.next)))
}

/// `GET /organizations/{organization}/connected-apps/{client_id}`.
pub async fn one(call: &Call<'_>, organization: &str, client_id: &str) -> Answered {
    let found = connected_apps::summary_of(call.ctx, call.actor(), organization, client_id).await?;
    Ok(Reply::ok(view(&found)))
}

fn view(of: &ConnectedApp) -> Value {
    let company = Some(&of.app.developer.company).filter(|company| !company.is_empty());
    json!({
        "client_id": of.app.client_id,
        "name": of.app.name,
        "company": company,
        "installation": of.app.installation.as_ref().map(installation),
        "scopes": of.scopes(),
        "grants": of.grants.len(),
        "more": of.more,
        "since": of.since().map(|at| at.to_string()),
        "used_at": of.used_at().map(|at| at.to_string()),
    })
}

fn installation(of: &Installation) -> Value {
    let fact = |name: &String, value: &String| json!({ "name": name, "value": value });
    json!({
        "platform": of.platform,
        "site_url": of.site_url,
        "facts": of.facts.iter().map(|(name, value)| fact(name, value)).collect::<Vec<_>>(),
        "registered_at": of.registered_at.to_string(),
    })
}

/// `GET /organizations/{organization}/connected-apps/{client_id}/grants`.
pub async fn grants(call: &Call<'_>, organization: &str, client_id: &str) -> Answered {
    let (ctx, actor) = (call.ctx, call.actor());
    let found = connected_apps::of_app(ctx, actor, organization, client_id, call.after(), call.limit).await?;
    Ok(Reply::ok(
        call.page(found.grants.iter().map(grant).collect(), found.next),
    ))
}

fn grant(of: &Granted) -> Value {
    let Granted {
        grant,
        name,
        email,
        needs_approver,
        used_at,
    } = of;
    json!({
        "id": grant.id,
        "user": grant.user,
        "name": name,
        "email": email,
        "scopes": grant.scopes,
        "resources": grant.resources,
        "status": grant.status,
        "needs_approver": needs_approver,
        "created_at": grant.created_at.to_string(),
        "approved_at": grant.approved_at.to_string(),
        "used_at": used_at.map(|at| at.to_string()),
    })
}

/// `DELETE /organizations/{organization}/connected-apps/{client_id}/grants`: all of them.
pub async fn revoke_all(call: &Call<'_>, organization: &str, client_id: &str) -> Answered {
    let ended = connected_apps::revoke_all(call.ctx, call.actor(), organization, client_id).await?;
    Ok(Reply::ok(json!({ "ended": ended.number, "more": ended.more })))
}

/// `DELETE /organizations/{organization}/connected-apps/{client_id}/grants/{grant}`.
pub async fn revoke(call: &Call<'_>, organization: &str, client_id: &str, id: &str) -> Answered {
    connected_apps::revoke(call.ctx, call.actor(), organization, client_id, id).await?;
    Ok(Reply::nothing())
}

/// `GET /organizations/{organization}/policy`.
pub async fn policy(call: &Call<'_>, organization: &str) -> Answered {
    let policy = policy::show(call.ctx, call.actor(), organization).await?;
    let (apps, allowed) = match &policy.apps {
        AppsAllowed::Any => ("any", Vec::new()),
        AppsAllowed::Only(only) => ("listed", only.clone()),
    };
    Ok(Reply::ok(json!({
        "least_role": policy.least_role,
        "apps": apps,
        "allowed": allowed,
        "denied": policy.denied,
    })))
}

/// `PATCH /organizations/{organization}/policy`.
pub async fn change_policy(call: &Call<'_>, organization: &str) -> Answered {
    let change: PolicyChange = call.body()?;
    policy::change(call.ctx, call.actor(), organization, &change).await?;
    policy(call, organization).await
}
