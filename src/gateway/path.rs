//! Which paths are the gateway's, and how they must be spelled. What a proxy and the program behind it read differently
//! is refused before anything is looked up: `..;/`, `%2e`, `//`, an encoded slash.

use crate::config::Resource;
use crate::context::Context;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// This server's own API, which may lie under a resource's path.
const OWN: &str = "/api/developer/";

/// The paths of this server's resources. Under a bare origin lies everything, this server's own pages too: it is none
/// of them, there the routes alone decide.
pub struct Roots(Vec<String>);

impl Roots {
    pub fn of(resources: &[Resource]) -> Self {
        let roots = resources.iter().map(|resource| root(&resource.identifier).to_owned());
        Self(roots.filter(|root| !root.is_empty()).collect())
    }

    /// Whether the path is the gateway's: under a resource of this server, known or not, or one of the routes.
    pub fn cover(&self, ctx: &Context, path: &str) -> bool {
        let under = |root: &String| {
            path.strip_prefix(root.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !path.starts_with(OWN) && (self.0.iter().any(under) || ctx.routes().at(path).is_some())
    }
}

/// The path of an absolute URI, without a slash at its end.
pub fn root(identifier: &str) -> &str {
    let after_scheme = identifier.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |at| &after_scheme[at..]);
    path.trim_end_matches('/')
}

/// The path with everything bare that may stand bare in a segment (RFC 3986 §3.3): what an upstream that decodes it
/// takes for the same finds the same row.
pub fn bare(path: &str) -> Cow<'_, str> {
    if !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let mut parts = path.split('%');
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match byte.filter(|byte| b":@!$&'()*+,=".contains(byte)) {
            Some(byte) => {
                bare.push(char::from(byte));
                bare.push_str(&part[2..]);
            }
            None => {
                bare.push('%');
                bare.push_str(part);
            }
        }
    }
    Cow::Owned(bare)
}

/// Whether there is one way only to read it: no empty, `.` or `..` segment, no parameters in a segment, nothing encoded
/// that need not be, no encoded slash, backslash or control character, nothing but UTF-8 (RFC 3986 §6.2.2, §3.3, §2.5).
/// A slash at the end is another path than the one without and fits no row.
pub fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let last = rest.split('/').count() - 1;
    rest.split('/').enumerate().all(|(at, segment)| {
        (!segment.is_empty() || at == last) && !matches!(segment, "." | "..") && is_plain_segment(segment)
    })
}

fn is_plain_segment(segment: &str) -> bool {
    // Most have nothing else.
    if segment
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    {
        return true;
    }
    if segment
        .bytes()
        .any(|b| b <= b' ' || b >= 0x7f || b"\\;\"<>^`{|}#?".contains(&b))
    {
        return false;
    }
    let mut rest = segment;
    while let Some((_, after)) = rest.split_once('%') {
        let Some(code) = after
            .get(..2)
            .filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))
        else {
            return false;
        };
        let encoded = format!("%{code}");
        let byte = percent_decode_str(&encoded).next().unwrap_or_default();
        let must_be_bare = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if must_be_bare || byte < b' ' || byte == 0x7f || b"/\\;%".contains(&byte) {
            return false;
        }
        rest = &after[2..];
    }
    // Overlong forms too: `%c0%af` is a slash to those who decode carelessly (RFC 3629 §10).
    percent_decode_str(segment).decode_utf8().is_ok()
}

#[cfg(test)]
mod tests {
    use super::{bare, is_plain, root};

    #[test]
    fn a_path_that_could_be_read_in_two_ways_is_not_plain() {
        for plain in [
            "/",
            "/a",
            "/a/",
            "/api/v1/849/contacts",
            "/a/b:c",
            "/a/@x",
            "/a/b%20c",
            "/a/%C3%A9",
            "/a/...",
            "/a/.b",
            "/a/b,c=d",
            "/a/~b",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "",
            "a",
            "*",
            "//",
            "//a",
            "/a//b",
            "/a/./b",
            "/a/../b",
            "/a/..",
            "/a/.",
            "/a/..;/b",
            "/a/b;c=d",
            "/a/%2e%2e/b",
            "/a/%2E/b",
            "/a/%2fb",
            "/a/%2Fb",
            "/a/%5cb",
            "/a\\b",
            "/a/..%2fb",
            "/a/%61",
            "/a/%7e",
            "/a/%",
            "/a/%4",
            "/a/%zz",
            "/a/%00",
            "/a/%0a",
            "/a/%3b",
            "/a/%25",
            "/a/%252e",
            "/a/\u{e9}",
            "/a b",
            "/a/%7f",
            "/a|b",
            "/a/..%c0%afb",
            "/a/%c0%ae%c0%ae",
            "/a/%e9",
            "/a/%ed%a0%80",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn what_may_stand_bare_stands_bare() {
        for (path, expected) in [
            ("/a/b%3Ac%40d%2c", "/a/b:c@d,"),
            ("/a/b%20c%C3%A9", "/a/b%20c%C3%A9"),
            ("/a", "/a"),
            ("/%3A", "/:"),
        ] {
            assert_eq!(bare(path), expected);
        }
    }

    #[test]
    fn the_root_of_a_resource_is_its_path() {
        for (identifier, path) in [
            ("https://a.example/api", "/api"),
            ("https://a.example/api/v1/", "/api/v1"),
            ("https://a.example", ""),
            ("https://a.example/", ""),
        ] {
            assert_eq!(root(identifier), path);
        }
    }
}
