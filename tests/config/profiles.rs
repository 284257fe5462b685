//! The profiles: what the built-in ones hold, and how a directory overrides one or adds another.

use super::DAY;
use grantd::config::{AuthorizeParameter, Config, IdType, Overrides, Pkce, Profile, Risk, Role, embedded_profiles};
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

const MAKECRYPTO_SCOPES: [(&str, &str); 13] = [
    ("company:read", "Read selected company identity and basic settings."),
    ("wallet:balances:read", "Read wallet balances for the selected company."),
    ("wallet:activity:read", "Read wallet and settlement activity."),
    (
        "makepay:payment-links:read",
        "Read MakePay payment links and payment status.",
    ),
    (
        "makepay:payment-links:write",
        "Create and update MakePay payment links.",
    ),
    ("makepay:customers:read", "Read MakePay customer records."),
    ("makepay:customers:write", "Create and update MakePay customer records."),
    ("makepay:subscriptions:read", "Read MakePay subscription records."),
    (
        "makepay:subscriptions:write",
        "Create and update MakePay subscriptions.",
    ),
    (
        "makepay:settings:read",
        "Read MakePay merchant settings and enabled assets.",
    ),
    (
        "makepay:settings:write",
        "Update MakePay merchant settings and callback configuration.",
    ),
    (
        "makepay:webhooks:read",
        "Read MakePay webhook endpoints and delivery logs.",
    ),
    (
        "makepay:webhooks:write",
        "Create, update, test, and retry MakePay webhook deliveries.",
    ),
];

pub const ONE_SCOPE: &str =
    r#"{"scopes": [{"name": "a", "title": "A", "sentence": "A.", "risk": "low", "roles": ["owner"]}]}"#;

