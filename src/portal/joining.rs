//! `/invitation`, `/sign-up` and `/sign-up/confirm`.

use super::page::redirect;
use super::passwords::{asked, hopeless};
use super::problem::{self, Problem, new_password, tell};
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::account::joining::{self, Invitation};
use crate::base::secret::Secret;
use crate::config::SignUp;
use crate::context::Context;
use crate::web::request::Request;
use crate::web::response::Response;
use form_urlencoded::byte_serialize;
use maud::{Markup, html};

const INVITATION: &str = "invitation";
const SIGN_UP: &str = "sign_up";
const CONFIRM: &str = "confirm_sign_up";

/// `GET /invitation`: says who invites whom, and changes nothing.
pub async fn invitation(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let token = asked(request, "link")?.unwrap_or_default();
    match joining::invitation(ctx, &token).await {
        Ok(invitation) => Ok(invitation_page(&visit, &token, &invitation, "", None)),
        Err(refusal) => Err(hopeless(&visit, refusal)),
    }
}

/// `POST /invitation`: who is signed in joins, or whoever has no account yet makes one.
pub async fn post_invitation(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(INVITATION)?;
    let field = |name| {
        fields
            .get(name)
            .map(Option::unwrap_or_default)
            .map_err(|_| Trouble::BadForm)
    };
    let (token, name) = (field("link")?, field("name")?);
    let invited = joining::invitation(ctx, token).await;
    let invited = invited.map_err(|refusal| hopeless(&visit, refusal))?;
    let (done, next) = if invited.user.is_some() {
        let signed_in = visit.signed_in().map_or("", |signed_in| signed_in.user.id.as_str());
        (joining::accept(ctx, token, signed_in).await, "/account?done=joined")
    } else {
        let password = Secret::new(field("new_password")?);
        (
            joining::accept_as_new(ctx, token, name, &password).await,
            "/login?other=yes",
        )
    };
    match done {
        Ok(()) => Ok(redirect(&visit, next, None)),
        Err(refusal) => {
            let problem = Problem::of(&visit, refusal)?;
            Ok(invitation_page(&visit, token, &invited, name, Some(&problem)))
        }
    }
}

fn invitation_page(
    visit: &Visit<'_>,
    token: &str,
    invitation: &Invitation,
    name: &str,
    problem: Option<&Problem>,
) -> Response {
    let role = visit.text(match invitation.role.as_str() {
        "owner" => "role_owner",
        "admin" => "role_admin",
        "developer" => "role_developer",
        _ => "role_member",
    });
    let email = invitation.email.as_str();
    let form = html! {
        p { bdi { (invitation.organization.name) } }
        p { (visit.fill("invitation_text", &[("email", email), ("role", role)])) }
        @match (&invitation.user, visit.signed_in()) {
            (Some(user), Some(signed_in)) if user.id == signed_in.user.id => {
                form method="post" action="/invitation" {
                    (visit.csrf(INVITATION))
                    input type="hidden" name="link" value=(token);
                    button.wide-button { (visit.text("join")) }
                }
            }
            (Some(_), signed_in) => {
                @if let Some(signed_in) = signed_in {
                    p { (visit.fill("signed_in_as", &[("email", &signed_in.user.email)])) }
                }
                p { (visit.text("invitation_other_account")) }
                p { a href=(sign_in_first(token)) { (visit.text("sign_in")) } }
            }
            (None, _) if visit.ctx.config.sign_up == SignUp::Closed => p { (visit.text("invitation_closed")) },
            (None, _) => (account_form(visit, "/invitation", INVITATION, token, name)),
        }
    };
    problem::show(visit, visit.text("invitation"), problem, form)
}

fn sign_in_first(token: &str) -> String {
    let token: String = byte_serialize(token.as_bytes()).collect();
    let next: String = byte_serialize(format!("/invitation?link={token}").as_bytes()).collect();
    format!("/login?other=yes&next={next}")
}

fn account_form(visit: &Visit<'_>, action: &str, form: &str, token: &str, name: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            (visit.csrf(form))
            input type="hidden" name="link" value=(token);
            label for="name" { (visit.text("your_name")) }
            input #name type="text" name="name" value=(name) autocomplete="name" required;
            (new_password(visit))
            button.wide-button { (visit.text("make_account")) }
        }
    }
}

/// `GET /sign-up`.
pub async fn sign_up(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let title = visit.text("sign_up");
    let to_sign_in = ("/login", visit.text("sign_in"));
    match ctx.config.sign_up {
        SignUp::Open if asked(request, "done")?.is_some() => {
            tell(&visit, title, visit.text("sign_up_done"), to_sign_in)
        }
        SignUp::Open => Ok(sign_up_form(&visit, "", None)),
        SignUp::Invite => tell(&visit, title, visit.text("sign_up_by_invitation"), to_sign_in),
        SignUp::Closed => Err(Trouble::NotFound),
    }
}

/// `POST /sign-up`: the same answer, in the same time, whoever has an account.
pub async fn post_sign_up(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(SIGN_UP)?;
    let email = fields
        .get("email")
        .map_err(|_| Trouble::BadForm)?
        .unwrap_or_default()
        .trim();
    match joining::ask_sign_up(ctx, visit.texts, email, request.peer).await {
        Ok(()) => Ok(redirect(&visit, "/sign-up?done=yes", None)),
        Err(refusal) => Ok(sign_up_form(&visit, email, Some(&Problem::of(&visit, refusal)?))),
    }
}

fn sign_up_form(visit: &Visit<'_>, email: &str, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.text("sign_up_text")) }
        form method="post" action="/sign-up" {
            (visit.csrf(SIGN_UP))
            (problem::email(visit, email))
            button.wide-button { (visit.text("send_link")) }
        }
        p { a href="/login" { (visit.text("sign_in")) } }
    };
    problem::show(visit, visit.text("sign_up"), problem, form)
}

/// `GET /sign-up/confirm`.
pub async fn confirm(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let token = asked(request, "link")?.unwrap_or_default();
    match joining::signing_up(ctx, &token).await {
        Ok((_, email)) => Ok(confirm_form(&visit, &token, &email, "", None)),
        Err(refusal) => Err(hopeless(&visit, refusal)),
    }
}

/// `POST /sign-up/confirm`.
pub async fn post_confirm(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(CONFIRM)?;
    let field = |name| {
        fields
            .get(name)
            .map(Option::unwrap_or_default)
            .map_err(|_| Trouble::BadForm)
    };
    let (token, name, password) = (field("link")?, field("name")?, Secret::new(field("new_password")?));
    let refusal = match joining::sign_up(ctx, token, name, &password).await {
        Ok(()) => return Ok(redirect(&visit, "/login?other=yes", None)),
        Err(refusal) => refusal,
    };
    let problem = Problem::of(&visit, refusal)?;
    match joining::signing_up(ctx, token).await {
        Ok((_, email)) => Ok(confirm_form(&visit, token, &email, name, Some(&problem))),
        Err(refusal) => Err(hopeless(&visit, refusal)),
    }
}

fn confirm_form(visit: &Visit<'_>, token: &str, email: &str, name: &str, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.fill("sign_up_confirm_text", &[("email", email)])) }
        (account_form(visit, "/sign-up/confirm", CONFIRM, token, name))
    };
    problem::show(visit, visit.text("sign_up"), problem, form)
}
