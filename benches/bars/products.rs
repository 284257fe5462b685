//! What the server of the bench makes on demand: refresh tokens and codes, without anybody clicking through pages.

use crate::grantd_server::{REDIRECT_URI, VERIFIER, text};
use grantd::app::Service;
use grantd::base::digest::{base64url, sha256};
use grantd::base::jose::SigningKey;
use grantd::base::random::{self, SystemRandom};
use grantd::base::time::{Clock as _, SystemClock};
use grantd::context::Context;
use grantd::oauth::authorize::{self, Approval};
use grantd::store::Batch;
use grantd::web::request::Request;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::sync::Arc;

#[derive(Clone)]
pub enum Product {
    RefreshToken,
    /// With proofs of this key.
    Code(Arc<SigningKey>),
}

impl Product {
    /// A line of the file.
    pub async fn make(
        &self,
        ctx: &Context,
        service: &Service,
        app: &Value,
        user: String,
        organization: String,
    ) -> Result<String, String> {
        let code = code(ctx, &text(&app["client_id"]), user, organization).await?;
        match self {
            Self::RefreshToken => Ok(refresh_token(service, app, &code).await? + "\n"),
            Self::Code(key) => Ok(format!("{code}\t{}\n", proof(ctx, key))),
        }
    }
}

/// What the consent page does when its button is pressed.
async fn code(ctx: &Context, client_id: &str, user: String, organization: String) -> Result<String, String> {
    let challenge = base64url(sha256(VERIFIER.as_bytes()));
    let query = format!(
        "client_id={client_id}&redirect_uri={REDIRECT_URI}&response_type=code&code_challenge={challenge}\
         &code_challenge_method=S256"
    );
    let request = authorize::read(ctx, &query, ctx.now()).await;
    let request = request.map_err(|_| "the authorization request was refused")?;
    let approval = Approval {
        user,
        organization,
        session: Batch::new(),
    };
    let approved = authorize::approve(ctx, &request, approval).await;
    let approved = approved.map_err(|_| "the approval was refused")?;
    Ok(approved.param("code").ok_or("the approval has no code")?.to_owned())
}

async fn refresh_token(service: &Service, app: &Value, code: &str) -> Result<String, String> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("client_id", &text(&app["client_id"]))
        .append_pair("client_secret", &text(&app["client_secret"]))
        .append_pair("code", code)
        .append_pair("code_verifier", VERIFIER)
        .finish();
    let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
    let request = Request {
        method: Method::POST,
        path: "/oauth/token".into(),
        query: None,
        headers: HeaderMap::from_iter([(CONTENT_TYPE, form_type)]),
        body: form.into(),
        unread: None,
        peer: IpAddr::from([127, 0, 0, 1]),
        id: "bench".into(),
    };
    let response = service.answer(request).await;
    let answer: Value = serde_json::from_slice(&response.body).map_err(|e| e.to_string())?;
    let token = answer["refresh_token"].as_str();
    Ok(token
        .ok_or_else(|| format!("a code was answered with {answer}"))?
        .to_owned())
}

/// RFC 9449 §4.2.
fn proof(ctx: &Context, key: &SigningKey) -> String {
    let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": key.public_jwk() });
    let claims = json!({
        "jti": random::token::<12>(&SystemRandom),
        "htm": "POST",
        "htu": format!("{}/oauth/token", ctx.issuer()),
        "iat": SystemClock.now().seconds(),
    });
    let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
    format!("{input}.{}", base64url(key.sign(input.as_bytes())))
}
