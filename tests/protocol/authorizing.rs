//! A world in which users grant things to apps of kind public, as the tests of the authorization endpoint need it.

use crate::support::{Client, World};
use grantd::control::NewApp;
use grantd::model::app::{App, ClientRules, Kind};
use grantd::model::code::Code;
use grantd::model::event::{COMMAND_LINE, Event};
use grantd::model::grant::Grant;
use grantd::model::role::Role;
use grantd::oauth::authorize::{self, Approval, AuthorizationRequest, AuthorizationResponse, Refusal};
use grantd::oauth::code;
use grantd::oauth::error::OAuthError;
use grantd::store::records::{Versioned, list, load, load_by_index};
use grantd::store::{Batch, Outcome, Seq, keys};

pub const CALLBACK: &str = "https://app.example/callback";
pub const CALLBACK_ENCODED: &str = "https%3A%2F%2Fapp.example%2Fcallback";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const STATE: &str = "0123456789abcdef";

pub struct Authorizing {
    pub world: World,
    /// A confidential client.
    pub web: Client,
    /// A client of type public.
    pub spa: Client,
    /// An owner of the world's organization.
    pub user: String,
}

impl Authorizing {
    pub async fn new(profile: &str) -> Self {
        Self::over(World::new(profile).await).await
    }

    pub async fn over(world: World) -> Self {
        let web = world.add_public_app().await;
        let spa = NewApp {
            public_client: true,
            redirect_uris: vec!["http://127.0.0.1/callback".into()],
            ..world.new_app(Kind::Public, &[])
        };
        let spa = world.add_app(spa).await;
        let user = world.add_user("ada@example.com").await;
        world.set_role("ada@example.com", Role::Owner).await;
        Self { world, web, spa, user }
    }

    /// A good request of the confidential client, with `more` behind it.
    pub fn query(&self, more: &str) -> String {
        format!("client_id={}&{}", self.web.0, parameters(more))
    }

    pub async fn read(&self, query: &str) -> Result<AuthorizationRequest, Refusal> {
        authorize::read(&self.world.ctx, query, self.world.ctx.now()).await
    }

    pub async fn good(&self, query: &str) -> AuthorizationRequest {
        self.read(query)
            .await
            .unwrap_or_else(|refusal| panic!("{query}: {refusal:?}"))
    }

    /// What the user is told, of a request that must not be redirected.
    pub async fn page(&self, query: &str) -> OAuthError {
        match self.read(query).await {
            Err(Refusal::Page(error)) => error,
            other => panic!("{query}: {other:?}"),
        }
    }

    /// What the client is told: the error and the whole answer.
    pub async fn refused(&self, query: &str) -> (String, AuthorizationResponse) {
        match self.read(query).await {
            Err(Refusal::Redirect(response)) => {
                let error = response.param("error").expect("a refusal says why").to_owned();
                (error, response)
            }
            other => panic!("{query}: {other:?}"),
        }
    }

    pub async fn approve_for(
        &self,
        request: &AuthorizationRequest,
        user: &str,
        organization: &str,
    ) -> Result<AuthorizationResponse, OAuthError> {
        let approval = Approval {
            user: user.to_owned(),
            organization: organization.to_owned(),
            session: Batch::new(),
        };
        authorize::approve(&self.world.ctx, request, approval).await
    }

    pub async fn approve(&self, request: &AuthorizationRequest) -> Result<AuthorizationResponse, OAuthError> {
        self.approve_for(request, &self.user, &self.world.organization).await
    }

    /// The record of the code that a response carries.
    pub async fn code(&self, response: &AuthorizationResponse) -> Code {
        let text = response.param("code").expect("a code");
        let found = code::find(&self.world.ctx, text).await.unwrap();
        found.expect("the code is found").value
    }

    pub async fn app(&self, client_id: &str) -> Versioned<App> {
        let found = load::<App>(&*self.world.ctx.store, &keys::app(client_id)).await;
        found.unwrap().expect("the app is there")
    }

    pub async fn change_app(&self, client_id: &str, change: impl FnOnce(&mut App, &mut ClientRules)) {
        let old = self.app(client_id).await;
        let mut new = old.value.clone();
        let mut rules = new.rules().into_owned();
        change(&mut new, &mut rules);
        new.rules = Some(rules);
        let mut batch = Batch::new();
        batch.replace(&old, &new).unwrap();
        let outcome = self.world.ctx.store.commit(batch).await.unwrap();
        assert!(matches!(outcome, Outcome::Committed(_)));
    }

    pub async fn grant_in(&self, organization: &str, user: &str) -> Option<Versioned<Grant>> {
        let index = keys::grant_of_app(&self.web.0, organization, user);
        load_by_index(&*self.world.ctx.store, &index).await.unwrap()
    }

    pub async fn grant(&self) -> Versioned<Grant> {
        let found = self.grant_in(&self.world.organization, &self.user).await;
        found.expect("the grant is there")
    }

    /// What happened since the world was made, which the command line did.
    pub async fn events(&self) -> Vec<Event> {
        let (events, _) = list::<Event>(&*self.world.ctx.store, &keys::events(), None, 1000)
            .await
            .unwrap();
        let events = events.into_iter().map(|event| event.value);
        events
            .filter(|event| event.note.as_deref() != Some(COMMAND_LINE))
            .collect()
    }

    pub async fn written(&self) -> usize {
        self.world.ctx.store.changes(Seq(0), 10_000).await.unwrap().len()
    }
}

/// Everything of a good request but the client_id.
pub fn parameters(more: &str) -> String {
    format!(
        "response_type=code&redirect_uri={CALLBACK_ENCODED}&state={STATE}\
         &code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
    )
}

/// Names and values of the query of a redirect, decoded.
pub fn answered(location: &str) -> Vec<(String, String)> {
    let parsed = url::Url::parse(location).expect("a URI");
    parsed.query_pairs().into_owned().collect()
}
