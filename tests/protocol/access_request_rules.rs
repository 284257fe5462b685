//! Who may answer an access request, who may take the offer up, and what strangers cannot do with the form.

use crate::access_requests::{ASKER, PRIVATE, answer, ask, join, requests, send, status_link, world};
use crate::administrators::{ADMINISTRATOR, REVIEWER, actor, events, on_duty, signed_in};
use crate::browser::{Browser, hidden, set_password, unescaped};
use crate::support::{ISSUER, OWNER, World};
use grantd::control::Command;
use grantd::model::event::EventKind;
use grantd::model::role::Role;
use grantd::model::user::Duty;
use grantd::platform::access_requests::answers::{self, Acceptance};
use grantd::platform::access_requests::offers;
use grantd::platform::refusal::Refusal;

#[tokio::test]
async fn only_the_asker_makes_the_app_and_only_as_a_member_who_may() {
    let world = world().await;
    let status = ask(&world, ASKER).await;
    let link = status.split('=').nth(1).unwrap();
    // Nothing was answered yet.
    on_duty(&world, ASKER, None).await;
    let early = offers::make(&world.ctx, &actor(&world, ASKER).await, link).await;
    assert_eq!(early.err(), Some(Refusal::NotFound));
    let mut fields = PRIVATE.to_vec();
    fields.push(("organization", &world.organization));
    let accepted = answer(&world, &fields).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");

    set_password(&world, OWNER).await;
    let owner = signed_in(&world, OWNER).await;
    let page = owner.get(&status).await;
    assert!(
        page.body.contains("Sign in with the address") && !page.body.contains("<form"),
        "{page:?}"
    );
    let refused = offers::make(&world.ctx, &actor(&world, OWNER).await, link).await;
    assert_eq!(refused.err(), Some(Refusal::Forbidden));

    let asker = signed_in(&world, ASKER).await;
    let page = asker.get(&status).await;
    assert!(
        page.body.contains("Accept the invitation") && !page.body.contains("<form"),
        "{page:?}"
    );
    let refused = offers::make(&world.ctx, &actor(&world, ASKER).await, link).await;
    assert_eq!(refused.err(), Some(Refusal::NotFound), "not joined");
    world.set_role(ASKER, Role::Member).await;
    let page = asker.get(&status).await;
    assert!(page.body.contains("Your role does not allow"), "{page:?}");
    let refused = offers::make(&world.ctx, &actor(&world, ASKER).await, link).await;
    assert_eq!(refused.err(), Some(Refusal::Forbidden));
    world.set_role(ASKER, Role::Developer).await;
    let page = asker.get(&status).await;
    // The form of one browser is nothing to another, and another site's is none at all.
    let stolen = Browser::new(&world);
    stolen.plant(&asker.cookie());
    let forged = format!("link={link}&csrf=AAAA");
    assert_eq!(stolen.post("/access-requests/status", &forged, &[]).await.status, 403);
    let cross = [("origin", "https://evil.example")];
    let form = crate::browser::encoded(&hidden(&page, "/access-requests/status"), &[]);
    assert_eq!(asker.post("/access-requests/status", &form, &cross).await.status, 403);
    let made = asker.submit(&page, "/access-requests/status", &[]).await;
    assert!(made.body.contains("client_secret"), "{made:?}");
}

#[tokio::test]
async fn a_link_that_was_not_made_here_opens_nothing() {
    let world = world().await;
    let status = ask(&world, ASKER).await;
    let browser = Browser::new(&world);
    let cut = &status[..status.len() - 1];
    let other = status.replace("grantd_request_", "grantd_invitation_");
    for link in ["/access-requests/status", "/access-requests/status?link=x", cut, &other] {
        assert_eq!(browser.get(link).await.status, 410, "{link}");
    }
    let page = browser.get(&status).await;
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let invitation = status.replace("/access-requests/status", "/invitation");
    assert_eq!(browser.get(&invitation).await.status, 410);
}

