//! Making a token: for oneself, or for a member that cannot sign in.

use super::{Scene, faults, made, on_request, scope_title};
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::oauth::params::Params;
use crate::platform::personal_tokens::{self, Expiry, Holder, NewToken, holder, is_open, lists};
use crate::platform::refusal::{Fault, Refusal};
use crate::platform::rights::{Right, SCOPES};
use crate::portal::desk::Desk;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use http::StatusCode;
use maud::{Markup, html};
use std::time::Duration;

const CREATE: &str = "create_personal_token";
/// Days that are offered.
const DAYS: [u64; 3] = [30, 90, 365];
const DAY_S: u64 = 24 * 60 * 60;

/// What was typed, to be shown again.
struct Typed {
    name: String,
    /// `None`: nothing was chosen yet, so what the API offers is.
    scopes: Option<Vec<String>>,
    expiry: String,
    date: String,
}

/// `GET /account/tokens/new` and `GET /organizations/{id}/tokens/new`.
pub async fn get(ctx: &Context, request: &Request, scene: Scene<'_>) -> Paged {
    let desk = match scene.desk(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let params = Params::parse(request.query.as_deref().unwrap_or_default().as_bytes());
    let params = params.map_err(|_| Trouble::BadForm)?;
    let field = |name| params.get(name).map_err(|_| Trouble::BadForm);
    let member = match scene {
        Scene::Own => None,
        Scene::Organization(id) => match field("member")? {
            Some(member) => Some(member),
            None => return systems(&desk, scene, id).await,
        },
    };
    let chosen = match scene {
        Scene::Own => field("organization")?,
        Scene::Organization(id) => Some(id),
    };
    let open = desk.open().map(|open| open.organization.id.as_str());
    let Some(organization) = chosen.or(open) else {
        return Err(Trouble::NotFound);
    };
    let holder = holder(ctx, &desk.actor, organization, member).await?;
    let typed = Typed {
        name: String::new(),
        scopes: None,
        expiry: String::new(),
        date: String::new(),
    };
    form(&desk, scene, &holder, &typed, &[])
}

/// `POST` to the same.
pub async fn post(ctx: &Context, request: &Request, scene: Scene<'_>) -> Paged {
    let desk = match scene.desk(ctx, request).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = desk.visit.form(CREATE)?;
    let field = |name| fields.get(name).map_err(|_| Trouble::BadForm);
    let entered = |name| field(name).map(|text| text.unwrap_or_default().to_owned());
    let organization = match scene {
        Scene::Own => field("organization")?.ok_or(Trouble::BadForm)?,
        Scene::Organization(id) => id,
    };
    let member = match scene {
        Scene::Own => None,
        Scene::Organization(_) => Some(field("member")?.ok_or(Trouble::BadForm)?),
    };
    let typed = Typed {
        name: entered("name")?,
        scopes: Some(fields.all("scope").map(str::to_owned).collect()),
        expiry: entered("expiry")?,
        date: entered("date")?,
    };
    let new = NewToken {
        organization: organization.to_owned(),
        member: member.map(str::to_owned),
        name: typed.name.clone(),
        scopes: typed.scopes.clone(),
        expiry: expiry(ctx, &typed),
    };
    match personal_tokens::create(ctx, &desk.actor, &new).await {
        Ok(made) => made::page(&desk, scene, &made),
        Err(Refusal::Invalid(wrong)) => {
            let holder = holder(ctx, &desk.actor, organization, member).await?;
            form(&desk, scene, &holder, &typed, &wrong)
        }
        Err(Refusal::State(key)) => {
            let holder = holder(ctx, &desk.actor, organization, member).await?;
            let of_all = Fault {
                field: "",
                key,
                values: Vec::new(),
            };
            form(&desk, scene, &holder, &typed, &[of_all])
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn expiry(ctx: &Context, typed: &Typed) -> Expiry {
    let days = |days: u64| Expiry::At(ctx.now() + Duration::from_secs(days * DAY_S));
    match typed.expiry.as_str() {
        "usual" => Expiry::Usual,
        "never" => Expiry::Never,
        "date" => Timestamp::end_of_day(&typed.date).map_or(Expiry::Unreadable, Expiry::At),
        other => {
            let offered = DAYS.into_iter().find(|offered| offered.to_string() == other);
            offered.map_or(Expiry::Unreadable, days)
        }
    }
}

fn form(desk: &Desk<'_>, scene: Scene<'_>, holder: &Holder, typed: &Typed, wrong: &[Fault]) -> Paged {
    let organization = &holder.own.organization;
    let is_own = matches!(scene, Scene::Own);
    let body = html! {
        (scene.tabs(desk))
        @for fault in wrong.iter().filter(|fault| fault.field.is_empty()) {
            p.notice.danger role="alert" { (super::sentence(desk, fault)) }
        }
        @if !wrong.is_empty() && wrong.iter().all(|fault| !fault.field.is_empty()) {
            p.notice.danger role="alert" { (desk.text("pat_wrong")) }
        }
        @if is_own && !is_open(desk.ctx(), &desk.actor) {
            (on_request(desk))
        } @else {
            @if is_own && desk.memberships.len() > 1 { (organizations(desk, &organization.id)) }
            p { (desk.fill("pat_acts_as", &[("name", &holder.user.name), ("organization", &organization.name)])) }
            form method="post" action={ (scene.list()) "/new" } {
                (desk.visit.csrf(CREATE))
                @if is_own {
                    input type="hidden" name="organization" value=(organization.id);
                } @else {
                    input type="hidden" name="member" value=(holder.user.id);
                }
                label for="name" { (desk.text("name")) }
                input #name type="text" name="name" value=(typed.name) maxlength="60" required
                    autocomplete="off" aria-describedby="name-hint";
                p.hint #name-hint { (desk.text("pat_name_hint")) }
                (faults(desk, wrong, "name"))
                (scopes(desk, holder, typed, wrong))
                (lifetimes(desk, typed, wrong))
                div.choices {
                    button { (desk.text("pat_create")) }
                    a.button.secondary href=(scene.list()) { (desk.text("back")) }
                }
            }
        }
    };
    let status = if wrong.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let way = scene.way_below(desk);
    let page = desk.page(scene.part(), &way, desk.text("pat_new"), body);
    Ok(page.with_status(status).show(&desk.visit))
}

/// Another organization has other roles, and so other scopes: it is chosen first, with or without scripts.
fn organizations(desk: &Desk<'_>, chosen: &str) -> Markup {
    html! {
        form.switch method="get" action="/account/tokens/new" {
            select name="organization" aria-label=(desk.visit.noun()) {
                @for membership in &desk.memberships {
                    option value=(membership.organization.id) selected[membership.organization.id == chosen] {
                        (membership.organization.name)
                    }
                }
            }
            button.secondary { (desk.text("pat_choose")) }
        }
    }
}

fn scopes(desk: &Desk<'_>, holder: &Holder, typed: &Typed, wrong: &[Fault]) -> Markup {
    let offered = holder.offered(desk.ctx(), &desk.actor);
    let built_in = |name: &&String| SCOPES.contains(&name.as_str());
    let is_chosen = |name: &String| match &typed.scopes {
        Some(chosen) => chosen.contains(name),
        // What manages apps and tokens is worth more than data: whoever needs it says so.
        None => !built_in(&name),
    };
    let option = |name: &String| {
        let sentence = desk.ctx().profile().scopes.get(name);
        let sentence = sentence.map_or("", |scope| scope.sentence(desk.visit.language()));
        html! {
            label.option {
                input type="checkbox" name="scope" value=(name) checked[is_chosen(name)];
                span {
                    strong { (scope_title(desk, name)) }
                    span.quiet { (sentence) " " code { (name) } }
                }
            }
        }
    };
    html! {
        fieldset {
            legend { (desk.text("pat_scopes")) }
            p.quiet { (desk.text("pat_scopes_text")) }
            (faults(desk, wrong, "scopes"))
            @for name in offered.iter().filter(|name| !built_in(name)) { (option(name)) }
        }
        @if offered.iter().any(|name| built_in(&name)) {
            fieldset {
                legend { (desk.text("pat_scopes_own")) }
                p.quiet { (desk.text("pat_scopes_own_text")) }
                @for name in offered.iter().filter(built_in) { (option(name)) }
            }
        }
    }
}

fn lifetimes(desk: &Desk<'_>, typed: &Typed, wrong: &[Fault]) -> Markup {
    let rules = desk.ctx().profile().pat;
    let usual_days = rules.default_lifetime.as_secs().div_ceil(DAY_S);
    let usual_is_offered = DAYS
        .into_iter()
        .find(|days| days * DAY_S == rules.default_lifetime.as_secs());
    let mut choices: Vec<(String, String)> = Vec::new();
    if usual_is_offered.is_none() {
        let text = desk.fill("pat_days", &[("days", &usual_days.to_string())]);
        choices.push(("usual".to_owned(), text));
    }
    for days in DAYS {
        let days = days.to_string();
        let text = desk.fill("pat_days", &[("days", &days)]);
        choices.push((days, text));
    }
    choices.push(("date".to_owned(), desk.text("pat_date").to_owned()));
    if rules.no_expiry {
        choices.push(("never".to_owned(), desk.text("pat_never").to_owned()));
    }
    let first = usual_is_offered.map_or("usual".to_owned(), |days| days.to_string());
    let chosen = if typed.expiry.is_empty() { &first } else { &typed.expiry };
    html! {
        fieldset {
            legend { (desk.text("pat_expiry")) }
            (faults(desk, wrong, "expires_at"))
            @for (value, text) in &choices {
                label.option {
                    input type="radio" name="expiry" value=(value) checked[value == chosen];
                    span { (text) }
                }
            }
            label for="date" { (desk.text("pat_date_label")) }
            input #date type="date" name="date" value=(typed.date);
        }
    }
}

/// The members that cannot sign in, to choose one of.
async fn systems(desk: &Desk<'_>, scene: Scene<'_>, organization: &str) -> Paged {
    let actor = &desk.actor;
    let own = actor
        .in_organization(desk.ctx(), organization, Right::ManageTokens)
        .await?;
    let systems = lists::systems(desk.ctx(), organization, own.role()).await?;
    let body = html! {
        (scene.tabs(desk))
        p { (desk.text("pat_systems_text")) }
        @if systems.is_empty() {
            p.notice { (desk.text("pat_systems_none")) }
        } @else {
            ul.rows {
                @for user in &systems {
                    li {
                        div.what { h3 { bdi { (user.name) } } p.quiet { (user.email) } }
                        p { a href={ (scene.list()) "/new?member=" (user.id) } { (desk.text("pat_choose")) } }
                    }
                }
            }
        }
        p { a href=(scene.list()) { (desk.text("back")) } }
    };
    let way = scene.way_below(desk);
    Ok(desk
        .page(scene.part(), &way, desk.text("pat_new_system"), body)
        .show(&desk.visit))
}
