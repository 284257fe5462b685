//! The checks of an authorization request, in their order: what only the user is told, and what the client is told.

use crate::authorizing::{Authorizing, CALLBACK_ENCODED, STATE, parameters};
use crate::http::request;
use grantd::control::Command;
use grantd::model::app::{AppState, GrantType};
use grantd::oauth::authorize::{Prompt, ResponseMode};
use grantd::store::Seq;
use http::Method;
use std::time::Duration;

#[tokio::test]
async fn o8_o11_without_a_good_client_and_redirect_uri_there_is_a_page_and_no_redirect() {
    let the = Authorizing::new("default").await;
    let good = parameters("");
    let id = &the.web.0;
    let private = &the.world.client_id;
    for query in [
        String::new(),
        good.clone(),
        format!("client_id=&{good}"),
        format!("client_id=nobody&{good}"),
        format!("client_id={id}x&{good}"),
        format!("client_id={}&{good}", id.to_uppercase()),
        format!("client_id={id}%00&{good}"),
        format!("client_id={}&{good}", "a".repeat(4000)),
        format!("client_id={id}&client_id={id}&{good}"),
        format!("client_id={private}&{good}"),
        format!("client_id={private}&response_type=code"),
        format!("client_id={id}&{good}&redirect_uri={CALLBACK_ENCODED}"),
        format!("client_id={id}&{good}&redirect_uri="),
        format!("client_id={id}&{good}&x=%zz"),
        format!("client_id={id}&{good}&x=%ff"),
        format!("client_id={id}&{good}&{}", "x=1&".repeat(70)),
        format!("client_id={id}&{good}&request_uri=https%3A%2F%2Fapp.example%2Frequest.jwt"),
        format!("client_id={id}&{good}&request_uri=urn:ietf:params:oauth:request_uri:x"),
        format!("client_id={id}&{good}&request_uri=urn:grantd:posted:x"),
        format!("client_id={id}&{good}&request_uri=a&request_uri=b"),
    ] {
        let error = the.page(&query).await;
        assert!(error.description.ends_with('.'), "{query}: {error:?}");
    }
}

#[tokio::test]
async fn o8_a_client_that_is_not_active_gets_the_same_page_as_an_unknown_one() {
    let the = Authorizing::new("default").await;
    let query = the.query("");
    let unknown = the.page(&query.replace(&the.web.0, "nobody")).await;
    for state in [
        AppState::Draft,
        AppState::PendingReview,
        AppState::Rejected,
        AppState::Suspended,
    ] {
        the.change_app(&the.web.0, |app, _| app.state = state).await;
        assert_eq!(the.page(&query).await.description, unknown.description);
    }
    the.change_app(&the.web.0, |app, _| app.state = AppState::Active).await;
    the.good(&query).await;
    let disable = |disabled| Command::AppDisable {
        client_id: the.web.0.clone(),
        disabled,
    };
    the.world.run(disable(true)).await;
    assert_eq!(the.page(&query).await.description, unknown.description);
    the.world.run(disable(false)).await;
    the.world
        .run(Command::OrganizationDisable {
            organization: the.world.organization.clone(),
            disabled: true,
        })
        .await;
    assert_eq!(the.page(&query).await.description, unknown.description);
}

#[tokio::test]
async fn o11_unknown_parameters_are_ignored_and_empty_ones_are_absent() {
    let the = Authorizing::new("default").await;
    let plain = the.good(&the.query("")).await;
    let more = "&unknown=1&unknown=2&audience=x&scope=&resource=&prompt=&max_age=&dpop_jkt=&request=&request_uri=\
                &response_mode=&nonce=x&claims=%7B%7D&client_secret=not_ours";
    let request = the.good(&the.query(more)).await;
    assert_eq!(request.asked, plain.asked);
    assert_eq!(request.address.mode, ResponseMode::Query);
}

#[tokio::test]
async fn o11_a_known_parameter_that_stands_twice_is_refused() {
    let the = Authorizing::new("default").await;
    for twice in [
        "response_type=code",
        "response_mode=query&response_mode=query",
        "scope=data.read&scope=data.read",
        "scope=data.read&scope=",
        "code_challenge=x",
        "code_challenge_method=S256",
        "prompt=login&prompt=login",
        "max_age=1&max_age=1",
        "login_hint=a&login_hint=b",
        "ui_locales=en&ui_locales=fr",
        "dpop_jkt=a&dpop_jkt=a",
    ] {
        let (error, response) = the.refused(&the.query(&format!("&{twice}"))).await;
        assert_eq!(error, "invalid_request", "{twice}");
        assert_eq!(response.param("state"), Some(STATE), "{twice}");
    }
    // Judged before what the parameters say.
    let (error, _) = the
        .refused(
            &the.query("&scope=no.such")
                .replace("&scope", "&login_hint=a&login_hint=b&scope"),
        )
        .await;
    assert_eq!(error, "invalid_request");
    // Of two states neither is the client's.
    let (error, response) = the.refused(&the.query("&state=another_one")).await;
    assert_eq!((error.as_str(), response.param("state")), ("invalid_request", None));
}

