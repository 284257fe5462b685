//! The server of one request, in a process of its own, over the real store; and what the parent does with it.

use crate::client::{Client, ClientType, ISSUER, REDIRECT_URI, VERIFIER};
use crate::trap::{Point, Trap, TrappedDisk, TrappedStore};
use grantd::app::Service;
use grantd::base::digest::{base64url, sha256};
use grantd::base::master::MasterSecret;
use grantd::base::random::SystemRandom;
use grantd::base::time::{Clock as _, SystemClock};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::oauth::authorize::{self, Approval};
use grantd::store::Batch;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::web::request::Request;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

const ORDER: &str = "GRANTD_TEST_LOST_ANSWER";
/// What the child prints before its answer, which libtest's own lines stand around.
const ANSWER: &str = "ANSWER ";

#[derive(Clone, Serialize, Deserialize)]
pub struct Sent {
    pub method: String,
    /// With a query, where there is one.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub form: String,
}

#[derive(Serialize, Deserialize)]
enum Task {
    /// Makes an organization, an owner and two apps.
    Prepare,
    /// A code for an app, as the owner approves it.
    Approve {
        client_id: String,
        user: String,
        organization: String,
        redirect_uri: String,
        /// Of an installation.
        jkt: Option<String>,
    },
    Answer(Sent),
}

#[derive(Serialize, Deserialize)]
struct Order {
    dir: String,
    profile: String,
    task: Task,
    point: Option<Point>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub fn text(&self, member: &str) -> String {
        let json = self.json();
        let text = json[member].as_str();
        text.unwrap_or_else(|| panic!("{member} is no text in {self:?}"))
            .to_owned()
    }

    pub fn error(&self) -> (u16, String) {
        (
            self.status,
            self.json()["error"].as_str().unwrap_or_default().to_owned(),
        )
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn replayed(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    pub fn recovery_expired(&self) -> bool {
        self.header("oauth-token-recovery") == Some("expired")
    }
}

/// A data directory, and what was made in it.
pub struct World {
    dir: tempfile::TempDir,
    profile: &'static str,
    pub facts: Value,
}

impl World {
    /// In which a client of this type is at home.
    pub fn new(client_type: ClientType) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let native = client_type == ClientType::Native;
        let mut world = Self {
            dir,
            profile: if native { "makecrypto" } else { "default" },
            facts: Value::Null,
        };
        world.facts = world.run(Task::Prepare);
        // The first token moves the signing key's record: from then on each request commits once.
        let client = match client_type {
            ClientType::Native => Client::registered(&world, "https://first.example"),
            _ => Client::confidential(&world, "confidential"),
        };
        let form = client.exchange_form(&world.code(&client));
        let first = world.ask(&client.request("/oauth/token", &form, Some("the-key-of-the-first")));
        assert_eq!(first.status, 200, "{first:?}");
        world
    }

    /// A code for the client.
    pub fn code(&self, client: &Client) -> String {
        let text = |name: &str| self.facts[name].as_str().expect("text").to_owned();
        let code = self.run(Task::Approve {
            client_id: client.client_id.clone(),
            user: text("user"),
            organization: text("organization"),
            redirect_uri: client.redirect_uri.clone(),
            jkt: client.jkt(),
        });
        code.as_str().expect("a code is text").to_owned()
    }

    /// The answer of a server that lives long enough.
    pub fn ask(&self, sent: &Sent) -> Answer {
        serde_json::from_value(self.run(Task::Answer(sent.clone()))).expect("an answer")
    }

    /// Whether introspection calls it active.
    pub fn active(&self, access_token: &str) -> bool {
        let api = Client::confidential(self, "resource_server");
        let seen = self.ask(&api.request("/oauth/introspect", &format!("token={access_token}"), None));
        assert_eq!(seen.status, 200, "{seen:?}");
        seen.json()["active"] == true
    }

    /// A server that is gone before it answers.
    pub fn kill(&self, sent: &Sent, point: Point) {
        let output = self.start(Task::Answer(sent.clone()), Some(point));
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && !text.contains(ANSWER), "{point:?}: {text}");
        use std::os::unix::process::ExitStatusExt as _;
        assert_eq!(output.status.signal(), Some(9), "{point:?}: {text}");
    }

    fn run(&self, task: Task) -> Value {
        let output = self.start(task, None);
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find_map(|line| line.split_once(ANSWER));
        let errors = String::from_utf8_lossy(&output.stderr);
        let (_, json) = line.unwrap_or_else(|| panic!("no answer: {text}\n{errors}"));
        serde_json::from_str(json).expect("JSON")
    }

    fn start(&self, task: Task, point: Option<Point>) -> std::process::Output {
        let order = Order {
            dir: self.dir.path().display().to_string(),
            profile: self.profile.to_owned(),
            task,
            point,
        };
        std::process::Command::new(std::env::current_exe().expect("a test has a path"))
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(ORDER, serde_json::to_string(&order).expect("JSON"))
            .stdin(Stdio::null())
            .output()
            .expect("the test can start itself")
    }
}

