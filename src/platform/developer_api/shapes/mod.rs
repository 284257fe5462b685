//! The bodies of the JSON API, by what they are about.

pub mod apps;
pub mod credentials;
pub mod organizations;
pub mod people;
pub mod reviews;
pub mod webhooks;

use super::schema::{Of, Shape, field};

/// What happened.
pub static EVENT: Shape = Shape {
    name: "Event",
    fields: &[
        field("id", Of::Text),
        field("event", Of::Text),
        field("at", Of::Time),
        field("by", MAYBE_TEXT),
        field("user", MAYBE_TEXT),
        field("client_id", MAYBE_TEXT),
        field("subject", MAYBE_TEXT),
        field("note", MAYBE_TEXT),
        field("changes", Of::Many(&CHANGE)),
    ],
};

/// One detail that is another one now.
pub static CHANGE: Shape = Shape {
    name: "Change",
    fields: &[
        field("what", Of::Text),
        field("before", MAYBE_TEXT),
        field("after", MAYBE_TEXT),
    ],
};

pub(super) const MAYBE_TEXT: Of = Of::OrNull(&Of::Text);
pub(super) const MAYBE_TIME: Of = Of::OrNull(&Of::Time);
pub(super) const ROLES: Of = Of::Word(&["owner", "admin", "developer", "member"]);
