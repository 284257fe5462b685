//! RFC 6749 and OAuth 2.1: what the token endpoint answers. Who may ask is in `rfc6749_client_auth`.

use crate::http::{Auth, id_text, request};
use crate::support::{GRANT, World};
use grantd::control::Command;
use grantd::model::role::Role;
use grantd::oauth::error::OAuthError;
use http::Method;
use serde_json::Value;
use std::collections::BTreeSet;

#[tokio::test]
async fn m8_a_private_app_gets_a_token_bound_to_its_organization() {
    let world = World::new("mokapen").await;
    let answer = world.ask("&scope=tasks.read+contacts.read&organization_id=849").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["scope"], "tasks.read contacts.read");
    assert_eq!(answer.json["organization_id"], 849);
    assert_eq!(answer.json["organization_name"], "Acme");
    let seen = world.introspect(&answer.text("access_token")).await;
    assert_eq!(seen["active"], true);
    assert_eq!(seen["organization_id"], 849);
}

#[tokio::test]
async fn o14_the_answer_has_type_lifetime_and_scope_and_is_kept_by_no_cache() {
    for (profile, lifetime_s) in [("default", 600), ("makecrypto", 3600), ("mokapen", 31_536_000)] {
        let world = World::new(profile).await;
        let answer = world.ask("").await;
        let noun = if profile == "makecrypto" {
            "company"
        } else {
            "organization"
        };
        let members: Vec<&String> = answer.json.as_object().unwrap().keys().collect();
        let expected = [
            "token_type",
            "expires_in",
            "access_token",
            "scope",
            &format!("{noun}_id"),
            &format!("{noun}_name"),
        ];
        assert_eq!(members, expected, "no refresh token above all");
        assert_eq!(answer.json["token_type"], "Bearer");
        assert_eq!(answer.json["expires_in"], lifetime_s);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let all: Vec<&str> = world.ctx.profile().scopes.names().collect();
        assert_eq!(
            answer.text("scope"),
            all.join(" "),
            "no scope asked for means all of the app's"
        );
    }
}

