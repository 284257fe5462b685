//! `prompt=none`: answered without asking, or not at all.

use crate::authorizing::{Authorizing, CALLBACK_ENCODED};
use grantd::control::{Command, Revocation};
use grantd::model::role::Role;
use grantd::oauth::authorize::{self, AuthorizationResponse};
use grantd::store::Batch;

impl Authorizing {
    async fn silently(&self, more: &str, user: Option<&str>) -> AuthorizationResponse {
        let request = self.good(&self.query(&format!("&prompt=none{more}"))).await;
        authorize::silently(&self.world.ctx, &request, user).await.unwrap()
    }
}

#[tokio::test]
async fn o27_b8_without_asking_only_what_was_granted_is_answered() {
    let the = Authorizing::new("default").await;
    let user = the.user.clone();
    let error = async |more: &str, user: Option<&str>| {
        let response = the.silently(more, user).await;
        response.param("error").unwrap_or("none").to_owned()
    };
    assert_eq!(error("", None).await, "login_required");
    assert_eq!(error("", Some(&user)).await, "consent_required");
    the.approve(&the.good(&the.query("&scope=data.read")).await)
        .await
        .unwrap();
    let events = the.events().await.len();
    let grant = the.grant().await;
    let response = the.silently("&scope=data.read", Some(&user)).await;
    let code = the.code(&response).await;
    assert_eq!(
        (&code.grant, code.scopes.as_slice()),
        (&grant.id, &["data.read".to_owned()][..])
    );
    assert_eq!(the.grant().await.version, grant.version, "nobody approved anything");
    assert_eq!(the.events().await.len(), events);
    assert_eq!(error("&scope=data.write", Some(&user)).await, "consent_required");
    assert_eq!(error("", Some(&user)).await, "consent_required");
    assert_eq!(error("&scope=data.read", Some("u_other")).await, "consent_required");
    let old = the.grant().await;
    for ended in [old.revoke(), old.reuse_detected()] {
        let now = the.grant().await;
        let mut batch = Batch::new();
        batch.replace(&now, &ended).unwrap();
        the.world.ctx.store.commit(batch).await.unwrap();
        assert_eq!(error("&scope=data.read", Some(&user)).await, "consent_required");
    }
}

#[tokio::test]
async fn o27_without_asking_the_organization_must_be_the_only_one() {
    let the = Authorizing::new("default").await;
    let other = the.world.add_organization("Other").await;
    the.world.set_role_in(&other, "ada@example.com", Role::Owner).await;
    let request = the.good(&the.query("")).await;
    the.approve(&request).await.unwrap();
    assert_eq!(the.silently("", Some(&the.user)).await.param("error"), None);
    the.approve_for(&request, &the.user, &other).await.unwrap();
    let response = the.silently("", Some(&the.user)).await;
    assert_eq!(response.param("error"), Some("interaction_required"));
    the.world
        .run(Command::MemberRemove {
            organization: other,
            user: the.user.clone(),
        })
        .await;
    let response = the.silently("", Some(&the.user)).await;
    assert_eq!(the.code(&response).await.organization, the.world.organization);
}

#[tokio::test]
async fn o27_a_client_that_cannot_show_who_it_is_always_asks() {
    let the = Authorizing::new("default").await;
    let query = the
        .query("&prompt=none")
        .replace(&the.web.0, &the.spa.0)
        .replace(CALLBACK_ENCODED, "http%3A%2F%2F127.0.0.1%3A5000%2Fcallback");
    let request = the.good(&query).await;
    the.approve(&request).await.unwrap();
    let response = authorize::silently(&the.world.ctx, &request, Some(&the.user))
        .await
        .unwrap();
    assert_eq!(response.param("error"), Some("interaction_required"));
    assert_eq!(response.param("code"), None);
}

#[tokio::test]
async fn o27_what_was_revoked_as_a_whole_is_not_granted_again_without_asking() {
    let the = Authorizing::new("default").await;
    let revocations = [
        Revocation::User(the.user.clone()),
        Revocation::App(the.web.0.clone()),
        Revocation::Organization(the.world.organization.clone()),
        Revocation::Everything,
    ];
    for what in revocations {
        the.approve(&the.good(&the.query("")).await).await.unwrap();
        assert_eq!(the.silently("", Some(&the.user)).await.param("error"), None);
        the.world.run(Command::TokenRevoke { what }).await;
        let response = the.silently("", Some(&the.user)).await;
        assert_eq!(response.param("error"), Some("consent_required"));
    }
}
