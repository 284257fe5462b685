//! Thousands of payments told to many receivers by the real program, which is killed meanwhile: receivers that fail or
//! hang cost the others neither a message nor time. GRANTD_WEBHOOK_CAMPAIGN=1 makes it 10,000 payments to a
//! hundred, and compares how long the others wait; it takes minutes.

#[path = "webhook_campaign/crowd.rs"]
mod crowd;

use crate::http::{Answer, Http, connect};
use crate::program::{PATIENCE, Place, Running};
use crowd::{Crowd, Kind, Tally};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// How large a campaign is.
#[derive(Clone, Copy)]
struct Size {
    receivers: usize,
    events: usize,
    kills: usize,
}

/// Requests of the program at once.
const IN_FLIGHT_MAX: usize = 64;
/// Clients that make payments change, all at once.
const CLIENTS: usize = 8;
/// The profile, but it asks again soon.
const SOON: &str = "retry_after = [\"1s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \
                    \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \
                    \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\", \"2s\"]";

#[test]
fn receivers_that_fail_or_hang_cost_the_others_nothing_and_kills_lose_nothing() {
    let full = std::env::var_os("GRANTD_WEBHOOK_CAMPAIGN").is_some();
    let size = if full {
        Size {
            receivers: 100,
            events: 10_000,
            kills: 5,
        }
    } else {
        Size {
            receivers: 20,
            events: 200,
            kills: 2,
        }
    };
    let quiet = campaign(size, false);
    let bad = campaign(size, true);
    for (told, name) in [(&quiet, "all well"), (&bad, "a tenth failing, a tenth hanging")] {
        println!("webhook campaign, {name}: {told}");
        assert_eq!(told.lost, 0, "{name}");
        // What was on its way at a kill.
        assert!(told.repeated <= size.kills * IN_FLIGHT_MAX, "{name}: {told}");
        // A hundredth where that is more than one kill's share.
        assert!(!full || told.repeated * 100 <= told.events, "{name}: {told}");
    }
    // A ratio within one run, and only where there is enough to have a percentile of.
    if full {
        let (without, with) = (quiet.healthy_p99, bad.healthy_p99);
        println!("webhook campaign: p99 of healthy receivers {without:?} without bad ones, {with:?} with them");
        assert!(with <= without * 2, "{with:?} is more than twice {without:?}");
    }
}

/// The program, with an app that may make payment links.
struct World {
    place: Place,
    issuer: String,
    token: String,
}

impl World {
    fn make() -> (Self, Running) {
        let place = Place::new();
        let port = free_port();
        let issuer = format!("http://127.0.0.1:{port}");
        place.grantd(&["init"]).ok();
        let config = format!(
            "issuer = \"{issuer}\"\nlisten = [\"{issuer}\"]\nprofile = \"makecrypto\"\n[limits]\npushes_max = 100000\n"
        );
        std::fs::write(place.path("data/grantd.toml"), config).expect("written");
        let own = place.path("data/profiles/makecrypto");
        std::fs::create_dir_all(&own).expect("made");
        let profile = include_str!("../../data/profiles/makecrypto/profile.toml");
        let (before, rest) = profile
            .split_once("retry_after = [")
            .expect("the profile has a schedule");
        let behind = rest.split_once(']').expect("it ends").1;
        std::fs::write(own.join("profile.toml"), format!("{before}{SOON}{behind}")).expect("written");
        let organization = place.json(&["org", "create", "Acme"])["id"]
            .as_str()
            .expect("text")
            .to_owned();
        place.json(&["user", "add", "owner@example.com"]);
        place.json(&["org", "member", &organization, "owner@example.com", "--role", "owner"]);
        let app = [
            "app",
            "create",
            "Shop",
            "--organization",
            &organization,
            "--dedicated-user",
            "owner@example.com",
        ];
        let made = place.json(&app);
        let server = serve(&place);
        let token = place.json(&["token", "mint", made["client_id"].as_str().expect("an app")]);
        let token = token["access_token"].as_str().expect("a token").to_owned();
        (Self { place, issuer, token }, server)
    }

