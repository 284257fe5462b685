//! The address of an API, taken apart once for all requests to it.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use serde::{Serialize, Serializer};
use url::Url;

/// http or https; its path, without a slash at the end, stands before the request's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpUpstream {
    url: Url,
    origin: String,
    scheme: Scheme,
    authority: Authority,
}

impl HttpUpstream {
    /// `None`: no absolute address of HTTP.
    pub fn new(url: Url) -> Option<Self> {
        let origin = url.origin().ascii_serialization();
        let parts = origin.parse::<Uri>().ok()?.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
        Some(Self {
            authority: parts.authority?,
            scheme,
            origin,
            url,
        })
    }

    /// Scheme, host and port (RFC 6454 §6.2).
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        self.authority.as_str()
    }

    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }

    /// Where a request for this path goes; `None`: an address cannot hold it.
    pub fn at(&self, path: &str, query: Option<&str>) -> Option<Uri> {
        let base = self.url.path().trim_end_matches('/');
        let query = query.map_or(["", ""], |query| ["?", query]);
        let target = [base, path, query[0], query[1]].concat();
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl Serialize for HttpUpstream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.url.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str, path: &str, query: Option<&str>) -> String {
        let upstream = HttpUpstream::new(address.parse().expect("an address")).expect("of HTTP");
        upstream.at(path, query).expect("it can be asked").to_string()
    }

    #[test]
    fn the_path_of_a_request_stands_behind_that_of_the_upstream() {
        assert_eq!(at("http://127.0.0.1:3000", "/a/b", None), "http://127.0.0.1:3000/a/b");
        assert_eq!(
            at("https://api.example/v2/", "/a", Some("b=c")),
            "https://api.example/v2/a?b=c"
        );
        assert_eq!(at("http://[::1]:81/x", "/", Some("")), "http://[::1]:81/x/?");
    }

    #[test]
    fn only_addresses_of_http_are_taken() {
        for other in ["ftp://example.com", "data:text/plain,x", "unix:/run/api"] {
            assert_eq!(HttpUpstream::new(other.parse().expect("an address")), None, "{other}");
        }
    }
}
