//! `grantd audit verify`.

use super::arguments::audit::{Audit, AuditVerb};
use super::output::Output;
use super::{Failure, start};
use crate::config::Config;
use crate::control::Command;

/// The chain holds, and does not reach to the newest events.
const LAGS: u8 = 3;

pub fn run(audit: Audit, config: Config, output: &Output) -> Result<(), Failure> {
    let AuditVerb::Verify(asked) = audit.verb;
    let report = start::execute(config, Command::AuditVerify { since: asked.since })?;
    output.answer(&report);
    let failure = |error: String, reason, code| {
        Err(Failure {
            error,
            reason: Some(reason),
            code,
        })
    };
    match report["findings_total"].as_u64() {
        Some(0) if report["unsealed"] == true => failure(
            "The blocks of the audit log that are there are as they were written, but nothing says which one is the \
             last. After an import that is so until a server has started. Otherwise somebody took that record away: \
             start the server, and verify again with --since the end you noted."
                .to_owned(),
            "unsealed",
            LAGS,
        ),
        Some(0) if report["lags"] == true => failure(
            format!(
                "The audit log is as it was written, but {} events wait to be chained, the oldest since {}: a running \
                 server chains them within seconds.",
                report["waiting"],
                report["waiting_since"].as_str().unwrap_or_default()
            ),
            "lags",
            LAGS,
        ),
        Some(0) => Ok(()),
        found => failure(
            format!(
                "The audit log is not as it was written: {} findings.",
                found.unwrap_or_default()
            ),
            "changed",
            1,
        ),
    }
}
