//! Reads `routes.json` of a profile: built in, or from `<data_dir>/profiles/<name>`.

use super::gateway_settings::{GatewaySettings, upstream};
use super::profile::Profile;
use super::profile_file;
use super::reader::{Item, Problems, Table, nearest};
use super::routes::{Needed, Own, Route, Routes, Upstream, names};
use super::tree::parse_json;
use super::{Issuer, rate_limits, source};
use http::Method;
use std::path::Path;
use std::time::Duration;

const ROUTES_MAX: usize = 1000;
const SCOPES_MAX: usize = 16;
const PATH_BYTES_MAX: usize = 300;
const MIB: u64 = 1024 * 1024;
const BODY_BYTES_MAX: u64 = 10 * MIB;
/// What a row may ask for.
const BODY_BYTES_LIMIT: i64 = 64 * 1024 * 1024 * 1024;
const TIME_MAX: Duration = Duration::from_secs(30);
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The routes of a profile, none where it has no such file; `None` when they cannot stand.
pub(super) fn load(
    profile: &Profile,
    issuer: &Issuer,
    gateway: &GatewaySettings,
    data_dir: &Path,
    problems: &Problems,
) -> Option<Routes> {
    let Some((label, text, built_in)) = profile_file::optional(&profile.name, "routes.json", data_dir, problems) else {
        return Some(Routes::default());
    };
    // A catalog or resources of one's own leave some of the built-in routes without meaning: those fall away.
    let unheard = Problems::default();
    let problems = if built_in { &unheard } else { problems };
    let tree = source::tree(&label, &text, parse_json, problems)?;
    let table = Table::root(&label, &tree, problems)?;
    let list = table.required("routes");
    let limits = rate_limits::read(&table);
    table.finish();
    let items = list?.list(ROUTES_MAX)?;
    let reader = Reader {
        profile,
        issuer,
        gateway,
    };
    let rows: Vec<Route> = items.iter().filter_map(|item| reader.route(item)).collect();
    if rows.len() < items.len() && !built_in {
        return None;
    }
    let told = |faults: Vec<(Option<usize>, String)>| {
        for (line, what) in faults {
            let line = line.map_or(String::new(), |line| format!(" line {line}"));
            problems.add(format!("the path {what}: {label}{line}"));
        }
    };
    Routes::new(rows, limits).map_err(told).ok()
}

struct Reader<'a> {
    profile: &'a Profile,
    issuer: &'a Issuer,
    gateway: &'a GatewaySettings,
}

