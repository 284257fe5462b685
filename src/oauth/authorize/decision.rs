//! What comes of a request: approved, denied, or answered without asking (`prompt=none`). One batch each.

use super::{AuthorizationRequest, AuthorizationResponse};
use crate::base::random;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, ClientType, Kind};
use crate::model::event::{Event, EventKind};
use crate::model::grant::{Grant, GrantStatus};
use crate::model::installation::GrantPlace;
use crate::model::organization::Barred;
use crate::oauth::code::{self, Approved};
use crate::oauth::error::{ErrorCode, OAuthError};
use crate::oauth::scope;
use crate::oauth::standing::{Standing, acting};
use crate::store::records::{Versioned, load, load_by_index};
use crate::store::{Batch, Key, Outcome, StoreError, keys};

/// How often a decision is made anew when what it rests on has changed meanwhile.
const TRIES: u32 = 5;

/// Rows of an index read at once.
const PAGE: u32 = 100;

/// Who approved, for which organization.
pub struct Approval {
    pub user: String,
    pub organization: String,
    /// What else happens with it, such as the session's new secret.
    pub session: Batch,
}

/// The user said yes. The response is to be sent; an error is for the user alone.
pub async fn approve(
    ctx: &Context,
    request: &AuthorizationRequest,
    approval: Approval,
) -> Result<AuthorizationResponse, OAuthError> {
    let Approval {
        user,
        organization,
        session,
    } = &approval;
    let (now, app) = (ctx.now(), &request.app);
    for _ in 0..TRIES {
        let mut standing = match acting(ctx, app, organization, user).await? {
            Ok(standing) => standing,
            Err(cause) => {
                let what = "You cannot grant access for this organization.";
                return Err(OAuthError::new(ErrorCode::AccessDenied, what).because(cause));
            }
        };
        permitted(&standing, app)?;
        let scopes = grantable(ctx, request, &standing)?;
        let mut batch = session.clone();
        let old = granted_before(ctx, request, organization, user).await?;
        let id = match &old {
            Some(old) => old.id.clone(),
            None => format!("g_{}", random::token::<15>(&*ctx.random)),
        };
        let becomes = installation_becomes(request, organization, &id)?;
        // A key that waited is accepted from here on: what was made with the other is dead.
        standing.epochs.app = becomes.as_ref().map_or(app.epoch, |app| app.epoch);
        let (grant, kind) = match &old {
            Some(old) => (
                Grant {
                    user: user.clone(),
                    ..old.approve(&scopes, &request.asked.resource, standing.epochs, now)
                },
                EventKind::GrantUpdated,
            ),
            None => (
                first(request, id, &approval, &scopes, &standing, now),
                EventKind::GrantCreated,
            ),
        };
        match &old {
            Some(old) => batch.replace(old, &grant)?,
            None => batch.insert(&grant)?,
        };
        batch.insert(&Event {
            organization: Some(organization.clone()),
            user: Some(user.clone()),
            client_id: Some(app.client_id.clone()),
            grant: Some(grant.id.clone()),
            ..Event::new(kind, now, &*ctx.random)
        })?;
        match &becomes {
            Some(becomes) => batch.replace(app, becomes)?,
            None => batch.require(&**app),
        };
        if let Some(response) = issue(ctx, request, &grant, scopes, &standing, batch).await? {
            return Ok(response);
        }
    }
    Err(too_busy())
}

fn first(
    request: &AuthorizationRequest,
    id: String,
    approval: &Approval,
    scopes: &[String],
    standing: &Standing,
    now: Timestamp,
) -> Grant {
    Grant {
        id,
        organization: approval.organization.clone(),
        user: approval.user.clone(),
        client_id: request.app.client_id.clone(),
        native: request.app.kind == Kind::Native,
        scopes: scopes.to_vec(),
        resources: vec![request.asked.resource.clone()],
        status: GrantStatus::Active,
        epoch: 0,
        stamps: standing.epochs,
        created_at: now,
        approved_at: now,
    }
}

