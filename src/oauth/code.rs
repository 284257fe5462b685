//! Authorization codes as texts (RFC 6749 §4.1.2): made at the approval, found again at the token endpoint.

use crate::base::handle::Handle;
use crate::base::master::Purpose;
use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::code::Code;
use crate::model::epoch::Epochs;
use crate::store::records::{Versioned, load};
use crate::store::{StoreError, keys};

/// What an approval decided.
pub struct Approved {
    pub client_id: String,
    pub organization: String,
    pub user: String,
    pub grant: String,
    pub scopes: Vec<String>,
    pub resource: String,
    pub redirect_uri: String,
    pub challenge: Option<String>,
    pub jkt: Option<String>,
    /// All seven; the grant's as it stands after the approval.
    pub stamps: Epochs,
}

/// The text for the client and the record for the batch. The text is nowhere else.
pub fn make(ctx: &Context, approved: Approved) -> (String, Code) {
    // Whole seconds: the text says where the record lies, and the record lies where its own `expires_at` says.
    let expires_at = Timestamp::from_seconds((ctx.now() + ctx.profile().lifetimes.code).seconds());
    let handle = Handle::new(expires_at.seconds().to_be_bytes().to_vec(), &*ctx.random);
    let text = handle.text(&ctx.secret, Purpose::AuthorizationCode, &prefix(ctx));
    let code = Code {
        digest: ctx.secret.digest(Purpose::AuthorizationCode, text.as_bytes()),
        client_id: approved.client_id,
        organization: approved.organization,
        user: approved.user,
        grant: approved.grant,
        scopes: approved.scopes,
        resource: approved.resource,
        redirect_uri: approved.redirect_uri,
        challenge: approved.challenge,
        jkt: approved.jkt,
        stamps: approved.stamps,
        expires_at,
        redeemed: None,
    };
    (text, code)
}

/// The record of a code as it stands in the store, redeemed and expired ones too while they are remembered. `None`
/// for whatever this server did not make, without asking the store.
pub async fn find(ctx: &Context, text: &str) -> Result<Option<Versioned<Code>>, StoreError> {
    let Some(handle) = Handle::read(&ctx.secret, Purpose::AuthorizationCode, &prefix(ctx), text) else {
        return Ok(None);
    };
    let Ok(seconds) = handle.locator.as_slice().try_into() else {
        return Ok(None);
    };
    let expires_at = Timestamp::from_seconds(u64::from_be_bytes(seconds));
    // By the newest key: a code from before its rotation is at most minutes old, and the client asks again.
    let digest = ctx.secret.digest(Purpose::AuthorizationCode, text.as_bytes());
    load(&*ctx.store, &keys::code(expires_at, &digest)).await
}

fn prefix(ctx: &Context) -> String {
    format!("{}_code_", ctx.profile().prefix)
}
