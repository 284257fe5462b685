//! Bodies about reviews and access requests.

use super::apps::{DECISION, SUBMISSION};
use super::{CHANGE, MAYBE_TEXT};
use crate::model::access_request::NAME_CHARS_MAX;
use crate::model::dossier::NOTE_CHARS_MAX;
use crate::platform::access_requests::answers::DAYS_MAX;
use crate::platform::developer_api::schema::{ORGANIZATION, Of, Shape, field, optional};

const RISKS: Of = Of::Word(&["low", "medium", "high"]);
const REASONS: Of = Of::Word(&["first", "scopes", "resubmission"]);
/// What an access request is answered with.
const OFFERED: Of = Of::Word(&["private", "public", "personal_token"]);
/// That a personal access token lives; without it for ever, where the profile allows that.
const DAYS: Of = Of::Number(1, DAYS_MAX as u64);
const NOTE: Of = Of::Maybe(NOTE_CHARS_MAX as u32);
const NAME: Of = Of::Maybe(NAME_CHARS_MAX as u32);

/// A row of the queue.
pub static WAITING: Shape = Shape {
    name: "WaitingReview",
    fields: &[
        field("client_id", Of::Text),
        field("name", Of::Text),
        field("organization", Of::Text),
        field("reason", REASONS),
        field("risk", Of::OrNull(&RISKS)),
        field("since", Of::Time),
        field("own", Of::Boolean),
    ],
};

/// An app with all that it is judged by.
pub static REVIEW: Shape = Shape {
    name: "Review",
    fields: &[
        field("client_id", Of::Text),
        field("seen", Of::Text),
        field("waiting", Of::Boolean),
        field("own", Of::Boolean),
        field("organization", Of::Text),
        field("state", Of::Text),
        field("reason", REASONS),
        field("risk", Of::OrNull(&RISKS)),
        field("submission", Of::OrNull(&Of::One(&SUBMISSION))),
        field("earlier", Of::Many(&SUBMISSION)),
        field("differences", Of::Many(&CHANGE)),
        field("scopes", Of::One(&SCOPE_DIFF)),
        field("decision", Of::OrNull(&Of::One(&DECISION))),
    ],
};

/// Against what was approved last.
pub static SCOPE_DIFF: Shape = Shape {
    name: "ScopeDifference",
    fields: &[
        field("added", Of::Texts),
        field("kept", Of::Texts),
        field("removed", Of::Texts),
    ],
};

pub static VERDICT: Shape = Shape {
    name: "Verdict",
    fields: &[
        field("verdict", DECISION_WORDS),
        field("seen", Of::Line(100)),
        optional("note", NOTE),
    ],
};

const DECISION_WORDS: Of = Of::Word(&["approved", "rejected", "changes_requested", "suspended", "reinstated"]);

/// Any app, as whoever is on duty sees it in a list.
pub static LISTED_APP: Shape = Shape {
    name: "ListedApp",
    fields: &[
        field("client_id", Of::Text),
        field("name", Of::Text),
        field("organization", Of::Text),
        field("kind", Of::Text),
        field("state", Of::Text),
        field("disabled", Of::Boolean),
    ],
};

pub static ACCESS_REQUEST: Shape = Shape {
    name: "AccessRequest",
    fields: &[
        field("id", Of::Text),
        field("name", Of::Text),
        field("organization", Of::Text),
        field("email", Of::Text),
        field("integration", Of::Word(&["third_party_software", "direct_system"])),
        field("description", Of::Text),
        field("at", Of::Time),
        field("answer", Of::OrNull(&Of::One(&ANSWER))),
    ],
};

pub static ANSWER: Shape = Shape {
    name: "Answer",
    fields: &[
        field("accepted", Of::Boolean),
        field("by", Of::Text),
        field("at", Of::Time),
        field("note", MAYBE_TEXT),
        field("offer", Of::OrNull(&Of::One(&OFFER))),
    ],
};

pub static OFFER: Shape = Shape {
    name: "Offer",
    fields: &[
        field(ORGANIZATION, Of::OrganizationId),
        field("role", Of::Text),
        field("kind", OFFERED),
        field("name", Of::Text),
        field("scopes", Of::Texts),
        field("client_id", MAYBE_TEXT),
        field("days", Of::OrNull(&DAYS)),
        field("token", Of::OrNull(&Of::Text)),
    ],
};

/// An organization there is, with a role in it, or the name of a new one.
pub static ACCEPTANCE: Shape = Shape {
    name: "Acceptance",
    fields: &[
        optional("organization", Of::Maybe(64)),
        optional("organization_name", NAME),
        optional("role", Of::Word(&["owner", "admin", "developer"])),
        field("kind", OFFERED),
        field("app_name", Of::Line(NAME_CHARS_MAX as u32)),
        optional("days", DAYS),
        field("scopes", Of::List(200, &Of::Line(64))),
    ],
};

pub static ACCEPTED: Shape = Shape {
    name: "Accepted",
    fields: &[field("invitation", MAYBE_TEXT)],
};

pub static DECLINE: Shape = Shape {
    name: "Decline",
    fields: &[field("note", Of::Line(NOTE_CHARS_MAX as u32))],
};
