//! What there is and how it changes: records and pure state machines. `now` goes in, a new value comes out.

pub mod app;
pub mod epoch;
pub mod keyring;
pub mod member;
pub mod organization;
pub mod revoked_token;
pub mod role;
pub mod scope;
pub mod settings;
pub mod signing_key;
pub mod user;
