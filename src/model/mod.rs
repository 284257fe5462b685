//! Pure state machines: `now` in, new value out.

pub mod role;
pub mod scope;
