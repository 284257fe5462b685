//! Redirect URIs: what may be registered, and that nothing but the registered one is ever redirected to.

use crate::authorizing::{Authorizing, CALLBACK, CHALLENGE, answered};
use crate::redirect_uri_tricks::{POLLUTED, REGISTERED, TRICKS};
use form_urlencoded::byte_serialize;
use grantd::base::random::{SeededRandom, bytes};
use grantd::model::app::ClientType;
use grantd::oauth::authorize::{AuthorizationRequest, Refusal};
use grantd::oauth::redirect_uri::check;

#[test]
fn o4_o5_b1_good_uris_may_be_registered() {
    for uri in REGISTERED {
        for client_type in [ClientType::Confidential, ClientType::Public] {
            assert_eq!(check(client_type, uri), Ok(()), "{uri}");
        }
    }
}

#[test]
fn o4_o6_b1_o32_past_cve_2026_3872_2026_9086_workers_98_better_auth_9845_no_trick_is_registered() {
    for uri in TRICKS {
        for client_type in [ClientType::Confidential, ClientType::Public] {
            let refused = check(client_type, uri).expect_err(uri).sentence();
            assert!(refused.split(' ').count() > 3, "{uri:?}: no sentence: {refused}");
        }
    }
    let long = format!("https://app.example/{}", "a".repeat(250));
    assert!(check(ClientType::Public, &long).is_err());
}

#[test]
fn o6_a_scheme_of_the_apps_own_has_a_dot_a_slash_and_no_secret() {
    for uri in ["com.example.app:/callback", "com.example.app://callback/x"] {
        assert_eq!(check(ClientType::Public, uri), Ok(()), "{uri}");
        assert!(check(ClientType::Confidential, uri).is_err(), "{uri}");
    }
    for uri in [
        "com.example.app:callback",
        "com.example.app:",
        "COM.example.app:/callback",
        "com.example.app://user@callback/",
        "com.example.app:/a/../b",
        "com.example.app:/a#b",
        "com.example.app:/a?code=1",
        "1com.example:/callback",
    ] {
        assert!(check(ClientType::Public, uri).is_err(), "{uri}");
    }
}

#[test]
fn o4_past_cve_2026_9689_a_query_with_a_parameter_of_the_response_is_not_registered() {
    for query in POLLUTED {
        for uri in [format!("{CALLBACK}?{query}"), format!("{CALLBACK}?x=1&{query}")] {
            assert!(check(ClientType::Public, &uri).is_err(), "{uri}");
        }
    }
}

/// Past failure: redirect URIs that were compared by pattern, or repaired before they were compared.
#[tokio::test]
async fn o5_o8_b1_past_cve_2026_7504_2023_6291_workers_92_whatever_is_not_the_registered_uri_byte_for_byte_gets_a_page()
{
    let the = Authorizing::new("default").await;
    let near = [
        "https://app.example/callback/",
        "https://app.example/callback?",
        "https://app.example/callback?x=1",
        "https://app.example/callback#",
        "https://app.example/callback#x",
        "https://app.example/callback/../callback",
        "https://app.example/callback/..;/x",
        "https://app.example/callback%2f",
        "https://app.example/%63allback",
        "https://app.example/Callback",
        "https://app.example/callbac",
        "https://app.example/callbackx",
        "https://app.example//callback",
        "https://app.example:443/callback",
        "https://app.example:8443/callback",
        "https://app.example./callback",
        "https://APP.example/callback",
        "https://evil.app.example/callback",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://evil.example/https://app.example/callback",
        "https://evil.example?https://app.example/callback",
        "https://app.example/callback https://evil.example/",
        "https://app.example/callback\n",
        " https://app.example/callback",
        "http://app.example/callback",
        "HTTPS://app.example/callback",
        "//app.example/callback",
        "/callback",
        "https://app.example/callback\0",
        "https://app.example/callback\\",
    ];
    for uri in near.into_iter().chain(TRICKS).filter(|uri| !uri.is_empty()) {
        let sent: String = byte_serialize(uri.as_bytes()).collect();
        let query = format!(
            "client_id={}&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256&redirect_uri={sent}",
            the.web.0
        );
        let error = the.page(&query).await;
        assert!(!error.description.contains("evil"), "{uri}");
    }
}

