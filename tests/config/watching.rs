//! Where metrics are told, and how records are logged.

use super::{accepted, refused};
use grantd::config::LogFormat;

#[test]
fn metrics_are_told_nowhere_until_somebody_says_where_and_then_on_this_machine_alone() {
    assert_eq!(accepted("").metrics.listen, None);
    let told = accepted("[metrics]\nlisten = \"http://[::1]:9464\"").metrics.listen;
    assert_eq!(told.expect("told").to_string(), "http://[::1]:9464");
    let at = "`metrics.listen` in grantd.toml line 2 is";
    let settings = |address: &str| format!("[metrics]\nlisten = \"{address}\"");
    refused(
        &settings("http://0.0.0.0:9464"),
        &[&format!(
            "{at} \"http://0.0.0.0:9464\", which is plain http on an address others can reach; use https, or 127.0.0.1 \
             or [::1] behind a TLS proxy"
        )],
    );
    refused(
        &settings("https://127.0.0.1:9464"),
        &[&format!(
            "{at} \"https://127.0.0.1:9464\", but metrics are told in plain http on 127.0.0.1 or [::1] alone; let a \
             proxy or an agent on this machine carry them further"
        )],
    );
    refused(
        "listen = [\"http://127.0.0.1:80\"]\n[metrics]\nlisten = \"http://127.0.0.1:80\"",
        &[
            "`metrics.listen` in grantd.toml line 3 is \"http://127.0.0.1:80\", which `listen` names too; give metrics \
             a port of their own",
        ],
    );
}

#[test]
fn a_log_is_for_people_or_for_programs() {
    assert_eq!(accepted("").log.format, LogFormat::Text);
    assert_eq!(accepted("[log]\nformat = \"logfmt\"").log.format, LogFormat::Logfmt);
    assert_eq!(accepted("[log]\nformat = \"json\"").log.format, LogFormat::Json);
    refused(
        "[log]\nformat = \"xml\"",
        &["`log.format` in grantd.toml line 2 is \"xml\", not one of `text`, `logfmt`, `json`"],
    );
}
