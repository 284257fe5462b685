use crate::harness::{client, handshake, header, read_one, send, start, within};
use grantd::base::limits::Limits;
use grantd::base::random::SeededRandom;
use grantd::base::time::SystemClock;
use grantd::web::development_certificates::ensure;
use grantd::web::listener::Listener;
use grantd::web::request::BodyRule;
use grantd::web::response::Response;
use grantd::web::server::serve;
use grantd::web::signals::Stop;
use grantd::web::tls::Tls;
use http::StatusCode;
use rustls::crypto::aws_lc_rs::{self, cipher_suite};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedCipherSuite};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;

const CBC: [u16; 4] = [0xC023, 0xC009, 0xC013, 0x002F];
const GCM: [u16; 1] = [0xC02B];

/// What the server says to a hand-made ClientHello: the content type of its record and, of an alert, the description.
async fn hello(address: SocketAddr, version: u16, suites: &[u16]) -> (u8, u8) {
    let mut extensions = Vec::new();
    let mut extension = |kind: u16, data: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend((data.len() as u16).to_be_bytes());
        extensions.extend(data);
    };
    extension(10, &[0, 2, 0, 23]); // secp256r1
    extension(11, &[1, 0]); // uncompressed points
    extension(13, &[0, 4, 4, 3, 8, 4]); // ecdsa_secp256r1_sha256, rsa_pss_rsae_sha256
    extension(23, &[]); // extended master secret
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend((suites.len() as u16 * 2).to_be_bytes());
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    body.extend([1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(&extensions);
    let mut record = vec![22, 3, 1];
    record.extend((body.len() as u16 + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(&body);
    let mut socket = within(TcpStream::connect(address)).await.expect("connect");
    socket.write_all(&record).await.expect("write");
    let mut answer = [0; 7];
    within(socket.read_exact(&mut answer)).await.expect("an answer");
    (answer[0], answer[6])
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

async fn assert_old_protocols_refused(address: SocketAddr) {
    assert_eq!(hello(address, 0x0303, &CBC).await, (ALERT, HANDSHAKE_FAILURE));
    assert_eq!(hello(address, 0x0302, &CBC).await, (ALERT, PROTOCOL_VERSION));
    assert_eq!(hello(address, 0x0302, &GCM).await, (ALERT, PROTOCOL_VERSION));
    assert_eq!(hello(address, 0x0301, &CBC).await, (ALERT, PROTOCOL_VERSION));
    // The same hello with a suite of ours is welcome, so it was the suite that was refused.
    assert_eq!(hello(address, 0x0303, &GCM).await.0, HANDSHAKE);
}

/// A client that offers this suite alone.
fn only(ca_file: &Path, suite: SupportedCipherSuite) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let ca = rustls::pki_types::pem::PemObject::from_pem_file(ca_file).expect("ca");
    roots.add(ca).expect("ca");
    let provider = rustls::crypto::CryptoProvider {
        cipher_suites: vec![suite],
        ..aws_lc_rs::default_provider()
    };
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[suite.version()])
        .expect("version")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[tokio::test]
async fn tls_1_1_and_cbc_are_refused() {
    let server = start(Limits::default());
    assert_old_protocols_refused(server.https).await;
    server.assert_serves().await;
}

#[tokio::test]
async fn the_suites_are_tls_1_3_and_ecdhe_with_gcm() {
    let server = start(Limits::default());
    let accepts = async |suite| {
        let socket = within(TcpStream::connect(server.https)).await.expect("connect");
        let stream = handshake(socket, only(&server.files.ca_file, suite)).await.ok()?;
        stream.get_ref().1.protocol_version()
    };
    for suite in [
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
    ] {
        assert_eq!(accepts(suite).await, Some(ProtocolVersion::TLSv1_3), "{suite:?}");
    }
    for suite in [
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ] {
        assert_eq!(accepts(suite).await, Some(ProtocolVersion::TLSv1_2), "{suite:?}");
    }
    assert_eq!(
        accepts(cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256).await,
        None
    );
}

#[tokio::test]
async fn an_rsa_certificate_is_served_with_the_rsa_suites() {
    let dir = tempfile::tempdir().expect("dir");
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).expect("key");
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
        .expect("params")
        .self_signed(&key)
        .expect("signed");
    let (cert_file, key_file) = (dir.path().join("rsa.pem"), dir.path().join("rsa.key"));
    fs::write(&cert_file, certificate.pem()).expect("write");
    fs::write(&key_file, key.serialize_pem()).expect("write");
    let tls = Arc::new(Tls::from_pem(&cert_file, &key_file).expect("tls"));
    let listener = Listener::https("127.0.0.1:0".parse().expect("address"), tls).expect("listener");
    let address = listener.address().expect("address");
    let (_stop, stopped) = watch::channel(Stop::Run);
    let answer = async |_| Response::text(StatusCode::OK, "");
    let random = Arc::new(SeededRandom::new(1));
    tokio::spawn(serve(
        vec![listener],
        Limits::default(),
        random,
        Arc::default(),
        |_, _| BodyRule::Whole(0).into(),
        answer,
        stopped,
    ));
    for suite in [
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ] {
        let socket = within(TcpStream::connect(address)).await.expect("connect");
        assert!(handshake(socket, only(&cert_file, suite)).await.is_ok(), "{suite:?}");
    }
}

#[tokio::test]
async fn alpn_offers_both_protocols() {
    let server = start(Limits::default());
    for protocol in ["h2", "http/1.1"] {
        let stream = server.connect_tls(protocol).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
    let socket = within(TcpStream::connect(server.https)).await.expect("connect");
    assert!(
        handshake(socket, client(&server.files.ca_file, "spdy/3"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn past_cve_2024_23656_a_reload_swaps_the_certificate_and_keeps_the_protocols() {
    let server = start(Limits::default());
    let mut open = server.connect_tls("http/1.1").await;
    let old_ca = server.dir.path().join("old.pem");
    fs::copy(&server.files.ca_file, &old_ca).expect("copy");
    ensure(server.dir.path(), &["fresh.test".to_owned()], &SystemClock).expect("made again");
    let trusts = async |ca: &Path| {
        let socket = within(TcpStream::connect(server.https)).await.expect("connect");
        handshake(socket, client(ca, "http/1.1")).await.is_ok()
    };
    assert!(trusts(&old_ca).await);
    server.tls.reload().expect("good files");
    assert!(!trusts(&old_ca).await);
    assert!(trusts(&server.files.ca_file).await);
    assert_old_protocols_refused(server.https).await;
    // A connection made before lives on.
    send(&mut open, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(header(&read_one(&mut open).await.0, "x-request-id").is_some());
}

#[tokio::test]
async fn a_reload_of_bad_files_keeps_the_old_certificate() {
    let server = start(Limits::default());
    let (good_cert, good_key) = (&server.files.cert_file, &server.files.key_file);
    let elsewhere = tempfile::tempdir().expect("dir");
    let other = ensure(elsewhere.path(), &[], &SystemClock).expect("others");
    let (cert, key) = (fs::read(good_cert).expect("cert"), fs::read(good_key).expect("key"));
    for (path, bytes, words) in [
        (good_cert, Vec::new(), "holds no certificate"),
        (
            good_cert,
            b"-----BEGIN CERTIFICATE-----\nAA".to_vec(),
            "Cannot read the certificate",
        ),
        (good_key, b"nothing".to_vec(), "Cannot read the private key"),
        (
            good_key,
            fs::read(&other.key_file).expect("key"),
            "cannot be used together",
        ),
    ] {
        fs::write(path, bytes).expect("write");
        let sentence = server.tls.reload().expect_err("bad files");
        assert!(
            sentence.contains(words) && sentence.ends_with("stays the old one."),
            "{sentence}"
        );
        server.connect_tls("http/1.1").await;
        assert_old_protocols_refused(server.https).await;
        fs::write(good_cert, &cert).expect("write");
        fs::write(good_key, &key).expect("write");
    }
    server.tls.reload().expect("good files again");
}

#[test]
fn plain_http_is_for_loopback_only() {
    for address in [
        "0.0.0.0:0",
        "[::]:0",
        "192.0.2.1:0",
        "[::ffff:192.0.2.1]:0",
        "10.0.0.1:80",
    ] {
        let sentence = Listener::http(address.parse().expect("address"))
            .err()
            .expect("refused");
        assert!(
            sentence.contains("loopback addresses only") && sentence.contains(address),
            "{sentence}"
        );
    }
    for address in ["127.0.0.1:0", "127.0.0.9:0"] {
        assert!(Listener::http(address.parse().expect("address")).is_ok(), "{address}");
    }
}

#[test]
fn an_address_in_use_is_a_sentence() {
    let first = Listener::http("127.0.0.1:0".parse().expect("address")).expect("free");
    let address = first.address().expect("address");
    let sentence = Listener::http(address).err().expect("in use");
    assert!(
        sentence.starts_with(&format!("Cannot listen on {address}: ")),
        "{sentence}"
    );
}
