//! Connections over TLS that are kept alive and used at the same moment.

use crate::http::{Answer, Http, connect};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

type Tls = StreamOwned<ClientConnection, TcpStream>;

pub struct Connections(Vec<Http<Tls>>);

impl Connections {
    pub fn open(address: &str, ca_file: &Path, count: usize) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(ca_file).expect("the CA of the server");
        roots.add(ca).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let config = Arc::new(config);
        let open = |_| {
            let name = ServerName::try_from("127.0.0.1").expect("an address");
            let connection = ClientConnection::new(config.clone(), name).expect("a connection");
            let mut stream = Tls::new(connection, connect(address).expect("connected"));
            while stream.conn.is_handshaking() {
                stream.conn.complete_io(&mut stream.sock).expect("the server is known");
            }
            Http::over(stream)
        };
        Self((0..count).map(open).collect())
    }

    /// One request a connection. All are encrypted before the first is sent: then they leave within microseconds of
    /// each other, which as many threads on two cores would not.
    pub fn at_once(&mut self, requests: &[String]) -> Vec<Answer> {
        assert!(requests.len() <= self.0.len(), "each has a connection of its own");
        let used = &mut self.0[..requests.len()];
        for (connection, request) in used.iter_mut().zip(requests) {
            let mut writer = connection.stream().conn.writer();
            writer.write_all(request.as_bytes()).expect("it fits the buffer");
        }
        for connection in used.iter_mut() {
            let Tls { conn, sock } = connection.stream();
            while conn.wants_write() {
                conn.write_tls(sock).expect("sent");
            }
        }
        used.iter_mut()
            .map(|connection| connection.answer().expect("answered"))
            .collect()
    }

    pub fn ask(&mut self, request: String) -> Answer {
        self.at_once(&[request]).remove(0)
    }
}