/// Loads the profile `name` where the data directory holds these files.
pub fn load(name: &str, files: &[(&str, &str)]) -> Result<Profile, String> {
    let directory = TempDir::new().unwrap();
    for (name, text) in files {
        let path = directory.path().join("profiles").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let overrides = Overrides {
        issuer: Some("https://localhost:1".into()),
        data_dir: Some(directory.path().to_owned()),
        profile: Some(name.to_owned()),
        ..Overrides::default()
    };
    let prefix = format!("{}/", directory.path().display());
    let loaded = Config::load(None, &overrides);
    loaded
        .map(|config| config.profile)
        .map_err(|errors| errors.to_string().replace(&prefix, ""))
}

fn embedded(name: &str) -> Profile {
    load(name, &[]).unwrap()
}

#[test]
fn three_profiles_are_built_in() {
    assert_eq!(
        embedded_profiles().collect::<Vec<_>>(),
        ["default", "makecrypto", "mokapen"]
    );
    for name in embedded_profiles() {
        let profile = embedded(name);
        assert_eq!(profile.name, name);
        assert!(
            profile
                .resources
                .iter()
                .all(|resource| resource.algorithm.as_str() == "EdDSA"),
            "{name}"
        );
    }
}

#[test]
fn the_default_profile_is_neutral_and_equal_to_saying_nothing() {
    let profile = embedded("default");
    assert_eq!(
        (profile.noun.singular.as_str(), profile.noun.plural.as_str()),
        ("organization", "organizations")
    );
    assert_eq!(
        (profile.noun.id_claim(), profile.noun.name_member()),
        ("organization_id", "organization_name")
    );
    assert_eq!(
        (profile.ids, profile.prefix.as_str(), profile.pkce),
        (IdType::Text, "grantd", Pkce::All)
    );
    assert_eq!(profile.default_resource().identifier, "https://localhost:1/api");
    assert_eq!(
        profile.default_resource().access_token_lifetime,
        Duration::from_secs(600)
    );
    let lifetimes = profile.lifetimes;
    assert_eq!(lifetimes.code, Duration::from_secs(60));
    assert_eq!(
        (lifetimes.refresh_idle, lifetimes.refresh_absolute),
        (30 * DAY, 365 * DAY)
    );
    assert!(profile.authorize.require.is_empty() && profile.authorize.state_chars_min == 0);
    assert_eq!(
        load("default", &[("default/profile.toml", "")]).unwrap(),
        profile,
        "what its file says is the default"
    );
}

#[test]
fn mokapen_is_what_its_documentation_prints() {
    let profile = embedded("mokapen");
    assert_eq!(
        (profile.noun.id_claim(), profile.noun.name_member()),
        ("organization_id", "organization_name")
    );
    assert_eq!((profile.ids, profile.prefix.as_str()), (IdType::Integer, "mokapen"));
    assert_eq!(profile.pkce, Pkce::PublicClients);
    let resource = profile.default_resource();
    assert_eq!(resource.identifier, "https://localhost:1/api");
    assert_eq!(
        resource.access_token_lifetime.as_secs(),
        31_536_000,
        "`expires_in` of the printed answer"
    );
    let lifetimes = profile.lifetimes;
    assert_eq!(
        (lifetimes.refresh_idle, lifetimes.refresh_absolute),
        (400 * DAY, 3 * 365 * DAY)
    );
    use AuthorizeParameter::{RedirectUri, Scope, State};
    assert_eq!(profile.authorize.require, [RedirectUri, Scope, State]);
    assert_eq!(profile.authorize.state_chars_min, 16);
    for name in ["tasks.read", "tasks.write", "contacts.read", "contacts.write"] {
        assert!(profile.scopes.get(name).is_some(), "{name}");
    }
    let member: Vec<&str> = profile.scopes.grantable_by(Role::Member).collect();
    assert_eq!(
        member,
        ["contacts.read", "contacts.write", "tasks.read"],
        "all but tasks.write"
    );
}

#[test]
fn makecrypto_is_what_its_documentation_prints() {
    let profile = embedded("makecrypto");
    assert_eq!(
        (profile.noun.id_claim(), profile.noun.name_member()),
        ("company_id", "company_name")
    );
    assert_eq!(
        (profile.ids, profile.prefix.as_str(), profile.pkce),
        (IdType::Text, "mco", Pkce::All)
    );
    let resource = profile.default_resource();
    assert_eq!(resource.identifier, "https://localhost:1/api/partner/v1");
    assert!(
        resource.access_token_lifetime <= Duration::from_secs(3600),
        "\"short-lived\""
    );
    let scopes: Vec<(&str, &str)> = profile
        .scopes
        .iter()
        .map(|scope| (scope.name.as_str(), scope.sentence.as_str()))
        .collect();
    assert_eq!(scopes, MAKECRYPTO_SCOPES);
}

#[test]
fn every_sentence_is_there_in_every_language() {
    for name in embedded_profiles() {
        for scope in embedded(name).scopes.iter() {
            assert_eq!(scope.sentence("en"), scope.sentence, "{name}");
            for language in ["fr", "sl"] {
                assert_ne!(scope.sentence(language), scope.sentence, "{} of {name}", scope.name);
            }
        }
    }
}

#[test]
fn owners_may_grant_all_and_members_nothing_dangerous() {
    for name in embedded_profiles() {
        let scopes = embedded(name).scopes;
        assert_eq!(scopes.grantable_by(Role::Owner).count(), scopes.len(), "{name}");
        for scope in scopes.iter() {
            let dangerous = ["settings", "webhook", "wallet"]
                .iter()
                .any(|word| scope.name.contains(word));
            assert!(
                !(dangerous && scope.roles.contains(&Role::Member)),
                "a member may grant {} of {name}",
                scope.name
            );
            assert!(
                scope.risk != Risk::High || !scope.roles.contains(&Role::Member),
                "{} of {name}",
                scope.name
            );
        }
        assert!(
            scopes.grantable_by(Role::Member).count() > 0,
            "{name}: a member can grant something"
        );
    }
}

#[test]
fn a_file_in_the_data_directory_overrides_its_embedded_namesake() {
    let built_in = embedded("mokapen");
    let profile = load("mokapen", &[("mokapen/scopes.json", ONE_SCOPE)]).unwrap();
    assert_eq!(profile.scopes.names().collect::<Vec<_>>(), ["a"]);
    assert_eq!(
        Profile {
            scopes: built_in.scopes.clone(),
            ..profile
        },
        built_in,
        "the other file is still built in"
    );
    let profile = load("mokapen", &[("mokapen/profile.toml", "prefix = \"x\"")]).unwrap();
    assert_eq!(
        (profile.prefix.as_str(), profile.pkce),
        ("x", Pkce::All),
        "the whole file is replaced"
    );
    assert_eq!(profile.scopes, built_in.scopes);
    assert_eq!(
        load("mokapen", &[("default/profile.toml", "prefix = 1")]).unwrap(),
        built_in,
        "not its neighbours"
    );
}

#[test]
fn a_directory_is_a_profile() {
    let settings = "noun = { singular = \"team\", plural = \"teams\" }\nprefix = \"t\"";
    let files = [("mine/profile.toml", settings), ("mine/scopes.json", ONE_SCOPE)];
    let profile = load("mine", &files).unwrap();
    assert_eq!((profile.name.as_str(), profile.noun.id_claim()), ("mine", "team_id"));
    assert_eq!(profile.lifetimes, embedded("default").lifetimes);
    assert_eq!(
        load("mine", &files[..1]).unwrap_err(),
        "profiles/mine/scopes.json is missing: a profile of its own needs one"
    );
    assert_eq!(
        load("mokapn", &files).unwrap_err(),
        "there is no profile `mokapn`; did you mean `mokapen`? Built in are `default`, `makecrypto`, `mokapen`; \
         any other is a directory profiles/mokapn"
    );
    assert_eq!(
        load("other", &files).unwrap_err(),
        "there is no profile `other`. Built in are `default`, `makecrypto`, `mokapen`; any other is a directory \
         profiles/other"
    );
    for name in ["", "..", ".", "a/b", "../../etc", "Mine", "a\0b", &"a".repeat(33)] {
        let problems = load(name, &files).unwrap_err();
        assert_eq!(
            problems,
            format!("the profile is {name:?}, but a profile's name is 1 to 32 of a-z, 0-9 and -")
        );
    }
}