    fn api(&self, path: &str, body: &Value) -> Value {
        let (body, token) = (body.to_string(), &self.token);
        let request = format!(
            "POST /api/partner/v1/makepay/{path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut http = Http::over(connect(&self.issuer).expect("connected"));
        http.send(&request).expect("sent");
        let answer = http.answer().expect("answered");
        assert!((200..300).contains(&answer.status), "{answer:?}");
        answer.json()
    }

    /// A payment link that is told to this address.
    fn link(&self, url: &str) -> String {
        let payload = json!({ "amount": "20.00", "fiatCurrency": "USD", "webhookUrl": url, "expirationTime": "never" });
        let made = self.api("payment-links", &json!({ "payload": payload }));
        made["paymentLink"]["uid"].as_str().expect("an id").to_owned()
    }
}

fn serve(place: &Place) -> Running {
    let running = place.start(&["serve", "--data", &place.path("data").display().to_string()]);
    running.wait_for("is ready");
    running
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

fn campaign(size: Size, with_bad: bool) -> Tally {
    let crowd = Crowd::up(size.receivers, |number| match number % 10 {
        3 if with_bad => Kind::Failing,
        7 if with_bad => Kind::Hanging,
        _ => Kind::Healthy,
    });
    let (world, mut server) = World::make();
    let links: Vec<String> = (0..size.receivers)
        .map(|number| world.link(&crowd.url(number)))
        .collect();
    let (done, wanted) = (Arc::new(AtomicUsize::new(0)), size.events);
    let links = Arc::new(Mutex::new(links.into_iter().enumerate().collect::<Vec<_>>()));
    let workers: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (issuer, links, done) = (world.issuer.clone(), links.clone(), done.clone());
            let each = wanted / size.receivers;
            std::thread::spawn(move || pay_all(&issuer, &links, each, &done))
        })
        .collect();
    for kill in 1..=size.kills {
        let until = wanted * kill / (size.kills + 1);
        while done.load(Ordering::Relaxed) < until {
            std::thread::yield_now();
        }
        let log = server.kill();
        assert!(!log.contains("panic"), "{log}");
        server = serve(&world.place);
    }
    let mut expected = BTreeSet::new();
    for worker in workers {
        expected.extend(worker.join().expect("a client saw something wrong"));
    }
    crowd.heal();
    crowd.wait_for(&expected, PATIENCE * 3);
    let (status, log) = server.terminate();
    assert_eq!(status.code(), Some(0), "{log}");
    crowd.tally(&expected)
}

/// Takes link after link, and begins and cancels payments: each change is one event, named by link, session and status.
fn pay_all(
    issuer: &str,
    links: &Mutex<Vec<(usize, String)>>,
    each: usize,
    done: &AtomicUsize,
) -> BTreeSet<(usize, usize)> {
    let mut expected = BTreeSet::new();
    let mut http = None;
    loop {
        let Some((number, uid)) = links.lock().expect("unpoisoned").pop() else {
            return expected;
        };
        for event in 0..each {
            let (path, form) = if event % 2 == 0 {
                ("start", "")
            } else {
                ("session", "status=cancelled")
            };
            change(issuer, &mut http, &format!("/payment/{uid}/{path}"), form);
            expected.insert((number, event));
            done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Until it is answered: while the program is being killed and started nobody answers. Done twice it changes nothing.
fn change(issuer: &str, http: &mut Option<Http>, path: &str, form: &str) {
    let began = Instant::now(); // allowed: a bound on waiting for a real program
    loop {
        match changed(issuer, http, path, form) {
            Ok(answer) => {
                assert_eq!(answer.status, 303, "{answer:?}");
                return;
            }
            Err(error) => {
                *http = None;
                assert!(began.elapsed() < PATIENCE, "{path}: {error}");
                std::thread::yield_now();
            }
        }
    }
}

fn changed(issuer: &str, http: &mut Option<Http>, path: &str, form: &str) -> io::Result<Answer> {
    if http.is_none() {
        *http = Some(Http::connect(issuer)?);
    }
    let http = http.as_mut().expect("it was just put there");
    let length = form.len();
    http.send(&format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {length}\r\n\r\n{form}"
    ))?;
    http.answer()
}