/// Past failures: a star, a dot or a bracket that matched more than itself, and let scripts in by way of it.
#[tokio::test]
async fn o5_past_cve_2023_6134_2023_6927_2024_52289_no_character_of_a_registered_uri_is_a_pattern() {
    let the = Authorizing::new("default").await;
    for (registered, matched_elsewhere) in [
        ("https://app.example/*", "https://app.example/anything"),
        ("https://app.example/.*", "https://app.example/anything"),
        ("https://app.example/a.b", "https://app.example/axb"),
        ("https://app.example/a?b=1", "https://app.example/b=1"),
        ("https://app.example/(x|y)", "https://app.example/x"),
        ("https://app.example/a+", "https://app.example/aaa"),
        ("https://app.example/$", "https://app.example/"),
        ("https://app.example/*", "javascript:alert(1)//https://app.example/"),
        ("https://app.example/*", "https://app.example/*/../../evil"),
    ] {
        the.change_app(&the.web.0, |app, _| app.redirect_uris = vec![registered.into()])
            .await;
        for mode in ["query", "form_post"] {
            let query = |uri: &str| {
                let sent: String = byte_serialize(uri.as_bytes()).collect();
                format!(
                    "client_id={}&response_type=code&response_mode={mode}&code_challenge={CHALLENGE}\
                     &code_challenge_method=S256&redirect_uri={sent}",
                    the.web.0
                )
            };
            the.page(&query(matched_elsewhere)).await;
            if check(ClientType::Confidential, registered).is_ok() {
                let request = the.good(&query(registered)).await;
                assert_eq!(request.address.redirect_uri.as_str(), registered, "itself");
            }
        }
    }
}

#[tokio::test]
async fn o5_o33_past_cve_2024_8883_on_a_loopback_address_only_the_port_may_differ() {
    let the = Authorizing::new("default").await;
    let query = |uri: &str| {
        let sent: String = byte_serialize(uri.as_bytes()).collect();
        format!(
            "client_id={}&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256&redirect_uri={sent}",
            the.spa.0
        )
    };
    the.change_app(&the.spa.0, |app, _| {
        app.redirect_uris = vec![
            "http://127.0.0.1/callback".into(),
            "http://[::1]:1/six?x=1".into(),
            "http://localhost/name".into(),
            "https://127.0.0.1/tls".into(),
        ];
    })
    .await;
    for uri in [
        "http://127.0.0.1/callback",
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:80/callback",
        "http://127.0.0.1:65535/callback",
        "http://[::1]/six?x=1",
        "http://[::1]:49152/six?x=1",
        "http://localhost:3000/name",
        "https://127.0.0.1/tls",
    ] {
        let request = the.good(&query(uri)).await;
        assert_eq!(request.address.redirect_uri.as_str(), uri);
    }
    for uri in [
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:080/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:+80/callback",
        "http://127.0.0.1: 80/callback",
        "http://127.0.0.1:80:80/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1:80#@evil.example/callback",
        "http://127.0.0.1:80\\@evil.example/callback",
        "http://127.0.0.1:80.evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://user@127.0.0.1/callback",
        "http://127.0.0.1:80/callback/",
        "http://127.0.0.1:80/callback?x",
        "http://127.0.0.1:80/Callback",
        "http://127.0.0.1:80//callback",
        "http://127.0.0.2:80/callback",
        "http://localhost/callback",
        "http://[::1]/callback",
        "http://[::1]:80/six?x=2",
        "http://[0:0:0:0:0:0:0:1]:80/six?x=1",
        "http://LOCALHOST:80/name",
        "http://127.0.0.1:80/name",
        "https://127.0.0.1:80/tls",
        "https://127.0.0.1:80/callback",
    ] {
        the.page(&query(uri)).await;
    }
}

#[tokio::test]
async fn o4_the_registered_query_stays_and_the_answer_follows_it() {
    let the = Authorizing::new("default").await;
    for (registered, before) in [
        ("https://app.example", "https://app.example?error="),
        ("https://app.example/?", "https://app.example/?error="),
        ("https://app.example/cb?a=1", "https://app.example/cb?a=1&error="),
        ("https://app.example/cb?a=%2F&", "https://app.example/cb?a=%2F&error="),
    ] {
        the.change_app(&the.web.0, |app, _| app.redirect_uris = vec![registered.into()])
            .await;
        let (_, response) = the.refused(&format!("client_id={}&state=s", the.web.0)).await;
        let location = response.location();
        assert!(location.starts_with(before), "{location}");
        assert!(!location.contains('#'), "{location}");
    }
}

