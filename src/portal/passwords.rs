//! `/password/forgot`, `/password/reset` and `/account/password`.

use super::page::redirect;
use super::problem::{self, Problem, new_password, present_password, tell};
use super::session;
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::account::{self, Refusal, passwords};
use crate::base::secret::Secret;
use crate::context::Context;
use crate::oauth::params::Params;
use crate::web::request::Request;
use crate::web::response::Response;
use maud::html;

const FORGOT: &str = "forgot_password";
const RESET: &str = "reset_password";
const CHANGE: &str = "change_password";

/// `GET /password/forgot`.
pub async fn forgot(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let title = visit.text("forgot_password");
    if ctx.config.mail.is_none() {
        return tell(
            &visit,
            title,
            visit.text("forgot_without_mail"),
            ("/login", visit.text("sign_in")),
        );
    }
    if asked(request, "done")?.is_some() {
        return tell(
            &visit,
            title,
            visit.text("forgot_done"),
            ("/login", visit.text("sign_in")),
        );
    }
    Ok(forgot_form(&visit, "", None))
}

/// `POST /password/forgot`: the same answer, in the same time, whoever has an account.
pub async fn post_forgot(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(FORGOT)?;
    if ctx.config.mail.is_none() {
        return Err(Trouble::NotFound);
    }
    let email = fields
        .get("email")
        .map_err(|_| Trouble::BadForm)?
        .unwrap_or_default()
        .trim();
    match passwords::ask_reset(ctx, visit.texts, email, request.peer).await {
        Ok(()) => Ok(redirect(&visit, "/password/forgot?done=yes", None)),
        Err(refusal) => Ok(forgot_form(&visit, email, Some(&Problem::of(&visit, refusal)?))),
    }
}

fn forgot_form(visit: &Visit<'_>, email: &str, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.text("forgot_text")) }
        form method="post" action="/password/forgot" {
            (visit.csrf(FORGOT))
            (problem::email(visit, email))
            button.wide-button { (visit.text("send_link")) }
        }
    };
    problem::show(visit, visit.text("forgot_password"), problem, form)
}

/// `GET /password/reset`: looks at the link and changes nothing, so that a mail scanner that follows it does no harm.
pub async fn reset(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    if asked(request, "done")?.is_some() {
        let title = visit.text("choose_password");
        return tell(
            &visit,
            title,
            visit.text("done_password"),
            ("/login", visit.text("sign_in")),
        );
    }
    let token = asked(request, "link")?.unwrap_or_default();
    match passwords::of_reset_link(ctx, &token).await {
        Ok((_, user)) => Ok(reset_form(&visit, &token, &user.email, None)),
        Err(refusal) => Err(hopeless(&visit, refusal)),
    }
}

/// `POST /password/reset`.
pub async fn post_reset(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(RESET)?;
    let field = |name| {
        fields
            .get(name)
            .map(Option::unwrap_or_default)
            .map_err(|_| Trouble::BadForm)
    };
    let (token, password) = (field("link")?, Secret::new(field("new_password")?));
    let refusal = match passwords::reset(ctx, visit.texts, token, &password).await {
        Ok(()) => return Ok(redirect(&visit, "/password/reset?done=yes", None)),
        Err(refusal) => refusal,
    };
    let problem = Problem::of(&visit, refusal)?;
    match passwords::of_reset_link(ctx, token).await {
        Ok((_, user)) => Ok(reset_form(&visit, token, &user.email, Some(&problem))),
        Err(refusal) => Err(hopeless(&visit, refusal)),
    }
}

fn reset_form(visit: &Visit<'_>, token: &str, email: &str, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.fill("choose_password_for", &[("email", email)])) }
        form method="post" action="/password/reset" {
            (visit.csrf(RESET))
            input type="hidden" name="link" value=(token);
            (new_password(visit))
            button.wide-button { (visit.text("save_password")) }
        }
    };
    problem::show(visit, visit.text("choose_password"), problem, form)
}

/// `GET /account/password`.
pub async fn change(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    if visit.signed_in().is_none() {
        return Ok(redirect(&visit, "/login?next=/account/password", None));
    }
    Ok(change_form(&visit, None))
}

/// `POST /account/password`: every other session ends, and so does whatever acts as the user.
pub async fn post_change(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(CHANGE)?;
    let signed_in = visit.signed_in().ok_or(Trouble::ForeignForm)?;
    let field = |name| {
        fields
            .get(name)
            .map(Option::unwrap_or_default)
            .map_err(|_| Trouble::BadForm)
    };
    let (old, new) = (Secret::new(field("password")?), Secret::new(field("new_password")?));
    let changed = passwords::change(ctx, visit.texts, &signed_in.user.id, (&old, &new), request.peer).await;
    let (mut batch, user) = match changed {
        Ok(changed) => changed,
        Err(refusal) => return Ok(change_form(&visit, Some(&Problem::of(&visit, refusal)?))),
    };
    let fresh = session::begin(ctx, request, &user, None).await?;
    batch.insert(&fresh.session)?;
    if !account::commit(ctx, batch).await? {
        return Err(Trouble::Conflict);
    }
    Ok(redirect(&visit, "/account?done=password", Some(&fresh.cookie)))
}

fn change_form(visit: &Visit<'_>, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.text("change_password_text")) }
        form method="post" action="/account/password" {
            (visit.csrf(CHANGE))
            (present_password(visit))
            (new_password(visit))
            button.wide-button { (visit.text("save_password")) }
        }
        p { a href="/account" { (visit.text("back_to_account")) } }
    };
    problem::show(visit, visit.text("change_password"), problem, form)
}

/// A parameter of the query.
pub(super) fn asked(request: &Request, name: &'static str) -> Result<Option<String>, Trouble> {
    let query = request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).map_err(|_| Trouble::BadForm)?;
    let value = params.get(name).map_err(|_| Trouble::BadForm)?;
    Ok(value.map(str::to_owned))
}

/// Where there is no form to show the problem on.
pub(super) fn hopeless(visit: &Visit<'_>, refusal: Refusal) -> Trouble {
    Problem::of(visit, refusal).err().unwrap_or(Trouble::LinkGone)
}
