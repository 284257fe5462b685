//! What a request shows of who sends it: from exactly one place, or it is refused.

use super::refusal::Refusal;
use crate::base::secret::Secret;
use crate::config::{ApiKeyRules, HeaderPair, ShownName};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

pub enum Shown<'a> {
    Nothing,
    Token { scheme: Scheme, token: &'a str },
    ApiKey { id: &'a str, secret: Secret },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// RFC 6750 §2.1.
    Bearer,
    /// RFC 9449 §7.1.
    Dpop,
}

/// What a token is made of (RFC 9110 §11.2). A table: a token has hundreds of bytes.
static TOKEN68: [bool; 256] = {
    let mut good = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        good[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        byte += 1;
    }
    good
};

pub static DPOP: HeaderName = HeaderName::from_static("dpop");

impl<'a> Shown<'a> {
    /// A token in the address is none (OAuth 2.1 §5.1): addresses end up in logs and histories.
    pub fn of(rules: &ApiKeyRules, headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let key = api_key(rules, headers)?;
        let has_token = headers.contains_key(AUTHORIZATION) || headers.contains_key(&DPOP);
        match key {
            Some(_) if has_token => Err(Refusal::Malformed("Send an API key or a token, not both at once.")),
            Some(shown) => Ok(shown),
            None => token(headers),
        }
    }
}

fn token(headers: &HeaderMap) -> Result<Shown<'_>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(Shown::Nothing);
    };
    if values.next().is_some() {
        return Err(Refusal::Malformed("There is more than one Authorization header."));
    }
    let Some((scheme, token)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return Err(Refusal::Malformed(
            "The Authorization header is no scheme with a token.",
        ));
    };
    let scheme = if scheme.eq_ignore_ascii_case("Bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("DPoP") {
        Scheme::Dpop
    } else {
        // RFC 9110 §11.6.1: the challenge names the schemes that there are.
        return Ok(Shown::Nothing);
    };
    let token = token.trim_start_matches(' ');
    if token.is_empty() || !token.bytes().all(|byte| TOKEN68[usize::from(byte)]) {
        return Err(Refusal::Malformed("The Authorization header holds no token."));
    }
    Ok(Shown::Token { scheme, token })
}

fn api_key<'a>(rules: &ApiKeyRules, headers: &'a HeaderMap) -> Result<Option<Shown<'a>>, Refusal> {
    if !rules.enabled {
        return Ok(None);
    }
    let mut found = None;
    for pair in std::iter::once(&rules.headers).chain(&rules.aliases) {
        if !headers.contains_key(&pair.id.name) && !headers.contains_key(&pair.secret.name) {
            continue;
        }
        if found.is_some() {
            return Err(Refusal::Malformed(
                "The API key stands in more than one pair of headers.",
            ));
        }
        found = Some(of_pair(headers, pair)?);
    }
    Ok(found)
}

fn of_pair<'a>(headers: &'a HeaderMap, pair: &HeaderPair) -> Result<Shown<'a>, Refusal> {
    let one = |shown: &ShownName| {
        let mut values = headers.get_all(&shown.name).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        value.filter(|value| values.next().is_none() && !value.is_empty())
    };
    match (one(&pair.id), one(&pair.secret)) {
        (Some(id), Some(secret)) => Ok(Shown::ApiKey {
            id,
            secret: Secret::new(secret.to_owned()),
        }),
        _ => Err(Refusal::Malformed(
            "An API key is an id and a secret, each once in a header of its own.",
        )),
    }
}
