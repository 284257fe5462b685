//! Native apps as their plugins behave (contract §2 to §5), against a world of the profile `makecrypto`.

use crate::authorizing::Authorizing;
use crate::browser::{self, Browser, param};
use crate::http::{Answer, request};
use crate::proofs::ClientKey;
use crate::support::{ISSUER, World};
use crate::tokens::{header, payload};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use grantd::base::digest::{base64url, from_base64url, sha256};
use grantd::base::jose::Alg;
use http::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub const PATH: &str = "/oauth/native/installations";
pub const RESOURCE: &str = "https://auth.example/api/partner/v1";
pub const STATE: &str = "abcdefghijabcdefghijabcdefghijabcdefghij123";
pub const DAY: Duration = Duration::from_secs(24 * 3600);
pub const INVALID: (u16, &str) = (400, "invalid_grant");

static SEED: AtomicU64 = AtomicU64::new(9000);

pub fn new_key() -> ClientKey {
    ClientKey::new(Alg::Es256, SEED.fetch_add(1, Ordering::Relaxed))
}

/// One site with its plugin.
pub struct Plugin {
    /// What a registration says, but for the thumbprint.
    pub body: Value,
    /// What it was answered.
    pub client_id: String,
    /// Whether it sends `resource` and `Idempotency-Key`.
    pub modern: bool,
}

impl Plugin {
    pub fn medusa(site: &str) -> Self {
        Self {
            body: json!({
                "platform": "medusa",
                "registrationId": base64url(sha256(site.as_bytes())),
                "siteUrl": site,
                "siteName": "The shop of somebody",
                "redirectUri": format!("{site}/makepay/oauth/callback"),
                "pluginVersion": "1.2.3",
                "medusaVersion": "2.17.2",
            }),
            client_id: String::new(),
            modern: true,
        }
    }

    pub fn btcpay(site: &str) -> Self {
        Self {
            body: json!({
                "platform": "btcpay-server",
                "siteUrl": site,
                "redirectUri": format!("{site}/plugins/store7/makepay/oauth/callback"),
                "pluginVersion": "1.7.2",
                "btcpayServerVersion": null,
            }),
            client_id: String::new(),
            modern: false,
        }
    }

    pub fn wordpress(platform: &str, site: &str) -> Self {
        Self {
            body: json!({
                "platform": platform,
                "siteUrl": site,
                "siteName": "A blog",
                "redirectUri": "https://blog.example/wp-admin/admin.php?page=makepay",
                "pluginVersion": "3.0.0",
                "wordpressVersion": "6.9",
            }),
            client_id: String::new(),
            modern: false,
        }
    }

    pub fn redirect_uri(&self) -> &str {
        self.body["redirectUri"].as_str().unwrap()
    }

    pub fn body_for(&self, key: &ClientKey) -> Value {
        let mut body = self.body.clone();
        body["dpopJkt"] = key.jkt().into();
        body
    }

    /// With a key, and a proof of the one before it where there is one.
    pub async fn register(&mut self, world: &World, key: &ClientKey, previous: Option<&ClientKey>) -> Answer {
        let answer = register(world, &self.body_for(key), key, previous).await;
        if let Some(client_id) = answer.json["client_id"].as_str() {
            self.client_id = client_id.to_owned();
        }
        answer
    }

