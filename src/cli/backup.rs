//! `backup`: made from an export of the store, by this process, also while a server runs.

use super::logging;
use super::output::Output;
use super::start;
use crate::base::master::MasterSecret;
use crate::base::time::{Clock as _, SystemClock};
use crate::config::{Config, Log};
use crate::control::backup::Begun;
use crate::control::{Command, execute, socket};
use crate::store::Seq;
use crate::store::backup::{self, Making};
use crate::store::export::Export;
use serde_json::{Value, json};
use std::fs::File;
use std::io;
use std::path::Path;

/// Where backups go that are sent nowhere else.
const DIRECTORY: &str = "backup";
/// Standard output.
const STDOUT: &str = "-";

pub fn make(config: Config, to: Option<&str>, output: &Output) -> Result<(), String> {
    logging::to_stderr(Log::of_commands());
    let exports = start::store_path(&config).join("exports");
    let logos = start::logos_path(&config);
    let directory = config.data_dir.join(DIRECTORY);
    let secret_path = start::secret_path(&config);
    // Until it was read: without a server the store is ours alone, and nobody makes a newer export.
    let (begun, here) = start::block_on(async {
        if let Some(answer) = socket::ask(&config.data_dir, &Command::BackupBegin) {
            return Ok((answer?, None));
        }
        let here = start::open(config).await?;
        Ok((execute(&here, Command::BackupBegin).await?, Some(here)))
    })?;
    let begun: Begun = serde_json::from_value(begun).map_err(|e| format!("the server is another version: {e}"))?;
    // Requests come first; refused where it may not be asked for.
    let _ = rustix::process::nice(10);
    let secret = MasterSecret::load(&secret_path).map_err(|e| e.to_string())?;
    let secret = secret.ok_or_else(|| format!("{} is missing", secret_path.display()))?;
    let export = Export {
        seq: Seq(begun.seq),
        path: exports.join(begun.name),
    };
    let making = Making {
        export: &export,
        secret: &secret,
        records_format: begun.records_format,
        now: SystemClock.now(),
        logos: &logos,
    };
    let made = match to {
        Some(STDOUT) => {
            backup::write(io::BufWriter::new(io::stdout().lock()), &making)?;
            None
        }
        to => Some(backup::write_in(to.map_or(&directory, Path::new), &making)?),
    };
    drop(here);
    if let Some((file, summary)) = made {
        let mut answer = json!({ "file": file });
        extend(&mut answer, &summary)?;
        output.answer(&answer);
    }
    Ok(())
}

pub fn status(config: &Config, output: &Output) -> Result<(), String> {
    let answer = socket::ask(&config.data_dir, &Command::BackupStatus);
    output.answer(&answer.ok_or("no server runs: one that does backs up by itself, as [backup] says")??);
    Ok(())
}

/// Reads a backup to its end, without a store; the secret here proves who wrote it, where there is one.
pub fn verify(config: &Config, file: &Path, output: &Output) -> Result<(), String> {
    let secret = MasterSecret::load(&start::secret_path(config)).map_err(|e| e.to_string())?;
    let summary = backup::verify(file, secret.as_ref())?;
    let mut answer = json!({ "whole": true, "secret_proved": secret.is_some() });
    extend(&mut answer, &summary)?;
    output.answer(&answer);
    Ok(())
}

fn extend(answer: &mut Value, summary: &backup::Summary) -> Result<(), String> {
    let more = serde_json::to_value(summary).map_err(|e| e.to_string())?;
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more);
    }
    Ok(())
}

/// The master secret, for safekeeping apart from every backup: nothing in one can be used without it.
pub fn export_secret(config: &Config, file: Option<&Path>, output: &Output) -> Result<(), String> {
    let path = start::secret_path(config);
    let secret = MasterSecret::load(&path).map_err(|e| e.to_string())?;
    let secret = secret.ok_or_else(|| format!("{} is missing: there is no secret yet", path.display()))?;
    let Some(file) = file else {
        output.text(secret.to_text().expose());
        return Ok(());
    };
    secret.save(file).map_err(|e| e.to_string())?;
    File::open(file)
        .and_then(|file| file.sync_all())
        .map_err(|e| e.to_string())?;
    output.answer(&json!({ "file": file }));
    Ok(())
}
