//! An app as a file says it.

use super::app_life::changes;
use super::call::Call;
use super::problem::Problem;
use super::{Answered, Reply};
use crate::platform::developer_api::kinds::NOT_FOUND;
use crate::platform::manifest::{self, Name, read};
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use serde_json::{Map, Value, json};

/// `PUT /organizations/{organization}/apps/{app}`, with `dry_run` only what would become different.
pub async fn apply(call: &Call<'_>, organization: &str, name: &str) -> Answered {
    let dry_run = call.filter_as("dry_run", |text| text.parse().ok())?.unwrap_or(false);
    // Strict in all that JSON leaves open; what stands in it is judged by whoever knows the file.
    call.body::<Map<String, Value>>()?;
    let (ctx, actor) = (call.ctx, call.actor());
    actor.in_organization(ctx, organization, Right::CreateApp).await?;
    let name = Name::of(name).ok_or(Problem::new(NOT_FOUND))?;
    let text = String::from_utf8_lossy(&call.request.body);
    let manifest = read::json(&text).map_err(unreadable)?;
    let applied = manifest::apply(ctx, actor, organization, &name, &manifest, dry_run).await?;
    let (app, differences) = (&applied.after.app, applied.differences());
    let missing = ctx.profile().review.missing(&applied.after);
    // Of an app that was not made there is no client_id either.
    let client_id = Some(&app.client_id).filter(|_| !(dry_run && applied.created()));
    Ok(Reply::ok(json!({
        "client_id": client_id,
        "key": app.key,
        "created": applied.created(),
        "changed": !differences.is_empty(),
        "dry_run": dry_run,
        "state": app.state,
        "differences": changes(&differences),
        "missing": missing.iter().map(|detail| detail.as_str()).collect::<Vec<_>>(),
    })))
}

fn unreadable(sentences: Vec<String>) -> Problem {
    let fault = |sentence| Fault::new("manifest", "api_manifest_text").with("sentence", sentence);
    Refusal::Invalid(sentences.into_iter().map(fault).collect()).into()
}
