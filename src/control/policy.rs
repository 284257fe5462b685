//! An organization's consent policy: shown, and changed.

use super::{apps, organizations, replace};
use crate::context::Context;
use crate::model::organization::{AppsAllowed, ConsentPolicy, LISTED_MAX, Organization};
use crate::model::role::Role;
use crate::oauth::access_token::TypedId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What becomes different; nothing: the policy is shown as it is.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyChange {
    pub least_role: Option<Role>,
    /// Every app but the denied ones.
    pub allow_any: bool,
    /// Apps by client_id. The first turns "any app" into a list.
    pub allow: Vec<String>,
    pub unallow: Vec<String>,
    pub deny: Vec<String>,
    pub undeny: Vec<String>,
}

pub async fn policy(ctx: &Context, organization: &str, change: PolicyChange) -> Result<Value, String> {
    let old = organizations::find(ctx, organization).await?;
    for client_id in change.allow.iter().chain(&change.deny) {
        apps::find(ctx, client_id).await?;
    }
    let policy = changed(&old.policy, &change)?;
    if policy != old.policy {
        let new = Organization {
            policy: policy.clone(),
            ..old.value.clone()
        };
        replace(ctx, &old, &new).await?;
    }
    Ok(view(ctx, &old.id, &policy))
}

fn changed(old: &ConsentPolicy, change: &PolicyChange) -> Result<ConsentPolicy, String> {
    let mut policy = old.clone();
    if let Some(role) = change.least_role {
        policy.least_role = role;
    }
    if change.allow_any {
        if !change.allow.is_empty() || !change.unallow.is_empty() {
            return Err("--allow-any allows every app: say either it or single apps".into());
        }
        policy.apps = AppsAllowed::Any;
    }
    if !change.allow.is_empty() || !change.unallow.is_empty() {
        let mut only = match policy.apps {
            AppsAllowed::Only(only) => only,
            AppsAllowed::Any => Vec::new(),
        };
        add(&mut only, &change.allow, "allows")?;
        take(&mut only, &change.unallow, "allowed")?;
        policy.apps = AppsAllowed::Only(only);
    }
    add(&mut policy.denied, &change.deny, "denies")?;
    take(&mut policy.denied, &change.undeny, "denied")?;
    Ok(policy)
}

fn add(list: &mut Vec<String>, more: &[String], verb: &str) -> Result<(), String> {
    for client_id in more {
        if !list.contains(client_id) {
            list.push(client_id.clone());
        }
    }
    if list.len() > LISTED_MAX {
        return Err(format!("a policy {verb} at most {LISTED_MAX} apps one by one"));
    }
    Ok(())
}

fn take(list: &mut Vec<String>, away: &[String], listed: &str) -> Result<(), String> {
    for client_id in away {
        let Some(place) = list.iter().position(|one| one == client_id) else {
            return Err(format!(
                "{client_id} is not among the apps that are {listed} one by one"
            ));
        };
        list.remove(place);
    }
    Ok(())
}

fn view(ctx: &Context, organization: &str, policy: &ConsentPolicy) -> Value {
    let (apps, allowed) = match &policy.apps {
        AppsAllowed::Any => ("any", &[][..]),
        AppsAllowed::Only(only) => ("allowed", &only[..]),
    };
    json!({
        "organization": TypedId::new(ctx, organization),
        "consent": policy.least_role,
        "apps": apps,
        "allowed": allowed,
        "denied": policy.denied,
    })
}
