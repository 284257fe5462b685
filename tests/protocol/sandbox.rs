//! The sandbox as clients of the API meet it: what the tests of its parts share, and what holds for every route.

use crate::http::{Answer, request};
use crate::support::{OWNER, World};
use grantd::config::routes::Upstream;
use grantd::model::user::User;
use grantd::platform::actor::Actor;
use grantd::platform::api_keys::{self, NewKey};
use grantd::store::keys;
use grantd::store::records::load_by_index;
use http::Method;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// One client of the API, with the credential it shows.
pub struct Api<'w> {
    pub world: &'w World,
    pub shown: Vec<(String, String)>,
}

impl<'w> Api<'w> {
    /// The world's own private app.
    pub async fn of_app(world: &'w World) -> Self {
        Self::bearer(world, &world.mint("").await)
    }

    pub fn bearer(world: &'w World, token: &str) -> Self {
        let shown = vec![("authorization".to_owned(), format!("Bearer {token}"))];
        Self { world, shown }
    }

    /// An API key of the owner's, for everything.
    pub async fn of_key(world: &'w World) -> Self {
        Self::of_key_in(world, &world.organization, OWNER).await
    }

    pub async fn of_key_in(world: &'w World, organization: &str, email: &str) -> Self {
        let ctx = &world.ctx;
        let user = load_by_index::<User>(&*ctx.store, &keys::email(email)).await.unwrap();
        let actor = Actor::of_user(Arc::new(user.expect("the user is there")));
        let new = NewKey {
            name: "Till",
            scopes: ctx.profile().scopes.names().map(str::to_owned).collect(),
            days: None,
        };
        let made = api_keys::create(ctx, &actor, organization, &new).await;
        let made = made.expect("an owner may make one");
        world.secrets.keep(made.secret.expose());
        let rules = &ctx.profile().api_keys.headers;
        let shown = vec![
            (rules.id.as_str().to_owned(), made.key.id.clone()),
            (rules.secret.as_str().to_owned(), made.secret.expose().to_owned()),
        ];
        Self { world, shown }
    }

    /// An answer of the sandbox, which says so.
    pub async fn send(&self, method: Method, path: &str, body: &[u8], more: Headers<'_>) -> Answer {
        let answer = self.raw(method, path, body, more).await;
        assert_eq!(answer.header("x-grantd-sandbox"), Some("true"), "{path}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        answer
    }

    /// Whoever answers it.
    pub async fn raw(&self, method: Method, path: &str, body: &[u8], more: Headers<'_>) -> Answer {
        let shown = self.shown.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut headers: Vec<(&str, &str)> = shown.collect();
        if !body.is_empty() && !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        headers.extend(more);
        self.world.send(request(method, path, &headers, body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, b"", &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body.to_string().as_bytes(), &[]).await
    }

    pub async fn keyed(&self, path: &str, key: &str, body: &Value) -> Answer {
        let key = [("idempotency-key", key)];
        self.send(Method::POST, path, body.to_string().as_bytes(), &key).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, body.to_string().as_bytes(), &[]).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, body.to_string().as_bytes(), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, b"", &[]).await
    }
}

/// All at once, on one thread: they meet where the store lets others go first.
pub async fn together<F: Future>(calls: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut calls: Vec<_> = calls.into_iter().map(|call| (Box::pin(call), None)).collect();
    poll_fn(|cx| {
        for (call, done) in calls.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(answer) = call.as_mut().poll(cx) {
                *done = Some(answer);
            }
        }
        if calls.iter().any(|(_, done)| done.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(calls.iter_mut().map(|(_, done)| done.take().unwrap()).collect())
    })
    .await
}

