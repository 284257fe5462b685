//! Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use super::{Alg, Algorithm, JoseError};
use crate::base::digest::{base64url, from_base64url, sha256};
use crate::base::json::present;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A public key of one of the three kinds this server verifies with. Reading one refuses private and symmetric keys,
/// other kinds, and numbers that are not spelled as RFC 7518 asks. Whether the numbers are a sound key is decided by
/// [`super::PublicKey::from_jwk`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members", into = "Members")]
pub struct Jwk {
    pub kid: Option<String>,
    /// Where it is written, the key has this one algorithm alone.
    alg: Option<Alg>,
    /// Whether `use` is written; it can only be `sig`.
    names_use: bool,
    pub(super) numbers: Numbers,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    Ed25519 { x: [u8; 32] },
    P256 { x: [u8; 32], y: [u8; 32] },
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl Jwk {
    /// The form in which this server publishes its keys: `kid` is the thumbprint, `use` and `alg` are written.
    pub(super) fn published(algorithm: Algorithm, numbers: Numbers) -> Self {
        let mut jwk = Self {
            kid: None,
            alg: Some(algorithm.into()),
            names_use: true,
            numbers,
        };
        jwk.kid = Some(jwk.thumbprint());
        jwk
    }

    /// Whether signatures of this algorithm may be of this key. An RSA key that names none has two.
    pub fn has(&self, alg: Alg) -> bool {
        self.alg.is_none_or(|own| own == alg) && self.numbers.fit(alg)
    }

    /// RFC 7638 with SHA-256 in base64url: the required members in lexical order (§3.2, RFC 8037 §2).
    pub fn thumbprint(&self) -> String {
        let text = match &self.numbers {
            Numbers::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url(x)),
            Numbers::P256 { x, y } => {
                format!(
                    r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                    base64url(x),
                    base64url(y)
                )
            }
            Numbers::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, base64url(e), base64url(n)),
        };
        base64url(sha256(text.as_bytes()))
    }
}

impl Numbers {
    const fn fit(&self, alg: Alg) -> bool {
        match self {
            Self::Ed25519 { .. } => matches!(alg, Alg::EdDsa | Alg::Ed25519),
            Self::P256 { .. } => matches!(alg, Alg::Es256),
            Self::Rsa { .. } => matches!(alg, Alg::Rs256 | Alg::Ps256),
        }
    }
}

/// A JWK as it is written. The members that must not be there are looked for, null or not.
#[derive(Default, Serialize, Deserialize)]
struct Members {
    kty: String,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    use_: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    // Private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4).
    #[serde(default, skip_serializing, deserialize_with = "present")]
    d: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    p: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    q: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    dp: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    dq: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    qi: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    oth: bool,
    #[serde(default, skip_serializing, deserialize_with = "present")]
    k: bool,
}

/// Whether a JWK, sound or not, has a member of a private or symmetric key.
pub fn holds_a_secret(key: &Value) -> bool {
    let members = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    members.iter().any(|member| key.get(member).is_some())
}

impl Members {
    fn holds_a_secret(&self) -> bool {
        self.d || self.p || self.q || self.dp || self.dq || self.qi || self.oth || self.k
    }
}

impl TryFrom<Members> for Jwk {
    type Error = JoseError;

    fn try_from(members: Members) -> Result<Self, JoseError> {
        if members.holds_a_secret() {
            return Err(JoseError::Key("it holds private or symmetric key material"));
        }
        let numbers = match (members.kty.as_str(), members.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Numbers::Ed25519 {
                x: coordinate(members.x.as_deref())?,
            },
            ("EC", Some("P-256")) => Numbers::P256 {
                x: coordinate(members.x.as_deref())?,
                y: coordinate(members.y.as_deref())?,
            },
            ("RSA", None) => Numbers::Rsa {
                n: positive(members.n.as_deref())?,
                e: positive(members.e.as_deref())?,
            },
            _ => return Err(JoseError::Key("it is not OKP with Ed25519, EC with P-256, or RSA")),
        };
        let alg = members.alg.as_deref().map(|name| {
            let alg = Alg::parse(name).filter(|alg| numbers.fit(*alg));
            alg.ok_or(JoseError::Key("its alg is none that this server uses with such keys"))
        });
        let jwk = Self {
            kid: members.kid,
            alg: alg.transpose()?,
            names_use: members.use_.is_some(),
            numbers,
        };
        if members.use_.is_some_and(|purpose| purpose != "sig") {
            return Err(JoseError::Key("its use is not sig"));
        }
        Ok(jwk)
    }
}

impl From<Jwk> for Members {
    fn from(jwk: Jwk) -> Self {
        let alg = jwk.alg.map(|alg| alg.as_str().to_owned());
        let use_ = jwk.names_use.then(|| "sig".to_owned());
        let (kty, crv, [x, y, n, e]) = match jwk.numbers {
            Numbers::Ed25519 { x } => ("OKP", Some("Ed25519"), [Some(base64url(x)), None, None, None]),
            Numbers::P256 { x, y } => (
                "EC",
                Some("P-256"),
                [Some(base64url(x)), Some(base64url(y)), None, None],
            ),
            Numbers::Rsa { n, e } => ("RSA", None, [None, None, Some(base64url(n)), Some(base64url(e))]),
        };
        let (kty, crv) = (kty.to_owned(), crv.map(str::to_owned));
        Self {
            kty,
            use_,
            alg,
            kid: jwk.kid,
            crv,
            x,
            y,
            n,
            e,
            ..Self::default()
        }
    }
}

/// The full 32 bytes, leading zeros included (RFC 7518 §6.2.1.2, RFC 8037 §2).
fn coordinate(text: Option<&str>) -> Result<[u8; 32], JoseError> {
    text.and_then(from_base64url)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(JoseError::Key("a coordinate is not 32 bytes in base64url"))
}

/// Without leading zeros (RFC 7518 §2, Base64urlUInt).
fn positive(text: Option<&str>) -> Result<Vec<u8>, JoseError> {
    text.and_then(from_base64url)
        .filter(|bytes| bytes.first().is_some_and(|first| *first != 0))
        .ok_or(JoseError::Key(
            "an RSA number is not a positive integer in base64url without leading zeros",
        ))
}
