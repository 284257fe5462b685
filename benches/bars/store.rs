//! Durable commits per second, against the two things a commit cannot do without: the same bytes appended to a file
//! with one sync a group, and the same records put into sled in the same groups with no flush at all. The two run
//! side by side in the store, so the slower of them is the limit. The groups are as large as those the store formed in
//! the same round. Beside it stands what appends alone would reach in the largest groups there can be, with every
//! writer in each: nothing could tell that all have asked again without waiting for them, so it is no bar.

use crate::{Report, median};
use grantd::base::random::SystemRandom;
use grantd::base::random::bytes;
use grantd::base::time::Stopwatch;
use grantd::store::disk::{Disk as _, SystemDisk};
use grantd::store::journal::frame::FrameBuilder;
use grantd::store::sled::{SledOptions, SledStore};
use grantd::store::{Batch, Check, Key, Outcome, Seq, Store as _, Write};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const WRITERS: [usize; 2] = [64, 256];
const ROUNDS: usize = 15;
const SLICE: Duration = Duration::from_secs(1);
const RATIO_MIN: f64 = 0.7;
/// Records there are; each writer rewrites its own ones in turn, as refresh rotation does.
const RECORDS_COUNT: usize = 16 * 1024;
/// A family of refresh tokens, encoded.
const VALUE_BYTES: usize = 350;
const KEY_BYTES: usize = 40;
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

pub fn run() -> Result<Report, String> {
    let reports = WRITERS.map(measure);
    Ok(Report::join(reports.into_iter().collect::<Result<Vec<_>, _>>()?))
}

fn measure(writers: usize) -> Result<Report, String> {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let mut ours = Ours::new(&scratch.path().join("store"), writers)?;
    let mut appends = Appends::new(&scratch.path().join("appends"), writers)?;
    let mut tree = Tree::new(&scratch.path().join("tree"), writers)?;
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let (rate, group) = ours.slice()?;
        let rates = [
            rate,
            appends.slice(group)?,
            tree.slice(group)?,
            appends.slice(writers)?,
            group as f64,
        ];
        // The first one warms up.
        if round > 0 {
            rounds.push(rates);
        }
    }
    let ratio = median(rounds.iter().map(|[ours, appends, tree, ..]| ours / appends.min(*tree)));
    let [ours_s, appends_s, tree_s, largest_s, group] =
        std::array::from_fn(|i| median(rounds.iter().map(|rates| rates[i])));
    let text = format!(
        "store writers={writers} ratio={ratio:.2} (grantd {ours_s:.0}/s in groups of {group:.0}, \
         appends {appends_s:.0}/s, sled {tree_s:.0}/s, runs {ROUNDS}; \
         appends in groups of {writers} {largest_s:.0}/s)"
    );
    Ok(Report::line(text, &format!(">= {RATIO_MIN:.2}"), ratio >= RATIO_MIN))
}

/// Made beforehand: making them is no part of what is measured.
static RECORDS: LazyLock<Vec<Write>> = LazyLock::new(|| (0..RECORDS_COUNT).map(record).collect());

fn record(number: usize) -> Write {
    let mut key = format!("f849/{number:08}/").into_bytes();
    key.resize(KEY_BYTES, b'k');
    let mut value = vec![b'v'; VALUE_BYTES];
    value[..64].copy_from_slice(&bytes::<64>(&SystemRandom));
    Write::Put {
        key: Key(key),
        value,
        expires_at: None,
    }
}

/// Calls `group`, which does so many commits, for a slice; commits per second.
fn repeat(commits: usize, mut group: impl FnMut() -> Result<(), String>) -> Result<f64, String> {
    let watch = Stopwatch::start();
    let mut done = 0;
    while watch.elapsed() < SLICE {
        group()?;
        done += commits;
    }
    Ok(done as f64 / watch.elapsed().as_secs_f64())
}

/// The numbers of the next group's records.
struct Turns {
    next: usize,
    writers: usize,
}

impl Turns {
    fn group(&mut self, commits: usize) -> impl Iterator<Item = usize> + use<> {
        let (first, writers) = (self.next, self.writers);
        self.next += commits;
        let each = RECORDS_COUNT / writers;
        (first..self.next).map(move |turn| turn % writers * each + turn / writers % each)
    }
}

struct Ours {
    runtime: Runtime,
    store: Arc<SledStore>,
    /// One list of records per writer.
    versions: Vec<Vec<Seq>>,
}

