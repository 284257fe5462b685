//! What an asker makes of an accepted request: one app or one token, once, after they have joined.

use super::{check_open, of_link};
use crate::base::master::Purpose;
use crate::base::random;
use crate::context::Context;
use crate::model::access_request::{AccessRequest, Offer, Offered};
use crate::model::app::{App, AppState, ClientSecret, ClientType, Kind};
use crate::model::dossier::Dossier;
use crate::model::event::{Event, EventKind};
use crate::model::organization::Organization;
use crate::platform::actor::{Actor, Membership};
use crate::platform::commit;
use crate::platform::personal_tokens::{self, Expiry, NewToken};
use crate::platform::refusal::Refusal;
use crate::platform::rights::Right;
use crate::store::records::Versioned;
use crate::store::{Batch, keys};
use std::sync::Arc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What stands between an asker and their app or token.
pub enum Next {
    /// They are not who asked: another address is signed in.
    OtherAccount,
    /// They have yet to accept the invitation.
    Join,
    /// Their role in the organization may not make apps any more.
    Role,
    Make,
    /// The app's client_id.
    MadeApp(String),
    MadeToken,
}

/// What was made, with what is shown now and never again.
pub enum Taken {
    App(Made),
    Token(Box<personal_tokens::Made>),
}

/// An app as it was made. The secret is shown now and never again; a public app gets one when it is approved.
pub struct Made {
    pub client_id: String,
    pub client_secret: Option<String>,
    pub organization: String,
    pub scopes: Vec<String>,
}

/// Where whoever is signed in stands with an offer.
pub async fn next(ctx: &Context, actor: &Actor, request: &AccessRequest, offer: &Offer) -> Result<Next, Refusal> {
    if !is_asker(actor, request) {
        return Ok(Next::OtherAccount);
    }
    if let Some(client_id) = &offer.client_id {
        return Ok(Next::MadeApp(client_id.clone()));
    }
    if offer.is_taken_up() {
        return Ok(Next::MadeToken);
    }
    match actor.in_organization(ctx, &offer.organization, right(offer)).await {
        Ok(_) => Ok(Next::Make),
        Err(Refusal::NotFound) => Ok(Next::Join),
        Err(Refusal::Forbidden) => Ok(Next::Role),
        Err(refusal) => Err(refusal),
    }
}

/// The organization of an offer, for its name.
pub async fn organization(ctx: &Context, offer: &Offer) -> Result<Option<Arc<Versioned<Organization>>>, Refusal> {
    Ok(ctx.load(&keys::organization(&offer.organization)).await?)
}

fn right(offer: &Offer) -> Right {
    match offer.kind {
        Offered::PersonalToken => Right::MakeTokens,
        Offered::Private | Offered::Public => Right::CreateApp,
    }
}

/// Makes the app or the token that was approved beforehand. Of two who try at once, one does.
pub async fn make(ctx: &Context, actor: &Actor, link: &str) -> Result<Taken, Refusal> {
    check_open(ctx)?;
    let request = of_link(ctx, link).await?;
    let offer = request.offer().ok_or(Refusal::NotFound)?;
    if !is_asker(actor, &request) {
        return Err(Refusal::Forbidden);
    }
    if offer.is_taken_up() {
        return Err(Refusal::State(match offer.kind {
            Offered::PersonalToken => "requests_token_before",
            Offered::Private | Offered::Public => "requests_made_before",
        }));
    }
    match offer.kind {
        Offered::PersonalToken => {
            let made = make_token(ctx, actor, &request, offer).await?;
            Ok(Taken::Token(Box::new(made)))
        }
        Offered::Private | Offered::Public => make_app(ctx, actor, &request, offer).await.map(Taken::App),
    }
}

