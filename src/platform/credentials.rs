//! How an app shows who it is: its secrets, and the keys of its assertions.

use super::actor::{Actor, AppAccess};
use super::refusal::{Fault, Refusal};
use super::rights::Right;
use super::{ATTEMPTS_MAX, client_keys, commit};
use crate::base::jose::Jwk;
use crate::base::master::Purpose;
use crate::base::random;
use crate::base::text;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{
    App, AppState, AuthMethod, ClientRules, ClientSecret, ClientType, Kind, NAME_CHARS_MAX, SecretRefused,
};
use crate::model::event::{Change, Event, EventKind};
use crate::model::reminder::Reminder;
use crate::store::{Batch, codec, limits};
use std::time::Duration;

/// The farthest end a secret may be given: beyond it "never" is meant.
const EXPIRY_MAX: Duration = Duration::from_secs(10 * 366 * 24 * 60 * 60);

/// A secret that is asked for.
#[derive(Clone, Default)]
pub struct NewSecret {
    pub label: String,
    /// `None` never.
    pub expires_at: Option<Timestamp>,
}

/// A secret that was made. `shown` is nowhere else and never told again.
pub struct MadeSecret {
    pub held: ClientSecret,
    pub shown: String,
}

/// By what an app shows who it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShownBy {
    Secret,
    /// Either: while an app moves from one to the other.
    Both,
    Keys,
}

impl ShownBy {
    pub const ALL: [Self; 3] = [Self::Secret, Self::Both, Self::Keys];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Both => "both",
            Self::Keys => "private_key_jwt",
        }
    }

    /// `None` for a public client, which shows nothing.
    pub fn of(app: &App) -> Option<Self> {
        let by_key = app.rules().auth_methods.contains(&AuthMethod::PrivateKeyJwt);
        match (app.uses_secrets(), by_key) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Secret),
            (false, true) => Some(Self::Keys),
            (false, false) => None,
        }
    }
}

/// Whether the app has yet to be approved for the first time: until then it has no credentials.
pub fn locked(access: &AppAccess) -> bool {
    let app = &access.app;
    let approved = access.dossier.as_ref().is_some_and(|d| d.approved.is_some());
    app.kind == Kind::Public && app.state != AppState::Active && !approved && app.secrets.is_empty()
}

/// The app, for whoever may see and change its credentials.
pub async fn open(ctx: &Context, actor: &Actor, client_id: &str) -> Result<AppAccess, Refusal> {
    actor.on_app(ctx, client_id, Right::ManageCredentials).await
}

/// A further secret; at most two live at a time, so that one can be replaced without a moment without.
pub async fn add_secret(
    ctx: &Context,
    actor: &Actor,
    client_id: &str,
    wanted: &NewSecret,
) -> Result<MadeSecret, Refusal> {
    let wanted = checked(ctx, wanted)?;
    for _ in 0..ATTEMPTS_MAX {
        let access = open(ctx, actor, client_id).await?;
        if locked(&access) {
            return Err(Refusal::State("cred_locked"));
        }
        let (new, event, made) = with_new_secret(ctx, &access.app, &wanted, Some(actor)).map_err(no_secret)?;
        let mut batch = Batch::new();
        batch.replace(&access.app, &new)?.insert(&event)?;
        let held = &made.held;
        if let Some(reminder) = Reminder::of_secret(client_id, &held.id, held.expires_at, ctx.now()) {
            batch.insert(&reminder)?;
        }
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            return Ok(made);
        }
    }
    Err(Refusal::Conflict)
}

