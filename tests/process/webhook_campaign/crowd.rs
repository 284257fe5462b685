//! Many receivers behind one port, told apart by the path.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Healthy,
    /// Answers 500.
    Failing,
    /// Answers nothing.
    Hanging,
}

/// What was taken: once and again, and how long after it happened.
#[derive(Default)]
struct Taken {
    /// Receiver and group of an event → times it was answered 200.
    times: BTreeMap<(usize, String), usize>,
    delays: Vec<Duration>,
    hanging: Vec<TcpStream>,
}

pub struct Crowd {
    port: u16,
    kinds: Vec<Kind>,
    healed: AtomicBool,
    taken: Mutex<Taken>,
    came: Condvar,
}

pub struct Tally {
    pub events: usize,
    pub lost: usize,
    pub repeated: usize,
    pub healthy_p99: Duration,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            events,
            lost,
            repeated,
            healthy_p99,
        } = self;
        write!(
            f,
            "{events} events, {lost} lost, {repeated} repeated, healthy p99 {healthy_p99:?}"
        )
    }
}

impl Crowd {
    pub fn up(receivers: usize, kind: impl Fn(usize) -> Kind) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let crowd = Arc::new(Self {
            port: listener.local_addr().expect("bound").port(),
            kinds: (0..receivers).map(kind).collect(),
            healed: AtomicBool::new(false),
            taken: Mutex::default(),
            came: Condvar::new(),
        });
        let accepting = crowd.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let crowd = accepting.clone();
                // A program that is killed hangs up in the middle of anything.
                std::thread::spawn(move || crowd.serve(stream?));
            }
        });
        crowd
    }

    pub fn url(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}/{number}", self.port)
    }

    /// All behave well from here on; those that hang hang up.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
        self.taken.lock().expect("unpoisoned").hanging.clear();
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut writer = stream;
        loop {
            let Some((number, group, body)) = read(&mut reader)? else {
                return Ok(());
            };
            let kind = if self.healed.load(Ordering::Relaxed) {
                Kind::Healthy
            } else {
                self.kinds[number]
            };
            let status = match kind {
                Kind::Healthy => {
                    self.take(number, group, &body);
                    200
                }
                Kind::Failing => 500,
                Kind::Hanging => {
                    let mut taken = self.taken.lock().expect("unpoisoned");
                    if !self.healed.load(Ordering::Relaxed) {
                        taken.hanging.push(writer);
                    }
                    return Ok(());
                }
            };
            writer.write_all(format!("HTTP/1.1 {status} -\r\nContent-Length: 0\r\n\r\n").as_bytes())?;
        }
    }

    fn take(&self, number: usize, group: String, body: &[u8]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"); // allowed: the program's clock
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let at = body["createdAt"].as_str().expect("a time");
        let at = grantd::base::time::Timestamp::parse(at).expect("a time");
        let mut taken = self.taken.lock().expect("unpoisoned");
        *taken.times.entry((number, group)).or_default() += 1;
        if self.kinds[number] == Kind::Healthy {
            taken
                .delays
                .push(now.saturating_sub(Duration::from_millis(at.millis())));
        }
        self.came.notify_all();
    }

    /// Until as many came as happened, or it takes too long.
    pub fn wait_for(&self, expected: &BTreeSet<(usize, usize)>, most: Duration) {
        let taken = self.taken.lock().expect("unpoisoned");
        drop(
            self.came
                .wait_timeout_while(taken, most, |taken| taken.times.len() < expected.len()),
        );
    }

    pub fn tally(&self, expected: &BTreeSet<(usize, usize)>) -> Tally {
        let mut taken = self.taken.lock().expect("unpoisoned");
        taken.delays.sort_unstable();
        let last = taken.delays.len().saturating_sub(1);
        Tally {
            events: expected.len(),
            lost: expected.len().saturating_sub(taken.times.len()),
            repeated: taken.times.values().map(|times| times - 1).sum(),
            healthy_p99: taken.delays.get(last * 99 / 100).copied().unwrap_or_default(),
        }
    }
}

/// The receiver, the group of the event, and the body.
fn read(reader: &mut BufReader<TcpStream>) -> io::Result<Option<(usize, String, Vec<u8>)>> {
    let (mut number, mut group, mut length) = (None, String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(rest) = line.strip_prefix("POST /") {
            number = rest.split(' ').next().and_then(|text| text.parse().ok());
        }
        let line = line.trim_end().to_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("x-makepay-delivery-group-id: ") {
            value.clone_into(&mut group);
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let number = number.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Some((number, group, body)))
}
