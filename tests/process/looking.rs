//! `doctor` and `selftest`: what they find on a good machine and on bad ones.

use crate::program::{Place, Running};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

/// A place that is set up for this machine alone, on a port that nobody has.
fn place() -> (Place, u16) {
    let place = Place::new();
    place.grantd(&["init"]).ok();
    let port = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("bound")
        .port();
    configure(
        &place,
        &format!("issuer = \"http://127.0.0.1:{port}\"\nlisten = [\"http://127.0.0.1:{port}\"]\n"),
    );
    (place, port)
}

fn configure(place: &Place, settings: &str) {
    std::fs::write(place.path("data/grantd.toml"), settings).expect("written");
}

/// The answer, and whether it ended well.
fn doctor(place: &Place) -> (Value, bool) {
    let done = place.grantd(&["--json", "doctor"]);
    let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"));
    assert_eq!(answer["ok"], done.status.success(), "{done:?}");
    (answer, done.status.success())
}

/// What is said about something, and in which state it is.
fn about<'v>(answer: &'v Value, about: &str, state: &str) -> Vec<&'v str> {
    let findings = answer["findings"].as_array().expect("a list").iter();
    let found = findings.filter(|one| one["about"] == about && one["state"] == state);
    found.map(|one| one["what"].as_str().expect("a sentence")).collect()
}

#[test]
fn a_good_machine_is_good_with_and_without_a_server() {
    let (place, port) = place();
    let (answer, good) = doctor(&place);
    assert!(good, "{answer}");
    for what in ["configuration", "data", "secret", "clock", "dns", "listen", "server"] {
        assert!(!about(&answer, what, "good").is_empty(), "{what}: {answer}");
    }
    // How full this machine's disk is, is not for this test to say.
    let is_roomy = !about(&answer, "disk", "good").is_empty();
    assert_ne!(is_roomy, !about(&answer, "disk", "warning").is_empty(), "{answer}");
    let data = place.path("data").display().to_string();
    let running = place.start(&["serve", "--data", &data]);
    running.wait_for("is ready");
    let (answer, good) = doctor(&place);
    assert!(good, "{answer}");
    if is_roomy {
        assert_eq!(about(&answer, "server", "good"), ["It runs, and nothing worries it."]);
    }
    assert_eq!(
        about(&answer, "listen", "good"),
        ["The server that runs has its ports."]
    );
    let shown = place.grantd(&["doctor"]).ok();
    assert!(
        shown.stdout.contains("ok    dns           127.0.0.1 is an address."),
        "{shown:?}"
    );
    running.terminate();
    // Somebody else has the port.
    let _taken = TcpListener::bind(("127.0.0.1", port)).expect("free again");
    let (answer, good) = doctor(&place);
    assert!(!good);
    assert_eq!(about(&answer, "listen", "bad").len(), 1, "{answer}");
}

#[test]
fn each_bad_thing_is_found_and_each_says_what_to_do() {
    let (place, port) = place();
    let mode = |path: &str, mode: u32| {
        std::fs::set_permissions(place.path(path), std::fs::Permissions::from_mode(mode)).expect("set");
    };
    mode("data", 0o755);
    let (answer, good) = doctor(&place);
    assert!(good, "it works all the same");
    assert_eq!(about(&answer, "data", "warning").len(), 1, "{answer}");
    mode("data", 0o700);
    mode("data/secret", 0o644);
    let (answer, good) = doctor(&place);
    assert!(!good);
    assert_eq!(about(&answer, "secret", "bad").len(), 1, "{answer}");
    mode("data/secret", 0o600);
    place.grantd(&["user", "list"]).ok();
    std::fs::remove_file(place.path("data/secret")).expect("removed");
    let (answer, _) = doctor(&place);
    assert!(about(&answer, "secret", "bad")[0].contains("is missing"), "{answer}");
    configure(&place, "isuer = \"x\"\n[log]\nlevel = 1\n");
    let (answer, good) = doctor(&place);
    assert!(!good);
    assert_eq!(about(&answer, "configuration", "bad").len(), 2, "{answer}");
    configure(
        &place,
        &format!("issuer = \"https://nowhere.invalid\"\nlisten = [\"http://127.0.0.1:{port}\"]\n"),
    );
    let (answer, good) = doctor(&place);
    assert!(!good);
    assert!(
        about(&answer, "dns", "bad")[0].starts_with("nowhere.invalid"),
        "{answer}"
    );
    for finding in answer["findings"].as_array().expect("a list") {
        assert_eq!(finding["state"] == "good", finding["do"].is_null(), "{finding}");
    }
}

