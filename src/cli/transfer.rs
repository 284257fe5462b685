//! `export` and `import`.

use super::logging;
use super::output::Output;
use super::start;
use crate::base::master::MasterSecret;
use crate::config::{Config, Log};
use crate::context::Context;
use crate::control::{Command, execute, socket, transfer};
use crate::store::disk;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// What an export cannot know.
const AFTER_IMPORT: &str = "what was revoked after the export was made is good again: unless nothing was, \
                            `grantd token revoke --everything`";

/// Where the answers come from: the running server, or the store opened here.
enum Source<'a> {
    Server(&'a Path),
    Here(&'a Context),
}

impl Source<'_> {
    async fn ask(&self, command: Command) -> Result<Value, String> {
        match self {
            Self::Server(data_dir) => {
                socket::ask(data_dir, &command).ok_or_else(|| "the server ended while it was asked".to_owned())?
            }
            Self::Here(ctx) => execute(ctx, command).await,
        }
    }
}

pub fn export(config: Config, file: Option<&Path>, output: &Output) -> Result<(), String> {
    logging::to_stderr(Log::of_commands());
    let failed = |e: io::Error| format!("the export cannot be written: {e}");
    let mut to: Box<dyn Write> = match file {
        // Email addresses stand in it: for its owner's eyes only, and never over another.
        Some(path) => Box::new(
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .map_err(failed)?,
        ),
        None => Box::new(io::stdout()),
    };
    let written = start::block_on(async {
        let running = socket::running(&config.data_dir);
        let data_dir = config.data_dir.clone();
        let mut to = BufWriter::new(&mut to);
        let records = if running {
            write_all(&Source::Server(&data_dir), &mut to).await?
        } else {
            write_all(&Source::Here(&*start::open(config).await?), &mut to).await?
        };
        to.flush().map_err(failed)?;
        Ok(records)
    });
    let records = written.inspect_err(|_| {
        // Made above and of no use: it would only stand in the way of the next try.
        if let Some(path) = file {
            let _ = std::fs::remove_file(path);
        }
    })?;
    if let Some(path) = file {
        File::open(path).and_then(|f| f.sync_all()).map_err(failed)?;
        output.answer(&json!({ "file": path, "records": records }));
    }
    Ok(())
}

/// Pages first, then what was committed meanwhile: later lines win, so together they are one state.
async fn write_all(source: &Source<'_>, to: &mut impl Write) -> Result<u64, String> {
    let begun = source.ask(Command::ExportBegin).await?;
    let mut records = 0;
    writeln!(to, "{}", begun["header"]).map_err(|e| e.to_string())?;
    let mut after = None;
    loop {
        let page = source.ask(Command::ExportPage { after: after.clone() }).await?;
        let last = write_lines(&page, to, &mut records)?;
        if page["more"] != json!(true) {
            break;
        }
        after = last;
    }
    let mut seq = begun["seq"].as_u64().unwrap_or_default();
    loop {
        let page = source.ask(Command::ExportChanges { after: seq }).await?;
        write_lines(&page, to, &mut records)?;
        seq = page["seq"].as_u64().unwrap_or(seq);
        if page["more"] != json!(true) {
            break;
        }
    }
    let trailer = transfer::Trailer { end: true, records };
    let text = serde_json::to_string(&trailer).map_err(|e| e.to_string())?;
    writeln!(to, "{text}").map_err(|e| e.to_string())?;
    Ok(records)
}

/// The key of the last line.
fn write_lines(page: &Value, to: &mut impl Write, records: &mut u64) -> Result<Option<String>, String> {
    let lines = page["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    for line in lines {
        writeln!(to, "{line}").map_err(|e| e.to_string())?;
        *records += 1;
    }
    Ok(lines.last().and_then(|line| line["key"].as_str()).map(str::to_owned))
}

pub fn import(config: Config, file: Option<&Path>, output: &Output) -> Result<(), String> {
    logging::to_stderr(Log::of_commands());
    let from: Box<dyn BufRead> = match file {
        Some(path) => {
            let opened = File::open(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
            Box::new(BufReader::new(opened))
        }
        None => Box::new(BufReader::new(io::stdin())),
    };
    let secret = MasterSecret::load(&start::secret_path(&config)).map_err(|e| e.to_string())?;
    let secret = secret.ok_or_else(|| {
        let path = start::secret_path(&config);
        format!(
            "{} is missing: put there the secret that the export was made with",
            path.display()
        )
    })?;
    let records = start::block_on(async {
        // Held until the end: no server can start on it meanwhile.
        let here = start::open_store(&config)?;
        if !transfer::is_empty(&here).await? {
            return Err("the store is not empty: import into a new data directory".into());
        }
        // An export that turns out to be cut short must leave nothing that could be served: what it lacks may be the
        // revocations. So it becomes the store only when it was read to its end.
        let beside = tempfile::Builder::new()
            .prefix(start::IMPORT_PREFIX)
            .tempdir_in(&config.data_dir);
        let beside = beside.map_err(|e| format!("{} cannot be written: {e}", config.data_dir.display()))?;
        let read = beside.path().join("read");
        start::make_dir(&read)?;
        let store = start::open_store_in(&read)?;
        let records = transfer::import(&store, |fingerprint| secret.knows(fingerprint), from.lines()).await?;
        store.close();
        let path = start::store_path(&config);
        std::fs::rename(&path, beside.path().join("empty"))
            .and_then(|()| std::fs::rename(&read, &path))
            .and_then(|()| disk::sync_dir(&config.data_dir))
            .map_err(|e| format!("{} cannot be put in place: {e}", path.display()))?;
        drop(here);
        Ok(records)
    })?;
    output.answer(&json!({ "records": records, "data_dir": config.data_dir, "next": AFTER_IMPORT }));
    Ok(())
}
