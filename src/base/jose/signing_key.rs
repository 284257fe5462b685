//! Keys that sign.

use super::jwk::Numbers;
use super::{Algorithm, JoseError, Jwk, PublicKey};
use crate::base::random::{self, Random};
use aws_lc_rs::encoding::{AsBigEndian as _, AsDer as _};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use ed25519_dalek::Signer as _;
use std::fmt;
use zeroize::Zeroizing;

pub struct SigningKey {
    private: Private,
    public_jwk: Jwk,
}

enum Private {
    Ed25519(Box<Ed25519Key>),
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// A new key. Ed25519 and P-256 keys are made of `random` alone; RSA primes can only be drawn by aws-lc from its
    /// own generator. P-256 signatures are never the same twice, Ed25519 and RSA ones always.
    pub fn generate(algorithm: Algorithm, random: &dyn Random) -> Self {
        match algorithm {
            Algorithm::EdDsa => Self::from_ed25519(Ed25519Key::from_seed(&Zeroizing::new(random::bytes(random)))),
            Algorithm::Es256 => loop {
                // One in 2^32 numbers is not below the order of the curve.
                let scalar: Zeroizing<[u8; 32]> = Zeroizing::new(random::bytes(random));
                if let Ok(key) = Self::from_private_bytes(algorithm, &*scalar) {
                    return key;
                }
            },
            Algorithm::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("only exhausted memory stops RSA generation");
                Self::from_rsa(pair).expect("a generated RSA key is sound")
            }
        }
    }

    /// Reads what [`Self::to_private_bytes`] made.
    pub fn from_private_bytes(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, JoseError> {
        match algorithm {
            Algorithm::EdDsa => {
                let seed = bytes
                    .try_into()
                    .map_err(|_| JoseError::Key("an Ed25519 seed has 32 bytes"))?;
                Ok(Self::from_ed25519(Ed25519Key::from_seed(seed)))
            }
            Algorithm::Es256 => {
                let scalar = bytes
                    .try_into()
                    .map_err(|_| JoseError::Key("a P-256 private key has 32 bytes"))?;
                EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &rfc5915(scalar))
                    .map(Self::from_p256)
                    .map_err(|_| JoseError::Key("it is not a private key of P-256"))
            }
            Algorithm::Rs256 => {
                let pair =
                    RsaKeyPair::from_pkcs8(bytes).map_err(|_| JoseError::Key("it is not an RSA key in PKCS#8"))?;
                Self::from_rsa(pair)
            }
        }
    }

    /// The private key, to be sealed: Ed25519 its seed (32), P-256 its number (32, big-endian), RSA a PKCS#8 document.
    pub fn to_private_bytes(&self) -> Zeroizing<Vec<u8>> {
        const HELD: &str = "a key that was made or read can be written";
        match &self.private {
            Private::Ed25519(key) => Zeroizing::new(key.dalek.to_bytes().to_vec()),
            Private::P256(pair) => Zeroizing::new(pair.private_key().as_be_bytes().expect(HELD).as_ref().to_vec()),
            Private::Rsa(pair) => Zeroizing::new(pair.as_der().expect(HELD).as_ref().to_vec()),
        }
    }

    pub fn algorithm(&self) -> Algorithm {
        match self.private {
            Private::Ed25519(_) => Algorithm::EdDsa,
            Private::P256(_) => Algorithm::Es256,
            Private::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// As it stands in the JWKS: `kid` is its thumbprint.
    pub fn public_jwk(&self) -> &Jwk {
        &self.public_jwk
    }

    pub fn public_key(&self) -> PublicKey {
        PublicKey::from_jwk(&self.public_jwk).expect("the public half of a sound key is sound")
    }

    /// The signature in its JWS form (RFC 7518 §3.3, §3.4, RFC 8037 §3.1).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.private {
            Private::Ed25519(key) => key.sign_aws(message).to_vec(),
            Private::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message);
                signature.expect("a sound P-256 key signs").as_ref().to_vec()
            }
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .expect("a sound RSA key signs");
                signature
            }
        }
    }

    fn from_ed25519(key: Ed25519Key) -> Self {
        let public_jwk = Jwk::published(
            Algorithm::EdDsa,
            Numbers::Ed25519 {
                x: key.dalek.verifying_key().to_bytes(),
            },
        );
        Self {
            private: Private::Ed25519(Box::new(key)),
            public_jwk,
        }
    }

    fn from_p256(pair: EcdsaKeyPair) -> Self {
        let point = pair.public_key().as_ref();
        let half = |from: usize| {
            point[from..from + 32]
                .try_into()
                .expect("an uncompressed point has 65 bytes")
        };
        let public_jwk = Jwk::published(
            Algorithm::Es256,
            Numbers::P256 {
                x: half(1),
                y: half(33),
            },
        );
        Self {
            private: Private::P256(pair),
            public_jwk,
        }
    }

    fn from_rsa(pair: RsaKeyPair) -> Result<Self, JoseError> {
        let (n, e) = rsa_numbers(pair.public_key().as_ref()).ok_or(JoseError::Key("it has no RSA public key"))?;
        let public_jwk = Jwk::published(Algorithm::Rs256, Numbers::Rsa { n, e });
        PublicKey::from_jwk(&public_jwk)?;
        Ok(Self {
            private: Private::Rsa(pair),
            public_jwk,
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey({} {})",
            self.algorithm().as_str(),
            self.public_jwk.kid.as_deref().unwrap_or_default()
        )
    }
}

/// An Ed25519 key in both libraries. The signature is a function of key and message (RFC 8032 §5.1.6), so the faster
/// one signs, and the benchmark measures which that is.
pub struct Ed25519Key {
    dalek: ed25519_dalek::SigningKey,
    aws: Ed25519KeyPair,
}

impl Ed25519Key {
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self {
            dalek: ed25519_dalek::SigningKey::from_bytes(seed),
            aws: Ed25519KeyPair::from_seed_unchecked(seed).expect("every 32 bytes are an Ed25519 seed"),
        }
    }

    pub fn sign_dalek(&self, message: &[u8]) -> [u8; 64] {
        self.dalek.sign(message).to_bytes()
    }

    pub fn sign_aws(&self, message: &[u8]) -> [u8; 64] {
        self.aws
            .sign(message)
            .as_ref()
            .try_into()
            .expect("an Ed25519 signature has 64 bytes")
    }
}

/// ECPrivateKey of RFC 5915 §3 without the public key, which aws-lc computes.
fn rfc5915(scalar: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    // SEQUENCE { INTEGER 1, OCTET STRING (32 bytes)
    const BEFORE: [u8; 7] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20];
    // [0] { OBJECT IDENTIFIER prime256v1 } }
    const AFTER: [u8; 12] = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    Zeroizing::new([BEFORE.as_slice(), scalar, &AFTER].concat())
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017 §A.1.1), without leading zeros.
fn rsa_numbers(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    const INTEGER: u8 = 0x02;
    const SEQUENCE: u8 = 0x30;
    let (both, _) = der_element(der, SEQUENCE)?;
    let (n, rest) = der_element(both, INTEGER)?;
    let (e, _) = der_element(rest, INTEGER)?;
    let unsigned = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect();
    Some((unsigned(n), unsigned(e)))
}

/// The content of the first DER element, and what follows it.
fn der_element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0x00..=0x7f => (usize::from(*length), rest),
        // The long form: so many bytes of length follow.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    if *found == tag {
        rest.split_at_checked(length)
    } else {
        None
    }
}
