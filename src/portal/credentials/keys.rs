//! By what an app shows who it is: secrets, or assertions that it signs with keys of its own (`private_key_jwt`).

use super::{address, faults_of, name_of, said, show_below, status_of, to_credentials};
use crate::context::Context;
use crate::model::app::{App, ClientType};
use crate::platform::credentials::{self, ShownBy};
use crate::platform::refusal::Fault;
use crate::portal::desk::Desk;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use maud::html;
use serde_json::json;

const FORM: &str = "client_keys";

/// `GET /developer/apps/{client_id}/credentials/keys`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    let app = &access.app;
    let Some(by) = ShownBy::of(app).filter(|_| !credentials::locked(&access)) else {
        return Ok(redirect(&desk.visit, &address(app), None));
    };
    Ok(form(&desk, app, by, &registered(app), &[]))
}

/// `POST /developer/apps/{client_id}/credentials/keys`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(FORM)?;
    let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
    let by = field("by")?.unwrap_or_default();
    let by = ShownBy::ALL.into_iter().find(|known| known.as_str() == by);
    let by = by.ok_or(Trouble::BadForm)?;
    let jwks = field("jwks")?.unwrap_or_default();
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    let app = &access.app;
    let confirmed = field("confirm")?.is_some_and(|typed| typed.trim() == app.name);
    let faults = if ends_something(app, by) && !confirmed {
        vec![Fault::new("confirm", "cred_confirm_wrong")]
    } else {
        match credentials::show_by(ctx, &desk.actor, client_id, by, jwks).await {
            Ok(()) => return Ok(redirect(&desk.visit, &address(app), None)),
            Err(refusal) => said(refusal)?,
        }
    };
    // A private key is not sent back to where it may be seen or kept.
    let shown = if faults.iter().any(|fault| fault.key == "cred_keys_private") {
        ""
    } else {
        jwks
    };
    Ok(form(&desk, app, by, shown, &faults))
}

/// Whether secrets or keys that work now would be gone.
fn ends_something(app: &App, by: ShownBy) -> bool {
    match by {
        ShownBy::Secret => !app.rules().jwks.is_empty(),
        ShownBy::Keys => !app.secrets.is_empty(),
        ShownBy::Both => false,
    }
}

/// The set as it stands, to be changed.
fn registered(app: &App) -> String {
    let keys = &app.rules().jwks;
    if keys.is_empty() {
        return String::new();
    }
    serde_json::to_string_pretty(&json!({ "keys": keys })).expect("public keys always become JSON")
}

fn form(desk: &Desk<'_>, app: &App, by: ShownBy, jwks: &str, faults: &[Fault]) -> Response {
    let visit = &desk.visit;
    let may_end =
        app.client_type == ClientType::Confidential && ShownBy::ALL.into_iter().any(|other| ends_something(app, other));
    let body = html! {
        p { (desk.text("cred_keys_text")) }
        form method="post" action={ (address(app)) "/keys" } {
            (visit.csrf(FORM))
            (faults_of(visit, faults, ""))
            fieldset {
                legend { (desk.text("cred_shown_by")) }
                @for choice in ShownBy::ALL {
                    label.option {
                        input type="radio" name="by" value=(choice.as_str()) checked[choice == by];
                        span { (desk.text(name_of(Some(choice)))) }
                    }
                }
            }
            (faults_of(visit, faults, "jwks"))
            label for="jwks" { (desk.text("cred_jwks")) }
            textarea.code #jwks name="jwks" rows="12" spellcheck="false" autocomplete="off" autocapitalize="none"
                aria-describedby="jwks-hint" { (jwks) }
            p.hint #jwks-hint { (desk.text("cred_jwks_hint")) }
            @if may_end {
                (faults_of(visit, faults, "confirm"))
                p.notice.warning { (desk.text("cred_keys_end")) }
                label for="confirm" { (desk.fill("cred_confirm_if", &[("name", &app.name)])) }
                input #confirm name="confirm" autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            div.choices {
                button { (desk.text("cred_save")) }
                a.button.secondary href=(address(app)) { (desk.text("back")) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        status_of(faults)
    };
    show_below(
        desk,
        app,
        &[to_credentials(desk, app)],
        desk.text("cred_shown_by"),
        body,
        status,
    )
}
