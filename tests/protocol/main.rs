//! The protocol through the front door, in process: requests in, answers out, with a clock that tests push.
//!
//! A test's name begins with the code of the checklist line it proves, such as `o12_…`.

mod rfc6749;
mod support;
