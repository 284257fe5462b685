//! grantd in this program: the same listener, routes and store as `grantd serve`, on a disk that counts its syncs and
//! can make them take longer, with tokens and codes made on demand without anybody clicking through pages.

use crate::eventful::Eventful;
use crate::grants;
use crate::products::Product;
use grantd::app::{self, Service};
use grantd::base::jose::{Algorithm, SigningKey};
use grantd::base::master::MasterSecret;
use grantd::base::random::{self, SystemRandom};
use grantd::base::time::SystemClock;
use grantd::config::{Config, Overrides, TlsFiles};
use grantd::context::{Context, Parts};
use grantd::control::{Command, NewApp, execute, socket};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::store::disk::Disk;
use grantd::store::keys;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::web::development_certificates;
use grantd::web::listener::Listener;
use grantd::web::runtime::runtime;
use grantd::web::signals::Stop;
use grantd::web::tls::Tls;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The argument that makes this program the server.
pub const COMMAND: &str = "grantd-server";
pub const EMAIL: &str = "owner@example.com";
pub const REDIRECT_URI: &str = "https://app.example/callback";
pub const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0123456789";
/// What is made on demand is made by so many at a time, each for another user.
const MAKERS: usize = 64;
/// More than any flood sends.
const FAILURES_MAX: NonZeroU32 = NonZeroU32::new(1_000_000).expect("it is not zero");
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The first line of standard input.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    pub data_dir: PathBuf,
    /// Each has a grant of its own.
    pub users: usize,
    /// The configuration, where it is not the default.
    pub file: Option<PathBuf>,
    /// Refreshing may be made to write events.
    pub eventful: bool,
}

/// Every further line; each is answered with one line of JSON.
#[derive(Serialize, Deserialize)]
pub enum Task {
    /// Writes fresh refresh tokens of the confidential app into a file, one a line, each of another user.
    RefreshTokens { count: usize, file: PathBuf },
    /// Writes fresh codes of the public app into a file, one a line, each with a tab and a DPoP proof of its own.
    Codes { count: usize, file: PathBuf },
    /// Writes so many grants of users that are not there, each with a family of refresh tokens.
    Grants { count: usize },
    /// How much longer a sync takes from now on.
    SlowSyncs { micros: u64 },
    /// Whether each refresh writes an event from now on. Answered once all events of before are told of.
    Events { written: bool },
    /// How many commits and syncs there have been.
    Count,
}

#[derive(Serialize, Deserialize)]
pub struct Counts {
    pub commits: u64,
    pub syncs: u64,
}

pub fn run() -> ExitCode {
    let served = runtime().and_then(|runtime| runtime.block_on(serve()));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("grantd of the bench: {why}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct MeasuredDisk {
    syncs: AtomicU64,
    slower_by_us: AtomicU64,
}

/// The store owns its disk, and so does whoever asks how it went.
struct Shared(Arc<MeasuredDisk>);

impl Disk for Shared {
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()?;
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        let slower_by_us = self.0.slower_by_us.load(Ordering::Relaxed);
        if slower_by_us > 0 {
            std::thread::sleep(Duration::from_micros(slower_by_us)); // allowed: it is the slow disk
        }
        Ok(())
    }
}

struct Server {
    ctx: Arc<Context>,
    service: Arc<Service>,
    store: Arc<SledStore>,
    eventful: Option<Arc<Eventful>>,
    disk: Arc<MeasuredDisk>,
    organization: String,
    users: Vec<String>,
    confidential: Value,
    public: Value,
}

async fn serve() -> Result<(), String> {
    let first = io::stdin()
        .lines()
        .next()
        .ok_or("there are no orders")?
        .map_err(|e| e.to_string())?;
    let orders: Orders = serde_json::from_str(&first).map_err(|e| e.to_string())?;
    let dir = &orders.data_dir;
    let made = development_certificates::ensure(&dir.join("certs"), &[], &SystemClock).map_err(|e| e.to_string())?;
    let tls = Arc::new(Tls::from_pem(&made.cert_file, &made.key_file)?);
    let listener = Listener::https((Ipv4Addr::LOCALHOST, 0).into(), tls)?;
    let address = listener.address().map_err(|e| e.to_string())?;
    let overrides = Overrides {
        issuer: Some(format!("https://{address}")),
        listen: Some(vec![format!("https://{address}")]),
        data_dir: Some(dir.clone()),
        tls: Some(TlsFiles {
            certificate: made.cert_file,
            key: made.key_file,
        }),
        ..Overrides::default()
    };
    let (server, private) = open(&orders, &overrides).await?;
    let control = socket::bind(dir).map_err(|e| e.to_string())?;
    let (_never, stop) = watch::channel(Stop::Run);
    let doors = app::Doors {
        listeners: vec![listener],
        metrics: None,
        acme_http: Vec::new(),
        tls: None,
        control,
    };
    tokio::spawn(app::serve(server.service.clone(), doors, stop));
    let facts = json!({
        "issuer": server.ctx.issuer(),
        "ca_file": made.ca_file,
        "private_app": private,
        "confidential_app": server.confidential,
        "public_app": server.public,
    });
    answer(&facts)?;
    // A thread of its own waits for them: the runtime has no other on one core.
    let (tell, mut told) = mpsc::unbounded_channel();
    std::thread::spawn(move || io::stdin().lines().try_for_each(|line| tell.send(line)));
    while let Some(line) = told.recv().await {
        let line = line.map_err(|e| e.to_string())?;
        let task = serde_json::from_str(&line).map_err(|e| e.to_string())?;
        answer(&server.perform(task).await?)?;
    }
    Ok(())
}

