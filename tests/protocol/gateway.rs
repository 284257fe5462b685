//! A world whose API lies behind the gateway, and an upstream that remembers what reached it.

use crate::http::{Answer, request};
use crate::support::{ISSUER, OWNER, World};
use grantd::app::Service;
use grantd::base::limits::Limits;
use grantd::base::random::SeededRandom;
use grantd::config::{Config, Overrides};
use grantd::store::memory::MemoryStore;
use grantd::web::listener::Listener;
use grantd::web::request::{BodyRule, Request};
use grantd::web::response::Response;
use grantd::web::server::{Ended, serve};
use grantd::web::signals::Stop;
use http::{HeaderMap, Method, StatusCode};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What reached the upstream.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: Method,
    /// With the query.
    pub target: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

pub struct Upstream {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    _stop: watch::Sender<Stop>,
}

impl Upstream {
    /// Answers `{"ok":true}`, with what an API should better not send besides.
    pub fn start() -> Self {
        let listener = Listener::http("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address().unwrap();
        let (stop, stopped) = watch::channel(Stop::Run);
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let remembered = seen.clone();
        let handle = move |request: Request| {
            let query = request.query.map_or(String::new(), |query| format!("?{query}"));
            remembered.lock().unwrap().push(Seen {
                method: request.method,
                target: format!("{}{query}", request.path),
                headers: request.headers,
                body: String::from_utf8_lossy(&request.body).into_owned(),
            });
            async {
                Response::json(StatusCode::OK, &serde_json::json!({ "ok": true }))
                    .with(http::header::SET_COOKIE, "__Host-grantd_session=stolen; Secure; Path=/")
                    .with(http::header::STRICT_TRANSPORT_SECURITY, "max-age=0")
                    .with(http::HeaderName::from_static("x-answer"), "kept")
            }
        };
        tokio::spawn(serve(
            vec![listener],
            Limits::default(),
            Arc::new(SeededRandom::new(1)),
            Arc::default(),
            |_, _| BodyRule::Whole(1 << 20).into(),
            handle,
            stopped,
        ));
        Self {
            address,
            seen,
            _stop: stop,
        }
    }

    /// What came since this was last asked.
    pub fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The one request that came.
    pub fn one(&self) -> Seen {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }
}

/// A world whose routes lead to an upstream.
pub struct Guarded {
    pub world: World,
    pub upstream: Upstream,
    _dir: TempDir,
}

impl Guarded {
    pub async fn new(profile: &str) -> Self {
        let upstream = Upstream::start();
        let settings = format!("[gateway]\nupstream = \"http://{}\"\n", upstream.address);
        Self::with(profile, &settings, upstream).await
    }

    pub async fn with(profile: &str, settings: &str, upstream: Upstream) -> Self {
        let (config, dir) = configured(profile, settings, &[]);
        let world = World::with_config(config, Arc::new(MemoryStore::new())).await;
        Self {
            world,
            upstream,
            _dir: dir,
        }
    }

    /// A request with these headers.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.world.send(request(method, path, headers, body.as_bytes())).await
    }

    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Method::GET, path, &[("authorization", &format!("Bearer {token}"))], "")
            .await
    }

    /// A token of a private app with these scopes alone.
    pub async fn token(&self, scopes: &[&str]) -> String {
        let client = self.world.add_private_app(OWNER, scopes).await;
        self.world.mint_as(&client, "").await
    }
}

/// A configuration whose file says `settings`, and the files of its profile that are other than the built-in ones.
pub fn configured(profile: &str, settings: &str, files: &[(&str, &str)]) -> (Config, TempDir) {
    let (read, dir) = read(profile, settings, files);
    (read.expect("the configuration is good"), dir)
}

/// The same, good or not.
pub fn read(profile: &str, settings: &str, files: &[(&str, &str)]) -> (Result<Config, String>, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("data/profiles").join(profile);
    std::fs::create_dir_all(&own).unwrap();
    for (name, text) in files {
        std::fs::write(own.join(name), text).unwrap();
    }
    let file = dir.path().join("grantd.toml");
    std::fs::write(&file, settings).unwrap();
    let overrides = Overrides {
        issuer: Some(ISSUER.into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        data_dir: Some(dir.path().join("data")),
        profile: Some(profile.into()),
        ..Overrides::default()
    };
    (
        Config::load(Some(&file), &overrides).map_err(|errors| errors.to_string()),
        dir,
    )
}

/// The service of a world on a loopback port, for what only a connection can show.
pub struct Door {
    pub address: SocketAddr,
    pub stop: watch::Sender<Stop>,
    pub served: JoinHandle<std::io::Result<Ended>>,
}

impl Door {
    pub fn open(service: &Arc<Service>, limits: Limits) -> Self {
        let listener = Listener::http("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.address().unwrap();
        let (stop, stopped) = watch::channel(Stop::Run);
        let (of_bodies, service) = (service.clone(), service.clone());
        let handle = move |request| {
            let service = service.clone();
            async move { service.answer(request).await }
        };
        let served = tokio::spawn(serve(
            vec![listener],
            limits,
            Arc::new(SeededRandom::new(2)),
            Arc::default(),
            move |method: &Method, path: &str| of_bodies.rule(method, path),
            handle,
            stopped,
        ));
        Self { address, stop, served }
    }
}

/// The challenges of an answer, in their order.
pub fn challenges(answer: &Answer) -> Vec<&str> {
    let values = answer.headers.get_all("www-authenticate").iter();
    values.map(|value| value.to_str().unwrap()).collect()
}