/// Does what the order in the environment says, if there is one.
pub fn run() {
    let Some(order) = std::env::var_os(ORDER) else { return };
    let order: Order = serde_json::from_slice(order.as_encoded_bytes()).expect("an order");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = runtime.block_on(serve(order));
    println!("{ANSWER}{answer}");
}

async fn serve(order: Order) -> Value {
    let dir = Path::new(&order.dir);
    let trap = Arc::new(Trap::new(order.point));
    let options = SledOptions {
        segment_bytes: 1024 * 1024,
        reserve_bytes: 64 * 1024,
        floor_bytes: 64 * 1024,
        disk: Arc::new(TrappedDisk(trap.clone())),
        ..SledOptions::default()
    };
    let store = dir.join("store");
    std::fs::create_dir_all(&store).expect("a directory");
    let (inner, _) = SledStore::open(&store, options).expect("what was killed opens");
    let overrides = Overrides {
        issuer: Some(ISSUER.into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        data_dir: Some(dir.to_owned()),
        profile: Some(order.profile),
        ..Overrides::default()
    };
    let (secret, _) = MasterSecret::load_or_create(&dir.join("secret"), &SystemRandom).expect("a secret");
    let parts = Parts {
        config: Config::load(None, &overrides).expect("the defaults are good"),
        store: Arc::new(TrappedStore {
            inner,
            trap: trap.clone(),
        }),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        secret,
    };
    let ctx = Arc::new(Context::open(parts).await.expect("what was killed opens"));
    trap.arm();
    match order.task {
        Task::Prepare => prepare(&ctx).await,
        Task::Approve {
            client_id,
            user,
            organization,
            redirect_uri,
            jkt,
        } => {
            let jkt = jkt.map_or_else(String::new, |jkt| format!("&dpop_jkt={jkt}"));
            let query = format!("client_id={client_id}&redirect_uri={redirect_uri}{jkt}");
            approve(&ctx, &query, user, organization).await
        }
        Task::Answer(sent) => answer(ctx, &sent).await,
    }
}

async fn prepare(ctx: &Context) -> Value {
    let run = |command| async { execute(ctx, command).await.expect("the command succeeds") };
    let organization = run(Command::OrganizationCreate {
        name: "Acme".into(),
        id: None,
    })
    .await["id"]
        .clone();
    let id = organization.as_str().expect("ids are text").to_owned();
    let user = run(Command::UserAdd {
        email: "owner@example.com".into(),
        name: None,
        password: None,
    })
    .await["id"]
        .clone();
    run(Command::MemberSet {
        organization: id.clone(),
        user: "owner@example.com".into(),
        role: Role::Owner,
    })
    .await;
    let app = |kind: Kind, public_client: bool| {
        Command::AppCreate(NewApp {
            public_client,
            redirect_uris: match kind {
                Kind::Public => vec![REDIRECT_URI.into()],
                _ => Vec::new(),
            },
            dedicated_user: (kind == Kind::Private).then(|| "owner@example.com".into()),
            ..NewApp::new(kind, &id, "App")
        })
    };
    json!({
        "organization": organization,
        "user": user,
        "confidential": run(app(Kind::Public, false)).await,
        "public": run(app(Kind::Public, true)).await,
        "private": run(app(Kind::Private, false)).await,
        "resource_server": run(app(Kind::ResourceServer, false)).await,
    })
}

async fn approve(ctx: &Context, query: &str, user: String, organization: String) -> Value {
    let challenge = base64url(sha256(VERIFIER.as_bytes()));
    let query = format!(
        "{query}&response_type=code&code_challenge={challenge}&code_challenge_method=S256&state=0123456789abcdef"
    );
    let request = authorize::read(ctx, &query, SystemClock.now())
        .await
        .expect("a good request");
    let approval = Approval {
        user,
        organization,
        session: Batch::new(),
    };
    let response = authorize::approve(ctx, &request, approval)
        .await
        .expect("it is approved");
    response.param("code").expect("a code").into()
}

async fn answer(ctx: Arc<Context>, sent: &Sent) -> Value {
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, HeaderValue::from_str(value).expect("a header value"));
    }
    let (path, query) = match sent.path.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (sent.path.clone(), None),
    };
    let request = Request {
        method: sent.method.parse::<Method>().expect("a method"),
        path,
        query,
        headers,
        body: sent.form.clone().into(),
        unread: None,
        peer: IpAddr::from([127, 0, 0, 1]),
        id: "test".into(),
    };
    let service = Service::new(ctx).expect("the routes are good");
    let response = service.answer(request).await;
    let headers = response.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let answer = Answer {
        status: response.status.as_u16(),
        headers: headers.collect(),
        body: String::from_utf8_lossy(&response.body).into_owned(),
    };
    serde_json::to_value(answer).expect("plain data")
}
