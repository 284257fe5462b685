//! From when to when an X.509 certificate is good (RFC 5280 §4.1.2.5): the one thing of it that whoever watches wants
//! to know, and that no library here says. What stands before it is stepped over.

use super::time::Timestamp;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Validity {
    pub begins: Timestamp,
    pub ends: Timestamp,
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// Of the version, which the first form of certificates does not have.
const VERSION: u8 = 0xa0;

/// Of a certificate in DER; `None` where it is none.
pub fn validity(der: &[u8]) -> Option<Validity> {
    let (certificate, _) = of(SEQUENCE, der)?;
    let (mut rest, _) = of(SEQUENCE, certificate)?;
    if rest.first() == Some(&VERSION) {
        (_, rest) = of(VERSION, rest)?;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, rest) = of(tag, rest)?;
    }
    let (times, _) = of(SEQUENCE, rest)?;
    let (begins, rest) = time(times)?;
    let (ends, _) = time(rest)?;
    Some(Validity { begins, ends })
}

/// The content of the first element, which must be of this kind, and what follows it.
fn of(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(bytes)?;
    (found == tag).then_some((content, rest))
}

fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn time(bytes: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = element(bytes)?;
    let text = str::from_utf8(content).ok().filter(|text| text.is_ascii())?;
    let (century, text) = match tag {
        UTC_TIME => (if text < "50" { "20" } else { "19" }, text),
        GENERALIZED_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 12)?;
    let part = |at: usize| &digits[at..at + 2];
    let spelled = format!(
        "{century}{}-{}-{}T{}:{}:{}Z",
        part(0),
        part(2),
        part(4),
        part(6),
        part(8),
        part(10)
    );
    Some((Timestamp::parse(&spelled)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(begins: (i32, u8, u8), ends: (i32, u8, u8)) -> Vec<u8> {
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(begins.0, begins.1, begins.2);
        params.not_after = rcgen::date_time_ymd(ends.0, ends.1, ends.2);
        let key = rcgen::KeyPair::generate().expect("a key");
        params.self_signed(&key).expect("signed").der().to_vec()
    }

    fn day(text: &str) -> Timestamp {
        Timestamp::of_day(text).expect("a day")
    }

    #[test]
    fn both_spellings_of_a_time_are_read() {
        // From 2050 on it is a GeneralizedTime (RFC 5280 §4.1.2.5).
        let found = validity(&certificate((2026, 1, 31), (2061, 12, 1)));
        assert_eq!(
            found,
            Some(Validity {
                begins: day("2026-01-31"),
                ends: day("2061-12-01")
            })
        );
        let found = validity(&certificate((1999, 5, 2), (2049, 12, 31)));
        assert_eq!(
            found,
            Some(Validity {
                begins: day("1999-05-02"),
                ends: day("2049-12-31")
            })
        );
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        let whole = certificate((2026, 1, 31), (2027, 1, 31));
        for length in 0..whole.len() {
            assert_eq!(validity(&whole[..length]), None, "{length} bytes of it");
        }
        for bytes in [
            &b""[..],
            b"0",
            b"0\x80",
            b"0\x85\x01\x01\x01\x01\x01",
            &[0x30; 64],
            &[0xff; 64],
        ] {
            assert_eq!(validity(bytes), None);
        }
    }
}