impl Ours {
    fn new(dir: &Path, writers: usize) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|e| e.to_string())?;
        let (store, _) = SledStore::open(dir, SledOptions::default()).map_err(|e| e.to_string())?;
        let mut ours = Self {
            runtime,
            store: Arc::new(store),
            versions: vec![vec![Seq(0); RECORDS_COUNT / writers]; writers],
        };
        let once = move |_: &Stopwatch, turn: usize| turn < RECORDS_COUNT / writers;
        ours.all(once)?;
        Ok(ours)
    }

    /// Every writer commits one record after the other while `go_on` says so; commits per second.
    fn all(&mut self, go_on: impl Fn(&Stopwatch, usize) -> bool + Copy + Send + 'static) -> Result<f64, String> {
        let watch = Stopwatch::start();
        let mut done = 0;
        let versions = std::mem::take(&mut self.versions);
        let store = &self.store;
        let finished: Result<Vec<_>, String> = self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for (writer, own) in versions.into_iter().enumerate() {
                tasks.spawn(write(store.clone(), writer, own, go_on));
            }
            tasks.join_all().await.into_iter().collect()
        });
        let mut finished = finished?;
        finished.sort_by_key(|(writer, ..)| *writer);
        for (_, own, commits) in finished {
            self.versions.push(own);
            done += commits;
        }
        Ok(done as f64 / watch.elapsed().as_secs_f64())
    }

    /// Commits per second, and how many formed a group.
    fn slice(&mut self) -> Result<(f64, usize), String> {
        let before = self.store.stats();
        let rate = self.all(|watch, _| watch.elapsed() < SLICE)?;
        let after = self.store.stats();
        let group = (after.commits - before.commits).div_ceil((after.groups - before.groups).max(1));
        Ok((rate, usize::try_from(group).map_err(|e| e.to_string())?))
    }
}

async fn write(
    store: Arc<SledStore>,
    writer: usize,
    mut own: Vec<Seq>,
    go_on: impl Fn(&Stopwatch, usize) -> bool,
) -> Result<(usize, Vec<Seq>, usize), String> {
    let watch = Stopwatch::start();
    let mut turn = 0;
    while go_on(&watch, turn) {
        let (count, at) = (own.len(), turn % own.len());
        let write = RECORDS[writer * count + at].clone();
        let Write::Put { key, .. } = &write else { continue };
        let check = match own[at] {
            Seq(0) => Check::Absent(key.clone()),
            version => Check::Unchanged(key.clone(), version),
        };
        let batch = Batch {
            checks: vec![check],
            writes: vec![write],
            ..Batch::default()
        };
        match store.commit(batch).await {
            Ok(Outcome::Committed(version)) => own[at] = version,
            other => return Err(format!("a commit was answered with {other:?}")),
        }
        turn += 1;
    }
    Ok((writer, own, turn))
}

/// One frame a group, appended and synced as the journal does it.
struct Appends {
    path: std::path::PathBuf,
    file: File,
    offset: u64,
    turns: Turns,
    builder: FrameBuilder,
}

impl Appends {
    fn new(path: &Path, writers: usize) -> Result<Self, String> {
        Ok(Self {
            path: path.to_owned(),
            file: segment(path)?,
            offset: 0,
            turns: Turns { next: 0, writers },
            builder: FrameBuilder::default(),
        })
    }

    fn slice(&mut self, group: usize) -> Result<f64, String> {
        repeat(group, || {
            self.builder.start(Seq(1));
            self.turns
                .group(group)
                .for_each(|number| self.builder.push(std::slice::from_ref(&RECORDS[number])));
            let frame = self.builder.finish(&[0; 16], &[0; 16]);
            if self.offset + frame.len() as u64 > SEGMENT_BYTES {
                std::fs::remove_file(&self.path).map_err(|e| e.to_string())?;
                self.file = segment(&self.path)?;
                self.offset = 0;
            }
            let written = SystemDisk.write_at(&self.file, frame, self.offset);
            self.offset += frame.len() as u64;
            written
                .and_then(|()| SystemDisk.sync(&self.file))
                .map_err(|e| e.to_string())
        })
    }
}

/// Preallocated, as the journal's segments are.
fn segment(path: &Path) -> Result<File, String> {
    let file = File::create(path).map_err(|e| e.to_string())?;
    SystemDisk.allocate(&file, SEGMENT_BYTES).map_err(|e| e.to_string())?;
    file.sync_all().map_err(|e| e.to_string())?;
    Ok(file)
}

struct Tree {
    tree: sled::Db,
    turns: Turns,
}

impl Tree {
    fn new(dir: &Path, writers: usize) -> Result<Self, String> {
        let cache_bytes = SledOptions::default().cache_bytes;
        let config = sled::Config::default()
            .path(dir)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        let mut tree = Self {
            tree: config.open().map_err(|e| e.to_string())?,
            turns: Turns { next: 0, writers },
        };
        for _ in 0..RECORDS_COUNT / writers {
            tree.group(writers)?;
        }
        Ok(tree)
    }

    fn group(&mut self, commits: usize) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        let first = self.turns.next as u64;
        for (version, number) in (first..).zip(self.turns.group(commits)) {
            let Write::Put { key, value, .. } = &RECORDS[number] else {
                continue;
            };
            // What the store adds: a byte before the key, version and expiry before the value. The version differs each
            // time, for sled does nothing where the value stays the same.
            let header = [version.to_le_bytes(), [0xff; 8]].concat();
            batch.insert([b"r", key.0.as_slice()].concat(), [header.as_slice(), value].concat());
        }
        let last = self.turns.next as u64;
        batch.insert(b"a", [first.to_le_bytes(), last.to_le_bytes()].concat());
        self.tree.apply_batch(batch).map_err(|e| e.to_string())
    }

    fn slice(&mut self, group: usize) -> Result<f64, String> {
        repeat(group, || self.group(group))
    }
}
