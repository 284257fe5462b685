//! `webhook`.

use argh::FromArgs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Webhooks at the receiver's side: verify one, listen for them during development.
#[derive(FromArgs)]
#[argh(subcommand, name = "webhook")]
pub struct Webhook {
    #[argh(subcommand)]
    pub verb: WebhookVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum WebhookVerb {
    Verify(WebhookVerify),
    Listen(WebhookListen),
}

/// Say whether a body on standard input is what a signature header says. Ends with 0 if it is, else with 1.
#[derive(FromArgs)]
#[argh(subcommand, name = "verify")]
pub struct WebhookVerify {
    /// the value of the signature header: t=SECONDS,v1=HEX
    #[argh(option)]
    pub signature: String,
    /// a file with the endpoint's secret (default: the variable GRANTD_WEBHOOK_SECRET)
    #[argh(option)]
    pub secret_file: Option<PathBuf>,
    /// how old or new it may be, in seconds (default: 300)
    #[argh(option, default = "300")]
    pub tolerance_s: u64,
}

/// Take deliveries on this machine and print those whose signature is good. For development: it listens on loopback
/// addresses only, without TLS.
#[derive(FromArgs)]
#[argh(subcommand, name = "listen")]
pub struct WebhookListen {
    /// where to listen (default: 127.0.0.1:8787)
    #[argh(option, default = "SocketAddr::from(([127, 0, 0, 1], 8787))")]
    pub listen: SocketAddr,
    /// a file with the endpoint's secret (default: the variable GRANTD_WEBHOOK_SECRET)
    #[argh(option)]
    pub secret_file: Option<PathBuf>,
    /// how old or new a delivery may be, in seconds (default: 300)
    #[argh(option, default = "300")]
    pub tolerance_s: u64,
}
