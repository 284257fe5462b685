//! The same code or refresh token many times at once, over TLS, against the real program and its store.

#[path = "races_tls/connections.rs"]
mod connections;
#[path = "races_tls/world.rs"]
mod world;

use crate::http::Answer;
use crate::program::{Place, Running};
use connections::Connections;
use world::{EXCHANGES, Left, Prepared, REFRESHES, Size, VERIFIER};

const KEY: &str = "the-key-of-the-client";

/// Of one server's life. Codes live ten minutes at most, so the full run has four lives.
const FULL: (usize, Size) = (
    4,
    Size {
        codes: 500,
        keyless: 250,
        one_key: 125,
        different_keys: 125,
    },
);
const SMALL: (usize, Size) = (
    1,
    Size {
        codes: 16,
        keyless: 8,
        one_key: 4,
        different_keys: 4,
    },
);

#[test]
fn of_many_requests_at_once_over_tls_one_decides_and_no_chain_is_left_over() {
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    let (lives, size) = if full { FULL } else { SMALL };
    for _ in 0..lives {
        live(size);
    }
    println!(
        "races over TLS: {} codes x {EXCHANGES}, {} refresh tokens x {REFRESHES}",
        lives * size.codes,
        lives * size.refresh_tokens()
    );
}

fn live(size: Size) {
    let place = Place::new();
    let prepared = world::prepare(&place, size);
    let data = place.path("data").display().to_string();
    let server = place.start(&["serve", "--data", &data]);
    let mut race = Race::new(&server, prepared);
    race.codes();
    race.keyless();
    race.one_key();
    race.different_keys();
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("panic") && !log.contains("ERROR"), "{log}");
    // Each family is accounted for, by the race that made it; a second chain would be one too many.
    assert_eq!(world::left(&place), Left::of(size));
}

struct Race {
    connections: Connections,
    prepared: Prepared,
}

impl Race {
    fn new(server: &Running, prepared: Prepared) -> Self {
        let ca_file = server.wait_for("clients trust ");
        let address = server.wait_for("listening on ");
        server.wait_for("is ready");
        Self {
            connections: Connections::open(&address, ca_file.as_ref(), EXCHANGES),
            prepared,
        }
    }

    fn codes(&mut self) {
        for code in std::mem::take(&mut self.prepared.codes) {
            let form = exchange_form(&code);
            let requests = vec![self.request("/oauth/token", &form, None); EXCHANGES];
            let answers = self.connections.at_once(&requests);
            let won = one_winner(&answers);
            self.assert_tokens(won, false);
        }
    }

    fn keyless(&mut self) {
        for code in std::mem::take(&mut self.prepared.keyless) {
            let form = self.refresh_form(&code);
            let answers = self
                .connections
                .at_once(&vec![self.request("/oauth/token", &form, None); REFRESHES]);
            one_decision(&answers);
            for answer in &answers {
                // Not the whole body: `expires_in` counts down meanwhile.
                for member in ["refresh_token", "access_token"] {
                    assert_eq!(text(answer, member), text(&answers[0], member));
                }
            }
            self.assert_tokens(&answers[0], true);
        }
    }

    fn one_key(&mut self) {
        for code in std::mem::take(&mut self.prepared.one_key) {
            let form = self.refresh_form(&code);
            let answers = self
                .connections
                .at_once(&vec![self.request("/oauth/token", &form, Some(KEY)); REFRESHES]);
            one_decision(&answers);
            assert!(
                answers.iter().all(|answer| answer.body == answers[0].body),
                "{answers:?}"
            );
            self.assert_tokens(&answers[0], true);
        }
    }

    fn different_keys(&mut self) {
        for code in std::mem::take(&mut self.prepared.different_keys) {
            let form = self.refresh_form(&code);
            let requests: Vec<_> = (0..REFRESHES)
                .map(|n| self.request("/oauth/token", &form, Some(&format!("key-number-{n}"))))
                .collect();
            let answers = self.connections.at_once(&requests);
            let won = one_winner(&answers);
            self.assert_tokens(won, false);
        }
    }

    /// As the app, perhaps with an `Idempotency-Key`.
    fn request(&self, path: &str, form: &str, key: Option<&str>) -> String {
        let key = key.map(|key| format!("Idempotency-Key: {key}\r\n"));
        crate::http::post(path, &self.prepared.client, form, &key.unwrap_or_default())
    }

    /// For the first refresh token of a code.
    fn refresh_form(&mut self, code: &str) -> String {
        let request = self.request("/oauth/token", &exchange_form(code), None);
        let made = self.connections.ask(request);
        assert_eq!(made.status, 200, "{made:?}");
        format!(
            "grant_type=refresh_token&refresh_token={}",
            text(&made, "refresh_token")
        )
    }

    /// Introspection calls both tokens of this answer active, or neither.
    #[track_caller]
    fn assert_tokens(&mut self, answer: &Answer, active: bool) {
        for member in ["access_token", "refresh_token"] {
            let form = format!("token={}", text(answer, member));
            let request = self.request("/oauth/introspect", &form, None);
            let seen = self.connections.ask(request);
            assert_eq!((seen.status, &seen.json()["active"]), (200, &active.into()), "{member}");
        }
    }
}

fn exchange_form(code: &str) -> String {
    format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}")
}

fn text(answer: &Answer, member: &str) -> String {
    let json = answer.json();
    let text = json[member].as_str();
    text.unwrap_or_else(|| panic!("{member} is no text in {answer:?}"))
        .to_owned()
}

fn replayed(answer: &Answer) -> bool {
    let head = answer.head.to_ascii_lowercase();
    head.contains("idempotent-replayed: true")
}

/// All are answered 200; one of them was not a repeat.
#[track_caller]
fn one_decision(answers: &[Answer]) {
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let decided = answers.iter().filter(|answer| !replayed(answer));
    assert_eq!(decided.count(), 1, "{answers:?}");
}

/// One is answered 200, the others are refused.
#[track_caller]
fn one_winner(answers: &[Answer]) -> &Answer {
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(won.len(), 1, "{answers:?}");
    for answer in lost {
        let error = &answer.json()["error"];
        assert_eq!((answer.status, error), (400, &"invalid_grant".into()), "{answer:?}");
        assert!(!replayed(answer), "{answer:?}");
    }
    won[0]
}
