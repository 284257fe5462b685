//! Mutated requests to the dispatcher: past the parser of HTTP, into every handler.

use crate::judge;
use crate::mutate::Mutator;
use crate::world::{World, basic};
use bytes::Bytes;
use grantd::web::request::Request;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rand::RngExt as _;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;

const PROFILES: [&str; 3] = ["default", "mokapen", "makecrypto"];
const REQUESTS: usize = 48_000;
/// Every so many a good request must be answered as ever.
const BETWEEN: usize = 500;

/// A request before it is known whether HTTP could even carry it.
#[derive(Clone)]
struct Shape {
    method: Vec<u8>,
    target: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method.escape_ascii(), self.target.escape_ascii())?;
        for (name, value) in &self.headers {
            writeln!(f, "{}: {}", name.escape_ascii(), value.escape_ascii())?;
        }
        write!(f, "\n{}", self.body.escape_ascii())
    }
}

impl Shape {
    fn new(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Self {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Self {
            method: bytes(method),
            target: bytes(target),
            headers: headers
                .iter()
                .map(|(name, value)| (bytes(name), bytes(value)))
                .collect(),
            body: bytes(body),
        }
    }

    /// `None` where HTTP cannot carry it.
    fn request(&self, peer: IpAddr) -> Option<Request> {
        let uri = Uri::try_from(self.target.as_slice()).ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
        }
        Some(Request {
            method: Method::from_bytes(&self.method).ok()?,
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            headers,
            body: Bytes::copy_from_slice(&self.body),
            unread: None,
            peer,
            id: "corpus".into(),
        })
    }
}

/// So many of the seeds, the first ones, carry a form.
const FORMS: usize = 9;

/// One good request for everything that is answered.
fn seeds(world: &World, token: &str) -> Vec<Shape> {
    let auth = world.basic();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let signed = [form, ("authorization", auth.as_str())];
    let own = format!("client_id={}&client_secret={}", world.client_id, world.client_secret);
    let organization = &world.organization;
    let noun = world.ctx.profile().noun.id_claim();
    let resource = &world.ctx.profile().default_resource().identifier;
    let post = |path: &str, body: &str| Shape::new("POST", path, &signed, body);
    let grant = "grant_type=client_credentials";
    let mut seeds = vec![
        post("/oauth/token", grant),
        post(
            "/oauth/token",
            &format!("{grant}&{noun}={organization}&resource={resource}"),
        ),
        post(
            "/oauth/token",
            &format!("{grant}&scope=tasks.read+contacts.read&organization_id={organization}"),
        ),
        Shape::new("POST", "/oauth/token", &[form], &format!("{grant}&{own}")),
        post(
            "/oauth/introspect",
            &format!("token={token}&token_type_hint=access_token"),
        ),
        Shape::new("POST", "/oauth/introspect", &[form], &format!("{own}&token={token}")),
        post("/oauth/revoke", "token=eyJhbGciOiJFZERTQSJ9.e30.AAAA"),
        post(
            "/oauth/par",
            "response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2F&state=0123456789abcdef",
        ),
        Shape::new(
            "POST",
            "/oauth/authorize",
            &[form],
            "client_id=x&response_type=code&state=0123456789abcdef",
        ),
        Shape::new("OPTIONS", "/oauth/token", &[("origin", "https://app.example")], ""),
    ];
    for path in [
        "/oauth/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/api",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-protected-resource/api",
        "/healthz",
        "/readyz",
        "/nothing?here=1",
    ] {
        seeds.push(Shape::new("GET", path, &[("accept", "*/*")], ""));
        seeds.push(Shape::new("HEAD", path, &[("origin", "null")], ""));
    }
    seeds
}

/// The secret where a careless client might put it: it must come back from nowhere.
fn misplaced(world: &World) -> Vec<Shape> {
    let secret = &world.client_secret;
    let swapped = basic(secret, &world.client_id);
    let raw = format!("Bearer {secret}");
    let (good, form) = (world.basic(), ("content-type", "application/x-www-form-urlencoded"));
    let grant = "grant_type=client_credentials";
    let mut shapes = vec![
        Shape::new("POST", "/oauth/token", &[form], &format!("{grant}&client_id={secret}")),
        Shape::new("POST", "/oauth/token", &[form, ("authorization", &swapped)], grant),
        Shape::new("POST", "/oauth/token", &[form, ("authorization", &raw)], grant),
        Shape::new("POST", &format!("/oauth/token?client_secret={secret}"), &[form], grant),
        Shape::new("GET", &format!("/oauth/token/{secret}"), &[], ""),
        Shape::new(
            "GET",
            &format!("/.well-known/oauth-protected-resource/{secret}"),
            &[],
            "",
        ),
    ];
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        for name in [
            "scope",
            "resource",
            "organization_id",
            "token",
            "token_type_hint",
            "grant_type",
            "client_id",
        ] {
            for more in ["", "&grant_type=client_credentials", "&token=x"] {
                let body = format!("{name}={secret}{more}");
                shapes.push(Shape::new("POST", path, &[form, ("authorization", &good)], &body));
            }
        }
    }
    shapes
}