#[tokio::test]
async fn o18_o33_b3_f7_the_response_type_is_code_and_nothing_else() {
    let the = Authorizing::new("default").await;
    for other in [
        "token",
        "id_token",
        "code+token",
        "code+id_token",
        "none",
        "Code",
        "code+",
        "codex",
    ] {
        let query = the
            .query("")
            .replace("response_type=code", &format!("response_type={other}"));
        assert_eq!(the.refused(&query).await.0, "unsupported_response_type", "{other}");
    }
    for missing in ["", "response_type=&"] {
        let query = the.query("").replace("response_type=code&", missing);
        assert_eq!(the.refused(&query).await.0, "invalid_request");
    }
}

#[tokio::test]
async fn o18_the_response_mode_is_query_or_form_post() {
    let the = Authorizing::new("default").await;
    for (sent, mode) in [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)] {
        let query = the.query(&format!("&response_mode={sent}"));
        assert_eq!(the.good(&query).await.address.mode, mode);
        let (_, response) = the.refused(&format!("{query}&scope=no.such")).await;
        assert_eq!(response.mode, mode, "errors go the same way");
    }
    for other in ["fragment", "jwt", "query.jwt", "web_message", "Query"] {
        let (error, response) = the.refused(&the.query(&format!("&response_mode={other}"))).await;
        assert_eq!(
            (error.as_str(), response.mode),
            ("invalid_request", ResponseMode::Query),
            "{other}"
        );
    }
}

#[tokio::test]
async fn p3_request_objects_are_not_supported() {
    let the = Authorizing::new("default").await;
    let (error, response) = the.refused(&the.query("&request=eyJhbGciOiJub25lIn0.e30.")).await;
    assert_eq!(error, "request_not_supported");
    assert_eq!(response.param("state"), Some(STATE));
}

/// Past failure: grants taken from the request instead of from the registration (CVE-2026-7571, better-auth#9974).
#[tokio::test]
async fn o18_past_cve_2026_7571_better_auth_9974_only_an_app_registered_for_the_grant_may_use_it() {
    let the = Authorizing::new("default").await;
    the.change_app(&the.web.0, |_, rules| rules.grant_types = vec![GrantType::RefreshToken])
        .await;
    assert_eq!(the.refused(&the.query("")).await.0, "unauthorized_client");
}

#[tokio::test]
async fn f7_p4_an_app_that_must_push_its_requests_is_refused_without() {
    let the = Authorizing::new("default").await;
    the.change_app(&the.web.0, |_, rules| rules.require_par = true).await;
    let (error, response) = the.refused(&the.query("")).await;
    assert_eq!(error, "invalid_request");
    assert!(response.param("error_description").unwrap().contains("push"));
}

#[tokio::test]
async fn o19_scope_is_within_the_apps_and_by_default_all_of_it() {
    let the = Authorizing::new("default").await;
    let all = the.app(&the.web.0).await.scopes.clone();
    assert_eq!(the.good(&the.query("")).await.asked.scopes, all);
    let two = the.good(&the.query("&scope=data.write+data.read+data.write")).await;
    assert_eq!(two.asked.scopes, ["data.write", "data.read"]);
    the.change_app(&the.web.0, |app, _| app.scopes = vec!["data.read".into()])
        .await;
    for bad in [
        "data.write",
        "no.such",
        "data.read++data.read",
        "%22",
        "data.read%09data.read",
        "data.*",
    ] {
        let (error, response) = the.refused(&the.query(&format!("&scope={bad}"))).await;
        assert_eq!(error, "invalid_scope", "{bad}");
        assert_eq!(response.param("state"), Some(STATE));
    }
}

#[tokio::test]
async fn r1_the_resource_is_one_that_this_server_issues_for() {
    let the = Authorizing::new("default").await;
    let api = "https://auth.example/api";
    assert_eq!(the.good(&the.query("")).await.asked.resource, api);
    for good in [
        "&resource=https%3A%2F%2Fauth.example%2Fapi",
        "&resource=https://auth.example/api&resource=https://auth.example/api",
    ] {
        assert_eq!(the.good(&the.query(good)).await.asked.resource, api);
    }
    for bad in [
        "&resource=https://other.example/api",
        "&resource=https://auth.example/api/",
        "&resource=https://auth.example/api%23x",
        "&resource=api",
        "&resource=https://auth.example/api&resource=https://other.example/api",
    ] {
        let (error, response) = the.refused(&the.query(bad)).await;
        assert_eq!(error, "invalid_target", "{bad}");
        assert_eq!(response.param("state"), Some(STATE));
    }
}

#[tokio::test]
async fn d8_f5_dpop_jkt_is_a_thumbprint() {
    let the = Authorizing::new("default").await;
    let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    let request = the.good(&the.query(&format!("&dpop_jkt={jkt}"))).await;
    assert_eq!(request.asked.jkt.as_deref(), Some(jkt));
    for bad in [
        "x",
        &jkt[1..],
        &format!("{jkt}A"),
        &format!("{jkt}="),
        &jkt.replace('-', "%2B"),
    ] {
        let (error, _) = the.refused(&the.query(&format!("&dpop_jkt={bad}"))).await;
        assert_eq!(error, "invalid_request", "{bad}");
    }
}

