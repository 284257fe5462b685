//! `profile.toml` and `scopes.json`: the sentence for everything that cannot be.

use super::profiles::{ONE_SCOPE, load};
use grantd::config::{Risk, Role, Scope, ScopeCatalog};

/// A profile `p` of these files; its sentences in order.
#[track_caller]
pub fn refused(settings: &str, scopes: &str, sentences: &[&str]) {
    let loaded = load("p", &[("p/profile.toml", settings), ("p/scopes.json", scopes)]);
    let problems = loaded
        .err()
        .unwrap_or_else(|| panic!("accepted:\n{settings}\n{scopes}"));
    assert_eq!(
        problems.lines().collect::<Vec<_>>(),
        sentences,
        "for\n{settings}\n{scopes}"
    );
}

#[test]
fn what_a_profile_cannot_be_is_refused_with_a_sentence() {
    refused(
        "nou = 3\nids = \"number\"\nprefix = \"Abc\"\npkce = true",
        ONE_SCOPE,
        &[
            "`ids` in profiles/p/profile.toml line 2 is \"number\", not one of `integer`, `text`",
            "`prefix` in profiles/p/profile.toml line 3 is \"Abc\", but a prefix is 1 to 12 of a-z and 0-9",
            "`pkce` in profiles/p/profile.toml line 4 must be a string, not a boolean",
            "unknown key `nou` in profiles/p/profile.toml line 1; did you mean `noun`?",
        ],
    );
    refused(
        "noun = { singular = \"client\", plural = \"É\" }\nprefix = \"\"",
        ONE_SCOPE,
        &[
            "`noun.singular` in profiles/p/profile.toml line 1 is \"client\", but `client_id` already means \
             something else in tokens",
            "`noun.plural` in profiles/p/profile.toml line 1 is \"É\", but it names a claim, so write 1 to 32 of \
             a-z and _, a letter first",
            "`prefix` in profiles/p/profile.toml line 2 is \"\", but a prefix is 1 to 12 of a-z and 0-9",
        ],
    );
    refused(
        "[lifetimes]\ncode = \"11m\"\nrefresh_idle = \"4d\"\nrefresh_absolute = \"3d\"\n\
         [authorize]\nrequire = [\"scop\"]\nstate_chars_min = -1",
        ONE_SCOPE,
        &[
            "`lifetimes.code` in profiles/p/profile.toml line 2 is \"11m\", but must be \"5s\" to \"10m\"",
            "`lifetimes` in profiles/p/profile.toml line 1 lets refresh tokens be idle for 4d but end after 3d; make \
             `refresh_absolute` the longer one",
            "`authorize.require[0]` in profiles/p/profile.toml line 6 is \"scop\", not one of `redirect_uri`, `scope`, \
             `state`; did you mean \"scope\"?",
            "`authorize.state_chars_min` in profiles/p/profile.toml line 7 is -1, but must be 0 to 128",
        ],
    );
}

#[test]
fn dpop_nonces_are_wanted_or_not() {
    let nonces = |settings: &str| {
        let files = [("p/profile.toml", settings), ("p/scopes.json", ONE_SCOPE)];
        load("p", &files).unwrap().dpop.nonces
    };
    assert!(nonces("[dpop]\nnonces = true"));
    assert!(!nonces("[dpop]\nnonces = false") && !nonces("[dpop]") && !nonces(""));
    refused(
        "[dpop]\nnonces = \"yes\"\nnonce = true",
        ONE_SCOPE,
        &[
            "`dpop.nonces` in profiles/p/profile.toml line 2 must be true or false, not a string",
            "unknown key `dpop.nonce` in profiles/p/profile.toml line 3; did you mean `dpop.nonces`?",
        ],
    );
}

#[test]
fn the_scopes_of_this_servers_own_api_are_in_no_catalog() {
    refused(
        "",
        &ONE_SCOPE.replace("\"a\"", "\"grantd:apps:read\""),
        &[
            "`scopes[0].name` in profiles/p/scopes.json line 1 is \"grantd:apps:read\", but `grantd:…` are scopes of \
           this server's own API",
        ],
    );
}

