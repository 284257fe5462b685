//! `grantd audit`.

use argh::FromArgs;

/// The audit log.
#[derive(FromArgs)]
#[argh(subcommand, name = "audit")]
pub struct Audit {
    #[argh(subcommand)]
    pub verb: AuditVerb,
}

#[derive(FromArgs)]
#[argh(subcommand)]
pub enum AuditVerb {
    Verify(AuditVerify),
}

/// Whether the audit log is as it was written: ends with 0, with 1 where something was changed, removed, reordered or
/// slipped in, with 3 where the newest events are not chained yet.
#[derive(FromArgs)]
#[argh(subcommand, name = "verify")]
pub struct AuditVerify {
    /// the `end` of an earlier report, kept elsewhere: the chain must lead through it
    #[argh(option)]
    pub since: Option<String>,
}
