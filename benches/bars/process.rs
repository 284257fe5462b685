//! A server of the bench: started on one core, asked for its first line, ended on drop.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

pub struct Server {
    child: Child,
    /// The one line it prints when it is ready.
    pub ready: String,
}

impl Server {
    /// Runs `program` on `core`, hands it `input` and waits for its first line.
    pub fn start(core: usize, program: &str, args: &[&str], input: &str) -> Result<Self, String> {
        let mut child = Command::new("taskset")
            .args(["-c", &core.to_string(), program])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("taskset {program} cannot be started: {e}"))?;
        let mut stdin = child.stdin.take().expect("it is piped");
        // One that reads nothing may have closed it.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        let read = BufReader::new(stdout).read_line(&mut ready);
        let server = Self { child, ready };
        match read {
            Ok(bytes) if bytes > 0 => Ok(server),
            _ => Err(format!("{program} ended before it was ready")),
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
