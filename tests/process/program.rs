//! The real program as a child process, never left behind.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Far more than anything here takes; a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of its own: working directory, temporary directory and data directory (`data`, not made yet).
pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary directory"));
        std::fs::create_dir(place.path("tmp")).expect("a directory for the child's temporary files");
        std::fs::create_dir(place.path("work")).expect("an empty working directory");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with these arguments, in an empty directory and with nothing of this process's environment.
    pub fn command(&self, args: &[&str]) -> Command {
        // Another build of it, where a campaign is to test that one.
        let program = std::env::var_os("GRANTD").unwrap_or_else(|| env!("CARGO_BIN_EXE_grantd").into());
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("TMPDIR", self.path("tmp"))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .current_dir(self.path("work"));
        command
    }

    /// Runs to the end, with nothing on standard input.
    pub fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    pub fn run_with(&self, args: &[&str], stdin: &str) -> Done {
        self.run_command(self.command(args), stdin)
    }

    /// With more said of how it runs.
    pub fn run_command(&self, mut command: Command, stdin: &str) -> Done {
        let args: Vec<String> = command
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // A program that reads nothing may be gone already.
        let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
        Done::of(&args, child.wait_with_output().expect("the program ends"))
    }

    /// One on the data directory of this place.
    pub fn grantd(&self, args: &[&str]) -> Done {
        self.grantd_with(args, "")
    }

    pub fn grantd_with(&self, args: &[&str], stdin: &str) -> Done {
        let data = self.path("data").display().to_string();
        let mut all = vec!["--data", data.as_str()];
        all.extend(args);
        self.run_with(&all, stdin)
    }

    /// The answer of a command that must succeed.
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(args);
        self.grantd(&all).json()
    }

    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Done {
    #[allow(dead_code, reason = "failed assertions print it")]
    pub args: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    fn of(args: &[String], output: Output) -> Self {
        Self {
            args: args.join(" "),
            status: output.status,
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    pub fn ok(self) -> Self {
        assert!(self.status.success(), "{self:?}");
        self
    }

    /// Exactly one line of JSON.
    pub fn json(self) -> Value {
        let done = self.ok();
        assert_eq!(done.stdout.matches('\n').count(), 1, "one line: {done:?}");
        serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {done:?}"))
    }

    /// The sentence of a run that must fail with this code and print nothing else.
    pub fn refused(&self, code: i32) -> String {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        assert!(!self.stderr.contains("panic"), "{self:?}");
        self.stderr.trim_end().to_owned()
    }
}

/// Lines of standard error as they come.
#[derive(Default)]
struct Log {
    text: Mutex<(String, bool)>,
    grown: Condvar,
}

/// A server; killed when dropped, also by a panic.
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let stderr = child.stderr.take().expect("piped");
        let log = Arc::new(Log::default());
        let reader = std::thread::spawn({
            let log = log.clone();
            move || follow(stderr, &log)
        });
        Self {
            child,
            stdout,
            log,
            reader: Some(reader),
        }
    }

    /// The next line of standard output.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("standard output");
        assert!(line.ends_with('\n'), "the program said {line:?} and {}", self.log());
        line
    }

    /// Standard output up to `end` and no further.
    pub fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            text.push_str(&self.line());
        }
        text
    }

    pub fn json_line(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("a line of JSON")
    }

    /// All of standard error so far.
    pub fn log(&self) -> String {
        self.log.text.lock().expect("no panic").0.clone()
    }

    /// Waits for a line of standard error with `part` in it; what follows `part` on that line.
    pub fn wait_for(&self, part: &str) -> String {
        self.said(part)
            .unwrap_or_else(|| panic!("no {part:?} in {:?}", self.log()))
    }

    /// The same, or `None` where the program ended without saying it.
    pub fn said(&self, part: &str) -> Option<String> {
        let found = |log: &str| {
            let (_, rest) = log.split_once(part)?;
            Some(rest.split_once('\n')?.0.to_owned())
        };
        let locked = self.log.text.lock().expect("no panic");
        let waiting = self
            .log
            .grown
            .wait_timeout_while(locked, PATIENCE, |(text, ended)| found(text).is_none() && !*ended);
        let (locked, _) = waiting.expect("no panic");
        found(&locked.0)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }

    /// SIGKILL, and everything it said.
    pub fn kill(mut self) -> String {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
        self.reader.take().expect("once").join().expect("no panic");
        self.log()
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child")
    }

    /// How it ended, if its standard error is closed already or is closed within a second.
    #[allow(
        dead_code,
        reason = "shared with the campaign, which waits for ends nobody asked for"
    )]
    pub fn ended_soon(&mut self) -> Option<ExitStatus> {
        let locked = self.log.text.lock().expect("no panic");
        let wait = Duration::from_secs(1);
        let waited = self.log.grown.wait_timeout_while(locked, wait, |(_, ended)| !*ended);
        let closed = waited.expect("no panic").0.1;
        closed.then(|| self.child.wait().expect("a child"))
    }

    /// Waits for the end it was told to come to.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                self.reader.take().expect("once").join().expect("no panic");
                return (status, self.log());
            }
            assert!(begun.elapsed() < PATIENCE, "the program does not end: {}", self.log());
            std::thread::yield_now();
        }
    }

    pub fn terminate(self) -> (ExitStatus, String) {
        self.signal("-TERM");
        self.wait()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stderr: ChildStderr, log: &Log) {
    let mut stderr = stderr;
    let mut piece = [0_u8; 4096];
    loop {
        let read = stderr.read(&mut piece).unwrap_or(0);
        let mut text = log.text.lock().expect("no panic");
        text.0.push_str(&String::from_utf8_lossy(&piece[..read]));
        text.1 = read == 0;
        log.grown.notify_all();
        if read == 0 {
            return;
        }
    }
}

/// Whether a file or directory is for its owner alone.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    let found = std::fs::symlink_metadata(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    found.permissions().mode() & 0o7777
}
