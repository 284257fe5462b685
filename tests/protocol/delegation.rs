//! Apps that act for users: codes that the owner approved, and what is made of them.

use crate::http::{Answer, Auth, post};
use crate::support::{Client, OWNER, World};
use grantd::base::digest::{base64url, sha256};
use grantd::control::NewApp;
use grantd::model::app::{App, ClientRules, Kind};
use grantd::model::event::{Event, EventKind};
use grantd::model::family::Family;
use grantd::model::grant::Grant;
use grantd::model::user::User;
use grantd::oauth::authorize::{self, Approval};
use grantd::store::records::{Record, Versioned, list, load, load_by_index};
use grantd::store::{Batch, Outcome, keys};
use http::{HeaderName, HeaderValue};

pub const REDIRECT_URI: &str = "https://app.example/callback";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// An `Idempotency-Key`.
pub const KEY: &str = "the-key-of-the-client";

/// Headers of a request besides those it always has.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

pub fn challenge() -> String {
    base64url(sha256(VERIFIER.as_bytes()))
}

impl World {
    /// With a confidential app of kind public.
    pub async fn with_app() -> (Self, Client) {
        let world = Self::new("default").await;
        let app = world.add_public_app().await;
        (world, app)
    }

    /// Of kind and of type public: it has no secret.
    pub async fn add_public_client(&self) -> Client {
        self.add_app(NewApp {
            public_client: true,
            redirect_uris: vec![REDIRECT_URI.into()],
            ..self.new_app(Kind::Public, &[])
        })
        .await
    }

    /// The owner approves; `more` is appended to the authorization request, which has a challenge.
    pub async fn code(&self, client: &Client, more: &str) -> String {
        self.plain_code(
            client,
            &format!("&code_challenge={}&code_challenge_method=S256{more}", challenge()),
        )
        .await
    }

    /// The owner approves a request with no more than `more` beside what every profile wants.
    pub async fn plain_code(&self, client: &Client, more: &str) -> String {
        let query = format!(
            "response_type=code&client_id={}&redirect_uri={REDIRECT_URI}&state=a-state-of-16-chars{more}",
            client.0
        );
        let query = if query.contains("&scope=") {
            query
        } else {
            let app = self.record::<App>(keys::app(&client.0)).await;
            format!("{query}&scope={}", app.scopes.join("+"))
        };
        let request = authorize::read(&self.ctx, &query, self.ctx.now()).await;
        let request = request.unwrap_or_else(|refusal| panic!("{query} is refused: {refusal:?}"));
        let user = load_by_index::<User>(&*self.ctx.store, &keys::email(OWNER)).await;
        let approval = Approval {
            user: user.unwrap().expect("the owner is there").id.clone(),
            organization: self.organization.clone(),
            session: Batch::new(),
        };
        let response = authorize::approve(&self.ctx, &request, approval).await;
        let response = response.expect("the owner may approve");
        let code = response.param("code").expect("the response has a code").to_owned();
        self.secrets.keep(&code);
        code
    }

    /// A request to the token endpoint: a client with a secret shows it, another says who it is.
    pub async fn token(&self, client: &Client, form: &str, headers: Headers<'_>) -> Answer {
        self.token_at("/oauth/token", client, form, headers).await
    }

    pub async fn token_at(&self, path: &str, client: &Client, form: &str, headers: Headers<'_>) -> Answer {
        let (auth, form) = if client.1.is_empty() {
            (Auth::None, format!("{form}&client_id={}", client.0))
        } else {
            (Auth::Basic(&client.0, &client.1), form.to_owned())
        };
        let mut request = post(path, auth, &form);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
            let value = HeaderValue::from_str(value).expect("a header value");
            request.headers.append(name, value);
        }
        self.send(request).await
    }

    pub async fn exchange(&self, client: &Client, code: &str, headers: Headers<'_>) -> Answer {
        let form = format!("grant_type=authorization_code&code={code}&code_verifier={VERIFIER}");
        self.token(client, &form, headers).await
    }

    /// `refresh_token` and whatever else is appended to it.
    pub async fn refresh(&self, client: &Client, refresh_token: &str, headers: Headers<'_>) -> Answer {
        let form = format!("grant_type=refresh_token&refresh_token={refresh_token}");
        self.token(client, &form, headers).await
    }

    /// A fresh approval, exchanged: the access token and the refresh token.
    pub async fn connect(&self, client: &Client) -> (String, String) {
        let code = self.code(client, "").await;
        let answer = self.exchange(client, &code, &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        (answer.text("access_token"), answer.text("refresh_token"))
    }

    /// The next refresh token.
    pub async fn rotate(&self, client: &Client, token: &str) -> String {
        let answer = self.refresh(client, token, &[]).await;
        assert_eq!((answer.status, answer.replayed()), (200, false), "{answer:?}");
        answer.text("refresh_token")
    }

    /// Whether a token works, as a resource server sees it.
    pub async fn works(&self, server: &Client, token: &str) -> bool {
        crate::support::judged(&self.introspect_as(server, token).await)
    }

    async fn record<R: Record>(&self, key: grantd::store::Key) -> Versioned<R> {
        let found = load::<R>(&*self.ctx.store, &key).await;
        found.expect("the store works").expect("the record is there")
    }

    /// What the portal will do when a developer changes what an app is held to.
    pub async fn change_rules(&self, client: &Client, change: impl FnOnce(&mut ClientRules)) {
        let old = self.record::<App>(keys::app(&client.0)).await;
        let mut rules = old.rules().into_owned();
        change(&mut rules);
        let new = App {
            rules: Some(rules),
            ..old.value.clone()
        };
        let mut batch = Batch::new();
        batch.replace(&old, &new).expect("it fits");
        let outcome = self.ctx.store.commit(batch).await.expect("the store works");
        assert!(matches!(outcome, Outcome::Committed(_)));
    }

    /// The one grant there is.
    pub async fn the_grant(&self) -> Grant {
        let all = keys::grants_of_organization(&self.organization);
        let (mut grants, _) = list::<Grant>(&*self.ctx.store, &all, None, 10).await.unwrap();
        assert_eq!(grants.len(), 1);
        grants.remove(0).value
    }

    /// Of the one grant there is.
    pub async fn families(&self) -> Vec<Family> {
        let all = keys::families(&self.organization, &self.the_grant().await.id);
        let (families, _) = list::<Family>(&*self.ctx.store, &all, None, 1000).await.unwrap();
        families.into_iter().map(|family| family.value).collect()
    }

    /// How often something happened.
    pub async fn events(&self, kind: EventKind) -> usize {
        let (events, _) = list::<Event>(&*self.ctx.store, &keys::events(), None, 10_000)
            .await
            .unwrap();
        events.iter().filter(|event| event.kind == kind).count()
    }
}