#[tokio::test]
async fn o14_errors_are_kept_by_no_cache_either() {
    let world = World::new("default").await;
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par"] {
        for answer in [
            world.post(path, Auth::None, GRANT).await,
            world.post_as_app(path, "").await,
        ] {
            assert!(answer.status >= 400);
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn o12_the_token_endpoint_answers_post_only() {
    let world = World::new("default").await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH] {
        let answer = world.send(request(method.clone(), "/oauth/token", &[], b"")).await;
        assert_eq!(answer.error(), (405, "method_not_allowed"), "{method}");
        assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    }
}

#[tokio::test]
async fn o12_unknown_parameters_are_ignored_and_empty_ones_absent() {
    let world = World::new("default").await;
    let more = "&audience=x&foo=bar&foo=baz&scope=&resource=&organization_id=&client_assertion=&=&&code_verifier=abc";
    let answer = world.ask(more).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.text("scope").split(' ').count(),
        world.ctx.profile().scopes.names().count()
    );
    let answer = world.post_as_app("/oauth/token", "grant_type=&scope=data.read").await;
    assert_eq!(answer.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn o12_a_parameter_that_stands_twice_is_refused() {
    let world = World::new("default").await;
    let organization = format!("&organization_id={0}&organization_id={0}", world.organization);
    for more in [
        "&grant_type=client_credentials",
        "&scope=data.read&scope=data.read",
        "&scope=&scope=data.read",
        "&client_id=a&client_id=a",
        "&client_secret=a&client_secret=a",
        "&sc%6fpe=data.read&scope=data.read",
        &organization,
    ] {
        assert_eq!(world.ask(more).await.error(), (400, "invalid_request"), "{more}");
    }
}

#[tokio::test]
async fn o12_what_is_badly_encoded_or_no_form_is_refused() {
    let world = World::new("default").await;
    for more in ["&scope=%", "&scope=%zz", "&scope=%ff", "&%c3=1", "&x=%e2%28%a1"] {
        assert_eq!(world.ask(more).await.error(), (400, "invalid_request"), "{more}");
    }
    let many = "&a=1".repeat(64);
    assert_eq!(world.ask(&many).await.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn o16_errors_are_400_json_with_a_code_and_a_sentence() {
    let world = World::new("default").await;
    for (form, code) in [
        ("", "invalid_request"),
        ("scope=data.read", "invalid_request"),
        ("grant_type=none", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=no.such", "invalid_scope"),
        (
            "grant_type=client_credentials&resource=https://else.example",
            "invalid_target",
        ),
    ] {
        let answer = world.post_as_app("/oauth/token", form).await;
        assert_eq!(answer.error(), (400, code), "{form}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert!(answer.text("error_description").ends_with('.'), "{answer:?}");
        assert!(
            answer.header("www-authenticate").is_none(),
            "nothing is wrong with the credentials"
        );
    }
}

/// RFC 6749 §5.2: `error_description` is %x20-21 / %x23-5B / %x5D-7E.
#[tokio::test]
async fn o16_error_texts_keep_to_their_characters() {
    let world = World::new("default").await;
    for scope in [
        "a%22b",
        "a%5Cb",
        "%C3%A9",
        "a%0D%0Ab",
        "%00",
        "%7F",
        "%3Cscript%3E",
        "a++b",
        "+a",
        "%09",
    ] {
        let answer = world.ask(&format!("&scope={scope}")).await;
        assert_eq!(answer.error(), (400, "invalid_scope"), "{scope}");
        let text = answer.text("error_description");
        let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        assert!(text.chars().all(allowed), "{text:?}");
        let lines = world.log();
        assert!(lines.chars().all(|c| c == '\n' || !c.is_control()), "{lines:?}");
    }
    let error = OAuthError::invalid_request("a \"b\" \\c\r\n\u{e9}\u{7f} d");
    assert_eq!(error.wire_description(), "a 'b' 'c'''' d");
}

#[tokio::test]
async fn o23_client_credentials_is_for_private_apps_alone() {
    let world = World::new("default").await;
    let public = world.add_public_app().await;
    let server = world.add_resource_server().await;
    for client in [public, server] {
        let answer = world.post_as(&client, "/oauth/token", GRANT).await;
        assert_eq!(answer.error(), (400, "unauthorized_client"), "{answer:?}");
        assert_eq!(
            answer.text("error_description"),
            "This app may not use this grant type."
        );
    }
}

#[tokio::test]
async fn o33_b3_f2_past_cve_2026_9792_implicit_and_password_grants_do_not_exist() {
    let world = World::new("default").await;
    let clients = [
        world.client(),
        world.add_public_app().await,
        world.add_public_client().await,
    ];
    for grant in [
        "password",
        "implicit",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "CLIENT_CREDENTIALS",
        "client_credentials ",
    ] {
        let form = format!("grant_type={grant}&username=owner@example.com&password=correct-horse-battery&code=x");
        for client in &clients {
            let answer = world.token(client, &form, &[]).await;
            assert_eq!(answer.error(), (400, "unsupported_grant_type"), "{grant}");
        }
    }
}

#[tokio::test]
async fn o28_users_and_clients_cannot_be_confused() {
    for profile in ["default", "mokapen", "makecrypto"] {
        let world = World::new(profile).await;
        let seen = world.introspect(&world.mint("").await).await;
        let (sub, client_id) = (seen["sub"].as_str().unwrap(), seen["client_id"].as_str().unwrap());
        assert!(sub.starts_with("u_"), "{sub}");
        assert!(
            client_id.starts_with(&format!("{}_app_", world.ctx.profile().prefix)),
            "{client_id}"
        );
        assert_ne!(sub.len(), client_id.len());
    }
}

#[tokio::test]
async fn o29_nothing_for_machines_is_a_redirect() {
    let world = World::new("default").await;
    for path in [
        "/oauth/token",
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/token/",
        "/nowhere",
        "//oauth/token",
    ] {
        for answer in [world.get(path).await, world.post_as_app(path, GRANT).await] {
            assert!(!(300..400).contains(&answer.status), "{path}: {answer:?}");
            assert!(answer.header("location").is_none());
        }
    }
}

#[tokio::test]
async fn o30_f9_secrets_and_tokens_cannot_be_guessed() {
    let world = World::new("default").await;
    let random_part = |text: &str| text.rsplit_once('_').map(|(_, end)| end.len() * 6).unwrap_or(0);
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let (client_id, secret) = world.add_private_app("owner@example.com", &[]).await;
        assert!(secret.starts_with("grantd_secret_"));
        let bits = secret.trim_start_matches("grantd_secret_").len() * 6;
        assert!(bits >= 160, "{bits}");
        assert!(
            client_id.trim_start_matches("grantd_app_").len() * 6 >= 120,
            "{}",
            random_part(&client_id)
        );
        let seen = world.introspect(&world.mint("").await).await;
        let jti = seen["jti"].as_str().unwrap().to_owned();
        assert!(jti.len() * 6 >= 128);
        assert!(ids.insert(client_id) && ids.insert(secret) && ids.insert(jti));
    }
}

#[tokio::test]
async fn o14_scopes_come_in_the_order_asked_each_once() {
    let world = World::new("default").await;
    let answer = world.ask("&scope=webhooks.read+data.read+webhooks.read").await;
    assert_eq!(answer.text("scope"), "webhooks.read data.read");
}

#[tokio::test]
async fn o14_a_scope_is_one_of_the_apps_or_implied_by_one() {
    let world = World::new("default").await;
    let app = world.add_private_app("owner@example.com", &["data.write"]).await;
    let ask = async |scope: &str| {
        world
            .post_as(&app, "/oauth/token", &format!("{GRANT}&scope={scope}"))
            .await
    };
    assert_eq!(
        ask("data.read").await.text("scope"),
        "data.read",
        "data.write includes it"
    );
    assert_eq!(
        ask("settings.read").await.error(),
        (400, "invalid_scope"),
        "not the app's"
    );
    assert_eq!(
        ask("data.read+settings.read").await.error(),
        (400, "invalid_scope"),
        "not partly either"
    );
    assert_eq!(
        ask("data").await.error(),
        (400, "invalid_scope"),
        "no scope is a prefix of another"
    );
    assert_eq!(
        ask("DATA.READ").await.error(),
        (400, "invalid_scope"),
        "names are case-sensitive"
    );
}

#[tokio::test]
async fn o14_scopes_beyond_the_dedicated_users_role_are_left_out_visibly() {
    for (profile, kept, beyond) in [
        ("default", "data.read", "settings.write"),
        ("mokapen", "tasks.read", "tasks.write"),
    ] {
        let world = World::new(profile).await;
        world.add_member("small@example.com", Role::Member).await;
        let app = world.add_private_app("small@example.com", &[]).await;
        let form = format!("{GRANT}&scope={kept}+{beyond}");
        assert_eq!(world.post_as(&app, "/oauth/token", &form).await.text("scope"), kept);
        let form = format!("{GRANT}&scope={beyond}");
        assert_eq!(
            world.post_as(&app, "/oauth/token", &form).await.error(),
            (400, "invalid_scope")
        );
    }
}

#[tokio::test]
async fn o12_past_cve_2026_2366_the_organization_is_the_apps_own_and_every_other_one_looks_the_same() {
    for profile in ["default", "mokapen", "makecrypto"] {
        let world = World::new(profile).await;
        let (_, foreign) = world.add_foreign_app().await;
        let noun = world.ctx.profile().noun.id_claim().to_owned();
        for name in [noun.as_str(), "organization_id"] {
            let own = world.ask(&format!("&{name}={}", world.organization)).await;
            assert_eq!(own.status, 200, "{own:?}");
            assert_eq!(id_text(&own.json[&noun]), world.organization);
            let mut sentences = BTreeSet::new();
            for other in [
                &foreign,
                "999999",
                "o_unknown",
                "0849",
                "+849",
                "849.0",
                "-1",
                "%00",
                "849%00",
                "%22",
            ] {
                let answer = world.ask(&format!("&{name}={other}")).await;
                assert_eq!(answer.error(), (400, "invalid_request"), "{other}");
                sentences.insert(answer.body);
            }
            assert_eq!(sentences.len(), 1, "{sentences:?}");
        }
    }
}

#[tokio::test]
async fn o23_an_app_without_a_working_dedicated_user_gets_nothing() {
    let world = World::new("default").await;
    let remove = Command::MemberRemove {
        organization: world.organization.clone(),
        user: "owner@example.com".into(),
    };
    world.run(remove).await;
    let answer = world.ask("").await;
    assert_eq!(answer.error(), (400, "unauthorized_client"));
    assert!(answer.text("error_description").contains("dedicated user"));
    assert_eq!(answer.json.get("access_token"), None::<&Value>);
}
