//! `grantd selftest --url`: whether a server that runs is what it should be, as its clients reach it: through its
//! real proxy, with its real certificate. What is refused leaves nothing behind; with credentials a token is made and
//! revoked.

mod refused;
mod told;

use super::arguments::looking::Selftest;
use super::output::Output;
use super::{Failure, check, command, start};
use crate::base::time::Stopwatch;
use crate::config::Issuer;
use crate::web::client::Client;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, Method, Request, Response};
use serde_json::{Value, json};
use std::future::Future;

const METADATA: &str = "/.well-known/oauth-authorization-server";
const SECRET_VARIABLE: &str = "GRANTD_CLIENT_SECRET";
const FORM: (HeaderName, &str) = (CONTENT_TYPE, "application/x-www-form-urlencoded");
/// What came of one check: a few words, or a sentence that says what is wrong.
type Came = Result<String, String>;

struct Deployment {
    issuer: Issuer,
    client: Client,
    metadata: Value,
}

struct Step {
    name: &'static str,
    came: Came,
    ms: f64,
}

pub fn run(asked: &Selftest, output: &Output) -> Result<(), Failure> {
    let issuer: Issuer = asked
        .url
        .parse()
        .map_err(|why| format!("--url is {:?}, which {why}", asked.url))?;
    let credentials = credentials(asked)?;
    let client = match &asked.ca {
        Some(file) => Client::new(Some(file)),
        None if issuer.is_https() => Client::of_system(None),
        None => Client::new(None),
    }?;
    let deployment = Deployment {
        issuer,
        client,
        metadata: Value::Null,
    };
    let steps = start::block_on(async { Ok(walk(deployment, credentials.as_ref(), asked).await) })?;
    let failed = steps.iter().filter(|step| step.came.is_err()).count();
    if output.json {
        let told: Vec<Value> = steps.iter().map(tell).collect();
        output.answer(&json!({ "ok": failed == 0, "failed": failed, "issuer": asked.url, "checks": told }));
    } else {
        output.text(&steps.iter().map(line).collect::<String>());
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::from(format!("{failed} of {} checks failed", steps.len())))
}

fn tell(step: &Step) -> Value {
    let (ok, what) = match &step.came {
        Ok(what) => (true, what),
        Err(why) => (false, why),
    };
    json!({ "check": step.name, "ok": ok, "what": what, "ms": step.ms })
}

fn line(step: &Step) -> String {
    let (mark, what) = match &step.came {
        Ok(what) => ("ok  ", what),
        Err(why) => ("FAIL", why),
    };
    format!(
        "{mark}  {:<22} {:>8.2} ms  {}\n",
        step.name,
        step.ms,
        super::output::visible(what)
    )
}

/// A secret never stands on the command line, where others read it.
fn credentials(asked: &Selftest) -> Result<Option<(String, String)>, String> {
    let Some(id) = &asked.client_id else { return Ok(None) };
    let secret = match (&asked.client_secret_file, std::env::var(SECRET_VARIABLE)) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file).map_err(|e| format!("{} cannot be read: {e}", file.display()))?;
            text.trim().to_owned()
        }
        (None, Ok(secret)) => secret,
        (None, Err(_)) => command::read_line("the app's secret")?,
    };
    Ok(Some((id.clone(), secret)))
}

async fn walk(mut it: Deployment, credentials: Option<&(String, String)>, asked: &Selftest) -> Vec<Step> {
    let mut steps = Vec::new();
    let watch = Stopwatch::start();
    let came = it.discover().await;
    let reached = came.is_ok();
    steps.push(step("discovery", came, &watch));
    if !reached {
        // Nothing that follows would say more.
        return steps;
    }
    let it = &it;
    note(&mut steps, "metadata", async { it.consistent() }).await;
    note(&mut steps, "aliases", it.aliases()).await;
    note(&mut steps, "keys", it.keys()).await;
    note(&mut steps, "health", it.health()).await;
    note(&mut steps, "page headers", it.page_headers()).await;
    note(&mut steps, "forwarded host", it.forwarded()).await;
    note(&mut steps, "wrong client", it.wrong_client()).await;
    note(&mut steps, "two credentials", it.two_credentials()).await;
    note(&mut steps, "wrong token", it.wrong_token()).await;
    note(&mut steps, "wrong method", it.wrong_method()).await;
    note(&mut steps, "wrong type", it.wrong_type()).await;
    note(&mut steps, "unknown path", it.unknown_path()).await;
    note(&mut steps, "large header", it.large_header()).await;
    note(&mut steps, "large body", it.large_body()).await;
    note(&mut steps, "metrics", it.metrics()).await;
    if let Some((id, secret)) = credentials {
        note(
            &mut steps,
            "mint to revoke",
            it.whole_life(id, secret, asked.organization.as_deref()),
        )
        .await;
    }
    steps
}

async fn note(steps: &mut Vec<Step>, name: &'static str, check: impl Future<Output = Came>) {
    let watch = Stopwatch::start();
    let came = check.await;
    steps.push(step(name, came, &watch));
}

fn step(name: &'static str, came: Came, watch: &Stopwatch) -> Step {
    let ms = watch.elapsed().as_secs_f64() * 1000.0;
    Step { name, came, ms }
}

impl Deployment {
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Bytes>, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.issuer));
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(Bytes::from(body)).map_err(|e| e.to_string())?;
        self.client.send(request).await
    }

    async fn get(&self, path: &str) -> Result<Response<Bytes>, String> {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    async fn post(&self, path: &str, headers: &[(HeaderName, &str)], form: &str) -> Result<Response<Bytes>, String> {
        let headers: Vec<_> = [FORM].iter().chain(headers).cloned().collect();
        self.send(Method::POST, path, &headers, form.as_bytes().to_vec()).await
    }

    async fn whole_life(&self, id: &str, secret: &str, organization: Option<&str>) -> Came {
        let organization = match organization.map(|text| text.split_once('=')) {
            Some(Some((name, value))) => Some((name, value.to_owned())),
            Some(None) => return Err("--organization is NAME=VALUE, such as organization_id=849.".to_owned()),
            None => None,
        };
        let subject = check::Subject {
            issuer: self.issuer.as_str(),
            client_id: id,
            client_secret: secret,
            organization,
        };
        let steps = check::run(&self.client, &subject).await?;
        let names: Vec<&str> = steps.iter().map(|(name, _)| *name).collect();
        Ok(names.join(", "))
    }
}
