//! A server of the bench: started on one core, asked for its first line, ended on drop.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub const SERVER_CORE: usize = 0;
pub const GENERATOR_CORE: usize = 1;

pub fn needs_two_cores() -> Result<(), String> {
    if std::thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Err("it takes two cores: one for the servers, one for the generator".into());
    }
    Ok(())
}

pub struct Server {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The one line it prints when it is ready.
    pub ready: String,
}

impl Server {
    /// Runs `program` on `core`, hands it the line `input` and waits for its first line.
    pub fn start(core: usize, program: &str, args: &[&str], input: &str) -> Result<Self, String> {
        let mut child = Command::new("taskset")
            .args(["-c", &core.to_string(), program])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("taskset {program} cannot be started: {e}"))?;
        let mut server = Self {
            stdin: child.stdin.take().expect("it is piped"),
            stdout: BufReader::new(child.stdout.take().expect("it is piped")),
            child,
            ready: String::new(),
        };
        server.ready = server
            .ask(input)
            .map_err(|why| format!("{program} was not ready: {why}"))?;
        Ok(server)
    }

    /// The line it prints after it was told one.
    pub fn ask(&mut self, line: &str) -> Result<String, String> {
        // One that reads nothing may have closed it.
        let _ = writeln!(self.stdin, "{line}");
        let mut answer = String::new();
        match self.stdout.read_line(&mut answer) {
            Ok(bytes) if bytes > 0 => Ok(answer),
            _ => Err("it ended before it answered".into()),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time used so far, in seconds (proc_pid_stat(5): utime and stime, in hundredths).
    pub fn cpu_s(&self) -> Result<f64, String> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).map_err(|e| e.to_string())?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
        let both = ticks(11).zip(ticks(12)).ok_or("/proc/pid/stat cannot be read")?;
        Ok((both.0 + both.1) / 100.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
