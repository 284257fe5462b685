//! An organization's consent policy: shown, and changed.

use super::{apps, commit, organizations};
use crate::context::Context;
use crate::model::event::EventKind;
use crate::model::organization::{AppsAllowed, ConsentPolicy, LISTED_MAX};
use crate::oauth::access_token::TypedId;
use crate::platform::event_of_command_line;
use crate::platform::policy::{Unfit, changed, put};
use crate::store::Batch;
use serde_json::{Value, json};

pub use crate::platform::policy::PolicyChange;

pub async fn policy(ctx: &Context, organization: &str, change: PolicyChange) -> Result<Value, String> {
    let old = organizations::find(ctx, organization).await?;
    for client_id in change.allow.iter().chain(&change.deny) {
        apps::find(ctx, client_id).await?;
    }
    let policy = changed(&old.policy, &change).map_err(sentence)?;
    if policy != old.policy {
        let mut batch = Batch::new();
        let event = event_of_command_line(ctx, EventKind::OrganizationChanged, &old.id);
        put(&mut batch, &old, policy.clone(), event)?;
        commit(ctx, batch).await?;
    }
    Ok(view(ctx, &old.id, &policy))
}

fn sentence(unfit: Unfit) -> String {
    match unfit {
        Unfit::AnyAndSingle => "--allow-any allows every app: say either it or single apps".to_owned(),
        Unfit::TooMany { allowed } => {
            let verb = if allowed { "allows" } else { "denies" };
            format!("a policy {verb} at most {LISTED_MAX} apps one by one")
        }
        Unfit::NotListed { allowed, client_id } => {
            let listed = if allowed { "allowed" } else { "denied" };
            format!("{client_id} is not among the apps that are {listed} one by one")
        }
    }
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
