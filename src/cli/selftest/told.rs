//! What a server tells of itself, and how.

use super::{Came, Deployment, METADATA};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, SET_COOKIE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, Method, Response};
use serde_json::{Value, json};

/// Members of a JWK that only its owner may have (RFC 7518 §6).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

impl Deployment {
    /// RFC 8414 §3.3: the metadata must be of the issuer it was asked for at. TLS was verified on the way.
    pub(super) async fn discover(&mut self) -> Came {
        self.metadata = object(&self.get(METADATA).await?)?;
        match self.metadata["issuer"].as_str() {
            Some(issuer) if issuer == self.issuer.as_str() => Ok(format!("it is {issuer}")),
            other => Err(format!(
                "The server calls itself {}, and clients compare that byte for byte: correct `issuer`, or ask there.",
                other.unwrap_or("nothing")
            )),
        }
    }

    pub(super) fn consistent(&self) -> Came {
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

    pub(super) async fn aliases(&self) -> Came {
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

    pub(super) async fn keys(&self) -> Came {
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

    pub(super) async fn health(&self) -> Came {
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
    pub(super) async fn page_headers(&self) -> Came {
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
        // On this machine other programs have the same name, and plain http.
        let lasting = self.issuer.is_https() && !self.issuer.is_loopback();
        let https = lasting.then_some(STRICT_TRANSPORT_SECURITY);
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
        let cookies: Vec<_> = page.headers().get_all(SET_COOKIE).iter().collect();
        let secure = cookies
            .iter()
            .all(|cookie| cookie.to_str().is_ok_and(|text| text.contains("; Secure")));
        if self.issuer.is_https() && !secure {
            return Err("A cookie is not Secure.".to_owned());
        }
        Ok("all there, once each".to_owned())
    }

    /// What names somebody else must change nothing of what is told (and cached) for everybody.
    pub(super) async fn forwarded(&self) -> Came {
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

    pub(super) async fn metrics(&self) -> Came {
        let answer = self.get("/metrics").await?;
        if answer.status().is_success() && answer.body().windows(7).any(|part| part == b"grantd_") {
            return Err("Everybody can read the metrics: close /metrics in the proxy.".to_owned());
        }
        Ok("not told to everybody".to_owned())
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
