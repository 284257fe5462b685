//! *Generate token*: access tokens of a private app, made here, shown once, listed, revoked.

use super::{Confirming, Outcome, address, faults_of, page, said};
use crate::context::Context;
use crate::model::issued_token::IssuedToken;
use crate::model::user::User;
use crate::oauth::params::Params;
use crate::platform::actor::AppAccess;
use crate::platform::credentials;
use crate::platform::issued_tokens::{self, NewToken, Offer};
use crate::platform::refusal::{Fault, Refusal};
use crate::portal::account::{day, moment};
use crate::portal::desk::Desk;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::{StoreError, keys};
use crate::web::request::Request;
use maud::{Markup, html};

const MAKE: &str = "token_make";
const REVOKE: &str = "token_revoke";

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 60 * MINUTE_S;
const DAY_S: u64 = 24 * HOUR_S;

/// Seconds to choose from, as far as the resource allows.
const LIFETIMES_S: [u64; 9] = [
    5 * MINUTE_S,
    15 * MINUTE_S,
    HOUR_S,
    8 * HOUR_S,
    24 * HOUR_S,
    7 * DAY_S,
    30 * DAY_S,
    90 * DAY_S,
    180 * DAY_S,
];

/// As it was typed.
#[derive(Default)]
pub(super) struct TokenForm {
    label: String,
    scopes: Vec<String>,
    resource: Option<String>,
    lifetime: String,
}

impl TokenForm {
    fn of(fields: &Params<'_>) -> Result<Self, Trouble> {
        let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
        Ok(Self {
            label: field("label")?.unwrap_or_default().to_owned(),
            scopes: fields.all("scope").map(str::to_owned).collect(),
            resource: field("resource")?.map(str::to_owned),
            lifetime: field("lifetime")?.unwrap_or_default().to_owned(),
        })
    }

    fn wanted(&self) -> Result<NewToken, Fault> {
        let lifetime_s = match self.lifetime.as_str() {
            "" => None,
            text => Some(
                text.parse()
                    .map_err(|_| Fault::new("lifetime", "cred_token_lifetime_bad"))?,
            ),
        };
        Ok(NewToken {
            label: self.label.clone(),
            scopes: self.scopes.clone(),
            resource: self.resource.clone(),
            lifetime_s,
        })
    }
}

/// `POST /developer/apps/{client_id}/credentials/tokens`.
pub async fn make(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let form = TokenForm::of(&desk.visit.form(MAKE)?)?;
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    let made = match form.wanted() {
        _ if !is_open(&desk, &access) => Err(Refusal::State("cred_token_elsewhere")),
        Ok(wanted) => issued_tokens::create(ctx, &desk.actor, client_id, &wanted).await,
        Err(fault) => Err(fault.into()),
    };
    let outcome = match made {
        Ok(made) => Outcome::Token(made),
        Err(refusal) => Outcome::TokenRefused(form, said(refusal)?),
    };
    page(&desk, &access, outcome).await
}

/// A token is for the organization that is open.
fn is_open(desk: &Desk<'_>, access: &AppAccess) -> bool {
    desk.open()
        .is_some_and(|open| open.organization.id == access.app.organization)
}

/// `GET` and `POST /developer/apps/{client_id}/credentials/tokens/{token}/revoke`.
pub async fn revoke(ctx: &Context, request: &Request, client_id: &str, jti: &str) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let access = credentials::open(ctx, &desk.actor, client_id).await?;
    let (app, token) = (&access.app, issued_tokens::find(ctx, &access, jti).await?);
    let confirming = Confirming {
        title: desk.text("cred_revoke_token"),
        text: "cred_revoke_token_text",
        form: REVOKE,
        action: format!("{}/tokens/{jti}/revoke", address(app)),
        name: &token.label,
        button: "cred_revoke",
    };
    if request.method != http::Method::POST {
        return Ok(confirming.page(&desk, app, false));
    }
    if !confirming.confirmed(&desk.visit)? {
        return Ok(confirming.page(&desk, app, true));
    }
    issued_tokens::revoke(ctx, &desk.actor, client_id, jti).await?;
    Ok(redirect(&desk.visit, &address(app), None))
}

/// The list, and the form for another one.
pub(super) async fn section(desk: &Desk<'_>, access: &AppAccess, outcome: &Outcome) -> Result<Markup, StoreError> {
    let ctx = desk.ctx();
    let mut rows = Vec::new();
    for token in issued_tokens::list(ctx, access).await? {
        let user = ctx.load::<User>(&keys::user(&token.by)).await?;
        let by = user.map_or_else(|| token.by.clone(), |user| user.name.clone());
        rows.push((token, by));
    }
    let form = match issued_tokens::offer(ctx, &access.app).await? {
        _ if !is_open(desk, access) => html! { p.notice { (desk.text("cred_token_elsewhere")) } },
        Err(why) => html! { p.notice { (desk.text(why)) } },
        Ok(offer) => form(desk, access, &offer, outcome),
    };
    Ok(html! {
        h2 { (desk.text("cred_tokens")) }
        p { (desk.text("cred_tokens_text")) }
        @if rows.is_empty() {
            p.quiet { (desk.text("cred_tokens_none")) }
        } @else {
            ul.rows { @for (token, by) in &rows { (row(desk, access, token, by)) } }
        }
        (form)
    })
}

