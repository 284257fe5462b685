//! `[app]`, `[review]`, `[api_keys]` and `[pat]` of a profile.

use super::profile_files::refused;
use super::profiles::{ONE_SCOPE, load};
use grantd::config::SelfService;
use grantd::model::app::Kind;
use grantd::model::review::{Detail, ScopeChange};

#[test]
fn what_apps_must_have_and_what_other_scopes_come_to() {
    let rules = |settings: &str| {
        let files = [("p/profile.toml", settings), ("p/scopes.json", ONE_SCOPE)];
        load("p", &files).unwrap().review
    };
    let usual = [Detail::Company, Detail::Website, Detail::Logo];
    assert_eq!(rules("").require_public, usual);
    assert_eq!(rules("[app]").require_private, usual);
    assert_eq!(rules("").scope_change, ScopeChange::Revoke);
    let own = rules("[app]\nrequire_public = [\"terms\"]\nrequire_private = []\n[review]\nscope_change = \"stage\"");
    assert_eq!(own.require_public, [Detail::Terms]);
    assert!(own.require_private.is_empty());
    assert_eq!(own.scope_change, ScopeChange::Stage);
    let needed = [Detail::Name, Detail::RedirectUri, Detail::Terms, Detail::Scopes];
    assert_eq!(own.required(Kind::Public), needed);
    let needed = [Detail::Name, Detail::DedicatedUser, Detail::Scopes];
    assert_eq!(own.required(Kind::Private), needed);
    refused(
        "[app]\nrequire_public = [\"name\"]\n[review]\nscope_change = \"keep\"",
        ONE_SCOPE,
        &[
            "`app.require_public[0]` in profiles/p/profile.toml line 2 is \"name\", not one of `company`, `website`, \
             `logo`, `support`, `privacy_policy`, `terms`",
            "`review.scope_change` in profiles/p/profile.toml line 4 is \"keep\", not one of `revoke`, `stage`",
        ],
    );
}

#[test]
fn api_keys_have_headers_and_prefixes_of_their_own() {
    let rules = |settings: &str| {
        let files = [("p/profile.toml", settings), ("p/scopes.json", ONE_SCOPE)];
        load("p", &files).unwrap().api_keys
    };
    let none = rules("prefix = \"abc\"");
    assert!(!none.enabled);
    assert_eq!(
        (none.id_prefix.as_str(), none.secret_prefix.as_str()),
        ("abc_key_", "abc_keysecret_")
    );
    assert_eq!(rules("prefix = \"abc\"\n[api_keys]"), none);
    let own = rules(
        "[api_keys]\nenabled = true\nid_header = \"X-Id\"\nsecret_header = \"X-Secret\"\nid_prefix = \"k_\"\n\
         secret_prefix = \"s_\"\naliases = [{ id_header = \"Y-Id\", secret_header = \"Y-Secret\" }]",
    );
    assert!(own.enabled && own.headers.id.as_str() == "X-Id" && own.headers.secret.as_str() == "X-Secret");
    assert_eq!(
        (own.aliases[0].id.as_str(), own.aliases[0].secret.as_str()),
        ("Y-Id", "Y-Secret")
    );
    assert_eq!((own.id_prefix.as_str(), own.secret_prefix.as_str()), ("k_", "s_"));
}

#[test]
fn what_api_keys_cannot_be_is_refused_with_a_sentence() {
    refused(
        "[api_keys]\nid_header = \"X Id\"\nsecret_header = \"Authorization\"\nid_prefix = \"A-\"\nsecret_prefix = \"\"\
         \nenable = true",
        ONE_SCOPE,
        &[
            "`api_keys.id_header` in profiles/p/profile.toml line 2 is \"X Id\", which is no header name (RFC 9110 \
             section 5.1)",
            "`api_keys.secret_header` in profiles/p/profile.toml line 3 is \"Authorization\", which means something \
             else already",
            "`api_keys.id_prefix` in profiles/p/profile.toml line 4 is \"A-\", but a prefix is 1 to 24 of a-z, \
             0-9 and _",
            "`api_keys.secret_prefix` in profiles/p/profile.toml line 5 is \"\", but a prefix is 1 to 24 of a-z, \
             0-9 and _",
            "unknown key `api_keys.enable` in profiles/p/profile.toml line 6; did you mean `api_keys.enabled`?",
        ],
    );
    refused(
        "[api_keys]\nid_header = \"X-A\"\nsecret_header = \"x-a\"\nid_prefix = \"k\"\nsecret_prefix = \"k\"",
        ONE_SCOPE,
        &[
            "`api_keys` in profiles/p/profile.toml line 1 names the header x-a twice",
            "`api_keys` in profiles/p/profile.toml line 1 has the same `id_prefix` and `secret_prefix`; nobody could \
             tell an id from a secret",
        ],
    );
}

#[test]
fn personal_access_tokens_are_made_at_will_or_on_request_and_end_or_not() {
    let pat = |settings: &str| {
        let files = [("p/profile.toml", settings), ("p/scopes.json", ONE_SCOPE)];
        load("p", &files).unwrap().pat
    };
    let usual = pat("");
    assert_eq!((usual.self_service, usual.no_expiry), (SelfService::Always, false));
    assert_eq!(usual.default_lifetime.as_secs(), 90 * 24 * 60 * 60);
    assert_eq!(pat("[pat]\nself_service = true"), usual);
    let other = pat("[pat]\nself_service = \"on_request\"\nno_expiry = true\ndefault_lifetime = \"7d\"");
    assert_eq!((other.self_service, other.no_expiry), (SelfService::OnRequest, true));
    assert_eq!(other.default_lifetime.as_secs(), 7 * 24 * 60 * 60);
    refused(
        "[pat]\nself_service = false\nno_expiry = \"yes\"\ndefault_lifetime = \"400d\"\nexpiry = 1",
        ONE_SCOPE,
        &[
            "`pat.self_service` in profiles/p/profile.toml line 2 must be true or \"on_request\"",
            "`pat.no_expiry` in profiles/p/profile.toml line 3 must be true or false, not a string",
            "`pat.default_lifetime` in profiles/p/profile.toml line 4 is \"400d\", but must be \"1d\" to \"366d\"",
            "unknown key `pat.expiry` in profiles/p/profile.toml line 5; did you mean `pat.no_expiry`?",
        ],
    );
}
