//! A whole server in memory, and what tests need to talk to it.

use bytes::Bytes;
use grantd::app;
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::base::time::{ManualClock, Timestamp};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::store::Store;
use grantd::store::memory::MemoryStore;
use grantd::web::request::Request;
use grantd::web::response::Response;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// One server with an organization, an owner and a private app that acts as the owner.
pub struct World {
    pub ctx: Arc<Context>,
    pub clock: Arc<ManualClock>,
    pub organization: String,
    pub client_id: String,
    pub client_secret: String,
}

pub const OWNER: &str = "owner@example.com";

/// Who asks, and how it proves it.
pub enum Auth<'a> {
    None,
    Basic(&'a str, &'a str),
    /// The whole header, as it is.
    Raw(&'a str),
}

impl World {
    pub async fn new(profile: &str) -> Self {
        Self::with_store(profile, Arc::new(MemoryStore::new())).await
    }

    /// Over a store of the test's own: one that fails, say, or one that was used before.
    pub async fn with_store(profile: &str, store: Arc<dyn Store>) -> Self {
        let overrides = Overrides {
            issuer: Some("https://auth.example".into()),
            listen: Some(vec!["http://127.0.0.1:0".into()]),
            // A directory that is not there: nothing overrides the built-in profiles.
            data_dir: Some("/nonexistent/grantd".into()),
            profile: Some(profile.into()),
            ..Overrides::default()
        };
        let config = Config::load(None, &overrides).expect("the built-in profiles are good");
        let clock = Arc::new(ManualClock::new(START));
        let random = Arc::new(SeededRandom::new(1));
        let secret = MasterSecret::generate(&*random);
        let parts = Parts {
            config,
            store,
            clock: clock.clone(),
            random,
            secret,
        };
        let ctx = Arc::new(Context::open(parts).await.expect("an empty store opens"));
        let mut world = Self {
            ctx,
            clock,
            organization: String::new(),
            client_id: String::new(),
            client_secret: String::new(),
        };
        let made = world
            .run(Command::OrganizationCreate {
                name: "Acme".into(),
                id: None,
            })
            .await;
        world.organization = id_text(&made["id"]);
        world.add_member(OWNER, Role::Owner).await;
        (world.client_id, world.client_secret) = world.add_private_app(OWNER, &[]).await;
        world
    }

    /// A command that must succeed.
    pub async fn run(&self, command: Command) -> Value {
        execute(&self.ctx, command).await.expect("the command succeeds")
    }

    pub async fn add_member(&self, email: &str, role: Role) {
        self.run(Command::UserAdd {
            email: email.into(),
            name: None,
            password: None,
        })
        .await;
        self.set_role(email, role).await;
    }

    pub async fn set_role(&self, email: &str, role: Role) {
        let organization = self.organization.clone();
        self.run(Command::MemberSet {
            organization,
            user: email.into(),
            role,
        })
        .await;
    }

    /// client_id and client_secret; no scopes means every scope of the catalog.
    pub async fn add_private_app(&self, dedicated_user: &str, scopes: &[&str]) -> (String, String) {
        self.add_app(NewApp {
            dedicated_user: Some(dedicated_user.into()),
            ..self.new_app(Kind::Private, scopes)
        })
        .await
    }

    pub async fn add_resource_server(&self) -> (String, String) {
        self.add_app(self.new_app(Kind::ResourceServer, &[])).await
    }

    pub fn new_app(&self, kind: Kind, scopes: &[&str]) -> NewApp {
        NewApp {
            name: "App".into(),
            organization: self.organization.clone(),
            kind,
            public_client: false,
            redirect_uris: Vec::new(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            dedicated_user: None,
            resources: Vec::new(),
        }
    }

    pub async fn add_app(&self, new: NewApp) -> (String, String) {
        let made = self.run(Command::AppCreate(new)).await;
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        (text("client_id"), text("client_secret"))
    }

    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    pub async fn send(&self, request: Request) -> Answer {
        Answer::of(app::dispatch(&self.ctx, request).await)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[], b"")).await
    }

    /// A form as it is, already encoded.
    pub async fn post(&self, path: &str, auth: Auth<'_>, form: &str) -> Answer {
        let header = match auth {
            Auth::None => None,
            Auth::Basic(id, secret) => Some(basic(id, secret)),
            Auth::Raw(header) => Some(header.to_owned()),
        };
        let mut headers = vec![(CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded")];
        if let Some(header) = &header {
            headers.push((AUTHORIZATION.as_str(), header.as_str()));
        }
        self.send(request(Method::POST, path, &headers, form.as_bytes())).await
    }

    /// With the credentials of the world's app.
    pub async fn post_as_app(&self, path: &str, form: &str) -> Answer {
        self.post(path, Auth::Basic(&self.client_id, &self.client_secret), form)
            .await
    }

    /// An access token of the world's app; `more` is appended to the form.
    pub async fn mint(&self, more: &str) -> String {
        let answer = self
            .post_as_app("/oauth/token", &format!("grant_type=client_credentials{more}"))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("access_token")
    }

    /// What introspection says of `token` to the world's app.
    pub async fn introspect(&self, token: &str) -> Value {
        let answer = self.post_as_app("/oauth/introspect", &format!("token={token}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
    let (path, query) = match path.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (path, None),
    };
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    Request {
        method,
        path: path.to_owned(),
        query,
        headers: map,
        body: Bytes::copy_from_slice(body),
        peer: IpAddr::from([127, 0, 0, 1]),
        id: "test".into(),
    }
}

pub fn basic(id: &str, secret: &str) -> String {
    use base64::Engine as _;
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"))
    )
}

/// An id as it stands in a form.
pub fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `Null` where the body is no JSON.
    pub json: Value,
    pub body: String,
}

impl Answer {
    fn of(response: Response) -> Self {
        Self {
            status: response.status.as_u16(),
            headers: response.headers,
            json: serde_json::from_slice(&response.body).unwrap_or_default(),
            body: String::from_utf8_lossy(&response.body).into_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A member that must be text.
    pub fn text(&self, member: &str) -> String {
        self.json[member]
            .as_str()
            .unwrap_or_else(|| panic!("{member} is no text in {self:?}"))
            .to_owned()
    }

    /// The `error` of an RFC 6749 §5.2 answer, with its status.
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.json["error"].as_str().unwrap_or("(none)"))
    }
}
