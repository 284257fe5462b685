//! Opens a data directory, for a server's life or for one command.

use super::logging;
use super::output::Output;
use super::service_manager;
use crate::app::{self, Doors, Service};
use crate::base::master::MasterSecret;
use crate::base::process;
use crate::base::random::SystemRandom;
use crate::base::time::SystemClock;
use crate::config::{Config, Listen, Log, Scheme};
use crate::context::{Context, Parts};
use crate::control::{Command, execute as execute_command, socket};
use crate::jobs;
use crate::jobs::acme::files::Files;
use crate::model::link::LinkKind;
use crate::model::settings::Settings;
use crate::platform::audit_chain::READER;
use crate::platform::people;
use crate::store::keys;
use crate::store::records::load;
use crate::store::sled::{SledOptions, SledStore};
use crate::store::{Store, StoreError};
use crate::web::development_certificates;
use crate::web::listener::Listener;
use crate::web::runtime::runtime;
use crate::web::signals::{Signals, Stop};
use crate::web::tls::Tls;
use serde_json::{Value, json};
use std::fs::DirBuilder;
use std::future::Future;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::runtime::Builder;
use tokio::sync::watch;

/// An end waits so long for what hangs on a disk; everything that was answered is on its own already.
const LEFT_BEHIND_MAX: Duration = Duration::from_secs(2);
/// Directories in the data directory in which stores are made.
pub const RESTORE_PREFIX: &str = ".restore-";
pub const IMPORT_PREFIX: &str = ".import-";

pub fn secret_path(config: &Config) -> PathBuf {
    config.data_dir.join("secret")
}

pub fn store_path(config: &Config) -> PathBuf {
    config.data_dir.join("store")
}

/// The pictures of apps.
pub fn logos_path(config: &Config) -> PathBuf {
    config.data_dir.join("logos")
}

/// The data directory and the secret in it; `true` when the secret was made now.
pub fn prepare(config: &Config) -> Result<bool, String> {
    make_dir(&config.data_dir)?;
    let made = MasterSecret::load_or_create(&secret_path(config), &SystemRandom).map_err(|e| e.to_string())?;
    Ok(made.1)
}

/// For its owner's eyes only.
pub fn make_dir(dir: &Path) -> Result<(), String> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| format!("the directory {} cannot be made: {e}", dir.display()))
}

/// Opens the store for this process alone; what had to be repaired is logged.
pub fn open_store(config: &Config) -> Result<SledStore, String> {
    make_dir(&config.data_dir)?;
    check_owner(&config.data_dir)?;
    let dir = store_path(config);
    // Its own mode too: the data directory may be one that others can enter.
    make_dir(&dir)?;
    let store = open_store_in(&dir)?;
    // Whoever holds the store's lock is alone.
    sweep_leftovers(&config.data_dir).map_err(|e| format!("{} cannot be tidied: {e}", config.data_dir.display()))?;
    Ok(store)
}

/// Removes what a restore or an import that was cut off had begun. Nothing ever takes it for a store.
fn sweep_leftovers(data_dir: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(data_dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if [RESTORE_PREFIX, IMPORT_PREFIX]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Files that root made in the directory of a service would keep the service away from its own store.
fn check_owner(dir: &Path) -> Result<(), String> {
    let owner = std::fs::metadata(dir).map_err(|e| format!("{} cannot be read: {e}", dir.display()))?;
    let (owner, own) = (owner.uid(), rustix::process::geteuid().as_raw());
    if owner == own {
        return Ok(());
    }
    Err(format!(
        "{} belongs to the user with the id {owner}, this is {own}: run it as that user",
        dir.display()
    ))
}

pub fn open_store_in(dir: &Path) -> Result<SledStore, String> {
    let options = SledOptions {
        readers: vec![READER.to_owned()],
        ..SledOptions::default()
    };
    let (store, report) = SledStore::open(dir, options).map_err(|e| e.to_string())?;
    for repaired in &report.sentences {
        log::warn!("{repaired}");
    }
    Ok(store)
}

/// Everything a decision needs. The secret is made with the first record, never beside records made with another.
pub async fn open(config: Config) -> Result<Arc<Context>, String> {
    let store = open_store(&config)?;
    let path = secret_path(&config);
    let secret = match load::<Settings>(&store, &keys::settings()).await? {
        None => {
            MasterSecret::load_or_create(&path, &SystemRandom)
                .map_err(|e| e.to_string())?
                .0
        }
        Some(_) => MasterSecret::load(&path).map_err(|e| e.to_string())?.ok_or_else(|| {
            format!(
                "{} is missing: put back the one this store was made with",
                path.display()
            )
        })?,
    };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    Ok(Arc::new(
        Context::open(Parts {
            config,
            store: Arc::new(store),
            clock,
            random,
            secret,
        })
        .await?,
    ))
}

/// Asks the running server, or does it here when none runs.
pub fn execute(config: Config, command: Command) -> Result<Value, String> {
    logging::to_stderr(Log::of_commands());
    if let Some(answer) = socket::ask(&config.data_dir, &command) {
        return answer;
    }
    block_on(async {
        let ctx = open(config).await?;
        let answer = execute_command(&ctx, command).await;
        // What it changed is to be where the server's changes are.
        jobs::backup::finish(&ctx).await;
        answer
    })
}

/// A runtime for one command.
pub fn block_on<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| format!("no runtime could be started: {e}"))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(LEFT_BEHIND_MAX);
    done
}

