//! What an app is held to, and what is told about who made it: set, shown, changed, refused.

use crate::proofs::ClientKey;
use crate::support::{OWNER, World};
use grantd::base::jose::{Alg, Algorithm, SigningKey};
use grantd::base::random::SeededRandom;
use grantd::control::app_settings::AppSettings;
use grantd::control::{Command, NewApp};
use grantd::model::app::{AuthMethod, GrantType, Kind};
use serde_json::{Value, json};

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn described() -> AppSettings {
    AppSettings {
        company: text("Acme Software"),
        website: text("https://acme.example"),
        support: text("help@acme.example"),
        privacy_policy: text("https://acme.example/privacy"),
        terms: text("https://acme.example/terms?v=2"),
        ..AppSettings::default()
    }
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

fn signing(jwks: Vec<Value>) -> AppSettings {
    AppSettings {
        jwks: Some(jwks),
        ..AppSettings::default()
    }
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
    let settings = AppSettings {
        require_dpop: Some(true),
        support: text("https://acme.example/help"),
        terms: text(""),
        ..AppSettings::default()
    };
    let changed = world.run(change(&world.client_id, settings)).await;
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
    let settings = AppSettings {
        require_dpop: Some(false),
        ..AppSettings::default()
    };
    world.run(change(&world.client_id, settings)).await;
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
            ..private(&world, signing(jwks))
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
    let keys = vec![ClientKey::new(Alg::Es256, 1).jwk()];
    let (yes, none) = (Some(true), AppSettings::default);
    let method = |method: AuthMethod, app: NewApp| NewApp {
        auth_method: Some(method),
        ..app
    };
    let grants = |grants: &[GrantType], app: NewApp| NewApp {
        grant_types: grants.to_vec(),
        ..app
    };
    let spa = || NewApp {
        public_client: true,
        ..public(&world, none())
    };
    let cases = [
        (
            method(AuthMethod::PrivateKeyJwt, private(&world, none())),
            "go together",
        ),
        (private(&world, signing(keys.clone())), "go together"),
        (
            method(AuthMethod::ClientSecretPost, private(&world, signing(keys))),
            "go together",
        ),
        (method(AuthMethod::None, private(&world, none())), "public clients"),
        (method(AuthMethod::ClientSecretBasic, spa()), "public clients"),
        (
            private(
                &world,
                AppSettings {
                    legacy_audience: yes,
                    ..none()
                },
            ),
            "assertions",
        ),
        (
            private(
                &world,
                AppSettings {
                    require_par: yes,
                    ..none()
                },
            ),
            "consent",
        ),
        (
            NewApp {
                settings: AppSettings {
                    require_dpop: yes,
                    ..none()
                },
                ..world.new_app(Kind::ResourceServer, &[])
            },
            "gets no tokens",
        ),
        (
            grants(&[GrantType::AuthorizationCode], private(&world, none())),
            "cannot use the grant type",
        ),
        (
            grants(&[GrantType::ClientCredentials], public(&world, none())),
            "cannot use the grant type",
        ),
        (
            grants(&[GrantType::RefreshToken], public(&world, none())),
            "authorization_code",
        ),
    ];
    for (app, words) in cases {
        let sentence = world.refused(Command::AppCreate(app)).await;
        assert!(sentence.contains(words), "{words}: {sentence}");
    }
    let par = AppSettings {
        require_par: yes,
        ..none()
    };
    assert!(world.refused(change(&world.client_id, par)).await.contains("consent"));
    assert!(
        world
            .refused(change(&world.client_id, none()))
            .await
            .contains("say what to change")
    );
}

#[tokio::test]
async fn links_are_https_and_support_is_an_address() {
    let world = World::new("default").await;
    let none = AppSettings::default;
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
        "help@acme.example",
        &format!("https://acme.example/{}", "a".repeat(250)),
    ] {
        let mut cases = vec![
            AppSettings {
                website: text(bad),
                ..none()
            },
            AppSettings {
                privacy_policy: text(bad),
                ..none()
            },
            AppSettings {
                terms: text(bad),
                ..none()
            },
        ];
        if !bad.starts_with("help@") {
            cases.push(AppSettings {
                support: text(bad),
                ..none()
            });
        }
        for settings in cases {
            let sentence = world.refused(change(&world.client_id, settings)).await;
            assert!(sentence.contains("https URL"), "{bad}: {sentence}");
        }
    }
    for bad in [
        "@acme.example",
        "help@",
        "help@acme",
        "a@b@acme.example",
        "help@acme.example?cc=x",
        "a b@acme.example",
    ] {
        let settings = AppSettings {
            support: text(bad),
            ..none()
        };
        assert!(
            world
                .refused(change(&world.client_id, settings))
                .await
                .contains("--support"),
            "{bad}"
        );
    }
    for bad in ["a\nb", "evil\u{202e}", &"a".repeat(101)] {
        let settings = AppSettings {
            company: text(bad),
            ..none()
        };
        assert!(
            world
                .refused(change(&world.client_id, settings))
                .await
                .contains("company"),
            "{bad}"
        );
    }
    let shown = world
        .run(Command::AppShow {
            client_id: world.client_id.clone(),
        })
        .await;
    assert_eq!(shown["developer"]["website"], "", "nothing of it has happened");
}
