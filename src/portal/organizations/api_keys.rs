//! `/organizations/{organization}/keys`: API keys, their secrets shown once.

use super::{Confirm, Room, Tab, Wrong, field, is_typed, said};
use crate::context::Context;
use crate::platform::api_keys::{self, LIFETIMES_DAYS, Listed, Made, NewKey};
use crate::platform::rights::Right;
use crate::portal::account::{day, titles};
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use crate::web::response::Response;
use maud::{Markup, html};

const MAKE: &str = "org_key_make";
const REVOKE: &str = "org_key_revoke";

/// `GET /organizations/{organization}/keys`.
pub async fn get(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeApiKeys).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let nothing = NewKey {
        name: "",
        scopes: Vec::new(),
        days: LIFETIMES_DAYS[2],
    };
    page(ctx, &room, &nothing, &Wrong::none()).await
}

async fn page(ctx: &Context, room: &Room<'_>, typed: &NewKey<'_>, wrong: &Wrong) -> Paged {
    let listed = api_keys::list(ctx, &room.desk.actor, room.id()).await?;
    let body = html! {
        (said(&room.desk, &[("revoked", "org_done_key_revoked")]))
        p.quiet { (room.text("org_keys_text")) }
        @if listed.is_empty() {
            p.quiet { (room.text("org_keys_none")) }
        } @else {
            ul.rows { @for listed in &listed { (row(room, listed)) } }
        }
        @if room.may(Right::ManageApiKeys) { (form(room, typed, wrong)) }
    };
    Ok(room.show(Tab::Keys, &[], room.text("org_keys"), wrong, body))
}

fn row(room: &Room<'_>, listed: &Listed) -> Markup {
    let key = &listed.key;
    let live = key.live(room.desk.ctx().now());
    html! {
        li {
            div.what {
                h2 { bdi { (key.name) } }
                p { code { (key.id) } }
                p.quiet { (titles(&room.desk.visit, &listed.scopes)) }
                p.quiet {
                    (room.text("org_key_made_by")) " " bdi { (listed.maker) } " · " (day(key.created_at)) " · "
                    @match listed.used_at {
                        Some(at) => { (room.text("last_used")) " " (day(at)) }
                        None => { (room.text("org_key_unused")) }
                    }
                    @if let Some(at) = key.expires_at { " · " (room.text("org_valid_until")) " " (day(at)) }
                }
            }
            @if !live { span.tag.high { (room.text("org_key_expired")) } }
            @else if listed.scopes.is_empty() { span.tag.high { (room.text("org_key_dead")) } }
            @if room.may(Right::ManageApiKeys) {
                a href=(room.path(&format!("/keys/{}/revoke", key.id)))
                    aria-label=(room.desk.fill("org_revoke_of", &[("name", &key.name)])) { (room.text("org_revoke")) }
            }
        }
    }
}

fn form(room: &Room<'_>, typed: &NewKey<'_>, wrong: &Wrong) -> Markup {
    let catalog = &room.desk.ctx().profile().scopes;
    let role = room.membership.role();
    let scopes = catalog.iter().filter(|scope| scope.roles.contains(&role));
    html! {
        h2 { (room.text("org_key_make")) }
        form method="post" action=(room.path("/keys")) {
            (room.desk.visit.csrf(MAKE))
            label for="name" { (room.text("org_key_name")) }
            (wrong.beside(&room.desk, "name"))
            input #name type="text" name="name" value=(typed.name) required autocomplete="off"
                aria-describedby=[wrong.describes("name")];
            fieldset {
                legend { (room.text("org_key_scopes")) }
                (wrong.beside(&room.desk, "scopes"))
                @for scope in scopes {
                    label.option {
                        input type="checkbox" name="scopes" value=(scope.name)
                            checked[typed.scopes.contains(&scope.name)];
                        span {
                            strong { (scope.title) }
                            span.quiet { (scope.sentence(room.desk.visit.language())) }
                        }
                    }
                }
            }
            label.after for="days" { (room.text("org_key_lifetime")) }
            (wrong.beside(&room.desk, "days"))
            select #days name="days" {
                @for days in LIFETIMES_DAYS {
                    option value=(days.unwrap_or(0)) selected[days == typed.days] {
                        @match days {
                            Some(days) => { (room.desk.fill("org_days", &[("days", &days.to_string())])) }
                            None => { (room.text("org_until_revoked")) }
                        }
                    }
                }
            }
            button { (room.text("org_key_make")) }
        }
    }
}

