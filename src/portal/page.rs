//! The layout of every page, and the headers that keep it ours.

use super::visit::{Browser, Visit};
use crate::config::Asset;
use crate::context::Context;
use crate::web::cookies;
use crate::web::request::Request;
use crate::web::response::Response;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, StatusCode};
use maud::{DOCTYPE, Markup, html};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// No third party, no inline style or script, no frame (RFC 9700 §4.2.4, §4.16).
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// The same without `form-action`: Chromium applies it to every redirect after the form, the app's own among them.
const POLICY_IN_FLOW: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                              frame-ancestors 'none'; base-uri 'none'";

/// One page: its heading and what stands below it.
pub struct Page<'a> {
    title: &'a str,
    body: Markup,
    status: StatusCode,
    in_flow: bool,
    wide: bool,
    frame: Option<Markup>,
    script: Option<&'a Asset>,
    cookie: Option<&'a str>,
}

impl<'a> Page<'a> {
    pub fn new(title: &'a str, body: Markup) -> Self {
        Self {
            title,
            body,
            status: StatusCode::OK,
            in_flow: false,
            wide: false,
            frame: None,
            script: None,
            cookie: None,
        }
    }

    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Part of the way from an app and back to it: its form may end at the app's address.
    pub fn in_flow(mut self) -> Self {
        self.in_flow = true;
        self
    }

    /// For lists: wider than a form, and with a way around the portal.
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// With a way around the portal above the page.
    pub fn framed(mut self, frame: Markup) -> Self {
        self.frame = Some(frame);
        self
    }

    pub fn with_script(mut self, script: &'a Asset) -> Self {
        self.script = Some(script);
        self
    }

    /// What the browser's cookie holds from now on.
    pub fn with_cookie(mut self, cookie: &'a str) -> Self {
        self.cookie = Some(cookie);
        self
    }

    /// The whole answer.
    pub fn show(self, visit: &Visit<'_>) -> Response {
        let body = self.render(visit);
        let mut response = Response::new(self.status).with(CONTENT_TYPE, "text/html; charset=utf-8");
        response.body = Bytes::from(body.into_string());
        let response = secured(visit.ctx, response, self.in_flow);
        let cookie = match &visit.browser {
            Browser::Anonymous { value, is_new: true } => Some(value.as_str()),
            _ => self.cookie,
        };
        with_cookie(visit, response, cookie)
    }

    fn render(&self, visit: &Visit<'_>) -> Markup {
        let pages = &visit.ctx.config.pages;
        html! {
            (DOCTYPE)
            html lang=(visit.texts.language) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="robots" content="noindex";
                    title { (self.title) }
                    link rel="stylesheet" href=(path(&pages.stylesheet));
                    @if let Some(script) = self.script {
                        script src=(path(script)) defer {}
                    }
                }
                body {
                    (brand(visit))
                    @if let Some(frame) = &self.frame { (frame) }
                    main.wide[self.wide] {
                        header {
                            h1 { (self.title) }
                            @if self.frame.is_some() && visit.signed_in().is_some() {
                                form.inline method="post" action="/logout" {
                                    (visit.csrf("logout"))
                                    button.link { (visit.text("sign_out")) }
                                }
                            }
                        }
                        (self.body)
                    }
                    (foot(visit))
                }
            }
        }
    }
}

/// Whose page it is, where the configuration says so. No link: it would lead away from an app's request.
fn brand(visit: &Visit<'_>) -> Markup {
    let (branding, logo) = (&visit.ctx.config.branding, &visit.ctx.config.pages.logo);
    html! {
        @if branding.name.is_some() || logo.is_some() {
            div.brand {
                @if let Some(logo) = logo {
                    // The name stands beside it.
                    img src=(path(logo)) alt=[branding.name.is_none().then(|| host(visit.ctx.issuer()))] height="32";
                }
                @if let Some(name) = &branding.name { span { (name) } }
            }
        }
    }
}

