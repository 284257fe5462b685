//! The kinds of problems that a call of the JSON API may come to.

/// One kind: the end of its `type`, its status, and the texts that name and explain it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub status: u16,
    pub title: &'static str,
    pub detail: &'static str,
}

const fn kind(name: &'static str, status: u16, title: &'static str, detail: &'static str) -> Kind {
    Kind {
        name,
        status,
        title,
        detail,
    }
}

pub const MALFORMED: Kind = kind("malformed", 400, "api_malformed", "api_malformed_text");
pub const UNAUTHORIZED: Kind = kind("unauthorized", 401, "api_unauthorized", "api_unauthorized_text");
pub const FORBIDDEN: Kind = kind("forbidden", 403, "api_forbidden", "api_forbidden_text");
pub const MISSING_SCOPE: Kind = kind("missing_scope", 403, "api_missing_scope", "api_missing_scope_text");
pub const NOT_FOUND: Kind = kind("not_found", 404, "api_not_found", "api_not_found_text");
pub const CONFLICT: Kind = kind("conflict", 409, "api_conflict", "api_conflict_text");
pub const STATE: Kind = kind("state", 409, "api_state", "api_state_text");
pub const OTHER_BODY: Kind = kind("key_reused", 409, "api_key_reused", "api_key_reused_text");
pub const UNKNOWN_END: Kind = kind("key_in_use", 409, "api_key_in_use", "api_key_in_use_text");
pub const NOT_JSON: Kind = kind("not_json", 415, "api_not_json", "api_not_json_text");
pub const NO_PICTURE: Kind = kind("no_picture", 415, "api_no_picture", "api_no_picture_text");
pub const INVALID: Kind = kind("invalid", 422, "api_invalid", "api_invalid_text");
pub const TOO_MANY: Kind = kind("too_many", 429, "api_too_many", "api_too_many_text");
pub const BROKEN: Kind = kind("broken", 500, "api_broken", "api_broken_text");
pub const BUSY: Kind = kind("busy", 503, "api_busy", "api_busy_text");

/// All of them, as the documentation lists them.
pub const KINDS: [Kind; 15] = [
    MALFORMED,
    UNAUTHORIZED,
    FORBIDDEN,
    MISSING_SCOPE,
    NOT_FOUND,
    CONFLICT,
    STATE,
    OTHER_BODY,
    UNKNOWN_END,
    NOT_JSON,
    NO_PICTURE,
    INVALID,
    TOO_MANY,
    BROKEN,
    BUSY,
];