#[tokio::test]
async fn only_administrators_answer_and_only_where_there_is_a_form() {
    let world = world().await;
    ask(&world, ASKER).await;
    on_duty(&world, REVIEWER, Some(Duty::Reviewer)).await;
    let path = format!("/admin/access-requests/{}", requests(&world).await[0].id);
    let reviewer = signed_in(&world, REVIEWER).await;
    assert_eq!(reviewer.get(&path).await.status, 404);
    assert_eq!(reviewer.post(&path, "decision=decline&note=x", &[]).await.status, 404);
    let administrator = signed_in(&world, ADMINISTRATOR).await;
    assert_eq!(
        administrator.post(&path, "decision=decline&note=x", &[]).await.status,
        403
    );
    assert_eq!(administrator.get("/admin/access-requests/q_none").await.status, 404);
    for profile in ["mokapen", "makecrypto"] {
        let world = World::new(profile).await;
        on_duty(&world, ADMINISTRATOR, Some(Duty::Administrator)).await;
        let browser = signed_in(&world, ADMINISTRATOR).await;
        for path in [
            "/access-requests/new",
            "/access-requests/status?link=x",
            "/admin/access-requests",
        ] {
            assert_eq!(browser.get(path).await.status, 404, "{profile} {path}");
        }
        assert!(!browser.get("/admin").await.body.contains("access-requests"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_answers_one_holds_and_of_many_makers_one_makes() {
    let world = world().await;
    let status = ask(&world, ASKER).await;
    let id = requests(&world).await[0].id.clone();
    let acceptance = Acceptance {
        organization: "",
        organization_name: "Asking Ltd",
        role: "",
        kind: "private",
        app_name: "Sync",
        scopes: &["data.read"],
        days: "",
    };
    let administrator = actor(&world, ADMINISTRATOR).await;
    let (accepted, declined) = tokio::join!(
        answers::accept(&world.ctx, &administrator, &id, acceptance),
        answers::decline(&world.ctx, &administrator, &id, "No"),
    );
    assert!(accepted.is_ok() != declined.is_ok(), "{accepted:?} {declined:?}");
    let count = events(&world, EventKind::AccessRequestAnswered).await.len();
    assert_eq!(count, 1);

    let second = ask(&world, "second@example.com").await;
    let waiting = requests(&world).await;
    let second_id = waiting.iter().find(|request| request.answer.is_none()).unwrap();
    let link = answers::accept(&world.ctx, &administrator, &second_id.id, acceptance).await;
    let link = link.unwrap().expect("no mail is sent");
    join(&world, link.strip_prefix(ISSUER).unwrap(), "second@example.com").await;
    let asker = actor(&world, "second@example.com").await;
    let mut tasks = Vec::new();
    for _ in 0..10 {
        let (ctx, asker) = (world.ctx.clone(), asker.clone());
        let token = second.split('=').nth(1).unwrap().to_owned();
        tasks.push(tokio::spawn(
            async move { offers::make(&ctx, &asker, &token).await.is_ok() },
        ));
    }
    let mut made = 0;
    for task in tasks {
        made += usize::from(task.await.unwrap());
    }
    assert_eq!(made, 1);
    let mut created = events(&world, EventKind::AppCreated).await;
    created.retain(|event| event.by.as_deref() == Some(asker.id()));
    assert_eq!(created.len(), 1);
    assert_ne!(status, second);
}

#[tokio::test]
async fn hostile_requests_stay_text() {
    const HOSTILE: &str = "\"><script>alert(1)</script>{link}";
    let world = world().await;
    let entered = [
        ("name", HOSTILE),
        ("organization", HOSTILE),
        ("email", ASKER),
        ("integration", "third_party_software"),
        ("description", HOSTILE),
    ];
    let sent = send(&Browser::new(&world), &entered).await;
    let status = status_link(&sent);
    let browser = signed_in(&world, ADMINISTRATOR).await;
    let path = format!("/admin/access-requests/{}", requests(&world).await[0].id);
    for path in ["/admin/access-requests", &path, &status] {
        let page = browser.get(path).await;
        assert!(page.status == 200 && !page.body.contains("<script"), "{page:?}");
        assert!(unescaped(&page.body).contains(HOSTILE), "{page:?}");
    }
    let declined = answer(&world, &[("decision", "decline"), ("note", HOSTILE)]).await;
    assert_eq!(declined.status, 303, "{declined:?}");
    let page = Browser::new(&world).get(&status).await;
    assert!(
        !page.body.contains("<script") && unescaped(&page.body).contains(HOSTILE),
        "{page:?}"
    );
    // The same from the command line's side: names in a list.
    let users = world.run(Command::UserList).await;
    assert!(users.as_array().unwrap().iter().all(|user| user["email"] != ASKER));
}
