//! What an app is held to, and what is told about who made it: set, shown, changed, refused.

use crate::proofs::ClientKey;
use crate::support::{OWNER, World};
use grantd::base::jose::{Alg, Algorithm, SigningKey};
use grantd::base::random::SeededRandom;
use grantd::control::app_settings::AppSettings;
use grantd::control::{Command, NewApp};
use grantd::model::app::{AuthMethod, GrantType, Kind};
use serde_json::{Value, json};

fn settings(members: Value) -> AppSettings {
    serde_json::from_value(members).expect("members of the settings")
}

fn described() -> AppSettings {
    settings(json!({
        "company": "Acme Software",
        "website": "https://acme.example",
        "support": "help@acme.example",
        "privacy_policy": "https://acme.example/privacy",
        "terms": "https://acme.example/terms?v=2",
    }))
}

fn public(world: &World, settings: AppSettings) -> NewApp {
    NewApp {
        redirect_uris: vec!["https://app.example/callback".into()],
        settings,
        ..world.new_app(Kind::Public, &[])
    }
}

fn private(world: &World, settings: AppSettings) -> NewApp {
    NewApp {
        dedicated_user: Some(OWNER.into()),
        settings,
        ..world.new_app(Kind::Private, &[])
    }
}

fn signing(jwks: &[Value]) -> AppSettings {
    settings(json!({ "jwks": jwks }))
}

fn change(client_id: &str, settings: AppSettings) -> Command {
    Command::AppChange {
        client_id: client_id.into(),
        dedicated_user: None,
        scopes: Vec::new(),
        settings,
    }
}

#[tokio::test]
async fn an_app_is_made_with_rules_and_a_developer_and_shows_them() {
    let world = World::new("default").await;
    let key = ClientKey::new(Alg::Es256, 1);
    let app = NewApp {
        auth_method: Some(AuthMethod::PrivateKeyJwt),
        grant_types: vec![GrantType::AuthorizationCode],
        ..public(
            &world,
            AppSettings {
                require_par: Some(true),
                require_dpop: Some(true),
                jwks: Some(vec![key.jwk()]),
                ..described()
            },
        )
    };
    let made = world.run(Command::AppCreate(app)).await;
    assert_eq!(made.get("client_secret"), None, "its key is enough");
    let rules = json!({
        "auth_methods": ["private_key_jwt"],
        "grant_types": ["authorization_code"],
        "require_par": true,
        "require_dpop": true,
        "legacy_audience": false,
        "jwks": [key.jwk()],
    });
    let developer = json!({
        "company": "Acme Software",
        "website": "https://acme.example",
        "logo": null,
        "support": "help@acme.example",
        "privacy_policy": "https://acme.example/privacy",
        "terms": "https://acme.example/terms?v=2",
    });
    let client_id = made["client_id"].as_str().unwrap().to_owned();
    let shown = world
        .run(Command::AppShow {
            client_id: client_id.clone(),
        })
        .await;
    assert_eq!((&shown["rules"], &shown["developer"]), (&rules, &developer));
    let secret = Command::SecretAdd { client_id, label: None };
    assert!(world.refused(secret).await.contains("assertions"));

    let usual = world
        .run(Command::AppShow {
            client_id: world.client_id.clone(),
        })
        .await;
    assert_eq!(
        usual["rules"]["auth_methods"],
        json!(["client_secret_basic", "client_secret_post"])
    );
    assert_eq!(usual["rules"]["grant_types"], json!(["client_credentials"]));
}

