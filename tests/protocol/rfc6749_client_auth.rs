//! RFC 6749 §2.3, OAuth 2.1 §2.4: who asks.

use crate::http::{Auth, basic, post, request};
use crate::support::{GRANT, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use grantd::control::{Command, NewApp};
use grantd::model::app::{App, ClientType, Kind};
use grantd::store::records::load;
use grantd::store::{Batch, keys};
use http::Method;
use std::collections::BTreeSet;

/// Every endpoint that authenticates, with a body that is good otherwise.
const ENDPOINTS: [(&str, &str); 3] = [
    ("/oauth/token", GRANT),
    ("/oauth/introspect", "token=x"),
    ("/oauth/revoke", "token=x"),
];

#[tokio::test]
async fn o2_a_client_has_one_type() {
    let world = World::new("default").await;
    let show = |client_id: &str| Command::AppShow {
        client_id: client_id.into(),
    };
    assert_eq!(world.run(show(&world.client_id)).await["client_type"], "confidential");
    let (spa, secret) = world.add_app(public_client(&world)).await;
    assert_eq!(world.run(show(&spa)).await["client_type"], "public");
    assert_eq!(secret, "", "a public client has none");
    let add = Command::SecretAdd {
        client_id: spa,
        label: None,
    };
    assert!(world.refused(add).await.contains("PKCE"));
}

/// The stored type counts, whatever else the record holds.
#[tokio::test]
async fn o2_a_public_client_authenticates_with_no_secret_at_all() {
    let world = World::new("default").await;
    assert_eq!(world.ask("").await.status, 200);
    let key = keys::app(&world.client_id);
    let app = load::<App>(&*world.ctx.store, &key).await.unwrap().unwrap();
    let public = App {
        client_type: ClientType::Public,
        ..app.value.clone()
    };
    let mut batch = Batch::new();
    batch.replace(&app, &public).unwrap();
    world.ctx.store.commit(batch).await.unwrap();
    assert_eq!(world.ask("").await.error(), (401, "invalid_client"));
}

fn public_client(world: &World) -> NewApp {
    NewApp {
        public_client: true,
        redirect_uris: vec!["https://spa.example/callback".into()],
        ..world.new_app(Kind::Public, &[])
    }
}

#[tokio::test]
async fn o3_a_client_id_alone_never_authenticates() {
    let world = World::new("default").await;
    let id = &world.client_id;
    for (path, form) in ENDPOINTS {
        let in_body = world.post(path, Auth::None, &format!("{form}&client_id={id}")).await;
        assert_eq!(in_body.error(), (401, "invalid_client"));
        let in_body = format!("{form}&client_id={id}&client_secret=");
        assert_eq!(
            world.post(path, Auth::None, &in_body).await.error(),
            (401, "invalid_client")
        );
        let in_header = world.post(path, Auth::Basic(id, ""), form).await;
        assert_eq!(in_header.error(), (401, "invalid_client"));
    }
}

#[tokio::test]
async fn o3_a_public_client_gets_nothing_by_saying_who_it_is() {
    let world = World::new("default").await;
    let (spa, _) = world.add_app(public_client(&world)).await;
    let token = world
        .post("/oauth/token", Auth::None, &format!("{GRANT}&client_id={spa}"))
        .await;
    assert_eq!(token.error(), (400, "unauthorized_client"));
    let seen = world
        .post("/oauth/introspect", Auth::None, &format!("token=x&client_id={spa}"))
        .await;
    assert_eq!(seen.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn o9_two_methods_in_one_request_are_refused() {
    let world = World::new("default").await;
    let (id, secret) = (&world.client_id, &world.client_secret);
    let header = basic(id, secret);
    for (path, form) in ENDPOINTS {
        for more in [
            format!("&client_secret={secret}"),
            format!("&client_id={id}&client_secret={secret}"),
            "&client_id=another".to_owned(),
            "&client_assertion=e30.e30.e30".to_owned(),
        ] {
            let answer = world.post_as_app(path, &format!("{form}{more}")).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{path} {more}");
        }
        let both = format!("{form}&client_id={id}&client_secret={secret}&client_assertion=e30.e30.e30");
        assert_eq!(
            world.post(path, Auth::None, &both).await.error(),
            (400, "invalid_request")
        );
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", &header),
            ("authorization", &header),
        ];
        let twice = request(Method::POST, path, &headers, form.as_bytes());
        assert_eq!(world.send(twice).await.error(), (400, "invalid_request"));
    }
}

#[tokio::test]
async fn o9_the_same_client_id_beside_the_header_is_one_method() {
    let world = World::new("default").await;
    let answer = world.ask(&format!("&client_id={}", world.client_id)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn o10_the_secret_may_stand_in_the_body() {
    let world = World::new("default").await;
    let credentials = format!("&client_id={}&client_secret={}", world.client_id, world.client_secret);
    for (path, form) in ENDPOINTS {
        let answer = world.post(path, Auth::None, &format!("{form}{credentials}")).await;
        assert_eq!(answer.status, 200, "{path} {answer:?}");
    }
    let wrong = format!("{credentials}x");
    for (path, form) in ENDPOINTS {
        let answer = world.post(path, Auth::None, &format!("{form}{wrong}")).await;
        assert_eq!(answer.error(), (401, "invalid_client"), "{path}");
    }
}

#[tokio::test]
async fn o10_b7_nothing_is_read_from_the_uri() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let credentials = format!("client_id={}&client_secret={}", world.client_id, world.client_secret);
    for (path, form) in ENDPOINTS {
        let answer = world.post(&format!("{path}?{credentials}"), Auth::None, form).await;
        assert_eq!(answer.error(), (401, "invalid_client"), "{path}");
    }
    let answer = world.post_as_app(&format!("/oauth/introspect?token={token}"), "").await;
    assert_eq!(answer.error(), (400, "invalid_request"));
    let answer = world
        .post_as_app("/oauth/token?grant_type=client_credentials", "")
        .await;
    assert_eq!(answer.error(), (400, "invalid_request"));
}

#[tokio::test]
async fn o10_basic_values_are_form_decoded() {
    let world = World::new("default").await;
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let (id, secret) = (encode(&world.client_id), encode(&world.client_secret));
    for (path, form) in ENDPOINTS {
        assert_eq!(
            world.post(path, Auth::Basic(&id, &secret), form).await.status,
            200,
            "{path}"
        );
        let lower = Auth::Basic(&id.to_lowercase(), &world.client_secret);
        assert_eq!(world.post(path, lower, form).await.status, 200, "{path}");
    }
    let with_space = format!("{}+", world.client_secret);
    let plus = world.post("/oauth/token", Auth::Basic(&world.client_id, &with_space), GRANT);
    assert_eq!(plus.await.error(), (401, "invalid_client"));
}

#[tokio::test]
async fn o10_the_scheme_is_basic_in_any_case() {
    let world = World::new("default").await;
    let value = STANDARD.encode(format!("{}:{}", world.client_id, world.client_secret));
    for scheme in ["Basic", "basic", "BASIC", "bAsIc"] {
        let header = format!("{scheme} {value}");
        assert_eq!(
            world.post("/oauth/token", Auth::Raw(&header), GRANT).await.status,
            200,
            "{scheme}"
        );
    }
}

/// Past failure: Authorization parsing, and its incomplete fix (CVE-2026-0707, CVE-2026-9803).
#[tokio::test]
async fn o16_past_cve_2026_0707_2026_9803_garbage_in_the_authorization_header_is_invalid_client() {
    let world = World::new("default").await;
    let pair = format!("{}:{}", world.client_id, world.client_secret);
    let good = STANDARD.encode(&pair);
    let url_safe = URL_SAFE.encode(format!("{}:\u{fb}\u{ff}\u{fe}??>>", world.client_id));
    let headers = [
        "",
        " ",
        "Basic",
        "Basic ",
        "Basic  ",
        "Basic\t",
        &format!("Basic\t{good}"),
        &format!("Basic  {good}"),
        &format!("Basic {good} "),
        &format!("Basic {good} {good}"),
        &format!("Basic {good},{good}"),
        &format!("Basic {good}="),
        &format!("Basic:{good}"),
        &format!("Basic{good}"),
        &format!("Bearer {good}"),
        &format!("Bearer\t{good}"),
        &format!("DPoP {good}"),
        &format!("Basic {}", STANDARD_NO_PAD.encode(format!("{pair}x"))),
        &format!("Basic {url_safe}"),
        &format!("Basic {}", STANDARD.encode("no colon")),
        &format!("Basic {}", STANDARD.encode(":secret-without-an-id")),
        &format!("Basic {}", STANDARD.encode("%zz:%")),
        &format!("Basic {}", STANDARD.encode(b"\xff\xfe:\x00")),
        &format!(
            "Basic {}",
            STANDARD.encode(format!("{}\0:{}", world.client_id, world.client_secret))
        ),
        &format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}\0", world.client_id, world.client_secret))
        ),
        &format!(
            "Basic {}",
            STANDARD.encode(format!("{} :{}", world.client_id, world.client_secret))
        ),
        &format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", world.client_id.to_uppercase(), world.client_secret))
        ),
        &format!("Basic {}", STANDARD.encode(":".repeat(10_000))),
        &format!("Basic {}", "A".repeat(12_000)),
    ];
    for (path, form) in ENDPOINTS {
        for header in headers {
            let answer = world.post(path, Auth::Raw(header), form).await;
            assert_eq!(answer.error(), (401, "invalid_client"), "{path} {header:?}");
            // RFC 6749 §5.2: the scheme is one the server takes.
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, Some("Basic realm=\"https://auth.example\""), "{header:?}");
        }
    }
}