/// A record of an older release, or one that was imported, with a URI that would not be registered today.
#[tokio::test]
async fn o4_o5_what_could_not_be_registered_today_is_no_redirect_uri() {
    let the = Authorizing::new("default").await;
    for old in [
        "https://app.example/cb?code=1",
        "javascript:alert(1)",
        "http://app.example/",
    ] {
        the.change_app(&the.web.0, |app, _| app.redirect_uris = vec![old.into()])
            .await;
        let sent: String = byte_serialize(old.as_bytes()).collect();
        for query in [String::new(), format!("&redirect_uri={sent}")] {
            the.page(&format!("client_id={}&response_type=code{query}", the.web.0))
                .await;
        }
    }
}

#[tokio::test]
async fn o7_with_several_registered_the_request_must_name_one() {
    let the = Authorizing::new("mokapen").await;
    let rest = "response_type=code&scope=tasks.read&state=0123456789abcdef";
    let query = format!("client_id={}&{rest}", the.web.0);
    // One to mean: the profile wants it named all the same, and says so to the client.
    let (error, response) = the.refused(&query).await;
    assert_eq!(error, "invalid_request");
    assert_eq!(response.redirect_uri.as_str(), CALLBACK);
    the.change_app(&the.web.0, |app, _| {
        app.redirect_uris.push("https://app.example/other".into())
    })
    .await;
    the.page(&query).await;
    let named = the
        .good(&format!("{query}&redirect_uri=https%3A%2F%2Fapp.example%2Fother"))
        .await;
    assert_eq!(named.address.redirect_uri.as_str(), "https://app.example/other");
    the.change_app(&the.web.0, |app, _| app.redirect_uris.clear()).await;
    the.page(&query).await;
}

#[tokio::test]
async fn o4_o32_state_comes_back_verbatim_whatever_it_is() {
    let the = Authorizing::new("default").await;
    for state in [
        "a b+c%20d",
        "x&code=evil&iss=https://evil.example#frag",
        "\"><script>alert(1)</script>",
        "\r\nSet-Cookie: a=b",
        "é🦀\u{202e}",
        "=",
    ] {
        let sent: String = byte_serialize(state.as_bytes()).collect();
        let (_, response) = the.refused(&format!("client_id={}&state={sent}", the.web.0)).await;
        let location = response.location();
        assert!(location.bytes().all(|b| b.is_ascii_graphic()), "{location}");
        let params = answered(&location);
        assert_eq!(params.iter().filter(|(n, _)| n == "state").count(), 1);
        assert!(params.contains(&("state".into(), state.into())), "{location}");
        assert!(!params.iter().any(|(name, _)| name == "code"), "{location}");
    }
}

/// Whatever a query says, an answer goes to the client's own URI or nowhere (RFC 9700 §4.11.2).
#[tokio::test]
async fn b1_b8_o8_no_mutated_request_is_redirected_elsewhere() {
    let the = Authorizing::new("default").await;
    let random = SeededRandom::new(9700);
    let pieces = [
        "&",
        "=",
        "%",
        "%00",
        "+",
        "#",
        "//evil.example",
        "redirect_uri=",
        "client_id=",
        "state=",
        "é",
    ];
    let (mut pages, mut redirects) = (0, 0);
    for _ in 0..20_000 {
        let mut query = the.query("&scope=no.such").into_bytes();
        for _ in 0..2 {
            let [piece, how, a, b] = bytes::<4>(&random).map(usize::from);
            let at = (a * 256 + b) % query.len();
            match how % 3 {
                0 => query.truncate(at.max(60)),
                1 => query[at] = u8::try_from(piece).unwrap(),
                _ => drop(query.splice(at..at, pieces[piece % pieces.len()].bytes())),
            }
        }
        let query = String::from_utf8_lossy(&query).into_owned();
        match the.read(&query).await {
            Err(Refusal::Page(_)) => pages += 1,
            Ok(AuthorizationRequest { address, .. }) => assert_eq!(address.redirect_uri.as_str(), CALLBACK, "{query}"),
            Err(Refusal::Redirect(response)) => {
                redirects += 1;
                let location = response.location();
                assert!(
                    location.starts_with("https://app.example/callback?error="),
                    "{query}: {location}"
                );
                assert!(
                    location.bytes().all(|b| b.is_ascii_graphic() && b != b'#'),
                    "{location}"
                );
            }
        }
    }
    assert!(pages > 1000 && redirects > 1000, "{pages} pages, {redirects} redirects");
}
