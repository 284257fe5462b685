//! Five times as many requests as the server can answer. It goes on answering nearly as many as it can, tells the rest
//! to come again later, and finds a place for every revocation. And a server that gets no more memory goes on, or ends
//! and loses nothing.

use crate::http::{Client, Http, post};
use crate::program::Running;
use crate::size;
use crate::tls::exchange;
use crate::world::{Acknowledged, Found, World, ready};
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::interval;

/// Places for requests, so few that the load fills them.
const IN_FLIGHT_MAX: usize = 32;
/// Twice as many keep the server as busy as it can be.
const AT_CAPACITY: usize = 2 * IN_FLIGHT_MAX;
const TIMES: usize = 5;
const ROUNDS: u32 = 3;
/// Those that revoke while the others ask for tokens, each this often.
const REVOKERS: usize = 2;
const REVOKE_EVERY: Duration = Duration::from_millis(100);

#[test]
fn overloaded_it_answers_as_many_as_it_can_and_every_revocation() {
    let seconds = Duration::from_secs(size(1));
    let world = World::make();
    let data = world.place.path("data");
    let limits = format!("[limits]\nrequests_in_flight_max = {IN_FLIGHT_MAX}\nconnections_per_peer_max = 2000\n");
    let config = format!("{}{limits}", crate::world::CONFIG);
    std::fs::write(data.join("grantd.toml"), config).expect("written");
    let (server, address) = world.serve(&data).expect("it starts");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let load = |clients, every| {
        let load = Load::new(&address, &world.app);
        runtime.block_on(load.run(clients, every, seconds))
    };
    // In turn, so that whatever else the machine does is in both.
    let (mut capacity, mut over) = (Came::default(), Came::default());
    for _ in 0..ROUNDS {
        let one = load(AT_CAPACITY, None);
        // Each client sends what is its share of five times that, however it is answered.
        let each = seconds.mul_f64(AT_CAPACITY as f64 / one.served as f64);
        capacity.add(one);
        over.add(load(AT_CAPACITY * TIMES, Some(each)));
    }
    let rate = |count: u64| count as f64 / (seconds * ROUNDS).as_secs_f64();
    println!(
        "overload: {:.0} requests/s sent to a server that answers {:.0}: {:.0} answered, {:.0} told to come again, \
         goodput {:.0} %",
        rate(over.served + over.refused),
        rate(capacity.served),
        rate(over.served),
        rate(over.refused),
        100.0 * over.served as f64 / capacity.served as f64,
    );
    println!(
        "overload: {} revocations, all answered, the slowest of a hundred in {:.0} ms",
        over.revoked.len(),
        over.slowest.as_secs_f64() * 1000.0
    );
    let mut http = Http::connect(&address).expect("connected");
    assert!(!over.revoked.is_empty() && over.served > 0, "nothing was measured");
    for token in &over.revoked {
        assert!(!http.active(&world.app, token).expect("answered"), "revoked is revoked");
    }
    let log = server.kill();
    assert!(!log.contains("panicked"), "{log}");
}

/// What one run of load came to.
#[derive(Default)]
struct Came {
    served: u64,
    refused: u64,
    revoked: Vec<String>,
    /// Of a hundred revocations.
    slowest: Duration,
}

impl Came {
    fn add(&mut self, other: Self) {
        self.served += other.served;
        self.refused += other.refused;
        self.revoked.extend(other.revoked);
        self.slowest = self.slowest.max(other.slowest);
    }
}

struct Load {
    address: String,
    app: Client,
    served: AtomicU64,
    refused: AtomicU64,
    over: AtomicBool,
}

impl Load {
    fn new(address: &str, app: &Client) -> Arc<Self> {
        Arc::new(Self {
            address: address.to_owned(),
            app: app.clone(),
            served: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            over: AtomicBool::new(false),
        })
    }

    async fn run(self: Arc<Self>, clients: usize, every: Option<Duration>, length: Duration) -> Came {
        let mut tokens = Vec::new();
        let mut http = Http::connect(&self.address).expect("connected");
        for _ in 0..REVOKERS {
            let more = (0..length.as_millis() / REVOKE_EVERY.as_millis()).map(|_| http.mint(&self.app));
            tokens.push(more.collect::<io::Result<Vec<_>>>().expect("minted"));
        }
        let revoking: Vec<_> = tokens
            .into_iter()
            .map(|tokens| tokio::spawn(self.clone().revoke(tokens)))
            .collect();
        let asking: Vec<_> = (0..clients).map(|_| tokio::spawn(self.clone().ask(every))).collect();
        tokio::time::sleep(length).await; // allowed: how long the load lasts is what the campaign says
        let (served, refused) = (self.served.load(Ordering::SeqCst), self.refused.load(Ordering::SeqCst));
        self.over.store(true, Ordering::SeqCst);
        for client in asking {
            client.await.expect("no panic").expect("everybody is answered");
        }
        let (mut revoked, mut took) = (Vec::new(), Vec::new());
        for revoker in revoking {
            for (token, time) in revoker.await.expect("no panic").expect("everybody is answered") {
                revoked.push(token);
                took.push(time);
            }
        }
        took.sort();
        let slowest = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
        Came {
            served,
            refused,
            revoked,
            slowest,
        }
    }

