//! The pages of the sandbox's payment links.

use crate::http::{Answer, request};
use crate::sandbox::{Api, together};
use crate::sandbox_payment_links::{LINKS, made};
use crate::shop::LATER;
use crate::support::World;
use crate::yielding::Yielding;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn start(world: &World, page: &str) -> Answer {
    world
        .send(request(Method::POST, &format!("{page}/start"), &[], b""))
        .await
}

async fn advance(world: &World, page: &str, status: &str) -> Answer {
    let body = format!("status={status}");
    let request = request(Method::POST, &format!("{page}/session"), &[FORM], body.as_bytes());
    world.send(request).await
}

fn page_of(link: &Value) -> String {
    format!("/payment/{}", link["uid"].as_str().unwrap())
}

#[tokio::test]
async fn the_page_warns_and_tells_no_more_than_a_payer_needs() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let (_, link) = made(&api).await;
    let page = page_of(&link);
    let shown = world.get(&page).await;
    assert_eq!((shown.status, shown.header("x-grantd-sandbox")), (200, Some("true")));
    assert!(
        shown.body.contains("Do not send real funds") && shown.body.contains("20.00 USD"),
        "{shown:?}"
    );
    assert!(
        shown.body.contains("Order 1001") && !shown.body.contains("SANDBOX-DO-NOT-SEND"),
        "{shown:?}"
    );
    for secret in [
        "buyer@example.com",
        "medusaSessionId",
        "shop.example",
        &world.organization,
    ] {
        assert!(!shown.body.contains(secret), "{secret} is nobody's business: {shown:?}");
    }
    assert_eq!(shown.header("set-cookie"), None, "no cookie is needed");
    assert!(
        shown
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
}

#[tokio::test]
async fn a_session_begins_and_is_brought_to_every_status_by_hand() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let (path, link) = made(&api).await;
    let page = page_of(&link);
    let begun = start(&world, &page).await;
    assert_eq!((begun.status, begun.header("location")), (303, Some(&*page)));
    let shown = world.get(&page).await;
    assert!(shown.body.contains("SANDBOX-DO-NOT-SEND") && shown.body.contains("Do not send real funds"));
    let session = api.get(&path).await.json["paymentLink"]["latestSession"].clone();
    assert_eq!(crate::sandbox::members(&session), ["id", "status"]);
    assert_eq!(session["status"], "awaiting_deposit");
    assert_eq!(start(&world, &page).await.status, 303);
    assert_eq!(
        api.get(&path).await.json["paymentLink"]["latestSession"],
        session,
        "it goes on"
    );
    for status in LATER.into_iter().chain(["quoted", "complete"]) {
        assert_eq!(advance(&world, &page, status).await.status, 303, "{status}");
        let link = api.get(&path).await.json["paymentLink"].clone();
        assert_eq!(link["latestSession"], json!({ "id": session["id"], "status": status }));
        let events = link["timelineEvents"].as_array().unwrap();
        assert_eq!(events.last().unwrap()["status"], status);
    }
    let found = api.get(&format!("{LINKS}?status=complete")).await;
    assert_eq!(found.json["paymentLinks"].as_array().unwrap().len(), 1);
    for bad in ["paid", "", "succeeded", "COMPLETE", "complete&status=failed"] {
        assert_eq!(advance(&world, &page, bad).await.status, 400, "{bad}");
    }
    let json = request(Method::POST, &format!("{page}/session"), &[], b"{}");
    assert_eq!(world.send(json).await.status, 400);
    assert_eq!(start(&world, &page).await.status, 303);
    assert_eq!(
        api.get(&path).await.json["paymentLink"]["latestSession"]["status"],
        "complete",
        "paid is paid"
    );
    advance(&world, &page, "failed").await;
    start(&world, &page).await;
    let second = api.get(&path).await.json["paymentLink"]["latestSession"].clone();
    assert!(
        second["id"] != session["id"] && second["status"] == "awaiting_deposit",
        "{second}"
    );
}

#[tokio::test]
async fn what_is_paused_archived_or_expired_does_not_begin() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    for status in ["paused", "archived"] {
        let (path, link) = made(&api).await;
        api.patch(&path, &json!({ "status": status })).await;
        let halted = start(&world, &page_of(&link)).await;
        assert_eq!(halted.status, 409, "{halted:?}");
        assert!(
            halted.body.contains("no payment can begin") && !halted.body.contains("/start"),
            "{halted:?}"
        );
        assert_eq!(api.get(&path).await.json["paymentLink"]["latestSession"], Value::Null);
        assert_eq!(advance(&world, &page_of(&link), "complete").await.status, 409);
    }
    let (path, link) = made(&api).await;
    world.advance(Duration::from_secs(60 * 60));
    assert_eq!(start(&world, &page_of(&link)).await.status, 409, "its hour is over");
    api.patch(&path, &json!({ "extendExpirationTime": "15m" })).await;
    assert_eq!(start(&world, &page_of(&link)).await.status, 303);
}

