//! The command line: arguments in, a command done, an answer printed.

mod arguments;
mod audit;
mod backup;
mod check;
mod command;
mod demo;
mod demo_page;
mod doctor;
mod logging;
mod output;
mod restore;
mod selftest;
mod service_manager;
mod start;
mod transfer;
mod upgrade;
mod verify;
mod webhook;

use crate::app;
use crate::config::{Config, DEFAULT_FILE, FILE_NAME, Overrides};
use argh::{EarlyExit, FromArgs as _};
use arguments::backups::{Backup, Restore, SecretAction, SecretVerb, Upgrade};
use arguments::tokens::{Token, TokenVerb};
use arguments::{Action, COMMON_HELP, Common, ConfigVerb, Grantd};
use output::Output;
use restore::Says;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Bad usage, as most programs have it.
const USAGE: u8 = 2;

/// `args` without the program's name.
pub fn run(mut args: Vec<String>) -> ExitCode {
    let common = match Common::take(&mut args) {
        Ok(common) => common,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(USAGE);
        }
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let grantd = match Grantd::from_args(&["grantd"], &args) {
        Ok(grantd) => grantd,
        Err(EarlyExit { output, status: Ok(()) }) => {
            Output { json: false }.text(&format!("{output}{COMMON_HELP}\n"));
            return ExitCode::SUCCESS;
        }
        Err(EarlyExit {
            output,
            status: Err(()),
        }) => {
            eprintln!("{}", output.trim_end());
            if output.contains("Unrecognized argument: -") {
                eprintln!("What begins with a dash and is no option stands behind `--`.");
            }
            eprintln!("Run grantd --help for more.");
            return ExitCode::from(USAGE);
        }
    };
    let output = Output { json: common.json };
    match act(grantd.action, &common, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.error(&failure.error, failure.reason);
            ExitCode::from(failure.code)
        }
    }
}

/// Why a command did not do what it was asked for.
struct Failure {
    error: String,
    /// A word for programs, where there are several.
    reason: Option<&'static str>,
    code: u8,
}

impl From<String> for Failure {
    fn from(error: String) -> Self {
        Self {
            error,
            reason: None,
            code: 1,
        }
    }
}

fn act(action: Action, common: &Common, output: &Output) -> Result<(), Failure> {
    match action {
        Action::Token(Token {
            verb: TokenVerb::Verify(verify),
        }) => verify::run(&verify, output),
        Action::Doctor(_) => doctor::run(common, output),
        Action::Selftest(selftest) => selftest::run(&selftest, output),
        Action::Audit(audit) => audit::run(audit, load(common)?, output),
        action => Ok(perform(action, common, output)?),
    }
}

fn perform(action: Action, common: &Common, output: &Output) -> Result<(), String> {
    match action {
        Action::Version(_) => {
            output.answer(&json!({ "name": "grantd", "version": env!("CARGO_PKG_VERSION") }));
            Ok(())
        }
        Action::Demo(demo) => demo::run(demo, common, output),
        Action::Serve(_) => start::serve(load(common)?, output),
        Action::Init(_) => init(common, output),
        Action::Config(config) => match config.verb {
            ConfigVerb::Check(_) => check_config(&load(common)?, output),
            ConfigVerb::Show(_) => {
                output.answer(&serde_json::to_value(load(common)?).map_err(|e| e.to_string())?);
                Ok(())
            }
            ConfigVerb::Default(_) => {
                output.text(DEFAULT_FILE);
                Ok(())
            }
        },
        Action::Backup(Backup { verify: Some(file), .. }) => backup::verify(&load(common)?, &file, output),
        Action::Backup(Backup { status: true, .. }) => backup::status(&load(common)?, output),
        Action::Backup(Backup { to, .. }) => backup::make(load(common)?, to.as_deref(), output),
        Action::Restore(asked) => restore::run(
            &load(common)?,
            &asked.from,
            asked.secret.as_deref(),
            said(&asked)?,
            output,
        ),
        Action::Upgrade(Upgrade { dry_run: false, .. }) => {
            Err("an upgrade is a start of the new program: say --dry-run to try it on a copy first".into())
        }
        Action::Upgrade(Upgrade { from, .. }) => upgrade::run(load(common)?, from.as_deref(), output),
        Action::Secret(SecretAction {
            verb: SecretVerb::Export(export),
        }) => backup::export_secret(&load(common)?, export.file.as_deref(), output),
        Action::Export(export) => transfer::export(load(common)?, export.file.as_deref(), output),
        Action::Import(import) => transfer::import(load(common)?, import.file.as_deref(), output),
        Action::Webhook(one) => webhook::run(one.verb, output),
        action => {
            let command = command::of(action)?;
            output.answer(&start::execute(load(common)?, command)?);
            Ok(())
        }
    }
}

