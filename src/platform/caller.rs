//! Who sends a request to the API, judged as everything stands now: what the gateway lets in and tells an upstream.

use super::api_keys;
use crate::base::time::Timestamp;
use crate::config::IdType;
use crate::config::routes::Needed;
use crate::context::Context;
use crate::model::subscription::owner_of_grant;
use crate::oauth::access_token::{self, Claims};
use crate::oauth::personal_token;
use crate::oauth::standing::Judged;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    pub organization: String,
    /// Who acts: the user who consented, an app's dedicated user, the maker of a token or key.
    pub user: String,
    /// The app that acts for them.
    pub client_id: Option<String>,
    pub grant: Option<String>,
    /// Thumbprint of the key that the token is bound to (RFC 9449 §6).
    pub jkt: Option<String>,
    /// What they may do now.
    pub scopes: Vec<String>,
    pub credential: Credential,
    /// When the credential ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// What was shown, named by what is no secret.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Credential {
    AccessToken { jti: String },
    PersonalToken { id: String },
    ApiKey { id: String },
}

impl Credential {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::AccessToken { .. } => "access_token",
            Self::PersonalToken { .. } => "personal_access_token",
            Self::ApiKey { .. } => "api_key",
        }
    }
}

impl Caller {
    /// Of an access token whose signature and times are good.
    pub async fn of_access_token(ctx: &Context, claims: &Claims) -> Judged<Self> {
        let scopes = match access_token::standing(ctx, claims).await? {
            Ok(scopes) => scopes,
            Err(why) => return Ok(Err(why)),
        };
        Ok(Ok(Self {
            organization: claims.organization.clone(),
            user: claims.sub.clone(),
            client_id: Some(claims.client_id.clone()),
            grant: claims.grant.as_ref().map(|ids| ids.grant.clone()),
            jkt: claims.jkt.clone(),
            scopes,
            credential: Credential::AccessToken {
                jti: claims.jti.clone(),
            },
            expires_at: Some(claims.exp),
        }))
    }

    pub async fn of_personal_token(ctx: &Context, text: &str) -> Judged<Self> {
        let acting = match personal_token::verify(ctx, text).await? {
            Ok(acting) => acting,
            Err(why) => return Ok(Err(why)),
        };
        let token = &acting.token;
        // One for the JSON API alone is worth nothing at any resource.
        if acting.scopes.is_empty() {
            return Ok(Err("none of its scopes is one of the API"));
        }
        Ok(Ok(Self {
            organization: token.organization.clone(),
            user: token.user.clone(),
            client_id: None,
            grant: None,
            jkt: None,
            scopes: acting.scopes,
            credential: Credential::PersonalToken { id: token.id.clone() },
            expires_at: token.expires_at,
        }))
    }

    pub fn of_api_key(shown: api_keys::Authenticated) -> Self {
        Self {
            organization: shown.key.organization.clone(),
            user: shown.key.created_by.clone(),
            client_id: None,
            grant: None,
            jkt: None,
            scopes: shown.scopes,
            credential: Credential::ApiKey {
                id: shown.key.id.clone(),
            },
            expires_at: shown.key.expires_at,
        }
    }

    /// As what they make remembers them: a grant where there is one, else an app, a token or a key.
    pub fn owner(&self) -> String {
        match (&self.grant, &self.client_id, &self.credential) {
            (Some(grant), ..) => owner_of_grant(grant),
            (None, Some(client_id), _) => format!("app:{client_id}"),
            (None, None, Credential::ApiKey { id }) => format!("key:{id}"),
            (None, None, Credential::PersonalToken { id }) => format!("token:{id}"),
            (None, None, Credential::AccessToken { jti }) => format!("token:{jti}"),
        }
    }

    /// Keys and personal tokens are the organization's own; an app sees what it made.
    pub const fn sees_all(&self) -> bool {
        matches!(
            self.credential,
            Credential::ApiKey { .. } | Credential::PersonalToken { .. }
        )
    }

    /// Who counts as one within an organization, however many tokens they have: the app, or a person without one.
    pub fn subject(&self) -> &str {
        self.client_id.as_deref().unwrap_or(&self.user)
    }

    /// Whether they hold what is needed, or what implies it.
    pub fn holds(&self, ctx: &Context, needed: &Needed) -> bool {
        if needed.is_met(|scope| self.scopes.iter().any(|held| held == scope)) {
            return true;
        }
        let held = ctx.profile().scopes.closure(self.scopes.iter().map(String::as_str));
        needed.is_met(|scope| held.contains(scope))
    }

    /// Whether a path names this organization: ids have one spelling, so a leading zero names another.
    pub fn is_of(&self, ctx: &Context, named: &str) -> bool {
        let canonical = ctx.profile().ids != IdType::Integer || named.bytes().all(|b| b.is_ascii_digit());
        canonical && self.organization == named
    }
}
