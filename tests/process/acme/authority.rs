//! A certificate authority of these tests: `pebble`, and the name server that leads every name to this machine.

use crate::program::{PATIENCE, Place, Running};
use bytes::Bytes;
use grantd::base::time::SystemClock;
use grantd::web::client::Client;
use grantd::web::development_certificates::ensure;
use http::Request;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub const NAME: &str = "auth.example.test";

/// A port that nobody has now.
pub fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

pub struct Authority {
    place: Place,
    /// Of the directory.
    pub port: u16,
    management: u16,
    /// Where it connects to for `http-01` and `tls-alpn-01`.
    pub http: u16,
    pub https: u16,
    names: String,
    pebble: Option<Running>,
    _name_server: Running,
}

fn start(place: &Place, program: &str, args: &[&str]) -> Running {
    let is_there = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output();
    assert!(
        is_there.is_ok_and(|found| found.status.success()),
        "{program} is missing: apt-get install pebble"
    );
    let mut command = Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 1>&2", program])
        .args(args)
        .current_dir(place.path("work"))
        .env("PEBBLE_VA_NOSLEEP", "1")
        // Otherwise it remembers half of what it was shown.
        .env("PEBBLE_AUTHZREUSE", "0");
    Running::start(command)
}

impl Authority {
    /// Its certificates live so long.
    pub fn start(valid_s: u64) -> Self {
        let mut authority = Self::away();
        authority.come(valid_s);
        authority
    }

    /// It does not run yet.
    pub fn away() -> Self {
        let place = Place::new();
        let names = UdpSocket::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("bound");
        let names = format!("127.0.0.1:{}", names.port());
        let managed = format!("127.0.0.1:{}", port());
        let args = [
            "-dns01",
            &names,
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-defaultIPv6",
            "",
            "-management",
            &managed,
        ];
        let name_server = start(&place, "pebble-challtestsrv", &args);
        name_server.wait_for("Starting");
        ensure(&place.path("tls"), &[], &SystemClock).expect("its own certificate");
        Self {
            port: port(),
            management: port(),
            http: port(),
            https: port(),
            names,
            pebble: None,
            _name_server: name_server,
            place,
        }
    }

    /// It comes (back), and has forgotten everything.
    pub fn come(&mut self, valid_s: u64) {
        let settings = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": self.place.path("tls/server.pem"),
            "privateKey": self.place.path("tls/server.key"),
            "httpPort": self.http,
            "tlsPort": self.https,
            "certificateValidityPeriod": valid_s,
            "domainBlocklist": ["blocked-domain.example"],
        }});
        let file = self.place.path("pebble.json");
        std::fs::write(&file, settings.to_string()).expect("written");
        let file = file.display().to_string();
        let pebble = start(&self.place, "pebble", &["-config", &file, "-dnsserver", &self.names]);
        pebble.wait_for("ACME directory available at");
        // Its second listener comes when it comes.
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.management)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "its management listens");
            std::thread::yield_now();
        }
        self.pebble = Some(pebble);
    }

    pub fn go(&mut self) {
        self.pebble.take().expect("it runs").kill();
    }

    pub fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// Another address of it, where no ACME is spoken.
    pub fn elsewhere(&self) -> String {
        format!("https://127.0.0.1:{}/roots/0", self.management)
    }

    /// Who vouches for the directory itself.
    pub fn ca_file(&self) -> PathBuf {
        self.place.path("tls/ca.pem")
    }

    /// Who vouches for what it gives now.
    pub async fn root(&self) -> CertificateDer<'static> {
        let client = Client::new(Some(&self.ca_file())).expect("a client");
        let request = Request::get(self.elsewhere()).body(Bytes::new()).expect("a request");
        let pem = client.send(request).await.expect("its root");
        CertificateDer::from_pem_slice(pem.body()).expect("a certificate")
    }
}

/// The certificate that is shown to whoever trusts this root, and the protocol that was agreed on.
pub async fn shown(
    port: u16,
    root: &CertificateDer<'static>,
    name: &str,
    protocol: &str,
) -> std::io::Result<(CertificateDer<'static>, Option<Vec<u8>>)> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).expect("a root");
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let socket = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
    let session = stream.get_ref().1;
    let own = session.peer_certificates().expect("a chain")[0].clone().into_owned();
    Ok((own, session.alpn_protocol().map(<[u8]>::to_vec)))
}
