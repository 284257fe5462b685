//! `POST /oauth/revoke` (RFC 7009): a client ends a token of its own.

use super::access_token::{revoke as end, verify};
use super::client_auth::{self, Credentials};
use super::error::OAuthError;
use crate::context::Context;

/// `Ok` whether there was something to revoke or not (RFC 7009 §2.2): the answer tells nothing about foreign tokens.
pub async fn revoke(ctx: &Context, credentials: &Credentials<'_>) -> Result<(), OAuthError> {
    let caller = client_auth::client(ctx, credentials).await?.app;
    let Some(token) = credentials.params.get("token")? else {
        return Err(OAuthError::invalid_request("The parameter token is missing."));
    };
    credentials.params.get("token_type_hint")?;
    match verify(ctx, token) {
        Ok(claims) if claims.client_id == caller.client_id => Ok(end(ctx, &claims).await?),
        Ok(_) | Err(_) => Ok(()),
    }
}