/// What the operator says of what the backup may lack.
fn said(asked: &Restore) -> Result<Says, String> {
    match (asked.nothing_lost, asked.accept_loss, asked.keep_credentials) {
        (false, false, false) => Ok(Says::Nothing),
        (true, false, false) => Ok(Says::NothingLost),
        (false, true, keep_credentials) => Ok(Says::Lost { keep_credentials }),
        (true, true, _) => Err("--nothing-lost and --accept-loss exclude each other".into()),
        (_, false, true) => Err("--keep-credentials goes with --accept-loss".into()),
    }
}

/// The file named, else the one in the data directory named, else the one here, else the defaults.
fn load(common: &Common) -> Result<Config, String> {
    let candidates = [
        common.data.as_ref().map(|data| data.join(FILE_NAME)),
        Some(PathBuf::from(FILE_NAME)),
    ];
    let found = candidates.into_iter().flatten().find(|path| path.is_file());
    let path = common.config.clone().or(found);
    let overrides = Overrides {
        data_dir: common.data.clone(),
        ..Overrides::default()
    };
    Config::load(path.as_deref(), &overrides).map_err(|errors| errors.to_string())
}

fn check_config(config: &Config, output: &Output) -> Result<(), String> {
    let faults = app::route_faults(&config.routes);
    if !faults.is_empty() {
        return Err(faults.join("\n"));
    }
    let warnings = config.warnings();
    output.answer(&json!({
        "ok": true,
        "issuer": config.issuer.as_str(),
        "profile": config.profile.name,
        "scopes": config.profile.scopes.len(),
        "routes": config.routes.rows().len(),
        "data_dir": config.data_dir,
        "warnings": warnings,
    }));
    Ok(())
}

/// Writes what a new machine needs, and never over anything.
fn init(common: &Common, output: &Output) -> Result<(), String> {
    let file = match (&common.config, &common.data) {
        (Some(file), _) => file.clone(),
        (None, Some(data)) => data.join(FILE_NAME),
        (None, None) => PathBuf::from(FILE_NAME),
    };
    let mut text = DEFAULT_FILE.to_owned();
    if let Some(data) = &common.data {
        start::make_dir(data)?;
        // Said in the file too, so that naming the file alone finds the same data.
        let data = if common.config.is_none() {
            PathBuf::from(".")
        } else {
            absolute(data)?
        };
        text = text.replacen(
            "# data_dir = \"data\"",
            &format!("data_dir = {:?}", data.display().to_string()),
            1,
        );
    }
    let written = write_new(&file, &text)?;
    let overrides = Overrides {
        data_dir: common.data.clone(),
        ..Overrides::default()
    };
    let config = Config::load(Some(&file), &overrides).map_err(|errors| errors.to_string())?;
    let made = start::prepare(&config)?;
    output.answer(&json!({
        "config": file,
        "config_written": written,
        "data_dir": config.data_dir,
        "secret_written": made,
        "next": next_steps(common.data.as_deref()),
    }));
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    path.canonicalize()
        .map_err(|e| format!("{} cannot be found: {e}", path.display()))
}

fn next_steps(data: Option<&Path>) -> Value {
    let data = data.map_or(String::new(), |data| format!(" --data {}", data.display()));
    json!([
        format!("edit grantd.toml: issuer, listen, tls, profile; then `grantd config check{data}`"),
        format!("grantd org create \"My organization\"{data}"),
        format!("grantd user add you@example.com{data}"),
        format!("grantd org member ORGANIZATION you@example.com --role owner{data}"),
        format!("grantd app create \"My app\" --organization ORGANIZATION --dedicated-user you@example.com{data}"),
        format!("grantd serve{data}  # prints the link of the first administrator"),
    ])
}

fn write_new(file: &Path, text: &str) -> Result<bool, String> {
    let opened = std::fs::File::create_new(file);
    match opened.and_then(|mut to| std::io::Write::write_all(&mut to, text.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(format!("{} cannot be written: {error}", file.display())),
    }
}
