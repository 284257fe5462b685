//! What is logged, to standard error: one line for each record, whatever stands in it.
//!
//! A value from outside may hold line breaks, or sequences that a terminal obeys: they are spelled out, so that nobody
//! writes a line of their own or hides one.

use crate::base::time::{Clock as _, SystemClock, Timestamp};
use crate::config::{Log, LogFormat};
use crate::web::panics::log_panics;
use crate::web::request_id;
use env_logger::Builder;
use log::{LevelFilter, Record};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;

/// `tracing` has no listener here; in a release build nothing is left of it.
const _: () = assert!(cfg!(debug_assertions) || tracing::level_filters::STATIC_MAX_LEVEL.into_level().is_none());

/// From here on everything is logged as the configuration says; `RUST_LOG` says more about what.
pub fn to_stderr(log: Log) {
    let mut builder = Builder::new();
    let level = log.level.as_str().parse().unwrap_or(LevelFilter::Info);
    builder.filter_level(level);
    // What strangers do wrong in a handshake is counted (`grantd_refused_total`): as lines they could fill the disk.
    if level < LevelFilter::Debug {
        builder.filter_module("rustls", level.min(LevelFilter::Error));
    }
    builder.format(move |out, record| {
        let line = match log.format {
            LogFormat::Text => {
                let style = out.default_level_style(record.level());
                let level = format!("{style}{:<5}{style:#}", record.level());
                text(&level, record, request_id::current().as_deref())
            }
            LogFormat::Logfmt => logfmt(record, request_id::current().as_deref(), SystemClock.now()),
            LogFormat::Json => json(record, request_id::current().as_deref(), SystemClock.now()),
        };
        writeln!(out, "{line}")
    });
    // Another logger can be there already, in tests; the first one stays.
    let _ = builder.parse_default_env().try_init();
    log_panics();
}

/// For people, and for a journal that notes the time itself. Messages that name their request keep it there.
fn text(level: &str, record: &Record<'_>, request: Option<&str>) -> String {
    let message = spelled(&record.args().to_string());
    match request.filter(|id| !message.contains(*id)) {
        Some(id) => format!("[{level} {}] request {id}: {message}", record.target()),
        None => format!("[{level} {}] {message}", record.target()),
    }
}

fn logfmt(record: &Record<'_>, request: Option<&str>, now: Timestamp) -> String {
    let level = record.level().as_str().to_ascii_lowercase();
    let mut line = format!("ts={now} level={level} target={}", quoted(record.target()));
    if let Some(id) = request {
        // Writing to a String cannot fail.
        let _ = write!(line, " request={}", quoted(id));
    }
    let _ = write!(line, " msg={}", quoted(&record.args().to_string()));
    line
}

fn json(record: &Record<'_>, request: Option<&str>, now: Timestamp) -> String {
    let mut line = json!({
        "ts": now.to_string(),
        "level": record.level().as_str().to_ascii_lowercase(),
        "target": record.target(),
    });
    if let Some(id) = request {
        line["request"] = id.into();
    }
    // JSON lets some characters stand as they are that a terminal or a reader of lines may obey.
    line["msg"] = spelled_for(&record.args().to_string(), |c| !c.is_ascii_control()).into();
    line.to_string()
}

/// A value of logfmt: as it is, or in quotes.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            c => push(&mut text, c),
        }
    }
    text.push('"');
    text
}

/// Without any character that ends a line or that a terminal obeys.
fn spelled(text: &str) -> String {
    spelled_for(text, |_| true)
}

/// Where `here` says that a character is for this to spell.
fn spelled_for(text: &str, here: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if here(c) { push(&mut out, c) } else { out.push(c) }
    }
    out
}

fn push(text: &mut String, c: char) {
    match c {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        // Line and paragraph separators, and marks that turn the direction of what follows (CVE-2021-42574).
        '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => push_code(text, c),
        c if c.is_control() => push_code(text, c),
        c => text.push(c),
    }
}

fn push_code(text: &mut String, c: char) {
    let _ = write!(text, "\\u{{{:x}}}", u32::from(c));
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;

    const AT: Timestamp = Timestamp::from_seconds(1_767_225_600);
    /// What somebody would like to see in the log of another.
    const FORGED: &str = "a\nts=2026-01-01T00:00:00.000Z level=error msg=\"forged\"\r\n{\"level\":\"error\"}\u{1b}[2K\
                          \u{2028}b\u{85}\0\u{202e}\\ \"=ä";

    fn all(message: &str, request: Option<&str>) -> [String; 3] {
        let args = format_args!("{message}");
        let record = Record::builder()
            .level(Level::Warn)
            .target("grantd::x")
            .args(args)
            .build();
        [
            text("WARN ", &record, request),
            logfmt(&record, request, AT),
            json(&record, request, AT),
        ]
    }

    #[test]
    fn the_three_forms_of_a_record() {
        let [text, logfmt, json] = all("it is so", Some("abc-1"));
        assert_eq!(text, "[WARN  grantd::x] request abc-1: it is so");
        let stamp = "2026-01-01T00:00:00.000Z";
        assert_eq!(
            logfmt,
            format!("ts={stamp} level=warn target=grantd::x request=abc-1 msg=\"it is so\"")
        );
        let wanted = r#","level":"warn","target":"grantd::x","request":"abc-1","msg":"it is so"}"#;
        assert_eq!(json, format!("{{\"ts\":\"{stamp}\"{wanted}"));
        let [text, logfmt, json] = all("short", None);
        assert_eq!(text, "[WARN  grantd::x] short");
        assert!(logfmt.ends_with("target=grantd::x msg=short"), "{logfmt}");
        assert!(!json.contains("request"), "{json}");
        assert_eq!(
            all("request abc-1: no", Some("abc-1"))[0],
            "[WARN  grantd::x] request abc-1: no"
        );
    }

    #[test]
    fn no_value_ends_a_line_or_is_obeyed() {
        for line in all(FORGED, Some("abc-1")) {
            let obeyed = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
            assert!(!line.contains(obeyed), "{line:?}");
            assert!(line.contains("forged") && line.contains('ä'), "{line}");
        }
    }

    #[test]
    fn json_gives_the_message_back_and_logfmt_keeps_it_in_its_quotes() {
        let [_, logfmt, json] = all("say \"hi\"\\\n=", None);
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read["msg"], "say \"hi\"\\\n=");
        assert!(logfmt.ends_with(r#" msg="say \"hi\"\\\n=""#), "{logfmt}");
        let members = |line: &str| serde_json::from_str::<serde_json::Map<_, _>>(line).expect("JSON").len();
        assert_eq!(members(&all(FORGED, None)[2]), 4, "nothing breaks out");
        assert!(all("", None)[1].ends_with(" msg=\"\""));
    }
}
