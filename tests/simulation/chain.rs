//! What is promised of a chain of refresh tokens, told a second time and in the simplest way: every rotation is
//! remembered for ever.

use super::world::Answer;
use bytes::Bytes;
use grantd::base::time::Timestamp;
use std::time::Duration;

const GRACE: Duration = Duration::from_secs(30);
const KEYED: Duration = Duration::from_secs(24 * 3600);
/// Rotations before the last one whose keys are still known.
const KEYS_KNOWN: usize = 16;

#[derive(Default)]
pub struct Chain {
    /// By number; `None` where nobody was told.
    tokens: Vec<Option<String>>,
    /// The answers with them, likewise.
    bodies: Vec<Option<Bytes>>,
    /// How each token but the live one was rotated.
    rotations: Vec<(Option<String>, Timestamp)>,
    ended: bool,
}

/// What somebody was told before.
#[derive(PartialEq, Eq, Debug)]
pub struct Known {
    pub token: Option<String>,
    /// With a key it is the same to the byte.
    pub body: Option<Bytes>,
}

#[derive(PartialEq, Eq, Debug)]
pub enum Expected {
    Successor,
    /// The answer to the last rotation.
    Repeat(Known),
    TooLate,
    Reuse,
    /// The chain had ended before.
    Dead,
}

impl Chain {
    pub fn new(first: String) -> Self {
        Self {
            tokens: vec![Some(first)],
            bodies: vec![None],
            ..Self::default()
        }
    }

    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The number of the live token.
    pub fn live(&self) -> usize {
        self.rotations.len()
    }

    pub fn known(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.tokens.iter().enumerate();
        numbered.filter_map(|(number, token)| Some((number, token.as_deref()?)))
    }

    pub fn expect(&self, number: usize, token: &str, key: Option<&str>, now: Timestamp) -> Expected {
        if self.ended
            || self
                .tokens
                .get(number)
                .is_none_or(|known| known.as_deref().is_some_and(|k| k != token))
        {
            return Expected::Dead;
        }
        let Some((used_key, at)) = self.rotations.get(number) else {
            return Expected::Successor;
        };
        let (last, age) = (number + 1 == self.live(), now.since(*at));
        match (used_key.as_deref(), key) {
            (Some(used), Some(key)) if used == key && last && age < KEYED => {
                Expected::Repeat(self.told(number + 1, true))
            }
            (Some(used), Some(key)) if used == key && self.remembers(number) => Expected::TooLate,
            (None, None) if last && age < GRACE => Expected::Repeat(self.told(number + 1, false)),
            _ => Expected::Reuse,
        }
    }

    fn told(&self, number: usize, keyed: bool) -> Known {
        Known {
            token: self.tokens[number].clone(),
            body: self.bodies[number].clone().filter(|_| keyed),
        }
    }

    /// Counted in rotations with a key, since only those are remembered.
    fn remembers(&self, number: usize) -> bool {
        let later = &self.rotations[number + 1..];
        let last = self.rotations.len() - 1;
        let keyed_before_the_last = (number + 1..last).filter(|n| self.rotations[*n].0.is_some()).count();
        later.is_empty() || keyed_before_the_last < KEYS_KNOWN
    }

    pub fn happened(
        &mut self,
        expected: &Expected,
        number: usize,
        key: Option<String>,
        answer: &Answer,
        now: Timestamp,
    ) {
        match expected {
            Expected::Successor => {
                self.rotations.push((key, now));
                self.tokens.push(Some(answer.text("refresh_token")));
                self.bodies.push(Some(answer.body.clone()));
            }
            Expected::Repeat(_) => {
                self.tokens[number + 1] = Some(answer.text("refresh_token"));
                self.bodies[number + 1] = Some(answer.body.clone());
            }
            Expected::Reuse => self.ended = true,
            Expected::TooLate | Expected::Dead => {}
        }
    }

    /// What the store says after a request whose answer was an error.
    pub fn found(&mut self, rotated: Option<(usize, Option<String>, Timestamp)>, ended: bool) {
        if let Some((number, key, now)) = rotated {
            assert_eq!(number, self.live(), "only the live token rotates");
            self.rotations.push((key, now));
            self.tokens.push(None);
            self.bodies.push(None);
        }
        self.ended |= ended;
    }
}
