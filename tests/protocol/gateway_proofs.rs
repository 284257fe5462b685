//! RFC 9449 §7: bound tokens and their proofs at the API.

use crate::gateway::{Guarded, challenges};
use crate::proofs::ClientKey;
use crate::support::{ISSUER, World};
use grantd::base::digest::{base64url, sha256};
use grantd::base::jose::Alg;
use http::Method;

#[tokio::test]
async fn d6_d9_past_cve_2024_49755_a_bound_token_needs_a_proof_of_its_key_for_this_very_request() {
    let the = Guarded::new("default").await;
    let key = ClientKey::new(Alg::Es256, 1);
    let token = the
        .world
        .ask_with_proof(&key.proof(&the.world))
        .await
        .text("access_token");
    let url = format!("{ISSUER}/api/v1/data");
    let ath = base64url(sha256(token.as_bytes()));
    let proof_of = |key: &ClientKey, method: &str, url: &str, ath: &str| {
        key.spoiled_proof(&the.world, &|_, claims| {
            (claims["htm"], claims["htu"], claims["ath"]) = (method.into(), url.into(), ath.into());
        })
    };
    let send = async |scheme: &str, token: &str, proofs: &[&str]| {
        let authorization = format!("{scheme} {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
        the.send(Method::GET, "/api/v1/data?page=2", &headers, "").await
    };

    let good = proof_of(&key, "GET", &url, &ath);
    assert_eq!(send("DPoP", &token, &[&good]).await.status, 200);
    let seen = the.upstream.one();
    assert_eq!(
        (seen.header("authorization"), seen.header("dpop")),
        ("", ""),
        "they go no further"
    );

    let replayed = send("DPoP", &token, &[&good]).await;
    assert_eq!(replayed.error(), (401, "invalid_dpop_proof"));
    assert!(
        challenges(&replayed)[1].contains("error=\"invalid_dpop_proof\""),
        "{replayed:?}"
    );

    let bearer = send("Bearer", &token, &[]).await;
    assert_eq!(bearer.error(), (401, "invalid_token"));
    let other = ClientKey::new(Alg::Es256, 2);
    for (proof, error) in [
        (proof_of(&other, "GET", &url, &ath), "invalid_token"),
        (proof_of(&key, "POST", &url, &ath), "invalid_dpop_proof"),
        (
            proof_of(&key, "GET", &format!("{ISSUER}/api/v1/settings"), &ath),
            "invalid_dpop_proof",
        ),
        (
            proof_of(&key, "GET", "https://evil.example/api/v1/data", &ath),
            "invalid_dpop_proof",
        ),
        (proof_of(&key, "GET", &url, "another"), "invalid_dpop_proof"),
        (key.proof(&the.world), "invalid_dpop_proof"),
        ("no.proof.at-all".to_owned(), "invalid_dpop_proof"),
    ] {
        assert_eq!(send("DPoP", &token, &[&proof]).await.error(), (401, error), "{proof}");
    }
    assert_eq!(send("DPoP", &token, &[]).await.error(), (401, "invalid_dpop_proof"));
    let (one, two) = (proof_of(&key, "GET", &url, &ath), proof_of(&key, "GET", &url, &ath));
    assert_eq!(
        send("DPoP", &token, &[&one, &two]).await.error(),
        (401, "invalid_dpop_proof")
    );

    assert!(the.upstream.take().is_empty());
}

#[tokio::test]
async fn d5_a_token_that_is_bound_to_no_key_is_no_dpop_token() {
    let the = Guarded::new("default").await;
    let (key, token) = (ClientKey::new(Alg::Es256, 1), the.world.mint("").await);
    let proof = key.spoiled_proof(&the.world, &|_, claims| {
        (claims["htm"], claims["htu"]) = ("GET".into(), format!("{ISSUER}/api/v1/data").into());
        claims["ath"] = base64url(sha256(token.as_bytes())).into();
    });
    let authorization = format!("DPoP {token}");
    let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str())];
    let answer = the.send(Method::GET, "/api/v1/data", &headers, "").await;
    assert_eq!(answer.error(), (401, "invalid_token"));
    assert!(the.upstream.take().is_empty());
}

/// The memory of used proofs is young after a restart; the store is not.
#[tokio::test]
async fn d7_a_proof_stays_used_after_a_restart() {
    let the = Guarded::new("default").await;
    let key = ClientKey::new(Alg::Es256, 1);
    let token = the
        .world
        .ask_with_proof(&key.proof(&the.world))
        .await
        .text("access_token");
    let ath = base64url(sha256(token.as_bytes()));
    let proof = key.spoiled_proof(&the.world, &|_, claims| {
        (claims["htm"], claims["ath"]) = ("GET".into(), ath.clone().into());
        claims["htu"] = format!("{ISSUER}/api/v1/data").into();
    });
    let authorization = format!("DPoP {token}");
    let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str())];
    let ask = |world: &World| {
        let request = crate::http::request(Method::GET, "/api/v1/data", &headers, b"");
        let service = world.service.clone();
        async move { service.answer(request).await.status.as_u16() }
    };
    let before = the
        .world
        .ctx
        .store
        .changes(grantd::store::Seq::default(), 10_000)
        .await
        .unwrap()
        .len();
    assert_eq!(ask(&the.world).await, 200);
    // It is written by itself, shortly after the answer.
    while the
        .world
        .ctx
        .store
        .changes(grantd::store::Seq::default(), 10_000)
        .await
        .unwrap()
        .len()
        == before
    {
        tokio::task::yield_now().await;
    }
    let again = the.world.restarted().await;
    assert_eq!(ask(&again).await, 401);
}