#[tokio::test]
async fn what_a_link_says_is_shown_as_text_and_leads_nowhere() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let hostile = "<script>alert(1)</script>\" onload=x";
    let body = json!({ "amount": "1", "fiatCurrency": hostile, "title": hostile, "description": hostile,
                       "orderId": hostile, "returnUrl": "https://evil.example" });
    let link = api.post(LINKS, &body).await.json["paymentLink"].clone();
    let page = world.get(&page_of(&link)).await;
    assert!(
        !page.body.contains("<script>") && page.body.contains("&lt;script&gt;"),
        "{page:?}"
    );
    assert!(!page.body.contains("evil.example"), "{page:?}");
    let (french, slovene) = (("accept-language", "fr"), ("accept-language", "sl"));
    for language in [french, slovene] {
        let page = world
            .send(request(Method::GET, &page_of(&link), &[language], b""))
            .await;
        assert!(
            page.body.contains("Do not send real funds") && !page.body.contains("checkout_"),
            "{page:?}"
        );
    }
}

#[tokio::test]
async fn there_are_no_such_pages_without_the_links_and_elsewhere_in_no_profile() {
    let world = World::new("makecrypto").await;
    for path in ["/payment/x", "/payment/00000000000000000000000000", "/payment/%2e%2e"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
        assert_eq!(start(&world, path).await.status, 404, "{path}");
        assert_eq!(advance(&world, path, "complete").await.status, 404, "{path}");
    }
    for profile in ["default", "mokapen"] {
        let world = World::new(profile).await;
        for path in ["/payment/00000000000000000000000000", "/payment/customers/x"] {
            assert_eq!(world.get(path).await.status, 404, "{profile} {path}");
        }
    }
}

#[tokio::test]
async fn strangers_change_links_no_faster_than_the_limit_of_what_strangers_write() {
    let world = World::new("makecrypto").await;
    let api = Api::of_key(&world).await;
    let (path, link) = made(&api).await;
    let page = page_of(&link);
    start(&world, &page).await;
    let burst = world.ctx.config.limits.pushes.burst.get();
    for n in 1..burst {
        let status = if n % 2 == 0 { "pending" } else { "sending" };
        assert_eq!(advance(&world, &page, status).await.status, 303, "{n}");
    }
    let held = advance(&world, &page, "complete").await;
    assert_eq!((held.status, held.header("retry-after")), (429, Some("1")), "{held:?}");
    let link = api.get(&path).await.json["paymentLink"].clone();
    assert_ne!(link["latestSession"]["status"], "complete");
    assert_eq!(
        link["timelineEvents"].as_array().unwrap().len(),
        30,
        "the oldest give way"
    );
    world.advance(Duration::from_secs(1));
    assert_eq!(advance(&world, &page, "complete").await.status, 303);
}

/// After as many turns of the others.
async fn late<F: Future>(turns: u64, call: F) -> F::Output {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    call.await
}

#[tokio::test]
async fn of_an_archiving_and_a_beginning_at_once_one_happens() {
    let (mut archived, mut begun) = (0, 0);
    for seed in 0..24 {
        let world = World::with_store("makecrypto", Arc::new(Yielding::new(seed))).await;
        let api = Api::of_key(&world).await;
        let (path, link) = made(&api).await;
        let page = page_of(&link);
        let archive = json!({ "status": "archived" });
        // Now the one is late, and now the other.
        let (begins, archives) = if seed % 2 == 0 { (seed, 0) } else { (0, seed) };
        let (starts, archiving) = tokio::join!(
            together((0..4).map(|_| late(begins, start(&world, &page)))),
            late(archives, api.patch(&path, &archive))
        );
        let after = api.get(&path).await.json["paymentLink"].clone();
        let is_archived = after["status"] == "archived";
        assert_eq!(is_archived, archiving.status == 200, "seed {seed}: {archiving:?}");
        assert_eq!(is_archived, after["latestSession"].is_null(), "seed {seed}: {after}");
        assert!(
            starts.iter().all(|answer| (answer.status == 409) == is_archived),
            "seed {seed}"
        );
        if is_archived { archived += 1 } else { begun += 1 }
    }
    assert!(archived > 0 && begun > 0, "{archived} {begun}");
}
