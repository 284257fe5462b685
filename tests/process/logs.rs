//! What the real program logs, in each form: one line for each record, with the id of its request.

use crate::http::Http;
use crate::program::Place;
use serde_json::Value;

/// Everything logged while somebody tried to write lines of their own.
fn logged(format: &str) -> (String, String) {
    let place = Place::new();
    let data = place.path("data").display().to_string();
    place.grantd(&["init"]).ok();
    let settings = format!(
        "issuer = \"http://127.0.0.1:8443\"\nlisten = [\"http://127.0.0.1:0\"]\n[log]\nformat = \"{format}\"\nlevel = \
         \"debug\"\n"
    );
    std::fs::write(place.path("data/grantd.toml"), settings).expect("written");
    let running = place.start(&["serve", "--data", &data]);
    let at = running.wait_for("listening on ");
    running.wait_for("is ready");
    let at: String = at
        .chars()
        .take_while(|c| c.is_ascii_digit() || ".:".contains(*c))
        .collect();
    let mut http = Http::connect(&at).expect("connected");
    let form = "grant_type=client_credentials&client_secret=hush-hush-hush&client_id=\
                a%0Ats%3D1%20level%3Derror%20msg%3Dforged%0D%0A%7B%22level%22%3A%22error%22%7D";
    let length = form.len();
    http.send(&format!(
        "POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: \
         {length}\r\n\r\n{form}"
    ))
    .expect("sent");
    let answer = http.answer().expect("answered");
    let id = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .expect("an id")
        .to_owned();
    let (status, log) = running.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("hush-hush"), "{log}");
    (log, id)
}

#[test]
fn a_line_of_json_is_one_record_and_says_which_request_it_was_about() {
    let (log, id) = logged("json");
    let mut found = 0;
    for line in log.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for member in ["ts", "level", "target", "msg"] {
            assert!(record[member].is_string(), "{member}: {line}");
        }
        assert_ne!(record["level"], "error", "{line}");
        found += usize::from(record["request"] == id.as_str());
    }
    assert!(found > 0, "no record of {id} in {log}");
}

#[test]
fn a_line_of_logfmt_is_one_record_and_says_which_request_it_was_about() {
    let (log, id) = logged("logfmt");
    for line in log.lines() {
        assert!(
            line.starts_with("ts=2") && line.contains(" level=") && line.contains(" msg="),
            "{line}"
        );
        assert!(!line.contains(" level=error"), "{line}");
    }
    assert!(
        log.contains(&format!(" request={id} msg=")),
        "no record of {id} in {log}"
    );
}

#[test]
fn a_line_of_text_is_one_record() {
    let (log, id) = logged("text");
    for line in log.lines() {
        assert!(line.starts_with('['), "{line}");
    }
    assert!(log.contains(&id), "no record of {id} in {log}");
}
