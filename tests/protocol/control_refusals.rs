//! What an administrator may not do: every refusal is a sentence, and nothing has happened.

use crate::support::{OWNER, World};
use grantd::control::app_settings::AppSettings;
use grantd::control::{Command, NewApp, Revocation};
use grantd::model::app::Kind;
use grantd::model::role::Role;
use grantd::store::{Batch, Outcome};

/// Each command is refused with a sentence that contains the words, and the store is as it was.
async fn all_refused(world: &World, cases: Vec<(Command, &str)>) {
    let seq = async || match world.ctx.store.commit(Batch::new()).await.unwrap() {
        Outcome::Committed(seq) => seq.0,
        Outcome::Conflict => unreachable!("an empty batch has nothing to conflict with"),
    };
    for (command, words) in cases {
        let before = seq().await;
        let said = world.refused(command).await;
        assert!(said.contains(words), "{said:?} does not say {words:?}");
        assert_eq!(seq().await, before + 1, "{said:?}, and yet something was written");
    }
}

fn user(email: &str, name: Option<&str>, password: Option<&str>) -> Command {
    Command::UserAdd {
        email: email.into(),
        name: name.map(str::to_owned),
        password: password.map(str::to_owned),
    }
}

#[tokio::test]
async fn users() {
    let world = World::new("default").await;
    let long = "x".repeat(200);
    let too_long = format!("{long}@example.com");
    let mut cases = vec![
        (user("OWNER@example.com", None, None), "already"),
        (user("a@b.example", Some(" "), None), "1 to 100 visible characters"),
        (user("a@b.example", Some(&long), None), "1 to 100 visible characters"),
        (user("a@b.example", None, Some("short")), "at least 12 characters"),
        (user("a@b.example", None, Some(&"x".repeat(2000))), "at most 1024 bytes"),
    ];
    for email in [
        "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\0", "a@b\n", "<a@b>", &too_long,
    ] {
        cases.push((user(email, None, None), "is not an email address"));
    }
    // Names that read as others: controls, invisible space, other directions of writing.
    for name in [
        "a\0b",
        "a\nb",
        "a\u{1b}[31mb",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{2066}b",
        "\u{feff}a",
        "a\u{2028}b",
    ] {
        cases.push((user("a@b.example", Some(name), None), "visible characters"));
    }
    for user in ["u_nobody", "nobody@example.com", "", "\0", "u_\0"] {
        let user = user.to_owned();
        let disabled = true;
        cases.push((
            Command::UserDisable {
                user: user.clone(),
                disabled,
            },
            "grantd user list",
        ));
        let password = "correct horse battery".into();
        cases.push((Command::UserPassword { user, password }, "grantd user list"));
    }
    all_refused(&world, cases).await;
}

#[tokio::test]
async fn organizations_and_members() {
    let create = |name: &str, id: Option<&str>| Command::OrganizationCreate {
        name: name.into(),
        id: id.map(str::to_owned),
    };
    for (profile, noun, bad_ids, taken) in [
        (
            "mokapen",
            "organization",
            &["0", "0850", "-1", "850.0", "x", "", "9007199254740992", "8 50"][..],
            "849",
        ),
        (
            "makecrypto",
            "company",
            &["", "a b", "a/b", "a\0b", "\u{e9}", "..", "a.b"][..],
            "taken",
        ),
    ] {
        let world = World::new(profile).await;
        if profile == "makecrypto" {
            world.run(create("First", Some(taken))).await;
        }
        let mut cases = vec![
            (create("", None), "1 to 100 visible characters"),
            (create("Acme\u{202e}", None), noun),
            (create("Second", Some(taken)), "is taken"),
        ];
        cases.extend(bad_ids.iter().map(|id| (create("Acme", Some(id)), "is not an id")));
        for organization in ["o_nobody", "12345", "", "\0"] {
            let organization = organization.to_owned();
            let set = Command::MemberSet {
                organization: organization.clone(),
                user: OWNER.into(),
                role: Role::Owner,
            };
            let disable = Command::OrganizationDisable {
                organization: organization.clone(),
                disabled: true,
            };
            let list = Command::MemberList { organization };
            cases.extend([set, disable, list].map(|command| (command, "grantd org list")));
        }
        let organization = world.organization.clone();
        let user = "nobody@example.com".to_owned();
        let role = Role::Member;
        cases.push((
            Command::MemberSet {
                organization: organization.clone(),
                user: user.clone(),
                role,
            },
            "grantd user list",
        ));
        cases.push((Command::MemberRemove { organization, user }, "grantd user list"));
        all_refused(&world, cases).await;
    }
}

