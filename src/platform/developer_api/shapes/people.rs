//! Bodies about people, organizations and personal access tokens.

use super::{MAYBE_TIME, ROLES};
use crate::platform::developer_api::schema::{Field, ORGANIZATION, Of, Shape, field, optional};

const DUTIES: Of = Of::Word(&["administrator", "reviewer"]);

pub static ME: Shape = Shape {
    name: "Me",
    fields: &[
        field("id", Of::Text),
        field("name", Of::Text),
        field("email", Of::Text),
        field("duty", Of::OrNull(&DUTIES)),
        field("organization", Of::One(&ORGANIZATION_SHAPE)),
        field("token", Of::One(&TOKEN)),
    ],
};

pub static ORGANIZATION_SHAPE: Shape = Shape {
    name: "Organization",
    fields: &[
        field("id", Of::OrganizationId),
        field("name", Of::Text),
        field("role", ROLES),
        field("created_at", Of::Time),
    ],
};

pub static MEMBER: Shape = Shape {
    name: "Member",
    fields: &[
        field("id", Of::Text),
        field("name", Of::Text),
        field("email", Of::Text),
        field("role", ROLES),
        field("kind", Of::Word(&["person", "system"])),
        field("created_at", Of::Time),
    ],
};

pub static TOKEN: Shape = Shape {
    name: "Token",
    fields: &TOKEN_FIELDS,
};

const TOKEN_FIELDS: [Field; 10] = [
    field("id", Of::Text),
    field("name", Of::Text),
    field("user", Of::Text),
    field(ORGANIZATION, Of::OrganizationId),
    field("scopes", Of::Texts),
    field("created_by", Of::Text),
    field("created_at", Of::Time),
    field("expires_at", MAYBE_TIME),
    field("used_at", MAYBE_TIME),
    field("status", Of::Word(&["live", "ended"])),
];

pub static NEW_TOKEN: Shape = Shape {
    name: "NewToken",
    fields: &[
        field("name", Of::Line(60)),
        optional("scopes", Of::List(200, &Of::Line(64))),
        optional("expires_at", MAYBE_TIME),
        optional("user", Of::Line(64)),
    ],
};

pub static MADE_TOKEN: Shape = Shape {
    name: "MadeToken",
    fields: &[field("secret", Of::Text), field("token", Of::One(&TOKEN))],
};
