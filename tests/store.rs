//! What a store backend must be. The same suite runs on every backend; the rest is about what survives which crash.

#[path = "store/backups.rs"]
mod backups;
#[path = "store/conformance.rs"]
mod conformance;
#[path = "store/contention.rs"]
mod contention;
#[path = "store/crash.rs"]
mod crash;
#[path = "store/disk.rs"]
mod disk;
#[path = "store/exports.rs"]
mod exports;
#[path = "store/kit.rs"]
mod kit;
#[path = "store/model.rs"]
mod model;
#[path = "store/shipping.rs"]
mod shipping;
#[path = "store/torn.rs"]
mod torn;
