//! Bodies about what an organization granted: connected apps, its policy, its API keys.

use super::{MAYBE_TEXT, MAYBE_TIME, ROLES};
use crate::model::api_key::NAME_CHARS_MAX;
use crate::model::organization::LISTED_MAX;
use crate::platform::developer_api::schema::{Of, Shape, field, optional};

pub static CONNECTED_APP: Shape = Shape {
    name: "ConnectedApp",
    fields: &[
        field("client_id", Of::Text),
        field("name", Of::Text),
        field("company", MAYBE_TEXT),
        field("installation", Of::OrNull(&Of::One(&INSTALLATION))),
        field("scopes", Of::Texts),
        field("grants", Of::Number(0, u32::MAX as u64)),
        field("more", Of::Boolean),
        field("since", MAYBE_TIME),
        field("used_at", MAYBE_TIME),
    ],
};

/// Of a native app: what it said when it registered.
pub static INSTALLATION: Shape = Shape {
    name: "Installation",
    fields: &[
        field("platform", Of::Text),
        field("site_url", Of::Text),
        field("facts", Of::Many(&FACT)),
        field("registered_at", Of::Time),
    ],
};

pub static FACT: Shape = Shape {
    name: "InstallationFact",
    fields: &[field("name", Of::Text), field("value", Of::Text)],
};

pub static GRANT: Shape = Shape {
    name: "Grant",
    fields: &[
        field("id", Of::Text),
        field("user", Of::Text),
        field("name", Of::Text),
        field("email", Of::Text),
        field("scopes", Of::Texts),
        field("resources", Of::Texts),
        field("status", Of::Word(&["active", "needs_consent"])),
        field("needs_approver", Of::Boolean),
        field("created_at", Of::Time),
        field("approved_at", Of::Time),
        field("used_at", MAYBE_TIME),
    ],
};

pub static ENDED: Shape = Shape {
    name: "Ended",
    fields: &[
        field("ended", Of::Number(0, u32::MAX as u64)),
        field("more", Of::Boolean),
    ],
};

pub static POLICY: Shape = Shape {
    name: "ConsentPolicy",
    fields: &[
        field("least_role", ROLES),
        field("apps", Of::Word(&["any", "listed"])),
        field("allowed", Of::Texts),
        field("denied", Of::Texts),
    ],
};

const APPS: Of = Of::List(LISTED_MAX as u32, &Of::Line(64));

pub static POLICY_CHANGE: Shape = Shape {
    name: "ConsentPolicyChange",
    fields: &[
        optional("least_role", Of::OrNull(&ROLES)),
        optional("allow_any", Of::Boolean),
        optional("allow_listed", Of::Boolean),
        optional("allow", APPS),
        optional("unallow", APPS),
        optional("deny", APPS),
        optional("undeny", APPS),
    ],
};

pub static API_KEY: Shape = Shape {
    name: "ApiKey",
    fields: &[
        field("id", Of::Text),
        field("name", Of::Text),
        field("scopes", Of::Texts),
        field("effective_scopes", Of::Texts),
        field("created_by", Of::Text),
        field("created_at", Of::Time),
        field("expires_at", MAYBE_TIME),
        field("used_at", MAYBE_TIME),
    ],
};

pub static NEW_API_KEY: Shape = Shape {
    name: "NewApiKey",
    fields: &[
        field("name", Of::Line(NAME_CHARS_MAX as u32)),
        field("scopes", Of::List(200, &Of::Line(64))),
        field("days", Of::OrNull(&Of::OneOf(&[30, 90, 365]))),
    ],
};

pub static MADE_API_KEY: Shape = Shape {
    name: "MadeApiKey",
    fields: &[field("secret", Of::Text), field("key", Of::One(&API_KEY))],
};
