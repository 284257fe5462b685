//! `[webhooks]`, of a profile and of `grantd.toml`.

use super::profiles::{ONE_SCOPE, load};
use super::{accepted, profile_files, refused};
use std::time::Duration;

#[test]
fn deliveries_look_as_the_profile_says() {
    let rules = |settings: &str| {
        let files = [("p/profile.toml", settings), ("p/scopes.json", ONE_SCOPE)];
        load("p", &files).unwrap().webhooks
    };
    let usual = rules("prefix = \"abc\"");
    assert_eq!(
        (usual.signature_header(), usual.id_header()),
        ("X-Webhook-Signature", "X-Webhook-Id")
    );
    assert_eq!(
        (usual.secret_prefix.as_str(), usual.retry_after.len()),
        ("abc_whsec_", 9)
    );
    assert_eq!(rules("prefix = \"abc\"\n[webhooks]"), usual);
    let own =
        rules("[webhooks]\nsignature_headers = [\"a-sig\", \"b-sig\"]\nretry_after = [\"1m\"]\norigin_headers = []");
    assert_eq!(own.signature_headers, ["a-sig", "b-sig"]);
    assert_eq!(own.retry_after, [Duration::from_secs(60)]);
    assert!(own.origin_headers.is_empty());
    profile_files::refused(
        "[webhooks]\nid_headers = []\nevent_headers = [\"Host\"]\nattempt_headers = [\"x-webhook-signature\"]\n\
         secret_prefix = \"A\"\nretry_after = [\"10d\", \"5d\"]",
        ONE_SCOPE,
        &[
            "`webhooks.id_headers` in profiles/p/profile.toml line 2 is empty; receivers need it",
            "`webhooks.event_headers[0]` in profiles/p/profile.toml line 3 is \"Host\", which means something else \
             already",
            "`webhooks` in profiles/p/profile.toml line 1 names the header x-webhook-signature twice",
            "`webhooks.secret_prefix` in profiles/p/profile.toml line 5 is \"A\", but a prefix is 1 to 24 of a-z, 0-9 \
             and _",
            "`webhooks.retry_after` in profiles/p/profile.toml line 6 is longer than 14d in all; deliveries are \
             forgotten after 30d",
        ],
    );
}

#[test]
fn networks_are_allowed_by_name_alone() {
    assert!(accepted("").webhooks.allow_networks.is_empty());
    let config = accepted("[webhooks]\nallow_networks = [\"10.20.0.0/16\", \"fd00::/8\", \"192.168.1.7\"]");
    let texts: Vec<String> = config.webhooks.allow_networks.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["10.20.0.0/16", "fd00::/8", "192.168.1.7/32"]);
    assert!(
        config
            .warnings()
            .iter()
            .any(|warning| warning.contains("webhooks.allow_networks"))
    );
    refused(
        "[webhooks]\nallow_networks = [\"home\", \"10.20.0.1/16\"]",
        &[
            "`webhooks.allow_networks[0]` in grantd.toml line 2 is \"home\", which is no network such as 10.0.0.0/8 or \
             fd00::/8",
            "`webhooks.allow_networks[1]` in grantd.toml line 2 is \"10.20.0.1/16\", which has bits set behind its \
             prefix: write the first address of the network",
        ],
    );
}
