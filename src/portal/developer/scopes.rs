//! `/developer/apps/{client_id}/scopes`: what the app asks for, and why. The second step of a new app.

use super::fields::{entered, sentence, summary};
use super::frame::{AppDesk, Tab};
use crate::config::{Risk, Scope};
use crate::context::Context;
use crate::model::app::{AppState, Kind};
use crate::model::dossier::REASON_CHARS_MAX;
use crate::model::review::ScopeChange;
use crate::oauth::params::Params;
use crate::platform::apps::scopes::{self, Wish};
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::Right;
use crate::portal::page::redirect;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};

const FORM: &str = "app_scopes";

/// `GET`.
pub async fn get(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let dossier = page.access.dossier();
    let wishes: Vec<Wish> = dossier
        .wanted
        .iter()
        .map(|scope| Wish {
            scope: scope.clone(),
            why: dossier.reason(scope).to_owned(),
        })
        .collect();
    let second_step = request.query.as_deref() == Some("step=2");
    show(&page, &wishes, &[], second_step)
}

/// `POST`.
pub async fn post(ctx: &Context, request: &Request, client_id: &str) -> Paged {
    let page = match AppDesk::of(ctx, request, client_id, Right::ChangeApp).await? {
        Ok(page) => page,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = page.desk.visit.form(FORM)?;
    let wishes = wishes(&fields, ctx)?;
    let second_step = entered(&fields, "step")? == "2";
    match scopes::set(ctx, &page.desk.actor, client_id, &wishes).await {
        Ok(_) => Ok(redirect(&page.desk.visit, &page.address("?done=scopes"), None)),
        Err(Refusal::Invalid(faults)) => show(&page, &wishes, &faults, second_step),
        Err(Refusal::State(key)) => show(&page, &wishes, &[Fault::new("scopes", key)], second_step),
        Err(other) => Err(other.into()),
    }
}

/// The ticked scopes; each has its reason in the field of its place in the catalog.
fn wishes(fields: &Params<'_>, ctx: &Context) -> Result<Vec<Wish>, Trouble> {
    let mut wishes = Vec::new();
    for scope in fields.all("scope") {
        let place = ctx.profile().scopes.names().position(|name| name == scope);
        let why = place.and_then(|place| fields.all(&format!("why_{place}")).next());
        wishes.push(Wish {
            scope: scope.to_owned(),
            why: why.unwrap_or_default().to_owned(),
        });
    }
    Ok(wishes)
}

fn show(page: &AppDesk<'_>, wishes: &[Wish], faults: &[Fault], second_step: bool) -> Paged {
    if page.app().kind == Kind::ResourceServer {
        return Err(Trouble::NotFound);
    }
    let visit = &page.desk.visit;
    let general = faults.iter().filter(|fault| fault.field == "scopes");
    let body = html! {
        @if second_step {
            ol.steps {
                li { (visit.text("developer_step_details")) }
                li aria-current="step" { (visit.text("developer_step_scopes")) }
            }
        }
        (summary(visit, faults))
        @for fault in general {
            p.notice.danger role="alert" { (sentence(visit, fault)) }
        }
        (warning(page))
        p { (visit.text("developer_scopes_text")) }
        form.long method="post" action=(page.address("/scopes")) {
            (visit.csrf(FORM))
            @if second_step { input type="hidden" name="step" value="2"; }
            @for (place, scope) in page.desk.ctx().profile().scopes.iter().enumerate() {
                (row(page, place, scope, wishes, faults))
            }
            div.choices {
                button { (visit.text(button(page))) }
            }
        }
    };
    let status = if faults.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    Ok(page.show(Tab::Scopes, status, body))
}

/// What saving does to an app that is in use.
fn warning(page: &AppDesk<'_>) -> Markup {
    let app = page.app();
    let key = match (app.kind, app.state) {
        (Kind::Public, AppState::Active) => match page.desk.ctx().profile().review.scope_change {
            ScopeChange::Revoke => "developer_scopes_revoke",
            ScopeChange::Stage => "developer_scopes_stage",
        },
        (Kind::Public, AppState::Suspended) => "developer_suspended_scopes",
        (Kind::Private, AppState::Active) => "developer_scopes_private",
        _ => return html! {},
    };
    html! { p.notice.warning { (page.desk.text(key)) } }
}

fn button(page: &AppDesk<'_>) -> &'static str {
    match (page.app().kind, page.app().state) {
        (Kind::Private, AppState::Draft) => "developer_save_activate",
        (Kind::Private | Kind::ResourceServer | Kind::Native, _) => "developer_save",
        (Kind::Public, _) => "developer_save_submit",
    }
}

fn row(page: &AppDesk<'_>, place: usize, scope: &Scope, wishes: &[Wish], faults: &[Fault]) -> Markup {
    let visit = &page.desk.visit;
    let wish = wishes.iter().find(|wish| wish.scope == scope.name);
    let (id, why) = (format!("scope_{place}"), format!("why_{place}"));
    let about_this = |fault: &&Fault| {
        fault.field == "reasons"
            && fault
                .values
                .iter()
                .any(|(name, value)| *name == "scope" && *value == scope.name)
    };
    let wrong: Vec<&Fault> = faults.iter().filter(about_this).collect();
    let fault_id = format!("{why}-fault");
    html! {
        div.wish {
            label.option for=(id) {
                input id=(id) type="checkbox" name="scope" value=(scope.name) checked[wish.is_some()];
                span {
                    strong { (scope.title) } " " code { (scope.name) }
                    @if scope.risk == Risk::High { " " span.tag.high { (visit.text("sensitive")) } }
                    span.quiet { (scope.sentence(visit.language())) }
                }
            }
            label.why for=(why) { (visit.fill("developer_why", &[("scope", &scope.title)])) }
            input id=(why) type="text" name=(why) value=(wish.map_or("", |wish| &wish.why))
                maxlength=(REASON_CHARS_MAX) aria-invalid=[(!wrong.is_empty()).then_some("true")]
                aria-describedby=[(!wrong.is_empty()).then_some(&fault_id)];
            @if !wrong.is_empty() {
                div.fault id=(fault_id) {
                    @for fault in wrong { p { (sentence(visit, fault)) } }
                }
            }
        }
    }
}

impl AppDesk<'_> {
    /// Whether added scopes of an active app wait for a reviewer.
    pub fn staged(&self) -> Vec<String> {
        let wanted = self.access.dossier().wanted;
        let app = self.app();
        let added = wanted.into_iter().filter(|scope| !app.scopes.contains(scope));
        if app.state == AppState::Active {
            added.collect()
        } else {
            Vec::new()
        }
    }
}

/// As people call them.
pub fn titles(page: &AppDesk<'_>, scopes: &[String]) -> String {
    let catalog = &page.desk.ctx().profile().scopes;
    let titles = scopes
        .iter()
        .map(|name| catalog.get(name).map_or(name.as_str(), |scope| &scope.title));
    titles.collect::<Vec<_>>().join(" · ")
}
