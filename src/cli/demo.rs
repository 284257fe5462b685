//! `grantd demo`: a whole server with example data, for a first minute, for development and for tests.

use super::arguments::{Common, Demo};
use super::output::Output;
use super::start::{self, Server};
use super::{check, demo_page};
use crate::base::random::{self, SystemRandom};
use crate::base::time::SystemClock;
use crate::config::{Config, IdType, LogLevel, Overrides, TlsFiles};
use crate::context::Context;
use crate::control::{Command, NewApp, execute};
use crate::model::app::Kind;
use crate::model::role::Role;
use crate::web::development_certificates;
use crate::web::listener::Listener;
use crate::web::tls::Tls;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where it listens when nothing is said; any free port where this one is taken.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// The organization's id in profiles that count them.
const ORGANIZATION: &str = "849";
const REDIRECT_URI: &str = "http://127.0.0.1/callback";
/// Credentials of the example data, so that a second start on the same directory can tell them again.
const CREDENTIALS: &str = "demo.json";

pub fn run(demo: Demo, common: &Common, output: &Output) -> Result<(), String> {
    start::log_to_stderr(LogLevel::Warn);
    let scratch = match &common.data {
        Some(_) => None,
        None => {
            let made = tempfile::Builder::new().prefix("grantd-demo-").tempdir();
            Some(made.map_err(|e| format!("no temporary directory can be made: {e}"))?)
        }
    };
    let data_dir = common
        .data
        .clone()
        .or(scratch.as_ref().map(|dir| dir.path().to_owned()));
    let data_dir = data_dir.ok_or("there is no data directory")?;
    std::fs::create_dir_all(&data_dir).map_err(|e| format!("{} cannot be made: {e}", data_dir.display()))?;
    let data_dir = data_dir.canonicalize().map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    // `scratch` lives until the server has ended.
    runtime
        .map_err(|e| format!("no runtime could be started: {e}"))?
        .block_on(serve(&demo, &data_dir, output))
}

async fn serve(demo: &Demo, data_dir: &Path, output: &Output) -> Result<(), String> {
    let doors = open_doors(demo, data_dir)?;
    let config = configure(demo, data_dir, &doors)?;
    let ctx = start::open(config).await?;
    let mut facts = json!({
        "issuer": ctx.issuer(),
        "resource": ctx.profile().default_resource().identifier,
        "ca_file": doors.ca_file,
    });
    for (name, value) in credentials(&ctx, data_dir).await? {
        facts[name] = value;
    }
    let server = Server {
        ctx: ctx.clone(),
        listeners: vec![doors.listener],
        tls: doors.tls,
    };
    let serving = start::until_stopped(server);
    if demo.check {
        return tokio::select! {
            ended = serving => ended,
            checked = check_once(&ctx, &facts, output) => checked,
        };
    }
    if output.json {
        output.text(&format!("{facts}\n"));
    } else {
        output.text(&demo_page::render(&ctx, &facts, demo));
    }
    serving.await
}

async fn check_once(ctx: &Context, facts: &Value, output: &Output) -> Result<(), String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subject = check::Subject {
        issuer: ctx.issuer(),
        ca_file: facts["ca_file"].as_str().map(Path::new),
        client_id: &text(&facts["private_app"]["client_id"]),
        client_secret: &text(&facts["private_app"]["client_secret"]),
        organization: (
            ctx.profile().noun.id_claim(),
            demo_page::id_text(&facts["organization"]["id"]),
        ),
    };
    let steps = check::run(&subject).await?;
    if output.json {
        let steps: Vec<Value> = steps
            .iter()
            .map(|(step, ms)| json!({ "step": step, "ms": ms }))
            .collect();
        output.text(&format!(
            "{}\n",
            json!({ "ok": true, "issuer": ctx.issuer(), "steps": steps })
        ));
    } else {
        output.text(&format!("{}\n{}all good\n", ctx.issuer(), check::report(&steps)));
    }
    Ok(())
}

/// What is listening, and with which certificates.
struct Doors {
    listener: Listener,
    tls: Option<Arc<Tls>>,
    files: Option<TlsFiles>,
    ca_file: Option<PathBuf>,
}