/// Ends a secret at once. Tokens that it got stay good.
pub async fn revoke_secret(ctx: &Context, actor: &Actor, client_id: &str, id: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = open(ctx, actor, client_id).await?;
        let revoked = without_secret(ctx, &access.app, id, Some(actor));
        let (new, event) = revoked.ok_or(Refusal::NotFound)?;
        let mut batch = Batch::new();
        batch.revokes = true;
        batch.replace(&access.app, &new)?.insert(&event)?;
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// By what the app shows who it is from now on; `jwks` is the text of a JWK set. What it no longer shows is gone:
/// secrets do not come back when the method does.
pub async fn show_by(ctx: &Context, actor: &Actor, client_id: &str, by: ShownBy, jwks: &str) -> Result<(), Refusal> {
    for _ in 0..ATTEMPTS_MAX {
        let access = open(ctx, actor, client_id).await?;
        if access.app.client_type == ClientType::Public {
            return Err(Refusal::State("cred_public_client"));
        }
        if locked(&access) {
            return Err(Refusal::State("cred_locked"));
        }
        let new = shown_by(&access.app, by, jwks)?;
        if codec::encode(&new)?.len() > limits::VALUE_BYTES_MAX {
            return Err(Fault::new("jwks", "cred_keys_too_big").into());
        }
        let changes = changes(&access.app, &new);
        if changes.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::new();
        batch.replace(&access.app, &new)?.insert(&Event {
            changes,
            ..event(ctx, EventKind::AppChanged, &new, Some(actor))
        })?;
        access.hold(&mut batch);
        if commit(ctx, batch).await? {
            return Ok(());
        }
    }
    Err(Refusal::Conflict)
}

/// The app with a further secret, what is to be remembered of it, and the secret.
pub fn with_new_secret(
    ctx: &Context,
    app: &App,
    wanted: &NewSecret,
    by: Option<&Actor>,
) -> Result<(App, Event, MadeSecret), SecretRefused> {
    let made = make_secret(ctx, wanted);
    let new = app.with_secret(made.held.clone(), ctx.now())?;
    let event = Event {
        subject: Some(made.held.label.clone()),
        ..event(ctx, EventKind::SecretCreated, app, by)
    };
    Ok((new, event, made))
}

/// The app without a secret; `None` where it has none of that id.
pub fn without_secret(ctx: &Context, app: &App, id: &str, by: Option<&Actor>) -> Option<(App, Event)> {
    let revoked = app.secrets.iter().find(|secret| secret.id == id)?;
    let event = Event {
        subject: Some(revoked.label.clone()),
        ..event(ctx, EventKind::SecretRevoked, app, by)
    };
    Some((app.without_secret(id)?, event))
}

/// A secret as it is kept, and as it is shown once: 192 random bits behind a prefix that scanners find.
pub fn make_secret(ctx: &Context, wanted: &NewSecret) -> MadeSecret {
    let shown = format!("{}_secret_{}", ctx.profile().prefix, random::token::<24>(&*ctx.random));
    let held = ClientSecret {
        id: format!("s_{}", random::token::<6>(&*ctx.random)),
        digest: ctx.secret.digest(Purpose::ClientSecret, shown.as_bytes()),
        label: wanted.label.clone(),
        created_at: ctx.now(),
        expires_at: wanted.expires_at,
    };
    MadeSecret { held, shown }
}

fn checked(ctx: &Context, wanted: &NewSecret) -> Result<NewSecret, Refusal> {
    let mut faults = Vec::new();
    let label = text::name(&wanted.label, NAME_CHARS_MAX);
    if label.is_none() {
        faults.push(Fault::new("label", "cred_label_bad").with("max", NAME_CHARS_MAX));
    }
    let now = ctx.now();
    if wanted.expires_at.is_some_and(|at| at <= now || at > now + EXPIRY_MAX) {
        faults.push(Fault::new("expires", "cred_expiry_bad"));
    }
    match label {
        Some(label) if faults.is_empty() => Ok(NewSecret {
            label,
            expires_at: wanted.expires_at,
        }),
        _ => Err(Refusal::Invalid(faults)),
    }
}

fn no_secret(why: SecretRefused) -> Refusal {
    Refusal::State(match why {
        SecretRefused::PublicClient => "cred_public_client",
        SecretRefused::ByKeys => "cred_by_keys",
        SecretRefused::TooMany => "cred_too_many",
    })
}

fn shown_by(app: &App, by: ShownBy, jwks: &str) -> Result<App, Refusal> {
    let old = app.rules();
    let secrets = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost];
    let kept: Vec<_> = secrets
        .into_iter()
        .filter(|m| old.auth_methods.contains(m) || !app.uses_secrets())
        .collect();
    let auth_methods = match by {
        ShownBy::Secret => kept,
        ShownBy::Both => [kept, vec![AuthMethod::PrivateKeyJwt]].concat(),
        ShownBy::Keys => vec![AuthMethod::PrivateKeyJwt],
    };
    let jwks = match by {
        ShownBy::Secret => Vec::new(),
        ShownBy::Both | ShownBy::Keys => {
            let keys = client_keys::read_set(jwks).and_then(|keys| client_keys::check(&keys));
            keys.map_err(|fault| fault.fault())?
        }
    };
    let rules = ClientRules {
        auth_methods,
        legacy_audience: old.legacy_audience && !jwks.is_empty(),
        jwks,
        ..old.into_owned()
    };
    let mut new = App {
        rules: Some(rules),
        ..app.clone()
    };
    if by == ShownBy::Keys {
        new.secrets.clear();
    }
    Ok(new)
}

fn changes(old: &App, new: &App) -> Vec<Change> {
    let methods = |rules: &ClientRules| {
        rules
            .auth_methods
            .iter()
            .map(|m| m.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let keys = |rules: &ClientRules| rules.jwks.iter().map(Jwk::thumbprint).collect::<Vec<_>>().join(" ");
    let secrets = |app: &App| {
        app.secrets
            .iter()
            .map(|s| s.label.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let rows = [
        ("auth_methods", methods(&old.rules()), methods(&new.rules())),
        ("jwks", keys(&old.rules()), keys(&new.rules())),
        ("secrets", secrets(old), secrets(new)),
    ];
    let said = |text: String| Some(text).filter(|text| !text.is_empty());
    rows.into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| Change {
            what: what.to_owned(),
            before: said(before),
            after: said(after),
        })
        .collect()
}

/// Something that happened to the app's credentials.
pub(super) fn event(ctx: &Context, kind: EventKind, app: &App, by: Option<&Actor>) -> Event {
    Event {
        organization: Some(app.organization.clone()),
        client_id: Some(app.client_id.clone()),
        by: by.map(|by| by.id().to_owned()),
        token: by.and_then(Actor::token_used),
        ..Event::new(kind, ctx.now(), &*ctx.random)
    }
}
