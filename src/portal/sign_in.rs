//! `GET|POST /login`: the sign-in form, which the authorization endpoint also shows at its own address.

use super::next;
use super::page::{Page, redirect};
use super::session;
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::account::{Refusal, second_factor};
use crate::base::password;
use crate::base::secret::Secret;
use crate::config::SignUp;
use crate::context::Context;
use crate::model::counts::Limit;
use crate::model::event::{Event, EventKind};
use crate::model::user::User;
use crate::oauth::authorize::{self, AuthorizationRequest};
use crate::oauth::params::Params;
use crate::store::records::{Versioned, load_by_index};
use crate::store::{Batch, Outcome, keys};
use crate::web::request::Request;
use crate::web::response::{Response, retry_after_s};
use http::StatusCode;
use http::header::RETRY_AFTER;
use maud::{Markup, html};

const FORM: &str = "sign_in";
const HOME: &str = "/account";
const HINT_CHARS_MAX: usize = 200;

/// What the form is shown with.
#[derive(Default)]
pub struct Shown<'a> {
    /// Where to go afterwards: checked by [`next::local`].
    pub next: &'a str,
    /// The address to begin with.
    pub email: &'a str,
    /// Who asked for the sign-in.
    pub request: Option<&'a AuthorizationRequest>,
    pub problem: Option<String>,
    pub status: StatusCode,
}

/// `GET /login`; `other` asks for the form even where somebody is signed in.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let mut visit = Visit::of(ctx, request).await?;
    let query = request.query.as_deref().unwrap_or_default();
    let params = Params::parse(query.as_bytes()).map_err(|_| Trouble::BadForm)?;
    let asked = |name| params.get(name).map_err(|_| Trouble::BadForm);
    let next = asked("next")?.and_then(|next| next::local(ctx, next)).unwrap_or(HOME);
    if visit.signed_in().is_some() && asked("other")?.is_none() {
        return Ok(redirect(&visit, next, None));
    }
    let asking = asking(ctx, next).await;
    visit.prefer(asking.as_ref().and_then(|asking| asking.asked.ui_locales.as_deref()));
    let shown = Shown {
        next,
        request: asking.as_ref(),
        ..Shown::default()
    };
    Ok(form(&visit, &shown))
}

/// `POST /login`.
pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let mut visit = Visit::of(ctx, request).await?;
    let fields = visit.form(FORM)?;
    let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
    let next = field("next")?.and_then(|next| next::local(ctx, next)).unwrap_or(HOME);
    let attempt = Attempt {
        email: field("email")?.unwrap_or_default().trim(),
        password: Secret::new(field("password")?.unwrap_or_default()),
        code: field("totp")?,
    };
    let (status, problem, wait) = match attempt.judge(ctx, request).await? {
        Judged::Good(user) => return signed_in(&visit, &user, &attempt.password, next).await,
        Judged::Wrong => (
            StatusCode::UNPROCESSABLE_ENTITY,
            visit.text("wrong_credentials").to_owned(),
            None,
        ),
        Judged::Wait(seconds) => {
            let seconds = seconds.to_string();
            let problem = visit.fill("too_many_attempts", &[("seconds", &seconds)]);
            (StatusCode::TOO_MANY_REQUESTS, problem, Some(seconds))
        }
    };
    let asking = asking(ctx, next).await;
    visit.prefer(asking.as_ref().and_then(|asking| asking.asked.ui_locales.as_deref()));
    let response = form(
        &visit,
        &Shown {
            next,
            email: attempt.email,
            request: asking.as_ref(),
            problem: Some(problem),
            status,
        },
    );
    Ok(match wait {
        Some(seconds) => response.with_value(RETRY_AFTER, &seconds),
        None => response,
    })
}

/// The authorization request that waits behind the sign-in, if one does.
async fn asking(ctx: &Context, next: &str) -> Option<AuthorizationRequest> {
    authorize::read(ctx, next::query_of_authorization(next)?, ctx.now())
        .await
        .ok()
}

/// What somebody typed.
struct Attempt<'a> {
    email: &'a str,
    password: Secret,
    code: Option<&'a str>,
}

enum Judged {
    Good(Box<Checked>),
    /// Whatever was wrong: one answer for all of it.
    Wrong,
    /// Seconds.
    Wait(u64),
}

/// A user who showed password and second factor.
struct Checked {
    old: Versioned<User>,
    /// With the one-time code used up.
    new: User,
}

