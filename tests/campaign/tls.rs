//! A demo server behind TLS, and connections to it from as many addresses of this machine as a test likes.

use crate::http::{Answer, Client};
use crate::program::{Place, Running};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub struct Demo {
    pub server: Running,
    address: SocketAddr,
    roots: RootCertStore,
    pub app: Client,
    place: Place,
}

impl Demo {
    pub fn start() -> Self {
        let place = Place::new();
        let data = place.path("demo").display().to_string();
        let mut server = place.start(&["demo", "--json", "--listen", "127.0.0.1:0", "--data", &data]);
        let facts = server.json_line();
        let text = |name: &str| facts[name].as_str().expect("text").to_owned();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(text("ca_file")).expect("the CA of the server"))
            .expect("a certificate");
        let address = text("issuer")
            .trim_start_matches("https://")
            .parse()
            .expect("an address");
        let app = Client::of(&facts["private_app"]);
        Self {
            server,
            address,
            roots,
            app,
            place,
        }
    }

    /// From the n-th address of this machine.
    pub async fn tcp(&self, n: u32) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        // Small, so that an answer nobody reads is soon stuck.
        socket.set_recv_buffer_size(4096)?;
        socket.bind(SocketAddr::from((Ipv4Addr::from_bits(0x7f00_0101 + n), 0)))?;
        socket.connect(self.address).await
    }

    pub async fn tls(&self, n: u32, alpn: &str) -> io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        TlsConnector::from(Arc::new(config))
            .connect(name, self.tcp(n).await?)
            .await
    }

    /// What somebody who means well gets: a new connection, a new token.
    pub async fn mint(&self, n: u32) -> io::Result<String> {
        let mut stream = self.tls(n, "http/1.1").await?;
        let form = "grant_type=client_credentials";
        let more = "Connection: close\r\n";
        stream
            .write_all(crate::http::post("/oauth/token", &self.app, form, more).as_bytes())
            .await?;
        let mut answer = String::new();
        match stream.read_to_string(&mut answer).await {
            Err(e) if e.kind() != io::ErrorKind::UnexpectedEof => return Err(e),
            _ => {}
        }
        if answer.starts_with("HTTP/1.1 200 ") && answer.contains("\"access_token\":\"") {
            return Ok(answer);
        }
        Err(io::Error::other(answer))
    }

    /// Bytes below the directory of the store, as they are allocated: those of the journal, which has its bound, and
    /// all others.
    pub fn disk_bytes(&self) -> (u64, u64) {
        let journal = allocated(&self.place.path("demo/store/journal"));
        (journal, allocated(&self.place.path("demo/store")) - journal)
    }

    /// All records, as a backup holds them.
    pub fn record_bytes(&self) -> u64 {
        let (data, to) = (self.place.path("demo"), self.place.path("backups"));
        let (data, to) = (data.display().to_string(), to.display().to_string());
        let made = self
            .place
            .run(&["--json", "--data", &data, "backup", "--to", &to])
            .json();
        let file = made["file"].as_str().expect("a path");
        std::fs::metadata(file).expect("there").len()
    }

    /// Memory in KiB, descriptors and threads of the server.
    pub fn footprint(&self) -> [u64; 3] {
        let process = format!("/proc/{}", self.server.id());
        let status = std::fs::read_to_string(format!("{process}/status")).expect("it runs");
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            line.split_whitespace()
                .next()
                .and_then(|word| word.parse().ok())
                .expect("a number")
        };
        let descriptors = std::fs::read_dir(format!("{process}/fd")).expect("it runs").count() as u64;
        [number("VmRSS:"), descriptors, number("Threads:")]
    }
}

fn allocated(dir: &Path) -> u64 {
    let bytes = |entry: io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("an entry");
        match entry.metadata() {
            Ok(found) if found.is_dir() => allocated(&entry.path()),
            Ok(found) => found.blocks() * 512,
            // Let go meanwhile.
            Err(_) => 0,
        }
    };
    std::fs::read_dir(dir).expect("there").map(bytes).sum()
}

/// One request over a kept connection, and its whole answer.
pub async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> io::Result<Answer> {
    stream.write_all(request.as_bytes()).await?;
    let (mut answer, mut room) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut room).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&room[..read]);
        let text = std::str::from_utf8(&answer).map_err(io::Error::other)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.and_then(|length| length.parse().ok()) == Some(body.len()) {
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
            return Ok(Answer {
                status: status.ok_or(io::ErrorKind::InvalidData)?,
                head: head.to_owned(),
                body: body.to_owned(),
            });
        }
    }
}
