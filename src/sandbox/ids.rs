//! Ids of documents: 26 letters and digits that sort by age, the newest first, and cannot be guessed.

use crate::base::random::{self, Random};
use crate::base::time::Timestamp;

/// Crockford's base 32, in the order of its bytes: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const TIME_CHARS: usize = 10;
const RANDOM_BYTES: usize = 16;
const CHARS: usize = TIME_CHARS + RANDOM_BYTES;
const TIME_MAX: u64 = (1 << (5 * TIME_CHARS)) - 1;

pub fn made(now: Timestamp, random: &dyn Random) -> String {
    let left = TIME_MAX - now.millis().min(TIME_MAX);
    let letter = |five_bits: u64| char::from(ALPHABET[(five_bits % 32) as usize]);
    let time = (0..TIME_CHARS).rev().map(|at| letter(left >> (5 * at)));
    let random: [u8; RANDOM_BYTES] = random::bytes(random);
    time.chain(random.map(|byte| letter(byte.into()))).collect()
}

/// Whether it could be one: whatever else a path holds is looked up nowhere.
pub fn is_one(text: &str) -> bool {
    text.len() == CHARS && text.bytes().all(|b| ALPHABET.contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;

    #[test]
    fn ids_of_later_times_sort_first() {
        let random = SeededRandom::new(1);
        let times = [0, 1, 31, 32, 1_767_225_600_000, 1_767_225_600_001, u64::MAX];
        let ids = times.map(|ms| made(Timestamp::from_millis(ms), &random));
        assert!(ids.iter().all(|id| is_one(id)));
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]), "{ids:?}");
    }

    #[test]
    fn nothing_else_is_an_id() {
        let good = made(Timestamp::from_seconds(1), &SeededRandom::new(1));
        for bad in [
            "",
            "0",
            &good[1..],
            &good.to_uppercase(),
            &good.replacen('0', "%", 1),
            &format!("{good}0"),
        ] {
            assert!(!is_one(bad) || bad == good, "{bad}");
        }
        assert!(!is_one(&"u".repeat(CHARS)));
    }
}
