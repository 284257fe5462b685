//! `grantd selftest --url`: whether a server that runs is what it should be, as its clients reach it: through its real
//! proxy, with its real certificate. What is refused leaves nothing behind; with credentials a token is made and revoked.

use super::arguments::looking::Selftest;
use super::output::Output;
use super::{Failure, check, command, start};
use crate::base::time::Stopwatch;
use crate::config::Issuer;
use crate::web::client::Client;
use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::future::Future;

const METADATA: &str = "/.well-known/oauth-authorization-server";
const SECRET_VARIABLE: &str = "GRANTD_CLIENT_SECRET";
const FORM: (HeaderName, &str) = (CONTENT_TYPE, "application/x-www-form-urlencoded");
/// Members of a JWK that only its owner may have (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

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
        None if issuer.is_https() => Client::of_system(),
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

    /// RFC 8414 §3.3: the metadata must be of the issuer it was asked for at. TLS was verified on the way.
    async fn discover(&mut self) -> Came {
        self.metadata = object(&self.get(METADATA).await?)?;
        match self.metadata["issuer"].as_str() {
            Some(issuer) if issuer == self.issuer.as_str() => Ok(format!("it is {issuer}")),
            other => Err(format!(
                "The server calls itself {}, and clients compare that byte for byte: correct `issuer`, or ask there.",
                other.unwrap_or("nothing")
            )),
        }
    }

    fn consistent(&self) -> Came {
        let issuer = self.issuer.as_str();
        let members = self.metadata.as_object().ok_or("The metadata is no object.")?;
        let addresses = members
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri");
        let mut count = 0;
        for (name, address) in addresses {
            let own = address.as_str().and_then(|address| address.strip_prefix(issuer));
            if !own.is_some_and(|path| path.starts_with('/')) {
                return Err(format!("{name} is {address}, which is not below {issuer}."));
            }
            count += 1;
        }
        for name in [
            "token_endpoint",
            "authorization_endpoint",
            "jwks_uri",
            "revocation_endpoint",
        ] {
            if !members.contains_key(name) {
                return Err(format!("{name} is missing."));
            }
        }
        let methods = self.metadata["code_challenge_methods_supported"].as_array();
        if methods.is_none_or(|methods| methods.as_slice() != [json!("S256")]) {
            return Err("code_challenge_methods_supported is not exactly S256 (RFC 7636).".to_owned());
        }
        Ok(format!("{count} addresses, all of this issuer"))
    }

    async fn aliases(&self) -> Came {
        let other = object(&self.get("/.well-known/openid-configuration").await?)?;
        if other != self.metadata {
            return Err("/.well-known/openid-configuration says something else.".to_owned());
        }
        let resource = object(&self.get("/.well-known/oauth-protected-resource").await?)?;
        let servers = resource["authorization_servers"].as_array();
        if servers.is_none_or(|servers| !servers.contains(&json!(self.issuer.as_str()))) {
            return Err("The metadata of the API does not name this issuer (RFC 9728).".to_owned());
        }
        Ok("both forms and the API's say the same".to_owned())
    }

    async fn keys(&self) -> Came {
        let at = self.metadata["jwks_uri"].as_str().unwrap_or_default();
        let path = at.strip_prefix(self.issuer.as_str()).unwrap_or_default();
        let set = object(&self.get(path).await?)?;
        let keys = set["keys"]
            .as_array()
            .filter(|keys| !keys.is_empty())
            .ok_or("There is no key.")?;
        for key in keys {
            if let Some(member) = PRIVATE.iter().find(|member| key.get(**member).is_some()) {
                return Err(format!("A key shows its private member {member}: revoke it at once."));
            }
            if ["kid", "kty", "alg"].iter().any(|member| !key[*member].is_string()) {
                return Err("A key lacks kid, kty or alg.".to_owned());
            }
        }
        Ok(format!("{} keys, public alone", keys.len()))
    }

    async fn health(&self) -> Came {
        for path in ["/healthz", "/readyz"] {
            let answer = self.get(path).await?;
            if answer.status() != 200 {
                return Err(format!("{path} answers {}: look at the log.", answer.status()));
            }
            if !answer.headers().contains_key("x-request-id") {
                return Err("Answers bear no x-request-id: does the proxy take headers away?".to_owned());
            }
        }
        Ok("ready".to_owned())
    }

    /// RFC 9700 §4.16, RFC 6797.
    async fn page_headers(&self) -> Came {
        let page = self.get("/login").await?;
        if page.status() != 200 {
            return Err(format!("/login answers {}.", page.status()));
        }
        let wanted = [
            CONTENT_SECURITY_POLICY,
            X_CONTENT_TYPE_OPTIONS,
            X_FRAME_OPTIONS,
            CACHE_CONTROL,
        ];
        let https = self.issuer.is_https().then_some(STRICT_TRANSPORT_SECURITY);
        for name in wanted.into_iter().chain(https) {
            match page.headers().get_all(&name).iter().count() {
                0 => return Err(format!("The sign-in page has no {name}: does the proxy take it away?")),
                1 => {}
                _ => {
                    return Err(format!(
                        "The sign-in page has {name} twice: does the proxy add its own?"
                    ));
                }
            }
        }
        let cookies: Vec<_> = page.headers().get_all("set-cookie").iter().collect();
        let secure = cookies
            .iter()
            .all(|cookie| cookie.to_str().is_ok_and(|text| text.contains("; Secure")));
        if self.issuer.is_https() && !secure {
            return Err("A cookie is not Secure.".to_owned());
        }
        Ok("all there, once each".to_owned())
    }

    /// What names somebody else must change nothing of what is told (and cached) for everybody.
    async fn forwarded(&self) -> Came {
        let evil = [
            (HeaderName::from_static("x-forwarded-host"), "evil.example"),
            (HeaderName::from_static("x-forwarded-proto"), "http"),
            (HeaderName::from_static("forwarded"), "host=evil.example;proto=http"),
        ];
        let told = self.send(Method::GET, METADATA, &evil, Vec::new()).await?;
        if object(&told)? != self.metadata {
            return Err("The metadata changes with X-Forwarded-Host or Forwarded.".to_owned());
        }
        Ok("changes nothing".to_owned())
    }

    /// RFC 6749 §5.2.
    async fn wrong_client(&self) -> Came {
        let form = "grant_type=client_credentials";
        let answer = self
            .post("/oauth/token", &[(AUTHORIZATION, "Basic bm9ib2R5Om5vdGhpbmc=")], form)
            .await?;
        // Earlier tries may have used up what a client is forgiven.
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return Ok("429: it was tried too often already".to_owned());
        }
        expect(&answer, &[401], "invalid_client")?;
        if !answer.headers().contains_key(WWW_AUTHENTICATE) {
            return Err("The refusal has no WWW-Authenticate.".to_owned());
        }
        let kept = answer
            .headers()
            .get(CACHE_CONTROL)
            .and_then(|value| value.to_str().ok());
        if !kept.is_some_and(|value| value.contains("no-store")) {
            return Err("Answers of the token endpoint may be cached (RFC 6749 §5.1).".to_owned());
        }
        Ok("401 invalid_client".to_owned())
    }

    /// RFC 6749 §2.3: never more than one method.
    async fn two_credentials(&self) -> Came {
        let form = "grant_type=client_credentials&client_id=nobody&client_secret=nothing";
        let answer = self
            .post("/oauth/token", &[(AUTHORIZATION, "Basic bm9ib2R5Om5vdGhpbmc=")], form)
            .await?;
        match answer.status().as_u16() {
            400 | 401 | 429 => Ok(answer.status().to_string()),
            status => Err(format!("Two ways to authenticate at once are answered with {status}.")),
        }
    }

    /// RFC 7662 §2.1: nobody learns about tokens without credentials.
    async fn wrong_token(&self) -> Came {
        let answer = self.post("/oauth/introspect", &[], "token=a.b.c").await?;
        expect(&answer, &[401], "invalid_client")?;
        let answer = self
            .post("/oauth/token", &[], "grant_type=refresh_token&refresh_token=a.b.c")
            .await?;
        match answer.status().as_u16() {
            400 | 401 => Ok("refused".to_owned()),
            status => Err(format!("A refresh token that is none is answered with {status}.")),
        }
    }

    async fn wrong_method(&self) -> Came {
        let answer = self.get("/oauth/token").await?;
        if answer.status() != 405 || !answer.headers().contains_key(ALLOW) {
            return Err(format!(
                "GET of the token endpoint is answered with {}, not 405 with Allow.",
                answer.status()
            ));
        }
        let traced = self.send(Method::TRACE, "/login", &[], Vec::new()).await?;
        if traced.status().is_success() {
            return Err("TRACE is answered: it shows what a browser would hide.".to_owned());
        }
        Ok("405".to_owned())
    }

    /// RFC 6749 §4: parameters are a form.
    async fn wrong_type(&self) -> Came {
        let body = br#"{"grant_type":"client_credentials"}"#.to_vec();
        let headers = [(CONTENT_TYPE, "application/json")];
        let answer = self.send(Method::POST, "/oauth/token", &headers, body).await?;
        match answer.status().as_u16() {
            400 | 401 | 415 => Ok(answer.status().to_string()),
            status => Err(format!("JSON at the token endpoint is answered with {status}.")),
        }
    }

    async fn unknown_path(&self) -> Came {
        let answer = self.get("/oauth/nothing-is-here").await?;
        match answer.status().as_u16() {
            404 => Ok("404".to_owned()),
            status => Err(format!("An address that does not exist is answered with {status}.")),
        }
    }

    /// By the server or by its proxy; a connection that is closed is a refusal too.
    async fn large_header(&self) -> Came {
        let long = "x".repeat(64 * 1024);
        let headers = [(HeaderName::from_static("x-selftest"), long.as_str())];
        match self.send(Method::GET, METADATA, &headers, Vec::new()).await {
            Ok(answer) if answer.status().is_client_error() => Ok(answer.status().to_string()),
            Ok(answer) => Err(format!("A header of 64 KiB is answered with {}.", answer.status())),
            Err(_) => Ok("the connection was closed".to_owned()),
        }
    }

    async fn large_body(&self) -> Came {
        let body = vec![b'a'; 1024 * 1024];
        match self.send(Method::POST, "/oauth/token", &[FORM], body).await {
            Ok(answer) if answer.status().is_client_error() => Ok(answer.status().to_string()),
            Ok(answer) => Err(format!("A body of 1 MiB is answered with {}.", answer.status())),
            Err(_) => Ok("the connection was closed".to_owned()),
        }
    }

    async fn metrics(&self) -> Came {
        let answer = self.get("/metrics").await?;
        if answer.status().is_success() && answer.body().windows(7).any(|part| part == b"grantd_") {
            return Err("Everybody can read the metrics: close /metrics in the proxy.".to_owned());
        }
        Ok("not told to everybody".to_owned())
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

/// The JSON object of a good answer.
fn object(answer: &Response<Bytes>) -> Result<Value, String> {
    if answer.status() != 200 {
        return Err(format!("It is answered with {}.", answer.status()));
    }
    let value: Value = serde_json::from_slice(answer.body()).map_err(|e| format!("It is no JSON: {e}."))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err("It is no JSON object.".to_owned())
    }
}

fn expect(answer: &Response<Bytes>, statuses: &[u16], error: &str) -> Result<(), String> {
    let status = answer.status().as_u16();
    let said = serde_json::from_slice::<Value>(answer.body()).unwrap_or_default();
    if statuses.contains(&status) && said["error"] == error {
        return Ok(());
    }
    Err(format!(
        "It is answered with {status} {}, not {statuses:?} {error}.",
        said["error"].as_str().unwrap_or("")
    ))
}
