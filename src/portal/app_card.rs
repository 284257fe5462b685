//! Who made an app, and where its answer goes, as the consent page says it.

use super::page;
use super::visit::Visit;
use crate::config::NativeTemplate;
use crate::context::Context;
use crate::model::app::App;
use crate::model::organization::Organization;
use crate::oauth::native;
use crate::store::{StoreError, keys};
use maud::{Markup, html};
use url::{Host, Url};

/// Name, company, logo and links.
pub async fn card(visit: &Visit<'_>, app: &App) -> Result<Markup, StoreError> {
    if let Some(template) = native::template(visit.ctx, app) {
        return Ok(of_platform(visit, app, template));
    }
    let developer = &app.developer;
    let company = if developer.company.is_empty() {
        let organization = visit
            .ctx
            .load::<Organization>(&keys::organization(&app.organization))
            .await?;
        organization.map_or(String::new(), |organization| organization.name.clone())
    } else {
        developer.company.clone()
    };
    let links = [
        ("website", Some(developer.website.as_str())),
        ("support", developer.support.as_deref()),
        ("privacy_policy", developer.privacy_policy.as_deref()),
        ("terms", developer.terms.as_deref()),
    ];
    let links: Vec<(&str, String)> = links
        .into_iter()
        .filter_map(|(key, target)| Some((visit.text(key), link(target?)?)))
        .collect();
    Ok(html! {
        div.app {
            (tile(visit.ctx, app))
            div {
                p.name { bdi { (app.name) } }
                p.quiet { (visit.text("made_by")) " " bdi { (company) } }
            }
        }
        @if !links.is_empty() {
            ul.links {
                @for (name, target) in &links {
                    li { a href=(target) target="_blank" rel="noopener noreferrer" { (name) } }
                }
            }
        }
    })
}

/// An installation is shown as its platform, whatever its site calls itself, and with the address of the site.
fn of_platform(visit: &Visit<'_>, app: &App, template: &NativeTemplate) -> Markup {
    let links = [
        ("support", &template.support),
        ("privacy_policy", &template.privacy_policy),
        ("terms", &template.terms),
    ];
    let links = links.map(|(key, target)| (visit.text(key), link(target)));
    html! {
        div.app {
            (tile(visit.ctx, app))
            div {
                p.name { bdi { (template.name) } }
                @if let Some(installation) = &app.installation {
                    p.quiet { (visit.text("native_for_site")) " " bdi { (installation.site_url) } }
                }
            }
        }
        ul.links {
            @for (name, target) in &links {
                @if let Some(target) = target {
                    li { a href=(target) target="_blank" rel="noopener noreferrer" { (name) } }
                }
            }
        }
    }
}

/// The app's logo, or its platform's; a letter where it has none.
pub fn tile(ctx: &Context, app: &App) -> Markup {
    if let Some(template) = native::template(ctx, app) {
        return html! { img.tile src=(page::path(&template.icon)) alt="" width="52" height="52"; };
    }
    html! {
        @match &app.developer.logo {
            Some(digest) => img.tile src=(format!("/logos/{digest}.png")) alt="" width="52" height="52";,
            None => div.tile aria-hidden="true" { (letter(&app.name)) },
        }
    }
}

fn letter(name: &str) -> String {
    let letter = name.chars().find(|c| c.is_alphanumeric());
    letter.map_or("?".to_owned(), |letter| letter.to_uppercase().to_string())
}

/// Only what is a web or a mail address: a link with another scheme could be a script (CVE-2026-22752).
fn link(target: &str) -> Option<String> {
    if target.contains('@') && !target.contains(['/', ':', '?']) {
        return Some(format!("mailto:{target}"));
    }
    let url = Url::parse(target).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.to_string())
}

/// Where the browser will be sent, and what that says about who receives the answer.
pub fn destination(visit: &Visit<'_>, redirect_uri: &str) -> Markup {
    let Ok(url) = Url::parse(redirect_uri) else {
        return html! {};
    };
    let (key, target) = match (url.scheme(), url.host()) {
        ("http" | "https", Some(host)) if is_loopback(&host) => ("sent_to_device", host.to_string()),
        ("http" | "https", Some(host)) => ("sent_to_host", host.to_string()),
        (scheme, _) => ("sent_to_scheme", scheme.to_owned()),
    };
    let warn = key != "sent_to_host";
    html! {
        p.notice.warning[warn] { (visit.fill(key, &[("target", &target)])) }
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_cve_2026_22752_only_web_and_mail_addresses_become_links() {
        assert_eq!(link("https://a.example/x").as_deref(), Some("https://a.example/x"));
        assert_eq!(link("help@a.example").as_deref(), Some("mailto:help@a.example"));
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)//@",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x@y",
            "//a.example",
            "a.example",
            "",
        ] {
            assert_eq!(link(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_tile_shows_the_first_letter_whatever_the_name_begins_with() {
        assert_eq!(letter("  \"><script>"), "S");
        assert_eq!(letter("élan"), "É");
        assert_eq!(letter("…"), "?");
    }
}
