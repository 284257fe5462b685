//! `/account`: who I am, which apps have access, where I am signed in.

use super::desk::{Desk, Part};
use super::page::redirect;
use super::session::{self, SignedIn};
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::grant::GrantStatus;
use crate::model::session::Session;
use crate::oauth::params::Params;
use crate::platform::granted::{self, Granted};
use crate::web::request::Request;
use maud::{Markup, html};

const APPS: &str = "apps";
const SESSIONS: &str = "sessions";
/// What was just done, as the address says it, and the text for it.
const DONE: [(&str, &str); 5] = [
    ("app", "done_app"),
    ("session", "done_session"),
    ("password", "done_password"),
    ("totp_off", "done_totp_off"),
    ("joined", "done_joined"),
];

/// `GET /`.
pub async fn home(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let to = if visit.signed_in().is_some() {
        "/account"
    } else {
        "/login"
    };
    Ok(redirect(&visit, to, None))
}

/// `GET /account`.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match Desk::of(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let visit = &desk.visit;
    let signed_in = visit.signed_in().ok_or(Trouble::ForeignForm)?;
    let granted = granted::of_user(ctx, &signed_in.user.id).await?;
    let sessions = session::of_user(ctx, &signed_in.user).await?;
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes());
    let done = params
        .as_ref()
        .ok()
        .and_then(|params| params.get("done").ok().flatten());
    let done = DONE.into_iter().find(|(name, _)| Some(*name) == done);
    let body = html! {
        @if let Some((_, text)) = done {
            p.notice.good role="status" { (visit.text(text)) }
        }
        dl {
            dt { (visit.text("name")) } dd { bdi { (signed_in.user.name) } }
            dt { (visit.text("email")) } dd { (signed_in.user.email) }
        }
        ul.links {
            li { a href="/account/password" { (visit.text("change_password")) } }
            li { a href="/account/totp" { (visit.text("totp")) } }
            li { a href="/account/tokens" { (visit.text("pat_heading")) } }
        }
        h2 { (visit.text("apps_heading")) }
        (apps(visit, &granted))
        h2 { (visit.text("sessions_heading")) }
        (rows_of_sessions(visit, signed_in, sessions.iter().map(|s| &s.value)))
    };
    Ok(desk.page(Part::Account, &[], visit.text("account"), body).show(visit))
}

/// `POST /account/apps`: an app loses its access.
pub async fn end_app(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(APPS)?;
    let signed_in = visit.signed_in().ok_or(Trouble::ForeignForm)?;
    let field = |name| fields.get(name).ok().flatten().ok_or(Trouble::BadForm);
    if !granted::revoke(ctx, &signed_in.user.id, field("organization")?, field("grant")?).await? {
        return Err(Trouble::NotFound);
    }
    Ok(redirect(&visit, "/account?done=app", None))
}

/// `POST /account/sessions`: one session ends, or all but this one.
pub async fn end_session(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(SESSIONS)?;
    let signed_in = visit.signed_in().ok_or(Trouble::ForeignForm)?;
    let user = &signed_in.user.id;
    match fields.get("session").map_err(|_| Trouble::BadForm)? {
        Some(id) => {
            session::end(ctx, user, id).await?;
        }
        None => {
            for other in session::all_of_user(ctx, user).await? {
                if other.id != signed_in.session.id {
                    session::end(ctx, user, &other.id).await?;
                }
            }
        }
    }
    Ok(redirect(&visit, "/account?done=session", None))
}

fn apps(visit: &Visit<'_>, granted: &[Granted]) -> Markup {
    html! {
        @if granted.is_empty() {
            p.quiet { (visit.text("apps_none")) }
        } @else {
            ul.rows {
                @for Granted { grant, app_name, organization_name, used_at } in granted {
                    li {
                        div.what {
                            h3 { bdi { (app_name) } }
                            p { bdi { (organization_name) } }
                            p.quiet { (titles(visit, &grant.scopes)) }
                            p.quiet {
                                (visit.text("since")) " " (day(grant.created_at)) " · "
                                @match used_at {
                                    Some(at) => { (visit.text("last_used")) " " (day(*at)) }
                                    None => { (visit.text("never_used")) }
                                }
                            }
                            @if grant.status == GrantStatus::NeedsConsent {
                                p { span.tag.high { (visit.text("needs_consent")) } }
                            }
                        }
                        form method="post" action="/account/apps" {
                            (visit.csrf(APPS))
                            input type="hidden" name="organization" value=(grant.organization);
                            input type="hidden" name="grant" value=(grant.id);
                            button.danger aria-label=(visit.fill("end_access_of", &[("app", app_name)])) {
                                (visit.text("end_access"))
                            }
                        }
                    }
                }
            }
        }
    }
}

pub fn titles(visit: &Visit<'_>, scopes: &[String]) -> String {
    let catalog = &visit.ctx.profile().scopes;
    let titles = scopes
        .iter()
        .map(|name| catalog.get(name).map_or(name.as_str(), |scope| &scope.title));
    titles.collect::<Vec<_>>().join(" · ")
}

fn rows_of_sessions<'s>(
    visit: &Visit<'_>,
    signed_in: &SignedIn,
    sessions: impl ExactSizeIterator<Item = &'s Session>,
) -> Markup {
    let others = sessions.len() > 1;
    html! {
        ul.rows {
            @for session in sessions {
                li {
                    div.what {
                        h3 { (browser(visit, &session.user_agent)) }
                        p.quiet {
                            (session.address) " · " (visit.text("last_used")) " " (moment(session.used_at))
                        }
                    }
                    @if session.id == signed_in.session.id {
                        span.tag { (visit.text("this_browser")) }
                    } @else {
                        form method="post" action="/account/sessions" {
                            (visit.csrf(SESSIONS))
                            input type="hidden" name="session" value=(session.id);
                            button.secondary { (visit.text("sign_out")) }
                        }
                    }
                }
            }
        }
        @if others {
            form.after method="post" action="/account/sessions" {
                (visit.csrf(SESSIONS))
                button.secondary { (visit.text("end_other_sessions")) }
            }
        }
    }
}

/// A browser's name out of what it calls itself, which begins with the names of its ancestors.
fn browser<'a>(visit: &Visit<'a>, user_agent: &'a str) -> &'a str {
    let known = ["Edg", "OPR", "Firefox", "Chrome", "Safari", "curl"];
    let name = known.into_iter().find(|name| user_agent.contains(&format!("{name}/")));
    match name {
        Some("Edg") => "Microsoft Edge",
        Some("OPR") => "Opera",
        Some(name) => name,
        None => visit.text("unknown_browser"),
    }
}

/// `2026-01-31`, in UTC.
pub fn day(at: Timestamp) -> Markup {
    let text = at.to_string();
    html! { time datetime=(text) { (text.get(..10).unwrap_or(&text)) } }
}

/// `2026-01-31 08:00 UTC`.
pub fn moment(at: Timestamp) -> Markup {
    let text = at.to_string();
    let shown = text.get(..16).map(|minute| format!("{} UTC", minute.replace('T', " ")));
    html! { time datetime=(text) { (shown.as_deref().unwrap_or(&text)) } }
}
