//! `grantd doctor` and `grantd selftest`.

use argh::FromArgs;
use std::path::PathBuf;

/// Examine configuration, files, disk, certificate, clock, DNS, ports and limits, and say what to do. Changes nothing;
/// ends with 1 where something is bad.
#[derive(FromArgs)]
#[argh(subcommand, name = "doctor")]
pub struct Doctor {}

/// Check a server that runs, as its clients reach it: discovery, keys, headers, TLS, and that it refuses what it must.
#[derive(FromArgs)]
#[argh(subcommand, name = "selftest")]
pub struct Selftest {
    /// the issuer to check, e.g. https://auth.example.com
    #[argh(option)]
    pub url: String,
    /// certificate authorities to trust instead of the system's, in PEM
    #[argh(option)]
    pub ca: Option<PathBuf>,
    /// a private app: a token is minted, introspected and revoked as well. Its secret comes from GRANTD_CLIENT_SECRET,
    /// from --client-secret-file, or from standard input
    #[argh(option)]
    pub client_id: Option<String>,
    /// a file with the app's secret
    #[argh(option)]
    pub client_secret_file: Option<PathBuf>,
    /// the app's organization as a parameter, e.g. organization_id=849; the app's own where it is left out
    #[argh(option)]
    pub organization: Option<String>,
}
