//! What a server must refuse.

use super::{Came, Deployment, FORM, METADATA};
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderName, Method, Response, StatusCode};
use serde_json::Value;

impl Deployment {
    /// RFC 6749 §5.2.
    pub(super) async fn wrong_client(&self) -> Came {
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
    pub(super) async fn two_credentials(&self) -> Came {
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
    pub(super) async fn wrong_token(&self) -> Came {
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

    pub(super) async fn wrong_method(&self) -> Came {
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
    pub(super) async fn wrong_type(&self) -> Came {
        let body = br#"{"grant_type":"client_credentials"}"#.to_vec();
        let headers = [(CONTENT_TYPE, "application/json")];
        let answer = self.send(Method::POST, "/oauth/token", &headers, body).await?;
        match answer.status().as_u16() {
            400 | 401 | 415 => Ok(answer.status().to_string()),
            status => Err(format!("JSON at the token endpoint is answered with {status}.")),
        }
    }

    pub(super) async fn unknown_path(&self) -> Came {
        let answer = self.get("/oauth/nothing-is-here").await?;
        match answer.status().as_u16() {
            404 => Ok("404".to_owned()),
            status => Err(format!("An address that does not exist is answered with {status}.")),
        }
    }

    /// By the server or by its proxy; a connection that is closed is a refusal too.
    pub(super) async fn large_header(&self) -> Came {
        let long = "x".repeat(64 * 1024);
        let headers = [(HeaderName::from_static("x-selftest"), long.as_str())];
        match self.send(Method::GET, METADATA, &headers, Vec::new()).await {
            Ok(answer) if answer.status().is_client_error() => Ok(answer.status().to_string()),
            Ok(answer) => Err(format!("A header of 64 KiB is answered with {}.", answer.status())),
            Err(_) => Ok("the connection was closed".to_owned()),
        }
    }

    pub(super) async fn large_body(&self) -> Came {
        let body = vec![b'a'; 1024 * 1024];
        match self.send(Method::POST, "/oauth/token", &[FORM], body).await {
            Ok(answer) if answer.status().is_client_error() => Ok(answer.status().to_string()),
            Ok(answer) => Err(format!("A body of 1 MiB is answered with {}.", answer.status())),
            Err(_) => Ok("the connection was closed".to_owned()),
        }
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
