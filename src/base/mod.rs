//! What knows nothing of OAuth: time, randomness, secrets, signatures, limits.

pub mod allowance;
pub mod backlog;
mod buckets;
pub mod certificate;
pub mod digest;
pub mod handle;
pub mod jose;
pub mod json;
pub mod limiter;
pub mod limits;
pub mod master;
pub mod meter;
pub mod networks;
pub mod order;
pub mod password;
pub mod password_pool;
pub mod password_rules;
pub mod peer;
pub mod process;
pub mod random;
pub mod secret;
pub mod shelf;
pub mod text;
pub mod throttle;
pub mod time;