    fn scopes(&self) -> &'static str {
        match self.body["platform"].as_str().unwrap() {
            "medusa" => {
                "company:read makepay:payment-links:read makepay:payment-links:write makepay:webhooks:read \
                 makepay:webhooks:write"
            }
            _ => {
                "company:read makepay:payment-links:read makepay:payment-links:write makepay:settings:read \
                 makepay:settings:write"
            }
        }
    }

    pub fn verifier() -> String {
        "v".repeat(86)
    }

    /// The address that the merchant's browser is sent to; `more` replaces parameters.
    pub fn authorize(&self, key: &ClientKey, more: &[(&str, Option<&str>)]) -> String {
        let challenge = base64url(sha256(Self::verifier().as_bytes()));
        let jkt = key.jkt();
        let mut params = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", self.redirect_uri()),
            ("scope", self.scopes()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", &jkt),
            ("state", STATE),
        ];
        if self.modern {
            params.push(("resource", RESOURCE));
        }
        params.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        params.extend(more.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(params)
            .finish();
        format!("/oauth/authorize?{query}")
    }

    /// Where the browser is sent once the merchant has decided.
    pub async fn decided(&self, asking: &Native<'_>, key: &ClientKey, decision: &str) -> Answer {
        self.decided_for(asking, key, &asking.world.organization, decision)
            .await
    }

    pub async fn decided_for(&self, asking: &Native<'_>, key: &ClientKey, company: &str, decision: &str) -> Answer {
        let page = asking.browser.get(&self.authorize(key, &[])).await;
        assert_eq!(page.status, 200, "{page:?}");
        let fields = [("organization", company), ("decision", decision)];
        asking.browser.submit(&page, "/consent", &fields).await
    }

    /// A code that the merchant approved.
    pub async fn code(&self, asking: &Native<'_>, key: &ClientKey) -> String {
        let answer = self.decided(asking, key, "approve").await;
        let code = param(&answer, "code").unwrap_or_else(|| panic!("no code: {answer:?}"));
        asking.world.secrets.keep(&code);
        code
    }

    pub fn code_form(&self, code: &str) -> String {
        let resource = if self.modern { RESOURCE } else { "" };
        form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("client_id", &self.client_id)
            .append_pair("code", code)
            .append_pair("code_verifier", &Self::verifier())
            .append_pair("redirect_uri", self.redirect_uri())
            .append_pair("resource", resource)
            .finish()
    }

    pub fn refresh_form(&self, refresh_token: &str) -> String {
        let resource = if self.modern { RESOURCE } else { "" };
        form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("client_id", &self.client_id)
            .append_pair("refresh_token", refresh_token)
            .append_pair("resource", resource)
            .finish()
    }

    /// With an `Idempotency-Key` where it has one.
    pub async fn exchange(&self, world: &World, code: &str, key: &ClientKey, idempotency: Option<&str>) -> Answer {
        token(world, &self.code_form(code), key, idempotency).await
    }

    pub async fn refresh(&self, world: &World, refresh: &str, key: &ClientKey, idempotency: Option<&str>) -> Answer {
        token(world, &self.refresh_form(refresh), key, idempotency).await
    }

    /// Registered, approved and redeemed.
    pub async fn connect(&mut self, asking: &Native<'_>, key: &ClientKey) -> Tokens {
        let registered = self.register(asking.world, key, None).await;
        assert!(matches!(registered.status, 200 | 201), "{registered:?}");
        self.consent(asking, key).await
    }

    /// Approved and redeemed.
    pub async fn consent(&self, asking: &Native<'_>, key: &ClientKey) -> Tokens {
        let code = self.code(asking, key).await;
        let once = key_of(&code);
        let idempotency = self.modern.then_some(once.as_str());
        let answer = self.exchange(asking.world, &code, key, idempotency).await;
        Tokens::of(&answer)
    }

    /// `DELETE`, with an access token that is bound to the key.
    pub async fn reset(&self, world: &World, access: &str, key: &ClientKey, idempotency: &str) -> Answer {
        let proof = proof(world, key, "DELETE", PATH, Some(access));
        let authorization = format!("DPoP {access}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("dpop", &proof),
            ("idempotency-key", idempotency),
        ];
        let path = format!("{PATH}?client_id={}", self.client_id);
        world.send(request(Method::DELETE, &path, &headers, b"")).await
    }
}

/// `medusa-token-<43 base64url>`, the same for the same credential.
pub fn key_of(credential: &str) -> String {
    format!("medusa-token-{}", base64url(sha256(credential.as_bytes())))
}

pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        Self {
            access: answer.text("access_token"),
            refresh: answer.text("refresh_token"),
        }
    }

    pub fn claim(&self, name: &str) -> String {
        payload(&self.access)[name].as_str().expect("text").to_owned()
    }
}

/// A world in which a merchant, an owner of a company, is signed in.
pub struct Native<'w> {
    pub world: &'w World,
    pub browser: Browser<'w>,
}

pub async fn world() -> Authorizing {
    browser::world("makecrypto").await
}

impl<'w> Native<'w> {
    pub async fn new(asking: &'w Authorizing) -> Self {
        let browser = Browser::new(&asking.world);
        browser.sign_in().await;
        Self {
            world: &asking.world,
            browser,
        }
    }
}