fn answer(value: &Value) -> Result<(), String> {
    let mut out = io::stdout().lock();
    writeln!(out, "{value}")
        .and_then(|()| out.flush())
        .map_err(|e| e.to_string())
}

/// The server with its organization, users and apps; and the app that mints for itself.
async fn open(orders: &Orders, overrides: &Overrides) -> Result<(Server, Value), String> {
    let dir = &orders.data_dir;
    let disk = Arc::new(MeasuredDisk::default());
    let options = SledOptions {
        disk: Arc::new(Shared(disk.clone())),
        ..SledOptions::default()
    };
    let (store, _) = SledStore::open(&dir.join("store"), options).map_err(|e| e.to_string())?;
    let store = Arc::new(store);
    let (secret, _) = MasterSecret::load_or_create(&dir.join("secret"), &SystemRandom).map_err(|e| e.to_string())?;
    let mut config = Config::load(orders.file.as_deref(), overrides).map_err(|e| e.to_string())?;
    // All the load comes from one address, and a flood of wrong passwords is to reach the passwords.
    config.limits.connections_per_peer_max = config.limits.connections_max;
    config.limits.failures.failures_max = FAILURES_MAX;
    let eventful = orders.eventful.then(|| Arc::new(Eventful::new(store.clone())));
    let parts = Parts {
        config,
        store: match &eventful {
            Some(eventful) => eventful.clone(),
            None => store.clone(),
        },
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        secret,
    };
    let ctx = Arc::new(Context::open(parts).await?);
    let acme = Command::OrganizationCreate {
        name: "Acme".into(),
        id: None,
    };
    let organization = text(&execute(&ctx, acme).await?["id"]);
    let mut users = Vec::new();
    for number in 0..orders.users {
        users.push(user(&ctx, &organization, number).await?);
    }
    let app = |kind: Kind, public_client: bool| NewApp {
        public_client,
        redirect_uris: match kind {
            Kind::Public => vec![REDIRECT_URI.into()],
            _ => Vec::new(),
        },
        dedicated_user: (kind == Kind::Private).then(|| EMAIL.to_owned()),
        ..NewApp::new(kind, &organization, "App")
    };
    let private = execute(&ctx, Command::AppCreate(app(Kind::Private, false))).await?;
    let server = Server {
        confidential: execute(&ctx, Command::AppCreate(app(Kind::Public, false))).await?,
        public: execute(&ctx, Command::AppCreate(app(Kind::Public, true))).await?,
        service: Arc::new(Service::new(ctx.clone())?),
        ctx,
        store,
        eventful,
        disk,
        organization,
        users,
    };
    Ok((server, private))
}

/// The first one has a password and is the owner.
async fn user(ctx: &Context, organization: &str, number: usize) -> Result<String, String> {
    let (email, password, role) = match number {
        0 => (EMAIL.to_owned(), Some(random::token::<15>(&SystemRandom)), Role::Owner),
        _ => (format!("user{number}@example.com"), None, Role::Member),
    };
    let add = Command::UserAdd {
        email: email.clone(),
        name: None,
        password,
    };
    let id = text(&execute(ctx, add).await?["id"]);
    let join = Command::MemberSet {
        organization: organization.to_owned(),
        user: email,
        role,
    };
    execute(ctx, join).await?;
    Ok(id)
}

/// Identifiers are texts or numbers, as the profile says.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Server {
    async fn perform(&self, task: Task) -> Result<Value, String> {
        match task {
            Task::RefreshTokens { count, file } => self.write(count, &file, Product::RefreshToken).await,
            Task::Codes { count, file } => {
                let key = Arc::new(SigningKey::generate(Algorithm::Es256, &SystemRandom));
                self.write(count, &file, Product::Code(key)).await
            }
            Task::Grants { count } => grants::write(&self.ctx, &self.organization, count).await,
            Task::SlowSyncs { micros } => {
                self.disk.slower_by_us.store(micros, Ordering::Relaxed);
                Ok(Value::Null)
            }
            Task::Events { written } => {
                let eventful = self.eventful.as_ref().ok_or("this one writes no events")?;
                eventful.tell(written);
                let outbox = keys::untold_events();
                while !self.ctx.store.scan(&outbox, None, 1).await?.is_empty() {
                    tokio::time::sleep(LOOK_EVERY).await; // allowed: the job that tells is waited for
                }
                Ok(Value::Null)
            }
            Task::Count => {
                let counts = Counts {
                    commits: self.store.stats().commits,
                    syncs: self.disk.syncs.load(Ordering::Relaxed),
                };
                serde_json::to_value(counts).map_err(|e| e.to_string())
            }
        }
    }

    async fn write(&self, count: usize, file: &Path, product: Product) -> Result<Value, String> {
        let app = match product {
            Product::RefreshToken => &self.confidential,
            Product::Code(_) => &self.public,
        };
        let mut makers = JoinSet::new();
        let mut made = String::new();
        for number in 0..count {
            if makers.len() == MAKERS
                && let Some(line) = makers.join_next().await
            {
                let line: String = line.map_err(|e| e.to_string())??;
                made += &line;
            }
            let (ctx, service) = (self.ctx.clone(), self.service.clone());
            let (product, app) = (product.clone(), app.clone());
            let user = self.users[number % self.users.len()].clone();
            let organization = self.organization.clone();
            makers.spawn(async move { product.make(&ctx, &service, &app, user, organization).await });
        }
        for line in makers.join_all().await {
            let line: String = line?;
            made += &line;
        }
        std::fs::write(file, made).map_err(|e| e.to_string())?;
        Ok(Value::Null)
    }
}
