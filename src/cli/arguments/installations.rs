//! `grantd installation`.

use argh::FromArgs;

/// Installations of native apps: list, reset.
#[derive(FromArgs)]
#[argh(subcommand, name = "installation")]
pub struct Installation {
    #[argh(subcommand)]
    pub verb: InstallationVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum InstallationVerb {
    List(InstallationList),
    Reset(InstallationReset),
}

/// List the sites whose plugins registered, the organization each is connected with, and its keys.
#[derive(FromArgs)]
#[argh(subcommand, name = "list")]
pub struct InstallationList {}

/// Forget the keys of an installation that has lost them, and end its tokens. It registers again as whom it was, and a
/// member has to consent once more; what was made before is still told where it was to be told.
#[derive(FromArgs)]
#[argh(subcommand, name = "reset")]
pub struct InstallationReset {
    /// the client_id of the installation
    #[argh(positional)]
    pub client_id: String,
}