impl Reader<'_> {
    fn route(&self, item: &Item<'_>) -> Option<Route> {
        let table = item.table()?;
        let path = table.required("path").and_then(|item| pattern(&item));
        let methods = table.required("methods").and_then(|item| self.methods(&item));
        let resource = match table.get("resource") {
            Some(item) => self.resource(&item),
            None => Some(self.profile.default_resource().identifier.clone()),
        };
        let organization = table.get("organization");
        let organization = match (&path, organization) {
            (Some(path), Some(item)) => Some(part(&item, path)?),
            _ => None,
        };
        let own = table.get("own");
        let upstream = match (own, table.get("upstream")) {
            (Some(item), None) => self.own(&item).map(Upstream::Own),
            (Some(_), Some(item)) => {
                item.complain("stands beside `own`; this server answers such a path itself");
                None
            }
            (None, Some(item)) => upstream(&item),
            (None, None) => Some(self.gateway.upstream.clone()),
        };
        let sandbox = table.get("sandbox").and_then(|item| collection(&item));
        let body = table.get("body_bytes_max");
        let body = body.and_then(|item| item.integer(0..=BODY_BYTES_LIMIT));
        let rate_limit = table
            .get("rate_limit")
            .and_then(|item| rate_limits::requests(&item))
            .flatten();
        let time_max = table.duration("time_max", Duration::from_secs(1)..=Duration::from_secs(60 * 60));
        let line = table.place().line;
        table.finish();
        Some(Route {
            path: path?,
            methods: methods?,
            resource: resource?,
            organization,
            upstream: upstream?,
            sandbox,
            body_bytes_max: body
                .and_then(|bytes| u64::try_from(bytes).ok())
                .unwrap_or(BODY_BYTES_MAX),
            time_max: time_max.unwrap_or(TIME_MAX),
            rate_limit,
            policy: None,
            line,
        })
    }

    fn methods(&self, item: &Item<'_>) -> Option<Vec<(Method, Needed)>> {
        let table = item.table()?;
        let mut found = Vec::new();
        for (method, name) in METHODS.into_iter().zip(["GET", "POST", "PUT", "PATCH", "DELETE"]) {
            if let Some(needed) = table.get(name) {
                found.push((method, self.needed(&needed)?));
            }
        }
        table.finish();
        if found.is_empty() {
            item.complain("is empty; a path without methods is never answered");
            return None;
        }
        Some(found)
    }

    /// A list of scopes, or `{"any_of": [...]}`.
    fn needed(&self, item: &Item<'_>) -> Option<Needed> {
        let scopes = |item: &Item<'_>| item.set(SCOPES_MAX, |scope| self.scope(scope));
        if !item.is_table() {
            return scopes(item).map(Needed::All);
        }
        let table = item.table()?;
        let any = table.required("any_of");
        table.finish();
        let any = any?;
        let found = scopes(&any)?;
        if found.len() < 2 {
            any.complain("is a choice of two scopes or more; what is needed in any case is a list by itself");
            return None;
        }
        Some(Needed::AnyOf(found))
    }

    fn own(&self, item: &Item<'_>) -> Option<Own> {
        let own = item.choice(&[
            ("webhook_subscription", Own::WebhookSubscription),
            ("webhook_test", Own::WebhookTest),
            ("webhook_secret", Own::WebhookSecret),
            ("webhook_requests", Own::WebhookRequests),
            ("webhook_retry", Own::WebhookRetry),
        ])?;
        if self.profile.webhooks.payments.is_none() {
            item.complain("needs `[webhooks.payments]` in profile.toml, which says what is told");
            return None;
        }
        Some(own)
    }

    fn scope(&self, item: &Item<'_>) -> Option<String> {
        let text = item.text()?;
        let catalog = &self.profile.scopes;
        if catalog.names().any(|known| known == text) {
            return Some(text.to_owned());
        }
        let hint = nearest(text, catalog.names()).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        item.refuse(text, format_args!("which is no scope of the catalog{hint}"))
    }

    fn resource(&self, item: &Item<'_>) -> Option<String> {
        let text = item.text()?;
        let identifier = text.replace("{issuer}", self.issuer.as_str());
        match self.profile.resource(&identifier) {
            Some(_) => Some(identifier),
            None => item.refuse(text, "which is no resource of the profile"),
        }
    }
}

/// Segments of plain characters, `{name}`, and `{*name}` at the end: a path in its one spelling.
fn pattern(item: &Item<'_>) -> Option<String> {
    const RULE: &str = "but a path begins with a slash and has segments of A-Z, a-z, 0-9, -, ., _, ~ and :, or \
                        `{name}`, or `{*name}` at its end, none of them empty, `.` or `..`";
    let text = item.text()?;
    let name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    let segments: Vec<&str> = text.split('/').collect();
    let good = |(at, segment): (usize, &&str)| match segment.strip_prefix('{') {
        Some(inside) => inside
            .strip_suffix('}')
            .is_some_and(|inside| match inside.strip_prefix('*') {
                Some(rest) => at + 1 == segments.len() && name(rest),
                None => name(inside),
            }),
        None => {
            !matches!(*segment, "" | "." | "..")
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~:".contains(&b))
        }
    };
    let whole = segments.len() > 1 && segments[0].is_empty() && text.len() <= PATH_BYTES_MAX;
    if !whole || !segments.iter().enumerate().skip(1).all(good) {
        return item.refuse(text, RULE);
    }
    let all: Vec<&str> = names(text).collect();
    if let Some(twice) = all.iter().enumerate().find(|(at, name)| all[..*at].contains(name)) {
        return item.refuse(text, format_args!("in which `{}` stands twice", twice.1));
    }
    Some(text.to_owned())
}

/// It stands in keys of the store.
fn collection(item: &Item<'_>) -> Option<String> {
    let text = item.text()?;
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !(1..=40).contains(&text.len()) || !text.bytes().all(good) {
        return item.refuse(
            text,
            "but a collection of the sandbox is named with 1 to 40 of a-z, 0-9 and _",
        );
    }
    Some(text.to_owned())
}

fn part(item: &Item<'_>, path: &str) -> Option<String> {
    let text = item.text()?;
    if !names(path).any(|name| name == text) || path.contains(&format!("{{*{text}}}")) {
        return item.refuse(text, format_args!("which is no `{{{text}}}` of the path {path:?}"));
    }
    Some(text.to_owned())
}