/// Makes a good app of this kind a bad one.
type Spoil = fn(&mut NewApp);

fn good(world: &World, kind: Kind) -> NewApp {
    let mut app = world.new_app(kind, &[]);
    match kind {
        Kind::Private => app.dedicated_user = Some(OWNER.into()),
        Kind::Public => app.redirect_uris = vec!["https://app.example/callback".into()],
        Kind::ResourceServer | Kind::Native => {}
    }
    app
}

#[tokio::test]
async fn new_apps() {
    let world = World::new("default").await;
    world.add_user("stranger@example.com").await;
    let spoilt: [(Kind, Spoil, &str); 12] = [
        (Kind::Private, |app| app.name = "\n".into(), "visible characters"),
        (
            Kind::Private,
            |app| app.organization = "o_nobody".into(),
            "grantd org list",
        ),
        (
            Kind::Private,
            |app| app.public_client = true,
            "only a public app can be a public client",
        ),
        (Kind::Private, |app| app.dedicated_user = None, "--dedicated-user"),
        (
            Kind::Private,
            |app| app.dedicated_user = Some("stranger@example.com".into()),
            "is no member of",
        ),
        (
            Kind::Private,
            |app| app.scopes = vec!["data.raed".into()],
            "did you mean `data.read`?",
        ),
        (
            Kind::Private,
            |app| app.redirect_uris = vec!["https://a.example/".into()],
            "only a public app",
        ),
        (
            Kind::Private,
            |app| app.resources = vec!["https://auth.example/api".into()],
            "only a resource server",
        ),
        (
            Kind::Public,
            |app| app.dedicated_user = Some(OWNER.into()),
            "only a private app",
        ),
        (
            Kind::ResourceServer,
            |app| app.dedicated_user = Some(OWNER.into()),
            "only a private app",
        ),
        (
            Kind::ResourceServer,
            |app| app.scopes = vec!["data.read".into()],
            "has no scopes",
        ),
        (
            Kind::ResourceServer,
            |app| app.resources = vec!["https://x.example".into()],
            "`https://x.example`",
        ),
    ];
    let mut cases = Vec::new();
    for (kind, spoil, words) in spoilt {
        world.add_app(good(&world, kind)).await;
        let mut app = good(&world, kind);
        spoil(&mut app);
        cases.push((Command::AppCreate(app), words));
    }
    all_refused(&world, cases).await;
}

#[tokio::test]
async fn o1_m5_redirect_uris() {
    let world = World::new("default").await;
    let good = "https://app.example/callback";
    let refused: [(&[&str], &str); 13] = [
        (&[], "1 to 20 redirect URIs"),
        (&[good; 21], "1 to 20 redirect URIs"),
        (&["/callback"], "not an absolute URI"),
        (&[good, "http://app.example/callback"], "must use https"),
        (&["http://127.0.0.1.evil.example/"], "must use https"),
        (&["com.example.app:/callback"], "must use https"),
        (&["javascript:alert(1)"], "must use https"),
        (&["JavaScript://app.example/%0aalert(1)"], "must use https"),
        (&["https://app.example/#x"], "neither a fragment"),
        (&["https://app.example/#"], "neither a fragment"),
        (&["https://user@app.example/"], "nor user information"),
        (&["https://app.example/\u{e9}"], "not plain ASCII"),
        (&["https://app.example/\n"], "not plain ASCII"),
    ];
    let app = |uris: &[&str]| NewApp {
        redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        ..world.new_app(Kind::Public, &[])
    };
    let cases = refused.map(|(uris, words)| (Command::AppCreate(app(uris)), words));
    all_refused(&world, cases.into()).await;
}

