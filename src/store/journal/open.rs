//! Reading the journal at start: every frame is checked, a wrong bit is put right, a torn end is cut off, anything else
//! is refused.

use super::frame::{self, Frame, Hash, Id};
use super::mend;
use super::segment::{self, Segments};
use super::{Journal, disk};
use crate::store::Seq;
use crate::store::disk::Disk;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What reading one segment found.
struct Read {
    /// Where the valid frames end.
    end: u64,
    next: Seq,
    previous: Hash,
    /// Something other than zeros stands behind the last valid frame.
    dirty: bool,
}

impl Journal {
    /// Opens the journal in `dir`, or begins one with `fresh_id`. `closed`: whoever wrote it last ended in order, so no
    /// write was interrupted. The sentences say what was repaired; the error is a sentence too.
    pub fn open(
        dir: &Path,
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        fresh_id: Id,
        closed: bool,
    ) -> Result<(Self, Vec<String>), String> {
        let explain = |e: io::Error| format!("the journal in {} cannot be read: {e}", dir.display());
        fs::create_dir_all(dir).map_err(explain)?;
        let mut report = Vec::new();
        let mut files = list(dir).map_err(explain)?;
        drop_unborn(&mut files, &mut report)?;
        if files.is_empty() {
            return Self::begin(dir, disk, segment_bytes, fresh_id, Seq(0))
                .map(|journal| (journal, report))
                .map_err(explain);
        }
        let mut chain: Option<(Id, Seq, Hash)> = None;
        let mut segments = None;
        let mut tail = None;
        for (at, path) in files.iter().enumerate() {
            let newest = at + 1 == files.len();
            let file = OpenOptions::new().read(true).write(true).open(path).map_err(explain)?;
            let header = read_header(&file).map_err(explain)?.ok_or_else(|| damaged(path, 0))?;
            check_link(chain.as_ref(), &header, path)?;
            let segments = segments.get_or_insert_with(|| Segments::new(header.id));
            segments.push(header.first, path.clone());
            let read = read_segment(&file, path, &header, segments, &mut report).map_err(explain)?;
            if newest && read.dirty {
                let torn = torn(&file, path, &read, &header.id, closed)?;
                report.push(torn);
                file.set_len(read.end).map_err(explain)?;
                disk.allocate(&file, segment_bytes.max(read.end)).map_err(explain)?;
                file.sync_all().map_err(explain)?;
            }
            chain = Some((header.id, read.next, read.previous));
            tail = Some((file, read.end));
        }
        let ((id, next, previous), (active, offset)) = chain.zip(tail).expect("there is at least one segment");
        // Frames a crashed process wrote but did not sync are about to be served.
        active.sync_all().map_err(explain)?;
        let journal = Self {
            dir: dir.to_owned(),
            disk,
            id,
            segment_bytes,
            segments: Arc::new(segments.expect("there is at least one segment")),
            offset,
            room: active.metadata().map_err(explain)?.len(),
            active,
            spare: None,
            next,
            previous,
            begun: false,
        };
        Ok((journal, report))
    }

    /// A new journal, whose first commit follows `last`.
    pub fn begin(dir: &Path, disk: Arc<dyn Disk>, segment_bytes: u64, id: Id, last: Seq) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let first = Seq(last.0 + 1);
        let path = dir.join(segment::file_name(first));
        let active = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        disk.allocate(&active, segment_bytes)?;
        // A random beginning of the chain: frames of another journal never fit this one.
        disk.write_at(&active, &segment::header(&id, first, &id), 0)?;
        active.sync_all()?;
        disk::sync_dir(dir)?;
        let segments = Arc::new(Segments::new(id));
        segments.push(first, path);
        Ok(Self {
            dir: dir.to_owned(),
            disk,
            id,
            segment_bytes,
            segments,
            active,
            offset: segment::HEADER_BYTES as u64,
            room: segment_bytes,
            spare: None,
            next: first,
            previous: id,
            begun: true,
        })
    }
}

/// The segments, oldest first. Those that were still in the making are removed.
fn list(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "journal") {
            files.push(path);
        } else if path.extension().is_some_and(|e| e == "spare") {
            fs::remove_file(path)?;
        }
    }
    files.sort();
    Ok(files)
}