/// `POST /organizations/{organization}/keys`: the answer shows the secret, which is written nowhere else.
pub async fn make(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageApiKeys).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(MAKE)?;
    let days: u64 = field(&fields, "days")?.parse().map_err(|_| Trouble::BadForm)?;
    let new = NewKey {
        name: field(&fields, "name")?,
        scopes: fields.all("scopes").map(str::to_owned).collect(),
        days: (days > 0).then_some(days),
    };
    match api_keys::create(ctx, &room.desk.actor, organization, &new).await {
        Ok(made) => Ok(shown_once(&room, &made)),
        Err(refusal) => page(ctx, &room, &new, &Wrong::of(&room.desk, refusal)?).await,
    }
}

fn shown_once(room: &Room<'_>, made: &Made) -> Response {
    let ctx = room.desk.ctx();
    let headers = &ctx.profile().api_keys.headers;
    let secret = made.secret.expose();
    let example = format!(
        "curl {} \\\n  -H '{}: {}' \\\n  -H '{}: {}'",
        ctx.profile().default_resource().identifier,
        headers.id.as_str(),
        made.key.id,
        headers.secret.as_str(),
        secret,
    );
    let body = html! {
        p.notice.good role="status" { (room.desk.fill("org_key_made", &[("name", &made.key.name)])) }
        p.notice.warning { (room.text("org_shown_once")) }
        label for="key-id" { (headers.id.as_str()) }
        input #key-id type="text" readonly value=(made.key.id);
        label for="key-secret" { (headers.secret.as_str()) }
        input #key-secret type="text" readonly value=(secret);
        h2 { (room.text("org_key_example")) }
        pre tabindex="0" { code { (example) } }
        p { a.button href=(room.path("/keys")) { (room.text("org_keys")) } }
    };
    let crumbs = [room.crumb("/keys", room.text("org_keys"))];
    room.show(Tab::Keys, &crumbs, &made.key.name, &Wrong::none(), body)
}

/// `GET /organizations/{organization}/keys/{key}/revoke`.
pub async fn revoke(ctx: &Context, request: &Request, organization: &str, key: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageApiKeys).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    revoke_page(ctx, &room, key, &Wrong::none()).await
}

async fn revoke_page(ctx: &Context, room: &Room<'_>, key: &str, wrong: &Wrong) -> Paged {
    let key = api_keys::show(ctx, &room.desk.actor, room.id(), key).await?;
    let confirm = Confirm {
        action: &room.path(&format!("/keys/{}/revoke", key.id)),
        form: REVOKE,
        title: room.text("org_key_revoke"),
        text: html! {
            p { (room.text("org_key_revoke_text")) }
            p { code { (key.id) } }
        },
        name: &key.name,
        button: room.text("org_key_revoke"),
        back: &room.path("/keys"),
        hidden: &[],
        crumbs: &[room.crumb("/keys", room.text("org_keys"))],
    };
    Ok(room.confirm(Tab::Keys, &confirm, wrong))
}

/// `POST /organizations/{organization}/keys/{key}/revoke`.
pub async fn revoked(ctx: &Context, request: &Request, organization: &str, key: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ManageApiKeys).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(REVOKE)?;
    let found = api_keys::show(ctx, &room.desk.actor, organization, key).await?;
    if !is_typed(&fields, &found.name)? {
        return revoke_page(ctx, &room, key, &Wrong::not_typed()).await;
    }
    api_keys::revoke(ctx, &room.desk.actor, organization, key).await?;
    Ok(room.done("/keys", "revoked"))
}
