//! One short function per machine endpoint: HTTP in, the protocol asked, HTTP out.

pub mod acme_http;
pub mod cors;
pub mod developer;
pub mod health;
pub mod metrics;
pub mod native;
pub mod oauth;
pub mod webhook_subscriptions;
pub mod well_known;
