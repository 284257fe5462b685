//! `/organizations/{organization}/policy`: who may allow apps, and which.

use super::{Room, Tab, Wrong, asked, field, said};
use crate::context::Context;
use crate::model::app::App;
use crate::model::organization::{AppsAllowed, ConsentPolicy};
use crate::model::role::Role;
use crate::platform::policy::{self, PolicyChange};
use crate::platform::rights::Right;
use crate::portal::trouble::{Paged, Trouble};
use crate::store::{StoreError, keys};
use crate::web::request::Request;
use maud::{Markup, html};

const POLICY: &str = "org_policy";

/// One of the two lists of apps.
struct Listed<'l> {
    /// The field that puts an app on it, and the one that takes it off.
    fields: (&'static str, &'static str),
    heading: &'static str,
    none: &'static str,
    label: &'static str,
    add: &'static str,
    apps: &'l [String],
    /// What stands in the field to add one.
    typed: &'l str,
}

/// `GET /organizations/{organization}/policy`; `?app=` is an app to put on a list.
pub async fn get(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::SeeConnectedApps).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let app = asked(request, "app").unwrap_or_default();
    page(ctx, &room, [&app, &app], &Wrong::none()).await
}

async fn page(ctx: &Context, room: &Room<'_>, [allow, deny]: [&str; 2], wrong: &Wrong) -> Paged {
    let policy = policy::show(ctx, &room.desk.actor, room.id()).await?;
    let may = room.may(Right::ChangeOrganization);
    let denied = Listed {
        fields: ("deny", "undeny"),
        heading: "org_denied",
        none: "org_denied_none",
        label: "org_deny_app",
        add: "org_deny",
        apps: &policy.denied,
        typed: deny,
    };
    let allowed = match &policy.apps {
        AppsAllowed::Any => None,
        AppsAllowed::Only(apps) => Some(Listed {
            fields: ("allow", "unallow"),
            heading: "org_allowed",
            none: "org_allowed_none",
            label: "org_allow_app",
            add: "org_allow",
            apps,
            typed: allow,
        }),
    };
    let body = html! {
        (said(&room.desk, &[("changed", "org_done_policy")]))
        p.quiet { (room.text("org_policy_text")) }
        (rules(room, &policy, may))
        @if let Some(allowed) = &allowed { (list(ctx, room, allowed, may, wrong).await?) }
        (list(ctx, room, &denied, may, wrong).await?)
    };
    Ok(room.show(Tab::Policy, &[], room.text("org_policy"), wrong, body))
}

fn rules(room: &Room<'_>, policy: &ConsentPolicy, may: bool) -> Markup {
    let any = policy.apps == AppsAllowed::Any;
    let option = |name: &str, value: &str, checked: bool, text: &str| {
        html! {
            label.option {
                input type="radio" name=(name) value=(value) checked[checked] disabled[!may];
                span { strong { (text) } }
            }
        }
    };
    html! {
        form method="post" action=(room.path("/policy")) {
            (room.desk.visit.csrf(POLICY))
            fieldset {
                legend { (room.text("org_least_role")) }
                @for role in Role::ALL.into_iter().rev() {
                    @let text = match role {
                        Role::Owner => room.text("org_least_owner"),
                        Role::Admin => room.text("org_least_admin"),
                        Role::Developer => room.text("org_least_developer"),
                        Role::Member => room.text("org_least_member"),
                    };
                    (option("least_role", role.as_str(), role == policy.least_role, text))
                }
            }
            fieldset {
                legend { (room.text("org_which_apps")) }
                (option("apps", "any", any, room.text("org_apps_any")))
                (option("apps", "listed", !any, room.text("org_apps_listed")))
            }
            @if may { button { (room.text("org_save")) } }
        }
    }
}

async fn list(
    ctx: &Context,
    room: &Room<'_>,
    listed: &Listed<'_>,
    may: bool,
    wrong: &Wrong,
) -> Result<Markup, StoreError> {
    let (add, take) = listed.fields;
    let mut rows = Vec::new();
    for client_id in listed.apps {
        let app = ctx.load::<App>(&keys::app(client_id)).await?;
        let name = app.map_or_else(|| client_id.clone(), |app| app.name.clone());
        rows.push(html! {
            li {
                div.what { h3 { bdi { (name) } } p.quiet { (client_id) } }
                @if may {
                    form method="post" action=(room.path("/policy")) {
                        (room.desk.visit.csrf(POLICY))
                        input type="hidden" name=(take) value=(client_id);
                        button.secondary aria-label=(room.desk.fill("org_unlist_of", &[("name", &name)])) {
                            (room.text("org_unlist"))
                        }
                    }
                }
            }
        });
    }
    Ok(html! {
        h2 { (room.text(listed.heading)) }
        @if rows.is_empty() { p.quiet { (room.text(listed.none)) } }
        @else { ul.rows { @for row in rows { (row) } } }
        @if may {
            form.after method="post" action=(room.path("/policy")) {
                (room.desk.visit.csrf(POLICY))
                label for=(add) { (room.text(listed.label)) }
                (wrong.beside(&room.desk, add))
                input id=(add) type="text" name=(add) value=(listed.typed) required autocomplete="off"
                    autocapitalize="none" spellcheck="false" aria-describedby=[wrong.describes(add)];
                button.secondary { (room.text(listed.add)) }
            }
        }
    })
}

/// `POST /organizations/{organization}/policy`: whichever of its forms was sent.
pub async fn change(ctx: &Context, request: &Request, organization: &str) -> Paged {
    let room = match Room::enter(ctx, request, organization, Right::ChangeOrganization).await? {
        Ok(room) => room,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let fields = room.desk.visit.form(POLICY)?;
    let text = |name| field(&fields, name).map(str::trim);
    let listed = |name| -> Result<Vec<String>, Trouble> {
        let one = text(name)?;
        Ok((!one.is_empty()).then(|| one.to_owned()).into_iter().collect())
    };
    let least_role = match text("least_role")? {
        "" => None,
        role => Some(role.parse().map_err(|_| Trouble::BadForm)?),
    };
    let apps = text("apps")?;
    let wanted = PolicyChange {
        least_role,
        allow_any: apps == "any",
        allow_listed: apps == "listed",
        allow: listed("allow")?,
        unallow: listed("unallow")?,
        deny: listed("deny")?,
        undeny: listed("undeny")?,
    };
    match policy::change(ctx, &room.desk.actor, organization, &wanted).await {
        Ok(()) => Ok(room.done("/policy", "changed")),
        Err(refusal) => {
            let wrong = Wrong::of(&room.desk, refusal)?;
            page(ctx, &room, [text("allow")?, text("deny")?], &wrong).await
        }
    }
}
