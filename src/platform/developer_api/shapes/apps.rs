//! Bodies about apps.

use super::{CHANGE, MAYBE_TEXT};
use crate::model::app::{NAME_CHARS_MAX, REDIRECT_URI_BYTES_MAX, REDIRECT_URIS_MAX};
use crate::model::dossier::{REASON_CHARS_MAX, STAKEHOLDERS_MAX};
use crate::model::user::EMAIL_BYTES_MAX;
use crate::platform::apps::checks::URL_BYTES_MAX;
use crate::platform::developer_api::schema::{Field, ORGANIZATION, Of, Shape, field, optional};

const STATES: Of = Of::Word(&[
    "draft",
    "pending_review",
    "changes_requested",
    "active",
    "rejected",
    "suspended",
]);
const KINDS: Of = Of::Word(&["private", "public", "resource_server"]);
const CLIENT_TYPES: Of = Of::Word(&["confidential", "public"]);

pub static APP: Shape = Shape {
    name: "App",
    fields: &[
        field("client_id", Of::Text),
        field("key", MAYBE_TEXT),
        field(ORGANIZATION, Of::OrganizationId),
        field("kind", KINDS),
        field("client_type", CLIENT_TYPES),
        field("state", STATES),
        field("disabled", Of::Boolean),
        field("name", Of::Text),
        field("company", MAYBE_TEXT),
        field("website", MAYBE_TEXT),
        field("support", MAYBE_TEXT),
        field("privacy_policy", MAYBE_TEXT),
        field("terms", MAYBE_TEXT),
        field("logo", MAYBE_TEXT),
        field("redirect_uris", Of::Texts),
        field("dedicated_user", MAYBE_TEXT),
        field("scopes", Of::Texts),
        field("wanted", Of::Many(&WISH)),
        field("missing", Of::Texts),
        field("decision", Of::OrNull(&Of::One(&DECISION))),
        field("created_at", Of::Time),
    ],
};

/// A scope, and why the app needs it.
pub static WISH: Shape = Shape {
    name: "WantedScope",
    fields: &[
        field("scope", Of::Line(64)),
        field("why", Of::Maybe(chars(REASON_CHARS_MAX))),
    ],
};

pub static DECISION: Shape = Shape {
    name: "Decision",
    fields: &[
        field(
            "verdict",
            Of::Word(&["approved", "rejected", "changes_requested", "suspended", "reinstated"]),
        ),
        field("note", Of::Text),
        field("by", Of::Text),
        field("at", Of::Time),
    ],
};

const NAME: Of = Of::Line(chars(NAME_CHARS_MAX));
const COMPANY: Of = Of::Maybe(chars(NAME_CHARS_MAX));
const LINK: Of = Of::Maybe(chars(URL_BYTES_MAX));
const MAYBE_COMPANY: Of = Of::OrNull(&COMPANY);
const MAYBE_LINK: Of = Of::OrNull(&LINK);
const MAYBE_USER: Of = Of::OrNull(&Of::Maybe(chars(EMAIL_BYTES_MAX)));
const REDIRECT_URIS: Of = Of::List(chars(REDIRECT_URIS_MAX), &Of::Line(chars(REDIRECT_URI_BYTES_MAX)));
const STAKEHOLDERS: Of = Of::List(chars(STAKEHOLDERS_MAX), &Of::Line(chars(EMAIL_BYTES_MAX)));
const SCOPES_LISTED_MAX: u32 = 200;

const DETAILS: [Field; 8] = [
    optional("company", MAYBE_COMPANY),
    optional("website", MAYBE_LINK),
    optional("support", MAYBE_LINK),
    optional("privacy_policy", MAYBE_LINK),
    optional("terms", MAYBE_LINK),
    optional("redirect_uris", REDIRECT_URIS),
    optional("dedicated_user", MAYBE_USER),
    optional("stakeholders", STAKEHOLDERS),
];

pub static NEW_APP: Shape = Shape {
    name: "NewApp",
    fields: &{
        let [company, website, support, privacy, terms, uris, user, stakeholders] = DETAILS;
        [
            field("kind", Of::Word(&["private", "public"])),
            optional("client_type", CLIENT_TYPES),
            field("name", NAME),
            company,
            website,
            support,
            privacy,
            terms,
            uris,
            user,
            stakeholders,
            optional("scopes", Of::List(SCOPES_LISTED_MAX, &Of::One(&WISH))),
        ]
    },
};

/// What is left out stays as it is.
pub static APP_CHANGES: Shape = Shape {
    name: "AppChanges",
    fields: &{
        let [company, website, support, privacy, terms, uris, user, stakeholders] = DETAILS;
        [
            optional("name", NAME),
            company,
            website,
            support,
            privacy,
            terms,
            uris,
            user,
            stakeholders,
        ]
    },
};

/// What an app is to be, as a file says it. What is left out stays, what is empty goes.
pub static MANIFEST: Shape = Shape {
    name: "Manifest",
    fields: &[
        field("kind", Of::Word(&["private", "public"])),
        optional("client_type", CLIENT_TYPES),
        optional("name", NAME),
        optional("company", COMPANY),
        optional("website", LINK),
        optional("support", LINK),
        optional("privacy_policy", LINK),
        optional("terms", LINK),
        optional("redirect_uris", REDIRECT_URIS),
        optional("dedicated_user", Of::Maybe(chars(EMAIL_BYTES_MAX))),
        optional("stakeholders", STAKEHOLDERS),
        optional("scopes", Of::Reasons),
    ],
};

pub static APPLIED: Shape = Shape {
    name: "Applied",
    fields: &[
        field("client_id", MAYBE_TEXT),
        field("key", MAYBE_TEXT),
        field("created", Of::Boolean),
        field("changed", Of::Boolean),
        field("dry_run", Of::Boolean),
        field("state", STATES),
        field("differences", Of::Many(&CHANGE)),
        field("missing", Of::Texts),
    ],
};

pub static WANTED: Shape = Shape {
    name: "WantedScopes",
    fields: &[field("scopes", Of::List(SCOPES_LISTED_MAX, &Of::One(&WISH)))],
};

pub static TEAM: Shape = Shape {
    name: "Team",
    fields: &[field("team", Of::Many(&PERSON)), field("stakeholders", Of::Texts)],
};

pub static PERSON: Shape = Shape {
    name: "Person",
    fields: &[field("id", Of::Text), field("name", Of::Text), field("email", Of::Text)],
};

/// An app as it was handed in.
pub static SUBMISSION: Shape = Shape {
    name: "Submission",
    fields: &[
        field("number", Of::Number(1, u32::MAX as u64)),
        field("name", Of::Text),
        field("company", MAYBE_TEXT),
        field("website", MAYBE_TEXT),
        field("support", MAYBE_TEXT),
        field("privacy_policy", MAYBE_TEXT),
        field("terms", MAYBE_TEXT),
        field("logo", MAYBE_TEXT),
        field("redirect_uris", Of::Texts),
        field("wanted", Of::Many(&WISH)),
        field("by", Of::Text),
        field("at", Of::Time),
        field("decision", Of::OrNull(&Of::One(&DECISION))),
    ],
};

const fn chars(number: usize) -> u32 {
    number as u32
}
