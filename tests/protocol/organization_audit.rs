//! The audit log: what it shows to whom, and the file of it.

use crate::browser::world;
use crate::organization_pages::{HOSTILE, fill, id_of};
use crate::support::{OWNER, START};
use grantd::control::{Command, NewApp};
use grantd::model::app::Kind;
use grantd::model::event::{Event, EventKind};
use grantd::model::role::Role;
use grantd::store::Batch;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The records of a file (RFC 4180), cell by cell.
fn parsed(file: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut rest = file;
    while !rest.is_empty() {
        rest = rest.strip_prefix('"').expect("every cell is quoted");
        loop {
            let end = rest.find('"').expect("every quote ends");
            cell.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('"') {
                Some(more) => {
                    cell.push('"');
                    rest = more;
                }
                None => break,
            }
        }
        row.push(std::mem::take(&mut cell));
        if let Some(more) = rest.strip_prefix(',') {
            rest = more;
        } else {
            rest = rest.strip_prefix("\r\n").expect("every line ends with CRLF");
            rows.push(std::mem::take(&mut row));
        }
    }
    rows
}

#[tokio::test]
async fn the_newest_comes_first_and_what_the_command_line_did_is_there_too() {
    let the = world("default").await;
    let ada = the.ada().await;
    the.world.connect(&the.web).await;
    the.world.advance(Duration::from_secs(1));
    let here = the.at("");
    fill(&ada, &here, &here, &[("name", HOSTILE)]).await;
    let page = ada.get(&the.at("/audit")).await;
    assert!(
        !page.body.contains("<script>") && page.body.contains("&lt;script&gt;"),
        "{page:?}"
    );
    let rows = page.body.split("<ul class=\"rows\">").nth(1).unwrap();
    let names: Vec<&str> = rows
        .split("<h2 class=\"plain\">")
        .skip(1)
        .map(|row| row.split('<').next().unwrap())
        .collect();
    assert_eq!(names[0], "Settings changed");
    for name in ["App allowed", "App registered", "Member joined", "Created"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(rows.contains("command line"), "{page:?}");
    // What happened to a person happened in no organization.
    assert!(!rows.contains("user.") && !page.body.contains("Signed in"), "{page:?}");
    assert!(page.body.contains(&the.web.0), "the app leads to its own entries");
}

#[tokio::test]
async fn filters_by_kind_person_app_and_day_narrow_page_and_file_alike() {
    let the = world("default").await;
    let ada = the.ada().await;
    the.world.connect(&the.web).await;
    the.world.advance(2 * DAY);
    the.world.add_member("late@example.com", Role::Developer).await;
    let late = id_of(&the.world, "late@example.com").await;
    let (elsewhere, stranger) = (the.world.add_organization("Elsewhere").await, "stranger@example.com");
    the.world.add_user(stranger).await;
    the.world.set_role_in(&elsewhere, stranger, Role::Owner).await;
    let ada_again = the.ada().await;
    drop(ada);
    for (query, kinds) in [
        ("kind=grant.created", vec!["grant.created"]),
        ("person=late%40example.com", vec!["member.added"]),
        (&format!("person={late}"), vec!["member.added"]),
        (&format!("app={}&kind=grant.created", the.web.0), vec!["grant.created"]),
        (&format!("app={}", the.spa.0), vec!["app.created"]),
        ("from=2026-01-03", vec!["member.added"]),
        ("from=2026-01-03&to=2026-01-03", vec!["member.added"]),
        ("from=2026-01-02&to=2026-01-02", vec![]),
        ("from=2026-01-04", vec![]),
        ("kind=grant.created&to=2026-01-01", vec!["grant.created"]),
        // Not a member, and nobody at all: no difference.
        ("person=stranger%40example.com", vec![]),
        ("person=nobody%40example.com", vec![]),
        ("person=u_nobody", vec![]),
    ] {
        let file = ada_again.get(&the.at(&format!("/audit.csv?{query}"))).await;
        let rows = parsed(&file.body);
        let found: Vec<&str> = rows[1..].iter().map(|row| row[1].as_str()).collect();
        assert_eq!(found, kinds, "{query}");
        let page = ada_again.get(&the.at(&format!("/audit?{query}"))).await;
        let shown = page.body.matches("<h2 class=\"plain\">").count();
        assert_eq!(shown, kinds.len(), "{query}: {page:?}");
        assert_eq!(page.body.contains("Nothing like this has happened"), kinds.is_empty());
    }
    // What is no filter counts for nothing; what cannot be read is refused.
    let all = parsed(&ada_again.get(&the.at("/audit.csv")).await.body).len();
    for junk in [
        "kind=nothing",
        "from=yesterday",
        "to=2026-02-31",
        "after=x",
        "from=20260103",
    ] {
        let file = ada_again.get(&the.at(&format!("/audit.csv?{junk}"))).await;
        assert_eq!(parsed(&file.body).len(), all, "{junk}");
        assert_eq!(ada_again.get(&the.at(&format!("/audit?{junk}"))).await.status, 200);
    }
    let twice = ada_again.get(&the.at("/audit?kind=a&kind=b")).await;
    assert_eq!(twice.status, 400);
}

#[tokio::test]
async fn a_file_is_rfc_4180_and_computes_nothing() {
    let the = world("default").await;
    let mut names = vec![
        "=HYPERLINK(\"https://evil.example\",\"x\")",
        "+1",
        "-1",
        "@SUM(1)",
        "＝1+1",
    ];
    for name in &names {
        let new = NewApp {
            name: (*name).to_owned(),
            dedicated_user: Some(OWNER.into()),
            ..the.world.new_app(Kind::Private, &[])
        };
        the.world.add_app(new).await;
    }
    let ada = the.ada().await;
    let here = the.at("");
    fill(&ada, &here, &here, &[("name", "=1+1, \"quoted\"")]).await;
    let file = ada.get(&the.at("/audit.csv")).await;
    assert_eq!(
        file.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    let disposition = format!(
        "attachment; filename=\"audit-{}-2026-01-01.csv\"",
        the.world.organization
    );
    assert_eq!(file.header("content-disposition"), Some(disposition.as_str()));
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(file.header("cache-control"), Some("no-store"));
    let rows = parsed(&file.body);
    assert!(rows.iter().all(|row| row.len() == 15), "{rows:?}");
    let formula = |cell: &str| cell.trim_start().starts_with(['=', '+', '-', '@', '＝', '\t', '\r']);
    for row in &rows {
        assert!(!row.iter().any(|cell| formula(cell)), "{row:?}");
    }
    let apps: Vec<&str> = rows.iter().map(|row| row[8].as_str()).collect();
    names.retain(|name| apps.contains(&format!("'{name}").as_str()));
    assert_eq!(names.len(), 5, "{apps:?}");
    assert!(rows.iter().any(|row| row[11].contains("=1+1, \"quoted\"")), "{rows:?}");
}

#[tokio::test]
async fn a_long_log_comes_in_pages_and_the_file_says_what_it_leaves_out() {
    let the = world("default").await;
    let count = 120;
    for number in 0..count {
        let mut batch = Batch::new();
        let event = Event {
            subject: Some(format!("entry {number}.")),
            organization: Some(the.world.organization.clone()),
            // Many in the same moment.
            ..Event::new(
                EventKind::TokenCreated,
                START + DAY * (number / 40),
                &*the.world.ctx.random,
            )
        };
        batch.insert(&event).unwrap();
        the.world.ctx.store.commit(batch).await.unwrap();
    }
    the.world.advance(5 * DAY);
    let ada = the.ada().await;
    let mut path = the.at("/audit?kind=token.created");
    let (mut seen, mut pages) = (String::new(), 0);
    loop {
        let page = ada.get(&path).await;
        assert_eq!(page.status, 200, "{page:?}");
        let rows = page.body.split("<h2>").next().unwrap().to_owned();
        pages += 1;
        let next = rows
            .split("after=")
            .nth(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned());
        seen.push_str(&rows);
        match next {
            Some(next) => path = the.at(&format!("/audit?kind=token.created&after={next}")),
            None => break,
        }
    }
    assert_eq!(pages, 3);
    for number in 0..count {
        assert_eq!(seen.matches(&format!(">entry {number}.<")).count(), 1, "{number}");
    }
    let last = seen.rfind(">entry 0.<").unwrap();
    assert!(seen.find(">entry 119.<").unwrap() < last, "the newest first");
}

#[tokio::test]
async fn every_operation_of_the_command_line_on_an_organization_is_in_its_log() {
    let the = world("default").await;
    let (organization, user) = (the.world.organization.clone(), "x@example.com".to_owned());
    the.world.add_user(&user).await;
    let client_id = the.world.client_id.clone();
    let member = |role| Command::MemberSet {
        organization: organization.clone(),
        user: user.clone(),
        role,
    };
    let secret = Command::SecretAdd {
        client_id: client_id.clone(),
        label: Some("second".into()),
    };
    for command in [
        member(Role::Member),
        member(Role::Admin),
        Command::MemberRemove {
            organization: organization.clone(),
            user: user.clone(),
        },
        Command::UserInvite {
            email: user.clone(),
            organization: organization.clone(),
            role: Role::Member,
        },
        crate::consent_policy::of(&the.world, crate::consent_policy::deny(&the.web.0)),
        secret,
        Command::AppDisable {
            client_id: client_id.clone(),
            disabled: true,
        },
        Command::AppChange {
            client_id: client_id.clone(),
            dedicated_user: Some(OWNER.into()),
            scopes: Vec::new(),
            settings: grantd::control::app_settings::AppSettings::default(),
        },
        Command::TokenRevoke {
            what: grantd::control::Revocation::App(client_id.clone()),
        },
    ] {
        the.world.advance(Duration::from_millis(1));
        the.world.run(command).await;
    }
    let ada = the.ada().await;
    let rows = parsed(&ada.get(&the.at("/audit.csv")).await.body);
    let found: Vec<&str> = rows[1..10].iter().map(|row| row[1].as_str()).collect();
    assert_eq!(
        found,
        [
            "app.tokens_revoked",
            "app.changed",
            "app.disabled",
            "secret.created",
            "organization.changed",
            "member.invited",
            "member.removed",
            "member.changed",
            "member.added",
        ]
    );
    for row in &rows[1..10] {
        assert_eq!((row[2].as_str(), row[12].as_str()), ("", "command line"), "{row:?}");
    }
    assert_eq!(rows[7][6], "x@example.com", "whom it concerns: {:?}", rows[7]);
}
