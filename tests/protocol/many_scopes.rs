//! A catalog of two hundred scopes: every form that lists them takes them all.

use crate::access_requests::{ask, requests};
use crate::administrators::ADMINISTRATOR;
use crate::administrators::{REVIEWER, on_duty, signed_in};
use crate::developing::{DEVELOPER, Developing};
use crate::personal_tokens::{NEW, make, text};
use grantd::model::user::Duty;

const COUNT: usize = 200;

#[tokio::test]
async fn an_app_asks_for_the_last_sixty_of_them_and_another_is_approved() {
    let d = Developing::with_scopes(COUNT).await;
    on_duty(&d.world, REVIEWER, Some(Duty::Reviewer)).await;
    let browser = d.browser(DEVELOPER).await;
    let all: Vec<String> = d.world.ctx.profile().scopes.names().map(str::to_owned).collect();
    assert_eq!(all.len(), COUNT);
    let private = d.created(&browser, "private", &[]).await;
    let path = format!("/developer/apps/{private}/scopes");
    let page = browser.get(&path).await;
    assert_eq!(page.body.matches("name=\"scope\"").count(), COUNT);
    // As browsers send it: a field for the reason of each, mostly empty.
    let empty: Vec<String> = (0..COUNT).map(|place| format!("why_{place}")).collect();
    let last = &all[COUNT - 60..];
    let mut fields: Vec<(&str, &str)> = last.iter().map(|name| ("scope", name.as_str())).collect();
    fields.extend(empty.iter().map(|name| (name.as_str(), "")));
    let saved = browser.submit(&page, &path, &fields).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    assert_eq!(d.dossier(&private).await.wanted, last);

    let public = d.created(&browser, "public", &[]).await;
    let some: Vec<&str> = all.iter().skip(COUNT - 40).map(String::as_str).collect();
    assert_eq!(d.wish(&browser, &public, &some).await.status, 303);
    assert_eq!(d.dossier(&public).await.reason(some[39]), "To show thing199.read");
    let reviewer = signed_in(&d.world, REVIEWER).await;
    let path = format!("/admin/reviews/{public}");
    let page = reviewer.get(&path).await;
    let decided = reviewer.submit(&page, &path, &[("decision", "approved")]).await;
    assert_eq!(decided.status, 303, "{decided:?}");
    assert_eq!(d.app(&public).await.scopes, some);
}

#[tokio::test]
async fn more_than_an_app_has_room_for_is_refused_with_a_sentence_and_not_lost() {
    let d = Developing::with_scopes(COUNT).await;
    let browser = d.browser(DEVELOPER).await;
    let client_id = d.created(&browser, "public", &[]).await;
    let all: Vec<&str> = d.world.ctx.profile().scopes.names().collect();
    let refused = d.wish(&browser, &client_id, &all).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    for sentence in ["developer_fault_many_scopes", "developer_fault_reasons"] {
        let texts = d.world.ctx.config.pages.texts(["en"]);
        assert!(refused.body.contains(texts.get(sentence)), "{sentence}: {refused:?}");
    }
    assert_eq!(refused.body.matches(" checked").count(), COUNT);
    assert!(refused.body.contains("To show thing199.read"), "{refused:?}");
}

#[tokio::test]
async fn a_token_and_an_offer_hold_as_many_as_a_record_has_room_for() {
    let d = Developing::with_scopes(COUNT).await;
    on_duty(&d.world, ADMINISTRATOR, Some(Duty::Administrator)).await;
    let browser = d.browser(DEVELOPER).await;
    let names: Vec<String> = d.world.ctx.profile().scopes.names().map(str::to_owned).collect();
    let mut fields = vec![("name", "All"), ("expiry", "30")];
    fields.extend(names.iter().map(|name| ("scope", name.as_str())));
    let token = text(&make(&browser, NEW, &fields).await);
    d.world.secrets.keep_token(&token);

    ask(&d.world, "asker@example.com").await;
    let desk = signed_in(&d.world, ADMINISTRATOR).await;
    let path = format!("/admin/access-requests/{}", requests(&d.world).await[0].id);
    let page = desk.get(&path).await;
    let offer = |count: usize| {
        let mut fields = vec![
            ("decision", "accept"),
            ("organization_name", "Asking Ltd"),
            ("app_name", "Sync"),
            ("kind", "private"),
        ];
        fields.extend(names.iter().take(count).map(|name| ("scopes", name.as_str())));
        fields
    };
    let many = desk.submit(&page, &path, &offer(COUNT)).await;
    assert!(many.status == 422 && many.body.contains("too many scopes"), "{many:?}");
    let accepted = desk.submit(&page, &path, &offer(120)).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
}
