//! `application/x-www-form-urlencoded` parameters, strictly (OAuth 2.1 §3.1, §3.2 and appendix B).

use super::error::OAuthError;
use percent_encoding::percent_decode;
use std::borrow::Cow;

/// More than any request of the protocol has.
const PARAMS_MAX: usize = 64;

/// Decoded name and value pairs in the order they came; empty values count as absent.
#[derive(Default)]
pub struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    /// Refuses what is not well-formed: bad percent-encoding, bytes that are not UTF-8, too many parameters.
    pub fn parse(form: &'a [u8]) -> Result<Self, OAuthError> {
        Self::parse_up_to(PARAMS_MAX, form)
    }

    /// Of a form that may be longer than any request of the protocol.
    pub fn parse_up_to(params_max: usize, form: &'a [u8]) -> Result<Self, OAuthError> {
        let mut pairs = Vec::with_capacity(8);
        for field in form.split(|b| *b == b'&').filter(|f| !f.is_empty()) {
            if pairs.len() == params_max {
                return Err(OAuthError::invalid_request("The request has too many parameters."));
            }
            let equals = field.iter().position(|b| *b == b'=');
            let (name, value) = match equals {
                Some(at) => (&field[..at], &field[at + 1..]),
                None => (field, &[][..]),
            };
            let decoded = decode(name).zip(decode(value));
            let Some(pair) = decoded else {
                return Err(OAuthError::invalid_request(
                    "A parameter is not well-formed percent-encoded UTF-8.",
                ));
            };
            pairs.push(pair);
        }
        Ok(Self(pairs))
    }

    /// Of pairs that were sent in another encoding.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let pairs = pairs.into_iter();
        Self(pairs.map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// The value of a parameter that may stand once; empty is absent (OAuth 2.1 §3.2).
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(OAuthError::invalid_request(format!(
                "The parameter {name} stands more than once."
            )));
        }
        Ok(first.map(|(_, value)| &**value).filter(|value| !value.is_empty()))
    }

    /// Encoded once more, with only the parameters that are wanted.
    pub fn encode(&self, wanted: impl Fn(&str) -> bool) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.0.iter().filter(|(name, _)| wanted(name)));
        form.finish()
    }

    /// Everything that was sent, empty or not.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// All values of a parameter that may repeat, such as `resource` (RFC 8707 §2).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(n, _)| n == name);
        values.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }
}

/// One name or value; `None` when a `%` is not followed by two hex digits or the bytes are not UTF-8.
pub fn decode(encoded: &[u8]) -> Option<Cow<'_, str>> {
    if !encoded.iter().any(|b| matches!(b, b'%' | b'+')) {
        return std::str::from_utf8(encoded).ok().map(Cow::Borrowed);
    }
    let mut rest = encoded;
    while let Some(at) = rest.iter().position(|b| *b == b'%') {
        if !rest.get(at + 1..at + 3)?.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = &rest[at + 3..];
    }
    let spaced: Vec<u8> = encoded.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    String::from_utf8(percent_decode(&spaced).collect())
        .ok()
        .map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn plus_and_percent_are_decoded_and_empty_is_absent() {
        let params = Params::parse(b"scope=tasks.read+tasks%2Ewrite&state=&&a").unwrap();
        assert_eq!(params.get("scope").unwrap(), Some("tasks.read tasks.write"));
        assert_eq!(params.get("state").unwrap(), None);
        assert_eq!(params.get("a").unwrap(), None);
    }

    #[test]
    fn duplicates_and_bad_encodings_are_refused() {
        assert!(Params::parse(b"a=1&a=2").unwrap().get("a").is_err());
        for bad in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"%c3=a", b"a=\xff"] {
            assert!(Params::parse(bad).is_err(), "{bad:?}");
        }
    }
}
