//! Who may do what, at the front door: every page and every form of the portal for every kind of person, from one
//! table. A route that is in none of the tables fails.

use crate::browser::{Browser, set_password};
use crate::developing::{ADMIN, COLLEAGUE, DEVELOPER, Developing, MEMBER, STAKEHOLDER};
use crate::http::request;
use crate::support::OWNER;
use crate::webhook_people::endpoint_of;
use grantd::app;
use grantd::control::Command;
use grantd::model::dossier::Dossier;
use grantd::model::role::Role;
use grantd::model::user::Duty;
use grantd::portal::{csrf, visit::Visit};
use grantd::store::{Batch, keys};
use http::Method;
use std::collections::BTreeSet;

pub const FOREIGN: &str = "foreign@example.com";
pub const REVIEWER: &str = "reviewer@example.com";
pub const ADMINISTRATOR: &str = "administrator@example.com";

/// One letter each, in the tables: m(ember), d(eveloper), t (developer in the app's team), a(dmin), o(wner), f (owner
/// of another organization), s(takeholder), r(eviewer), p (administrator of the platform). Strangers are apart: sent to
/// the sign-in by everything here.
pub const PEOPLE: [(char, &str); 9] = [
    ('m', MEMBER),
    ('d', COLLEAGUE),
    ('t', DEVELOPER),
    ('a', ADMIN),
    ('o', OWNER),
    ('f', FOREIGN),
    ('s', STAKEHOLDER),
    ('r', REVIEWER),
    ('p', ADMINISTRATOR),
];
pub const EVERYBODY: &str = "mdtaofsrp";

/// Pages, and who sees them.
const PAGES: &[(&str, &str)] = &[
    ("/account", EVERYBODY),
    ("/account/password", EVERYBODY),
    ("/account/totp", EVERYBODY),
    ("/account/tokens", EVERYBODY),
    ("/account/tokens/new", "mdtaof"),
    ("/developer", EVERYBODY),
    ("/developer/apps/new", "dtaof"),
    ("/developer/apps/{client_id}", "dtaos"),
    ("/developer/apps/{client_id}/history", "dtaos"),
    ("/developer/apps/{client_id}/consent", "dtaos"),
    ("/developer/apps/{client_id}/details", "tao"),
    ("/developer/apps/{client_id}/logo", "tao"),
    ("/developer/apps/{client_id}/scopes", "tao"),
    ("/developer/apps/{client_id}/team", "tao"),
    ("/developer/apps/{client_id}/transfer", "ao"),
    ("/developer/apps/{private}/status", "ao"),
    ("/developer/apps/{pending}/review", "tao"),
    ("/developer/apps/{client_id}/credentials", "tao"),
    ("/developer/apps/{client_id}/credentials/keys", "tao"),
    ("/developer/apps/{client_id}/credentials/secrets/{secret}/revoke", "tao"),
    ("/developer/apps/{client_id}/failures", "tao"),
    ("/developer/apps/{client_id}/webhooks", "dtaos"),
    ("/developer/apps/{client_id}/webhooks/{endpoint}", "dtaos"),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}/deliveries/{delivery}",
        "dtaos",
    ),
    ("/developer/apps/{client_id}/webhooks/{endpoint}/edit", "tao"),
    ("/developer/apps/{client_id}/webhooks/{endpoint}/resend", "tao"),
    ("/developer/apps/{client_id}/webhooks/{endpoint}/rotate", "tao"),
    ("/developer/apps/{client_id}/webhooks/{endpoint}/remove", "tao"),
    ("/organizations", EVERYBODY),
    ("/organizations/{organization}", "mdtao"),
    ("/organizations/{organization}/leave", "mdtao"),
    ("/organizations/{organization}/members", "dtao"),
    ("/organizations/{organization}/members/{user}", "ao"),
    ("/organizations/{organization}/members/{user}/remove", "ao"),
    ("/organizations/{organization}/apps", "ao"),
    ("/organizations/{organization}/apps/{private}/switch", "ao"),
    ("/organizations/{organization}/policy", "ao"),
    ("/organizations/{organization}/keys", "ao"),
    ("/organizations/{organization}/audit", "ao"),
    ("/organizations/{organization}/audit.csv", "ao"),
    ("/organizations/{organization}/tokens", "ao"),
    ("/organizations/{organization}/tokens/new", "ao"),
    ("/admin", "rp"),
    ("/admin/reviews", "rp"),
    ("/admin/reviews/{pending}", "rp"),
    ("/admin/apps", "rp"),
    ("/admin/apps/{client_id}", "rp"),
    ("/admin/health", "p"),
    ("/admin/people", "p"),
    ("/admin/people/{reviewer}", "p"),
];

