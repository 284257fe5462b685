//! Which passwords may be chosen: long, and not one that a guesser tries first (NIST SP 800-63B §3.1.1.2). Nothing is
//! asked of their letters, digits and signs: that makes people choose `Password2026!`.

use super::digest::sha256;
use std::fmt;

pub const CHARS_MIN: usize = 12;
/// Far more than any passphrase; less than what would keep a hash function busy.
pub const BYTES_MAX: usize = 1024;

/// The commonest passwords and those known from breaches: four bytes of the SHA-256 of each, in lower case, ascending.
/// How many begin with which two bytes, at four bits each, and then the other two bytes of all of them.
/// tests/common_passwords.py says where they come from and makes the file.
const COMMON: &[u8] = include_bytes!("../../data/common_passwords.bin");

const COUNTS_BYTES: usize = 65_536 / 2;

/// Shorter ones are not in the list: what is made of them is noticed as a repetition.
const CORE_CHARS_MIN: usize = 6;
/// A password that repeats less than this is too simple whatever it repeats.
const UNIT_CHARS_MIN: usize = CORE_CHARS_MIN;
const DIFFERENT_CHARS_MIN: usize = 5;
/// What a name or address leaves of a password has to be worth something by itself.
const OWN_CHARS_MIN: usize = 8;
/// Shorter parts of names stand in too many words.
const PERSONAL_CHARS_MIN: usize = 4;

/// Why a password was refused. The sentence never holds the password.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weak {
    TooShort,
    TooLong,
    Common,
    Simple,
    Personal,
}

impl fmt::Display for Weak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort => write!(
                f,
                "a password has at least {CHARS_MIN} characters: use four words that do not belong together"
            ),
            Self::TooLong => write!(f, "a password has at most {BYTES_MAX} bytes: use fewer words"),
            Self::Common => f.write_str(
                "the password is among those that are guessed first, since many people use it or it was in a data \
                 breach: use another, such as four words that do not belong together",
            ),
            Self::Simple => f.write_str(
                "the password repeats a few characters or follows the alphabet: use another, such as four words that \
                 do not belong together",
            ),
            Self::Personal => f.write_str(
                "the password is little more than the name or the email address: use another, such as four words that \
                 do not belong together",
            ),
        }
    }
}

/// Whether somebody may choose this password. `about` is what others know of them: email address and name.
pub fn check(password: &str, about: &[&str]) -> Result<(), Weak> {
    if password.chars().count() < CHARS_MIN {
        return Err(Weak::TooShort);
    }
    if password.len() > BYTES_MAX {
        return Err(Weak::TooLong);
    }
    let lower = password.to_lowercase();
    let chars: Vec<char> = lower.chars().collect();
    let unit: String = chars[..period(&chars)].iter().collect();
    if is_simple(&chars) {
        return Err(Weak::Simple);
    }
    if is_common(&lower) || is_common(&unit) {
        return Err(Weak::Common);
    }
    if is_personal(&lower, about) {
        return Err(Weak::Personal);
    }
    Ok(())
}

/// In the list, as it is or as most of it: `Passw0rd2026!` is `password`.
fn is_common(text: &str) -> bool {
    let core = core(text);
    listed(text) || (core.chars().count() * 2 >= text.chars().count() && listed(&core))
}

fn listed(text: &str) -> bool {
    text.chars().count() >= CORE_CHARS_MIN && has(sha256(text.as_bytes()))
}

fn has([first, second, rest @ ..]: [u8; 32]) -> bool {
    let (counts, ends) = COMMON.split_at(COUNTS_BYTES);
    let (ends, _) = ends.as_chunks::<2>();
    let beginning = usize::from(u16::from_be_bytes([first, second]));
    let both = |byte: &u8| usize::from(byte >> 4) + usize::from(byte & 15);
    let mut before = counts[..beginning / 2].iter().map(both).sum::<usize>();
    let (even, odd) = (counts[beginning / 2] >> 4, counts[beginning / 2] & 15);
    let mut count = even;
    if beginning % 2 == 1 {
        before += usize::from(even);
        count = odd;
    }
    ends.iter()
        .skip(before)
        .take(count.into())
        .any(|end| rest.starts_with(end))
}

/// What is left without digits and signs at the ends, with signs inside read as the letters they stand for.
fn core(text: &str) -> String {
    let inner = text.trim_matches(|c: char| !c.is_alphabetic());
    let letter = |c| match c {
        '@' | '4' => 'a',
        '3' => 'e',
        '0' => 'o',
        '$' | '5' => 's',
        '!' | '1' => 'i',
        '7' => 't',
        c => c,
    };
    inner.chars().map(letter).collect()
}

/// The length of what the text repeats from beginning to end; its own length when it repeats nothing.
fn period(chars: &[char]) -> usize {
    let repeats = |n: &usize| (*n..chars.len()).all(|i| chars[i] == chars[i - n]);
    (1..=chars.len() / 2).find(repeats).unwrap_or(chars.len())
}

