//! `grantd webhook`: what a receiver tries on its own machine.

use crate::http::{Http, connect};
use crate::program::Place;
use crate::webhooks::call;
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const SECRET: &str = "grantd_whsec_campaign";

fn now() -> u64 {
    let now = SystemTime::now(); // allowed: the program compares with the machine's clock
    now.duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// By another implementation than the program's own.
fn signature(secret: &str, at: u64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at}.{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at},v1={hex}")
}

#[test]
fn verify_says_with_its_exit_code_whether_a_body_is_what_was_signed() {
    let place = Place::new();
    std::fs::write(place.path("secret"), format!("{SECRET}\n")).expect("written");
    let file = place.path("secret").display().to_string();
    let verify = |signature: &str, body: &str, more: &[&str]| {
        let mut args = vec!["webhook", "verify", "--signature", signature, "--secret-file", &file];
        args.extend(more);
        place.run_with(&args, body)
    };
    let (at, body) = (now(), "{\"a\":\"é\"}\n");
    let good = signature(SECRET, at, body);
    verify(&good, body, &[]).ok();
    let told = place
        .run_with(
            &[
                "--json",
                "webhook",
                "verify",
                "--signature",
                &good,
                "--secret-file",
                &file,
            ],
            body,
        )
        .json();
    assert_eq!(told["verified"], true);
    let changed = verify(&good, "{\"a\":\"e\"}\n", &[]).refused(1);
    assert!(changed.contains("not of this body"), "{changed}");
    let other = verify(&signature("grantd_whsec_old", at, body), body, &[]).refused(1);
    assert!(
        other.contains("not of this body and secret") && !other.contains(SECRET),
        "{other}"
    );
    let old = signature(SECRET, at - 1000, body);
    assert!(verify(&old, body, &[]).refused(1).contains("too old"));
    verify(&old, body, &["--tolerance-s", "2000"]).ok();
    assert!(verify("v1=00", body, &[]).refused(1).contains("t=SECONDS,v1=HEX"));
    let none = place
        .run_with(&["webhook", "verify", "--signature", &good], body)
        .refused(1);
    assert!(none.contains("GRANTD_WEBHOOK_SECRET"), "{none}");
    let mut by_variable = place.command(&["webhook", "verify", "--signature", &good]);
    by_variable.env("GRANTD_WEBHOOK_SECRET", SECRET);
    assert!(place.run_command(by_variable, body).ok().stdout.contains("verified"));
}

#[test]
fn listen_prints_what_the_server_sent_and_refuses_what_it_did_not() {
    let place = Place::new();
    let data = place.path("demo").display().to_string();
    let mut server = place.start(&["demo", "--http", "--json", "--listen", "127.0.0.1:0", "--data", &data]);
    let facts = server.json_line();
    let (issuer, token) = (facts["issuer"].as_str().unwrap(), facts["pat"].as_str().unwrap());
    let hooks = format!("/apps/{}/webhooks", facts["private_app"]["client_id"].as_str().unwrap());
    let wanted = json!({ "label": "local", "url": "http://127.0.0.1:9000/" });
    let made = call(issuer, token, "POST", &hooks, &wanted);
    std::fs::write(place.path("secret"), made["secret"].as_str().unwrap()).expect("written");
    let file = place.path("secret").display().to_string();
    let listen = ["webhook", "listen", "--listen", "127.0.0.1:0", "--secret-file", &file];
    let mut listening = place.start(&[&["--json"], &listen[..]].concat());
    let address = listening.json_line()["listening"].as_str().unwrap().to_owned();
    let hook = format!("{hooks}/{}", made["webhook"]["id"].as_str().unwrap());
    call(
        issuer,
        token,
        "PATCH",
        &hook,
        &json!({ "url": format!("{address}/hooks") }),
    );
    call(issuer, token, "POST", &format!("{hook}/test"), &json!({}));
    let told = listening.json_line();
    assert_eq!(
        (&told["verified"], &told["path"], &told["body"]["type"]),
        (&json!(true), &json!("/hooks"), &json!("webhook.test"))
    );
    let body = "{\"forged\":true}";
    let forged = format!(
        "POST /hooks HTTP/1.1\r\nHost: test\r\nX-Webhook-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
        signature("another", now(), body),
        body.len()
    );
    let mut http = Http::over(connect(&address).expect("connected"));
    http.send(&forged).expect("sent");
    assert_eq!(http.answer().expect("answered").status, 401);
    let told = listening.json_line();
    assert_eq!(
        (&told["verified"], &told["body"]),
        (&json!(false), &Value::Null),
        "nothing of it is shown"
    );
    let (status, log) = listening.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    let everywhere = ["webhook", "listen", "--listen", "0.0.0.0:0", "--secret-file", &file];
    assert!(place.run(&everywhere).refused(1).contains("loopback"));
}