impl Attempt<'_> {
    /// Unknown and disabled users, wrong passwords and wrong codes cost the same work and get the same answer.
    async fn judge(&self, ctx: &Context, request: &Request) -> Result<Judged, Trouble> {
        let user = if User::valid_email(self.email) {
            load_by_index::<User>(&*ctx.store, &keys::email(self.email)).await?
        } else {
            None
        };
        let principal = user
            .as_ref()
            .map_or_else(|| self.email.to_lowercase(), |user| user.id.clone());
        let principal = principal.as_str();
        let blocked = || {
            let wait = ctx.held_back(Limit::Failures, ctx.limiter.blocked(principal, request.peer, ctx.now()))?;
            Some(Judged::Wait(retry_after_s(wait)))
        };
        if let Some(wait) = blocked() {
            return Ok(wait);
        }
        let phc = user.as_ref().and_then(|user| user.password.as_deref());
        let matches = match phc {
            Some(phc) => ctx.passwords.verify(&self.password, phc).await,
            None => ctx.passwords.verify_nobody(&self.password).await.map(|()| false),
        };
        let matches = matches.map_err(|busy| Trouble::Busy(busy.retry_after_s.into()))?;
        // Those who were looked at meanwhile count too: guesses in flight together are no more than guesses in a row.
        if let Some(wait) = blocked() {
            return Ok(wait);
        }
        match user.filter(|user| matches && !user.disabled) {
            Some(old) => match second_factor::check(ctx, &old, self.code).await {
                Ok(new) => return Ok(Judged::Good(Box::new(Checked { old, new }))),
                Err(Refusal::Store(error)) => return Err(error.into()),
                // Too many wrong codes is one more way to be wrong: the password is nobody's to learn.
                Err(_) => {}
            },
            None => second_factor::pretend(ctx).await?,
        }
        ctx.limiter.failed(principal, request.peer, ctx.now());
        log::info!("request {}: a sign-in failed", request.id);
        Ok(Judged::Wrong)
    }
}

/// A new session in place of whatever this browser had, and on to where the user wanted to go.
async fn signed_in(visit: &Visit<'_>, user: &Checked, password: &Secret, next: &str) -> Paged {
    let ctx = visit.ctx;
    let Checked { old, new } = user;
    let mut new = new.clone();
    if new.password.as_deref().is_some_and(password::needs_rehash)
        && let Ok(hash) = ctx.passwords.hash(password).await
    {
        new.password = Some(hash);
    }
    if new.language.as_deref() != Some(visit.language()) {
        new.language = Some(visit.language().to_owned());
    }
    let fresh = session::begin(ctx, visit.request, &new, next::query_of_authorization(next)).await?;
    let mut batch = Batch::new();
    if (&new.password, &new.totp, &new.language) == (&old.password, &old.totp, &old.language) {
        batch.require(old);
    } else {
        batch.replace(old, &new)?;
    }
    batch.insert(&fresh.session)?;
    batch.insert(&Event {
        user: Some(new.id.clone()),
        ..Event::new(EventKind::SignedIn, ctx.now(), &*ctx.random)
    })?;
    if ctx.store.commit(batch).await? == Outcome::Conflict {
        return Err(Trouble::Conflict);
    }
    if let Some(before) = visit.signed_in() {
        session::end(ctx, &before.user.id, &before.session.id).await?;
    }
    session::make_room(ctx, &new).await?;
    Ok(redirect(visit, next, Some(&fresh.cookie)))
}

/// The page with the form.
pub fn form(visit: &Visit<'_>, shown: &Shown<'_>) -> Response {
    let app = shown.request.map(|request| request.app.name.as_str());
    let email: String = shown.email.chars().take(HINT_CHARS_MAX).collect();
    let body = html! {
        @if let Some(app) = app {
            p { (visit.fill("sign_in_for", &[("app", app)])) }
        }
        @if let Some(problem) = &shown.problem {
            p.notice.danger role="alert" { (problem) }
        }
        form method="post" action="/login" {
            (visit.csrf(FORM))
            input type="hidden" name="next" value=(shown.next);
            (fields(visit, &email, shown.problem.is_some()))
            button.wide-button { (visit.text("sign_in")) }
        }
        ul.links.below {
            li { a href="/password/forgot" { (visit.text("forgot_password")) } }
            @if visit.ctx.config.sign_up == SignUp::Open {
                li { a href="/sign-up" { (visit.text("sign_up")) } }
            }
            // Not for an app's users on their way through.
            @if visit.ctx.profile().access_requests && shown.request.is_none() {
                li { a href="/access-requests/new" { (visit.text("requests_new")) } }
            }
        }
    };
    Page::new(visit.text("sign_in"), body)
        .with_status(shown.status)
        .in_flow()
        .show(visit)
}

fn fields(visit: &Visit<'_>, email: &str, failed: bool) -> Markup {
    html! {
        label for="email" { (visit.text("email")) }
        input #email type="email" name="email" value=(email) autocomplete="username" required
            autocapitalize="none" spellcheck="false" autofocus[email.is_empty()];
        label for="password" { (visit.text("password")) }
        input #password type="password" name="password" autocomplete="current-password" required
            autofocus[!email.is_empty()];
        // Out of the way of those who have none; open where the first try failed, perhaps for want of it.
        details open[failed] {
            summary { (visit.text("have_one_time_code")) }
            label for="totp" { (visit.text("one_time_code")) }
            input #totp type="text" name="totp" autocomplete="one-time-code" autocapitalize="none" spellcheck="false"
                aria-describedby="totp-hint";
            p.hint #totp-hint { (visit.text("one_time_code_hint")) }
        }
    }
}