#[test]
fn refresh_tokens_may_be_idle_longer_than_access_tokens_live() {
    let settings = |access: &str| {
        format!(
            "lifetimes = {{ refresh_idle = \"2d\" }}\n[[resources]]\nidentifier = \"{{issuer}}/api\"\nname = \"A\"\n\
             access_token = \"{access}\""
        )
    };
    let load = |access: &str| {
        load(
            "p",
            &[("p/profile.toml", &settings(access)), ("p/scopes.json", ONE_SCOPE)],
        )
    };
    assert!(load("47h").is_ok());
    for access in ["48h", "365d"] {
        let problems = load(access).unwrap_err();
        let start = "the access tokens of https://localhost:1/api live ";
        assert!(
            problems.starts_with(start) && problems.contains("idle only 2d"),
            "{problems}"
        );
    }
}

#[test]
fn resource_identifiers_are_absolute_and_in_normal_form() {
    let with = |identifier: &str| format!("[[resources]]\nidentifier = '{identifier}'\nname = \"A\"");
    let extra = "which must have no query, no fragment and no credentials";
    for (identifier, why) in [
        ("{issuer}/api#x", extra),
        ("{issuer}/api#", extra),
        ("{issuer}/api?x", extra),
        ("https://me@a.example/", extra),
        ("/api", "which is no absolute URI: relative URL without a base"),
        ("urn:api", "which must be https, not urn"),
        (
            "http://a.example",
            "which must be https; plain http is only for the hosts 127.0.0.1, [::1] and localhost",
        ),
        (
            "https://a.example/x/../y",
            "which is not in its normal form; write \"https://a.example/y\"",
        ),
        (
            "https://A.example",
            "which is not in its normal form; write \"https://a.example/\"",
        ),
        (
            "https://a.example/{tenant}",
            "which is not in its normal form; write \"https://a.example/%7Btenant%7D\"",
        ),
        (
            "https://a.example/a b",
            "which is not in its normal form; write \"https://a.example/a%20b\"",
        ),
    ] {
        let text = format!("{:?}", identifier.replace("{issuer}", "https://localhost:1"));
        refused(
            &with(identifier),
            ONE_SCOPE,
            &[&format!(
                "`resources[0].identifier` in profiles/p/profile.toml line 2 is {text}, {why}"
            )],
        );
    }
    let twice = format!("{}\n{}", with("{issuer}/api"), with("https://localhost:1/api"));
    refused(
        &twice,
        ONE_SCOPE,
        &["`resources[1]` in profiles/p/profile.toml line 4 repeats the identifier \"https://localhost:1/api\""],
    );
    refused(
        "resources = []",
        ONE_SCOPE,
        &["`resources` in profiles/p/profile.toml line 1 is empty; tokens need at least one resource to be for"],
    );
}

/// A scope catalog of `(name, roles, implies)`.
fn catalog(rows: &[(&str, &[Role], &[&str])]) -> Result<ScopeCatalog, Vec<String>> {
    let scope = |(name, roles, implies): &(&str, &[Role], &[&str])| Scope {
        name: (*name).to_owned(),
        title: "T".to_owned(),
        sentence: "S.".to_owned(),
        sentence_in: Vec::new(),
        risk: Risk::Low,
        roles: roles.to_vec(),
        implies: implies.iter().map(|name| (*name).to_owned()).collect(),
    };
    ScopeCatalog::new(rows.iter().map(scope).collect())
}

