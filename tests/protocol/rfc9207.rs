//! RFC 9207: every answer says whose it is.

use crate::authorizing::{Authorizing, CALLBACK, STATE, answered};
use crate::support::ISSUER;
use grantd::oauth::authorize::{self, AuthorizationResponse};

fn assert_ours(response: &AuthorizationResponse) {
    let params = answered(&response.location());
    let of = |name: &str| {
        let values = params.iter().filter(|(n, _)| n == name);
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("iss"), [ISSUER]);
    assert_eq!(of("state"), [STATE]);
    assert_eq!(of("code").len() + of("error").len(), 1, "{params:?}");
    assert!(response.location().starts_with(CALLBACK));
    let mut names: Vec<&str> = response.params.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), response.params.len(), "each once");
}

#[tokio::test]
async fn r3_m2_f7_o33_iss_stands_once_in_every_answer_errors_too() {
    let the = Authorizing::new("default").await;
    let request = the.good(&the.query("")).await;
    let response = the.approve(&request).await.unwrap();
    assert_ours(&response);
    assert!(response.param("code").is_some());
    assert_ours(&authorize::deny(&the.world.ctx, &request).await.unwrap());
    assert_ours(&authorize::silently(&the.world.ctx, &request, None).await.unwrap());
    for bad in [
        "&scope=no.such",
        "&resource=x",
        "&response_mode=fragment",
        "&prompt=none+login",
        "&request=x",
    ] {
        assert_ours(&the.refused(&the.query(bad)).await.1);
    }
}

#[tokio::test]
async fn r3_m2_the_document_says_so_with_the_same_issuer() {
    let the = Authorizing::new("default").await;
    let document = the.world.get("/.well-known/oauth-authorization-server").await.json;
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let (_, response) = the.refused(&the.query("&scope=no.such")).await;
    assert_eq!(document["issuer"].as_str(), response.param("iss"));
}

#[tokio::test]
async fn b3_o19_an_answer_holds_nothing_but_the_code() {
    let the = Authorizing::new("default").await;
    let response = the.approve(&the.good(&the.query("")).await).await.unwrap();
    let names: Vec<&str> = response.params.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    let code = response.param("code").unwrap();
    assert!(code.starts_with("grantd_code_"));
    assert!(
        !format!("{response:?}").contains(code),
        "not even in what is printed for developers"
    );
    assert!(!code.contains(crate::authorizing::CHALLENGE));
}
