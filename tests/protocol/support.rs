//! A whole server in memory, and what tests need to talk to it.
//!
//! Every request and every command is also judged by [`crate::leaks`]: no secret, token or digest that is not the very
//! thing asked for may stand in the answer, and none at all in the log.

use crate::http::{Answer, Auth, id_text, post, request};
use crate::leaks::{self, Secrets};
use grantd::app::Service;
use grantd::base::master::{MasterSecret, Purpose};
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
use http::Method;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);
pub const ISSUER: &str = "https://auth.example";
pub const OWNER: &str = "owner@example.com";
/// What most requests to the token endpoint begin with.
pub const GRANT: &str = "grant_type=client_credentials";

/// client_id and client_secret.
pub type Client = (String, String);

/// One server with an organization, an owner and a private app that acts as the owner.
pub struct World {
    pub ctx: Arc<Context>,
    pub service: Arc<Service>,
    pub clock: Arc<ManualClock>,
    pub organization: String,
    pub client_id: String,
    pub client_secret: String,
    pub secrets: Arc<Secrets>,
    digests: Arc<Secrets>,
    log: Mutex<Vec<String>>,
}

pub fn config(profile: &str, data_dir: &Path) -> Config {
    let overrides = Overrides {
        issuer: Some(ISSUER.into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        data_dir: Some(data_dir.to_owned()),
        profile: Some(profile.into()),
        ..Overrides::default()
    };
    Config::load(None, &overrides).expect("the profile is good")
}

/// A context over `store`. The same `secret_seed` makes the same `data/secret`.
pub async fn open(
    config: Config,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    secret_seed: u64,
    random_seed: u64,
) -> Result<Context, String> {
    let secret = MasterSecret::generate(&SeededRandom::new(secret_seed));
    let random = Arc::new(SeededRandom::new(random_seed));
    let parts = Parts {
        config,
        store,
        clock,
        random,
        secret,
    };
    Context::open(parts).await
}

impl World {
    pub async fn new(profile: &str) -> Self {
        Self::with_store(profile, Arc::new(MemoryStore::new())).await
    }

    /// Over a store of the test's own: one that fails, say, or one that was used before.
    pub async fn with_store(profile: &str, store: Arc<dyn Store>) -> Self {
        // A directory that is not there: nothing overrides the built-in profiles.
        Self::with_config(config(profile, Path::new("/nonexistent/grantd")), store).await
    }

    pub async fn with_config(config: Config, store: Arc<dyn Store>) -> Self {
        leaks::capture_the_log();
        let clock = Arc::new(ManualClock::new(START));
        let ctx = open(config, store, clock.clone(), 1, 2)
            .await
            .expect("an empty store opens");
        let ctx = Arc::new(ctx);
        let mut world = Self {
            service: Arc::new(Service::new(ctx.clone()).expect("the routes are good")),
            ctx,
            clock,
            organization: String::new(),
            client_id: String::new(),
            client_secret: String::new(),
            secrets: Arc::default(),
            digests: Arc::default(),
            log: Mutex::default(),
        };
        world.organization = world.add_organization("Acme").await;
        world.add_member(OWNER, Role::Owner).await;
        (world.client_id, world.client_secret) = world.add_private_app(OWNER, &[]).await;
        world
    }

    /// The server once more, after a restart: same store, same secret, same clock.
    pub async fn restarted(&self) -> Self {
        self.restarted_over(self.ctx.store.clone()).await
    }

    /// The same over another store.
    pub async fn restarted_over(&self, store: Arc<dyn Store>) -> Self {
        let config = self.ctx.config.clone();
        let ctx = open(config, store, self.clock.clone(), 1, 3).await;
        let ctx = Arc::new(ctx.expect("what was written is read again"));
        Self {
            service: Arc::new(Service::new(ctx.clone()).expect("the routes are good")),
            ctx,
            clock: self.clock.clone(),
            organization: self.organization.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            secrets: self.secrets.clone(),
            digests: self.digests.clone(),
            log: Mutex::default(),
        }
    }

    /// A command that must succeed.
    pub async fn run(&self, command: Command) -> Value {
        let done = self.execute(command).await;
        done.expect("the command succeeds")
    }

    /// A command that must be refused: its sentence, which says what to do.
    pub async fn refused(&self, command: Command) -> String {
        let sentence = self.execute(command).await.expect_err("the command is refused");
        self.secrets.assert_absent("a refusal", &sentence);
        assert!(sentence.split(' ').count() > 3, "no sentence: {sentence}");
        sentence
    }

    async fn execute(&self, command: Command) -> Result<Value, String> {
        // Exports hold the records as they are, digests among them.
        let exports = matches!(command, Command::ExportPage { .. } | Command::ExportChanges { .. });
        let done = execute(&self.ctx, command).await;
        if let Ok(answer) = &done {
            if let Some(secret) = answer["client_secret"].as_str() {
                self.secrets.keep(secret);
                let digest = self.ctx.secret.digest(Purpose::ClientSecret, secret.as_bytes());
                self.digests.keep_bytes(digest.as_bytes());
            } else {
                self.secrets.assert_absent("an answer", &answer.to_string());
                if !exports {
                    self.digests.assert_absent("an answer", &answer.to_string());
                }
            }
            if let Some(token) = answer["access_token"].as_str() {
                self.secrets.keep_token(token);
            }
        }
        self.read_log(&Secrets::default());
        done
    }

    /// Judges what was logged and keeps it for [`Self::log`].
    fn read_log(&self, shown: &Secrets) {
        let lines = leaks::logged();
        let text = lines.join("\n");
        self.secrets.assert_absent("the log", &text);
        self.digests.assert_absent("the log", &text);
        shown.assert_absent("the log", &text);
        self.log.lock().unwrap().extend(lines);
    }

    /// Everything logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    pub async fn add_organization(&self, name: &str) -> String {
        let create = Command::OrganizationCreate {
            name: name.into(),
            id: None,
        };
        id_text(&self.run(create).await["id"])
    }

    pub async fn add_user(&self, email: &str) -> String {
        let add = Command::UserAdd {
            email: email.into(),
            name: None,
            password: None,
        };
        self.run(add).await["id"].as_str().expect("user ids are text").into()
    }

    pub async fn add_member(&self, email: &str, role: Role) {
        self.add_user(email).await;
        self.set_role(email, role).await;
    }

    pub async fn set_role(&self, email: &str, role: Role) {
        self.set_role_in(&self.organization, email, role).await;
    }

    pub async fn set_role_in(&self, organization: &str, email: &str, role: Role) {
        self.run(Command::MemberSet {
            organization: organization.into(),
            user: email.into(),
            role,
        })
        .await;
    }

    /// No scopes means every scope of the catalog.
    pub async fn add_private_app(&self, dedicated_user: &str, scopes: &[&str]) -> Client {
        self.add_app(NewApp {
            dedicated_user: Some(dedicated_user.into()),
            ..self.new_app(Kind::Private, scopes)
        })
        .await
    }

    /// Of kind public, and confidential.
    pub async fn add_public_app(&self) -> Client {
        self.add_app(NewApp {
            redirect_uris: vec!["https://app.example/callback".into()],
            ..self.new_app(Kind::Public, &[])
        })
        .await
    }

    pub async fn add_resource_server(&self) -> Client {
        self.add_app(self.new_app(Kind::ResourceServer, &[])).await
    }

    /// A private app of another organization, and that organization.
    pub async fn add_foreign_app(&self) -> (Client, String) {
        let organization = self.add_organization("Other").await;
        self.add_user("other@example.com").await;
        self.set_role_in(&organization, "other@example.com", Role::Owner).await;
        let app = NewApp {
            organization: organization.clone(),
            dedicated_user: Some("other@example.com".into()),
            ..self.new_app(Kind::Private, &[])
        };
        (self.add_app(app).await, organization)
    }

    pub fn new_app(&self, kind: Kind, scopes: &[&str]) -> NewApp {
        NewApp {
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            ..NewApp::new(kind, &*self.organization, "App")
        }
    }

    pub async fn add_app(&self, new: NewApp) -> Client {
        let made = self.run(Command::AppCreate(new)).await;
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        (text("client_id"), text("client_secret"))
    }

    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    pub async fn send(&self, request: Request) -> Answer {
        let shown = leaks::shown_in(&request);
        let answer = Answer::of(self.service.answer(request).await).await;
        let visible = format!("{:?}\n{}", answer.headers, answer.untold());
        self.secrets.assert_absent("an answer", &visible);
        self.digests.assert_absent("an answer", &visible);
        shown.assert_absent("the answer to who sent it", &visible);
        self.read_log(&shown);
        for member in ["access_token", "refresh_token"] {
            if let Some(token) = answer.json[member].as_str() {
                self.secrets.keep_token(token);
            }
        }
        answer
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[], b"")).await
    }

    /// A form as it is, already encoded.
    pub async fn post(&self, path: &str, auth: Auth<'_>, form: &str) -> Answer {
        self.send(post(path, auth, form)).await
    }

    pub async fn post_as(&self, client: &Client, path: &str, form: &str) -> Answer {
        self.post(path, Auth::Basic(&client.0, &client.1), form).await
    }

    /// The world's app.
    pub fn client(&self) -> Client {
        (self.client_id.clone(), self.client_secret.clone())
    }

    /// With the credentials of the world's app.
    pub async fn post_as_app(&self, path: &str, form: &str) -> Answer {
        self.post_as(&self.client(), path, form).await
    }

    /// A request of the world's app to the token endpoint; `more` is appended to the form.
    pub async fn ask(&self, more: &str) -> Answer {
        self.post_as_app("/oauth/token", &format!("{GRANT}{more}")).await
    }

    /// An access token of the world's app.
    pub async fn mint(&self, more: &str) -> String {
        self.mint_as(&self.client(), more).await
    }

    pub async fn mint_as(&self, client: &Client, more: &str) -> String {
        let answer = self.post_as(client, "/oauth/token", &format!("{GRANT}{more}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("access_token")
    }

    /// What introspection says of `token` to the world's app.
    pub async fn introspect(&self, token: &str) -> Value {
        self.introspect_as(&self.client(), token).await
    }

    pub async fn introspect_as(&self, client: &Client, token: &str) -> Value {
        let answer = self
            .post_as(client, "/oauth/introspect", &format!("token={token}"))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json
    }

    /// Whether `token` works, as its own app sees it. Inactive means `{"active":false}` and nothing else.
    pub async fn is_active(&self, token: &str) -> bool {
        judged(&self.introspect(token).await)
    }
}

/// `active`, of an introspection answer that says nothing more when it is false (RFC 7662 §2.2).
pub fn judged(seen: &Value) -> bool {
    if seen["active"] != true {
        assert_eq!(*seen, serde_json::json!({ "active": false }));
    }
    seen["active"] == true
}
