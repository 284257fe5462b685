//! The local socket: one JSON line in, one JSON line out. Who may open the file may administer (mode 0600).

use super::{Command, execute};
use crate::context::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::task::JoinSet;

/// Longer than any command: an app with every field at its limit.
const LINE_BYTES_MAX: u64 = 256 * 1024;
/// How long a command waits for a server that may hang.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The same, while the server reads all there is.
const ALL_READ_MAX: Duration = Duration::from_secs(60 * 60);
const READ_S_MAX: u64 = 10;
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Ok(Value),
    Error(String),
}

pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}

/// Binds before anything is answered; a file left by a process that was killed is replaced.
///
/// Made in a directory that only its owner can enter, and moved into place with its final mode: nobody else can connect
/// in between, whatever the umask and the data directory's mode are.
///
/// Call only while holding the store's lock: it is what proves that no other server owns the socket.
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    let private = tempfile::Builder::new().prefix(".control-").tempdir_in(data_dir)?;
    let made = private.path().join("socket");
    let listener = UnixListener::bind(Short::of(&made)?.path())?;
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&made, path(data_dir))?;
    Ok(listener)
}

/// Answers until dropped.
pub async fn serve(ctx: Arc<Context>, listener: UnixListener) {
    // Ended together with this.
    let mut answering = JoinSet::new();
    loop {
        while answering.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let ctx = ctx.clone();
                answering.spawn(async move {
                    if let Err(error) = answer(&ctx, stream).await {
                        log::warn!("the control socket: {error}");
                    }
                });
            }
            Err(error) => {
                log::warn!("the control socket cannot accept: {error}");
                tokio::time::sleep(PAUSE).await; // allowed: out of descriptors, and no event tells when one is free
            }
        }
    }
}

async fn answer(ctx: &Context, stream: tokio::net::UnixStream) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = tokio::io::BufReader::new(read.take(LINE_BYTES_MAX));
    tokio::time::timeout(Duration::from_secs(READ_S_MAX), reader.read_line(&mut line)).await??;
    let answer = match serde_json::from_str::<Command>(&line) {
        Ok(command) => match execute(ctx, command).await {
            Ok(value) => Answer::Ok(value),
            Err(error) => Answer::Error(error),
        },
        Err(error) => Answer::Error(format!(
            "the server does not know this command (is it another version?): {error}"
        )),
    };
    let mut text = serde_json::to_vec(&answer)?;
    text.push(b'\n');
    write.write_all(&text).await
}

/// Asks the running server; `None` when none runs on this data directory.
pub fn ask(data_dir: &Path, command: &Command) -> Option<Result<Value, String>> {
    let stream = connect(data_dir).ok()?;
    Some(converse(stream, command).unwrap_or_else(|e| Err(format!("the running server did not answer: {e}"))))
}

fn converse(mut stream: UnixStream, command: &Command) -> io::Result<Result<Value, String>> {
    let patience = match command {
        Command::BackupBegin | Command::AuditVerify { .. } => ALL_READ_MAX,
        _ => ANSWER_MAX,
    };
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(ANSWER_MAX))?;
    let mut text = serde_json::to_vec(command)?;
    text.push(b'\n');
    stream.write_all(&text)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(match serde_json::from_str(&line)? {
        Answer::Ok(value) => Ok(value),
        Answer::Error(error) => Err(error),
    })
}

/// Whether a server answers on this data directory.
pub fn running(data_dir: &Path) -> bool {
    connect(data_dir).is_ok()
}

fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(Short::of(&path(data_dir))?.path())
}

/// The address of a socket has room for 107 bytes. A longer path is named through its open directory.
struct Short {
    path: PathBuf,
    _directory: Option<File>,
}

impl Short {
    const BYTES_MAX: usize = 100;

    fn of(path: &Path) -> io::Result<Self> {
        let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if path.as_os_str().len() <= Self::BYTES_MAX {
            return Ok(Self {
                path: path.to_owned(),
                _directory: None,
            });
        }
        let directory = File::open(directory)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", directory.as_raw_fd())).join(name);
        Ok(Self {
            path,
            _directory: Some(directory),
        })
    }

    fn path(&self) -> &Path {
        &self.path
    }
}