fn row(desk: &Desk<'_>, access: &AppAccess, token: &IssuedToken, by: &str) -> Markup {
    let revoke = format!("{}/tokens/{}/revoke", address(&access.app), token.jti);
    html! {
        li {
            div.what {
                h3 { bdi { (token.label) } }
                p.quiet { (desk.text("cred_made_by")) " " bdi { (by) } ", " (day(token.created_at))
                    " · " (desk.text("cred_expires_at")) " " (moment(token.expires_at)) }
                p.quiet { code { (token.scopes.join(" ")) } }
                @if token.revoked_at.is_some() { p { span.tag { (desk.text("cred_revoked")) } } }
            }
            @if token.revoked_at.is_none() {
                a.button.secondary href=(revoke)
                    aria-label=(desk.fill("cred_revoke_of", &[("name", &token.label)])) { (desk.text("cred_revoke")) }
            }
        }
    }
}

fn form(desk: &Desk<'_>, access: &AppAccess, offer: &Offer, outcome: &Outcome) -> Markup {
    let first = TokenForm {
        scopes: offer.scopes.clone(),
        ..TokenForm::default()
    };
    let (typed, faults) = match outcome {
        Outcome::TokenRefused(typed, faults) => (typed, faults.as_slice()),
        _ => (&first, &[][..]),
    };
    let visit = &desk.visit;
    html! {
        form.panel method="post" action={ (address(&access.app)) "/tokens" } {
            h3 { (desk.text("cred_make_token")) }
            (visit.csrf(MAKE))
            (faults_of(visit, faults, ""))
            (faults_of(visit, faults, "label"))
            label for="token-label" { (desk.text("cred_label")) }
            input #token-label name="label" value=(typed.label) required maxlength="100" autocomplete="off";
            (resources(desk, typed, faults))
            (faults_of(visit, faults, "lifetime"))
            label for="lifetime" { (desk.text("cred_lifetime")) }
            select #lifetime name="lifetime" { (lifetimes(desk, &typed.lifetime)) }
            (faults_of(visit, faults, "scope"))
            fieldset {
                legend { (desk.text("cred_scopes")) }
                @for name in &offer.scopes {
                    label.option {
                        input type="checkbox" name="scope" value=(name) checked[typed.scopes.contains(name)];
                        span { strong { (title(desk, name)) } code { (name) } }
                    }
                }
            }
            @if !offer.left_out.is_empty() {
                p.quiet { (desk.fill("cred_scopes_left_out", &[("scopes", &offer.left_out.join(" "))])) }
            }
            button { (desk.text("cred_make_token")) }
        }
    }
}

fn title<'a>(desk: &Desk<'a>, name: &'a str) -> &'a str {
    desk.ctx().profile().scopes.get(name).map_or(name, |scope| &scope.title)
}

/// Which API it is for, where there is a choice.
fn resources(desk: &Desk<'_>, typed: &TokenForm, faults: &[Fault]) -> Markup {
    let known = &desk.ctx().profile().resources;
    html! {
        @if known.len() > 1 {
            (faults_of(&desk.visit, faults, "resource"))
            label for="resource" { (desk.text("cred_resource")) }
            select #resource name="resource" {
                @for resource in known {
                    option value=(resource.identifier)
                        selected[typed.resource.as_ref() == Some(&resource.identifier)] { (resource.name) }
                }
            }
        }
    }
}

fn lifetimes(desk: &Desk<'_>, typed: &str) -> Markup {
    let resources = &desk.ctx().profile().resources;
    let longest = resources
        .iter()
        .map(|resource| resource.access_token_lifetime.as_secs());
    let longest = longest.max().unwrap_or_default();
    html! {
        option value="" selected[typed.is_empty()] {
            (desk.text("cred_lifetime_longest"))
            @if resources.len() == 1 { " (" (span(desk, longest)) ")" }
        }
        @for seconds in LIFETIMES_S.into_iter().filter(|seconds| *seconds < longest) {
            option value=(seconds) selected[typed == seconds.to_string()] { (span(desk, seconds)) }
        }
    }
}

/// A length of time in its largest whole unit; a day is 24 hours.
fn span(desk: &Desk<'_>, seconds: u64) -> String {
    let (key, count) = if seconds.is_multiple_of(DAY_S) && seconds > DAY_S {
        ("cred_days", seconds / DAY_S)
    } else if seconds.is_multiple_of(HOUR_S) {
        ("cred_hours", seconds / HOUR_S)
    } else if seconds.is_multiple_of(MINUTE_S) {
        ("cred_minutes", seconds / MINUTE_S)
    } else {
        ("cred_seconds", seconds)
    };
    desk.fill(key, &[("count", &count.to_string())])
}