fn is_simple(chars: &[char]) -> bool {
    let mut different = chars.to_vec();
    different.sort_unstable();
    different.dedup();
    // `abcdef`, `987654`, `aaaaaa`.
    let next = |pair: &&[char]| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1;
    let steps = chars.windows(2).filter(next).count();
    different.len() < DIFFERENT_CHARS_MIN || period(chars) < UNIT_CHARS_MIN || steps * 3 >= (chars.len() - 1) * 2
}

fn is_personal(lower: &str, about: &[&str]) -> bool {
    let mut rest = lower.to_owned();
    for text in about {
        let text = text.to_lowercase();
        let parts = text.split(|c: char| !c.is_alphanumeric());
        for part in std::iter::once(text.as_str()).chain(parts) {
            if part.chars().count() >= PERSONAL_CHARS_MIN {
                rest = rest.replace(part, "");
            }
        }
    }
    rest.len() < lower.len() && rest.chars().count() < OWN_CHARS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: [&str; 2] = ["martina.kovac@example.com", "Martina Kovač"];

    fn refused(why: Weak, passwords: &[&str]) {
        for password in passwords {
            assert_eq!(check(password, &ABOUT), Err(why), "{password}");
        }
    }

    #[test]
    fn good_passwords_are_accepted_however_they_are_written() {
        for password in [
            "correct horse battery staple",
            "plum-otter-satchel-ninth",
            "Žlahtna kapljica pod Učko",
            "x7Gq2mTz9LpW",
            "木曜日に新しい自転車を買いました",
            "remarkable martinas of the seven seas",
        ] {
            assert_eq!(check(password, &ABOUT), Ok(()), "{password}");
        }
        assert_eq!(check(&"a long passphrase, ".repeat(2)[..37], &[]), Ok(()));
    }

    #[test]
    fn the_length_is_counted_in_characters_below_and_bytes_above() {
        refused(Weak::TooShort, &["", "x7Gq2mTz9Lp", "木曜日に新しい自転車"]);
        let long: String = (0..BYTES_MAX).map(|i| char::from(b'!' + (i * 7 % 90) as u8)).collect();
        assert_eq!(check(&long, &ABOUT), Ok(()));
        refused(Weak::TooLong, &[&format!("{long}x"), &"ž".repeat(BYTES_MAX)]);
    }

    #[test]
    fn common_and_breached_ones_are_refused_in_any_case_and_with_a_year_or_twice() {
        refused(
            Weak::Common,
            &[
                "qwertyqwerty",
                "1qaz2wsx3edc",
                "1QAZ2wsx3EDC",
                "unbelievable",
                "Password2026",
                "P@ssw0rd2026!",
                "!!Liverpool1892",
                "dragondragon",
                "1234qwer1234qwer",
                "passwordpasswordpass",
            ],
        );
    }

    #[test]
    fn repetitions_and_sequences_are_refused() {
        refused(
            Weak::Simple,
            &[
                "aaaaaaaaaaaaa",
                "xyxyxyxyxyxyxy",
                "kruhkruhkruh",
                "abcdefghijklmnop",
                "zyxwvutsrqpo",
                "abababccbbaabb",
            ],
        );
    }

    #[test]
    fn ones_own_name_and_address_are_refused() {
        refused(
            Weak::Personal,
            &[
                "martina.kovac@example.com",
                "MartinaKovac",
                "martina-kovac-77",
                "Kovač.Martina!",
                "martina@example",
            ],
        );
        assert_eq!(check("martina@example", &[]), Ok(()));
    }

    #[test]
    fn the_list_is_whole_and_within_its_budget() {
        let (counts, ends) = COMMON.split_at(COUNTS_BYTES);
        let (ends, rest) = ends.as_chunks::<2>();
        assert!(rest.is_empty() && COMMON.len() <= 180 * 1024);
        assert!(ends.len() > 60_000, "{}", ends.len());
        let mut left = ends;
        for (beginning, count) in counts.iter().flat_map(|both| [both >> 4, both & 15]).enumerate() {
            let (own, others) = left.split_at(count.into());
            assert!(own.is_sorted_by(|a, b| a < b));
            // Looking one up goes over half the counts: those of some beginnings will do.
            for end in own.iter().filter(|_| beginning % 251 == 0 || beginning > 65_500) {
                let mut digest = [0; 32];
                digest[..2].copy_from_slice(&u16::try_from(beginning).unwrap().to_be_bytes());
                digest[2..4].copy_from_slice(end);
                assert!(has(digest));
                digest[3] ^= 1;
                assert_eq!(has(digest), own.contains(&[end[0], end[1] ^ 1]));
            }
            left = others;
        }
        assert!(left.is_empty());
    }
}
