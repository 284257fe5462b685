//! The command line: arguments in, a command done, an answer printed.

mod arguments;
mod check;
mod command;
mod demo;
mod demo_page;
mod output;
mod start;
mod transfer;

use crate::config::{Config, DEFAULT_FILE, FILE_NAME, Overrides};
use argh::{EarlyExit, FromArgs as _};
use arguments::{Action, COMMON_HELP, Common, ConfigVerb, Grantd};
use output::Output;
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
            println!("{output}{COMMON_HELP}");
            return ExitCode::SUCCESS;
        }
        Err(EarlyExit {
            output,
            status: Err(()),
        }) => {
            eprintln!("{}\nRun grantd --help for more.", output.trim_end());
            return ExitCode::from(USAGE);
        }
    };
    let output = Output { json: common.json };
    match act(grantd.action, &common, &output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn act(action: Action, common: &Common, output: &Output) -> Result<(), String> {
    match action {
        Action::Version(_) => {
            output.answer(&json!({ "name": "grantd", "version": env!("CARGO_PKG_VERSION") }));
            Ok(())
        }
        Action::Demo(demo) => demo::run(demo, common, output),
        Action::Serve(_) => start::serve(load(common)?),
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
        Action::Export(export) => transfer::export(load(common)?, export.file.as_deref(), output),
        Action::Import(import) => transfer::import(load(common)?, import.file.as_deref(), output),
        Action::User(_) | Action::Org(_) | Action::App(_) | Action::Key(_) | Action::Token(_) => {
            let command = command::of(action)?;
            output.answer(&start::execute(load(common)?, command)?);
            Ok(())
        }
    }
}

/// The file named, else the one here, else one in the data directory named, else the defaults.
fn load(common: &Common) -> Result<Config, String> {
    let found = |path: PathBuf| path.is_file().then_some(path);
    let in_data = || common.data.as_ref().and_then(|data| found(data.join(FILE_NAME)));
    let path = common
        .config
        .clone()
        .or_else(|| found(PathBuf::from(FILE_NAME)))
        .or_else(in_data);
    let overrides = Overrides {
        data_dir: common.data.clone(),
        ..Overrides::default()
    };
    Config::load(path.as_deref(), &overrides).map_err(|errors| errors.to_string())
}

fn check_config(config: &Config, output: &Output) -> Result<(), String> {
    let warnings = config.warnings();
    output.answer(&json!({
        "ok": true,
        "issuer": config.issuer.as_str(),
        "profile": config.profile.name,
        "scopes": config.profile.scopes.len(),
        "data_dir": config.data_dir,
        "warnings": warnings,
    }));
    Ok(())
}

/// Writes what a new machine needs, and never over anything.
fn init(common: &Common, output: &Output) -> Result<(), String> {
    let file = common.config.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
    let written = write_new(&file)?;
    let overrides = Overrides {
        data_dir: common.data.clone(),
        ..Overrides::default()
    };
    let config = Config::load(Some(&file), &overrides).map_err(|errors| errors.to_string())?;
    let data_dir = config.data_dir.clone();
    let made = start::prepare(&config)?;
    output.answer(&json!({
        "config": file,
        "config_written": written,
        "data_dir": data_dir,
        "secret_written": made,
        "next": next_steps(),
    }));
    Ok(())
}

fn next_steps() -> Value {
    json!([
        "edit grantd.toml: issuer, listen, tls, profile; then `grantd config check`",
        "grantd org create \"My organization\"",
        "grantd user add you@example.com, then grantd org member ORGANIZATION you@example.com --role owner",
        "grantd app create \"My app\" --organization ORGANIZATION --dedicated-user you@example.com",
        "grantd serve",
    ])
}

fn write_new(file: &Path) -> Result<bool, String> {
    let opened = std::fs::File::create_new(file);
    match opened.and_then(|mut to| std::io::Write::write_all(&mut to, DEFAULT_FILE.as_bytes())) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(format!("{} cannot be written: {error}", file.display())),
    }
}
