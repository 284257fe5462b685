//! A receiver of webhooks on this machine: what it was sent, and how it behaves.

use crate::authorizing::Authorizing;
use crate::browser::{Browser, EMAIL, set_password};
use crate::http::Answer;
use crate::support::{self, World};
use aws_lc_rs::hmac;
use bytes::Bytes;
use grantd::base::time::{SystemClock, Timestamp};
use grantd::config::Config;
use grantd::jobs::webhooks::{self, Courier};
use grantd::model::delivery::Delivery;
use grantd::model::endpoint::Endpoint;
use grantd::store::memory::MemoryStore;
use grantd::store::records::{Versioned, list};
use grantd::store::{Store, keys};
use grantd::web::development_certificates::{DevelopmentCertificates, ensure};
use grantd::web::outbound::{Patience, Resolver, Resolving};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// A short patience: whoever hangs is not waited for long.
pub const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(5),
    answer: Duration::from_millis(400),
};

#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub http2: bool,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Behaviour {
    /// Status and body.
    Answers(u16, String),
    /// 302, to there.
    Redirects(String),
    /// Reads the request and says nothing.
    Hangs,
    /// Begins a head that never ends.
    HalfAHead,
    /// 200 with a body that never ends.
    HalfABody,
    /// 200 with a body of many megabytes.
    Endless,
    /// Hangs up without an answer.
    HangsUp,
    /// Answers 200 once the test says so.
    Waits,
}

pub struct Receiver {
    pub address: SocketAddr,
    _dir: TempDir,
    pub certificates: DevelopmentCertificates,
    alpn: &'static [&'static [u8]],
    behaviour: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
    connections: Mutex<u32>,
    pub got: Notify,
    /// What [`Behaviour::Waits`] waits for.
    pub go_on: Notify,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a message is JSON")
    }

    /// Whether the signature in this header is one of this secret, by another implementation than the server's own.
    pub fn is_signed(&self, header: &str, secret: &str) -> bool {
        let (t, v1) = self.header(header).split_once(",v1=").expect("t and v1");
        let t = t.strip_prefix("t=").expect("t comes first");
        assert!(v1.len() == 64 && v1.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        let shown: Vec<u8> = (0..32)
            .map(|n| u8::from_str_radix(&v1[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, &[t.as_bytes(), b".", &self.body].concat(), &shown).is_ok()
    }

    pub fn signed_at(&self, header: &str) -> u64 {
        let t = self.header(header).split_once(',').unwrap().0;
        t.strip_prefix("t=").unwrap().parse().unwrap()
    }
}

impl Receiver {
    pub async fn up() -> Arc<Self> {
        Self::speaking(&[b"h2", b"http/1.1"], &[]).await
    }

    /// Of these protocols (RFC 7301) and with a certificate for these names, besides those of this machine.
    pub async fn speaking(alpn: &'static [&'static [u8]], names: &[&str]) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let receiver = Arc::new(Self {
            address: listener.local_addr().unwrap(),
            certificates: ensure(&dir.path().join("certs"), &names, &SystemClock).unwrap(),
            _dir: dir,
            alpn,
            behaviour: Mutex::new(Behaviour::Answers(200, String::new())),
            received: Mutex::default(),
            connections: Mutex::default(),
            got: Notify::new(),
            go_on: Notify::new(),
        });
        let accepting = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                *accepting.connections.lock().unwrap() += 1;
                let receiver = accepting.clone();
                tokio::spawn(async move {
                    // Whoever hangs up early is the test's business.
                    let _ = receiver.serve(stream).await;
                });
            }
        });
        receiver
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub fn answers(&self, status: u16) {
        self.behave(Behaviour::Answers(status, String::new()));
    }

    /// What came since the last call.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    pub fn connections(&self) -> u32 {
        *self.connections.lock().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    /// A server that may reach it.
    pub fn config(&self, profile: &str) -> Config {
        let mut config = support::config(profile, Path::new("/nonexistent/grantd"));
        config.webhooks.allow_networks = vec!["127.0.0.0/8".parse().unwrap()];
        config.webhooks.ca_file = Some(self.certificates.ca_file.clone());
        config
    }

    /// A world with Ada and her apps, whose webhooks may come here.
    pub async fn hooked(self: &Arc<Self>, profile: &str) -> Hooked {
        Hooked::with(self.clone(), self.config(profile), Arc::new(MemoryStore::new())).await
    }

    async fn serve(self: Arc<Self>, stream: TcpStream) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let chain = CertificateDer::pem_file_iter(&self.certificates.cert_file)?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(&self.certificates.key_file)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
        config.alpn_protocols = self.alpn.iter().map(|name| name.to_vec()).collect();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
        let behaviour = self.behaviour.lock().unwrap().clone();
        let raw = match behaviour {
            Behaviour::HalfAHead => Some("HTTP/1.1 200 OK\r\nX-Slow: "),
            Behaviour::HalfABody => Some("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun"),
            Behaviour::Endless => Some("HTTP/1.1 200 OK\r\n\r\n"),
            Behaviour::HangsUp => Some(""),
            _ => None,
        };
        if let Some(raw) = raw {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await?;
            self.got.notify_one();
            stream.write_all(raw.as_bytes()).await?;
            if behaviour == Behaviour::HangsUp {
                return Ok(());
            }
            if behaviour == Behaviour::Endless {
                loop {
                    stream.write_all(&[b'x'; 16 * 1024]).await?;
                }
            }
            return std::future::pending().await;
        }
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let receiver = self.clone();
        let service = service_fn(move |request| receiver.clone().answer(request, http2));
        if http2 {
            let builder = http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(TokioIo::new(stream), service).await?;
        } else {
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await?;
        }
        Ok(())
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        http2: bool,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        self.received.lock().unwrap().push(Received {
            path: head.uri.path_and_query().map_or(String::new(), ToString::to_string),
            headers: head.headers,
            body,
            http2,
        });
        self.got.notify_one();
        let behaviour = self.behaviour.lock().unwrap().clone();
        Ok(match behaviour {
            Behaviour::Answers(status, body) => {
                let mut answer = Response::new(Full::from(body));
                *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                answer
            }
            Behaviour::Redirects(to) => Response::builder()
                .status(302)
                .header("location", to)
                .body(Full::default())
                .unwrap(),
            Behaviour::Waits => {
                self.go_on.notified().await;
                Response::new(Full::default())
            }
            _ => std::future::pending().await,
        })
    }
}

