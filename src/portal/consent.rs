//! The consent page and `POST /consent`: who asks, for what, on whose behalf (OAuth 2.1 §7.3, §7.9).
//!
//! It is shown every time, however often the same app was approved: nothing proves that the request is the app's.

use super::asking::ASK;
use super::authorize::{refused, satisfies, send};
use super::choices::{self, Choice};
use super::page::{Page, redirect};
use super::session::{self, SignedIn};
use super::trouble::{Paged, Trouble};
use super::visit::Visit;
use super::{app_card, next};
use crate::config::Risk;
use crate::context::Context;
use crate::model::session::Session;
use crate::oauth::authorize::{self, Approval, AuthorizationRequest, Refusal};
use crate::oauth::params::Params;
use crate::store::Batch;
use crate::web::request::Request;
use crate::web::response::Response;
use http::StatusCode;
use maud::{Markup, html};

pub const FORM: &str = "consent";

/// What a form of the page was shown for.
pub struct Open {
    pub signed_in: SignedIn,
    pub query: String,
    pub asking: AuthorizationRequest,
}

/// The request that the form carries, judged anew and in full: what the page showed may have changed since. Where it
/// cannot go on, the answer that says so.
pub async fn reopened(visit: &mut Visit<'_>, fields: &Params<'_>) -> Result<Result<Open, Box<Response>>, Trouble> {
    let ctx = visit.ctx;
    let Some(signed_in) = visit.signed_in().cloned() else {
        return Err(Trouble::ForeignForm);
    };
    let query = fields.get("request").map_err(|_| Trouble::BadForm)?;
    let query = next::ascii(query.ok_or(Trouble::BadForm)?);
    let asking = match authorize::read(ctx, &query, ctx.now()).await {
        Ok(asking) => asking,
        Err(Refusal::Page(error)) => return Ok(Err(Box::new(refused(visit, &error)))),
        Err(Refusal::Redirect(response)) => return Ok(Err(Box::new(send(visit, &response, None)))),
    };
    visit.prefer(asking.asked.ui_locales.as_deref());
    if asking.asked.prompt.none || !satisfies(ctx, &asking, &signed_in, &query) {
        return Ok(Err(Box::new(redirect(visit, &address(&query), None))));
    }
    Ok(Ok(Open {
        signed_in,
        query: query.into_owned(),
        asking,
    }))
}

/// Where the page of this request stands.
pub fn address(query: &str) -> String {
    format!("{}?{query}", next::AUTHORIZE)
}

/// `POST /consent`.
pub async fn post(ctx: &Context, request: &Request) -> Paged {
    let mut visit = Visit::of(ctx, request).await?;
    let fields = visit.form(FORM)?;
    let Open {
        signed_in,
        query,
        asking,
    } = match reopened(&mut visit, &fields).await? {
        Ok(open) => open,
        Err(answer) => return Ok(*answer),
    };
    let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
    // Nobody approves what the page did not show: a request that names no scopes means whatever the app has now.
    let shown = field("app")? == Some(&asking.app.version.0.to_string());
    if field("decision")? == Some("approve") && !shown {
        return Ok(redirect(&visit, &address(&query), None));
    }
    match (field("decision")?, field("organization")?) {
        (Some("deny"), _) => Ok(match authorize::deny(ctx, &asking).await {
            Ok(response) => send(&visit, &response, None),
            Err(error) => refused(&visit, &error),
        }),
        (Some("approve"), Some(organization)) => approve(&visit, &asking, &signed_in, organization).await,
        (Some("approve"), None) => {
            let problem = visit.text("choose_first");
            show(&visit, &asking, &signed_in, &query, Some(problem)).await
        }
        _ => Err(Trouble::BadForm),
    }
}

/// The session gets another secret in the batch of the approval, and the sign-in is used up for this request.
async fn approve(visit: &Visit<'_>, asking: &AuthorizationRequest, signed_in: &SignedIn, organization: &str) -> Paged {
    let ctx = visit.ctx;
    let fresh = session::rotated(ctx, &signed_in.session);
    let session = Session {
        organization: Some(organization.to_owned()),
        signed_in_for: None,
        ..fresh.session
    };
    let mut batch = Batch::new();
    batch.replace(&signed_in.session, &session)?;
    let approval = Approval {
        user: signed_in.user.id.clone(),
        organization: organization.to_owned(),
        session: batch,
    };
    Ok(match authorize::approve(ctx, asking, approval).await {
        Ok(response) => send(visit, &response, Some(&fresh.cookie)),
        Err(error) => refused(visit, &error),
    })
}

/// The page.
pub async fn show(
    visit: &Visit<'_>,
    asking: &AuthorizationRequest,
    signed_in: &SignedIn,
    query: &str,
    problem: Option<&str>,
) -> Paged {
    let ctx = visit.ctx;
    let choices = choices::of(ctx, asking, &signed_in.user.id).await?;
    let possible = choices.iter().any(Choice::possible);
    let other = form_urlencoded::Serializer::new(String::new())
        .append_pair("other", "1")
        .append_pair("next", &address(query))
        .finish();
    let body = html! {
        @if let Some(problem) = problem {
            p.notice.danger role="alert" { (problem) }
        }
        (app_card::card(visit, &asking.app).await?)
        @if choices.iter().any(|choice| choice.askable(ctx)) {
            // Its buttons stand with the organizations: in the form itself, Enter would press the first of them.
            form id=(ASK) method="post" action="/consent/ask" {
                (visit.csrf(ASK))
                input type="hidden" name="request" value=(query);
            }
        }
        form method="post" action="/consent" {
            (visit.csrf(FORM))
            input type="hidden" name="request" value=(query);
            input type="hidden" name="app" value=(asking.app.version.0);
            h2 { (visit.text("consent_scopes")) }
            (scopes(visit, &asking.asked.scopes))
            (choices::fields(visit, asking, &choices, signed_in.session.organization.as_deref()))
            (app_card::destination(visit, asking.address.redirect_uri.as_str()))
            p.quiet {
                (visit.fill("signed_in_as", &[("email", &signed_in.user.email)])) " "
                a href=(format!("/login?{other}")) { (visit.text("use_another_account")) }
            }
            div.choices {
                @if possible {
                    button name="decision" value="approve" { (visit.text("approve")) }
                }
                // Whoever says no need not choose for whom.
                button.secondary name="decision" value="deny" formnovalidate { (visit.text("deny")) }
            }
        }
    };
    let status = if problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    Ok(Page::new(visit.text("consent_heading"), body)
        .with_status(status)
        .in_flow()
        .show(visit))
}

/// Scopes as the catalog says them to people.
pub fn scopes(visit: &Visit<'_>, names: &[String]) -> Markup {
    let catalog = &visit.ctx.profile().scopes;
    html! {
        ul.scopes {
            @for scope in names.iter().filter_map(|name| catalog.get(name)) {
                li {
                    span {
                        (scope.sentence(visit.language()))
                        @if scope.risk == Risk::High {
                            " " span.tag.high { (visit.text("sensitive")) }
                        }
                    }
                }
            }
        }
    }
}