fn foot(visit: &Visit<'_>) -> Markup {
    let branding = &visit.ctx.config.branding;
    let links = [
        (branding.website.as_deref(), "website"),
        (visit.ctx.config.help(), "help"),
        (branding.privacy_policy.as_deref(), "privacy_policy"),
        (branding.terms.as_deref(), "terms"),
    ];
    html! {
        footer {
            p { (host(visit.ctx.issuer())) }
            @if links.iter().any(|(link, _)| link.is_some()) {
                ul.links {
                    @for (link, name) in links {
                        @if let Some(link) = link {
                            li { a href=(link) rel="noopener noreferrer" { (visit.text(name)) } }
                        }
                    }
                }
            }
        }
    }
}

/// Whoever reads the page sees whose it is, as the address bar says it.
fn host(issuer: &str) -> &str {
    issuer.split_once("://").map_or(issuer, |(_, host)| host)
}

/// Where a browser finds it.
pub fn path(asset: &Asset) -> String {
    format!("/assets/{}", asset.name)
}

/// The headers of every page, redirects of pages included.
fn secured(ctx: &Context, response: Response, in_flow: bool) -> Response {
    let response = response
        .with(CONTENT_SECURITY_POLICY, if in_flow { POLICY_IN_FLOW } else { POLICY })
        .with(X_FRAME_OPTIONS, "DENY")
        .with(REFERRER_POLICY, "no-referrer")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
        // An app may open the flow in a window of its own, which has to stay tied to the app's page to hand the answer
        // back; pages of the account are tied to nobody's.
        .with(OPENER_POLICY, if in_flow { "unsafe-none" } else { "same-origin" })
        .with(VARY, "cookie, accept-language")
        .no_store();
    with_hsts(ctx, response)
}

pub fn with_hsts(ctx: &Context, response: Response) -> Response {
    // RFC 6797; not for this machine, whose other ports are none of our business.
    if ctx.config.issuer.is_https() && !ctx.config.issuer.is_loopback() {
        response.with(STRICT_TRANSPORT_SECURITY, "max-age=63072000")
    } else {
        response
    }
}

/// On to another page, by GET; `cookie` is what the browser's cookie holds from now on.
pub fn redirect(visit: &Visit<'_>, location: &str, cookie: Option<&str>) -> Response {
    with_cookie(visit, secured(visit.ctx, Response::see_other(location), true), cookie)
}

fn with_cookie(visit: &Visit<'_>, response: Response, cookie: Option<&str>) -> Response {
    match cookie {
        Some(cookie) => response.with_value(SET_COOKIE, &cookies::set(&visit.ctx.config.issuer, cookie)),
        None => response,
    }
}

/// On to another page, without the cookie.
pub fn signed_out(visit: &Visit<'_>, location: &str) -> Response {
    let response = secured(visit.ctx, Response::see_other(location), false);
    response.with_value(SET_COOKIE, &cookies::clear(&visit.ctx.config.issuer))
}

/// `GET /assets/{file}`: its name changes with its content.
pub fn asset(ctx: &Context, name: &str) -> Response {
    let icons = ctx.profile().native_templates.iter().map(|template| &template.icon);
    let icon = || icons.into_iter().find(|icon| icon.name == name);
    let Some(asset) = ctx.config.pages.asset(name).or_else(icon) else {
        return Response::not_found();
    };
    let mut response = Response::new(StatusCode::OK)
        .with(CONTENT_TYPE, asset.content_type)
        .with(CACHE_CONTROL, "public, max-age=31536000, immutable")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.body = asset.content.clone();
    with_hsts(ctx, response)
}

/// A file to keep, of the same headers as a page. `name` is ASCII without quotes.
pub fn attachment(ctx: &Context, content_type: &'static str, name: &str, content: String) -> Response {
    let mut response = Response::new(StatusCode::OK)
        .with(CONTENT_TYPE, content_type)
        .with_value(CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    response.body = Bytes::from(content);
    secured(ctx, response, false)
}

/// Whether whoever asks is a person with a browser, who wants a page and no JSON.
pub fn is_wanted(request: &Request) -> bool {
    let accept = request.header(http::header::ACCEPT.as_str()).unwrap_or_default();
    accept.split(',').any(|range| range.trim().starts_with("text/html"))
}