/// Every name leads where a test says.
pub struct Leads(pub Mutex<Vec<IpAddr>>);

impl Leads {
    pub fn to(addresses: &[&str]) -> Arc<Self> {
        let leads = Self(Mutex::default());
        leads.now_to(addresses);
        Arc::new(leads)
    }

    pub fn now_to(&self, addresses: &[&str]) {
        *self.0.lock().unwrap() = addresses.iter().map(|address| address.parse().unwrap()).collect();
    }
}

impl Resolver for Leads {
    fn resolve<'a>(&'a self, _: &'a str) -> Resolving<'a> {
        let found = self.0.lock().unwrap().clone();
        Box::pin(async move { Ok(found) })
    }
}

/// Ada, owner of an app with endpoints, and the job that sends.
pub struct Hooked {
    pub asking: Authorizing,
    pub receiver: Arc<Receiver>,
    pub courier: Arc<Courier>,
}

impl Hooked {
    pub async fn with(receiver: Arc<Receiver>, config: Config, store: Arc<dyn Store>) -> Self {
        let asking = Authorizing::over(World::with_config(config, store).await).await;
        set_password(&asking.world, EMAIL).await;
        let courier = Courier::new(asking.world.ctx.clone(), Leads::to(&["127.0.0.1"]), PATIENCE);
        Self {
            asking,
            receiver,
            courier,
        }
    }

    pub fn world(&self) -> &World {
        &self.asking.world
    }

    /// The app of Ada's that has endpoints.
    pub fn app(&self) -> &str {
        &self.asking.web.0
    }

    pub fn path(&self, ending: &str) -> String {
        format!("/developer/apps/{}/webhooks{ending}", self.app())
    }

    /// Ada's browser, signed in.
    pub async fn browser(&self) -> Browser<'_> {
        let browser = Browser::new(self.world());
        browser.sign_in().await;
        browser
    }

    /// An endpoint at the receiver, of these events or of all; its id and its secret.
    pub async fn add(&self, browser: &Browser<'_>, events: &[&str]) -> (String, String) {
        self.add_at(browser, &self.receiver.url("/hooks"), events).await
    }

    pub async fn add_at(&self, browser: &Browser<'_>, url: &str, events: &[&str]) -> (String, String) {
        let page = browser.get(&self.path("")).await;
        let which = if events.is_empty() { "all" } else { "some" };
        let mut fields = vec![("label", "production"), ("url", url), ("which", which)];
        fields.extend(events.iter().map(|event| ("events", *event)));
        let made = browser.submit(&page, &self.path(""), &fields).await;
        assert_eq!(made.status, 200, "{made:?}");
        let secret = shown_once(&made);
        self.world().secrets.keep(&secret);
        let (_, rest) = made.body.split_once("/webhooks/we_").expect("a way to the endpoint");
        (format!("we_{}", rest.split('"').next().unwrap()), secret)
    }

    /// Presses a button of the endpoint's page.
    pub async fn act(&self, browser: &Browser<'_>, endpoint: &str, what: &str) -> Answer {
        let path = self.path(&format!("/{endpoint}"));
        let page = browser.get(&path).await;
        browser.submit(&page, &path, &[("do", what)]).await
    }

    /// Tells of all that happened, and sends what is due.
    pub async fn turn(&self) {
        webhooks::turn(&self.courier).await.expect("the store works");
    }

    pub async fn endpoint(&self, id: &str) -> Versioned<Endpoint> {
        let key = keys::endpoint(self.app(), id);
        let found = grantd::store::records::load(&*self.world().ctx.store, &key).await;
        found.unwrap().expect("the endpoint is there")
    }

    /// The newest first.
    pub async fn deliveries(&self, endpoint: &str) -> Vec<Delivery> {
        let store = &*self.world().ctx.store;
        let (found, _) = list::<Delivery>(store, &keys::deliveries(endpoint), None, 10_000)
            .await
            .unwrap();
        found.into_iter().map(|delivery| delivery.value).collect()
    }

    pub async fn only_delivery(&self, endpoint: &str) -> Delivery {
        let mut found = self.deliveries(endpoint).await;
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    pub fn now(&self) -> Timestamp {
        self.world().ctx.now()
    }

    /// Ada allows the app in the world's organization.
    pub async fn consent(&self) {
        let names: Vec<&str> = self.world().ctx.profile().scopes.names().take(2).collect();
        let query = self.asking.query(&format!("&scope={}", names.join("+")));
        let request = self.asking.good(&query).await;
        self.asking.approve(&request).await.expect("she may");
    }
}

/// What a page shows once.
pub fn shown_once(page: &Answer) -> String {
    let notice = page.body.split("role=\"status\"").nth(1).expect("something was made");
    let text = notice.split("<code class=\"once\">").nth(1).expect("it is shown");
    text.split('<').next().unwrap().to_owned()
}
