//! The developer's pages: their apps, and one app with everything that is said and decided about it.
//!
//! * [`list`], [`new`]: my applications, and a new one;
//! * [`overview`]: the state of an app, and what is next; [`review`]: handing it in and taking it back;
//!   [`consent`]: how its users will see it; [`history`];
//! * [`details`], [`logo`], [`scopes`], [`team`]: what its developers change;
//! * [`transfer`], [`status`]: what owners and admins decide.
//!
//! [`frame`] stands around every page of one app, [`fields`] holds what forms share.

pub mod consent;
pub mod details;
pub(super) mod fields;
pub(super) mod frame;
pub mod history;
pub mod list;
pub mod logo;
pub mod new;
pub mod overview;
pub mod review;
pub mod scopes;
pub mod status;
pub mod team;
pub mod transfer;