/// For an address of this server.
pub fn proof(world: &World, key: &ClientKey, method: &str, path: &str, access: Option<&str>) -> String {
    key.spoiled_proof(world, &|_, claims| {
        claims["htm"] = method.into();
        claims["htu"] = format!("{ISSUER}{path}").into();
        if let Some(access) = access {
            claims["ath"] = base64url(sha256(access.as_bytes())).into();
        }
    })
}

pub async fn register(world: &World, body: &Value, key: &ClientKey, previous: Option<&ClientKey>) -> Answer {
    let proofs = [Some(key), previous].map(|key| key.map(|key| proof(world, key, "POST", PATH, None)));
    register_with(world, body, proofs[0].as_deref(), proofs[1].as_deref()).await
}

/// With these headers.
pub async fn register_with(world: &World, body: &Value, dpop: Option<&str>, previous: Option<&str>) -> Answer {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(dpop.map(|proof| ("dpop", proof)));
    headers.extend(previous.map(|proof| ("dpop-previous", proof)));
    let body = body.to_string();
    world.send(request(Method::POST, PATH, &headers, body.as_bytes())).await
}

pub async fn token(world: &World, form: &str, key: &ClientKey, idempotency: Option<&str>) -> Answer {
    let proof = key.proof(world);
    let mut headers = vec![
        ("content-type", "application/x-www-form-urlencoded"),
        ("dpop", proof.as_str()),
    ];
    headers.extend(idempotency.map(|key| ("idempotency-key", key)));
    world
        .send(request(Method::POST, "/oauth/token", &headers, form.as_bytes()))
        .await
}

/// Everything that the only verifier of a plugin checks (contract §1).
pub async fn verified_by_a_plugin(world: &World, plugin: &Plugin, key: &ClientKey, answer: &Answer) {
    let token = answer.text("access_token");
    let head = header(&token);
    assert_eq!((&head["alg"], &head["typ"]), (&json!("RS256"), &json!("at+jwt")));
    let jwks = world.get("/oauth/jwks.json").await;
    let keys = jwks.json["keys"].as_array().unwrap();
    let jwk = keys
        .iter()
        .find(|jwk| jwk["kid"] == head["kid"])
        .expect("its key is published");
    assert_eq!(jwk["kty"], "RSA");
    assert!(matches!(jwk["alg"].as_str(), None | Some("RS256")), "{jwk}");
    assert!(matches!(jwk["use"].as_str(), None | Some("sig")), "{jwk}");
    assert!(
        jwk.get("key_ops")
            .is_none_or(|ops| ops.as_array().unwrap().contains(&json!("verify")))
    );
    let part = |name: &str| from_base64url(jwk[name].as_str().unwrap()).unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    RsaPublicKeyComponents {
        n: part("n"),
        e: part("e"),
    }
    .verify(
        &RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &from_base64url(signature).unwrap(),
    )
    .expect("RSASSA-PKCS1-v1_5 with SHA-256");
    let claims = payload(&token);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(RESOURCE)));
    assert_eq!(claims["client_id"], plugin.client_id.as_str());
    assert_eq!(claims["installation_id"], plugin.client_id.as_str());
    assert_eq!(claims["cnf"]["jkt"], key.jkt().as_str());
    let mut scopes: Vec<&str> = claims["scope"].as_str().unwrap().split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(scopes.join(" "), plugin.scopes());
    assert_eq!(answer.text("scope"), claims["scope"].as_str().unwrap());
    let (iat, exp) = (claims["iat"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    let now = world.ctx.now().seconds();
    assert!(iat <= now + 30 && exp > iat, "{claims}");
    assert!(answer.replayed() || exp > now, "{claims}");
    assert!(
        claims
            .get("nbf")
            .is_none_or(|nbf| nbf.as_u64().is_some_and(|nbf| nbf <= now + 30))
    );
    for id in ["company_id", "grant_id", "installation_id"] {
        assert!(claims[id].as_str().is_some_and(|id| !id.is_empty()), "{id} in {claims}");
    }
    assert_eq!(answer.json["token_type"], "DPoP");
    assert!(answer.json["expires_in"].as_u64().is_some_and(|seconds| seconds > 0));
    assert!(!answer.text("refresh_token").is_empty());
}
