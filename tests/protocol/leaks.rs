//! What must not appear: secrets, tokens and digests, in answers that need not carry them and in the log.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use grantd::web::request::Request;
use http::header::AUTHORIZATION;
use log::{LevelFilter, Log, Metadata, Record};
use std::cell::RefCell;
use std::sync::{Mutex, Once, PoisonError};

thread_local! {
    /// A test runs on a thread of its own, and so do the requests it makes.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Capture;

impl Log for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| lines.push(format!("{} {}", record.level(), record.args())));
    }

    fn flush(&self) {}
}

/// Everything is logged from here on, at every level: what appears at none of them appears in none.
pub fn capture_the_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Capture).expect("nobody else sets a logger");
        log::set_max_level(LevelFilter::Trace);
    });
}

/// The lines logged since the last call.
pub fn logged() -> Vec<String> {
    LINES.take()
}

/// Shorter texts occur by chance.
const SECRET_CHARS_MIN: usize = 12;

/// Texts that may appear nowhere once they have been handed out.
#[derive(Default)]
pub struct Secrets(Mutex<Vec<String>>);

impl Secrets {
    pub fn keep(&self, text: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(text.to_owned());
    }

    /// Every spelling in which bytes may be written.
    pub fn keep_bytes(&self, bytes: &[u8]) {
        self.keep(&URL_SAFE_NO_PAD.encode(bytes));
        self.keep(&STANDARD.encode(bytes));
        self.keep(&bytes.iter().map(|b| format!("{b:02x}")).collect::<String>());
    }

    /// A token, and its signature alone: header and payload are readable by anyone, the signature makes it good.
    pub fn keep_token(&self, token: &str) {
        self.keep(token);
        if let Some((_, signature)) = token.rsplit_once('.') {
            self.keep(signature);
        }
    }

    pub fn assert_absent(&self, place: &str, text: &str) {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for secret in kept.iter() {
            assert!(
                !text.contains(secret.as_str()),
                "{secret:?} appears in {place}:\n{text}"
            );
        }
    }
}

/// What a request itself carries that is nobody else's to see.
pub fn shown_in(request: &Request) -> Secrets {
    let shown = Secrets::default();
    let query = request.query.as_deref().unwrap_or_default().as_bytes();
    for (name, value) in form_urlencoded::parse(&request.body).chain(form_urlencoded::parse(query)) {
        let carries = [
            "token",
            "access_token",
            "client_secret",
            "client_assertion",
            "password",
            "code",
            "code_verifier",
            "refresh_token",
        ];
        if carries.contains(&&*name) && value.chars().count() >= SECRET_CHARS_MIN {
            shown.keep(&value);
        }
    }
    for header in request.headers.get_all(AUTHORIZATION) {
        let Some((_, value)) = header.to_str().ok().and_then(|text| text.split_once(' ')) else {
            continue;
        };
        let decoded = STANDARD.decode(value).ok().and_then(|b| String::from_utf8(b).ok());
        let password = decoded.as_deref().and_then(|text| text.split_once(':'));
        for text in [Some(value), password.map(|(_, password)| password)]
            .into_iter()
            .flatten()
        {
            if text.chars().count() >= SECRET_CHARS_MIN {
                shown.keep(text);
            }
        }
    }
    shown
}

#[test]
#[should_panic(expected = "appears in the log")]
fn a_secret_in_the_log_is_noticed() {
    let secrets = Secrets::default();
    secrets.keep_token("head.body.signature");
    secrets.assert_absent("the log", "seen: signature");
}
