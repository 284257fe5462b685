//! The API's routes: which path and method need which scopes, and where they lead.

use super::http_upstream::HttpUpstream;
use super::rate_limits::RateLimits;
use http::{HeaderValue, Method};
use matchit::Router;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// The rows of `routes.json`, and the way from a path to its row.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    rows: Vec<Arc<Route>>,
    router: Router<usize>,
    limits: RateLimits,
    /// Where no row is met.
    policy: Option<HeaderValue>,
}

/// One path with what its methods need.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Route {
    /// A pattern: `{name}` stands for one segment, `{*name}` at its end for all that follow.
    pub path: String,
    #[serde(serialize_with = "by_method")]
    pub methods: Vec<(Method, Needed)>,
    /// The identifier of the resource whose tokens it takes.
    pub resource: String,
    /// The part of the path that names the organization; `None`: it is the credential's.
    pub organization: Option<String>,
    pub upstream: Upstream,
    /// The collection of the sandbox that answers where `upstream` is the sandbox.
    pub sandbox: Option<String>,
    pub body_bytes_max: u64,
    /// From the request to the first byte of the answer.
    #[serde(rename = "time_max", serialize_with = "super::duration_text")]
    pub time_max: Duration,
    /// In a window, of one app in one organization, besides the limits that all rows share.
    pub rate_limit: Option<NonZeroU32>,
    /// What answers say of all of them.
    #[serde(skip)]
    pub policy: Option<HeaderValue>,
    /// Of `routes.json`.
    #[serde(skip)]
    pub line: Option<usize>,
}

/// The scopes that a method needs. Written as in `routes.json`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// One of them is enough: two or more.
    AnyOf(Vec<String>),
    /// Each of them; none: any credential that works.
    #[serde(untagged)]
    All(Vec<String>),
}

/// Who answers a route.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Upstream {
    Sandbox,
    /// This server, whatever upstream the other routes have.
    Own(Own),
    #[serde(untagged)]
    Http(HttpUpstream),
}

/// What of the API's routes this server answers itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Own {
    /// Where the caller wants to be told of payments.
    WebhookSubscription,
    /// Sends it a message that says nothing.
    WebhookTest,
    /// Makes another secret for the addresses that payment links name.
    WebhookSecret,
    /// What was sent.
    WebhookRequests,
    /// Sends one of those once more.
    WebhookRetry,
}

/// A path that is a row's.
#[derive(Clone, Debug)]
pub struct Found {
    pub route: Arc<Route>,
    /// What stands for each name of the pattern.
    parts: Vec<(String, String)>,
}

impl Routes {
    /// Errors: the line and what is wrong. No path may lead to two rows of which neither is the more exact.
    pub fn new(rows: Vec<Route>, limits: RateLimits) -> Result<Self, Vec<(Option<usize>, String)>> {
        let (mut router, mut faults) = (Router::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            if let Some(other) = rows[..at].iter().find(|other| conflict(&other.path, &row.path)) {
                let place = other.line.map_or(String::new(), |line| format!(" of line {line}"));
                let what = if shape(&other.path) == shape(&row.path) {
                    format!("is never reached: `{}`{place} has the same form", other.path)
                } else {
                    format!(
                        "and `{}`{place} fit the same paths, and neither is the more exact",
                        other.path
                    )
                };
                faults.push((row.line, format!("`{}` {what}", row.path)));
            } else if let Err(why) = router.insert(row.path.as_str(), at) {
                faults.push((row.line, format!("`{}` is no pattern: {why}", row.path)));
            }
        }
        if faults.is_empty() {
            let told = |row: Route| Route {
                policy: limits.policy(row.rate_limit),
                ..row
            };
            Ok(Self {
                rows: rows.into_iter().map(|row| Arc::new(told(row))).collect(),
                router,
                policy: limits.policy(None),
                limits,
            })
        } else {
            Err(faults)
        }
    }

    pub fn rows(&self) -> &[Arc<Route>] {
        &self.rows
    }

    pub fn limits(&self) -> &RateLimits {
        &self.limits
    }

    /// `RateLimit-Policy` of a path that may be a row's.
    pub fn policy<'a>(&'a self, found: Option<&'a Found>) -> Option<&'a HeaderValue> {
        found.map_or(&self.policy, |found| &found.route.policy).as_ref()
    }

    pub fn at(&self, path: &str) -> Option<Found> {
        // With a slash at its end it is another path, which many programs take for the same: it fits no row.
        if path.ends_with('/') {
            return None;
        }
        let found = self.router.at(path).ok()?;
        let parts = found
            .params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Found {
            parts: parts.collect(),
            route: Arc::clone(&self.rows[*found.value]),
        })
    }
}

