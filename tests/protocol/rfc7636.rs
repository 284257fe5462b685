//! RFC 7636: who must send a challenge, and which.

use crate::authorizing::{Authorizing, CALLBACK_ENCODED, CHALLENGE, VERIFIER};
use grantd::base::digest::{base64url, sha256};
use grantd::oauth::pkce::verify;

#[test]
fn o17_f7_the_verifier_of_the_rfc_fits_its_challenge_and_no_other_does() {
    assert!(verify(CHALLENGE, VERIFIER));
    let changed = |at: usize| {
        let mut text = VERIFIER.as_bytes().to_vec();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).unwrap()
    };
    for at in 0..VERIFIER.len() {
        assert!(!verify(CHALLENGE, &changed(at)), "changed at {at}");
    }
    for wrong in [
        "",
        CHALLENGE,
        &VERIFIER[1..],
        &format!("{VERIFIER} "),
        &VERIFIER.to_uppercase(),
    ] {
        assert!(!verify(CHALLENGE, wrong), "{wrong}");
    }
    // As it would be for the method plain.
    assert!(!verify(VERIFIER, VERIFIER));
}

/// RFC 7636 §4.1: 43 to 128 unreserved characters, even where the digest would fit.
#[test]
fn o17_a_verifier_of_another_shape_fits_nothing() {
    let fits = |verifier: &str| verify(&base64url(sha256(verifier.as_bytes())), verifier);
    assert!(fits(&"a".repeat(43)) && fits(&"a".repeat(128)) && fits(&"-._~".repeat(16)));
    assert!(!fits(&"a".repeat(42)) && !fits(&"a".repeat(129)));
    for bad in ["+", "/", "=", " ", "%", "é", "\n"] {
        assert!(!fits(&bad.repeat(43)), "{bad:?}");
    }
}

/// Past failure: an unknown method, or none, that was treated as plain (workers-oauth-provider#275).
#[tokio::test]
async fn o17_o20_b2_f7_past_workers_275_the_method_is_s256_and_is_named() {
    for profile in ["default", "mokapen"] {
        let the = Authorizing::new(profile).await;
        let query = the.query(first_scope(profile));
        assert_eq!(the.good(&query).await.asked.challenge.as_deref(), Some(CHALLENGE));
        for method in ["plain", "s256", "S512", "none", "S256+", ""] {
            let query = query.replace("code_challenge_method=S256", &format!("code_challenge_method={method}"));
            assert_eq!(the.refused(&query).await.0, "invalid_request", "{profile} {method}");
        }
        let query = query.replace("&code_challenge_method=S256", "");
        assert_eq!(
            the.refused(&query).await.0,
            "invalid_request",
            "{profile}: no method means plain"
        );
    }
}

#[tokio::test]
async fn o17_the_challenge_is_a_sha256_in_base64url() {
    let the = Authorizing::new("default").await;
    for bad in [
        &CHALLENGE[1..],
        &format!("{CHALLENGE}A"),
        &format!("{CHALLENGE}%3D"),
        &CHALLENGE.replace('-', "%2B"),
        &"a".repeat(128),
        // Bits left over: no digest ends so.
        &format!("{}N", &CHALLENGE[..42]),
    ] {
        let query = the.query("").replace(CHALLENGE, bad);
        assert_eq!(the.refused(&query).await.0, "invalid_request", "{bad}");
    }
}

/// Past failure: PKCE that a client could be talked out of (CVE-2024-22258, CVE-2025-4144).
#[tokio::test]
async fn o20_b2_past_cve_2024_22258_2025_4144_who_must_send_a_challenge_is_the_profiles_to_say() {
    let without = |query: &str| query.replace(&format!("&code_challenge={CHALLENGE}&code_challenge_method=S256"), "");
    for (profile, confidential_may_omit) in [("default", false), ("makecrypto", false), ("mokapen", true)] {
        let the = Authorizing::new(profile).await;
        let query = without(&the.query(first_scope(profile)));
        if confidential_may_omit {
            assert_eq!(the.good(&query).await.asked.challenge, None, "{profile}");
        } else {
            assert_eq!(the.refused(&query).await.0, "invalid_request", "{profile}");
        }
        let method_alone = format!("{query}&code_challenge_method=S256");
        assert_eq!(the.refused(&method_alone).await.0, "invalid_request", "{profile}");
        let public = query
            .replace(&the.web.0, &the.spa.0)
            .replace(CALLBACK_ENCODED, "http%3A%2F%2F127.0.0.1%3A5000%2Fcallback");
        assert_eq!(
            the.refused(&public).await.0,
            "invalid_request",
            "{profile}: a public client always does"
        );
    }
}

#[tokio::test]
async fn o31_b2_b7_the_methods_are_published() {
    let the = Authorizing::new("default").await;
    let document = the.world.get("/.well-known/oauth-authorization-server").await.json;
    assert_eq!(
        document["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
}

/// What a profile that requires a scope is asked for.
fn first_scope(profile: &str) -> &'static str {
    if profile == "mokapen" { "&scope=tasks.read" } else { "" }
}
