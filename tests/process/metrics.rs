//! Metrics of the real program: on a listener of their own, and nowhere else.

use crate::http::Http;
use crate::program::{PATIENCE, Place, Running};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;

/// A port that nobody has now.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

/// The addresses of the server and of its metrics.
fn serve(place: &Place) -> (Running, String, String) {
    let data = place.path("data").display().to_string();
    place.grantd(&["init"]).ok();
    let port = port();
    let settings = format!(
        "issuer = \"http://127.0.0.1:{port}\"\nlisten = [\"http://127.0.0.1:{port}\"]\n[metrics]\nlisten = \
         \"http://127.0.0.1:0\"\n"
    );
    std::fs::write(place.path("data/grantd.toml"), settings).expect("written");
    let running = place.start(&["serve", "--data", &data]);
    let metrics = running.wait_for("metrics are at http://");
    running.wait_for("is ready");
    let metrics = metrics.trim_end_matches("/metrics").to_owned();
    (running, format!("127.0.0.1:{port}"), metrics)
}

fn get(at: &str, path: &str) -> (u16, String) {
    let mut http = Http::connect(at).expect("connected");
    let text = format!("GET {path} HTTP/1.1\r\nHost: {at}\r\nAccept: application/openmetrics-text\r\n\r\n");
    http.send(&text).expect("sent");
    let answer = http.answer().expect("answered");
    (answer.status, answer.body)
}

fn number(text: &str, sample: &str) -> f64 {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("no {sample} in\n{text}"))
        .parse()
        .expect("a number")
}

#[test]
fn the_program_tells_of_its_store_its_memory_and_its_connections_apart_from_what_others_reach() {
    let place = Place::new();
    let (running, server, metrics) = serve(&place);
    assert_eq!(get(&server, "/metrics").0, 404, "where everybody comes");
    let (status, text) = get(&metrics, "/metrics");
    assert_eq!(status, 200, "{text}");
    for sample in [
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_start_time_seconds",
        "grantd_disk_free_bytes",
        "grantd_store_commits_total",
        "grantd_store_journal_bytes",
        "grantd_store_size_bytes",
        "grantd_store_sync_seconds_count",
        "grantd_store_group_commits_sum",
        "grantd_connections_accepted_total",
    ] {
        assert!(number(&text, sample) > 0.0, "{sample} in\n{text}");
    }
    assert_eq!(number(&text, "grantd_store_full"), 0.0);
    let (commits, groups) = ("grantd_store_commits_total", "grantd_store_group_commits_sum");
    assert_eq!(
        number(&text, commits),
        number(&text, groups),
        "each commit is in one group"
    );
    assert_eq!(get(&metrics, "/oauth/jwks.json").0, 404, "nothing else is there");
    let mut http = Http::connect(&server).expect("connected");
    http.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").expect("sent");
    assert_eq!(http.answer().expect("answered").status, 400);
    let (_, text) = get(&metrics, "/metrics");
    assert_eq!(number(&text, "grantd_refused_total{reason=\"malformed\"}"), 1.0);
    assert_eq!(
        number(
            &text,
            "grantd_requests_total{endpoint=\"unknown\",outcome=\"client_error\"}"
        ),
        1.0
    );
    assert_eq!(running.terminate().0.code(), Some(0));
}

/// The words of a text that are names of metrics, by their look.
fn names(text: &str) -> BTreeSet<&str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let named = text.split(|c| !word(c)).filter(|word| {
        ["grantd_", "process_"].iter().any(|start| word.starts_with(start)) && word.contains(char::is_alphabetic)
    });
    named.collect()
}

#[test]
fn the_dashboard_and_the_documentation_name_metrics_that_are_told_and_the_documentation_all_of_them() {
    let place = Place::new();
    let (running, _, metrics) = serve(&place);
    // What is told once the jobs have run.
    let chained = "grantd_audit_chained_timestamp_seconds ";
    let begun = Instant::now();
    let text = loop {
        let (_, text) = get(&metrics, "/metrics");
        if text.lines().any(|line| line.starts_with(chained)) {
            break text;
        }
        assert!(begun.elapsed() < PATIENCE, "no {chained} in\n{text}");
    };
    running.terminate();
    let samples: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();
    // Without a certificate, with nothing that waits, and without [backup].
    let absent = [
        "grantd_backup_made_timestamp_seconds",
        "grantd_backup_shipped_timestamp_seconds",
        "grantd_certificate_begins_timestamp_seconds",
        "grantd_certificate_ends_timestamp_seconds",
        "grantd_queue_due_timestamp_seconds",
    ];
    for name in absent {
        let family = format!("# TYPE {name} gauge\n");
        assert!(text.contains(&family), "{name} is not told at all");
    }
    // With [acme] alone: tests/process/acme asks for them.
    let elsewhere = [
        "grantd_certificate_failing",
        "grantd_certificate_next_timestamp_seconds",
        "grantd_certificate_orders_total",
    ];
    let known = |name: &str| samples.contains(name) || absent.contains(&name) || elsewhere.contains(&name);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("read");
    let dashboard = read("contrib/grafana-dashboard.json");
    serde_json::from_str::<serde_json::Value>(&dashboard).expect("JSON");
    let used = names(&dashboard);
    assert!(used.len() > 20, "{used:?}");
    for name in &used {
        assert!(known(name), "the dashboard asks for {name}, which nobody tells");
    }
    let documented = read("docs/operations.md");
    let (_, chapter) = documented.split_once("\n## Watching\n").expect("the chapter is there");
    let documented = names(chapter.split("\n## ").next().expect("there is a first part"));
    let whole = |name: &str| {
        let ends = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        ends.unwrap_or(name).to_owned()
    };
    for name in samples.iter().copied().chain(absent).chain(elsewhere) {
        assert!(
            documented.contains(whole(name).as_str()),
            "docs/operations.md does not name {name}"
        );
    }
    for name in documented {
        let of_histogram = samples.contains(format!("{name}_bucket").as_str());
        assert!(
            known(name) || of_histogram,
            "docs/operations.md names {name}, which nobody tells"
        );
    }
}