/// What is approved once more, ended or not. Of an installation it is its own, whoever approved it before.
async fn granted_before(
    ctx: &Context,
    request: &AuthorizationRequest,
    organization: &str,
    user: &str,
) -> Result<Option<Versioned<Grant>>, OAuthError> {
    let Some(installation) = &request.app.installation else {
        let index = keys::grant_of_app(&request.app.client_id, organization, user);
        return Ok(load_by_index(&*ctx.store, &index).await?);
    };
    let Some(place) = &installation.grant else {
        return Ok(None);
    };
    if place.organization != organization {
        let what = "This installation is connected elsewhere: it must be reset there first.";
        return Err(OAuthError::new(ErrorCode::AccessDenied, what));
    }
    Ok(load(&*ctx.store, &keys::grant(&place.organization, &place.grant)).await?)
}

/// The installation as it is once this is approved; `None` for every other app.
fn installation_becomes(
    request: &AuthorizationRequest,
    organization: &str,
    grant: &str,
) -> Result<Option<App>, OAuthError> {
    let Some(installation) = &request.app.installation else {
        return Ok(None);
    };
    let known = request.asked.jkt.as_deref().filter(|jkt| installation.knows(jkt));
    let what = "The key of this request is none of the installation's.";
    let jkt = known.ok_or_else(|| OAuthError::invalid_request(what))?;
    let place = GrantPlace {
        organization: organization.to_owned(),
        grant: grant.to_owned(),
    };
    Ok(Some(installation.approved(&request.app, jkt, place)))
}

/// The user said no (RFC 6749 §4.1.2.1).
pub async fn deny(ctx: &Context, request: &AuthorizationRequest) -> Result<AuthorizationResponse, OAuthError> {
    if let Some(pushed) = &request.pushed {
        let mut batch = Batch::new();
        batch.remove(pushed);
        batch.revokes = true;
        if ctx.store.commit(batch).await? == Outcome::Conflict {
            return Err(answered());
        }
    }
    Ok(request.refuse(ctx, ErrorCode::AccessDenied, "The user denied the request."))
}

/// `prompt=none`: answered without a page, if at all. Only for a client that shows at the token endpoint that it is
/// itself (OAuth 2.1 §7.3), and only for what the user has granted it already, in one organization.
pub async fn silently(
    ctx: &Context,
    request: &AuthorizationRequest,
    user: Option<&str>,
) -> Result<AuthorizationResponse, OAuthError> {
    let refuse = |code, what| Ok(request.refuse(ctx, code, what));
    let Some(user) = user else {
        return refuse(ErrorCode::LoginRequired, "The user must sign in.");
    };
    if request.app.client_type != ClientType::Confidential {
        return refuse(
            ErrorCode::InteractionRequired,
            "An app that cannot show who it is asks every time.",
        );
    }
    for _ in 0..TRIES {
        let mut found = Vec::new();
        for grant in grants(ctx, &request.app, user).await? {
            if let Some(covered) = covering(ctx, request, &grant).await? {
                found.push((grant, covered));
            }
        }
        if found.len() > 1 {
            return refuse(ErrorCode::InteractionRequired, "The user must choose an organization.");
        }
        let Some((grant, (standing, scopes))) = found.pop() else {
            return refuse(ErrorCode::ConsentRequired, "The user has not granted what is asked.");
        };
        let mut batch = Batch::new();
        batch.require(&grant).require(&*request.app);
        if let Some(response) = issue(ctx, request, &grant, scopes, &standing, batch).await? {
            return Ok(response);
        }
    }
    Err(too_busy())
}

/// Whether the organization lets this member consent to the app.
fn permitted(standing: &Standing, app: &App) -> Result<(), OAuthError> {
    let policy = &standing.organization.policy;
    policy.judge(standing.role, &app.client_id).map_err(|barred| {
        let what = match barred {
            Barred::App => "This app is not allowed in this organization. Ask one of its owners or admins.",
            Barred::Role => "Your role may not allow apps in this organization. Ask one of its owners or admins.",
        };
        OAuthError::new(ErrorCode::AccessDenied, what)
    })
}

/// The scopes asked for that the role may grant; the others are left out. An installation wants all of them.
fn grantable(ctx: &Context, request: &AuthorizationRequest, standing: &Standing) -> Result<Vec<String>, OAuthError> {
    let scopes = scope::effective(
        &ctx.profile().scopes,
        &request.app,
        standing.role,
        &request.asked.scopes,
    );
    if scopes.is_empty() {
        let what = "Your role in this organization may grant nothing of what the app asks for.";
        return Err(OAuthError::new(ErrorCode::AccessDenied, what));
    }
    if request.app.kind == Kind::Native && scopes.len() < request.asked.scopes.len() {
        let what =
            "Your role in this organization may not grant all that the installation needs, and it takes no less.";
        return Err(OAuthError::new(ErrorCode::AccessDenied, what));
    }
    Ok(scopes)
}

