//! Randomness is an argument. Everything asks a [`Random`]; only this file names the generator.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::{StdRng, SysRng};
use rand::{Rng as _, SeedableRng as _, TryRng as _};
use std::sync::{Mutex, PoisonError};

pub trait Random: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no secret can be made; carrying on would be worse than ending the request.
        SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system gives no randomness");
    }
}

/// The same bytes for the same seed: for tests and simulations.
pub struct SeededRandom(Mutex<StdRng>);

impl SeededRandom {
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// `N` random bytes.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut out = [0; N];
    random.fill(&mut out);
    out
}

/// `N` random bytes in base64url without padding: only `[A-Za-z0-9_-]`.
pub fn token<const N: usize>(random: &dyn Random) -> String {
    URL_SAFE_NO_PAD.encode(bytes::<N>(random))
}

/// RFC 9562 §5.4.
pub fn uuid(random: &dyn Random) -> String {
    let mut bytes: [u8; 16] = bytes(random);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// 2000 of each are expected, with a deviation of 44.
    #[test]
    fn past_workers_78_every_character_of_a_token_is_as_likely_as_another() {
        let random = SeededRandom::new(78);
        let mut counts = BTreeMap::new();
        for _ in 0..2000 {
            for c in token::<48>(&random).chars() {
                *counts.entry(c).or_insert(0_u32) += 1;
            }
        }
        assert_eq!(counts.len(), 64);
        assert!(counts.values().all(|count| (1780..2220).contains(count)), "{counts:?}");
    }
}
