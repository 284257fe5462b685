//! Bodies about how an app shows who it is, its own tokens and what of it was refused.

use super::{MAYBE_TEXT, MAYBE_TIME};
use crate::model::app::{JWKS_MAX, NAME_CHARS_MAX};
use crate::platform::developer_api::schema::{Of, Shape, field, optional};

pub static SECRET: Shape = Shape {
    name: "Secret",
    fields: &[
        field("id", Of::Text),
        field("label", Of::Text),
        field("created_at", Of::Time),
        field("expires_at", MAYBE_TIME),
        field("used_at", MAYBE_TIME),
        field("status", Of::Word(&["live", "ended"])),
    ],
};

pub static NEW_SECRET: Shape = Shape {
    name: "NewSecret",
    fields: &[
        field("label", Of::Line(NAME_CHARS_MAX as u32)),
        optional("expires_at", MAYBE_TIME),
    ],
};

pub static MADE_SECRET: Shape = Shape {
    name: "MadeSecret",
    fields: &[field("client_secret", Of::Text), field("secret", Of::One(&SECRET))],
};

const SHOWN_BY: Of = Of::Word(&["secret", "both", "private_key_jwt"]);

pub static KEYS: Shape = Shape {
    name: "ClientKeys",
    fields: &[
        field("by", Of::OrNull(&SHOWN_BY)),
        field("keys", Of::List(JWKS_MAX as u32, &Of::Jwk)),
    ],
};

pub static NEW_KEYS: Shape = Shape {
    name: "NewClientKeys",
    fields: &[
        field("by", Of::Word(&["both", "private_key_jwt"])),
        field("keys", Of::List(JWKS_MAX as u32, &Of::Jwk)),
    ],
};

/// An access token that was made by hand.
pub static APP_TOKEN: Shape = Shape {
    name: "AppToken",
    fields: &[
        field("jti", Of::Text),
        field("label", Of::Text),
        field("scopes", Of::Texts),
        field("resource", Of::Text),
        field("by", Of::Text),
        field("created_at", Of::Time),
        field("expires_at", Of::Time),
        field("revoked_at", MAYBE_TIME),
    ],
};

const YEARS_10_S: u64 = 10 * 366 * 24 * 60 * 60;

pub static NEW_APP_TOKEN: Shape = Shape {
    name: "NewAppToken",
    fields: &[
        field("label", Of::Line(100)),
        field("scopes", Of::List(200, &Of::Line(64))),
        optional("resource", Of::Line(250)),
        optional("lifetime_s", Of::Number(1, YEARS_10_S)),
    ],
};

pub static MADE_APP_TOKEN: Shape = Shape {
    name: "MadeAppToken",
    fields: &[field("access_token", Of::Text), field("token", Of::One(&APP_TOKEN))],
};

/// A request that was refused.
pub static FAILURE: Shape = Shape {
    name: "Failure",
    fields: &[
        field("id", Of::Text),
        field("at", Of::Time),
        field("endpoint", Of::Text),
        field("rule", Of::Text),
        field("section", Of::Text),
        field("explanation", Of::Text),
        field("error", Of::Text),
        field("description", Of::Text),
        field("compared", Of::Many(&COMPARED)),
    ],
};

pub static COMPARED: Shape = Shape {
    name: "Compared",
    fields: &[
        field("name", Of::Text),
        field("received", MAYBE_TEXT),
        field("registered", Of::Texts),
    ],
};
