//! The first byte of every main page of the portal, against the time that one password takes: whoever signed in has
//! waited for the one, and should not notice the other.
//!
//! `grantd demo` on its own core, one browser's connection kept open, one page after the other.

use crate::process::{SERVER_CORE, Server, needs_two_cores};
use crate::web::form;
use crate::{Report, median, middle_ratio};
use grantd::base::password;
use grantd::base::random::SystemRandom;
use grantd::base::secret::Secret;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const ROUNDS: usize = 15;
const RATIO_MAX: f64 = 0.1;
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Who looks, and at what: `ORGANIZATION` and `APP` stand for those of the demo.
const PAGES: [(&str, &[&str]); 3] = [
    (
        "",
        &[
            "/login",
            "/access-requests/new",
            "/docs",
            "/docs/authentication",
            "/docs/organizations",
            "/docs/scopes",
            "/docs/routes",
            "/docs/webhooks",
            "/docs/errors",
            "/docs/api",
        ],
    ),
    (
        "owner",
        &[
            "/account",
            "/account/tokens",
            "/account/tokens/new",
            "/developer",
            "/developer/apps/new?kind=public",
            "/developer/apps/APP",
            "/developer/apps/APP/details",
            "/developer/apps/APP/scopes",
            "/developer/apps/APP/credentials",
            "/developer/apps/APP/webhooks",
            "/developer/apps/APP/failures",
            "/developer/apps/APP/team",
            "/developer/apps/APP/history",
            "/developer/apps/APP/consent",
            "/organizations",
            "/organizations/ORGANIZATION",
            "/organizations/ORGANIZATION/members",
            "/organizations/ORGANIZATION/apps",
            "/organizations/ORGANIZATION/policy",
            "/organizations/ORGANIZATION/tokens",
            "/organizations/ORGANIZATION/audit",
        ],
    ),
    (
        "administrator",
        &[
            "/admin",
            "/admin/reviews",
            "/admin/apps",
            "/admin/apps/APP",
            "/admin/people",
            "/admin/access-requests",
        ],
    ),
];

/// One browser: a connection, and a cookie once it has one.
struct Browser {
    host: String,
    stream: BufReader<TcpStream>,
    cookie: String,
}

struct Answer {
    status: String,
    cookie: Option<String>,
    body: String,
    first_byte: Duration,
}

struct Page {
    browser: usize,
    path: String,
    seconds: Vec<f64>,
}

pub fn run() -> Result<Report, String> {
    needs_two_cores()?;
    let program = env!("CARGO_BIN_EXE_grantd");
    let args = ["demo", "--json", "--http", "--listen", "127.0.0.1:0"];
    let server = Server::start(SERVER_CORE, program, &args, "")?;
    let facts: Value = serde_json::from_str(&server.ready).map_err(|e| e.to_string())?;
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (organization, app) = (
        text(&facts["organization"]["id"]),
        text(&facts["public_app"]["client_id"]),
    );
    let (mut browsers, mut pages) = (Vec::new(), Vec::new());
    for (at, (who, paths)) in PAGES.into_iter().enumerate() {
        let mut browser = Browser::open(&text(&facts["issuer"]))?;
        if !who.is_empty() {
            browser.sign_in(&text(&facts[who]["email"]), &text(&facts[who]["password"]))?;
        }
        browsers.push(browser);
        pages.extend(paths.iter().map(|path| Page {
            browser: at,
            path: path.replace("ORGANIZATION", &organization).replace("APP", &app),
            seconds: Vec::new(),
        }));
    }
    let secret = Secret::new("a password of the usual length");
    let mut hashes = Vec::new();
    // The first round counts for nothing.
    for round in 0..=ROUNDS {
        let started = Instant::now();
        std::hint::black_box(password::hash(&secret, &SystemRandom));
        let hash = started.elapsed().as_secs_f64();
        for page in &mut pages {
            let answer = browsers[page.browser].get(&page.path)?;
            if answer.status != "200" {
                return Err(format!("{} answered {}", page.path, answer.status));
            }
            if round > 0 {
                page.seconds.push(answer.first_byte.as_secs_f64());
            }
        }
        if round > 0 {
            hashes.push(hash);
        }
    }
    report(&pages, &hashes, [&organization, &app])
}

fn report(pages: &[Page], hashes: &[f64], [organization, app]: [&str; 2]) -> Result<Report, String> {
    let ratios = pages.iter().map(|page| (middle_ratio(&page.seconds, hashes), page));
    let worst = ratios.max_by(|(a, _), (b, _)| a.total_cmp(b));
    let (ratio, worst) = worst.ok_or("there are no pages")?;
    let path = worst.path.replace(organization, "ORGANIZATION").replace(app, "APP");
    let text = format!(
        "pages ratio={ratio:.3} (first byte {:.2} ms, password hash {:.1} ms; the worst of {} pages is {path}, \
         runs {ROUNDS})",
        median(worst.seconds.iter().copied()) * 1e3,
        median(hashes.iter().copied()) * 1e3,
        pages.len(),
    );
    Ok(Report::line(text, &format!("<= {RATIO_MAX:.2}"), ratio <= RATIO_MAX))
}

impl Browser {
    fn open(issuer: &str) -> Result<Self, String> {
        let host = issuer.strip_prefix("http://").ok_or("the demo speaks no plain http")?;
        let stream = TcpStream::connect(host).map_err(|e| format!("{host}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(ANSWER_MAX)).map_err(|e| e.to_string())?;
        Ok(Self {
            host: host.to_owned(),
            stream: BufReader::new(stream),
            cookie: String::new(),
        })
    }

    fn sign_in(&mut self, email: &str, password: &str) -> Result<(), String> {
        let page = self.get("/login")?;
        let csrf = page
            .body
            .split_once("name=\"csrf\" value=\"")
            .and_then(|(_, rest)| rest.split('"').next())
            .ok_or("the sign-in page has no csrf field")?;
        let body = form(&[("csrf", csrf), ("email", email), ("password", password)]);
        self.cookie = page.cookie.ok_or("the sign-in page sets no cookie")?;
        let answer = self.send("POST", "/login", &body)?;
        self.cookie = answer
            .cookie
            .ok_or_else(|| format!("{email} cannot sign in: {}", answer.status))?;
        Ok(())
    }

    fn get(&mut self, path: &str) -> Result<Answer, String> {
        self.send("GET", path, "")
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> Result<Answer, String> {
        let (host, cookie, length) = (&self.host, &self.cookie, body.len());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\naccept: text/html\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let started = Instant::now();
        let stream = &mut self.stream;
        let broken = |why: std::io::Error| format!("{path}: {why}");
        stream.get_mut().write_all(request.as_bytes()).map_err(broken)?;
        stream.fill_buf().map_err(broken)?;
        let first_byte = started.elapsed();
        let (mut head, mut line) = (Vec::new(), String::new());
        while stream.read_line(&mut line).map_err(broken)? > 2 {
            head.push(line.trim_end().to_owned());
            line.clear();
        }
        let value = |name: &str| {
            let mut fields = head.iter().filter_map(|field| field.split_once(':'));
            fields
                .find(|(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        let length = value("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.ok_or_else(|| format!("{path} was answered without a length"))?];
        stream.read_exact(&mut body).map_err(broken)?;
        Ok(Answer {
            status: head
                .first()
                .and_then(|line| line.split(' ').nth(1))
                .unwrap_or_default()
                .to_owned(),
            cookie: value("set-cookie")
                .and_then(|cookie| cookie.split(';').next())
                .map(str::to_owned),
            body: String::from_utf8_lossy(&body).into_owned(),
            first_byte,
        })
    }
}
