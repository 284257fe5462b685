//! The protocol, without HTTP: parameters in, decisions out. Named as the RFCs name things.

pub mod access_token;
pub mod answer;
pub mod authorize;
pub mod client_assertion;
pub mod client_auth;
pub mod code;
pub mod delegated;
pub mod dpop;
pub mod error;
pub mod grant_client;
pub mod grant_code;
pub mod grant_refresh;
pub mod idempotency;
pub mod introspect;
pub mod metadata;
pub mod params;
pub mod pkce;
pub mod posted;
pub mod pushed;
pub mod redirect_uri;
pub mod refresh_token;
pub mod revoke;
pub mod scope;
pub mod standing;
pub mod token;
pub mod used_once;