#[tokio::test]
async fn apps_that_are_there() {
    let world = World::new("default").await;
    world.add_user("stranger@example.com").await;
    let (server, _) = world.add_resource_server().await;
    let change = |client_id: &str, user: Option<&str>, scopes: &[&str]| Command::AppChange {
        client_id: client_id.into(),
        dedicated_user: user.map(str::to_owned),
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        settings: AppSettings::default(),
    };
    let own = world.client_id.clone();
    let mut cases = vec![
        (change(&own, None, &[]), "say what to change"),
        (change(&own, Some("stranger@example.com"), &[]), "is no member of"),
        (change(&own, None, &["no.such"]), "there is no scope"),
        (change(&server, Some(OWNER), &[]), "only a private app"),
        (change(&server, None, &["data.read"]), "has no scopes"),
        (
            Command::SecretRevoke {
                client_id: own.clone(),
                secret: "nothing".into(),
            },
            "grantd app show",
        ),
        (
            Command::SecretAdd {
                client_id: own,
                label: Some("\0".into()),
            },
            "visible characters",
        ),
    ];
    for client_id in ["grantd_app_nobody", "", "\0"] {
        let client_id = client_id.to_owned();
        let disabled = true;
        cases.push((change(&client_id, Some(OWNER), &[]), "grantd app list"));
        cases.push((
            Command::AppDisable {
                client_id: client_id.clone(),
                disabled,
            },
            "grantd app list",
        ));
        let label = None;
        cases.push((
            Command::SecretAdd {
                client_id: client_id.clone(),
                label,
            },
            "grantd app list",
        ));
        let secret = "x".to_owned();
        cases.push((
            Command::SecretRevoke {
                client_id: client_id.clone(),
                secret,
            },
            "grantd app list",
        ));
        cases.push((Command::AppShow { client_id }, "grantd app list"));
    }
    all_refused(&world, cases).await;
}

#[tokio::test]
async fn tokens() {
    let world = World::new("default").await;
    let (server, _) = world.add_resource_server().await;
    let mint = |client_id: &str, scope: &str, resource: Option<&str>, lifetime_s: Option<u64>| Command::TokenMint {
        client_id: client_id.into(),
        scopes: vec![scope.into()],
        resource: resource.map(str::to_owned),
        lifetime_s,
    };
    let own = world.client_id.as_str();
    world.add_member("small@example.com", Role::Member).await;
    let (small, _) = world.add_private_app("small@example.com", &[]).await;
    let everything = |what| Command::TokenRevoke { what };
    let cases = vec![
        (mint("grantd_app_nobody", "data.read", None, None), "grantd app list"),
        (mint(&server, "data.read", None, None), "only a private app"),
        (mint(own, "no.such", None, None), "not one this server knows"),
        (mint(own, "", None, None), "RFC 6749 section 3.3"),
        (
            mint(own, "data.read", Some("https://else.example"), None),
            "there is no resource",
        ),
        (mint(own, "data.read", None, Some(0)), "1 to 600 seconds"),
        (mint(own, "data.read", None, Some(601)), "1 to 600 seconds"),
        (mint(own, "data.read", None, Some(u64::MAX)), "1 to 600 seconds"),
        (mint(&small, "settings.write", None, None), "may grant none"),
        (everything(Revocation::Token("x".into())), "no token to revoke"),
        (everything(Revocation::App("x".into())), "grantd app list"),
        (everything(Revocation::User("x".into())), "grantd user list"),
        (everything(Revocation::Organization("x".into())), "grantd org list"),
    ];
    all_refused(&world, cases).await;
}

/// Two changes of one record at the same moment: the second one is told, nothing is lost.
#[tokio::test]
async fn a_conflict_is_a_sentence_and_parallel_secrets_never_exceed_two() {
    let world = World::new("default").await;
    let add = || Command::SecretAdd {
        client_id: world.client_id.clone(),
        label: None,
    };
    let (a, b, c) = tokio::join!(
        grantd::control::execute(&world.ctx, add()),
        grantd::control::execute(&world.ctx, add()),
        grantd::control::execute(&world.ctx, add()),
    );
    let done = [a, b, c];
    assert_eq!(
        done.iter().filter(|result| result.is_ok()).count(),
        1,
        "two live secrets at most"
    );
    for refusal in done.iter().filter_map(|result| result.as_ref().err()) {
        assert!(
            refusal.contains("revoke one first") || refusal.contains("try again"),
            "{refusal}"
        );
    }
}
