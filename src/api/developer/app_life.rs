//! What becomes of an app: handed in, looked after by a team, disabled; and what happened to it.

use super::apps::{submission, view};
use super::call::Call;
use super::problem::Problem;
use super::{Answered, Reply};
use crate::model::event::{Change, Event};
use crate::model::user::User;
use crate::platform::apps::{self, history, standing, team, withdrawal};
use crate::platform::logos;
use crate::platform::rights::Right;
use crate::store::keys;
use serde_json::{Value, json};

/// `PUT /apps/{client_id}/logo`.
pub async fn set_logo(call: &Call<'_>, client_id: &str) -> Answered {
    let picture = call.picture()?;
    // A picture is kept only for whoever may give it to the app.
    call.actor().on_app(call.ctx, client_id, Right::ChangeApp).await?;
    let digest = logos::keep(call.ctx, call.actor().id(), picture).await?;
    let case = apps::set_logo(call.ctx, call.actor(), client_id, &digest).await?;
    Ok(Reply::ok(view(call, &case)))
}

/// `GET /apps/{client_id}/submissions`.
pub async fn submissions(call: &Call<'_>, client_id: &str) -> Answered {
    let after = call.after().and_then(|after| after.parse().ok());
    let listed = history::submissions(call.ctx, call.actor(), client_id, after, call.limit).await?;
    let items = listed.rows.iter().map(|of| submission(call, of)).collect();
    Ok(Reply::ok(call.page(items, listed.next)))
}

/// `POST /apps/{client_id}/submissions`.
pub async fn submit(call: &Call<'_>, client_id: &str) -> Answered {
    no_body(call)?;
    let case = apps::submit(call.ctx, call.actor(), client_id).await?;
    Ok(Reply::ok(view(call, &case)))
}

/// `POST /apps/{client_id}/withdraw`.
pub async fn withdraw(call: &Call<'_>, client_id: &str) -> Answered {
    no_body(call)?;
    let case = withdrawal::withdraw(call.ctx, call.actor(), client_id).await?;
    Ok(Reply::ok(view(call, &case)))
}

/// `GET /apps/{client_id}/history`.
pub async fn events(call: &Call<'_>, client_id: &str) -> Answered {
    let listed = history::of_app(call.ctx, call.actor(), client_id, call.after(), call.limit).await?;
    let items = listed.rows.iter().map(event).collect();
    Ok(Reply::ok(call.page(items, listed.next)))
}

pub fn event(of: &Event) -> Value {
    json!({
        "id": of.id,
        "event": of.kind.as_str(),
        "at": of.at.to_string(),
        "by": of.by,
        "user": of.user,
        "client_id": of.client_id,
        "subject": of.subject,
        "note": of.note,
        "changes": changes(&of.changes),
    })
}

pub fn changes(of: &[Change]) -> Vec<Value> {
    let change = |change: &Change| json!({ "what": change.what, "before": change.before, "after": change.after });
    of.iter().map(change).collect()
}

/// `GET /apps/{client_id}/team`.
pub async fn people(call: &Call<'_>, client_id: &str) -> Answered {
    let access = call.actor().on_app(call.ctx, client_id, Right::ChangeApp).await?;
    let dossier = access.dossier();
    let mut team = Vec::with_capacity(dossier.team.len());
    for id in &dossier.team {
        if let Some(user) = call.ctx.load::<User>(&keys::user(id)).await? {
            team.push(json!({ "id": user.id, "name": user.name, "email": user.email }));
        }
    }
    Ok(Reply::ok(json!({ "team": team, "stakeholders": dossier.stakeholders })))
}

/// `PUT /apps/{client_id}/team/{user}`.
pub async fn add_to_team(call: &Call<'_>, client_id: &str, user: &str) -> Answered {
    team::add(call.ctx, call.actor(), client_id, user).await?;
    Ok(Reply::nothing())
}

/// `DELETE /apps/{client_id}/team/{user}`.
pub async fn remove_from_team(call: &Call<'_>, client_id: &str, user: &str) -> Answered {
    team::remove(call.ctx, call.actor(), client_id, user).await?;
    Ok(Reply::nothing())
}

/// `POST /apps/{client_id}/disable` and `/enable`.
pub async fn set_disabled(call: &Call<'_>, client_id: &str, disabled: bool) -> Answered {
    no_body(call)?;
    let case = standing::set_disabled(call.ctx, call.actor(), client_id, disabled).await?;
    Ok(Reply::ok(view(call, &case)))
}

/// Whoever sends something expects it to be heard.
fn no_body(call: &Call<'_>) -> Result<(), Problem> {
    if call.request.body.is_empty() {
        Ok(())
    } else {
        Err(Problem::malformed("This operation takes no body."))
    }
}
