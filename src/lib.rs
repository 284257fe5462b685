//! grantd: an app platform for an API in one binary.
//!
//! # The map
//!
//! Imports go to the right only; `tests/tidy.rs` checks it:
//!
//! ```text
//! main → cli → app → { api, portal, gateway, sandbox, jobs, control } → web → platform → oauth →
//!   account → context → config → model → store → base
//! ```
//!
//! * [`base`] knows nothing of OAuth: time, randomness, secrets, signatures, strict JSON, limits.
//! * [`store`] is an ordered map of bytes with atomic, conditional batches. Every decision of the product is one
//!   [`store::Batch`]: never a decision on a copy read earlier. [`store::sled`] is the durable one, journal first;
//!   [`store::memory`] the one it is compared with; [`store::records`] the typed verbs over both.
//! * [`model`] is what there is: records and pure state machines, `now` in, new value out.
//! * [`config`] reads `grantd.toml` and the profile: the noun, the ids, the scopes, the lifetimes.
//! * [`context`] is what every decision is made with: configuration, store, clock, randomness, secret, keys, the
//!   counts of failed credentials, and the pool that hashes passwords.
//! * [`account`] is people's accounts: passwords, second factors, one-time links, the letters that carry them.
//! * [`oauth`] is the protocol, without HTTP.
//! * [`platform`] is what developers, reviewers and organizations do with apps and tokens, and who may, without HTTP.
//! * [`web`] is HTTP, without routes: TLS, limits, timeouts, graceful end.
//! * [`gateway`] guards the API's own routes and passes on what may pass.
//! * [`sandbox`] answers those routes where no API stands behind them: a development aid.
//! * [`portal`] is the pages people see: sign-in, consent, their account. [`api`] has one short function per machine
//!   endpoint, [`jobs`] what happens by itself, [`control`] what an administrator does from the command line.
//! * [`app`] names every handler; [`cli`] is the command line.
//!
//! # A request's way
//!
//! [`web::server`] accepts, ends TLS and reads the body whole, within the limits → [`app::Service`] finds the row of
//! its table → a handler of [`api`] or [`portal`] turns HTTP into parameters → [`oauth`] or [`account`] decides; what
//! it changes is one batch → the answer.
//!
//! # Where to start reading
//!
//! [`store::keys`] (all that is remembered) → [`app`] (all that is answered) → [`oauth::token`] and
//! [`oauth::authorize`] (how a request is decided) → [`model::family`] (what a refresh token comes to) →
//! `tests/protocol/rfc6749.rs` (what is promised).

pub mod account;
pub mod api;
pub mod app;
pub mod base;
pub mod cli;
pub mod config;
pub mod context;
pub mod control;
pub mod gateway;
pub mod jobs;
pub mod model;
pub mod oauth;
pub mod platform;
pub mod portal;
pub mod sandbox;
pub mod store;
pub mod web;
