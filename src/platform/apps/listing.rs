//! The apps somebody sees.

use super::history::Listed;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::Dossier;
use crate::platform::actor::Actor;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::store::keys;
use crate::store::records::{list_by_index, load};

/// Apps in which one has a stake.
const STAKES_MAX: u32 = 100;

/// The organization's apps, at most `limit`; `after` is the `next` of the part before. `Forbidden` for members who see
/// none.
pub async fn of_organization(
    ctx: &Context,
    actor: &Actor,
    organization: &str,
    after: Option<&str>,
    limit: u32,
) -> Result<Listed<App>, Refusal> {
    actor.in_organization(ctx, organization, Right::SeeApp).await?;
    let prefix = keys::apps_of_organization(organization);
    let after = after.and_then(|after| keys::after_in(&prefix, after));
    let (apps, next) = list_by_index::<App>(&*ctx.store, &prefix, after.as_ref(), limit).await?;
    Ok(Listed {
        rows: apps.into_iter().map(|app| app.value).collect(),
        next: next.map(|next| keys::cursor_in(&prefix, &next)),
    })
}

/// Apps of whatever organization that name this person as one with an interest in them, by name.
pub async fn of_stakeholder(ctx: &Context, actor: &Actor) -> Result<Vec<App>, Refusal> {
    let prefix = keys::dossiers_of_stakeholder(&actor.user.email);
    let mut apps = Vec::new();
    let (dossiers, _) = list_by_index::<Dossier>(&*ctx.store, &prefix, None, STAKES_MAX).await?;
    for dossier in dossiers {
        let app = load::<App>(&*ctx.store, &keys::app(&dossier.client_id)).await?;
        apps.extend(app.map(|app| app.value));
    }
    apps.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(apps)
}
