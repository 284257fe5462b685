//! A whole server over a store of the test's own, with an app that acts for the owner.

use bytes::Bytes;
use grantd::base::digest::{base64url, sha256};
use grantd::base::master::MasterSecret;
use grantd::base::random::SeededRandom;
use grantd::base::time::{ManualClock, Timestamp};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute};
use grantd::model::app::Kind;
use grantd::model::family::Family;
use grantd::model::grant::Grant;
use grantd::model::role::Role;
use grantd::oauth::authorize::{self, Approval};
use grantd::store::records::{list, load_by_index};
use grantd::store::{Batch, Store, keys};
use grantd::web::request::Request;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

pub struct World {
    pub ctx: Arc<Context>,
    service: Arc<grantd::app::Service>,
    pub clock: Arc<ManualClock>,
    user: String,
    client_id: String,
    client_secret: String,
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub recovery_expired: bool,
    pub body: Bytes,
    pub json: Value,
}

impl Answer {
    pub fn text(&self, member: &str) -> String {
        let text = self.json[member].as_str();
        text.unwrap_or_else(|| panic!("{member} is no text in {self:?}"))
            .to_owned()
    }
}

/// A server over what `store` holds; of the same installation however often it is opened.
pub async fn context(store: Arc<dyn Store>, clock: Arc<ManualClock>, seed: u64) -> Context {
    let overrides = Overrides {
        issuer: Some("https://auth.example".into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        // A directory that is not there: nothing overrides the built-in profiles.
        data_dir: Some("/nonexistent/grantd".into()),
        profile: Some("default".into()),
        ..Overrides::default()
    };
    let parts = Parts {
        config: Config::load(None, &overrides).expect("the built-in profiles are good"),
        store,
        clock,
        random: Arc::new(SeededRandom::new(seed)),
        secret: MasterSecret::generate(&SeededRandom::new(1)),
    };
    Context::open(parts).await.expect("the store opens")
}

impl World {
    pub async fn new(store: Arc<dyn Store>, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let ctx = context(store, clock.clone(), seed).await;
        let run = async |command| execute(&ctx, command).await.expect("the command succeeds");
        let (name, id) = ("Acme".to_owned(), Some("acme".to_owned()));
        run(Command::OrganizationCreate { name, id }).await;
        let (email, name, password) = ("owner@example.com".to_owned(), None, None);
        let user = run(Command::UserAdd { email, name, password }).await["id"].clone();
        let user = user.as_str().expect("text").to_owned();
        run(Command::MemberSet {
            organization: "acme".into(),
            user: user.clone(),
            role: Role::Owner,
        })
        .await;
        let app = run(Command::AppCreate(NewApp {
            redirect_uris: vec!["https://app.example/callback".into()],
            ..NewApp::new(Kind::Public, "acme", "App")
        }))
        .await;
        let text = |name: &str| app[name].as_str().expect("text").to_owned();
        let (client_id, client_secret) = (text("client_id"), text("client_secret"));
        let ctx = Arc::new(ctx);
        Self {
            service: Arc::new(grantd::app::Service::new(ctx.clone()).expect("the routes are good")),
            ctx,
            clock,
            user,
            client_id,
            client_secret,
        }
    }

    /// The owner approves.
    pub async fn code(&self) -> String {
        let query = format!(
            "response_type=code&client_id={}&redirect_uri=https://app.example/callback&code_challenge={}\
             &code_challenge_method=S256",
            self.client_id,
            base64url(sha256(VERIFIER.as_bytes()))
        );
        let request = authorize::read(&self.ctx, &query, self.ctx.now()).await;
        let approval = Approval {
            user: self.user.clone(),
            organization: "acme".into(),
            session: Batch::new(),
        };
        let response = authorize::approve(&self.ctx, &request.expect("the request is good"), approval).await;
        let response = response.expect("the owner may approve");
        response.param("code").expect("there is one").to_owned()
    }

    pub fn exchange(&self, code: &str, key: Option<&str>) -> impl Future<Output = Answer> + Send + use<> {
        let form = format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}");
        self.post("/oauth/token", &form, key)
    }

    pub fn refresh(&self, token: &str, key: Option<&str>) -> impl Future<Output = Answer> + Send + use<> {
        self.post(
            "/oauth/token",
            &format!("grant_type=refresh_token&refresh_token={token}"),
            key,
        )
    }

    pub async fn is_active(&self, token: &str) -> bool {
        let seen = self.post("/oauth/introspect", &format!("token={token}"), None).await;
        seen.json["active"] == true
    }

    /// As the app, and with an `Idempotency-Key`; it can run beside others.
    pub fn post(&self, path: &str, form: &str, key: Option<&str>) -> impl Future<Output = Answer> + Send + use<> {
        let mut headers = HeaderMap::new();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert("content-type", form_type);
        if let Some(key) = key {
            headers.insert("idempotency-key", HeaderValue::from_str(key).expect("a header value"));
        }
        let form = format!(
            "{form}&client_id={}&client_secret={}",
            self.client_id, self.client_secret
        );
        let request = Request {
            method: Method::POST,
            path: path.to_owned(),
            query: None,
            headers,
            body: form.into(),
            unread: None,
            peer: IpAddr::from([127, 0, 0, 1]),
            id: "test".into(),
        };
        let service = self.service.clone();
        async move {
            let response = service.answer(request).await;
            let header = |name: &str| response.headers.get(name).and_then(|v| v.to_str().ok());
            Answer {
                status: response.status.as_u16(),
                replayed: header("idempotent-replayed") == Some("true"),
                recovery_expired: header("oauth-token-recovery") == Some("expired"),
                json: serde_json::from_slice(&response.body).unwrap_or_default(),
                body: response.body,
            }
        }
    }

    /// The one there is.
    pub async fn grant(&self) -> Grant {
        let index = keys::grant_of_app(&self.client_id, "acme", &self.user);
        let grant = load_by_index::<Grant>(&*self.ctx.store, &index).await;
        grant.expect("the store works").expect("the owner has approved").value
    }

    /// The newest.
    pub async fn family(&self) -> Family {
        let all = keys::families("acme", &self.grant().await.id);
        let (families, _) = list::<Family>(&*self.ctx.store, &all, None, 100)
            .await
            .expect("the store works");
        let newest = families.into_iter().max_by_key(|family| family.created_at);
        newest.expect("there is one").value
    }
}
