//! A mail server on this machine that takes what it is sent, or does not.

use crate::browser::{EMAIL, set_password};
use crate::support::{self, World};
use grantd::base::time::SystemClock;
use grantd::config::{self, MailSecurity, SignUp};
use grantd::store::memory::MemoryStore;
use grantd::web::development_certificates::{DevelopmentCertificates, ensure};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub to: String,
    /// Headers and text, decoded.
    pub text: String,
    pub encrypted: bool,
    /// What `AUTH` carried, in base64.
    pub credentials: Option<String>,
}

impl Received {
    /// The link in it, without the origin.
    pub fn link(&self) -> String {
        let (_, rest) = self.text.split_once(support::ISSUER).expect("a link");
        rest.split_whitespace().next().unwrap_or_default().to_owned()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    Takes,
    /// Answers every recipient with this.
    Refuses(&'static str),
    /// Has never heard of STARTTLS.
    Plain,
    /// Accepts the connection and says nothing at all.
    Hangs,
}

pub struct MailServer {
    pub address: SocketAddr,
    dir: TempDir,
    certificates: DevelopmentCertificates,
    behaviour: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<u32>,
    taken: Notify,
}

impl MailServer {
    /// Not answering yet: nobody listens at its address.
    pub async fn down() -> Arc<Self> {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let certificates = ensure(&dir.path().join("certs"), &[], &SystemClock).unwrap();
        std::fs::write(dir.path().join("password"), "mail server password\n").unwrap();
        Arc::new(Self {
            address,
            dir,
            certificates,
            behaviour: Mutex::new(Behaviour::Takes),
            received: Mutex::default(),
            connections: Mutex::default(),
            taken: Notify::new(),
        })
    }

    pub async fn up() -> Arc<Self> {
        let server = Self::down().await;
        server.start().await;
        server
    }

    pub async fn start(self: &Arc<Self>) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *server.connections.lock().unwrap() += 1;
                // Whoever hangs up early is the test's business.
                let _ = server.serve(stream).await;
            }
        });
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub fn connections(&self) -> u32 {
        *self.connections.lock().unwrap()
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The mails since the last call.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    pub async fn taken(&self) {
        self.taken.notified().await;
    }

    pub fn settings(&self, security: MailSecurity) -> config::MailServer {
        config::MailServer {
            server: "localhost".into(),
            port: self.address.port(),
            security,
            username: Some("grantd".into()),
            password_file: Some(self.dir.path().join("password")),
            ca_file: Some(self.certificates.ca_file.clone()),
            from: "Acme accounts <accounts@auth.example>".into(),
        }
    }

    /// A world that sends its mail here, in which Ada can sign in.
    pub async fn world(&self, sign_up: SignUp) -> World {
        self.world_with(sign_up, |_| {}).await
    }

    pub async fn world_with(&self, sign_up: SignUp, change: impl FnOnce(&mut config::MailServer)) -> World {
        let mut mail = self.settings(MailSecurity::Starttls);
        change(&mut mail);
        let config = config::Config {
            mail: Some(mail),
            sign_up,
            ..support::config("default", Path::new("/nonexistent/grantd"))
        };
        let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
        world.add_user(EMAIL).await;
        set_password(&world, EMAIL).await;
        world
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let behaviour = *self.behaviour.lock().unwrap();
        if behaviour == Behaviour::Hangs {
            std::future::pending::<()>().await;
        }
        let mut stream = stream;
        stream.write_all(b"220 localhost ESMTP\r\n").await?;
        let mut plain = Session::new(stream, false);
        if plain.talk(self, behaviour).await? {
            let chain = CertificateDer::pem_file_iter(&self.certificates.cert_file).unwrap();
            let chain = chain.collect::<Result<_, _>>().unwrap();
            let key = PrivateKeyDer::from_pem_file(&self.certificates.key_file).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ServerConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(chain, key)
                .unwrap();
            let stream = TlsAcceptor::from(Arc::new(config))
                .accept(plain.stream.into_inner())
                .await?;
            Session::new(stream, true).talk(self, behaviour).await?;
        }
        Ok(())
    }
}

struct Session<S> {
    stream: BufReader<S>,
    encrypted: bool,
    credentials: Option<String>,
    to: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(stream: S, encrypted: bool) -> Self {
        Self {
            stream: BufReader::new(stream),
            encrypted,
            credentials: None,
            to: String::new(),
        }
    }

    /// `true` when TLS is to begin.
    async fn talk(&mut self, server: &MailServer, behaviour: Behaviour) -> std::io::Result<bool> {
        loop {
            let line = self.line().await?;
            let verb = line.split(' ').next().unwrap_or_default().to_uppercase();
            match verb.as_str() {
                "EHLO" if self.encrypted => self.say("250-localhost\r\n250 AUTH PLAIN").await?,
                "EHLO" if behaviour == Behaviour::Plain => self.say("250 localhost").await?,
                "EHLO" => self.say("250-localhost\r\n250 STARTTLS").await?,
                "STARTTLS" => {
                    self.say("220 go on").await?;
                    return Ok(true);
                }
                "AUTH" => {
                    self.credentials = line.split(' ').nth(2).map(str::to_owned);
                    self.say("235 welcome").await?;
                }
                "RCPT" => match behaviour {
                    Behaviour::Refuses(answer) => self.say(answer).await?,
                    _ => {
                        self.to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                        self.say("250 fine").await?;
                    }
                },
                "DATA" => self.take(server).await?,
                "QUIT" => {
                    self.say("221 bye").await?;
                    return Ok(false);
                }
                "" => return Ok(false),
                _ => self.say("250 fine").await?,
            }
        }
    }

    async fn take(&mut self, server: &MailServer) -> std::io::Result<()> {
        self.say("354 go on").await?;
        let mut text = String::new();
        loop {
            let line = self.line().await?;
            if line == "." {
                break;
            }
            text.push_str(&line);
            text.push('\n');
        }
        server.received.lock().unwrap().push(Received {
            to: self.to.clone(),
            // Quoted-printable, as far as links need it.
            text: text.replace("=\n", "").replace("=3D", "="),
            encrypted: self.encrypted,
            credentials: self.credentials.clone(),
        });
        server.taken.notify_one();
        self.say("250 taken").await
    }

    async fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await
    }
}
