//! The limit server: the least a server can do for the same request. hyper and rustls with keep-alive, parse the form,
//! digest and compare the secret, the same claims signed with the same signer, JSON. It knows one client, keeps
//! nothing, limits nothing and refuses by closing the connection.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use grantd::base::jose::{Algorithm, PublicKey, SigningKey, UnverifiedJws, sign_jwt};
use grantd::base::master::{KeyedDigest, MasterSecret, Purpose};
use grantd::base::random::{self, SystemRandom};
use grantd::base::time::{Clock as _, SystemClock};
use grantd::web::development_certificates;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

/// The argument that makes this program the limit server.
pub const COMMAND: &str = "limit-server";
/// Where proxies ask whether a request may pass.
pub const CHECK: &str = "/gateway/check";
const TYP: &str = "at+jwt";
const TOKEN_BYTES_MAX: usize = 8 * 1024;
static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What it is to answer with, as a line of JSON on standard input.
#[derive(Serialize, Deserialize)]
pub struct Orders {
    pub certificates: PathBuf,
    pub client_id: String,
    pub client_secret: String,
    /// JSON.
    pub claims: String,
    pub expires_in: u64,
    pub organization_name: String,
}

/// The claims of grantd's tokens, member for member.
#[derive(Clone, Serialize, Deserialize)]
pub struct Claims<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    sub: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    #[serde(borrow)]
    client_id: Cow<'a, str>,
    #[serde(borrow)]
    jti: Cow<'a, str>,
    iat: u64,
    exp: u64,
    #[serde(borrow)]
    scope: Cow<'a, str>,
    #[serde(borrow)]
    organization_id: Cow<'a, str>,
    ep: [u64; 7],
}

/// The claims of a token of grantd, as JSON; an error where it has more or other members than these.
pub fn claims_of(token: &str) -> Result<String, String> {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let json = URL_SAFE_NO_PAD.decode(payload).map_err(|e| e.to_string())?;
    let json = String::from_utf8(json).map_err(|e| e.to_string())?;
    let claims: Claims<'_> = serde_json::from_str(&json).map_err(|e| format!("{json}: {e}"))?;
    let again = serde_json::to_string(&claims).map_err(|e| e.to_string())?;
    if again == json {
        Ok(json)
    } else {
        Err(format!(
            "the limit server's claims are not grantd's any more: {again} is not {json}"
        ))
    }
}

#[derive(Serialize)]
struct Minted<'a> {
    token_type: &'a str,
    expires_in: u64,
    access_token: &'a str,
    scope: &'a str,
    organization_id: &'a str,
    organization_name: &'a str,
}

#[derive(Serialize)]
struct Active<'a> {
    active: bool,
    scope: &'a str,
    client_id: &'a str,
    token_type: &'a str,
    exp: u64,
    iat: u64,
    sub: &'a str,
    aud: &'a str,
    iss: &'a str,
    jti: &'a str,
    organization_id: &'a str,
}

struct Limit {
    orders: Orders,
    claims: Claims<'static>,
    secret: MasterSecret,
    digest: KeyedDigest,
    key: SigningKey,
    public: PublicKey,
    requests: Cell<u64>,
}

pub fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("limit server: {why}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), String> {
    let mut input = String::new();
    std::io::stdin().read_line(&mut input).map_err(|e| e.to_string())?;
    let orders: Orders = serde_json::from_str(&input).map_err(|e| e.to_string())?;
    let claims = Box::leak(orders.claims.clone().into_boxed_str());
    let tls = TlsAcceptor::from(Arc::new(tls(&orders.certificates)?));
    let secret = MasterSecret::generate(&SystemRandom);
    let key = SigningKey::generate(Algorithm::EdDsa, &SystemRandom);
    let limit = Rc::new(Limit {
        digest: secret.digest(Purpose::ClientSecret, orders.client_secret.as_bytes()),
        public: key.public_key(),
        orders,
        claims: serde_json::from_str(claims).map_err(|e| e.to_string())?,
        secret,
        key,
        requests: Cell::new(0),
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| e.to_string())?;
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|e| e.to_string())?;
        println!("https://{}", listener.local_addr().map_err(|e| e.to_string())?);
        loop {
            let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
            let (limit, tls) = (limit.clone(), tls.clone());
            tokio::task::spawn_local(async move {
                let _ = stream.set_nodelay(true);
                let Ok(stream) = tls.accept(stream).await else { return };
                let service = service_fn(|request| limit.answer(request));
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    })
}

pub fn tls(certificates: &Path) -> Result<ServerConfig, String> {
    let files = development_certificates::ensure(certificates, &["127.0.0.1".into()], &SystemClock);
    let files = files.map_err(|e| e.to_string())?;
    let chain = CertificateDer::pem_file_iter(&files.cert_file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let key = PrivateKeyDer::from_pem_file(&files.key_file).map_err(|e| e.to_string())?;
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(chain.unwrap_or_default(), key)
        })
        .map_err(|e| e.to_string())
}