#[test]
fn a_certificate_is_judged_by_its_host_its_days_and_its_key() {
    let (place, port) = place();
    let write = |ends: (i32, u8, u8), mode: u32| {
        let mut params = rcgen::CertificateParams::new(vec!["auth.example".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(ends.0, ends.1, ends.2);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("signed");
        std::fs::write(place.path("c.pem"), certificate.pem()).expect("written");
        std::fs::write(place.path("k.pem"), key.serialize_pem()).expect("written");
        std::fs::set_permissions(place.path("k.pem"), std::fs::Permissions::from_mode(mode)).expect("set");
    };
    let settings = |host: &str| {
        let (certificate, key) = (place.path("c.pem"), place.path("k.pem"));
        configure(
            &place,
            &format!(
                "issuer = \"https://{host}\"\nlisten = [\"https://127.0.0.1:{port}\"]\n[tls]\ncertificate = \
                 \"{}\"\nkey = \"{}\"\n",
                certificate.display(),
                key.display()
            ),
        );
    };
    settings("auth.example");
    write((2090, 1, 1), 0o600);
    let (answer, _) = doctor(&place);
    assert_eq!(about(&answer, "certificate", "bad"), Vec::<&str>::new(), "{answer}");
    assert_eq!(about(&answer, "certificate", "good")[0], "It is for auth.example.");
    write((2021, 1, 1), 0o644);
    let (answer, _) = doctor(&place);
    let bad = about(&answer, "certificate", "bad");
    assert!(
        bad.len() == 2 && bad[0].contains("everybody") && bad[1].starts_with("It ended"),
        "{answer}"
    );
    settings("other.example");
    let (answer, _) = doctor(&place);
    assert!(
        about(&answer, "certificate", "bad")[1].starts_with("It is not for other.example"),
        "{answer}"
    );
    std::fs::write(place.path("k.pem"), "nothing").expect("written");
    let (answer, _) = doctor(&place);
    assert!(
        about(&answer, "certificate", "bad")[0].starts_with("Cannot read the private key"),
        "{answer}"
    );
}

fn demo(place: &Place, more: &[&str]) -> (Running, Value) {
    let data = place.path("demo").display().to_string();
    let args = ["demo", "--json", "--listen", "127.0.0.1:0", "--data", &data];
    let mut running = place.start(&[&args, more].concat());
    let facts = running.json_line();
    (running, facts)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value}"))
}

/// The names of the checks that ended so.
fn checks(stdout: &str, ok: bool) -> Vec<String> {
    let answer: Value = serde_json::from_str(stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"));
    let checks = answer["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["ok"] == ok);
    checks.map(|one| text(one, "check").to_owned()).collect()
}

#[test]
fn a_good_server_passes_every_check_over_tls_and_with_credentials() {
    let place = Place::new();
    let (running, facts) = demo(&place, &[]);
    let (url, ca) = (text(&facts, "issuer"), text(&facts, "ca_file"));
    let app = &facts["private_app"];
    let (id, secret) = (text(app, "client_id"), text(app, "client_secret"));
    let args = ["--json", "selftest", "--url", url, "--ca", ca, "--client-id", id];
    let done = place.run_with(&args, secret).ok();
    assert_eq!(checks(&done.stdout, false), Vec::<String>::new(), "{done:?}");
    let passed = checks(&done.stdout, true);
    assert!(
        passed.len() >= 16 && passed.contains(&"mint to revoke".to_owned()),
        "{passed:?}"
    );
    assert!(!format!("{done:?}").contains(secret), "the secret is nowhere");
    let mut from_environment = place.command(&args);
    from_environment.env("GRANTD_CLIENT_SECRET", secret);
    place.run_command(from_environment, "").ok();
    let wrong = place.run_with(&args, "wrong");
    assert_eq!(wrong.status.code(), Some(1), "{wrong:?}");
    assert_eq!(checks(&wrong.stdout, false), ["mint to revoke"]);
    // Without the authority nobody vouches for it.
    let stranger = place.run(&["--json", "selftest", "--url", url]);
    assert_eq!(stranger.status.code(), Some(1), "{stranger:?}");
    assert_eq!(checks(&stranger.stdout, false), ["discovery"]);
    let sentence = place.run(&["selftest", "--url", "https://a.example/"]).refused(1);
    assert!(sentence.contains("write `https://a.example`"), "{sentence}");
    running.terminate();
}

#[test]
fn a_server_under_another_name_fails_at_once() {
    let place = Place::new();
    let (running, facts) = demo(&place, &["--http"]);
    let other = text(&facts, "issuer").replace("127.0.0.1", "localhost");
    let done = place.run(&["--json", "selftest", "--url", &other]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert_eq!(checks(&done.stdout, false), ["discovery"], "{done:?}");
    running.terminate();
}

/// Answers everything with 200 and the metadata of a server that it is not.
fn careless(listener: &TcpListener, issuer: &str) {
    let metadata = serde_json::json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "authorization_endpoint": "https://evil.example/oauth/authorize",
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "jwks_uri": format!("{issuer}/oauth/jwks.json"),
        "code_challenge_methods_supported": ["S256"],
        "keys": [{ "kid": "1", "kty": "OKP", "alg": "EdDSA", "d": "grantd_" }],
    })
    .to_string();
    for stream in listener.incoming() {
        let Ok(stream) = stream else { return };
        let _ = answer(stream, &metadata);
    }
}

fn answer(stream: TcpStream, body: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut stream.by_ref().take(length), &mut std::io::sink())?;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.get_mut().write_all(head.as_bytes())?;
    stream.get_mut().write_all(body.as_bytes())
}

#[test]
fn a_careless_server_fails_every_check_of_what_must_be_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn({
        let issuer = issuer.clone();
        move || careless(&listener, &issuer)
    });
    let done = Place::new().run(&["--json", "selftest", "--url", &issuer]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert_eq!(checks(&done.stdout, true), ["discovery", "forwarded host"], "{done:?}");
}