/// The names of an object's members, in order of the alphabet.
pub fn members(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// Every row of every profile's routes, that is the sandbox's, answers each of its methods: with a document made first
/// where the path wants one.
#[tokio::test]
async fn every_route_of_every_profile_is_answered() {
    for profile in ["default", "mokapen", "makecrypto"] {
        let world = World::new(profile).await;
        let api = Api::of_app(&world).await;
        let (mut answered, mut own) = (0, 0);
        for route in world.ctx.routes().rows() {
            for (method, _) in &route.methods {
                let path = path_of(&api, &route.path).await;
                let body = match *method {
                    Method::GET | Method::DELETE => Vec::new(),
                    _ => body_of(method).to_string().into_bytes(),
                };
                let answer = api.raw(method.clone(), &path, &body, &[]).await;
                if let Upstream::Own(_) = route.upstream {
                    assert!(answer.status < 500, "{method} {path}: {answer:?}");
                    assert_eq!(answer.header("x-grantd-sandbox"), None, "{method} {path}");
                    own += 1;
                    continue;
                }
                assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
                assert_eq!(answer.header("x-grantd-sandbox"), Some("true"), "{method} {path}");
                answered += 1;
            }
        }
        let expected = [("default", (10, 0)), ("mokapen", (12, 0)), ("makecrypto", (28, 10))];
        let expected = expected.iter().find(|(name, _)| *name == profile).unwrap();
        assert_eq!((answered, own), expected.1, "{profile}");
    }
}

/// The path with everything named in it; a document of its collection is made where one is wanted.
async fn path_of(api: &Api<'_>, pattern: &str) -> String {
    let world = api.world;
    let pattern = pattern
        .replace("{org_id}", &world.organization)
        .replace("{company_id}", &world.organization);
    let Some((collection, rest)) = pattern.split_once("/{") else {
        return pattern;
    };
    let behind = rest.split_once('}').unwrap().1;
    let id = if collection.ends_with("webhook-requests") {
        "any".to_owned()
    } else {
        let made = api.post(collection, &body_of(&Method::POST)).await;
        let made = &made.json;
        let holders = [made, &made["paymentLink"], &made["customer"], &made["subscription"]];
        let id = holders.iter().find_map(|holder| holder["id"].as_str());
        id.unwrap_or_else(|| panic!("no id in {made}")).to_owned()
    };
    format!("{collection}/{id}{behind}")
}

/// Good for whatever takes one.
fn body_of(method: &Method) -> Value {
    if *method == Method::PATCH {
        return json!({ "metadata": { "a": "b" } });
    }
    json!({ "email": "a@example.com", "customerEmail": "a@example.com", "amountUsd": "5", "amount": "1.00" })
}

#[tokio::test]
async fn nothing_is_answered_without_a_credential_and_a_missing_scope_is_named() {
    let world = World::new("makecrypto").await;
    let nobody = Api {
        world: &world,
        shown: Vec::new(),
    };
    let path = "/api/partner/v1/makepay/payment-links";
    let answer = nobody.raw(Method::POST, path, br#"{"amount":"1"}"#, &[]).await;
    assert_eq!(answer.status, 401, "no anonymous payment links: {answer:?}");
    let client = world.add_private_app(OWNER, &["company:read"]).await;
    let narrow = Api::bearer(&world, &world.mint_as(&client, "").await);
    let answer = narrow.raw(Method::GET, path, b"", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("makepay:payment-links:read"), "{answer:?}");
    let key = Api::of_key(&world).await;
    let both = key
        .raw(Method::GET, path, b"", &[("authorization", "Bearer abc")])
        .await;
    assert_eq!(both.status, 400, "{both:?}");
}

#[tokio::test]
async fn who_am_i_names_user_organization_and_scopes() {
    let world = World::new("default").await;
    let api = Api::of_app(&world).await;
    let profile = api.get("/api/v1/profile").await;
    assert_eq!(profile.status, 200);
    let json = &profile.json;
    assert_eq!(
        json["organization"],
        json!({ "id": world.organization, "name": "Acme" })
    );
    assert_eq!(json["client_id"], world.client_id);
    assert_eq!(json["credential"], "access_token");
    assert!(json["user"]["id"].as_str().unwrap().starts_with("u_"), "{json}");
    let scopes: Vec<&str> = world.ctx.profile().scopes.names().collect();
    assert_eq!(json["scopes"], json!(scopes));
    assert!(
        !profile.body.contains("@example.com"),
        "nobody consented to that: {profile:?}"
    );
}

/// Settings, branding, figures and the organization itself, under the members that clients read.
#[tokio::test]
async fn what_a_merchants_clients_read_beside_the_payments_is_there() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let own = &world.organization;
    let root = "/api/partner/v1/makepay";
    let settings = api.get(&format!("{root}/settings")).await;
    assert_eq!(members(&settings.json), ["company", "companyId", "settings"]);
    assert_eq!(settings.json["companyId"], json!(own));
    assert_eq!(settings.json["company"]["name"], "Acme");
    assert_eq!(settings.json["company"]["slug"], "acme");
    let put = api
        .put(
            &format!("{root}/settings"),
            &json!({ "callbackUrl": "https://shop.example/hook" }),
        )
        .await;
    assert_eq!(
        put.json,
        json!({ "ok": true, "settings": { "callbackUrl": "https://shop.example/hook" } })
    );
    let settings = api.get(&format!("{root}/settings")).await;
    assert_eq!(settings.json["settings"], put.json["settings"]);
    let branding = api.get(&format!("{root}/branding")).await;
    let methods = branding.json["makePaySettings"]["allowedPaymentMethods"]
        .as_array()
        .unwrap();
    assert!(
        !methods.is_empty() && branding.json["company"]["routeKey"] == "acme",
        "{branding:?}"
    );
    let patch = json!({ "accentColor": "#000000", "makePaySettings": { "allowedPaymentMethods": ["BTC"] } });
    assert_eq!(api.patch(&format!("{root}/branding"), &patch).await.json["ok"], true);
    let branding = api.get(&format!("{root}/branding")).await;
    assert_eq!(
        branding.json["makePaySettings"]["allowedPaymentMethods"],
        json!(["BTC"])
    );
    assert_eq!(branding.json["settings"]["accentColor"], "#000000");
    let assets = api.get(&format!("{root}/destination-assets")).await;
    assert_eq!(assets.json["assets"][0]["asset"], "BTC");
    let company = api.get(&format!("/api/partner/v1/companies/{own}")).await;
    assert_eq!(members(&company.json), ["company", "companyId"]);
    for (path, member) in [("balances", "balances"), ("activity", "activity")] {
        let figures = api.get(&format!("/api/partner/v1/companies/{own}/wallet/{path}")).await;
        assert!(!figures.json[member].as_array().unwrap().is_empty(), "{figures:?}");
    }
}
