//! `grantd demo`: a whole server with example data, for a first minute, for development and for tests.

use super::arguments::{Common, Demo};
use super::output::Output;
use super::start::{self, Server};
use super::{check, demo_page, logging};
use crate::base::random::{self, SystemRandom};
use crate::base::time::SystemClock;
use crate::config::{Config, IdType, Log, Overrides, TlsFiles};
use crate::context::Context;
use crate::control::{Command, NewApp, execute};
use crate::model::app::Kind;
use crate::model::role::Role;
use crate::model::user::{Duty, User};
use crate::platform::actor::Actor;
use crate::platform::api_keys::{self, NewKey};
use crate::platform::personal_tokens::{self, Expiry, NewToken};
use crate::store::keys;
use crate::store::records::load_by_index;
use crate::web::client::Client;
use crate::web::development_certificates;
use crate::web::listener::Listener;
use crate::web::runtime::runtime;
use crate::web::signals::Signals;
use crate::web::tls::Tls;
use serde_json::{Map, Value, json};
use std::io::{self, ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where it listens when nothing is said; any free port where this one is taken.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8443);
/// The organization's id in profiles that count them.
const ORGANIZATION: &str = "849";
const REDIRECT_URI: &str = "http://127.0.0.1/callback";
/// Credentials of the example data, so that a second start on the same directory can tell them again.
const CREDENTIALS: &str = "demo.json";
/// In that file alone: what the example data was made for.
const PROFILE: &str = "profile";
/// Who reviews apps and answers access requests; in no organization, as anybody who is only on duty.
const ADMINISTRATOR: &str = "administrator";

pub fn run(demo: Demo, common: &Common, output: &Output) -> Result<(), String> {
    logging::to_stderr(Log::of_commands());
    let runtime = runtime()?;
    let signals = {
        let _entered = runtime.enter();
        // Before anything is made that would be left behind.
        start::catch_signals()?
    };
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
    start::make_dir(&data_dir)?;
    let data_dir = data_dir.canonicalize().map_err(|e| e.to_string())?;
    let ended = runtime.block_on(serve(&demo, &data_dir, signals, output));
    // Its tasks hold the store, which is closed in order before `scratch` takes its directory away.
    drop(runtime);
    ended
}

async fn serve(demo: &Demo, data_dir: &Path, signals: Signals, output: &Output) -> Result<(), String> {
    let doors = open_doors(demo, data_dir)?;
    let config = configure(demo, data_dir, &doors)?;
    let ctx = start::open(config).await?;
    let mut facts = json!({
        "issuer": ctx.issuer(),
        "resource": ctx.profile().default_resource().identifier,
        "ca_file": doors.ca_file,
    });
    for (name, value) in credentials(&ctx, data_dir, &demo.profile).await? {
        facts[name] = value;
    }
    let server = Server {
        ctx: ctx.clone(),
        listeners: vec![doors.listener],
        metrics: None,
        acme_http: Vec::new(),
        tls: doors.tls,
        signals,
    };
    if demo.check {
        return tokio::select! {
            ended = start::until_stopped(server, || ()) => ended,
            checked = check_once(&ctx, &facts, output) => checked,
        };
    }
    let page = if output.json {
        format!("{facts}\n")
    } else {
        demo_page::render(&ctx, &facts, demo)
    };
    start::until_stopped(server, || output.text(&page)).await
}

async fn check_once(ctx: &Context, facts: &Value, output: &Output) -> Result<(), String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let subject = check::Subject {
        issuer: ctx.issuer(),
        client_id: &text(&facts["private_app"]["client_id"]),
        client_secret: &text(&facts["private_app"]["client_secret"]),
        organization: Some((
            ctx.profile().noun.id_claim(),
            demo_page::id_text(&facts["organization"]["id"]),
        )),
    };
    let client = Client::new(facts["ca_file"].as_str().map(Path::new))?;
    let steps = check::run(&client, &subject).await?;
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
async fn credentials(ctx: &Context, data_dir: &Path, profile: &str) -> Result<Map<String, Value>, String> {
    let path = data_dir.join(CREDENTIALS);
    let mut facts: Map<String, Value> = match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|_| format!("{} is damaged", path.display()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let facts = seed(ctx, profile).await?;
            write_whole(&path, &facts)?;
            facts
        }
        Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
    };
    if !facts.contains_key(ADMINISTRATOR) {
        // The example data of an earlier version had none.
        facts.insert(ADMINISTRATOR.to_owned(), seed_administrator(ctx).await?);
        write_whole(&path, &facts)?;
    }
    let made_with = facts.shift_remove(PROFILE).unwrap_or_default();
    if made_with != profile {
        let made_with = made_with.as_str().unwrap_or("unknown");
        return Err(format!(
            "{} holds the example data of the profile {made_with}: say --profile {made_with}, or another --data",
            data_dir.display()
        ));
    }
    Ok(facts)
}