/// Everything of `user` for `app`, in whichever organization.
async fn grants(ctx: &Context, app: &App, user: &str) -> Result<Vec<Versioned<Grant>>, StoreError> {
    let index = keys::grants_of_user(user);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rows = ctx.store.scan(&index, after.as_ref(), PAGE).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(found);
        };
        after = Some(last.clone());
        for (_, stored) in rows {
            let grant = load::<Grant>(&*ctx.store, &Key(stored.value.to_vec())).await?;
            found.extend(grant.filter(|grant| grant.client_id == app.client_id));
        }
    }
}

/// What of the request the grant covers, when that is all that the user could grant today.
async fn covering(
    ctx: &Context,
    request: &AuthorizationRequest,
    grant: &Grant,
) -> Result<Option<(Standing, Vec<String>)>, OAuthError> {
    if grant.status != GrantStatus::Active || !grant.resources.contains(&request.asked.resource) {
        return Ok(None);
    }
    let Ok(standing) = acting(ctx, &request.app, &grant.organization, &grant.user).await? else {
        return Ok(None);
    };
    // Whatever was revoked as a whole since the consent, such as by a new password, took the consent with it.
    if !grant.stamps.cover(&standing.epochs) {
        return Ok(None);
    }
    let scopes = permitted(&standing, &request.app).and_then(|()| grantable(ctx, request, &standing));
    let Ok(scopes) = scopes else {
        return Ok(None);
    };
    let covered = scopes.iter().all(|scope| grant.scopes.contains(scope));
    Ok(covered.then_some((standing, scopes)))
}

/// The code, in the batch of the decision. `None` when something else was faster and the decision must be made anew.
///
/// Organization and member are among the checks: the policy and the role are judged here and never again. The user is
/// not: their counter is stamped into the code, and whether they stand is judged when it is redeemed.
async fn issue(
    ctx: &Context,
    request: &AuthorizationRequest,
    grant: &Grant,
    scopes: Vec<String>,
    standing: &Standing,
    mut batch: Batch,
) -> Result<Option<AuthorizationResponse>, OAuthError> {
    let mut stamps = standing.epochs;
    stamps.grant = grant.epoch;
    let (text, code) = code::make(
        ctx,
        Approved {
            client_id: grant.client_id.clone(),
            organization: grant.organization.clone(),
            user: grant.user.clone(),
            grant: grant.id.clone(),
            scopes,
            resource: request.asked.resource.clone(),
            redirect_uri: request.address.redirect_uri.as_str().to_owned(),
            challenge: request.asked.challenge.clone(),
            jkt: request.asked.jkt.clone(),
            stamps,
        },
    );
    batch.insert(&code)?;
    batch.require(&*standing.organization).require(&*standing.member);
    if let Some(pushed) = &request.pushed {
        // RFC 9126 §4: not even when the page was loaded in time.
        if pushed.expires_at <= ctx.now() {
            return Err(answered());
        }
        batch.remove(pushed);
    }
    if let Outcome::Committed(_) = ctx.store.commit(batch).await? {
        return Ok(Some(request.address.code(ctx, text)));
    }
    still_stands(ctx, request).await?;
    Ok(None)
}

/// The request itself is as it was read; otherwise no further try can succeed.
async fn still_stands(ctx: &Context, request: &AuthorizationRequest) -> Result<(), OAuthError> {
    let app = load::<App>(&*ctx.store, &keys::app(&request.app.client_id)).await?;
    if app.is_none_or(|app| app.version != request.app.version) {
        let what = "The app was changed at this moment. Go back to it and start again.";
        return Err(OAuthError::invalid_request(what));
    }
    if let Some(pushed) = &request.pushed {
        let key = keys::pushed_request(pushed.expires_at, &pushed.digest);
        if ctx.store.get(&key).await?.is_none() {
            return Err(answered());
        }
    }
    Ok(())
}

fn answered() -> OAuthError {
    let what = "This request has expired or was answered already. Go back to the app and start again.";
    OAuthError::new(ErrorCode::InvalidRequestUri, what)
}

fn too_busy() -> OAuthError {
    OAuthError::new(ErrorCode::TemporarilyUnavailable, "Please try again shortly.")
        .because("every try met another writer")
}
