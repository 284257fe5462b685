//! Thousands of connections that do next to nothing: half of a TLS handshake, half of a header, half of a body, answers
//! that nobody reads. Whoever is cut off comes again a while later. Meanwhile those who mean well are served.

use crate::size;
use crate::tls::Demo;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

/// Below the limit of one address.
const EACH_ADDRESS: u32 = 200;
/// Addresses of those who mean well.
const GOOD: u32 = 1000;
const REQUESTS: u32 = 300;
const PAUSE: Duration = Duration::from_secs(10);

#[test]
fn slow_connections_keep_nobody_from_being_served() {
    let count = u32::try_from(size(200)).expect("a number of connections");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let demo = Arc::new(Demo::start());
    let (p99, held) = runtime.block_on(campaign(&demo, count));
    println!(
        "slow connections: {count}, {held} of them held at once, {REQUESTS} requests served meanwhile, p99 {:.1} ms",
        p99.as_secs_f64() * 1000.0
    );
    runtime.shutdown_background();
}

async fn campaign(demo: &Arc<Demo>, count: u32) -> (Duration, usize) {
    let (begun, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut slow = JoinSet::new();
    for n in 0..count {
        let (demo, begun, held) = (demo.clone(), begun.clone(), held.clone());
        slow.spawn(async move {
            loop {
                let _ = stick(&demo, n, &held).await;
                begun.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(PAUSE).await; // allowed: the pace of a patient attacker; no test waits for it
            }
        });
    }
    // All of them have been there, or sit there now.
    while begun.load(Ordering::SeqCst) + held.load(Ordering::SeqCst) < count as usize {
        tokio::task::yield_now().await;
    }
    let most = held.load(Ordering::SeqCst);
    let mut took = Vec::new();
    for n in 0..REQUESTS {
        let asked = Instant::now(); // allowed: the figure of the campaign; nothing is judged by it here
        demo.mint(GOOD + n % 50).await.expect("who means well is served");
        took.push(asked.elapsed());
    }
    took.sort();
    (took[took.len() * 99 / 100], most)
}

/// Returns when the server has had enough.
async fn stick(demo: &Demo, n: u32, held: &AtomicUsize) -> io::Result<()> {
    let address = n / EACH_ADDRESS;
    if n.is_multiple_of(4) {
        let mut stream = demo.tcp(address).await?;
        stream.write_all(&[0x16, 0x03, 0x01, 0x02]).await?;
        return wait(stream, held).await;
    }
    let mut stream = demo.tls(address, "http/1.1").await?;
    let begun = match n % 4 {
        1 => "GET / HTTP/1.1\r\nHost: test\r\nX-Slow: ".to_owned(),
        2 => "POST /oauth/token HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\ngrant".to_owned(),
        // Answers of many kilobytes, and nobody there to take them.
        _ => "GET /documentation HTTP/1.1\r\nHost: test\r\n\r\n".repeat(20),
    };
    stream.write_all(begun.as_bytes()).await?;
    if n % 4 == 3 {
        held.fetch_add(1, Ordering::SeqCst);
        let (tcp, _) = stream.get_ref();
        let gone = tcp.ready(tokio::io::Interest::ERROR).await.map(|_| ());
        held.fetch_sub(1, Ordering::SeqCst);
        return gone;
    }
    wait(stream, held).await
}

async fn wait(mut stream: impl AsyncRead + Unpin, held: &AtomicUsize) -> io::Result<()> {
    held.fetch_add(1, Ordering::SeqCst);
    let mut room = [0; 512];
    while stream.read(&mut room).await.is_ok_and(|read| read > 0) {}
    held.fetch_sub(1, Ordering::SeqCst);
    Ok(())
}
