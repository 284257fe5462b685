//! Apps and their secrets.

use super::app_settings::{self, AppSettings};
use super::{LIST_MAX, NewApp, check_name, commit, organizations, users};
use crate::base::random;
use crate::context::Context;
use crate::model::app::{App, ClientType, Kind, NAME_CHARS_MAX, REDIRECT_URIS_MAX};
use crate::model::dossier::Dossier;
use crate::model::event::{COMMAND_LINE, Change, Event, EventKind};
use crate::model::member::Member;
use crate::oauth::access_token::TypedId;
use crate::oauth::redirect_uri;
use crate::platform::credentials::{self, NewSecret};
use crate::platform::event_of_command_line;
use crate::store::records::{Versioned, list as list_records, list_by_index, load};
use crate::store::{Batch, keys};
use serde_json::{Value, json};

pub async fn create(ctx: &Context, new: NewApp) -> Result<Value, String> {
    let organization = organizations::find(ctx, &new.organization).await?;
    let client_type = if new.public_client {
        ClientType::Public
    } else {
        ClientType::Confidential
    };
    if new.public_client && new.kind != Kind::Public {
        return Err("only a public app can be a public client: the others authenticate with a secret".into());
    }
    check_fits_kind(&new)?;
    check_redirect_uris(&new, client_type)?;
    let client_id = format!("{}_app_{}", ctx.profile().prefix, random::token::<15>(&*ctx.random));
    let mut app = App::new(client_id, organization.id.clone(), new.kind, client_type, ctx.now());
    app.name = check_name("an app", &new.name, NAME_CHARS_MAX)?;
    app.rules = Some(app_settings::rules(&new, client_type)?);
    app_settings::apply(&mut app, new.settings)?;
    app.redirect_uris = new.redirect_uris;
    if new.kind == Kind::ResourceServer {
        app.introspects = check_resources(ctx, new.resources)?;
    } else {
        app.scopes = check_scopes(ctx, new.scopes)?;
    }
    let mut batch = Batch::new();
    if new.kind == Kind::Private {
        let user = new
            .dedicated_user
            .ok_or("a private app needs --dedicated-user: the member it acts as")?;
        app.dedicated_user = Some(dedicated_user(ctx, &app.organization, &user, &mut batch).await?);
    }
    let mut secret = None;
    if app.uses_secrets() {
        let wanted = NewSecret {
            label: "first".into(),
            expires_at: None,
        };
        let made = credentials::make_secret(ctx, &wanted);
        app = app.with_secret(made.held, ctx.now())?;
        secret = Some(made.shown);
    }
    batch.insert(&app)?.insert(&told(ctx, EventKind::AppCreated, &app))?;
    commit(ctx, batch).await?;
    let mut answer = view(ctx, &app);
    if let Some(secret) = secret {
        answer["client_secret"] = secret.into();
    }
    Ok(answer)
}

pub async fn list(ctx: &Context, organization: Option<String>) -> Result<Value, String> {
    let Some(organization) = organization else {
        let (apps, _) = list_records::<App>(&*ctx.store, &keys::apps(), None, LIST_MAX).await?;
        let apps = apps.iter().filter(|app| app.kind != Kind::Native);
        return Ok(apps.map(|app| view(ctx, app)).collect());
    };
    let organization = organizations::find(ctx, &organization).await?;
    let index = keys::apps_of_organization(&organization.id);
    let (apps, _) = list_by_index::<App>(&*ctx.store, &index, None, LIST_MAX).await?;
    Ok(apps.iter().map(|app| view(ctx, app)).collect())
}

pub async fn show(ctx: &Context, client_id: &str) -> Result<Value, String> {
    Ok(view(ctx, &*find(ctx, client_id).await?))
}

/// Other scopes or another dedicated user end every token made so far; other settings end none.
pub async fn change(
    ctx: &Context,
    client_id: &str,
    user: Option<String>,
    scopes: Vec<String>,
    settings: AppSettings,
) -> Result<Value, String> {
    let ends_tokens = user.is_some() || !scopes.is_empty();
    if !ends_tokens && settings == AppSettings::default() {
        return Err("say what to change: `grantd app change --help` lists what can be".into());
    }
    let old = find(ctx, client_id).await?;
    let mut new = App {
        epoch: old.epoch + u64::from(ends_tokens),
        ..old.value.clone()
    };
    app_settings::apply(&mut new, settings)?;
    let mut batch = Batch::new();
    if let Some(user) = user {
        if new.kind != Kind::Private {
            return Err("only a private app has a dedicated user".into());
        }
        new.dedicated_user = Some(dedicated_user(ctx, &new.organization, &user, &mut batch).await?);
    }
    if !scopes.is_empty() {
        if new.kind == Kind::ResourceServer {
            return Err("a resource server gets no tokens and has no scopes".into());
        }
        new.scopes = check_scopes(ctx, scopes)?;
        keep_in_step(ctx, &new, &mut batch).await?;
    }
    let kind = if old.scopes == new.scopes {
        EventKind::AppChanged
    } else {
        EventKind::AppScopesChanged
    };
    batch.replace(&old, &new)?.insert(&Event {
        changes: differences(&old, &new),
        ..told(ctx, kind, &new)
    })?;
    commit(ctx, batch).await?;
    Ok(view(ctx, &new))
}

