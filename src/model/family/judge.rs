//! What a refresh token that is shown comes to. A rotated one is answered by how it was rotated.

use super::{Family, How, Rotation};
use crate::base::master::{KeyedDigest, MasterSecret, Purpose};
use crate::base::time::Timestamp;
use std::time::Duration;

/// A refresh token of this family whose tag is right, and what came with it.
pub struct Shown<'a> {
    pub secret: &'a MasterSecret,
    pub token: &'a str,
    /// Its place in the chain, as its text says.
    pub number: u64,
    pub client_id: &'a str,
    /// Thumbprint of the key of a fresh DPoP proof.
    pub jkt: Option<&'a str>,
    /// What the `Idempotency-Key` is remembered as the digest of.
    pub key: Option<&'a [u8]>,
}

pub struct Policy {
    /// How long a rotation without a key is repeated.
    pub grace: Duration,
    /// How long one with a key is; `None` for as long as the successor is unused.
    pub keyed: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The live token: it gives way to a successor.
    Rotate,
    /// The same request as the last rotation, which had a key: the receipt answers it.
    ReplayKeyed,
    /// The same request as the last rotation, which had none: the successor is told once more.
    ReplayPlain,
    /// The right key, too late. Nothing dies: nobody but the client knows the key.
    RecoveryExpired,
    /// Somebody else has a copy (OAuth 2.1 §4.3.1): the grant ends.
    Reuse,
    /// The live token, without a proof of the key it is bound to.
    WrongKey,
    /// Refused, and nothing dies. Why, for the log.
    Invalid(&'static str),
}

impl Shown<'_> {
    fn is(&self, digest: &KeyedDigest) -> bool {
        self.secret.verify(Purpose::RefreshToken, self.token.as_bytes(), digest)
    }

    fn has_key(&self, digest: &KeyedDigest) -> bool {
        self.key
            .is_some_and(|key| self.secret.verify(Purpose::IdempotencyKey, key, digest))
    }
}

impl Family {
    pub fn judge(&self, shown: &Shown<'_>, policy: &Policy, now: Timestamp) -> Verdict {
        if shown.client_id != self.client_id {
            return Verdict::Invalid("the refresh token is another client's");
        }
        if !self.alive(now) {
            return Verdict::Invalid("its family has ended or expired");
        }
        // A backup was restored: the token is from a future that did not come. That is no theft.
        if shown.number > self.counter || shown.number == self.counter && !self.is_live(shown.secret, shown.token) {
            return Verdict::Invalid("the refresh token is newer than the store");
        }
        let bound_to_another = self.jkt.is_some() && self.jkt.as_deref() != shown.jkt;
        if shown.number == self.counter {
            return if bound_to_another {
                Verdict::WrongKey
            } else {
                Verdict::Rotate
            };
        }
        // Without the key the copy is worth nothing, to a thief neither: no reason to end what is in use.
        if bound_to_another {
            return Verdict::Invalid("the rotated refresh token came without a proof of its key");
        }
        match &self.rotation {
            Some(last) if shown.number + 1 == self.counter => Self::judge_last(last, shown, policy, now),
            _ => self.judge_older(shown),
        }
    }

    /// The token before the live one, whose successor is unused.
    fn judge_last(last: &Rotation, shown: &Shown<'_>, policy: &Policy, now: Timestamp) -> Verdict {
        if !shown.is(&last.from) {
            return Verdict::Invalid("the refresh token is from before a backup was restored");
        }
        // Of a family that is bound to no key, the proofs alone do not tell the client from a thief who sends one: a
        // mismatch is a reason not to repeat the answer, and none to overlook the theft.
        let same_proof = last.jkt.as_deref() == shown.jkt;
        let age = now.since(last.at);
        match &last.how {
            How::Keyed { key, .. } if shown.has_key(key) => {
                if policy.keyed.is_some_and(|keyed| age >= keyed) {
                    Verdict::RecoveryExpired
                } else if same_proof {
                    Verdict::ReplayKeyed
                } else {
                    Verdict::Invalid("the Idempotency-Key was used with another DPoP key")
                }
            }
            How::Plain { .. } if shown.key.is_none() && same_proof && age < policy.grace => Verdict::ReplayPlain,
            How::Keyed { .. } | How::Plain { .. } => Verdict::Reuse,
        }
    }

