//! What the command line may say. The common options are taken out first: they may stand anywhere.

pub mod apps;
pub mod audit;
pub mod backups;
pub mod installations;
pub mod looking;
pub mod people;
pub mod tokens;
pub mod webhooks;

use self::apps::App;
use self::audit::Audit;
use self::backups::{Backup, Restore, SecretAction, Upgrade};
use self::installations::Installation;
use self::looking::{Doctor, Selftest};
use self::people::{Org, User};
use self::tokens::{Key, Token};
use self::webhooks::Webhook;
use argh::FromArgs;
use std::path::PathBuf;

/// What every command ends its help with.
pub const COMMON_HELP: &str = "
Common options, for every command and anywhere on the line:
  --config FILE     the configuration (default: grantd.toml in the data directory named, or here)
  --data DIR        the data directory, instead of the configuration's
  --json            answer as one line of JSON
";

#[derive(Default)]
pub struct Common {
    pub config: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub json: bool,
}

impl Common {
    /// Takes the common options out of `args`. The error is a sentence.
    pub fn take(args: &mut Vec<String>) -> Result<Self, String> {
        let mut common = Self::default();
        let mut rest = Vec::new();
        let mut all = std::mem::take(args).into_iter();
        while let Some(arg) = all.next() {
            let (name, joined) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let target = match name {
                "--json" if joined.is_none() => {
                    common.json = true;
                    continue;
                }
                "--config" => &mut common.config,
                "--data" => &mut common.data,
                // Told on: it is what keeps the command from reading what follows as options.
                "--" => {
                    rest.push(arg);
                    rest.extend(all);
                    break;
                }
                _ => {
                    rest.push(arg);
                    continue;
                }
            };
            let value = joined
                .or_else(|| all.next())
                .ok_or_else(|| format!("{name} needs a path after it"))?;
            *target = Some(value.into());
        }
        *args = rest;
        Ok(common)
    }
}

/// An app platform for your API in one binary: OAuth 2.1 server, organization-bound tokens, revocation.
///
/// Try `grantd demo`: it needs nothing and leaves nothing behind.
#[derive(FromArgs)]
pub struct Grantd {
    #[argh(subcommand)]
    pub action: Action,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum Action {
    Serve(Serve),
    Demo(Demo),
    Init(Init),
    Config(ConfigAction),
    User(User),
    Org(Org),
    App(App),
    Installation(Installation),
    Key(Key),
    Token(Token),
    Webhook(Webhook),
    Audit(Audit),
    Doctor(Doctor),
    Selftest(Selftest),
    Backup(Backup),
    Restore(Restore),
    Upgrade(Upgrade),
    Secret(SecretAction),
    Export(Export),
    Import(Import),
    Version(Version),
}

/// Run the server.
#[derive(FromArgs)]
#[argh(subcommand, name = "serve")]
pub struct Serve {}

/// Run a whole server with development certificates and example data, and print what to try.
#[derive(FromArgs)]
#[argh(subcommand, name = "demo")]
pub struct Demo {
    /// the profile: default, mokapen or makecrypto
    #[argh(option, default = "String::from(\"default\")")]
    pub profile: String,
    /// where to listen (default: 127.0.0.1:8443, or any free port where that is taken)
    #[argh(option)]
    pub listen: Option<std::net::SocketAddr>,
    /// plain http instead of https; loopback addresses only
    #[argh(switch)]
    pub http: bool,
    /// do the main job once against itself, print each step with its time, and end
    #[argh(switch)]
    pub check: bool,
}

/// Write a commented grantd.toml and the data directory.
#[derive(FromArgs)]
#[argh(subcommand, name = "init")]
pub struct Init {}

/// Look at the configuration: `config check` finds mistakes, `config show` prints what is in force.
#[derive(FromArgs)]
#[argh(subcommand, name = "config")]
pub struct ConfigAction {
    #[argh(subcommand)]
    pub verb: ConfigVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum ConfigVerb {
    Check(ConfigCheck),
    Show(ConfigShow),
    Default(ConfigDefault),
}

/// Read everything, report every mistake with its line, and warn of what deserves a second look.
#[derive(FromArgs)]
#[argh(subcommand, name = "check")]
pub struct ConfigCheck {}

/// Print the configuration in force, defaults included.
#[derive(FromArgs)]
#[argh(subcommand, name = "show")]
pub struct ConfigShow {}

/// Print a grantd.toml with every key commented out.
#[derive(FromArgs)]
#[argh(subcommand, name = "default")]
pub struct ConfigDefault {}

/// Write every record as JSON Lines to standard output or a file. Holds no secret in the clear; still, keep it safe.
#[derive(FromArgs)]
#[argh(subcommand, name = "export")]
pub struct Export {
    /// the file to write; standard output where it is left out
    #[argh(positional)]
    pub file: Option<PathBuf>,
}

/// Read an export into a new data directory. Needs the data/secret it was made with.
#[derive(FromArgs)]
#[argh(subcommand, name = "import")]
pub struct Import {
    /// the file to read; standard input where it is left out
    #[argh(positional)]
    pub file: Option<PathBuf>,
}

/// Print the version.
#[derive(FromArgs)]
#[argh(subcommand, name = "version")]
pub struct Version {}