impl Route {
    /// What a method needs; HEAD is GET without the body. `None`: the method is not answered here.
    pub fn needs(&self, method: &Method) -> Option<&Needed> {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let found = self.methods.iter().find(|(known, _)| known == method);
        found.map(|(_, needed)| needed)
    }
}

impl Needed {
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::All(scopes) | Self::AnyOf(scopes) => scopes,
        }
    }

    /// What to ask for to get in, and no more than that (RFC 6750 §3): all of them, or the first of several that do.
    pub fn to_ask_for(&self) -> &[String] {
        match self {
            Self::All(scopes) => scopes,
            Self::AnyOf(scopes) => &scopes[..1],
        }
    }

    /// Whether whoever holds what `holds` says may pass.
    pub fn is_met(&self, holds: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All(scopes) => scopes.iter().all(|scope| holds(scope)),
            Self::AnyOf(scopes) => scopes.iter().any(|scope| holds(scope)),
        }
    }
}

impl Found {
    /// Empty where the pattern has no such part.
    pub fn part(&self, name: &str) -> &str {
        let found = self.parts.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The organization that the path names.
    pub fn organization(&self) -> Option<&str> {
        self.route.organization.as_deref().map(|name| self.part(name))
    }
}

impl PartialEq for Routes {
    fn eq(&self, other: &Self) -> bool {
        self.rows == other.rows && self.limits == other.limits
    }
}

impl Serialize for Routes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows: Vec<&Route> = self.rows.iter().map(|row| &**row).collect();
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("rate_limits", &self.limits)?;
        map.serialize_entry("routes", &rows)?;
        map.end()
    }
}

fn by_method<S: Serializer>(methods: &[(Method, Needed)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(methods.iter().map(|(method, needed)| (method.as_str(), needed)))
}

/// A segment of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Exact(&'a str),
    One,
    Rest,
}

fn segment(text: &str) -> Segment<'_> {
    if text.starts_with("{*") {
        Segment::Rest
    } else if text.starts_with('{') {
        Segment::One
    } else {
        Segment::Exact(text)
    }
}

fn shape(pattern: &str) -> Vec<Segment<'_>> {
    pattern.split('/').skip(1).map(segment).collect()
}

/// What stands between braces.
pub(super) fn names(pattern: &str) -> impl Iterator<Item = &str> {
    let inside = |text: &'_ str| text.starts_with('{');
    let bare = |text| str::trim_end_matches(str::trim_start_matches(text, ['{', '*']), '}');
    pattern.split('/').filter(move |text| inside(text)).map(bare)
}

/// Whether some path fits both patterns.
pub fn meet(a: &str, b: &str) -> bool {
    let (a, b) = (shape(a), shape(b));
    for at in 0.. {
        match (a.get(at), b.get(at)) {
            (None, None) => return true,
            (Some(Segment::Rest), Some(_)) | (Some(_), Some(Segment::Rest)) => return true,
            (Some(Segment::Exact(one)), Some(Segment::Exact(other))) if one != other => return false,
            (Some(_), Some(_)) => {}
            (None, Some(_)) | (Some(_), None) => return false,
        }
    }
    unreachable!("patterns end")
}

/// Whether some path fits both and neither is at least as exact in each segment, or both are the same.
fn conflict(a: &str, b: &str) -> bool {
    if !meet(a, b) {
        return false;
    }
    let rank = |segment: &Segment<'_>| match segment {
        Segment::Exact(_) => 2,
        Segment::One => 1,
        Segment::Rest => 0,
    };
    let (a, b) = (shape(a), shape(b));
    let pairs = || a.iter().map(rank).zip(b.iter().map(rank));
    let a_exacter = pairs().any(|(a, b)| a > b);
    let b_exacter = pairs().any(|(a, b)| a < b);
    a_exacter == b_exacter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_meet_where_a_path_fits_both_and_conflict_where_neither_is_more_exact() {
        for (a, b, meets, conflicts) in [
            ("/a", "/a", true, true),
            ("/a/{x}", "/a/{y}", true, true),
            ("/a/{x}", "/a/b", true, false),
            ("/a/{x}/c", "/a/b/{y}", true, true),
            ("/a/{*rest}", "/a/{x}", true, false),
            ("/a/{*rest}", "/a/b/c", true, false),
            ("/{x}/b/{*rest}", "/a/{y}/c", true, true),
            ("/a", "/b", false, false),
            ("/a/{x}", "/a", false, false),
            ("/a/{x}/c", "/a/{x}/d", false, false),
            ("/a/{*rest}", "/b/{*rest}", false, false),
        ] {
            assert_eq!((meet(a, b), meet(b, a)), (meets, meets), "{a} {b}");
            assert_eq!((conflict(a, b), conflict(b, a)), (conflicts, conflicts), "{a} {b}");
        }
    }
}
