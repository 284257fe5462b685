//! `/admin/native-templates`: the platforms whose official plugins connect by themselves, as the profile has them.
//! Nothing here can be changed: a template is a fact of the installation.

use super::on_duty;
use super::parts::{risk, way};
use crate::config::{NativeTemplate, Nonces, Site, Subscription, spelled};
use crate::context::Context;
use crate::platform::rights::Right;
use crate::portal::desk::{Desk, Part};
use crate::portal::page;
use crate::portal::trouble::{Paged, Trouble};
use crate::web::request::Request;
use maud::{Markup, html};
use std::time::Duration;

/// `GET /admin/native-templates`. Where there are none, there is nothing of them.
pub async fn get(ctx: &Context, request: &Request) -> Paged {
    let desk = match on_duty(ctx, request, Right::Administer).await? {
        Ok(desk) => desk,
        Err(to_sign_in) => return Ok(to_sign_in),
    };
    let templates = &ctx.profile().native_templates;
    if templates.is_empty() {
        return Err(Trouble::NotFound);
    }
    let body = html! {
        p.quiet { (desk.fill("native_text", &[("profile", &ctx.profile().name)])) }
        @for template in templates {
            section aria-labelledby=(template.platform) { (one(&desk, template)) }
        }
    };
    let way = way(&desk, &[]);
    Ok(desk
        .page(Part::Administration, &way, desk.text("native"), body)
        .show(&desk.visit))
}

fn one(desk: &Desk<'_>, template: &NativeTemplate) -> Markup {
    let links = [
        ("support", &template.support),
        ("privacy_policy", &template.privacy_policy),
        ("terms", &template.terms),
    ];
    html! {
        div.app {
            img.tile src=(page::path(&template.icon)) alt="" width="52" height="52";
            div {
                h2.plain id=(template.platform) { (template.name) }
                p.quiet { code { (template.platform) } @for alias in &template.aliases { " " code { (alias) } } }
            }
        }
        dl.facts {
            @for (name, to) in links {
                dt { (desk.text(name)) }
                dd { a href=(to) rel="noopener noreferrer" { (to) } }
            }
            dt { (desk.text("native_site")) }
            dd { (desk.text(site(template.site))) }
            dt { (desk.text("native_redirect")) }
            dd { code { (template.redirect_uri) } }
            dt { (desk.text("native_required")) }
            dd { (codes(&template.required_fields)) }
            @if !template.optional_fields.is_empty() {
                dt { (desk.text("native_optional")) }
                dd { (codes(&template.optional_fields)) }
            }
            dt { (desk.text("native_signature")) }
            dd { code { (template.algorithm.as_str()) } }
            dt { (desk.text("native_access")) }
            dd { (spelled(template.access_token)) }
            dt { (desk.text("native_refresh")) }
            dd { (desk.fill("native_refresh_text", &[
                ("idle", &life(desk, template.refresh_idle)),
                ("absolute", &life(desk, template.refresh_absolute)),
            ])) }
            dt { (desk.text("native_subscription")) }
            dd { (desk.text(subscription(template.webhook_subscription))) }
            dt { (desk.text("native_nonces")) }
            dd { (desk.text(nonces(template.nonces))) }
        }
        h3 { (desk.text("native_scopes")) }
        ul.rows {
            @for scope in template.scopes.iter().filter_map(|name| desk.ctx().profile().scopes.get(name)) {
                li {
                    div.what {
                        p { code { (scope.name) } }
                        p.quiet { (scope.sentence(desk.visit.language())) }
                    }
                    (risk(&desk.visit, scope.risk))
                }
            }
        }
    }
}

fn codes(names: &[String]) -> Markup {
    html! { @for name in names { code { (name) } " " } }
}

fn life(desk: &Desk<'_>, span: Option<Duration>) -> String {
    span.map_or_else(|| desk.text("native_never_ends").to_owned(), spelled)
}

fn site(site: Site) -> &'static str {
    match site {
        Site::Origin => "native_site_origin",
        Site::Path => "native_site_path",
    }
}

fn subscription(subscription: Subscription) -> &'static str {
    match subscription {
        Subscription::Required => "native_subscription_required",
        Subscription::None => "native_subscription_none",
    }
}

fn nonces(nonces: Nonces) -> &'static str {
    match nonces {
        Nonces::Never => "native_nonces_never",
    }
}
