//! Keys that verify.

use super::jwk::Numbers;
use super::{Alg, JoseError, Jwk};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use ed25519_dalek::{Signature, VerifyingKey};

/// RFC 7518 §3.3 asks for 2048 at least; the upper end bounds the work a stranger's key can cause.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A checked public key, ready to verify.
#[derive(Clone, Debug)]
pub struct PublicKey {
    kind: Kind,
    /// What it verifies with; of a key that names its algorithm only that one (RFC 8725 §3.1).
    algs: Vec<Alg>,
}

#[derive(Clone, Debug)]
enum Kind {
    Ed25519(VerifyingKey),
    P256(ParsedPublicKey),
    Rsa {
        pkcs1: ParsedPublicKey,
        pss: ParsedPublicKey,
    },
}

impl PublicKey {
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, JoseError> {
        let kind = match &jwk.numbers {
            Numbers::Ed25519 { x } => ed25519(x)?,
            Numbers::P256 { x, y } => {
                let point = [&[4], x.as_slice(), y].concat();
                let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
                Kind::P256(key.map_err(|_| JoseError::Key("it is not a point of P-256"))?)
            }
            Numbers::Rsa { n, e } => rsa(n, e)?,
        };
        let algs = Alg::ALL.into_iter().filter(|alg| jwk.has(*alg)).collect();
        Ok(Self { kind, algs })
    }

    /// `alg` is what the signed text says of itself; a key verifies with its own only (RFC 8725 §3.1).
    pub fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        if !self.algs.contains(&alg) {
            return Err(JoseError::WrongAlgorithm);
        }
        let verified = match (&self.kind, alg) {
            // Strict: also refuses points of small order, with which one signature fits many messages or keys.
            (Kind::Ed25519(key), Alg::EdDsa | Alg::Ed25519) => {
                Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            (Kind::P256(key), Alg::Es256)
            | (Kind::Rsa { pkcs1: key, .. }, Alg::Rs256)
            | (Kind::Rsa { pss: key, .. }, Alg::Ps256) => key.verify_sig(message, signature).is_ok(),
            _ => return Err(JoseError::WrongAlgorithm),
        };
        if verified { Ok(()) } else { Err(JoseError::Signature) }
    }
}

fn ed25519(x: &[u8; 32]) -> Result<Kind, JoseError> {
    let key = VerifyingKey::from_bytes(x).map_err(|_| JoseError::Key("it is not a point of Ed25519"))?;
    // dalek also decodes coordinates of 2^255 - 19 and above, a second spelling of the same key (RFC 8032 §5.1.3).
    if key.to_edwards().compress().as_bytes() != x {
        return Err(JoseError::Key("its Ed25519 point is not in canonical form"));
    }
    if key.is_weak() {
        return Err(JoseError::Key("its Ed25519 point has small order"));
    }
    Ok(Kind::Ed25519(key))
}

fn rsa(n: &[u8], e: &[u8]) -> Result<Kind, JoseError> {
    let bits = n
        .first()
        .map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(JoseError::Key("its RSA modulus does not have 2048 to 4096 bits"));
    }
    // Small exponents are refused as in FIPS 186-5 §A.1.1; longer ones than four bytes only make work.
    let exponent = e
        .iter()
        .try_fold(0_u32, |sum, byte| Some(sum.checked_mul(256)? + u32::from(*byte)));
    if !exponent.is_some_and(|e| e > 65_536 && e % 2 == 1) {
        return Err(JoseError::Key(
            "its RSA exponent is not an odd number from 65537 to 2^32",
        ));
    }
    let numbers = RsaPublicKeyComponents { n, e };
    let parsed = |padding| {
        let key = numbers.to_parsed_public_key(padding);
        key.map_err(|_| JoseError::Key("its RSA numbers are not a key"))
    };
    Ok(Kind::Rsa {
        pkcs1: parsed(&RSA_PKCS1_2048_8192_SHA256)?,
        pss: parsed(&RSA_PSS_2048_8192_SHA256)?,
    })
}
