//! grantd: an app platform for an API in one binary.

pub mod base;
pub mod config;
pub mod model;
pub mod store;
pub mod web;
