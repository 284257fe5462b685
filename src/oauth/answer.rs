//! What the token endpoint answers (RFC 6749 §5.1), as bytes: a repeated answer is the same to the byte.

use super::access_token::TypedId;
use crate::context::Context;
use serde::ser::{Serialize, SerializeMap as _, Serializer};

pub struct Answer {
    pub body: Vec<u8>,
    /// It was given before, to the same request.
    pub replayed: bool,
}

/// What a grant type hands back to be answered.
pub struct Granted {
    pub access_token: String,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: u64,
    pub refresh_token: Option<String>,
    pub scope: String,
    pub organization: String,
    pub organization_name: String,
}

impl Granted {
    pub fn body(&self, ctx: &Context) -> Vec<u8> {
        let members = Members { ctx, granted: self };
        serde_json::to_vec(&members).expect("answers are plain data and always become JSON")
    }
}

struct Members<'a> {
    ctx: &'a Context,
    granted: &'a Granted,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { ctx, granted } = self;
        let noun = &ctx.profile().noun;
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("token_type", granted.token_type)?;
        body.serialize_entry("expires_in", &granted.expires_in)?;
        body.serialize_entry("access_token", &granted.access_token)?;
        if let Some(refresh_token) = &granted.refresh_token {
            body.serialize_entry("refresh_token", refresh_token)?;
        }
        body.serialize_entry("scope", &granted.scope)?;
        body.serialize_entry(noun.id_claim(), &TypedId::new(ctx, &granted.organization))?;
        body.serialize_entry(noun.name_member(), &granted.organization_name)?;
        body.end()
    }
}
