//! The master secret: what keys every digest and every seal in the store. It lives beside the store (`data/secret`),
//! never in it, so that a copy of the store alone opens nothing.
//!
//! Digests and seals name the version of the key that made them. A secret may hold several keys: the newest makes,
//! all of them verify and open, which is how it can be rotated.

mod file;

use super::digest::{base64url, equal, hmac_sha256, keyed};
use super::random::{self, Random};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

pub use file::MasterSecretError;

const TAG_BYTES: usize = 16;

macro_rules! purposes {
    ($($name:ident = $label:literal,)*) => {
        /// What a digest or seal is for. Each has keys of its own, so that one kind never passes for another.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Purpose { $($name),* }

        impl Purpose {
            const ALL: &[Self] = &[$(Self::$name),*];

            /// Part of the derivation: changing a label makes everything stored for it unreadable.
            const fn label(self) -> &'static str {
                match self { $(Self::$name => $label),* }
            }
        }
    };
}

purposes! {
    ClientSecret = "client secret",
    AuthorizationCode = "authorization code",
    RefreshToken = "refresh token",
    PersonalAccessToken = "personal access token",
    ApiKey = "api key",
    RequestUri = "request uri",
    Installation = "installation",
    Session = "session",
    Csrf = "csrf",
    Invitation = "invitation",
    PasswordReset = "password reset",
    RecoveryCode = "recovery code",
    TotpSeed = "totp seed",
    SigningKey = "signing key",
    WebhookSecret = "webhook secret",
    IdempotencyKey = "idempotency key",
    Receipt = "receipt",
    DpopProof = "dpop proof",
    DpopNonce = "dpop nonce",
    ClientAssertion = "client assertion",
    EmailAddress = "email address",
    SignUp = "sign up",
    Mail = "mail",
    Administrator = "administrator",
    AccessRequest = "access request",
    Cursor = "cursor",
    AuditChain = "audit chain",
}

pub struct MasterSecret {
    /// Ascending by version, never empty; the last one makes new digests and seals.
    keys: Vec<VersionedKey>,
}

impl MasterSecret {
    pub fn generate(random: &dyn Random) -> Self {
        Self {
            keys: vec![VersionedKey::new(1, Zeroizing::new(random::bytes(random)))],
        }
    }

    /// Names the newest key and tells nothing about it: for the store, so that opening it with the wrong secret is
    /// refused instead of finding every credential wrong.
    pub fn fingerprint(&self) -> String {
        self.newest().fingerprint()
    }

    /// Whether one of the keys has this fingerprint.
    pub fn knows(&self, fingerprint: &str) -> bool {
        self.keys.iter().any(|key| key.fingerprint() == fingerprint)
    }

    /// The digest under which a secret is remembered.
    pub fn digest(&self, purpose: Purpose, value: &[u8]) -> KeyedDigest {
        self.newest().digest(purpose, value)
    }

    /// Whether `digest` is one of `value`, in constant time, with the key that the digest names.
    pub fn verify(&self, purpose: Purpose, value: &[u8], digest: &KeyedDigest) -> bool {
        self.version(digest.0[0])
            .is_some_and(|key| equal(&key.digest(purpose, value).0, &digest.0))
    }

    /// [`Self::verify`] for the beginning of a digest, its key version and at least 128 bits.
    pub fn verify_short(&self, purpose: Purpose, value: &[u8], beginning: &[u8]) -> bool {
        let Some(version) = beginning.first().filter(|_| beginning.len() >= 17) else {
            return false;
        };
        self.version(*version).is_some_and(|key| {
            let digest = key.digest(purpose, value);
            digest.0.get(..beginning.len()).is_some_and(|own| equal(own, beginning))
        })
    }

    /// Encrypts what must be used again. `context` says which record it belongs to: it opens nowhere else.
    pub fn seal(&self, purpose: Purpose, context: &[u8], plaintext: &[u8], random: &dyn Random) -> Sealed {
        let key = self.newest();
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let mut out = Vec::with_capacity(1 + NONCE_LEN + plaintext.len() + TAG_BYTES);
        out.push(key.version);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plaintext);
        let tag = key.derived[purpose as usize]
            .seal
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context),
                &mut out[1 + NONCE_LEN..],
            )
            .expect("only a plaintext of gigabytes cannot be sealed");
        out.extend_from_slice(tag.as_ref());
        Sealed(out)
    }

    /// The plaintext, when it was sealed by one of these keys for this purpose and context.
    pub fn open(&self, purpose: Purpose, context: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.0.split_first()?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let length = self.version(*version)?.derived[purpose as usize]
            .seal
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut plaintext)
            .ok()?
            .len();
        plaintext.truncate(length);
        Some(plaintext)
    }

    fn newest(&self) -> &VersionedKey {
        self.keys.last().expect("a master secret has at least one key")
    }

    fn version(&self, version: u8) -> Option<&VersionedKey> {
        self.keys.iter().find(|key| key.version == version)
    }
}

impl fmt::Debug for MasterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One key and all that is derived from it, computed once: digests are made on every request.
struct VersionedKey {
    version: u8,
    bytes: Zeroizing<[u8; 32]>,
    /// Indexed by `Purpose as usize`.
    derived: Vec<DerivedKeys>,
}

struct DerivedKeys {
    digest: hmac::Key,
    /// AES-256-GCM-SIV (RFC 8452) instead of AES-256-GCM: the nonces are random, a busy server seals more than the
    /// 2^32 messages up to which that is safe in GCM, and a restored machine snapshot may even repeat one.
    seal: LessSafeKey,
}

impl VersionedKey {
    fn new(version: u8, bytes: Zeroizing<[u8; 32]>) -> Self {
        let derive = |kind: &str, label: &str| {
            Zeroizing::new(hmac_sha256(
                &*bytes,
                &[b"grantd/", kind.as_bytes(), b"/", label.as_bytes()],
            ))
        };
        let keys_of = |purpose: &Purpose| DerivedKeys {
            digest: hmac::Key::new(hmac::HMAC_SHA256, &*derive("digest", purpose.label())),
            seal: LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM_SIV, &*derive("seal", purpose.label())).expect("the key has 32 bytes"),
            ),
        };
        let derived = Purpose::ALL.iter().map(keys_of).collect();
        Self {
            version,
            bytes,
            derived,
        }
    }

    fn digest(&self, purpose: Purpose, value: &[u8]) -> KeyedDigest {
        let mut out = [self.version; KeyedDigest::BYTES];
        out[1..].copy_from_slice(&keyed(&self.derived[purpose as usize].digest, &[value]));
        KeyedDigest(out)
    }

    fn fingerprint(&self) -> String {
        base64url(&hmac_sha256(&*self.bytes, &[b"grantd/fingerprint"])[..16])
    }
}

/// A secret as the store remembers it: key version ‖ HMAC-SHA256. May be part of a store key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyedDigest([u8; KeyedDigest::BYTES]);

impl KeyedDigest {
    pub const BYTES: usize = 33;

    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for KeyedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyedDigest({}:{})", self.0[0], base64url(&self.0[1..]))
    }
}

impl Serialize for KeyedDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyedDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_byte_buf(Bytes)?;
        Ok(Self(
            bytes
                .try_into()
                .map_err(|_| D::Error::custom("a keyed digest has 33 bytes"))?,
        ))
    }
}

/// An encrypted secret: key version ‖ nonce (12) ‖ ciphertext ‖ tag (16).
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// For what leaves the store and comes back, such as a field of a form. What is no seal opens nowhere.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes).map(Self)
    }
}

/// A byte string, not the list of numbers that serde makes of a `Vec<u8>`.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a byte string")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }
}