    /// Its successor was used, so the client has had the answer; only its own key excuses it.
    fn judge_older(&self, shown: &Shown<'_>) -> Verdict {
        let of_token = |spent: &&super::SpentKey| spent.counter == shown.number;
        match self.spent_keys.iter().find(of_token) {
            Some(spent) if shown.has_key(&spent.key) => Verdict::RecoveryExpired,
            _ => Verdict::Reuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{RecoveryExpired, ReplayKeyed, ReplayPlain, Reuse, Rotate, WrongKey};
    use super::*;
    use crate::base::random::SeededRandom;
    use crate::model::epoch::Epochs;
    use crate::model::family::{Next, SPENT_KEYS_MAX};

    const GRACE_S: u64 = 30;
    const DAY_S: u64 = 24 * 3600;
    const INVALID: Verdict = Verdict::Invalid("");

    fn secret() -> MasterSecret {
        MasterSecret::generate(&SeededRandom::new(1))
    }

    fn token(number: u64) -> String {
        format!("token {number}")
    }

    fn digest(number: u64) -> KeyedDigest {
        secret().digest(Purpose::RefreshToken, token(number).as_bytes())
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn family(jkt: Option<&str>) -> Family {
        Family {
            organization: "849".into(),
            grant: "g_1".into(),
            id: "f_1".into(),
            client_id: "app".into(),
            user: "u_1".into(),
            scopes: vec!["a".into()],
            resource: "https://api.example".into(),
            jkt: jkt.map(str::to_owned),
            stamps: Epochs::default(),
            epoch: 0,
            ended: false,
            created_at: at(0),
            used_at: at(0),
            idle_ends_at: at(30 * DAY_S),
            ends_at: at(365 * DAY_S),
            counter: 0,
            live: digest(0),
            rotation: None,
            spent_keys: Vec::new(),
        }
    }

    /// The live token used at `seconds`, with a proof of `jkt` and an `Idempotency-Key`, or without.
    fn rotate(family: &Family, seconds: u64, jkt: Option<&str>, key: Option<&str>) -> Family {
        let secret = secret();
        let how = match key {
            Some(key) => How::Keyed {
                key: secret.digest(Purpose::IdempotencyKey, key.as_bytes()),
                kid: None,
            },
            None => How::Plain {
                successor: secret.seal(Purpose::RefreshToken, b"", b"", &SeededRandom::new(2)),
                jti: "jti".into(),
                issued_at: at(seconds),
            },
        };
        let next = Next {
            live: digest(family.counter + 1),
            jkt: jkt.map(str::to_owned),
            how,
            idle: Duration::from_secs(30 * DAY_S),
        };
        family.rotate(next, at(seconds))
    }

    /// A request with a refresh token.
    #[derive(Clone, Copy)]
    struct Case {
        number: u64,
        client_id: &'static str,
        jkt: Option<&'static str>,
        key: Option<&'static str>,
        seconds: u64,
    }

    impl Case {
        fn number(self, number: u64) -> Self {
            Self { number, ..self }
        }
        fn client(self, client_id: &'static str) -> Self {
            Self { client_id, ..self }
        }
        fn proof(self, jkt: &'static str) -> Self {
            Self { jkt: Some(jkt), ..self }
        }
        fn key(self, key: &'static str) -> Self {
            Self { key: Some(key), ..self }
        }
        fn at(self, seconds: u64) -> Self {
            Self { seconds, ..self }
        }
    }

    /// Token 0 of the client, without a proof and without a key, one second after its rotation at 100.
    const FIRST: Case = Case {
        number: 0,
        client_id: "app",
        jkt: None,
        key: None,
        seconds: 101,
    };
    const PROVEN: Case = Case {
        jkt: Some("k"),
        ..FIRST
    };

    fn judge(family: &Family, case: Case, text: &str, keyed: Option<Duration>) -> Verdict {
        let secret = secret();
        let shown = Shown {
            secret: &secret,
            token: text,
            number: case.number,
            client_id: case.client_id,
            jkt: case.jkt,
            key: case.key.map(str::as_bytes),
        };
        let policy = Policy {
            grace: Duration::from_secs(GRACE_S),
            keyed,
        };
        match family.judge(&shown, &policy, at(case.seconds)) {
            Verdict::Invalid(_) => INVALID,
            verdict => verdict,
        }
    }

    #[track_caller]
    fn expect(family: &Family, cases: &[(Case, Verdict)]) {
        for (i, (case, verdict)) in cases.iter().enumerate() {
            let day = Some(Duration::from_secs(DAY_S));
            assert_eq!(judge(family, *case, &token(case.number), day), *verdict, "case {i}");
        }
    }

    #[test]
    fn the_live_token_rotates_for_its_client_and_its_key_while_the_family_lives() {
        let bound = family(Some("k"));
        let cases = [
            (PROVEN, Rotate),
            (PROVEN.key("K"), Rotate),
            (FIRST, WrongKey),
            (FIRST.proof("other"), WrongKey),
            (PROVEN.client("other"), INVALID),
            (PROVEN.number(1), INVALID),
            (PROVEN.at(30 * DAY_S - 1), Rotate),
            (PROVEN.at(30 * DAY_S), INVALID),
        ];
        expect(&bound, &cases);
        expect(&bound.end(), &[(PROVEN, INVALID)]);
        // The refresh token of a confidential client is bound to the client: the key is for the access token.
        expect(&family(None), &[(FIRST, Rotate), (FIRST.proof("any"), Rotate)]);
    }

    #[test]
    fn rotated_with_a_key_only_the_key_repeats_it() {
        let family = rotate(&family(Some("k")), 100, Some("k"), Some("K"));
        let cases = [
            (PROVEN.key("K"), ReplayKeyed),
            (PROVEN.key("K").at(100 + DAY_S - 1), ReplayKeyed),
            (PROVEN.key("K").at(100 + DAY_S), RecoveryExpired),
            (PROVEN.key("L"), Reuse),
            (PROVEN, Reuse),
            // Wrong in another way as well: nothing dies.
            (FIRST, INVALID),
            (FIRST.proof("other").key("L"), INVALID),
            (FIRST.proof("other").key("K"), INVALID),
            (PROVEN.key("L").client("other"), INVALID),
            (PROVEN.number(1), Rotate),
        ];
        expect(&family, &cases);
        let late = PROVEN.key("K").at(100 + 20 * DAY_S);
        assert_eq!(judge(&family, late, &token(0), None), ReplayKeyed, "without an end");
        // Reuse after the end is no further reuse, whatever the key.
        expect(&family.end(), &[(PROVEN.key("L"), INVALID), (FIRST.key("K"), INVALID)]);
    }

    #[test]
    fn rotated_without_a_key_a_keyless_request_repeats_it_within_the_grace() {
        let old = family(None);
        let family = rotate(&old, 100, None, None);
        let cases = [
            (FIRST, ReplayPlain),
            (FIRST.at(100 + GRACE_S - 1), ReplayPlain),
            (FIRST.at(100 + GRACE_S), Reuse),
            (FIRST.key("K"), Reuse),
            (FIRST.client("other"), INVALID),
            (FIRST.number(1), Rotate),
            (FIRST.number(2), INVALID),
            // A thief cannot hide behind a proof that the family never asked for …
            (FIRST.proof("thief"), Reuse),
        ];
        expect(&family, &cases);
        // … whoever of the two was first.
        let family = rotate(&old, 100, Some("thief"), None);
        expect(&family, &[(FIRST, Reuse), (FIRST.proof("thief"), ReplayPlain)]);
    }

    #[test]
    fn an_unbound_family_repeats_a_keyed_answer_to_the_same_proof_alone() {
        let family = rotate(&family(None), 100, Some("k"), Some("K"));
        let cases = [
            (PROVEN.key("K"), ReplayKeyed),
            (FIRST.proof("other").key("K"), INVALID),
            (FIRST.proof("other").key("L"), Reuse),
            (FIRST, Reuse),
        ];
        expect(&family, &cases);
    }

    #[test]
    fn an_older_token_is_reuse_unless_it_comes_with_the_key_it_was_rotated_with() {
        let keyed = rotate(&family(None), 100, None, Some("K"));
        let twice = rotate(&keyed, 101, None, None);
        let cases = [
            (FIRST.key("K"), RecoveryExpired),
            (FIRST.key("L"), Reuse),
            (FIRST, Reuse),
            (FIRST.client("other"), INVALID),
            // The key of token 0 excuses no other token.
            (FIRST.number(1).key("K"), Reuse),
        ];
        expect(&twice, &cases);
    }

    #[test]
    fn so_many_spent_keys_are_known_and_no_more() {
        let mut family = rotate(&family(None), 100, None, Some("first"));
        for n in 1..=SPENT_KEYS_MAX as u64 {
            family = rotate(&family, 100 + n, None, Some("later"));
        }
        let first = FIRST.key("first").at(200);
        expect(&family, &[(first, RecoveryExpired)]);
        let further = rotate(&family, 150, None, Some("later"));
        assert_eq!(further.spent_keys.len(), SPENT_KEYS_MAX);
        let second = FIRST.number(1).key("later").at(200);
        expect(&further, &[(first, Reuse), (second, RecoveryExpired)]);
    }

    #[test]
    fn a_token_of_another_past_is_refused_and_nothing_dies() {
        let family = rotate(&rotate(&family(None), 90, None, None), 100, None, None);
        for number in [1, 2, 3] {
            let verdict = judge(&family, FIRST.number(number), "another token of this number", None);
            assert_eq!(verdict, INVALID, "{number}");
        }
    }

    #[test]
    fn a_rotation_changes_nothing_but_the_chain() {
        let old = family(Some("k"));
        let new = rotate(&old, 100, Some("k"), Some("K"));
        assert_eq!((&new.scopes, &new.resource), (&old.scopes, &old.resource));
        assert_eq!((&new.jkt, new.stamps, new.epoch), (&old.jkt, old.stamps, old.epoch));
        assert_eq!((new.counter, new.used_at, new.ends_at), (1, at(100), old.ends_at));
        assert_eq!(new.idle_ends_at, at(100 + 30 * DAY_S));
    }
}
