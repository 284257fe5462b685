//! Mutations of bytes, from a seed.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// What parsers trip over.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"%",
    b"%0",
    b"%00",
    b"%0d%0a",
    b"%ff",
    b"%c3%28",
    b"%ed%a0%80",
    b"%u0041",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x92\xa9",
    b"\xe2\x80\xae",
    b"&",
    b"=",
    b"&&",
    b"==",
    b"+",
    b";",
    b":",
    b",",
    b" ",
    b"\t",
    b"\"",
    b"\\",
    b"'",
    b"<script>",
    b"{}",
    b"[]",
    b"null",
    b"-1",
    b"0",
    b"00849",
    b"849.0",
    b"1e400",
    b"18446744073709551616",
    b"../",
    b"/..",
    b"//",
    b"?",
    b"#",
    b"*",
    b"Basic ",
    b"Bearer ",
    b"Basic Og==",
    b"grant_type=client_credentials",
    b"&scope=",
    b"&client_id=",
    b"&resource=",
    b"&token=",
    b"&organization_id=849",
    b"&client_assertion=x",
    b"&token_type_hint=access_token",
    b"chunked",
    b"multipart/form-data; boundary=x",
    b"application/json",
    b"https://auth.example",
    b"eyJhbGciOiJub25lIn0.e30.",
];

pub struct Mutator {
    pub random: StdRng,
}

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
        }
    }

    pub fn chance(&mut self, one_in: u32) -> bool {
        self.random.random_range(0..one_in) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.random.random_range(0..of.len())]
    }

    /// One to four changes of `bytes`; `other` lends pieces.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        for _ in 0..self.random.random_range(1..=4) {
            self.once(bytes, other);
        }
    }

    fn once(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.random.random_range(0..=bytes.len());
        match self.random.random_range(0..10) {
            0 if at < bytes.len() => bytes[at] ^= 1 << self.random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = self.random.random(),
            2 => bytes.insert(at, self.random.random()),
            3 | 4 => {
                let token = *self.pick(TOKENS);
                bytes.splice(at..at, token.iter().copied());
            }
            5 => {
                let range = self.range(bytes.len());
                let token = *self.pick(TOKENS);
                bytes.splice(range, token.iter().copied());
            }
            6 => {
                let range = self.range(bytes.len());
                bytes.drain(range);
            }
            7 => {
                let piece = bytes[self.range(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            8 => {
                let piece = other[self.range(other.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            _ if self.chance(20) => {
                let many = self.random.random_range(100..20_000);
                let byte = bytes.get(at).copied().unwrap_or(b'a');
                bytes.splice(at..at, std::iter::repeat_n(byte, many));
            }
            _ => bytes.truncate(at),
        }
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.random.random_range(0..=length);
        let end = self.random.random_range(start..=length.min(start + 40));
        start..end
    }
}