#[tokio::test]
async fn o32_prompt_and_max_age_say_how_the_user_is_asked() {
    let the = Authorizing::new("default").await;
    let prompt = async |sent: &str| the.good(&the.query(&format!("&prompt={sent}"))).await.asked.prompt;
    let none = Prompt {
        none: true,
        ..Prompt::default()
    };
    assert_eq!(prompt("none").await, none);
    let all = Prompt {
        login: true,
        consent: true,
        select_account: true,
        ..Prompt::default()
    };
    assert_eq!(prompt("login+consent+select_account").await, all);
    for bad in ["none+login", "consent+none", "create", "None", "login,consent"] {
        assert_eq!(
            the.refused(&the.query(&format!("&prompt={bad}"))).await.0,
            "invalid_request",
            "{bad}"
        );
    }
    let now = the.world.ctx.now();
    let asked = the.good(&the.query("&max_age=60")).await;
    assert_eq!(asked.asked.max_age, Some(Duration::from_secs(60)));
    assert!(asked.recent_enough(now - Duration::from_secs(60), now));
    assert!(!asked.recent_enough(now - Duration::from_secs(61), now));
    let any = the.good(&the.query("")).await;
    assert!(any.recent_enough(now - Duration::from_secs(1_000_000), now));
    for bad in ["-1", "%2B1", "1.5", "x", "99999999999999999999999"] {
        assert_eq!(
            the.refused(&the.query(&format!("&max_age={bad}"))).await.0,
            "invalid_request",
            "{bad}"
        );
    }
    let hints = the
        .good(&the.query("&login_hint=ada%40example.com&ui_locales=sl+fr"))
        .await
        .asked;
    assert_eq!(hints.login_hint.as_deref(), Some("ada@example.com"));
    assert_eq!(hints.ui_locales.as_deref(), Some("sl fr"));
}

/// The request that Mokapen documents, as PHP's http_build_query writes it.
#[tokio::test]
async fn o20_the_documented_request_of_mokapen_passes_verbatim() {
    let the = Authorizing::new("mokapen").await;
    the.change_app(&the.web.0, |app, _| {
        app.redirect_uris = vec!["https://example.com/oauth/callback".into()]
    })
    .await;
    let query = format!(
        "client_id={}&redirect_uri=https%3A%2F%2Fexample.com%2Foauth%2Fcallback&response_type=code\
         &scope=tasks.read+tasks.write&state=8c9a3f0e5b7d1246",
        the.web.0
    );
    let request = the.good(&query).await;
    assert_eq!(request.asked.scopes, ["tasks.read", "tasks.write"]);
    assert_eq!(request.asked.challenge, None);
    assert_eq!(request.address.state.as_deref(), Some("8c9a3f0e5b7d1246"));
    for (without, name) in [
        (
            "&redirect_uri=https%3A%2F%2Fexample.com%2Foauth%2Fcallback",
            "redirect_uri",
        ),
        ("&scope=tasks.read+tasks.write", "scope"),
        ("&state=8c9a3f0e5b7d1246", "state"),
    ] {
        let (error, response) = the.refused(&query.replace(without, "")).await;
        assert_eq!(error, "invalid_request");
        assert!(response.param("error_description").unwrap().contains(name), "{name}");
    }
    let short = query.replace("8c9a3f0e5b7d1246", "8c9a3f0e5b7d124");
    let (error, response) = the.refused(&short).await;
    assert_eq!(
        (error.as_str(), response.param("state")),
        ("invalid_request", Some("8c9a3f0e5b7d124"))
    );
}

#[tokio::test]
async fn o20_f8_elsewhere_state_is_optional_and_may_be_long() {
    let the = Authorizing::new("default").await;
    let without = the.query("").replace(&format!("&state={STATE}"), "");
    assert_eq!(the.good(&without).await.address.state, None);
    let (_, response) = the.refused(&format!("{without}&scope=no.such")).await;
    assert_eq!(response.param("state"), None, "none came, none goes back");
    let long = "s".repeat(3000);
    let request = the.good(&format!("{without}&state={long}")).await;
    assert_eq!(request.address.state, Some(long));
}

#[tokio::test]
async fn o11_b5_no_other_origin_may_ask_the_authorization_endpoint() {
    let the = Authorizing::new("default").await;
    let headers = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
    ];
    for path in ["/oauth/authorize", "/oauth/par"] {
        let answer = the.world.send(request(Method::OPTIONS, path, &headers, b"")).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn o8_nothing_of_a_refused_request_is_written() {
    let the = Authorizing::new("default").await;
    let before = the.world.ctx.store.changes(Seq(0), 1000).await.unwrap().len();
    the.page("client_id=nobody").await;
    the.refused(&the.query("&scope=no.such")).await;
    the.good(&the.query("")).await;
    let after = the.world.ctx.store.changes(Seq(0), 1000).await.unwrap().len();
    assert_eq!(before, after);
}
