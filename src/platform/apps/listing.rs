//! The apps somebody sees.

use super::history::Listed;
use crate::base::order;
use crate::context::Context;
use crate::model::app::App;
use crate::model::dossier::Dossier;
use crate::model::review::Case;
use crate::platform::actor::Actor;
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::store::keys;
use crate::store::records::{Versioned, list_by_index, load};

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

/// Apps of whatever organization that name this person as one with an interest in them, by name; with a token only
/// those of its organization.
pub async fn of_stakeholder(ctx: &Context, actor: &Actor) -> Result<Vec<App>, Refusal> {
    let prefix = keys::dossiers_of_stakeholder(&actor.user.email);
    let mut apps = Vec::new();
    let (dossiers, _) = list_by_index::<Dossier>(&*ctx.store, &prefix, None, STAKES_MAX).await?;
    for dossier in dossiers {
        let app = load::<App>(&*ctx.store, &keys::app(&dossier.client_id)).await?;
        let seen = |app: &Versioned<App>| {
            let bounds = actor.token.as_ref();
            bounds.is_none_or(|token| token.record.organization == app.organization)
        };
        apps.extend(app.filter(seen).map(|app| app.value));
    }
    order::by(&mut apps, |a, b| a.name.cmp(&b.name));
    Ok(apps)
}

/// With what is known of it besides.
pub async fn case_of(ctx: &Context, app: App) -> Result<Case, Refusal> {
    let dossier = load::<Dossier>(&*ctx.store, &keys::dossier(&app.client_id)).await?;
    let dossier = dossier.map_or_else(|| Dossier::beside(&app), |dossier| dossier.value);
    Ok(Case { app, dossier })
}