#[test]
fn implied_scopes_come_with_their_closure() {
    let (owner, all) = ([Role::Owner], Role::ALL);
    let scopes = catalog(&[
        ("a", &owner, &["b"]),
        ("b", &owner, &["c"]),
        ("c", &all, &[]),
        ("d", &all, &[]),
    ])
    .unwrap();
    assert_eq!(scopes.closure(["a"]).into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(
        scopes.closure(["c", "d", "x"]).into_iter().collect::<Vec<_>>(),
        ["c", "d"]
    );
    assert!(scopes.may_grant(Role::Member, "c") && !scopes.may_grant(Role::Member, "a"));
    assert!(
        !scopes.may_grant(Role::Owner, "x"),
        "what the catalog does not know, nobody grants"
    );
}

#[test]
fn a_catalog_that_contradicts_itself_is_refused() {
    let (owner, both) = ([Role::Owner], [Role::Owner, Role::Member]);
    for (rows, fault) in [
        (
            vec![("a", &owner[..], &[][..]), ("a", &owner, &[])],
            "the scope `a` is there twice",
        ),
        (
            vec![("a", &both[1..], &[])],
            "the scope `a` leaves `owner` out of `roles`: an owner may grant all",
        ),
        (
            vec![("a", &owner, &["b"])],
            "the scope `a` implies `b`, which is no scope of this catalog",
        ),
        (vec![("a", &owner, &["a"])], "the scope `a` implies itself through `a`"),
        (
            vec![("a", &both, &["b"]), ("b", &owner, &[])],
            "`member` may grant the scope `a` but not `b`, which it implies",
        ),
    ] {
        assert_eq!(catalog(&rows).unwrap_err(), [fault]);
    }
    let circle = catalog(&[("a", &owner, &["b"]), ("b", &owner, &["a"])]).unwrap_err();
    assert_eq!(
        circle,
        [
            "the scope `a` implies itself through `b`",
            "the scope `b` implies itself through `a`"
        ]
    );
}

#[test]
fn scopes_json_is_read_strictly() {
    let object = |members: &str| format!("{{\"scopes\": [{{{members}}}]}}");
    let good = r#""name": "a", "title": "A", "sentence": "A.", "risk": "low""#;
    refused(
        "",
        &object(r#""name": "a b", "title": "", "sentence": 1, "risk": "lo", "role": ["owner"]"#),
        &[
            "`scopes[0].name` in profiles/p/scopes.json line 1 is \"a b\", which is no scope-token of RFC 6749 section \
             3.3 (1 to 64 visible ASCII characters, none of them a space, a quote or a backslash)",
            "`scopes[0].title` in profiles/p/scopes.json line 1 is \"\", but must be 1 to 300 characters, none of them \
             at its ends blank",
            "`scopes[0].sentence` in profiles/p/scopes.json line 1 must be a string, not an integer",
            "`scopes[0].risk` in profiles/p/scopes.json line 1 is \"lo\", not one of `low`, `medium`, `high`; did you \
             mean \"low\"?",
            "`scopes[0].roles` is missing in profiles/p/scopes.json line 1",
            "unknown key `scopes[0].role` in profiles/p/scopes.json line 1; did you mean `scopes[0].roles`?",
        ],
    );
    for (text, sentence) in [
        (
            object(&format!("{good}, \"roles\": [\"owner\"], \"name\": \"b\"")),
            " line 1: the member `name` stands twice in one object",
        ),
        (
            object(&format!("{good}, \"roles\": [\"admin\"]")),
            ": the scope `a` leaves `owner` out of `roles`: an owner may grant all",
        ),
        ("[]".to_owned(), " must hold an object, not a list"),
        ("{".to_owned(), " line 1: EOF while parsing an object"),
    ] {
        refused("", &text, &[&format!("profiles/p/scopes.json{sentence}")]);
    }
    refused(
        "",
        &object(&format!("{}, \"roles\": [\"owner\"]", good.replace("A.", r"A\u0007."))),
        &["`scopes[0].sentence` in profiles/p/scopes.json line 1 is \"A\\u{7}.\", which contains control characters"],
    );
    refused(
        "",
        "{\"scpes\": []}",
        &[
            "`scopes` is missing in profiles/p/scopes.json",
            "unknown key `scpes` in profiles/p/scopes.json line 1; did you mean `scopes`?",
        ],
    );
    refused(
        "",
        "{\"scopes\": []}",
        &["`scopes` in profiles/p/scopes.json line 1 is empty; an API without scopes has nothing to grant"],
    );
    let long = format!("[{}]", "\"x\",".repeat(300).trim_end_matches(','));
    refused(
        "",
        &format!("{{\"scopes\": {long}}}"),
        &["`scopes` in profiles/p/scopes.json line 1 has 300 members; at most 256 are allowed"],
    );
    for depth in [100, 100_000] {
        let text = "[".repeat(depth) + &"]".repeat(depth);
        let deep = load("p", &[("p/profile.toml", ""), ("p/scopes.json", &text)]).unwrap_err();
        assert_eq!(deep, "profiles/p/scopes.json line 1: nested more than 32 deep");
    }
}
