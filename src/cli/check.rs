//! `demo --check`: the main job once, through the front door, each step with its time.

use crate::base::jose::{Jwk, PublicKey, UnverifiedJws};
use crate::base::time::Stopwatch;
use crate::oauth::access_token::TOKEN_BYTES_MAX;
use crate::web::client::Client;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use serde_json::Value;
use std::fmt::Write as _;

/// Whom to ask, and as whom.
pub struct Subject<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub client_secret: &'a str,
    /// Name and value of the parameter that names the organization; the app's own where it is left out.
    pub organization: Option<(&'a str, String)>,
}

struct Check<'a> {
    subject: &'a Subject<'a>,
    client: &'a Client,
    metadata: Value,
    watch: Stopwatch,
    steps: Vec<(&'static str, f64)>,
}

/// The steps with their times in milliseconds, or a sentence that says which one failed.
pub async fn run(client: &Client, subject: &Subject<'_>) -> Result<Vec<(&'static str, f64)>, String> {
    let mut check = Check {
        subject,
        client,
        metadata: Value::Null,
        watch: Stopwatch::start(),
        steps: Vec::new(),
    };
    check.discover().await.map_err(|why| format!("discover: {why}"))?;
    let token = check.mint().await.map_err(|why| format!("mint: {why}"))?;
    check.verify(&token).await.map_err(|why| format!("verify: {why}"))?;
    check
        .introspect(&token, true)
        .await
        .map_err(|why| format!("introspect: {why}"))?;
    check.revoke(&token).await.map_err(|why| format!("revoke: {why}"))?;
    check
        .introspect(&token, false)
        .await
        .map_err(|why| format!("introspect again: {why}"))?;
    Ok(check.steps)
}

impl Check<'_> {
    fn done(&mut self, step: &'static str) {
        self.steps.push((step, self.watch.elapsed().as_secs_f64() * 1000.0));
        self.watch = Stopwatch::start();
    }

    async fn discover(&mut self) -> Result<(), String> {
        let at = format!("{}/.well-known/oauth-authorization-server", self.subject.issuer);
        self.metadata = self.get(&at).await?;
        if self.metadata["issuer"] != self.subject.issuer {
            return Err("the metadata names another issuer".into());
        }
        self.done("discover");
        Ok(())
    }

    async fn mint(&mut self) -> Result<String, String> {
        let organization = self.subject.organization.as_ref();
        let organization = organization.map(|(name, id)| (*name, id.as_str()));
        let form: Vec<_> = [("grant_type", "client_credentials")]
            .into_iter()
            .chain(organization)
            .collect();
        let answer = json(self.post("token_endpoint", &form).await?)?;
        let token = answer["access_token"]
            .as_str()
            .ok_or("the answer has no access_token")?
            .to_owned();
        self.done("mint");
        Ok(token)
    }

    /// As an API would: with the published key, knowing nothing else.
    async fn verify(&mut self, token: &str) -> Result<(), String> {
        let at = self.metadata["jwks_uri"]
            .as_str()
            .ok_or("the metadata has no jwks_uri")?
            .to_owned();
        let jwks = self.get(&at).await?;
        let jws = UnverifiedJws::parse(token, TOKEN_BYTES_MAX).map_err(|e| e.to_string())?;
        let keys = jwks["keys"].as_array().ok_or("the JWKS has no keys")?;
        let key = keys
            .iter()
            .find(|key| key["kid"].as_str() == jws.kid())
            .ok_or("the key is not in the JWKS")?;
        let key: Jwk = serde_json::from_value(key.clone()).map_err(|e| e.to_string())?;
        let key = PublicKey::from_jwk(&key).map_err(|e| e.to_string())?;
        let payload = jws.verify(&key).map_err(|e| e.to_string())?;
        let claims: Value = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        if claims["iss"] != self.subject.issuer || claims["client_id"] != self.subject.client_id {
            return Err("the claims are not ours".into());
        }
        self.done("verify");
        Ok(())
    }

    async fn introspect(&mut self, token: &str, active: bool) -> Result<(), String> {
        let answer = json(self.post("introspection_endpoint", &[("token", token)]).await?)?;
        if answer["active"] != active {
            return Err(format!(
                "the token should be {}",
                if active { "active" } else { "inactive" }
            ));
        }
        self.done(if active {
            "introspect: active"
        } else {
            "introspect: inactive"
        });
        Ok(())
    }

    async fn revoke(&mut self, token: &str) -> Result<(), String> {
        let answer = self.post("revocation_endpoint", &[("token", token)]).await?;
        if answer.status() != StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        self.done("revoke");
        Ok(())
    }

    async fn get(&self, at: &str) -> Result<Value, String> {
        let request = Request::get(at).body(Bytes::new()).map_err(|e| e.to_string())?;
        json(self.client.send(request).await?)
    }

    async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> Result<Response<Bytes>, String> {
        let at = self.metadata[endpoint]
            .as_str()
            .ok_or_else(|| format!("the metadata has no {endpoint}"))?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let request = Request::post(at)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, basic(self.subject.client_id, self.subject.client_secret))
            .body(Bytes::from(body.finish()))
            .map_err(|e| e.to_string())?;
        self.client.send(request).await
    }
}

fn basic(client_id: &str, secret: &str) -> String {
    use base64::Engine as _;
    let pair = format!("{client_id}:{secret}");
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
}

fn json(response: Response<Bytes>) -> Result<Value, String> {
    if response.status() != StatusCode::OK {
        return Err(format!(
            "answered {} {}",
            response.status(),
            String::from_utf8_lossy(response.body())
        ));
    }
    serde_json::from_slice(response.body()).map_err(|e| format!("answered no JSON: {e}"))
}

/// For people.
pub fn report(steps: &[(&'static str, f64)]) -> String {
    let mut text = String::new();
    for (step, ms) in steps {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  ok  {step:<22} {ms:>8.2} ms");
    }
    text
}
