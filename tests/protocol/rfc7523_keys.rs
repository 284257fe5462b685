//! RFC 7523 §3: whose assertion it is, and what else an app may use to say who it is.

use crate::http::Auth;
use crate::proofs::{ClientKey, Spoil};
use crate::rfc7523::{REFUSED, TYPE, with_assertion, world_with};
use crate::support::{GRANT, OWNER, World};
use grantd::base::jose::Alg;
use grantd::control::app_settings::AppSettings;
use grantd::control::{Command, NewApp};
use grantd::model::app::{AuthMethod, Kind};
use serde_json::json;

fn key() -> ClientKey {
    ClientKey::new(Alg::Es256, 1)
}

#[tokio::test]
async fn o9_an_assertion_beside_a_secret_is_one_method_too_many() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let form = with_assertion(GRANT, &key.assertion(&world, &id));
    for (auth, more) in [
        (Auth::Basic(&world.client_id, &world.client_secret), ""),
        (Auth::Basic(&id, "x"), ""),
        (Auth::None, "&client_secret=x"),
    ] {
        let answer = world.post("/oauth/token", auth, &format!("{form}{more}")).await;
        assert_eq!(answer.error(), (400, "invalid_request"));
    }
    assert_eq!(
        world.post("/oauth/token", Auth::None, &form).await.status,
        200,
        "nothing was used up"
    );
}

#[tokio::test]
async fn f6_the_type_and_the_client_id_fit_the_assertion() {
    let key = key();
    let (world, id) = world_with(&key).await;
    let other_type = TYPE.replace("jwt-bearer", "saml2-bearer");
    for (kind, more) in [
        ("", String::new()),
        ("&client_assertion_type=", String::new()),
        (&*format!("&client_assertion_type={other_type}"), String::new()),
        (
            &format!("&client_assertion_type={}", TYPE.to_uppercase()),
            String::new(),
        ),
        (
            &format!("&client_assertion_type={TYPE}"),
            format!("&client_id={}", world.client_id),
        ),
    ] {
        let assertion = key.assertion(&world, &id);
        let form = format!("{GRANT}{kind}{more}&client_assertion={assertion}");
        assert_eq!(
            world.post("/oauth/token", Auth::None, &form).await.error(),
            REFUSED,
            "{kind}{more}"
        );
    }
    let twice = with_assertion(&with_assertion(GRANT, "x"), &key.assertion(&world, &id));
    assert_eq!(
        world.post("/oauth/token", Auth::None, &twice).await.error(),
        (400, "invalid_request")
    );
    let without = format!("{GRANT}&client_assertion_type={TYPE}&client_id={id}");
    assert_eq!(world.post("/oauth/token", Auth::None, &without).await.error(), REFUSED);
}

#[tokio::test]
async fn f9_the_registered_keys_count_and_nothing_a_token_brings() {
    let world = World::new("default").await;
    let (first, second) = (ClientKey::new(Alg::Es256, 1), ClientKey::new(Alg::Es256, 2));
    let rsa = ClientKey::new(Alg::Ps256, 3);
    let named = |key: &ClientKey, kid: &str| {
        let mut jwk = key.jwk();
        jwk["kid"] = json!(kid);
        jwk
    };
    let jwks = [named(&first, "one"), named(&second, "two"), rsa.jwk()];
    let id = world.add_app_with_keys(&jwks, AppSettings::default()).await;
    let ask = async |key: &ClientKey, spoil: Spoil<'_>| {
        world
            .ask_with_assertion(&key.spoiled_assertion(&world, &id, spoil))
            .await
            .status
    };
    for key in [&first, &second, &rsa] {
        assert_eq!(ask(key, &|_, _| {}).await, 200, "each is tried where none is named");
    }
    assert_eq!(ask(&second, &|header, _| header["kid"] = json!("two")).await, 200);
    assert_eq!(ask(&second, &|header, _| header["kid"] = json!("one")).await, 401);
    let stranger = ClientKey::new(Alg::Es256, 4);
    assert_eq!(ask(&stranger, &|_, _| {}).await, 401);
    assert_eq!(ask(&stranger, &|header, _| header["jwk"] = stranger.jwk()).await, 401);
    // The key that is registered, with an algorithm that is not for assertions.
    let rs256 = ClientKey::new(Alg::Rs256, 5);
    let other = world.add_app_with_keys(&[rs256.jwk()], AppSettings::default()).await;
    let assertion = rs256.assertion(&world, &other);
    assert_eq!(
        world.ask_with_assertion(&assertion).await.error(),
        REFUSED,
        "f6: RS256 is refused"
    );

    let change = Command::AppChange {
        client_id: id.clone(),
        dedicated_user: None,
        scopes: Vec::new(),
        settings: AppSettings {
            jwks: Some(vec![second.jwk()]),
            ..AppSettings::default()
        },
    };
    world.run(change).await;
    assert_eq!(ask(&first, &|_, _| {}).await, 401, "a key that is gone is gone at once");
    assert_eq!(ask(&second, &|_, _| {}).await, 200);
}

/// Past failure: the registered method was not enforced (workers-oauth-provider 276).
#[tokio::test]
async fn o13_past_workers_276_the_registered_method_is_the_only_one_that_works() {
    let (world, key) = (World::new("default").await, key());
    let with_method = async |method: AuthMethod| {
        let app = NewApp {
            dedicated_user: Some(OWNER.into()),
            auth_method: Some(method),
            ..world.new_app(Kind::Private, &[])
        };
        world.add_app(app).await
    };
    let basic = with_method(AuthMethod::ClientSecretBasic).await;
    let post = with_method(AuthMethod::ClientSecretPost).await;
    for (client, in_header, in_body) in [(&basic, 200, 401), (&post, 401, 200)] {
        let header = world.post_as(client, "/oauth/token", GRANT).await;
        assert_eq!(header.status, in_header);
        let form = format!("{GRANT}&client_id={}&client_secret={}", client.0, client.1);
        let body = world.post("/oauth/token", Auth::None, &form).await;
        assert_eq!(body.status, in_body);
        let assertion = key.assertion(&world, &client.0);
        assert_eq!(world.ask_with_assertion(&assertion).await.error(), REFUSED);
    }
}
