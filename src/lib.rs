//! grantd: an app platform for an API in one binary.

pub mod base;
pub mod store;
pub mod web;
