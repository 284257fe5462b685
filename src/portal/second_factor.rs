//! `/account/totp`: turning one-time codes on and off.

use super::page::{Page, redirect};
use super::problem::{self, Problem, present_password};
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use crate::account::second_factor::{self, Enrolment, NewFactor, Proof};
use crate::base::secret::Secret;
use crate::context::Context;
use crate::model::user::User;
use crate::store::keys;
use crate::store::records::load;
use crate::web::request::Request;
use crate::web::response::Response;
use maud::{Markup, html};
use qrcode::{Color, QrCode};

const ENROL: &str = "enrol_totp";
const DISABLE: &str = "disable_totp";

/// `GET /account/totp`: offers a seed where there is none. Nothing is stored before a code of it confirms it.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let Some(signed_in) = visit.signed_in() else {
        return Ok(redirect(&visit, "/login?next=/account/totp", None));
    };
    let user = &signed_in.user;
    Ok(match &user.totp {
        Some(totp) => disable_form(&visit, totp.recovery.len(), None),
        None => enrol_form(&visit, &second_factor::offer(ctx, user), None),
    })
}

/// `POST /account/totp`: on, with a code of the seed that was shown. The answer is the only place that ever has the
/// recovery codes, so it is no redirect.
pub async fn enrol(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(ENROL)?;
    let user = &visit.signed_in().ok_or(Trouble::ForeignForm)?.user;
    let field = |name| {
        fields
            .get(name)
            .map(Option::unwrap_or_default)
            .map_err(|_| Trouble::BadForm)
    };
    let new = NewFactor {
        sealed: field("seed")?,
        code: field("code")?,
        password: &Secret::new(field("password")?),
    };
    match second_factor::enrol(ctx, &user.id, new, request.peer).await {
        Ok(codes) => Ok(recovery_codes(&visit, &codes)),
        Err(refusal) => {
            let problem = Problem::of(&visit, refusal)?;
            let offered = second_factor::offered(ctx, user, field("seed")?).ok_or(Trouble::LinkGone)?;
            Ok(enrol_form(&visit, &offered, Some(&problem)))
        }
    }
}

/// `POST /account/totp/disable`.
pub async fn disable(ctx: &Context, request: &Request) -> Paged {
    let visit = Visit::of(ctx, request).await?;
    let fields = visit.form(DISABLE)?;
    let user = &visit.signed_in().ok_or(Trouble::ForeignForm)?.user;
    let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
    let password = Secret::new(field("password")?.unwrap_or_default());
    let proof = field("code")?.map_or(Proof::Password(&password), Proof::Code);
    match second_factor::disable(ctx, visit.texts, &user.id, proof, request.peer).await {
        Ok(()) => Ok(redirect(&visit, "/account?done=totp_off", None)),
        Err(refusal) => {
            let left = load::<User>(&*ctx.store, &keys::user(&user.id)).await?;
            let left = left
                .and_then(|user| user.value.totp)
                .map_or(0, |totp| totp.recovery.len());
            Ok(disable_form(&visit, left, Some(&Problem::of(&visit, refusal)?)))
        }
    }
}

fn enrol_form(visit: &Visit<'_>, offered: &Enrolment, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.text("totp_text")) }
        @if let Ok(code) = QrCode::new(offered.uri.as_bytes()) {
            (picture(&code, visit.text("totp_picture")))
        }
        p { (visit.text("totp_secret")) " " code { (groups_of_four(&offered.secret)) } }
        form method="post" action="/account/totp" {
            (visit.csrf(ENROL))
            input type="hidden" name="seed" value=(offered.sealed);
            label for="code" { (visit.text("totp_code")) }
            input #code type="text" name="code" inputmode="numeric" autocomplete="one-time-code" required;
            (present_password(visit))
            button.wide-button { (visit.text("totp_turn_on")) }
        }
        p { a href="/account" { (visit.text("back_to_account")) } }
    };
    problem::show(visit, visit.text("totp"), problem, form)
}

fn disable_form(visit: &Visit<'_>, recovery_left: usize, problem: Option<&Problem>) -> Response {
    let form = html! {
        p { (visit.fill("totp_is_on", &[("codes", &recovery_left.to_string())])) }
        p { (visit.text("totp_off_text")) }
        form method="post" action="/account/totp/disable" {
            (visit.csrf(DISABLE))
            label for="password" { (visit.text("present_password")) }
            input #password type="password" name="password" autocomplete="current-password";
            label for="code" { (visit.text("totp_or_code")) }
            input #code type="text" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false";
            button.danger { (visit.text("totp_turn_off")) }
        }
        p { a href="/account" { (visit.text("back_to_account")) } }
    };
    problem::show(visit, visit.text("totp"), problem, form)
}

fn recovery_codes(visit: &Visit<'_>, codes: &[String]) -> Response {
    let body = html! {
        p.notice.good role="status" { (visit.text("totp_done")) }
        p { (visit.text("totp_recovery_text")) }
        ul.codes {
            @for code in codes { li { code { (code) } } }
        }
        p { a href="/account" { (visit.text("back_to_account")) } }
    };
    Page::new(visit.text("totp"), body).show(visit)
}

fn groups_of_four(secret: &str) -> String {
    let chars: Vec<char> = secret.chars().collect();
    let groups = chars.chunks(4).map(|group| group.iter().collect::<String>());
    groups.collect::<Vec<_>>().join(" ")
}

/// Dark on light whatever the colours of the page, with the quiet zone that scanners need (ISO/IEC 18004 §9.1). One
/// path of squares; attributes, because the policy allows no inline style.
fn picture(code: &QrCode, label: &str) -> Markup {
    const QUIET: usize = 4;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET));
        }
    }
    let side = width + 2 * QUIET;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label=(label) width="240" height="240"
            viewBox=(format!("0 0 {side} {side}")) shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}
