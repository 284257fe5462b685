//! Backups, and the secret without which they are worth nothing.

use argh::FromArgs;
use std::path::PathBuf;

/// Write a backup of everything, also while the server runs: all records as they stood after one commit, and the logos.
///
/// It is read back before it gets its name, and takes the place of no other file. The master secret is not in it.
#[derive(FromArgs)]
#[argh(subcommand, name = "backup")]
pub struct Backup {
    /// the directory to write it to, or - for standard output (default: backup in the data directory)
    #[argh(option)]
    pub to: Option<String>,
    /// make none: read this one to its end and say what is in it, or what is wrong with it
    #[argh(option)]
    pub verify: Option<PathBuf>,
    /// make none: say what the running server has backed up by itself, and what fails
    #[argh(switch)]
    pub status: bool,
}

/// Read a backup into a new data directory, with what was shipped after it. Needs the master secret it was made with.
///
/// It must be known that nothing was committed after the end: else say what you know of it.
#[derive(FromArgs)]
#[argh(subcommand, name = "restore")]
pub struct Restore {
    /// a directory of backups and segments, one backup, or - for standard input
    #[argh(option)]
    pub from: PathBuf,
    /// the file with the master secret, where it is not data/secret yet
    #[argh(option)]
    pub secret: Option<PathBuf>,
    /// nothing was committed after the end: the server had been stopped
    #[argh(switch)]
    pub nothing_lost: bool,
    /// go up to the end or the gap, and end whatever may have been revoked, rotated or used since
    #[argh(switch)]
    pub accept_loss: bool,
    /// with --accept-loss, when no client secret, API key, personal access token or password was revoked or changed
    /// since, and no webhook removed: these stay good
    #[argh(switch)]
    pub keep_credentials: bool,
}

/// Try this program on a copy of what another release wrote, before it takes its place: `upgrade --dry-run`.
///
/// Reads every record, and says what would change. The data directory is left as it is; where a server runs on it, name
/// a backup. The copy is made below TMPDIR.
#[derive(FromArgs)]
#[argh(subcommand, name = "upgrade")]
pub struct Upgrade {
    /// only try: an upgrade itself is a start of the new program
    #[argh(switch)]
    pub dry_run: bool,
    /// a directory of backups, or one backup, in place of the data directory
    #[argh(option)]
    pub from: Option<PathBuf>,
}

/// Keep the master secret safe: `secret export`.
#[derive(FromArgs)]
#[argh(subcommand, name = "secret")]
pub struct SecretAction {
    #[argh(subcommand)]
    pub verb: SecretVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum SecretVerb {
    Export(SecretExport),
}

/// Print the master secret, or write it to a new file. Keep it apart from the backups: with both, everything opens.
#[derive(FromArgs)]
#[argh(subcommand, name = "export")]
pub struct SecretExport {
    /// the file to write; standard output where it is left out
    #[argh(positional)]
    pub file: Option<PathBuf>,
}
