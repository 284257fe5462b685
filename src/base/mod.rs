//! What knows nothing of OAuth: time, randomness, secrets, signatures, limits.

pub mod limits;
pub mod random;
pub mod time;