fn read_header(file: &File) -> io::Result<Option<segment::Header>> {
    let mut bytes = [0; segment::HEADER_BYTES];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(segment::parse_header(&bytes)),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

/// A segment must go on where the one before it ended.
fn check_link(chain: Option<&(Id, Seq, Hash)>, header: &segment::Header, path: &Path) -> Result<(), String> {
    match chain {
        Some((_, next, _)) if header.first != *next => Err(gap(path, *next, header.first)),
        Some((id, _, previous)) if (header.id, header.previous) != (*id, *previous) => Err(damaged(path, 0)),
        _ => Ok(()),
    }
}

/// Removes a newest segment whose making was interrupted: its header is not there yet, so no frame can be.
fn drop_unborn(files: &mut Vec<PathBuf>, report: &mut Vec<String>) -> Result<(), String> {
    let Some(path) = files.last() else { return Ok(()) };
    let explain = |e: io::Error| format!("{} cannot be read: {e}", path.display());
    let file = File::open(path).map_err(explain)?;
    if read_header(&file).map_err(explain)?.is_some() {
        return Ok(());
    }
    if !zeros_from(&file, segment::HEADER_BYTES as u64).map_err(explain)? {
        return Err(damaged(path, 0));
    }
    fs::remove_file(path).map_err(explain)?;
    report.push(format!(
        "{} was begun but never used, and has been removed.",
        path.display()
    ));
    files.pop();
    Ok(())
}

fn read_segment(
    file: &File,
    path: &Path,
    header: &segment::Header,
    segments: &Segments,
    report: &mut Vec<String>,
) -> io::Result<Read> {
    let mut read = Read {
        end: segment::HEADER_BYTES as u64,
        next: header.first,
        previous: header.previous,
        dirty: false,
    };
    let mut bytes = Vec::new();
    loop {
        segment::read_frame(file, read.end, &mut bytes)?;
        let frame = Frame::read(&bytes, &header.id);
        let Some(frame) = frame.filter(|frame| read.is_followed_by(frame)) else {
            if read.mend(file, path, &header.id, report)? {
                continue;
            }
            break;
        };
        segments.wrote(frame.first, read.end, bytes.len());
        read.next = Seq(frame.last().0 + 1);
        read.previous = frame::hash(&bytes);
        read.end += bytes.len() as u64;
    }
    read.dirty = !zeros_from(file, read.end)?;
    Ok(read)
}

impl Read {
    fn is_followed_by(&self, frame: &Frame<'_>) -> bool {
        frame.first == self.next && frame.previous == self.previous
    }

    /// Whether one bit of the frame that should stand here was wrong; now it is right.
    fn mend(&self, file: &File, path: &Path, id: &Id, report: &mut Vec<String>) -> io::Result<bool> {
        let mut bytes = Vec::new();
        let mut from_here = file;
        from_here.seek(SeekFrom::Start(self.end))?;
        from_here.take(mend::FRAME_BYTES_MAX as u64).read_to_end(&mut bytes)?;
        let mended = mend::mended(&bytes, id).filter(|(_, mended)| {
            let frame = Frame::read(mended, id);
            frame.is_some_and(|frame| self.is_followed_by(&frame))
        });
        let Some((byte, mended)) = mended else { return Ok(false) };
        let at = self.end + byte as u64;
        file.write_all_at(&mended[byte..=byte], at)?;
        file.sync_all()?;
        report.push(format!(
            "One bit of byte {at} of {} was wrong, and has been put right: look after this machine's disk and memory.",
            path.display()
        ));
        Ok(true)
    }
}

fn zeros_from(file: &File, mut offset: u64) -> io::Result<bool> {
    let mut block = vec![0; 64 * 1024];
    loop {
        let read = file.read_at(&mut block, offset)?;
        if read == 0 {
            return Ok(true);
        }
        if block[..read].iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        offset += read as u64;
    }
}

/// What is to be cut off, as a sentence: a torn frame at the journal's end. Refuses when a whole frame lies behind it,
/// or when nothing can have been torn.
fn torn(file: &File, path: &Path, read: &Read, id: &Id, closed: bool) -> Result<String, String> {
    let explain = |e: io::Error| format!("{} cannot be repaired: {e}", path.display());
    let length = file.metadata().map_err(explain)?.len();
    let mut rest = vec![0; usize::try_from(length - read.end).map_err(|_| damaged(path, read.end))?];
    file.read_exact_at(&mut rest, read.end).map_err(explain)?;
    let whole = |at: usize| rest[at..].starts_with(&frame::MAGIC) && Frame::read(&rest[at..], id).is_some();
    if (0..rest.len()).any(whole) {
        return Err(damaged(path, read.end));
    }
    let begun = rest.iter().take(frame::HEADER_BYTES).any(|byte| *byte != 0);
    if closed && begun {
        return Err(damaged_end(path, read.end));
    }
    let torn = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    Ok(format!(
        "The journal ended in {torn} bytes of a commit that was interrupted and never confirmed; they were cut off \
         (after commit {}).",
        read.next.0 - 1
    ))
}

fn damaged(path: &Path, offset: u64) -> String {
    format!(
        "the journal is damaged at byte {offset} of {}, with commits behind the damage; nothing was changed. \
         Restore a backup, or keep a copy of the whole directory and ask for help",
        path.display()
    )
}

fn damaged_end(path: &Path, offset: u64) -> String {
    format!(
        "the journal is damaged at byte {offset} of {}, in its last commits: it was closed in order, so no write was \
         interrupted; nothing was changed. Restore a backup, or keep a copy of the directory and ask for help",
        path.display()
    )
}

fn gap(path: &Path, expected: Seq, found: Seq) -> String {
    format!(
        "the journal is damaged: commit {} should follow, but {} begins with {}; nothing was changed. \
         Put the missing file back, or restore a backup",
        expected.0,
        path.display(),
        found.0
    )
}
