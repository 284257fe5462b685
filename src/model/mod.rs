//! What there is and how it changes: records and pure state machines. `now` goes in, a new value comes out.

pub mod app;
pub mod attempts;
pub mod code;
pub mod dossier;
pub mod epoch;
pub mod event;
pub mod family;
pub mod grant;
pub mod issued_token;
pub mod keyring;
pub mod last_use;
pub mod link;
pub mod mail;
pub mod member;
pub mod organization;
pub mod pushed_request;
pub mod receipt;
pub mod review;
pub mod revoked_token;
pub mod role;
pub mod scope;
pub mod session;
pub mod settings;
pub mod signing_key;
pub mod used_once;
pub mod user;
