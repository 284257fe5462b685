//! A whole server in memory with one private app.

use base64::Engine as _;
use bytes::Bytes;
use grantd::app::Service;
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::base::time::{ManualClock, Timestamp};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use grantd::web::request::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

pub struct World {
    pub ctx: Arc<Context>,
    pub service: Arc<Service>,
    pub organization: String,
    pub client_id: String,
    pub client_secret: String,
}

impl World {
    pub async fn new(profile: &str) -> Self {
        let overrides = Overrides {
            issuer: Some("https://auth.example".into()),
            listen: Some(vec!["http://127.0.0.1:0".into()]),
            // A directory that is not there: nothing overrides the built-in profiles.
            data_dir: Some("/nonexistent/grantd".into()),
            profile: Some(profile.into()),
            ..Overrides::default()
        };
        let random = Arc::new(SeededRandom::new(1));
        let secret = MasterSecret::generate(&*random);
        let parts = Parts {
            config: Config::load(None, &overrides).expect("the built-in profiles are good"),
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(ManualClock::new(Timestamp::from_seconds(1_767_225_600))),
            random,
            secret,
        };
        let ctx = Arc::new(Context::open(parts).await.expect("an empty store opens"));
        let run = async |command| execute(&ctx, command).await.expect("the command succeeds");
        let (name, id) = ("Acme".to_owned(), None);
        let organization = text(&run(Command::OrganizationCreate { name, id }).await["id"]);
        let user = "owner@example.com".to_owned();
        let (email, name, password) = (user.clone(), None, None);
        run(Command::UserAdd { email, name, password }).await;
        let member = Command::MemberSet {
            organization: organization.clone(),
            user: user.clone(),
            role: Role::Owner,
        };
        run(member).await;
        let new = NewApp {
            dedicated_user: Some(user),
            ..NewApp::new(Kind::Private, organization.clone(), "App")
        };
        let app = run(Command::AppCreate(new)).await;
        Self {
            organization,
            client_id: text(&app["client_id"]),
            client_secret: text(&app["client_secret"]),
            service: Arc::new(Service::new(ctx.clone()).expect("the routes are good")),
            ctx,
        }
    }

    pub fn basic(&self) -> String {
        basic(&self.client_id, &self.client_secret)
    }

    /// A good request, from an address of its own: whatever failed before does not hold it back.
    pub async fn mint(&self) -> String {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        headers.insert(AUTHORIZATION, self.basic().parse().expect("a header value"));
        let request = Request {
            method: Method::POST,
            path: "/oauth/token".into(),
            query: None,
            headers,
            body: Bytes::from_static(b"grant_type=client_credentials"),
            unread: None,
            peer: IpAddr::from([198, 51, 100, 1]),
            id: "good".into(),
        };
        let response = self.service.answer(request).await;
        assert_eq!(response.status, 200, "a good request is answered");
        let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
        text(&answer["access_token"])
    }
}

pub fn basic(id: &str, secret: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    format!("Basic {pair}")
}

/// Text as it is, a number in digits.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
