//! Webhooks: how many deliveries a second reach a receiver on this machine, from events in the outbox to what came of
//! them, and what an event in its batch adds to a refresh over HTTPS. Figures without a bar.

use crate::measured::Measured;
use crate::wrk::CONNECTIONS;
use crate::{Report, median, middle_ratio};
use grantd::base::master::{MasterSecret, Purpose};
use grantd::base::random::SystemRandom;
use grantd::base::time::{Stopwatch, SystemClock};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::jobs::webhooks::{Courier, turn};
use grantd::model::endpoint::{Endpoint, Standing};
use grantd::model::event::{Event, EventKind};
use grantd::store::Batch;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::web::outbound::{Patience, SystemResolver};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;

const ROUNDS: usize = 3;
/// Deliveries of one round.
const DELIVERIES: usize = 1_000;
const ENDPOINTS: [usize; 2] = [1, 10];
const APP: &str = "grantd_app_bench";
const REFRESH_ROUNDS: usize = 9;
const REFRESH_SLICE_S: u32 = 1;

pub fn run() -> Result<Report, String> {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    let mut reports = Vec::new();
    for endpoints in ENDPOINTS {
        let dir = scratch.path().join(endpoints.to_string());
        reports.push(runtime.block_on(delivered(&dir, endpoints))?);
    }
    drop(runtime);
    reports.push(cost()?);
    Ok(Report::join(reports))
}

async fn delivered(dir: &Path, endpoints: usize) -> Result<Report, String> {
    let (port, came) = receiver()?;
    let ctx = Arc::new(open(dir).await?);
    for number in 0..endpoints {
        insert(&ctx, |batch| batch.insert(&endpoint(&ctx, port, number)).map(|_| ())).await?;
    }
    let courier = Courier::new(ctx.clone(), Arc::new(SystemResolver), Patience::default());
    let mut rates = Vec::new();
    for round in 0..=ROUNDS {
        happen(&ctx, DELIVERIES / endpoints).await?;
        let before = came.load(Ordering::Relaxed);
        let watch = Stopwatch::start();
        turn(&courier).await.map_err(|e| e.to_string())?;
        let seconds = watch.elapsed().as_secs_f64();
        let sent = came.load(Ordering::Relaxed) - before;
        if sent != DELIVERIES {
            return Err(format!("{sent} of {DELIVERIES} deliveries came"));
        }
        // The first one warms up.
        if round > 0 {
            rates.push(sent as f64 / seconds);
        }
    }
    Ok(Report::figure(format!(
        "webhooks endpoints={endpoints} {:.0} delivered/s ({DELIVERIES} at once, runs {ROUNDS})",
        median(rates)
    )))
}

/// So many events, written side by side: one after the other, each would wait for a sync of the disk of its own.
async fn happen(ctx: &Arc<Context>, count: usize) -> Result<(), String> {
    let mut writers = JoinSet::new();
    for _ in 0..count {
        let ctx = ctx.clone();
        writers.spawn(async move { insert(&ctx, |batch| batch.insert(&event(&ctx)).map(|_| ())).await });
    }
    while let Some(ended) = writers.join_next().await {
        ended.map_err(|e| e.to_string())??;
    }
    Ok(())
}

async fn open(dir: &Path) -> Result<Context, String> {
    let (store, _) = SledStore::open(&dir.join("store"), SledOptions::default()).map_err(|e| e.to_string())?;
    let (secret, _) = MasterSecret::load_or_create(&dir.join("secret"), &SystemRandom).map_err(|e| e.to_string())?;
    let overrides = Overrides {
        issuer: Some("http://127.0.0.1:1".into()),
        listen: Some(vec!["http://127.0.0.1:0".into()]),
        data_dir: Some(dir.to_owned()),
        ..Overrides::default()
    };
    let parts = Parts {
        config: Config::load(None, &overrides).map_err(|e| e.to_string())?,
        store: Arc::new(store),
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        secret,
    };
    Context::open(parts).await
}

async fn insert(
    ctx: &Context,
    fill: impl FnOnce(&mut Batch) -> Result<(), grantd::store::StoreError>,
) -> Result<(), String> {
    let mut batch = Batch::new();
    fill(&mut batch)?;
    ctx.store.commit(batch).await?;
    Ok(())
}

fn endpoint(ctx: &Context, port: u16, number: usize) -> Endpoint {
    let id = format!("we_{number}");
    Endpoint {
        client_id: APP.to_owned(),
        label: "bench".to_owned(),
        url: format!("http://127.0.0.1:{port}/{number}"),
        kinds: Vec::new(),
        secret: ctx.secret.seal(
            Purpose::WebhookSecret,
            id.as_bytes(),
            b"grantd_whsec_bench",
            &SystemRandom,
        ),
        secret_at: ctx.now(),
        standing: Standing::Enabled,
        in_order: false,
        failing_since: None,
        created_at: ctx.now(),
        id,
    }
}

fn event(ctx: &Context) -> Event {
    Event {
        organization: Some("849".to_owned()),
        user: Some("u_bench".to_owned()),
        client_id: Some(APP.to_owned()),
        ..Event::new(EventKind::RefreshReuseDetected, ctx.now(), &SystemRandom)
    }
}

/// Takes all that comes, on threads of its own, and counts it.
fn receiver() -> Result<(u16, Arc<AtomicUsize>), String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = count.clone();
            std::thread::spawn(move || take(stream, &count));
        }
    });
    Ok((port, came))
}

fn take(stream: TcpStream, count: &AtomicUsize) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap_or(0);
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        count.fetch_add(1, Ordering::Relaxed);
        writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
    }
}

/// Refreshing over HTTPS, with and without an event in the batch of each. A refresh as it is writes none; what is put
/// in is told of by the same server, on the same core, to an app without endpoints.
fn cost() -> Result<Report, String> {
    let mut grantd = Measured::start_eventful(2 * CONNECTIONS)?;
    // Without and with.
    let (mut rates, mut cpu_us) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..=REFRESH_ROUNDS {
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for side in order {
            grantd.events(side == 1)?;
            let before = grantd.server().cpu_s()?;
            let rate = grantd.refresh(CONNECTIONS, REFRESH_SLICE_S)?.rate;
            // What is left to be told belongs to this slice.
            grantd.events(false)?;
            let spent_s = grantd.server().cpu_s()? - before;
            if round > 0 {
                rates[side].push(rate);
                cpu_us[side].push(spent_s * 1e6 / (rate * f64::from(REFRESH_SLICE_S)));
            }
        }
    }
    let ratio = middle_ratio(&rates[1], &rates[0]);
    let ([without, with], [cpu_without, cpu_with]) = (rates.map(median), cpu_us.map(median));
    Ok(Report::figure(format!(
        "webhooks refresh_event={ratio:.2} (refresh {without:.0}/s, with an event {with:.0}/s; processor time \
         {cpu_without:.0} us, with an event and its telling {cpu_with:.0} us; runs {REFRESH_ROUNDS})"
    )))
}
