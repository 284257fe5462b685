//! From an export, whose records are of different ages, to the records as they stood after its last commit, in order.
//!
//! An export is records in the order of their keys, then every commit made while they were read. What those wrote last
//! to each key is sorted, in memory up to a limit and then in files without a name, and merged into the records: so it
//! takes little memory however much was written meanwhile.

use crate::store::export::{Block, ExportReader, put_row, rows};
use crate::store::journal::frame::Frame;
use crate::store::{Key, Seq, Stored, Write};
use std::collections::BTreeMap;
use std::collections::btree_map::IntoIter;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write as _};
use std::path::Path;

/// Later writes kept in memory, about.
const MEMORY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// What a commit left under a key; `None`: nothing.
type Late = (Seq, Option<Stored>);

/// Calls `each` with every record as it stood after the export's last commit, in order; returns that commit.
pub fn records(
    export: &Path,
    memory_bytes_max: Option<usize>,
    mut each: impl FnMut(&Key, &Stored) -> Result<(), String>,
) -> Result<Seq, String> {
    let mut reader = ExportReader::open(export)?;
    // Opened before the first is read to its end: the store may remove the export's name meanwhile.
    let mut later = ExportReader::open(export)?;
    let dir = export.parent().unwrap_or(Path::new("."));
    let mut overlay = Overlay::new(dir, memory_bytes_max.unwrap_or(MEMORY_BYTES_MAX));
    let seq = loop {
        match later.block()? {
            Block::Records(_) => {}
            Block::Frame(bytes) => {
                let frame = Frame::read(&bytes, &later.id).ok_or("a frame in the export cannot be read")?;
                overlay.frame(&frame)?;
            }
            Block::End { seq } => break seq,
        }
    };
    let mut late = overlay.sorted().map_err(spilled)?;
    let mut next = late.next().map_err(spilled)?;
    while let Block::Records(rows) = reader.block()? {
        for (key, stored) in rows {
            while let Some((at, (_, left))) = next.take_if(|(at, _)| *at < key) {
                emit(&at, left.as_ref(), &mut each)?;
                next = late.next().map_err(spilled)?;
            }
            if let Some((at, (_, left))) = next.take_if(|(at, _)| *at == key) {
                emit(&at, left.as_ref(), &mut each)?;
                next = late.next().map_err(spilled)?;
            } else {
                each(&key, &stored)?;
            }
        }
    }
    while let Some((at, (_, left))) = next.take() {
        emit(&at, left.as_ref(), &mut each)?;
        next = late.next().map_err(spilled)?;
    }
    Ok(seq)
}

fn emit(
    key: &Key,
    left: Option<&Stored>,
    each: &mut impl FnMut(&Key, &Stored) -> Result<(), String>,
) -> Result<(), String> {
    left.map_or(Ok(()), |stored| each(key, stored))
}

fn spilled(e: io::Error) -> String {
    format!("what was written during the backup cannot be sorted on disk: {e}")
}

struct Overlay<'a> {
    dir: &'a Path,
    bytes_max: usize,
    bytes: usize,
    recent: BTreeMap<Key, Late>,
    runs: Vec<File>,
}

impl<'a> Overlay<'a> {
    fn new(dir: &'a Path, bytes_max: usize) -> Self {
        Self {
            dir,
            bytes_max,
            bytes: 0,
            recent: BTreeMap::new(),
            runs: Vec::new(),
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), String> {
        for (seq, writes) in (frame.first.0..).zip(frame.commits()?) {
            for write in writes {
                let (key, left) = left_by(write, Seq(seq));
                self.bytes += key.0.len() + left.as_ref().map_or(0, |stored| stored.value.len()) + 128;
                self.recent.insert(key, (Seq(seq), left));
            }
        }
        if self.bytes >= self.bytes_max {
            self.spill().map_err(spilled)?;
        }
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut file = BufWriter::new(tempfile::tempfile_in(self.dir)?);
        let mut row = Vec::new();
        for (key, (seq, left)) in std::mem::take(&mut self.recent) {
            row.clear();
            let gone = Stored {
                value: [].into(),
                version: seq,
                expires_at: None,
            };
            put_row(&mut row, &key, left.as_ref().unwrap_or(&gone));
            file.write_all(&(row.len() as u32).to_le_bytes())?;
            file.write_all(&[u8::from(left.is_some())])?;
            file.write_all(&row)?;
        }
        let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        self.runs.push(file);
        self.bytes = 0;
        Ok(())
    }

    fn sorted(self) -> io::Result<Sorted> {
        let mut runs = Vec::new();
        for file in self.runs {
            runs.push(Run::begin(Source::File(BufReader::new(file)))?);
        }
        runs.push(Run::begin(Source::Memory(self.recent.into_iter()))?);
        Ok(Sorted { runs })
    }
}

fn left_by(write: Write, seq: Seq) -> (Key, Option<Stored>) {
    match write {
        Write::Delete { key } => (key, None),
        Write::Put { key, value, expires_at } => {
            let stored = Stored {
                value: value.into(),
                version: seq,
                expires_at,
            };
            (key, Some(stored))
        }
    }
}

/// All runs as one, the newest write to a key alone.
struct Sorted {
    runs: Vec<Run>,
}

struct Run {
    source: Source,
    head: Option<(Key, Late)>,
}

enum Source {
    File(BufReader<File>),
    Memory(IntoIter<Key, Late>),
}

impl Sorted {
    fn next(&mut self) -> io::Result<Option<(Key, Late)>> {
        let smallest = self.runs.iter().filter_map(|run| Some(&run.head.as_ref()?.0)).min();
        let Some(key) = smallest.cloned() else { return Ok(None) };
        let mut newest: Option<Late> = None;
        for run in &mut self.runs {
            if run.head.as_ref().is_some_and(|(at, _)| *at == key) {
                // Later runs hold later commits.
                newest = run.take()?.map(|(_, late)| late);
            }
        }
        Ok(newest.map(|late| (key, late)))
    }
}

impl Run {
    fn begin(source: Source) -> io::Result<Self> {
        let mut run = Self { source, head: None };
        run.take()?;
        Ok(run)
    }

