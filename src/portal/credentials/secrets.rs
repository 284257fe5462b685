//! The secrets of an app: at most two live ones, so that one can be replaced without a moment without.

use super::{Confirming, Outcome, address, faults_of, page, said};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::app::{App, ClientSecret, SECRETS_MAX};
use crate::model::last_use::SECRET;
use crate::oauth::last_use;
use crate::oauth::params::Params;
use crate::platform::credentials::{self, NewSecret};
use crate::platform::refusal::{Fault, Refusal};
use crate::portal::account::{day, moment};
use crate::portal::desk::Desk;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::StoreError;
use crate::web::request::Request;
use maud::{Markup, html};
use std::time::Duration;

const ADD: &str = "secret_add";
const REVOKE: &str = "secret_revoke";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The choices of the form, and the text of each.
const EXPIRIES: [(&str, &str); 4] = [
    ("never", "cred_expires_never"),
    ("90d", "cred_expires_90d"),
    ("1y", "cred_expires_1y"),
    ("date", "cred_expires_date"),
];

/// As it was typed.
#[derive(Default)]
pub(super) struct SecretForm {
    label: String,
    expires: String,
    expires_on: String,
}

impl SecretForm {
    fn of(fields: &Params<'_>) -> Result<Self, Trouble> {
        let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
        Ok(Self {
            label: field("label")?.unwrap_or_default().to_owned(),
            expires: field("expires")?.unwrap_or("never").to_owned(),
            expires_on: field("expires_on")?.unwrap_or_default().to_owned(),
        })
    }

    fn wanted(&self, now: Timestamp) -> Result<NewSecret, Fault> {
        let expires_at = match self.expires.as_str() {
            "never" => None,
            "90d" => Some(now + DAY * 90),
            "1y" => Some(now + DAY * 365),
            // The day itself is the last one.
            _ => match Timestamp::of_date(&self.expires_on) {
                Some(date) => Some(date + DAY),
                None => return Err(Fault::new("expires", "cred_expiry_bad")),
            },
        };
        Ok(NewSecret {
            label: self.label.clone(),
            expires_at,
        })
    }
}

/// `POST /developer/apps/{client_id}/credentials/secrets`.
pub async fn add(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let form = SecretForm::of(&desk.visit.form(ADD)?)?;
    let made = match form.wanted(ctx.now()) {
        Ok(wanted) => credentials::add_secret(ctx, &desk.actor, client_id, &wanted).await,
        Err(fault) => Err(Refusal::from(fault)),
    };
    let outcome = match made {
        Ok(made) => Outcome::Secret(made),
        Err(refusal) => Outcome::SecretRefused(form, said(refusal)?),
    };
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    page(&desk, &access, outcome).await
}

/// `GET` and `POST /developer/apps/{client_id}/credentials/secrets/{secret}/revoke`.
pub async fn revoke(ctx: &Context, request: &Request, client_id: &str, id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    let (app, now) = (&access.app, ctx.now());
    let secret = app
        .secrets
        .iter()
        .find(|secret| secret.id == id)
        .ok_or(Trouble::NotFound)?;
    let others = app.secrets.iter().any(|other| other.id != id && other.live(now));
    let confirming = Confirming {
        title: desk.text("cred_revoke_secret"),
        text: if others {
            "cred_revoke_text"
        } else {
            "cred_revoke_last_text"
        },
        form: REVOKE,
        action: format!("{}/secrets/{id}/revoke", address(app)),
        name: &secret.label,
        button: "cred_revoke",
    };
    if request.method != http::Method::POST {
        return Ok(confirming.page(&desk, app, false));
    }
    if !confirming.confirmed(&desk.visit)? {
        return Ok(confirming.page(&desk, app, true));
    }
    credentials::revoke_secret(ctx, &desk.actor, client_id, id).await?;
    Ok(redirect(&desk.visit, &address(app), None))
}

/// The list, and the form for another one.
pub(super) async fn section(desk: &Desk<'_>, app: &App, outcome: &Outcome) -> Result<Markup, StoreError> {
    if !app.uses_secrets() {
        return Ok(html! {});
    }
    let (ctx, now) = (desk.ctx(), desk.ctx().now());
    let mut rows = Vec::new();
    for secret in &app.secrets {
        rows.push((secret, last_use::of(ctx, SECRET, &secret.id).await?));
    }
    let live = app.secrets.iter().filter(|secret| secret.live(now)).count();
    Ok(html! {
        h2 { (desk.text("cred_secrets")) }
        p { (desk.text("cred_secrets_text")) }
        @if rows.is_empty() {
            p.quiet { (desk.text("cred_secrets_none")) }
        } @else {
            ul.rows { @for (secret, used_at) in rows { (row(desk, app, secret, used_at, now)) } }
        }
        @if live < SECRETS_MAX {
            (form(desk, app, outcome))
        } @else {
            p.quiet { (desk.text("cred_too_many")) }
        }
    })
}

fn row(desk: &Desk<'_>, app: &App, secret: &ClientSecret, used_at: Option<Timestamp>, now: Timestamp) -> Markup {
    html! {
        li {
            div.what {
                h3 { bdi { (secret.label) } }
                p.quiet {
                    (desk.text("since")) " " (day(secret.created_at)) " · "
                    @match used_at {
                        Some(at) => { (desk.text("last_used")) " " (moment(at)) }
                        None => { (desk.text("never_used")) }
                    }
                    @if let Some(at) = secret.expires_at.filter(|_| secret.live(now)) {
                        " · " (desk.text("cred_expires_at")) " " (moment(at))
                    }
                }
                @if !secret.live(now) { p { span.tag.high { (desk.text("cred_expired")) } } }
            }
            a.button.secondary href={ (address(app)) "/secrets/" (secret.id) "/revoke" }
                aria-label=(desk.fill("cred_revoke_of", &[("name", &secret.label)])) { (desk.text("cred_revoke")) }
        }
    }
}

fn form(desk: &Desk<'_>, app: &App, outcome: &Outcome) -> Markup {
    let empty = SecretForm::default();
    let (typed, faults) = match outcome {
        Outcome::SecretRefused(typed, faults) => (typed, faults.as_slice()),
        _ => (&empty, &[][..]),
    };
    let visit = &desk.visit;
    html! {
        form.panel method="post" action={ (address(app)) "/secrets" } {
            h3 { (desk.text("cred_add_secret")) }
            (visit.csrf(ADD))
            (faults_of(visit, faults, ""))
            (faults_of(visit, faults, "label"))
            label for="secret-label" { (desk.text("cred_label")) }
            input #secret-label name="label" value=(typed.label) required maxlength="100" autocomplete="off";
            (faults_of(visit, faults, "expires"))
            label for="expires" { (desk.text("cred_expires")) }
            select #expires name="expires" {
                @for (value, text) in EXPIRIES {
                    option value=(value) selected[typed.expires == value] { (desk.text(text)) }
                }
            }
            label for="expires-on" { (desk.text("cred_expires_on")) }
            input #expires-on type="date" name="expires_on" value=(typed.expires_on);
            button { (desk.text("cred_make_secret")) }
        }
    }
}