/// `grantd serve`.
pub fn serve(config: Config, output: &Output) -> Result<(), String> {
    logging::to_stderr(config.log);
    for warning in config.warnings() {
        log::warn!("{warning}");
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let tls = certificates(&config)?;
        let listeners = bind(&config.listen, tls.as_ref())?;
        let metrics = config
            .metrics
            .listen
            .map(|listen| Listener::http(listen.address))
            .transpose()?;
        let acme_http = config.acme.iter().flat_map(|acme| &acme.listen);
        let acme_http: Vec<Listener> = acme_http
            .map(|listen| Listener::acme_http(listen.address))
            .collect::<Result<_, _>>()?;
        let ctx = open(config).await?;
        for listener in &listeners {
            log::info!("listening on {}", listener.address().map_err(|e| e.to_string())?);
        }
        for listener in &acme_http {
            let address = listener.address().map_err(|e| e.to_string())?;
            log::info!("answering challenges, and leading to https, on {address}");
        }
        if let Some(metrics) = &metrics {
            log::info!(
                "metrics are at http://{}/metrics",
                metrics.address().map_err(|e| e.to_string())?
            );
        }
        invite_administrator(&ctx, output).await;
        let issuer = ctx.issuer().to_owned();
        let ready = move || log::info!("{issuer} is ready");
        let signals = catch_signals()?;
        let server = Server {
            ctx,
            listeners,
            metrics,
            acme_http,
            tls,
            signals,
        };
        until_stopped(server, ready).await
    });
    runtime.shutdown_timeout(LEFT_BEHIND_MAX);
    ended
}

/// Where there is no administrator yet, whoever started the server becomes one: by a link that is printed here, once,
/// and written to no log.
async fn invite_administrator(ctx: &Context, output: &Output) {
    let link = match people::first_link(ctx).await {
        Ok(Some(link)) => link,
        Ok(None) => return,
        Err(error) => return log::warn!("no link for a first administrator could be made: {error}"),
    };
    if output.json {
        return output.answer(&json!({ "administrator_link": link }));
    }
    let hours = LinkKind::Administrator.lives().as_secs() / 3600;
    output.text(&format!(
        "There is no administrator yet. Open this link within {hours} hours to become one; it works once:\n{link}\n"
    ));
}

/// Those of the configuration, or development certificates where nobody but this machine is served.
fn certificates(config: &Config) -> Result<Option<Arc<Tls>>, String> {
    if config.listen.iter().all(|listen| listen.scheme == Scheme::Http) {
        return Ok(None);
    }
    if let Some(acme) = &config.acme {
        let file = Files::of(config).certificate();
        return Ok(Some(Arc::new(Tls::obtained(&file, &acme.domains, &SystemClock)?)));
    }
    let (certificate, key) = match &config.tls {
        Some(files) => (files.certificate.clone(), files.key.clone()),
        None if config.issuer.is_loopback() => {
            make_dir(&config.data_dir)?;
            let names = [config.issuer.host().to_owned()];
            let made = development_certificates::ensure(&config.data_dir.join("certs"), &names, &SystemClock)
                .map_err(|e| format!("the development certificates cannot be made: {e}"))?;
            log::warn!(
                "development certificates are in use; clients trust {}",
                made.ca_file.display()
            );
            (made.cert_file, made.key_file)
        }
        None => {
            return Err(format!(
                "{} needs a certificate: set [acme], or [tls] certificate and key",
                config.issuer.as_str()
            ));
        }
    };
    Ok(Some(Arc::new(Tls::from_pem(&certificate, &key)?)))
}

