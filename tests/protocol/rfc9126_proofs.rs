//! Pushed requests that show a key (RFC 9449 §10.1) or an assertion (RFC 7523).

use crate::authorizing::{Authorizing, parameters};
use crate::http::{Answer, basic, request};
use crate::proofs::ClientKey;
use crate::support::ISSUER;
use grantd::base::jose::Alg;
use http::Method;
use serde_json::Value;

fn key(seed: u64) -> ClientKey {
    ClientKey::new(Alg::Es256, seed)
}

fn proof(the: &Authorizing, key: &ClientKey) -> String {
    let par = |_: &mut Value, claims: &mut Value| claims["htu"] = format!("{ISSUER}/oauth/par").into();
    key.spoiled_proof(&the.world, &par)
}

async fn push(the: &Authorizing, more: &str, proofs: &[&str]) -> Answer {
    let authorization = basic(&the.web.0, &the.web.1);
    let mut headers = vec![
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", authorization.as_str()),
    ];
    headers.extend(proofs.iter().map(|proof| ("dpop", *proof)));
    let form = parameters(more);
    the.world
        .send(request(Method::POST, "/oauth/par", &headers, form.as_bytes()))
        .await
}

async fn jkt_of(the: &Authorizing, answer: &Answer) -> Option<String> {
    let uri: String = form_urlencoded::byte_serialize(answer.text("request_uri").as_bytes()).collect();
    let request = the.good(&format!("client_id={}&request_uri={uri}", the.web.0)).await;
    let response = the.approve(&request).await.unwrap();
    the.code(&response).await.jkt
}

#[tokio::test]
async fn d8_f5_a_proof_or_dpop_jkt_binds_the_code_and_both_must_agree() {
    let the = Authorizing::new("default").await;
    let (one, other) = (key(1), key(2));
    let named = format!("&dpop_jkt={}", one.jkt());
    for (more, proofs) in [
        (named.as_str(), vec![]),
        ("", vec![proof(&the, &one)]),
        (&named, vec![proof(&the, &one)]),
    ] {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        let answer = push(&the, more, &proofs).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(jkt_of(&the, &answer).await, Some(one.jkt()));
    }
    let answer = push(&the, "", &[]).await;
    assert_eq!(jkt_of(&the, &answer).await, None);
    let differ = push(&the, &named, &[&proof(&the, &other)]).await;
    assert_eq!(differ.error(), (400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn d2_d9_a_proof_of_another_address_or_one_used_before_is_refused() {
    let the = Authorizing::new("default").await;
    let for_token = key(1).proof(&the.world);
    let good = proof(&the, &key(1));
    assert_eq!(push(&the, "", &[&for_token]).await.error(), (400, "invalid_dpop_proof"));
    assert_eq!(
        push(&the, "", &[&good, &good]).await.error(),
        (400, "invalid_dpop_proof")
    );
    // What was refused for another reason used nothing up.
    assert_eq!(
        push(&the, "&scope=no.such", &[&good]).await.error(),
        (400, "invalid_scope")
    );
    assert_eq!(push(&the, "", &[&good]).await.status, 201);
    assert_eq!(push(&the, "", &[&good]).await.error(), (400, "invalid_dpop_proof"));
}