/// Forms: address, name, who may send them; a `?` begins what has to be filled in to be read at all.
const FORMS: &[(&str, &str, &str)] = &[
    (
        "/account/tokens/new?organization={organization}",
        "create_personal_token",
        "mdtao",
    ),
    ("/developer/apps/{client_id}/details", "app_details", "tao"),
    ("/developer/apps/{client_id}/scopes", "app_scopes", "tao"),
    ("/developer/apps/{client_id}/team", "app_team", "tao"),
    ("/developer/apps/{client_id}/transfer", "app_transfer", "ao"),
    ("/developer/apps/{private}/status", "app_status", "ao"),
    ("/developer/apps/{pending}/review", "app_review", "tao"),
    ("/developer/apps/{client_id}/credentials/secrets", "secret_add", "tao"),
    (
        "/developer/apps/{client_id}/credentials/keys?by=secret",
        "client_keys",
        "tao",
    ),
    ("/developer/apps/{private}/credentials/tokens", "token_make", "tao"),
    (
        "/developer/apps/{client_id}/credentials/secrets/{secret}/revoke",
        "secret_revoke",
        "tao",
    ),
    ("/developer/apps/{client_id}/webhooks", "webhook_add", "tao"),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}?do=test",
        "webhook_act",
        "tao",
    ),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}/edit",
        "webhook_edit",
        "tao",
    ),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}/rotate",
        "webhook_rotate",
        "tao",
    ),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}/remove",
        "webhook_remove",
        "tao",
    ),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}/deliveries/{delivery}",
        "webhook_resend",
        "tao",
    ),
    (
        "/developer/apps/{client_id}/webhooks/{endpoint}/resend",
        "webhook_resend_range",
        "tao",
    ),
    ("/organizations/{organization}", "org_rename", "ao"),
    ("/organizations/{organization}/leave", "org_leave", "mdtao"),
    ("/organizations/{organization}/members/{user}", "org_role", "ao"),
    (
        "/organizations/{organization}/members/{user}/remove",
        "org_remove",
        "ao",
    ),
    ("/organizations/{organization}/invitations", "org_invite", "ao"),
    (
        "/organizations/{organization}/apps/{private}/switch",
        "org_app_switch",
        "ao",
    ),
    ("/organizations/{organization}/policy", "org_policy", "ao"),
    ("/organizations/{organization}/keys", "org_key_make", "ao"),
    // The member is the one whom it is for.
    (
        "/organizations/{organization}/tokens/new?member={user}",
        "create_personal_token",
        "mao",
    ),
    ("/admin/reviews/{pending}", "review", "rp"),
    ("/admin/apps/{client_id}", "suspend", "rp"),
    ("/admin/people", "appoint", "p"),
    ("/admin/people/{reviewer}", "dismiss", "p"),
];

/// Rows of the same path pattern that tests of their own judge: they need a thing that exists, or a file.
const ELSEWHERE: &[&str] = &[
    "/organizations/{organization}/apps/{client_id}/revoke",
    // organization_apps.rs, organization_keys.rs, organization_invitations.rs, personal_tokens.rs, credentials.rs,
    // access_requests.rs, native_templates.rs, native_reset.rs
    "/organizations/{organization}/apps/{client_id}",
    "/organizations/{organization}/keys/{key}/revoke",
    "/organizations/{organization}/tokens/{token}",
    "/account/tokens/{token}",
    "/developer/apps/{client_id}/credentials/tokens/{token}/revoke",
    "/organizations/{organization}/invitations/withdraw",
    "/admin/access-requests",
    "/admin/access-requests/{request}",
    "/access-requests/status",
    "/admin/native-templates",
    "/admin/installations",
    "/admin/installations/{client_id}",
];

/// For everybody, signed in or not: the protocol, the sign-in, documents, pictures; and forms about oneself alone,
/// which have tests of their own in sessions.rs, passwords.rs, totp.rs, consent.rs and desk.rs.
const OPEN: &[&str] = &[
    "/oauth/",
    "/.well-known/",
    "/healthz",
    "/readyz",
    "/assets/",
    "/logos/",
    "/login",
    "/logout",
    "/password/",
    "/invitation",
    "/sign-up",
    "/docs",
    "/access-requests/new",
    "/administrator",
    "/consent",
    "/organization",
    // sandbox_checkout.rs
    "/payment",
];

pub struct Cast {
    pub d: Developing,
    pub elsewhere: String,
    pub parts: Vec<(&'static str, String)>,
}

impl Cast {
    pub async fn new() -> Self {
        let d = Developing::new("makecrypto").await;
        let world = &d.world;
        let elsewhere = world.add_organization("Elsewhere").await;
        for email in [FOREIGN, REVIEWER, ADMINISTRATOR] {
            world.add_user(email).await;
            set_password(world, email).await;
        }
        world.set_role_in(&elsewhere, FOREIGN, Role::Owner).await;
        for (email, duty) in [(REVIEWER, Duty::Reviewer), (ADMINISTRATOR, Duty::Administrator)] {
            let duty = Some(duty);
            world
                .run(Command::UserDuty {
                    user: email.into(),
                    duty,
                })
                .await;
        }
        let (client_id, _) = world.add_public_app().await;
        let (private, _) = world.add_private_app(OWNER, &[]).await;
        let pending = d.submitted(&d.browser(DEVELOPER).await).await;
        let mut batch = Batch::new();
        for app in [&client_id, &private] {
            batch
                .insert(&Dossier {
                    team: vec![d.user(DEVELOPER).await],
                    stakeholders: vec![STAKEHOLDER.into()],
                    wanted: d.app(app).await.scopes.clone(),
                    ..Dossier::new(app)
                })
                .unwrap();
        }
        world.ctx.store.commit(batch).await.unwrap();
        let (endpoint, delivery) = endpoint_of(&d, DEVELOPER, &client_id).await;
        let secret = d.app(&client_id).await.secrets[0].id.clone();
        let parts = vec![
            ("{client_id}", client_id),
            ("{private}", private),
            ("{pending}", pending),
            ("{organization}", world.organization.clone()),
            ("{user}", d.user(MEMBER).await),
            ("{reviewer}", d.user(REVIEWER).await),
            ("{secret}", secret),
            ("{endpoint}", endpoint),
            ("{delivery}", delivery),
        ];
        Self { d, elsewhere, parts }
    }