#[tokio::test]
async fn settings_change_one_by_one_and_end_no_token() {
    let world = World::new("default").await;
    let token = world.mint("").await;
    let changed = world.run(change(&world.client_id, described())).await;
    assert_eq!(changed["developer"]["company"], "Acme Software");
    let partly = settings(json!({ "require_dpop": true, "support": "https://acme.example/help", "terms": "" }));
    let changed = world.run(change(&world.client_id, partly)).await;
    assert_eq!(
        changed["developer"]["company"], "Acme Software",
        "what is not named stays"
    );
    assert_eq!(changed["developer"]["support"], "https://acme.example/help");
    assert_eq!(
        changed["developer"]["terms"],
        json!(null),
        "an empty text takes it away"
    );
    assert!(world.is_active(&token).await);
    assert_eq!(
        world.ask("").await.error(),
        (400, "invalid_dpop_proof"),
        "and holds from the next request on"
    );
    let mint = Command::TokenMint {
        client_id: world.client_id.clone(),
        scopes: Vec::new(),
        resource: None,
        lifetime_s: None,
    };
    assert!(world.refused(mint).await.contains("bound to its own key"));
    let free = settings(json!({ "require_dpop": false }));
    world.run(change(&world.client_id, free)).await;
    assert_eq!(world.ask("").await.status, 200);
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_refused_with_their_number() {
    let world = World::new("default").await;
    let jwk = |seed| ClientKey::new(Alg::Es256, seed).jwk();
    let with = |member: &str, value: Value| {
        let mut jwk = jwk(9);
        jwk[member] = value;
        jwk
    };
    let mut rsa =
        serde_json::to_value(SigningKey::generate(Algorithm::Rs256, &SeededRandom::new(1)).public_jwk()).unwrap();
    let cases = [
        (vec![], "1 to 4"),
        ((1..=5).map(jwk).collect(), "1 to 4"),
        (
            vec![with("d", json!("AAAA"))],
            "key 1 of the JWK set cannot be used: the key is refused: it holds private",
        ),
        (vec![json!({ "kty": "oct", "k": "AAAA" })], "private or symmetric"),
        (vec![jwk(1), with("kty", json!("EC2"))], "key 2"),
        (vec![with("y", json!("AAAA"))], "32 bytes"),
        (
            vec![
                with("y", with("x", json!(null))["y"].clone()),
                with("x", jwk(8)["x"].clone()),
            ],
            "no key of",
        ),
        (vec![with("use", json!("enc"))], "use"),
        (vec![with("alg", json!("HS256"))], "alg"),
        (vec![rsa.clone()], "ES256, EdDSA or PS256"),
        (vec![with("kid", json!("a")), with("kid", json!("a"))], "same kid"),
        (vec![json!("key")], "key 1"),
    ];
    for (jwks, words) in cases {
        let app = NewApp {
            auth_method: Some(AuthMethod::PrivateKeyJwt),
            ..private(&world, signing(&jwks))
        };
        let sentence = world.refused(Command::AppCreate(app)).await;
        let point = words == "no key of" && sentence.contains("point of P-256");
        assert!(point || sentence.contains(words), "{words}: {sentence}");
    }
    rsa["alg"] = json!("PS256");
    world.add_app_with_keys(&[rsa], AppSettings::default()).await;
}

#[tokio::test]
async fn rules_without_an_effect_are_refused() {
    let world = World::new("default").await;
    let keys = [ClientKey::new(Alg::Es256, 1).jwk()];
    let of = |members: Value| private(&world, settings(members));
    let plain = || of(json!({}));
    let method = |method, app| NewApp {
        auth_method: Some(method),
        ..app
    };
    let grants = |grant, app| NewApp {
        grant_types: vec![grant],
        ..app
    };
    let spa = NewApp {
        public_client: true,
        ..public(&world, AppSettings::default())
    };
    let server = NewApp {
        settings: settings(json!({ "require_dpop": true })),
        ..world.new_app(Kind::ResourceServer, &[])
    };
    let public = || public(&world, AppSettings::default());
    let other_grant = "cannot use the grant type";
    for (app, words) in [
        (method(AuthMethod::PrivateKeyJwt, plain()), "go together"),
        (private(&world, signing(&keys)), "go together"),
        (
            method(AuthMethod::ClientSecretPost, private(&world, signing(&keys))),
            "go together",
        ),
        (method(AuthMethod::None, plain()), "public clients"),
        (method(AuthMethod::ClientSecretBasic, spa), "public clients"),
        (of(json!({ "legacy_audience": true })), "assertions"),
        (of(json!({ "require_par": true })), "consent"),
        (server, "gets no tokens"),
        (grants(GrantType::AuthorizationCode, plain()), other_grant),
        (grants(GrantType::ClientCredentials, public()), other_grant),
        (grants(GrantType::RefreshToken, public()), "authorization_code"),
    ] {
        let sentence = world.refused(Command::AppCreate(app)).await;
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
    for (members, words) in [
        (json!({ "require_par": true }), "consent"),
        (json!({}), "say what to change"),
    ] {
        let sentence = world.refused(change(&world.client_id, settings(members))).await;
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
}

#[tokio::test]
async fn links_are_https() {
    let world = World::new("default").await;
    for bad in [
        "acme.example",
        "http://acme.example",
        "HTTP://acme.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://user@acme.example",
        "https://a:b@acme.example",
        "https://acme.example/\"><script>",
        "//acme.example",
        "https://acme.example/é",
        "https:// acme.example",
        "mailto:help@acme.example",
        "ftp://acme.example",
        &format!("https://acme.example/{}", "a".repeat(250)),
    ] {
        for member in ["website", "privacy_policy", "terms", "support"] {
            let settings = settings(json!({ member: bad }));
            let sentence = world.refused(change(&world.client_id, settings)).await;
            assert!(sentence.contains("https URL"), "{member} {bad}: {sentence}");
        }
    }
    let shown = world
        .run(change(&world.client_id, settings(json!({ "company": "" }))))
        .await;
    assert_eq!(shown["developer"]["website"], "", "nothing of it has happened");
}

#[tokio::test]
async fn support_is_an_address_and_a_company_has_a_visible_name() {
    let world = World::new("default").await;
    for (member, bad) in [
        ("support", "@acme.example"),
        ("support", "help@"),
        ("support", "help@acme"),
        ("support", "help@.example"),
        ("support", "a@b@acme.example"),
        ("support", "help@acme.example?cc=x"),
        ("support", "a b@acme.example"),
        ("company", "a\nb"),
        ("company", "evil\u{202e}"),
        ("company", &"a".repeat(101)),
    ] {
        let settings = settings(json!({ member: bad }));
        let sentence = world.refused(change(&world.client_id, settings)).await;
        assert!(sentence.contains(member), "{bad}: {sentence}");
    }
    for good in [
        "help@acme.example",
        "help+grantd@support.acme.example",
        "https://acme.example/help",
    ] {
        let changed = world
            .run(change(&world.client_id, settings(json!({ "support": good }))))
            .await;
        assert_eq!(changed["developer"]["support"], good);
    }
}