/// Sockets first: a port that is taken is told before anything is opened.
pub fn bind(listen: &[Listen], tls: Option<&Arc<Tls>>) -> Result<Vec<Listener>, String> {
    let bind = |listen: &Listen| match (listen.scheme, tls) {
        (Scheme::Http, _) => Listener::http(listen.address),
        (Scheme::Https, Some(tls)) => Listener::https(listen.address, tls.clone()),
        (Scheme::Https, None) => Err(format!("{listen} needs a certificate: set [tls] certificate and key")),
    };
    listen.iter().map(bind).collect()
}

pub struct Server {
    pub ctx: Arc<Context>,
    pub listeners: Vec<Listener>,
    pub metrics: Option<Listener>,
    pub acme_http: Vec<Listener>,
    pub tls: Option<Arc<Tls>>,
    pub signals: Signals,
}

/// From here on no signal ends the process before it has put its things away.
pub fn catch_signals() -> Result<Signals, String> {
    Signals::install().map_err(|e| format!("signals cannot be caught: {e}"))
}

/// Serves until a signal: the first drains, the second ends; SIGHUP reads the certificates and the routes again.
///
/// `ready` is called when all doors are open: from then on signals are caught and commands reach the server.
pub async fn until_stopped(server: Server, ready: impl FnOnce()) -> Result<(), String> {
    let Server {
        ctx,
        listeners,
        metrics,
        acme_http,
        tls,
        signals,
    } = server;
    process::began();
    ctx.set_certificate(tls.as_ref().and_then(|tls| tls.validity()));
    let service = Arc::new(Service::new(ctx.clone())?);
    let control = control_socket(&ctx.config.data_dir)?;
    ready();
    service_manager::ready();
    let (stop, stopped) = watch::channel(Stop::Run);
    let (of_routes, of_tls) = (Arc::clone(&service), ctx.clone());
    let doors = Doors {
        listeners,
        metrics,
        acme_http,
        tls: tls.clone(),
        control,
    };
    let reload = move || {
        match tls.as_ref().map(|tls| tls.reload()) {
            Some(Ok(())) => log::info!("the certificates were read again"),
            Some(Err(error)) => log::error!("the certificates stay as they were: {error}"),
            None => log::info!("there are no certificates to read again"),
        }
        of_tls.set_certificate(tls.as_ref().and_then(|tls| tls.validity()));
        of_tls.acme.wanted.notify_one();
        match of_routes.reload_routes() {
            Ok(count) => log::info!("the {count} routes of the API were read again"),
            Err(error) => log::error!("the routes of the API stay as they were: {error}"),
        }
    };
    let living = tokio::spawn(service_manager::live(ctx.clone()));
    let mut ending = stopped.clone();
    let told = tokio::spawn(async move {
        if ending.wait_for(|stop| *stop != Stop::Run).await.is_ok() {
            service_manager::stopping();
        }
    });
    let following = tokio::spawn(signals.follow(stop, reload));
    let (store, of_backups) = (ctx.store.clone(), ctx.clone());
    let path = socket::path(&ctx.config.data_dir);
    let ended = app::serve(service, doors, stopped).await;
    for task in [following, living, told] {
        task.abort();
    }
    let _ = std::fs::remove_file(path);
    close(&*store).await?;
    jobs::backup::finish(&of_backups).await;
    let ended = ended.map_err(|e| format!("the server ended: {e}"))?;
    if ended.cut_off > 0 {
        log::warn!("{} connections were cut off", ended.cut_off);
    }
    log::info!("ended");
    Ok(())
}

fn control_socket(data_dir: &Path) -> Result<UnixListener, String> {
    socket::bind(data_dir).map_err(|e| format!("the control socket in {} cannot be made: {e}", data_dir.display()))
}

/// One last commit: when it is answered, everything before it is on disk.
async fn close(store: &dyn Store) -> Result<(), StoreError> {
    store.commit(crate::store::Batch::new()).await.map(|_| ())
}