/// Whoever runs the server decides as a reviewer does: the next save of a developer is no request for other scopes.
async fn keep_in_step(ctx: &Context, app: &App, batch: &mut Batch) -> Result<(), String> {
    let dossier = load::<Dossier>(&*ctx.store, &keys::dossier(&app.client_id)).await?;
    if let Some(dossier) = dossier {
        let new = Dossier {
            wanted: app.scopes.clone(),
            approved: dossier.approved.as_ref().map(|_| app.scopes.clone()),
            ..dossier.value.clone()
        };
        batch.replace(&dossier, &new)?;
    }
    Ok(())
}

/// What the history tells: never more than fits into it.
fn differences(old: &App, new: &App) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut push = |what: &str, before: &str, after: &str| {
        if before != after {
            changes.push(Change::new(what, Some(shortened(before)), Some(shortened(after))));
        }
    };
    push("name", &old.name, &new.name);
    push("scopes", &old.scopes.join(" "), &new.scopes.join(" "));
    let user = |app: &App| app.dedicated_user.clone().unwrap_or_default();
    push("dedicated_user", &user(old), &user(new));
    changes
}

fn shortened(text: &str) -> String {
    const CHARS_MAX: usize = 800;
    if text.chars().count() <= CHARS_MAX {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(CHARS_MAX).collect();
    short.push('…');
    short
}

/// Nobody did it whom one could name.
fn noted(event: Event) -> Event {
    Event {
        note: Some(COMMAND_LINE.to_owned()),
        ..event
    }
}

/// What whoever runs the server does with an app.
pub(super) fn told(ctx: &Context, kind: EventKind, app: &App) -> Event {
    Event {
        client_id: Some(app.client_id.clone()),
        ..event_of_command_line(ctx, kind, &app.organization)
    }
}

/// A flag: enabling brings unexpired tokens back.
pub async fn disable(ctx: &Context, client_id: &str, disabled: bool) -> Result<Value, String> {
    let old = find(ctx, client_id).await?;
    let kind = if disabled {
        EventKind::AppDisabled
    } else {
        EventKind::AppEnabled
    };
    let new = App {
        disabled,
        ..old.value.clone()
    };
    let mut batch = Batch::new();
    batch.revokes = disabled;
    batch.replace(&old, &new)?.insert(&told(ctx, kind, &new))?;
    commit(ctx, batch).await?;
    Ok(view(ctx, &new))
}

pub async fn add_secret(ctx: &Context, client_id: &str, label: Option<String>) -> Result<Value, String> {
    let old = find(ctx, client_id).await?;
    let wanted = NewSecret {
        label: check_name("a secret", label.as_deref().unwrap_or("secret"), NAME_CHARS_MAX)?,
        expires_at: None,
    };
    let (new, event, made) = credentials::with_new_secret(ctx, &old, &wanted, None)?;
    let mut batch = Batch::new();
    batch.replace(&old, &new)?.insert(&noted(event))?;
    commit(ctx, batch).await?;
    let (id, label) = (made.held.id, made.held.label);
    Ok(json!({ "client_id": new.client_id, "secret_id": id, "label": label, "client_secret": made.shown }))
}

pub async fn revoke_secret(ctx: &Context, client_id: &str, secret: &str) -> Result<Value, String> {
    let old = find(ctx, client_id).await?;
    let missing = || format!("the app has no secret {secret}: `grantd app show {client_id}` lists them");
    let (new, event) = credentials::without_secret(ctx, &old, secret, None).ok_or_else(missing)?;
    let mut batch = Batch::new();
    batch.revokes = true;
    batch.replace(&old, &new)?.insert(&noted(event))?;
    commit(ctx, batch).await?;
    Ok(view(ctx, &new))
}

pub async fn find(ctx: &Context, client_id: &str) -> Result<Versioned<App>, String> {
    let found = load::<App>(&*ctx.store, &keys::app(client_id)).await?;
    if found.as_ref().is_some_and(|app| app.kind == Kind::Native) {
        return Err(format!(
            "{client_id} is an installation, which nothing of `grantd app` is for: see `grantd installation --help`"
        ));
    }
    found.ok_or_else(|| format!("there is no app {client_id}: `grantd app list` shows them"))
}

/// A member who is still one when `batch` is committed.
pub(super) async fn dedicated_user(
    ctx: &Context,
    organization: &str,
    user: &str,
    batch: &mut Batch,
) -> Result<String, String> {
    let user = users::find(ctx, user).await?;
    let member = load::<Member>(&*ctx.store, &keys::member(organization, &user.id)).await?;
    match member {
        Some(member) if !member.removed => {
            batch.require(&member);
            Ok(user.value.id)
        }
        _ => Err(format!(
            "{} is no member of {organization}: add them with `grantd org member`",
            user.email
        )),
    }
}

fn check_scopes(ctx: &Context, scopes: Vec<String>) -> Result<Vec<String>, String> {
    let catalog = &ctx.profile().scopes;
    if scopes.is_empty() {
        return Ok(catalog.names().map(str::to_owned).collect());
    }
    let mut checked: Vec<String> = Vec::new();
    for scope in scopes.iter().flat_map(|s| s.split_whitespace()) {
        if catalog.get(scope).is_none() {
            let nearest = catalog
                .names()
                .max_by(|a, b| strsim::jaro_winkler(a, scope).total_cmp(&strsim::jaro_winkler(b, scope)));
            return Err(format!(
                "there is no scope `{scope}`; did you mean `{}`?",
                nearest.unwrap_or_default()
            ));
        }
        if !checked.iter().any(|c| c == scope) {
            checked.push(scope.to_owned());
        }
    }
    Ok(checked)
}

fn check_resources(ctx: &Context, resources: Vec<String>) -> Result<Vec<String>, String> {
    if resources.is_empty() {
        return Ok(ctx.profile().resources.iter().map(|r| r.identifier.clone()).collect());
    }
    match resources.iter().find(|r| ctx.profile().resource(r).is_none()) {
        Some(unknown) => Err(format!("there is no resource `{unknown}` in the profile")),
        None => Ok(resources),
    }
}

/// What another kind of app would have is refused, not ignored.
fn check_fits_kind(new: &NewApp) -> Result<(), String> {
    if new.kind != Kind::Private && new.dedicated_user.is_some() {
        return Err("only a private app has a dedicated user".into());
    }
    if new.kind == Kind::ResourceServer && !new.scopes.is_empty() {
        return Err("a resource server gets no tokens and has no scopes".into());
    }
    if new.kind != Kind::ResourceServer && !new.resources.is_empty() {
        return Err("only a resource server has audiences to introspect: leave --resource out".into());
    }
    Ok(())
}

fn check_redirect_uris(new: &NewApp, client_type: ClientType) -> Result<(), String> {
    if new.kind != Kind::Public {
        return if new.redirect_uris.is_empty() {
            Ok(())
        } else {
            Err("only a public app has redirect URIs".into())
        };
    }
    if new.redirect_uris.is_empty() || new.redirect_uris.len() > REDIRECT_URIS_MAX {
        return Err(format!("a public app needs 1 to {REDIRECT_URIS_MAX} redirect URIs"));
    }
    for uri in &new.redirect_uris {
        redirect_uri::check(client_type, uri)
            .map_err(|flaw| format!("the redirect URI `{uri}` {}", flaw.sentence()))?;
    }
    Ok(())
}

fn view(ctx: &Context, app: &App) -> Value {
    let secrets = app.secrets.iter().map(|s| {
        json!({
            "id": s.id,
            "label": s.label,
            "created_at": s.created_at.to_string(),
            "expires_at": s.expires_at.map(|at| at.to_string()),
        })
    });
    let mut view = json!({
        "client_id": app.client_id,
        "name": app.name,
        "organization": TypedId::new(ctx, &app.organization),
        "kind": app.kind,
        "client_type": app.client_type,
        "status": if app.disabled { "disabled" } else { app.state.as_str() },
        "scopes": app.scopes,
        "redirect_uris": app.redirect_uris,
        "dedicated_user": app.dedicated_user,
        "introspects": app.introspects,
        "secrets": secrets.collect::<Vec<_>>(),
        "created_at": app.created_at.to_string(),
    });
    for (name, value) in app_settings::view(app) {
        view[name] = value;
    }
    view
}