    pub fn path(&self, pattern: &str) -> String {
        let fill = |path: String, (name, value): &(&str, String)| path.replace(name, value);
        self.parts.iter().fold(pattern.to_owned(), fill)
    }

    /// Sends this form as our own page in this browser would, with next to nothing filled in.
    async fn post(&self, browser: &Browser<'_>, path: &str, form: &str) -> u16 {
        let cookie = format!("__Host-grantd_session={}", browser.cookie());
        let shown = request(Method::GET, path, &[("cookie", &cookie)], b"");
        let visit = Visit::of(&self.d.world.ctx, &shown).await.unwrap();
        let (path, filled) = path.split_once('?').unwrap_or((path, ""));
        let body = format!("csrf={}&{filled}", csrf::token(&visit, form));
        browser.post(path, &body, &[]).await.status
    }
}

#[tokio::test]
async fn every_page_is_seen_by_whom_the_table_says_and_by_nobody_else() {
    let cast = Cast::new().await;
    let mut wrong = Vec::new();
    for (letter, email) in PEOPLE {
        let browser = cast.d.browser(email).await;
        for (pattern, who) in PAGES {
            let status = browser.get(&cast.path(pattern)).await.status;
            let fits = if who.contains(letter) {
                status == 200
            } else {
                matches!(status, 403 | 404)
            };
            if !fits {
                wrong.push(format!("{letter} GET {pattern}: {status}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let stranger = Browser::new(&cast.d.world);
    for (pattern, _) in PAGES {
        let answer = stranger.get(&cast.path(pattern)).await;
        let to = answer.header("location").unwrap_or_default();
        assert!(
            answer.status == 303 && to.starts_with("/login"),
            "{pattern}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn every_form_is_taken_from_whom_the_table_says_and_from_nobody_else() {
    let cast = Cast::new().await;
    let mut wrong = Vec::new();
    for (letter, email) in PEOPLE {
        let browser = cast.d.browser(email).await;
        for (pattern, form, who) in FORMS {
            let status = cast.post(&browser, &cast.path(pattern), form).await;
            // Nothing was filled in, so it is asked for again where somebody may.
            let refused = matches!(status, 403 | 404);
            if refused == who.contains(letter) || status >= 500 {
                wrong.push(format!("{letter} POST {pattern}: {status}"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn no_form_is_taken_without_the_token_of_its_own_page() {
    let cast = Cast::new().await;
    for email in [OWNER, ADMINISTRATOR] {
        let browser = cast.d.browser(email).await;
        let store = &cast.d.world.ctx.store;
        let before = store.scan(&keys::events(), None, 1000).await.unwrap().len();
        for (pattern, form, _) in FORMS {
            let path = cast.path(pattern);
            let bare = browser
                .post(path.split('?').next().unwrap(), "confirm=x", &[])
                .await
                .status;
            let other = cast.post(&browser, &path, &format!("{form}x")).await;
            for status in [bare, other] {
                assert!(matches!(status, 403 | 404), "{email} POST {pattern}: {status}");
            }
        }
        let after = store.scan(&keys::events(), None, 1000).await.unwrap().len();
        assert_eq!(after, before, "something happened");
    }
}

/// Places in a path are all alike.
fn pattern(path: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_stands_in_a_table() {
    let pages: BTreeSet<String> = PAGES.iter().map(|(path, _)| pattern(path)).collect();
    let forms: BTreeSet<String> = FORMS
        .iter()
        .map(|(path, ..)| pattern(path.split('?').next().unwrap()))
        .collect();
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(|path| pattern(path)).collect();
    for (method, path) in app::routes() {
        // Every operation of the JSON API stands in a table of its own, in matrix_api.rs.
        let open = path == "/"
            || path.starts_with("/api/developer/v1")
            || OPEN.iter().any(|open| {
                path == open.trim_end_matches('/') || path.starts_with(&format!("{}/", open.trim_end_matches('/')))
            });
        let own = path.starts_with("/account") && method == Method::POST;
        let known = if method == Method::GET { &pages } else { &forms };
        let upload = ["/developer/apps/new", "/developer/apps/{client_id}/logo"].contains(&path);
        let listed = known.contains(&pattern(path)) || elsewhere.contains(&pattern(path));
        assert!(listed || open || own || upload, "{method} {path} is in no table");
    }
}