    /// Asks for tokens until it is over, at its pace or as fast as they are answered.
    async fn ask(self: Arc<Self>, every: Option<Duration>) -> io::Result<()> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let request = post("/oauth/token", &self.app, "grant_type=client_credentials", "");
        let mut pace = every.map(interval);
        while !self.over.load(Ordering::SeqCst) {
            if let Some(pace) = &mut pace {
                pace.tick().await;
            }
            let answer = exchange(&mut stream, &request).await?;
            match answer.status {
                200 => self.served.fetch_add(1, Ordering::SeqCst),
                503 if answer.head.contains("\r\nretry-after: ") => self.refused.fetch_add(1, Ordering::SeqCst),
                _ => panic!("{answer:?}"),
            };
        }
        Ok(())
    }

    /// Never told to come again.
    async fn revoke(self: Arc<Self>, tokens: Vec<String>) -> io::Result<Vec<(String, Duration)>> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let mut pace = interval(REVOKE_EVERY);
        let mut done = Vec::new();
        for token in tokens {
            pace.tick().await;
            let asked = Instant::now(); // allowed: the figure of the campaign; nothing is judged by it here
            let request = post("/oauth/revoke", &self.app, &format!("token={token}"), "");
            let answer = exchange(&mut stream, &request).await?;
            assert_eq!(answer.status, 200, "a revocation found no place: {answer:?}");
            done.push((token, asked.elapsed()));
        }
        Ok(done)
    }
}

/// The most address space that a server may have, in hundredths of what an idle one has.
const SHARES: [u64; 6] = [10, 40, 70, 100, 150, 400];
const BODIES: usize = 1000;

#[test]
fn a_server_without_memory_goes_on_or_ends_and_loses_nothing() {
    let rounds = size(1);
    let world = World::make();
    let data = world.place.path("data");
    let (server, _) = world.serve(&data).expect("it starts");
    let idle_kib = size_kib(server.id());
    server.kill();
    let (mut unstarted, mut ended, mut went_on) = (0, 0, 0);
    for share in (0..rounds).flat_map(|_| SHARES) {
        let mut done = Acknowledged::default();
        match bounded(&world, idle_kib * share / 100 * 1024) {
            Err(_) => unstarted += 1,
            Ok((mut server, address)) => {
                revoke_in_a_crowd(&world, &address, &mut done);
                if server.ended_soon().is_some() {
                    ended += 1;
                } else {
                    // One that goes on does so whole: what it was denied is not missed later.
                    let mut http = Http::connect(&address).expect("connected");
                    let token = http.mint(&world.app).expect("served again");
                    http.revoke(&world.app, &token).expect("revoked");
                    done.revoked.push(token);
                    went_on += 1;
                }
                server.kill();
            }
        }
        match world.judge_with(&data, &done) {
            Found::Whole(_) => {}
            other => panic!("{share} % of {idle_kib} KiB: {other:?}"),
        }
    }
    println!(
        "memory: {} bounds of {} to {} % of {idle_kib} KiB of address space: {unstarted} could not start, {ended} \
         ended, {went_on} went on; started again without them, nothing was lost",
        unstarted + ended + went_on,
        SHARES[0],
        SHARES[SHARES.len() - 1],
    );
}

fn bounded(world: &World, bytes: u64) -> Result<(Running, String), String> {
    let data = world.place.path("data").display().to_string();
    let program = world.place.command(&["serve", "--data", &data]);
    let mut command = Command::new("prlimit");
    command.arg(format!("--as={bytes}")).arg(program.get_program());
    command
        .args(program.get_args())
        .env_clear()
        .current_dir(world.place.path("work"));
    ready(Running::start(command))
}

/// Tokens are revoked while many connections have most of a large body each, which the server has to keep. Whatever is
/// answered, or not.
fn revoke_in_a_crowd(world: &World, address: &str, done: &mut Acknowledged) {
    let form = "x".repeat(60 * 1024);
    let request = post("/oauth/token", &world.app, &form, "");
    let (most, _) = request.split_at(request.len() - 1);
    let mut crowd = Vec::new();
    for n in 0..BODIES {
        let joined = || {
            let mut http = Http::connect(address)?;
            http.send(most)?;
            io::Result::Ok(http)
        };
        // It may have ended.
        let Ok(http) = joined() else { break };
        crowd.push(http);
        if n % 20 == 0
            && let Ok(token) = revoked(world, address, done)
        {
            done.revoked.push(token);
        }
    }
}

fn revoked(world: &World, address: &str, done: &mut Acknowledged) -> io::Result<String> {
    let mut http = Http::connect(address)?;
    let answer = http.post("/oauth/token", &world.app, "grant_type=client_credentials")?;
    let token = answer.json()["access_token"].as_str().map(str::to_owned);
    let token = token.ok_or(io::ErrorKind::Other)?;
    done.attempted.push(token.clone());
    let answer = http.post("/oauth/revoke", &world.app, &format!("token={token}"))?;
    if answer.status != 200 {
        return Err(io::ErrorKind::Other.into());
    }
    Ok(token)
}

fn size_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|text| text.parse().ok()).expect("a number")
}