impl Limit {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
        if request.uri().path() == CHECK {
            return self.check(&request);
        }
        let mint = request.uri().path() == "/oauth/token";
        let body = request
            .into_body()
            .collect()
            .await
            .map_err(|e| e.to_string())?
            .to_bytes();
        let (mut client_id, mut client_secret, mut token) = (Cow::default(), Cow::default(), Cow::default());
        for (name, value) in form_urlencoded::parse(&body) {
            match &*name {
                "client_id" => client_id = value,
                "client_secret" => client_secret = value,
                "token" => token = value,
                _ => {}
            }
        }
        let known = client_id == self.orders.client_id
            && self
                .secret
                .verify(Purpose::ClientSecret, client_secret.as_bytes(), &self.digest);
        let json = match (known, mint) {
            (false, _) => return Err("another client".into()),
            (true, true) => self.mint(),
            (true, false) => self.introspect(&token)?,
        };
        let mut response = Response::new(Full::new(Bytes::from(json)));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.name(headers)?;
        Ok(response)
    }

    fn name(&self, headers: &mut HeaderMap) -> Result<(), String> {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        self.requests.set(self.requests.get() + 1);
        let id = format!("aaaaaaaaaaaa-{}", self.requests.get());
        headers.insert(X_REQUEST_ID.clone(), value(&id)?);
        Ok(())
    }

    /// Verifies the one token and says whose it is.
    fn check(&self, request: &Request<Incoming>) -> Result<Response<Full<Bytes>>, String> {
        let shown = request
            .headers()
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = shown
            .and_then(|shown| shown.strip_prefix("Bearer "))
            .ok_or("no token")?;
        let jws = UnverifiedJws::parse(token, TOKEN_BYTES_MAX).map_err(|e| e.to_string())?;
        let payload = jws.verify(&self.public).map_err(|e| e.to_string())?;
        let claims: Claims<'_> = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        if claims.exp <= SystemClock.now().seconds() {
            return Err("the token has expired".into());
        }
        let mut response = Response::new(Full::default());
        let headers = response.headers_mut();
        headers.insert("x-grantd-organization", value(&claims.organization_id)?);
        headers.insert("x-grantd-user", value(&claims.sub)?);
        headers.insert("x-grantd-app", value(&claims.client_id)?);
        headers.insert("x-grantd-scopes", value(&claims.scope)?);
        headers.insert("x-grantd-credential-id", value(&claims.jti)?);
        self.name(headers)?;
        Ok(response)
    }

    fn mint(&self) -> Vec<u8> {
        let orders = &self.orders;
        let iat = SystemClock.now().seconds();
        let claims = Claims {
            jti: random::token::<18>(&SystemRandom).into(),
            iat,
            exp: iat + orders.expires_in,
            ..borrowed(&self.claims)
        };
        let payload = serde_json::to_vec(&claims).expect("claims are plain data");
        let kid = self.key.public_jwk().kid.as_deref().unwrap_or_default();
        let minted = Minted {
            token_type: "Bearer",
            expires_in: orders.expires_in,
            access_token: &sign_jwt(&self.key, kid, TYP, &payload),
            scope: &claims.scope,
            organization_id: &claims.organization_id,
            organization_name: &orders.organization_name,
        };
        serde_json::to_vec(&minted).expect("answers are plain data")
    }

    fn introspect(&self, token: &str) -> Result<Vec<u8>, String> {
        let jws = UnverifiedJws::parse(token, TOKEN_BYTES_MAX).map_err(|e| e.to_string())?;
        let payload = jws.verify(&self.public).map_err(|e| e.to_string())?;
        let claims: Claims<'_> = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        let active = Active {
            active: claims.exp > SystemClock.now().seconds(),
            scope: &claims.scope,
            client_id: &claims.client_id,
            token_type: "Bearer",
            exp: claims.exp,
            iat: claims.iat,
            sub: &claims.sub,
            aud: &claims.aud,
            iss: &claims.iss,
            jti: &claims.jti,
            organization_id: &claims.organization_id,
        };
        Ok(serde_json::to_vec(&active).expect("answers are plain data"))
    }
}

fn value(text: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(text).map_err(|e| e.to_string())
}

fn borrowed<'a>(claims: &'a Claims<'_>) -> Claims<'a> {
    Claims {
        iss: Cow::Borrowed(&claims.iss),
        sub: Cow::Borrowed(&claims.sub),
        aud: Cow::Borrowed(&claims.aud),
        client_id: Cow::Borrowed(&claims.client_id),
        jti: Cow::default(),
        scope: Cow::Borrowed(&claims.scope),
        organization_id: Cow::Borrowed(&claims.organization_id),
        ..*claims
    }
}