#[tokio::test]
async fn o13_every_failed_credential_gets_the_same_answer() {
    let mut answers = BTreeSet::new();
    for (path, form) in ENDPOINTS {
        // One each, or the limiter would answer.
        let world = World::new("default").await;
        let (disabled_id, disabled_secret) = world.add_private_app("owner@example.com", &[]).await;
        world
            .run(Command::AppDisable {
                client_id: disabled_id.clone(),
                disabled: true,
            })
            .await;
        let (spa, _) = world.add_app(public_client(&world)).await;
        let unknown = world.client_id.replace("_app_", "_app_x");
        for auth in [
            Auth::None,
            Auth::Basic(&world.client_id, "a-wrong-secret"),
            Auth::Basic(&unknown, &world.client_secret),
            Auth::Basic(&disabled_id, &disabled_secret),
            Auth::Basic(&disabled_id, &world.client_secret),
            Auth::Basic(&spa, &world.client_secret),
            Auth::Basic(&world.client_id, &world.client_secret.to_uppercase()),
            Auth::Basic(&world.client_id, &format!("{} ", world.client_secret)),
            Auth::Basic(&world.client_id, &world.client_secret[..world.client_secret.len() - 1]),
        ] {
            let answer = world.post(path, auth, form).await;
            assert_eq!(answer.error(), (401, "invalid_client"));
            answers.insert(format!("{:?} {}", answer.headers, answer.body));
        }
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn o13_credentials_that_are_present_are_judged_first() {
    let world = World::new("default").await;
    let auth = Auth::Basic(&world.client_id, "a-wrong-secret");
    let answer = world
        .post("/oauth/token", auth, &format!("{GRANT}&scope=no.such"))
        .await;
    assert_eq!(
        answer.error(),
        (401, "invalid_client"),
        "who cannot prove itself learns nothing of scopes"
    );
}

/// A secret pasted where the client_id belongs is still a secret.
#[tokio::test]
async fn o10_swapped_credentials_do_not_reach_the_log() {
    let world = World::new("default").await;
    for _ in 0..12 {
        for (path, form) in ENDPOINTS {
            let swapped = Auth::Basic(&world.client_secret, &world.client_id);
            let answer = world.post(path, swapped, form).await;
            assert!(matches!(answer.status, 401 | 429), "{answer:?}");
            let alone = format!("{form}&client_id={}", world.client_secret);
            let answer = world.post(path, Auth::None, &alone).await;
            assert!(matches!(answer.status, 401 | 429), "{answer:?}");
        }
    }
    assert!(world.log().contains("held back"), "{}", world.log());
}

#[tokio::test]
async fn o16_every_request_that_fails_leaves_its_cause_in_the_log_alone() {
    let world = World::new("default").await;
    let request = post("/oauth/token", Auth::Basic(&world.client_id, "a-wrong-secret"), GRANT);
    let answer = world.send(request).await;
    assert!(world.log().contains("showed a wrong secret"), "{}", world.log());
    assert!(world.log().contains(&world.client_id));
    assert!(!answer.body.contains("wrong secret"));
}

#[tokio::test]
async fn o10_two_secrets_live_side_by_side_and_each_can_be_revoked() {
    let world = World::new("default").await;
    let add = |label: &str| Command::SecretAdd {
        client_id: world.client_id.clone(),
        label: Some(label.into()),
    };
    let second = world.run(add("second")).await;
    let secret = second["client_secret"].as_str().unwrap().to_owned();
    assert!(world.refused(add("third")).await.contains("revoke one first"));
    let works = async |secret: &str| {
        world
            .post("/oauth/token", Auth::Basic(&world.client_id, secret), GRANT)
            .await
            .status
    };
    assert_eq!((works(&world.client_secret).await, works(&secret).await), (200, 200));
    let shown = world
        .run(Command::AppShow {
            client_id: world.client_id.clone(),
        })
        .await;
    let first = shown["secrets"][0]["id"].as_str().unwrap().to_owned();
    let revoke = Command::SecretRevoke {
        client_id: world.client_id.clone(),
        secret: first,
    };
    world.run(revoke).await;
    assert_eq!((works(&world.client_secret).await, works(&secret).await), (401, 200));
}