fn mutated(mutator: &mut Mutator, seeds: &[Shape]) -> Shape {
    // Two of three to the endpoints that read a body: there is more to trip over.
    let forms = if mutator.chance(3) { seeds.len() } else { FORMS };
    let mut shape = mutator.pick(&seeds[..forms]).clone();
    let other = mutator.pick(seeds).clone();
    for _ in 0..mutator.random.random_range(1..=2) {
        match mutator.random.random_range(0..12) {
            0 => mutator.mutate(&mut shape.method, &other.method),
            1 => shape.method.clone_from(&other.method),
            2 => mutator.mutate(&mut shape.target, &other.target),
            3 => shape.target.clone_from(&other.target),
            4 => {
                let at = mutator.random.random_range(0..shape.headers.len());
                mutator.mutate(&mut shape.headers[at].1, &other.body);
            }
            5 => {
                let at = mutator.random.random_range(0..shape.headers.len());
                mutator.mutate(&mut shape.headers[at].0, &other.headers[0].0);
            }
            6 => shape.headers.extend(other.headers.clone()),
            7 => drop(shape.headers.pop()),
            8 => shape.body.clone_from(&other.body),
            _ => mutator.mutate(&mut shape.body, &other.body),
        }
        if shape.headers.is_empty() {
            shape.headers.push((b"accept".to_vec(), b"*/*".to_vec()));
        }
    }
    shape
}

/// Everything that is logged; read for what must never stand there.
struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("grantd") {
            self.0.lock().expect("no panic").push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

fn check_log(secrets: &[&str], shape: &Shape) {
    for line in LINES.0.lock().expect("no panic").drain(..) {
        assert!(
            !line.chars().any(char::is_control),
            "a line of the log was broken: {line:?} by {shape:?}"
        );
        assert!(
            !secrets.iter().any(|secret| line.contains(secret)),
            "the log tells a secret: {line:?} by {shape:?}"
        );
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_mutated_request_panics_or_is_the_servers_fault() {
    log::set_logger(&LINES).expect("the only logger");
    log::set_max_level(log::LevelFilter::Trace);
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for (seed, profile) in PROFILES.into_iter().enumerate() {
        let world = World::new(profile).await;
        let token = world.mint().await;
        let seeds = seeds(&world, &token);
        let secrets = [world.client_secret.as_str()];
        for (shape, n) in misplaced(&world).iter().zip(0..) {
            let request = shape
                .request(IpAddr::from([203, 0, 113, n]))
                .expect("HTTP can carry it");
            let response = world.service.answer(request).await;
            let text = std::str::from_utf8(&response.body).expect("bodies are UTF-8");
            judge::body(response.status.as_u16(), text, &secrets).unwrap_or_else(|why| panic!("{why}\n{shape:?}"));
            check_log(&secrets, shape);
        }
        let mut mutator = Mutator::new(seed as u64);
        let mut sent = 0;
        while sent < REQUESTS / PROFILES.len() {
            // Mostly strangers, so that failed credentials do not hide what lies behind them.
            let stranger = IpAddr::from(Ipv4Addr::from_bits(mutator.random.random()));
            let peer = if mutator.chance(4) {
                IpAddr::from([192, 0, 2, 1])
            } else {
                stranger
            };
            let shape = mutated(&mut mutator, &seeds);
            let Some(request) = shape.request(peer) else {
                continue;
            };
            sent += 1;
            let service = world.service.clone();
            let answered = tokio::spawn(async move { service.answer(request).await }).await;
            let response = answered.unwrap_or_else(|_| panic!("profile {profile}, request {sent}: {shape:?} panicked"));
            let status = response.status.as_u16();
            let text = std::str::from_utf8(&response.body).expect("bodies are UTF-8");
            if let Err(why) = judge::body(status, text, &secrets) {
                panic!("profile {profile}, request {sent}: {why}\n{shape:?}");
            }
            check_log(&secrets, &shape);
            *statuses.entry(status).or_default() += 1;
            if sent % BETWEEN == 0 {
                world.mint().await;
            }
        }
    }
    let total: usize = statuses.values().sum();
    println!("mutated requests in process: {total}, by status {statuses:?}");
    assert_eq!(total, REQUESTS);
    for status in [200, 400, 401, 404, 405, 429] {
        assert!(
            statuses.contains_key(&status),
            "the corpus reaches no {status}: {statuses:?}"
        );
    }
}
