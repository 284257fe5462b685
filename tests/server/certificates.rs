use grantd::base::time::{Clock as _, ManualClock, Timestamp};
use grantd::web::development_certificates::ensure;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn text(path: &Path) -> String {
    fs::read_to_string(path).expect("file")
}

fn clock() -> ManualClock {
    ManualClock::new(Timestamp::from_seconds(1_790_000_000))
}

/// Whether a client that trusts `ca_file` accepts the certificate for `name` at that time.
fn accepted(ca_file: &Path, cert_file: &Path, name: &str, at: Timestamp) -> bool {
    use rustls::client::WebPkiServerVerifier;
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca_file).expect("ca"))
        .expect("ca");
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
        .build()
        .expect("verifier");
    let leaf = CertificateDer::from_pem_file(cert_file).expect("leaf");
    let name = ServerName::try_from(name.to_owned()).expect("name");
    let at = UnixTime::since_unix_epoch(Duration::from_secs(at.seconds()));
    rustls::client::danger::ServerCertVerifier::verify_server_cert(&*verifier, &leaf, &[], &name, &[], at).is_ok()
}

#[test]
fn the_certificate_is_for_this_machine_and_the_names_given() {
    let dir = tempfile::tempdir().expect("dir");
    let clock = clock();
    let files = ensure(&dir.path().join("new"), &["grantd.test".to_owned()], &clock).expect("made");
    let now = clock.now();
    for (name, expected) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("grantd.test", true),
        ("example.com", false),
    ] {
        assert_eq!(
            accepted(&files.ca_file, &files.cert_file, name, now),
            expected,
            "{name}"
        );
    }
    assert!(accepted(&files.ca_file, &files.cert_file, "localhost", now + DAY * 395));
    assert!(!accepted(
        &files.ca_file,
        &files.cert_file,
        "localhost",
        now + DAY * 398
    ));
}

#[test]
fn no_key_but_the_servers_is_written_and_that_one_is_private() {
    let dir = tempfile::tempdir().expect("dir");
    let files = ensure(dir.path(), &[], &clock()).expect("made");
    let written: Vec<_> = fs::read_dir(dir.path())
        .expect("dir")
        .map(|entry| entry.expect("entry").path())
        .collect();
    assert_eq!(written.len(), 3);
    let private: Vec<_> = written
        .iter()
        .filter(|path| text(path).contains("PRIVATE KEY"))
        .collect();
    assert_eq!(private, [&files.key_file]);
    assert_eq!(text(&files.key_file).matches("BEGIN").count(), 1);
    let mode = |path: &Path| fs::metadata(path).expect("file").permissions().mode() & 0o777;
    assert_eq!(mode(&files.key_file), 0o600);
    assert_eq!(mode(&files.cert_file) & 0o133, 0);
    assert_eq!(mode(&files.ca_file) & 0o133, 0);
}

#[test]
fn certificates_are_kept_until_a_week_before_their_end() {
    let dir = tempfile::tempdir().expect("dir");
    let clock = clock();
    let files = ensure(dir.path(), &[], &clock).expect("made");
    let first = (text(&files.ca_file), text(&files.cert_file), text(&files.key_file));
    let again = |names: &[String]| {
        let files = ensure(dir.path(), names, &clock).expect("ensured");
        (text(&files.ca_file), text(&files.cert_file), text(&files.key_file))
    };
    clock.advance(DAY * 388);
    assert_eq!(again(&[]), first);
    clock.advance(DAY * 3);
    let second = again(&[]);
    assert!(second.0 != first.0 && second.1 != first.1 && second.2 != first.2);
    assert!(accepted(
        &files.ca_file,
        &files.cert_file,
        "localhost",
        clock.now() + DAY * 300
    ));
    let third = again(&["more.test".to_owned()]);
    assert_ne!(third.1, second.1);
    fs::remove_file(&files.key_file).expect("remove");
    assert_ne!(again(&["more.test".to_owned()]).1, third.1);
}

#[test]
fn a_certificate_of_the_users_own_is_not_replaced() {
    let dir = tempfile::tempdir().expect("dir");
    let clock = clock();
    let files = ensure(dir.path(), &[], &clock).expect("made");
    let own: String = text(&files.cert_file)
        .lines()
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&files.cert_file, &own).expect("write");
    clock.advance(DAY * 1000);
    ensure(dir.path(), &["other.test".to_owned()], &clock).expect("kept");
    assert_eq!(text(&files.cert_file), own);
}
