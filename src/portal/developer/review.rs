//! `/developer/apps/{client_id}/review`: handing an app in as it is, and taking it back while it waits.

use super::frame::AppDesk;
use super::scopes::titles;
use crate::context::Context;
use crate::model::app::AppState;
use crate::model::review::withdraw;
use crate::platform::apps::{self, withdrawal};
use crate::platform::rights::Right;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const FORM: &str = "app_review";

/// What can be done about its review now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    Submit,
    Withdraw,
}

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let (title, text, step) = match page.step().await?.ok_or(Trouble::NotFound)? {
        Step::Submit => ("developer_submit", submitting(&page), "submit"),
        Step::Withdraw => ("developer_withdraw", withdrawing(&page), "withdraw"),
    };
    let visit = &page.desk.visit;
    let body = html! {
        (text)
        form.long method="post" action=(page.address("/review")) {
            (visit.csrf(FORM))
            div.choices {
                button name="do" value=(step) { (visit.text(title)) }
                a href=(page.address("")) { (visit.text("developer_back")) }
            }
        }
    };
    Ok(page.show_aside(visit.text(title), StatusCode::OK, body))
}

/// `POST`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(FORM)?;
    let done = match fields.get("do") {
        Ok(Some("submit")) => {
            apps::submit(ctx, &page.desk.actor, client_id).await?;
            "?done=submitted"
        }
        Ok(Some("withdraw")) => {
            withdrawal::withdraw(ctx, &page.desk.actor, client_id).await?;
            "?done=withdrawn"
        }
        _ => return Err(Trouble::BadForm),
    };
    Ok(redirect(&page.desk.visit, &page.address(done), None))
}

fn submitting(page: &AppDesk<'_>) -> Markup {
    html! { p { (page.desk.text("developer_submit_text")) } }
}

/// What it comes to depends on what was before.
fn withdrawing(page: &AppDesk<'_>) -> Markup {
    let now = page.access.case();
    let waits = now.app.state == AppState::PendingReview;
    let then = withdraw(now).app;
    let text = match then.state {
        AppState::Active if waits => {
            let scopes = titles(page, &then.scopes);
            page.desk.fill("developer_withdraw_active", &[("scopes", &scopes)])
        }
        AppState::Draft => page.desk.text("developer_withdraw_draft").to_owned(),
        AppState::ChangesRequested | AppState::Rejected => page.desk.text("developer_withdraw_back").to_owned(),
        _ => page.desk.text("developer_withdraw_staged").to_owned(),
    };
    html! { p.notice.warning { (text) } }
}

impl AppDesk<'_> {
    /// `None`: the app is as far as it can be, or lacks something.
    pub async fn step(&self) -> Result<Option<Step>, Trouble> {
        let (ctx, case) = (self.desk.ctx(), self.access.case());
        if !self.may(Right::ChangeApp) {
            return Ok(None);
        }
        if apps::waiting(ctx, &case).await?.is_some() {
            return Ok(Some(Step::Withdraw));
        }
        let complete = ctx.profile().review.missing(&case).is_empty();
        Ok((complete && apps::can_be_submitted(&case)).then_some(Step::Submit))
    }
}
