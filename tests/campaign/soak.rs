//! A third of what the server can do, for as long as the campaign says: memory, descriptors and threads stay as they
//! are once it is warm, and the disk holds little more than what is kept there.

use crate::http::post;
use crate::size;
use crate::tls::{Demo, exchange};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::interval;
use tokio_rustls::client::TlsStream;

const CONNECTIONS: u32 = 8;
/// Of the requests, one of so many is a revocation; the others are new tokens.
const REVOKE_EACH: u64 = 4;
const SAMPLES: u32 = 60;
/// What comes and goes: a file of the journal, an export, a worker.
const LEEWAY: u64 = 16;
const MIB: f64 = 1024.0 * 1024.0;

#[test]
fn a_third_of_the_load_for_long_leaves_the_server_as_it_was() {
    let seconds = size(3);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let demo = Arc::new(Demo::start());
    // Beyond what is set aside on the disk before there is anything to keep.
    let (records, (_, disk)) = (demo.record_bytes(), demo.disk_bytes());
    let soaked = runtime.block_on(soak(&demo, Duration::from_secs(seconds)));
    let warm = &soaked.samples[soaked.samples.len() / 3..];
    let memory: Vec<f64> = warm.iter().map(|[kib, ..]| *kib as f64).collect();
    let slope = slope(&memory) * f64::from(SAMPLES) / seconds as f64 * 3600.0;
    println!(
        "soak: {seconds} s, {:.0} requests/s of {:.0} possible, memory {:.0} to {:.0} KiB, {slope:+.0} KiB an hour",
        soaked.requests as f64 / seconds as f64,
        soaked.capacity,
        memory[0],
        memory[memory.len() - 1],
    );
    for (what, at) in [("descriptors", 1), ("threads", 2)] {
        let all: Vec<u64> = warm.iter().map(|sample| sample[at]).collect();
        let (least, most) = (all.iter().min().expect("samples"), all.iter().max().expect("samples"));
        assert!(most - least <= LEEWAY, "{what} between {least} and {most}");
        println!("soak: {least} to {most} {what}");
    }
    let (journal, now) = demo.disk_bytes();
    let disk = now.saturating_sub(disk) as f64;
    let records = demo.record_bytes().saturating_sub(records) as f64;
    println!(
        "soak: {:.1} MiB of journal, {:.1} MiB more beside it for {:.1} MiB more of records, disk amplification {:.2}",
        journal as f64 / MIB,
        disk / MIB,
        records / MIB,
        disk / records.max(1.0)
    );
    let log = demo.server.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

struct Soaked {
    /// Requests a second with nothing held back.
    capacity: f64,
    requests: u64,
    samples: Vec<[u64; 3]>,
}

async fn soak(demo: &Arc<Demo>, length: Duration) -> Soaked {
    let probe = (length / 30).clamp(Duration::from_millis(500), Duration::from_secs(10));
    let (requests, _) = load(demo, probe, None).await;
    let capacity = requests as f64 / probe.as_secs_f64();
    let each = Duration::from_secs_f64(3.0 * f64::from(CONNECTIONS) / capacity);
    let (requests, samples) = load(demo, length, Some(each)).await;
    Soaked {
        capacity,
        requests,
        samples,
    }
}

/// Requests over kept connections, one each `every` or as fast as they are answered; how many there were, and samples.
async fn load(demo: &Arc<Demo>, length: Duration, every: Option<Duration>) -> (u64, Vec<[u64; 3]>) {
    let count = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..CONNECTIONS)
        .map(|n| tokio::spawn(client(demo.clone(), n, count.clone(), every)))
        .collect();
    let begun = Instant::now(); // allowed: how long the load lasts is what the campaign says
    let mut samples = Vec::new();
    let mut turn = interval(length / SAMPLES);
    while begun.elapsed() < length {
        turn.tick().await;
        samples.push(demo.footprint());
        assert!(
            !clients.iter().any(|client| client.is_finished()),
            "a client was not served"
        );
    }
    clients.iter().for_each(|client| client.abort());
    (count.load(Ordering::SeqCst), samples)
}

/// Ends only with an error.
async fn client(demo: Arc<Demo>, n: u32, count: Arc<AtomicU64>, every: Option<Duration>) -> io::Result<()> {
    let mut stream = demo.tls(n, "http/1.1").await?;
    let mut pace = every.map(interval);
    let mut token = String::new();
    loop {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        if number.is_multiple_of(REVOKE_EACH) && !token.is_empty() {
            let form = format!("token={token}");
            ask(&mut stream, &post("/oauth/revoke", &demo.app, &form, "")).await?;
            continue;
        }
        let answer = ask(
            &mut stream,
            &post("/oauth/token", &demo.app, "grant_type=client_credentials", ""),
        )
        .await?;
        let parsed: serde_json::Value = serde_json::from_str(&answer)?;
        token = parsed["access_token"].as_str().expect("a token").to_owned();
    }
}

/// The body of an answer of 200.
async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> io::Result<String> {
    let answer = exchange(stream, request).await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Ok(answer.body)
}

/// Of the line that fits best, for a step.
fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / count;
    let steps = (0..values.len()).map(|at| at as f64 - middle);
    let rise: f64 = steps
        .clone()
        .zip(values)
        .map(|(step, value)| step * (value - mean))
        .sum();
    rise / steps.map(|step| step * step).sum::<f64>()
}
