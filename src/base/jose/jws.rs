//! Signed JWTs in compact form (RFC 7515 §7.1, RFC 7519).

use super::{Alg, Algorithm, JoseError, Jwk, PublicKey, SigningKey};
use crate::base::digest::from_base64url;
use crate::base::json::{parse_strict_object, present};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Signs claims. The header is `{"typ":…,"alg":…,"kid":…}` and nothing else.
pub fn sign_jwt(key: &SigningKey, kid: &str, typ: &str, claims_json: &[u8]) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        typ: &'a str,
        alg: Algorithm,
        kid: &'a str,
    }
    let header = serde_json::to_vec(&Header {
        typ,
        alg: key.algorithm(),
        kid,
    })
    .expect("three strings are always JSON");
    let signature_bytes_max = 512;
    let mut jwt = String::with_capacity((header.len() + claims_json.len() + signature_bytes_max) * 4 / 3 + 8);
    URL_SAFE_NO_PAD.encode_string(header, &mut jwt);
    jwt.push('.');
    URL_SAFE_NO_PAD.encode_string(claims_json, &mut jwt);
    let signature = key.sign(jwt.as_bytes());
    jwt.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    jwt
}

/// A well-formed JWS with an accepted algorithm. What it says is unproven until [`Self::verify`].
#[derive(Debug)]
pub struct UnverifiedJws<'a> {
    header: Header,
    alg: Alg,
    /// Header and payload as they were signed (RFC 7515 §5.2).
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The members that are looked at. Others are ignored (RFC 7515 §4): above all `jku`, `x5u` and `x5c`, for a token
/// never says where its key is to be found. The extensions change what a signature means and are refused.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    jwk: Option<Jwk>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    b64: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    enc: bool,
}

impl<'a> UnverifiedJws<'a> {
    /// One of the algorithms this server signs with.
    pub fn parse(text: &'a str, bytes_max: usize) -> Result<Self, JoseError> {
        Self::parse_accepting(text, bytes_max, &Algorithm::ALL.map(Alg::from))
    }

    /// One of the algorithms the caller accepts, whatever the key would allow.
    pub fn parse_accepting(text: &'a str, bytes_max: usize, accepted: &[Alg]) -> Result<Self, JoseError> {
        if text.len() > bytes_max {
            return Err(JoseError::Malformed("it is too long"));
        }
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JoseError::Malformed("it does not have three parts"));
        };
        let signing_input = &text[..header.len() + 1 + payload.len()];
        let header: Header = parse_strict_object(&decode(header)?).map_err(JoseError::Header)?;
        if header.crit || header.b64 || header.zip || header.enc {
            return Err(JoseError::Unsupported("its header has crit, b64, zip or enc"));
        }
        let alg = Alg::parse(&header.alg)
            .filter(|alg| accepted.contains(alg))
            .ok_or(JoseError::Unsupported("its algorithm is none of those accepted here"))?;
        Ok(Self {
            header,
            alg,
            signing_input,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    pub fn alg(&self) -> Alg {
        self.alg
    }

    /// As written; compare with [`Self::has_typ`].
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// Whether `typ` is this media type, written with or without `application/` and in any case (RFC 7515 §4.1.9).
    pub fn has_typ(&self, expected: &str) -> bool {
        const PREFIX: &str = "application/";
        self.typ().is_some_and(|typ| match typ.split_at_checked(PREFIX.len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest.eq_ignore_ascii_case(expected),
            _ => typ.eq_ignore_ascii_case(expected),
        })
    }

    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The key the token brings along: proves possession (RFC 9449 §4.2), never authority.
    pub fn jwk(&self) -> Option<&Jwk> {
        self.header.jwk.as_ref()
    }

    /// The payload as anyone may have written it: to find out whose keys to try, and for nothing else.
    pub fn unproven_payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload, once the signature is one of `key`.
    pub fn verify(&self, key: &PublicKey) -> Result<&[u8], JoseError> {
        key.verify(self.alg, self.signing_input.as_bytes(), &self.signature)?;
        Ok(&self.payload)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, JoseError> {
    from_base64url(part)
        .filter(|bytes| !bytes.is_empty())
        .ok_or(JoseError::Malformed("one of its parts is empty or not in base64url"))
}
