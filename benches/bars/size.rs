//! The binary's length, the idle server's memory, and how soon it is ready.

use crate::{Report, median};
use grantd::base::random::SystemRandom;
use grantd::base::time::{Stopwatch, SystemClock, Timestamp};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::model::app::{App, ClientType, Kind};
use grantd::store::Batch;
use grantd::store::sled::{SledOptions, SledStore};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_grantd");
const BINARY_BYTES_MAX: u64 = 12 * 1000 * 1000;
const RESIDENT_KIB_MAX: u64 = 20 * 1000 * 1000 / 1024;
const READY_MS_MAX: f64 = 100.0;
const READY_MANY_MS_MAX: f64 = 3_000.0;
const APPS: usize = 100_000;
const APPS_PER_BATCH: usize = 32;
const STARTS: usize = 9;
const GIVE_UP: Duration = Duration::from_secs(60);

pub fn run() -> Result<Report, String> {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let binary_bytes = std::fs::metadata(PROGRAM).map_err(|e| e.to_string())?.len();
    let binary = Report::line(
        format!("size binary={:.2} MB", binary_bytes as f64 / 1e6),
        "<= 12 MB",
        binary_bytes <= BINARY_BYTES_MAX,
    );

    let mut starts = Vec::new();
    for start in 0..STARTS {
        starts.push(Started::new(&scratch.path().join(format!("empty{start}")))?);
    }
    let ready_ms = median(starts.iter().map(|start| start.ready_ms));
    let empty = Report::line(
        format!("size ready_empty={ready_ms:.0} ms (runs {STARTS})"),
        "<= 100 ms",
        ready_ms <= READY_MS_MAX,
    );
    let resident_kib = starts.iter().map(|start| start.resident_kib).max().unwrap_or_default();
    let resident = Report::line(
        format!(
            "size resident={:.1} MB (the most of {STARTS})",
            resident_kib as f64 * 1024.0 / 1e6
        ),
        "<= 20 MB",
        resident_kib <= RESIDENT_KIB_MAX,
    );

    let many = scratch.path().join("many");
    fill(&many)?;
    let starts = [Started::new(&many)?, Started::new(&many)?, Started::new(&many)?];
    let ready_ms = median(starts.iter().map(|start| start.ready_ms));
    let many = Report::line(
        format!(
            "size ready_100000_apps={ready_ms:.0} ms (runs {}; resident {:.1} MB)",
            starts.len(),
            median(starts.iter().map(|start| start.resident_kib as f64)) * 1024.0 / 1e6
        ),
        "<= 3000 ms",
        ready_ms <= READY_MANY_MS_MAX,
    );
    Ok(Report::join([binary, empty, resident, many]))
}

/// What one start of `grantd serve` took.
struct Started {
    /// From the start of the process to the first 200 of /readyz.
    ready_ms: f64,
    resident_kib: u64,
}

impl Started {
    fn new(data: &Path) -> Result<Self, String> {
        let port = free_port()?;
        let config = data.with_extension("toml");
        let text = format!(
            "issuer = \"http://127.0.0.1:{port}\"\nlisten = [\"http://127.0.0.1:{port}\"]\ndata_dir = {data:?}\n"
        );
        std::fs::write(&config, text).map_err(|e| e.to_string())?;
        let watch = Stopwatch::start();
        let mut server = Command::new(PROGRAM)
            .arg("--config")
            .arg(&config)
            .arg("serve")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| e.to_string())?;
        let ready = until_ready(port, &watch);
        let ready_ms = watch.elapsed().as_secs_f64() * 1e3;
        let resident_kib = resident_kib(server.id());
        end(&mut server)?;
        ready?;
        Ok(Self {
            ready_ms,
            resident_kib: resident_kib?,
        })
    }
}

/// One that nobody listens on now.
fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    Ok(listener.local_addr().map_err(|e| e.to_string())?.port())
}

fn until_ready(port: u16, watch: &Stopwatch) -> Result<(), String> {
    while watch.elapsed() < GIVE_UP {
        if asked(port).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1)); // allowed: the time until an answer is what is measured
    }
    Err(format!("the server was not ready after {} s", GIVE_UP.as_secs()))
}

fn asked(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(GIVE_UP))?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(e) if e.kind() != ErrorKind::ConnectionReset => Err(e),
        _ => Ok(answer),
    }
}

/// VmRSS (proc_pid_status(5)).
fn resident_kib(pid: u32) -> Result<u64, String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| e.to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| "/proc/pid/status says no VmRSS".into())
}

/// Gracefully, so that the next start finds a store that was closed.
fn end(server: &mut Child) -> Result<(), String> {
    let told = Command::new("kill").arg(server.id().to_string()).status();
    told.map_err(|e| e.to_string())?;
    server.wait().map(|_| ()).map_err(|e| e.to_string())
}

/// A store with so many apps, made through the library.
fn fill(data: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| e.to_string())?.block_on(async {
        let overrides = Overrides {
            data_dir: Some(data.to_owned()),
            issuer: Some("http://127.0.0.1:1".into()),
            listen: Some(vec!["http://127.0.0.1:1".into()]),
            ..Overrides::default()
        };
        let config = Config::load(None, &overrides).map_err(|e| e.to_string())?;
        std::fs::create_dir_all(data).map_err(|e| e.to_string())?;
        let (store, _) = SledStore::open(&data.join("store"), SledOptions::default()).map_err(|e| e.to_string())?;
        let ctx = Context::open(Parts {
            secret: grantd::base::master::MasterSecret::load_or_create(&data.join("secret"), &SystemRandom)
                .map_err(|e| e.to_string())?
                .0,
            config,
            store: Arc::new(store),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        })
        .await?;
        for first in (0..APPS).step_by(APPS_PER_BATCH) {
            let mut batch = Batch::new();
            for number in first..APPS.min(first + APPS_PER_BATCH) {
                batch.insert(&app(number, ctx.now())).map_err(|e| e.to_string())?;
            }
            ctx.store.commit(batch).await.map_err(|e| e.to_string())?;
        }
        Ok(())
    })
}

fn app(number: usize, now: Timestamp) -> App {
    let client_id = format!("app_{number:08}_abcdefghijkl");
    let organization = (number % 1000).to_string();
    App {
        name: format!("App number {number}"),
        redirect_uris: vec![format!("https://app{number}.example.com/callback")],
        scopes: vec!["read".into(), "write".into()],
        ..App::new(client_id, organization, Kind::Public, ClientType::Confidential, now)
    }
}