    /// The head; the next one takes its place.
    fn take(&mut self) -> io::Result<Option<(Key, Late)>> {
        let next = match &mut self.source {
            Source::Memory(entries) => entries.next(),
            Source::File(file) => read_entry(file)?,
        };
        Ok(std::mem::replace(&mut self.head, next))
    }
}

fn read_entry(file: &mut BufReader<File>) -> io::Result<Option<(Key, Late)>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut there = [0];
    file.read_exact(&mut there)?;
    let mut row = vec![0; u32::from_le_bytes(length) as usize];
    file.read_exact(&mut row)?;
    let entry = rows(&row).and_then(|mut rows| rows.pop());
    let (key, stored) = entry.ok_or(io::ErrorKind::InvalidData)?;
    let seq = stored.version;
    Ok(Some((key, (seq, (there == [1]).then_some(stored)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::export::ExportWriter;
    use crate::store::journal::frame::FrameBuilder;

    const ID: [u8; 16] = [7; 16];

    fn name(n: u64) -> Key {
        Key(format!("k{n:04}").into_bytes())
    }

    /// 100 records of commit 1, and 300 commits that put and delete some of them and others.
    fn export(dir: &Path) -> std::path::PathBuf {
        let mut out = ExportWriter::create(dir, &ID).expect("a file");
        let stored = |n: u64| Stored {
            value: [n as u8; 50].into(),
            version: Seq(1),
            expires_at: None,
        };
        let rows: Vec<_> = (0..100).map(|n| (name(3 * n), stored(n))).collect();
        out.records(&rows).expect("written");
        let mut frame = FrameBuilder::default();
        for seq in 2..302_u64 {
            frame.start(Seq(seq));
            let key = name(seq * 7 % 310);
            frame.push(&[if seq % 5 == 0 {
                Write::Delete { key }
            } else {
                let value = seq.to_be_bytes().to_vec();
                let expires_at = None;
                Write::Put { key, value, expires_at }
            }]);
            out.frame(frame.finish(&ID, &ID)).expect("written");
        }
        out.finish(Seq(301)).expect("whole").path
    }

    /// What a map holds after the same.
    fn expected() -> Vec<(Key, Seq)> {
        let mut map: BTreeMap<Key, Seq> = (0..100).map(|n| (name(3 * n), Seq(1))).collect();
        for seq in 2..302_u64 {
            let key = name(seq * 7 % 310);
            match seq % 5 {
                0 => map.remove(&key),
                _ => map.insert(key, Seq(seq)),
            };
        }
        map.into_iter().collect()
    }

    #[test]
    fn later_commits_are_merged_alike_in_memory_and_from_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = export(dir.path());
        for bytes_max in [None, Some(1), Some(2000)] {
            let mut found = Vec::new();
            let seq = records(&path, bytes_max, |key, stored| {
                found.push((key.clone(), stored.version));
                Ok(())
            });
            assert_eq!((seq, &found), (Ok(Seq(301)), &expected()), "{bytes_max:?}");
        }
        let left = std::fs::read_dir(dir.path()).expect("read").count();
        assert_eq!(left, 1, "the files had no name");
    }
}
