//! What a store backend must be. The same suite runs on every backend; the rest is about what survives which crash.

#[path = "store/conformance.rs"]
mod conformance;
#[path = "store/kit.rs"]
mod kit;
#[path = "store/model.rs"]
mod model;