/// All of it or nothing, for its owner's eyes only.
fn write_whole(path: &Path, facts: &Map<String, Value>) -> Result<(), String> {
    let write = || {
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(serde_json::to_string(facts)?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|e: io::Error| format!("{} cannot be written: {e}", path.display()))
}

/// Takes over what is there already: an earlier start may have been ended before it wrote the credentials down.
async fn seed(ctx: &Context, profile: &str) -> Result<Map<String, Value>, String> {
    let organization = seed_organization(ctx).await?;
    let organization_id = demo_page::id_text(&organization["id"]);
    let owner = seed_user(ctx, &organization_id, "owner", Role::Owner).await?;
    let admin = seed_user(ctx, &organization_id, "admin", Role::Admin).await?;
    let app = |name: &str, kind: Kind, public_client: bool| NewApp {
        public_client,
        redirect_uris: if kind == Kind::Public {
            vec![REDIRECT_URI.to_owned()]
        } else {
            Vec::new()
        },
        dedicated_user: (kind == Kind::Private).then(|| "owner@example.com".to_owned()),
        ..NewApp::new(kind, &*organization_id, name)
    };
    let private = execute(ctx, Command::AppCreate(app("Demo private app", Kind::Private, false))).await?;
    let public = execute(ctx, Command::AppCreate(app("Demo public app", Kind::Public, false))).await?;
    let spa = execute(ctx, Command::AppCreate(app("Demo single-page app", Kind::Public, true))).await?;
    let pat = seed_personal_token(ctx, &organization_id).await?;
    let facts = json!({
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
        "pat": pat,
        ADMINISTRATOR: seed_administrator(ctx).await?,
        PROFILE: profile,
    });
    let Value::Object(mut facts) = facts else {
        return Err("the example data is no object".into());
    };
    if ctx.profile().api_keys.enabled {
        facts.insert("api_key".to_owned(), seed_api_key(ctx, &organization_id).await?);
    }
    Ok(facts)
}

async fn seed_organization(ctx: &Context) -> Result<Value, String> {
    let id = (ctx.profile().ids == IdType::Integer).then(|| ORGANIZATION.to_owned());
    if let Some(id) = &id {
        let organizations = execute(ctx, Command::OrganizationList).await?;
        let mut rows = organizations.as_array().into_iter().flatten();
        if let Some(there) = rows.find(|row| demo_page::id_text(&row["id"]) == *id) {
            return Ok(there.clone());
        }
    }
    let name = "Your Organization".to_owned();
    execute(ctx, Command::OrganizationCreate { name, id }).await
}

async fn owner(ctx: &Context) -> Result<Actor, String> {
    let owner = load_by_index::<User>(&*ctx.store, &keys::email("owner@example.com")).await;
    let owner = owner.map_err(|e| e.to_string())?.ok_or("the owner is gone")?;
    Ok(Actor::of_user(Arc::new(owner)))
}

/// The owner's, for everything there is.
async fn seed_personal_token(ctx: &Context, organization: &str) -> Result<String, String> {
    let new = NewToken {
        organization: organization.to_owned(),
        member: None,
        name: "Demo".to_owned(),
        scopes: None,
        expiry: Expiry::Usual,
    };
    let made = personal_tokens::create(ctx, &owner(ctx).await?, &new).await;
    Ok(made
        .map_err(|refusal| format!("no personal access token was made: {refusal:?}"))?
        .text)
}

/// The owner's, for everything there is.
async fn seed_api_key(ctx: &Context, organization: &str) -> Result<Value, String> {
    let new = NewKey {
        name: "Demo",
        scopes: ctx.profile().scopes.names().map(str::to_owned).collect(),
        days: None,
    };
    let made = api_keys::create(ctx, &owner(ctx).await?, organization, &new).await;
    let made = made.map_err(|refusal| format!("no API key was made: {refusal:?}"))?;
    Ok(json!({ "id": made.key.id, "secret": made.secret.expose() }))
}

async fn seed_user(ctx: &Context, organization: &str, name: &str, role: Role) -> Result<Value, String> {
    let account = seed_account(ctx, name).await?;
    let join = Command::MemberSet {
        organization: organization.to_owned(),
        user: email(name),
        role,
    };
    execute(ctx, join).await?;
    Ok(account)
}

async fn seed_administrator(ctx: &Context) -> Result<Value, String> {
    let account = seed_account(ctx, ADMINISTRATOR).await?;
    let appoint = Command::UserDuty {
        user: email(ADMINISTRATOR),
        duty: Some(Duty::Administrator),
    };
    execute(ctx, appoint).await?;
    Ok(account)
}

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

async fn seed_account(ctx: &Context, name: &str) -> Result<Value, String> {
    let email = email(name);
    let password = random::token::<15>(&SystemRandom);
    let users = execute(ctx, Command::UserList).await?;
    let there = users.as_array().into_iter().flatten().any(|row| row["email"] == email);
    let command = if there {
        Command::UserPassword {
            user: email.clone(),
            password: password.clone(),
        }
    } else {
        Command::UserAdd {
            email: email.clone(),
            name: None,
            password: Some(password.clone()),
        }
    };
    execute(ctx, command).await?;
    Ok(json!({ "email": email, "password": password }))
}
