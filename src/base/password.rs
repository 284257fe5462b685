//! Passwords are remembered as Argon2id hashes (RFC 9106) in PHC strings, which carry salt and cost.
//!
//! One hash takes tens of milliseconds and 19 MiB: [`super::password_pool`] alone calls these functions.

use super::random::{self, Random};
use super::secret::Secret;
use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::{Ident, PasswordHash};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordVerifier as _, Version};

/// The first choice of the OWASP Password Storage Cheat Sheet for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const SALT_BYTES: usize = 16;

/// The PHC string to remember for a password.
pub fn hash(password: &Secret, random: &dyn Random) -> String {
    hash_with_salt(password, &random::bytes::<SALT_BYTES>(random))
}

/// Whether `phc` was made from this password. It costs what `phc` says, not what new hashes cost.
pub fn verify(password: &Secret, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| argon2().verify_password(password.expose().as_bytes(), &hash).is_ok())
}

/// As much work as [`verify`], for a user who does not exist: how long an answer takes must not tell who has an
/// account.
pub fn verify_nobody(password: &Secret) {
    std::hint::black_box(hash_with_salt(password, &[0; SALT_BYTES]));
}

/// Whether `phc` was made at another cost than new hashes are: hash again at the next successful sign-in.
pub fn needs_rehash(phc: &str) -> bool {
    let current = |hash: PasswordHash| {
        let params = Params::try_from(&hash).ok()?;
        let id = Ident::new(ARGON2ID_IDENT.as_str()).ok()?;
        Some(
            hash.algorithm == id
                && hash.version == Some(Version::V0x13.into())
                && (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES),
        )
    };
    PasswordHash::new(phc).ok().and_then(current) != Some(true)
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the constants above are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash_with_salt(password: &Secret, salt: &[u8]) -> String {
    argon2()
        .hash_password_with_salt(password.expose().as_bytes(), salt)
        .expect("only a password above 4 GiB, a bad salt length or no memory can fail")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn only_the_same_password_verifies() {
        let random = SeededRandom::new(1);
        let phc = hash(&Secret::new("correct horse"), &random);
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify(&Secret::new("correct horse"), &phc));
        assert!(!verify(&Secret::new("Correct horse"), &phc));
        assert!(!verify(&Secret::new(""), &phc));
        assert_ne!(
            phc,
            hash(&Secret::new("correct horse"), &random),
            "every hash has its own salt"
        );
    }

    #[test]
    fn what_is_no_hash_verifies_nothing() {
        for phc in ["", "correct horse", "$argon2id$", "$2b$10$abcdefghijklmnopqrstuv"] {
            assert!(!verify(&Secret::new("correct horse"), phc), "{phc}");
            assert!(needs_rehash(phc), "{phc}");
        }
    }

    #[test]
    fn a_hash_of_another_cost_still_verifies_and_asks_for_a_new_one() {
        let weaker = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(64, 1, 1, None).unwrap(),
        );
        let phc = weaker
            .hash_password_with_salt(b"correct horse", &[7; SALT_BYTES])
            .unwrap()
            .to_string();
        assert!(verify(&Secret::new("correct horse"), &phc));
        assert!(needs_rehash(&phc));
        assert!(!needs_rehash(&hash_with_salt(
            &Secret::new("correct horse"),
            &[7; SALT_BYTES]
        )));
    }
}