/// Within the role they have now, whatever it was when the request was answered.
async fn make_token(
    ctx: &Context,
    actor: &Actor,
    request: &Versioned<AccessRequest>,
    offer: &Offer,
) -> Result<personal_tokens::Made, Refusal> {
    let holder = personal_tokens::holder(ctx, actor, &offer.organization, None).await?;
    let mut scopes = holder.offered(ctx, actor);
    scopes.retain(|name| offer.scopes.contains(name));
    if scopes.is_empty() {
        return Err(Refusal::State("requests_scopes_gone"));
    }
    let new = NewToken {
        organization: offer.organization.clone(),
        member: None,
        name: offer.name.clone(),
        scopes: Some(scopes),
        expiry: match offer.days {
            Some(days) => Expiry::At(ctx.now() + DAY * days),
            // The profile may have changed since.
            None if ctx.profile().pat.no_expiry => Expiry::Never,
            None => Expiry::Usual,
        },
    };
    let mut batch = Batch::new();
    let made = personal_tokens::add(ctx, actor, &holder, &new, &mut batch).await?;
    let taken = request.taken_up(&made.token.id);
    batch.replace(request, &taken.ok_or(Refusal::State("requests_token_before"))?)?;
    if commit(ctx, batch).await? {
        Ok(made)
    } else {
        Err(Refusal::Conflict)
    }
}

async fn make_app(
    ctx: &Context,
    actor: &Actor,
    request: &Versioned<AccessRequest>,
    offer: &Offer,
) -> Result<Made, Refusal> {
    let membership = actor.in_organization(ctx, &offer.organization, Right::CreateApp);
    let membership = membership.await?;
    let (app, secret) = app(ctx, actor, &membership, offer)?;
    let taken = request.taken_up(&app.client_id);
    let taken = taken.ok_or(Refusal::State("requests_made_before"))?;
    let dossier = Dossier {
        wanted: app.scopes.clone(),
        ..Dossier::new(&app.client_id)
    };
    let mut batch = Batch::new();
    batch.replace(request, &taken)?.insert(&app)?.insert(&dossier)?;
    batch.insert(&Event {
        organization: Some(app.organization.clone()),
        client_id: Some(app.client_id.clone()),
        by: Some(actor.id().to_owned()),
        token: actor.token_used(),
        subject: Some(app.name.clone()),
        ..Event::new(EventKind::AppCreated, ctx.now(), &*ctx.random)
    })?;
    actor.hold(&mut batch);
    membership.hold(&mut batch);
    if !commit(ctx, batch).await? {
        return Err(Refusal::Conflict);
    }
    Ok(Made {
        client_id: app.client_id,
        client_secret: secret,
        organization: app.organization,
        scopes: app.scopes,
    })
}

/// By the address the request was made for, which the invitation was bound to.
fn is_asker(actor: &Actor, request: &AccessRequest) -> bool {
    actor.user.email.to_lowercase() == request.email.to_lowercase()
}

/// A private app is active at once and acts as the asker; a public one is a draft until it is handed in.
fn app(ctx: &Context, actor: &Actor, membership: &Membership, offer: &Offer) -> Result<(App, Option<String>), Refusal> {
    let now = ctx.now();
    let client_id = format!("{}_app_{}", ctx.profile().prefix, random::token::<15>(&*ctx.random));
    let organization = membership.organization.id.clone();
    let kind = match offer.kind {
        Offered::Private => Kind::Private,
        _ => Kind::Public,
    };
    let mut app = App::new(client_id, organization, kind, ClientType::Confidential, now);
    app.name = offer.name.clone();
    app.scopes = offer.scopes.clone();
    if kind != Kind::Private {
        app.state = AppState::Draft;
        return Ok((app, None));
    }
    app.dedicated_user = Some(actor.id().to_owned());
    let shown = format!("{}_secret_{}", ctx.profile().prefix, random::token::<24>(&*ctx.random));
    app.secrets.push(ClientSecret {
        id: format!("s_{}", random::token::<6>(&*ctx.random)),
        digest: ctx.secret.digest(Purpose::ClientSecret, shown.as_bytes()),
        label: "first".to_owned(),
        created_at: now,
        expires_at: None,
    });
    Ok((app, Some(shown)))
}