fn open_doors(demo: &Demo, data_dir: &Path) -> Result<Doors, String> {
    let address = demo.listen.unwrap_or(ADDRESS);
    let (tls, files, ca_file) = if demo.http {
        (None, None, None)
    } else {
        let names = [address.ip().to_string()];
        let made = development_certificates::ensure(&data_dir.join("certs"), &names, &SystemClock)
            .map_err(|e| format!("the development certificates cannot be made: {e}"))?;
        let tls = Arc::new(Tls::from_pem(&made.cert_file, &made.key_file)?);
        let files = TlsFiles {
            certificate: made.cert_file,
            key: made.key_file,
        };
        (Some(tls), Some(files), Some(made.ca_file))
    };
    let bind = |address| match &tls {
        Some(tls) => Listener::https(address, tls.clone()),
        None => Listener::http(address),
    };
    let listener = match bind(address) {
        // Somebody else has the usual port: any other is as good, unless one was asked for.
        Err(_) if demo.listen.is_none() => bind(SocketAddr::new(address.ip(), 0))?,
        bound => bound?,
    };
    Ok(Doors {
        listener,
        tls,
        files,
        ca_file,
    })
}

fn configure(demo: &Demo, data_dir: &Path, doors: &Doors) -> Result<Config, String> {
    let address = doors.listener.address().map_err(|e| e.to_string())?;
    let scheme = if demo.http { "http" } else { "https" };
    let host = if address.ip().is_unspecified() {
        SocketAddr::new(ADDRESS.ip(), address.port())
    } else {
        address
    };
    let overrides = Overrides {
        issuer: Some(format!("{scheme}://{host}")),
        data_dir: Some(data_dir.to_owned()),
        listen: Some(vec![format!("{scheme}://{address}")]),
        tls: doors.files.clone(),
        profile: Some(demo.profile.clone()),
    };
    Config::load(None, &overrides).map_err(|errors| errors.to_string())
}

/// Those of an earlier start on this directory, or new ones.
async fn credentials(ctx: &Context, data_dir: &Path) -> Result<Vec<(String, Value)>, String> {
    let path = data_dir.join(CREDENTIALS);
    let facts = match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice::<Value>(&text).map_err(|_| format!("{} is damaged", path.display()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let facts = seed(ctx).await?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let written = file.as_mut().map(|file| file.write_all(facts.to_string().as_bytes()));
            if !matches!(written, Ok(Ok(()))) {
                return Err(format!("{} cannot be written", path.display()));
            }
            facts
        }
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    let Value::Object(members) = facts else {
        return Err(format!("{} is damaged", path.display()));
    };
    Ok(members.into_iter().collect())
}

async fn seed(ctx: &Context) -> Result<Value, String> {
    let id = (ctx.profile().ids == IdType::Integer).then(|| ORGANIZATION.to_owned());
    let name = "Your Organization".to_owned();
    let organization = execute(ctx, Command::OrganizationCreate { name, id }).await?;
    let organization_id = demo_page::id_text(&organization["id"]);
    let owner = seed_user(ctx, &organization_id, "owner", Role::Owner).await?;
    let admin = seed_user(ctx, &organization_id, "admin", Role::Admin).await?;
    let app = |name: &str, kind: Kind, public_client: bool| NewApp {
        name: name.to_owned(),
        organization: organization_id.clone(),
        kind,
        public_client,
        redirect_uris: if kind == Kind::Public {
            vec![REDIRECT_URI.to_owned()]
        } else {
            Vec::new()
        },
        scopes: Vec::new(),
        dedicated_user: (kind == Kind::Private).then(|| "owner@example.com".to_owned()),
        resources: Vec::new(),
    };
    let private = execute(ctx, Command::AppCreate(app("Demo private app", Kind::Private, false))).await?;
    let public = execute(ctx, Command::AppCreate(app("Demo public app", Kind::Public, false))).await?;
    let spa = execute(ctx, Command::AppCreate(app("Demo single-page app", Kind::Public, true))).await?;
    Ok(json!({
        "organization": { "id": organization["id"], "name": organization["name"] },
        "owner": owner,
        "admin": admin,
        "private_app": { "client_id": private["client_id"], "client_secret": private["client_secret"] },
        "public_app": {
            "client_id": public["client_id"],
            "client_secret": public["client_secret"],
            "redirect_uri": REDIRECT_URI,
        },
        "spa_app": { "client_id": spa["client_id"], "redirect_uri": REDIRECT_URI },
    }))
}

async fn seed_user(ctx: &Context, organization: &str, name: &str, role: Role) -> Result<Value, String> {
    let email = format!("{name}@example.com");
    let password = random::token::<15>(&SystemRandom);
    let add = Command::UserAdd {
        email: email.clone(),
        name: None,
        password: Some(password.clone()),
    };
    execute(ctx, add).await?;
    let join = Command::MemberSet {
        organization: organization.to_owned(),
        user: email.clone(),
        role,
    };
    execute(ctx, join).await?;
    Ok(json!({ "email": email, "password": password }))
}
