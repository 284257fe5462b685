//! Export and import.

use crate::support::{OWNER, World, judged, open};
use grantd::base::digest::{base64url, from_base64url};
use grantd::control::{Command, Revocation, transfer};
use grantd::model::role::Role;
use grantd::store::memory::MemoryStore;
use grantd::store::{Key, Seq, Store};
use serde_json::{Value, json};
use std::sync::Arc;

/// Every page and every change since, as `grantd export` writes them; `meanwhile` happens after the first page.
pub async fn export(world: &World, meanwhile: impl AsyncFnOnce()) -> Vec<String> {
    let begun = world.run(Command::ExportBegin).await;
    let mut lines = vec![begun["header"].to_string()];
    let mut add = |page: &Value| {
        let rows = page["lines"].as_array().unwrap();
        lines.extend(rows.iter().map(Value::to_string));
        rows.last().map(|row| row["key"].as_str().unwrap().to_owned())
    };
    let (mut after, mut meanwhile) = (None, Some(meanwhile));
    loop {
        let page = world.run(Command::ExportPage { after: after.clone() }).await;
        let last = add(&page);
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile().await;
        }
        if page["more"] == false {
            break;
        }
        after = last;
    }
    let mut seq = begun["seq"].as_u64().unwrap();
    loop {
        let page = world.run(Command::ExportChanges { after: seq }).await;
        add(&page);
        seq = page["seq"].as_u64().unwrap();
        if page["more"] == false {
            break;
        }
    }
    lines.push(json!({ "end": true, "records": lines.len() - 1 }).to_string());
    lines
}

pub async fn import(lines: &[String], knows: impl Fn(&str) -> bool) -> Result<(Arc<MemoryStore>, u64), String> {
    let store = Arc::new(MemoryStore::new());
    let records = transfer::import(&*store, knows, lines.iter().cloned().map(Ok)).await?;
    Ok((store, records))
}

/// Keys, values and expiry of everything, in order.
async fn content(store: &dyn Store) -> Vec<(Key, Vec<u8>, Option<u64>)> {
    let rows = store.scan(&Key::default(), None, u32::MAX).await.unwrap();
    rows.into_iter()
        .map(|(key, stored)| (key, stored.value.to_vec(), stored.expires_at.map(|at| at.millis())))
        .collect()
}

/// Users, members, a revoked token, rotated keys.
async fn lived_in() -> (World, String, String) {
    let world = World::new("mokapen").await;
    for at in 0..700 {
        world.add_user(&format!("user{at}@example.com")).await;
    }
    world.add_member("dev@example.com", Role::Developer).await;
    let (dead, alive) = (world.mint("").await, world.mint("").await);
    world.post_as_app("/oauth/revoke", &format!("token={dead}")).await;
    world.run(Command::KeyRotate { algorithm: None }).await;
    (world, dead, alive)
}

#[tokio::test]
async fn an_export_read_into_another_store_is_equal_to_the_byte() {
    let (world, dead, alive) = lived_in().await;
    let lines = export(&world, async || {}).await;
    assert!(lines.len() > 1400, "several pages");
    world.secrets.assert_absent("an export", &lines.join("\n"));
    let (store, records) = import(&lines, |fingerprint| world.ctx.secret.knows(fingerprint))
        .await
        .unwrap();
    assert_eq!(records, lines.len() as u64 - 2);
    assert_eq!(content(&*store).await, content(&*world.ctx.store).await);
    // What was imported works: the same credentials, the same tokens dead and alive, the same keys.
    let ctx = open(world.ctx.config.clone(), store.clone(), world.clock.clone(), 1, 9)
        .await
        .unwrap();
    assert_eq!(ctx.keyring.set().jwks, world.ctx.keyring.set().jwks);
    let standing = async |token: &str| {
        let inspect = Command::TokenInspect { token: token.into() };
        grantd::control::execute(&ctx, inspect).await.unwrap()["active"].clone()
    };
    assert_eq!(
        (standing(&dead).await, standing(&alive).await),
        (json!(false), json!(true))
    );
    // And exported once more it is the same text but for the first line's commit.
    let again = import(&lines, |_| true).await.unwrap().0;
    assert_eq!(content(&*again).await, content(&*store).await);
}

#[tokio::test]
async fn an_export_of_a_store_being_written_is_one_state() {
    let (world, _, alive) = lived_in().await;
    let lines = export(&world, async || {
        // One behind the page that was read, one ahead of it, and one that goes away.
        let everything = Revocation::Everything;
        world.run(Command::TokenRevoke { what: everything }).await;
        world.add_member("late@example.com", Role::Admin).await;
        world.run(Command::KeyRotate { algorithm: None }).await;
        let remove = Command::MemberRemove {
            organization: world.organization.clone(),
            user: "dev@example.com".into(),
        };
        world.run(remove).await;
        let gone = world.ctx.keyring.set().records[0].kid.clone();
        world.run(Command::KeyRevoke { kid: gone }).await;
    })
    .await;
    let (store, _) = import(&lines, |_| true).await.unwrap();
    assert_eq!(content(&*store).await, content(&*world.ctx.store).await);
    assert!(!judged(&world.introspect(&alive).await));
}

#[tokio::test]
async fn an_import_refuses_what_is_no_whole_export_of_ours_with_a_sentence() {
    let world = World::new("default").await;
    let good = export(&world, async || {}).await;
    let knows = |fingerprint: &str| world.ctx.secret.knows(fingerprint);
    import(&good, knows).await.expect("the export is good");
    let changed = |at: usize, line: &str| {
        let mut lines = good.clone();
        lines[at] = line.to_owned();
        lines
    };
    let end = good.len() - 1;
    let header: Value = serde_json::from_str(&good[0]).unwrap();
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header.to_string()
    };
    let mut twice = good.clone();
    twice.insert(2, good[2].clone());
    let mut longer = good.clone();
    longer.push(good[1].clone());
    for (lines, words) in [
        (vec![], "not a header"),
        (vec!["PK\u{3}\u{4}".to_owned()], "not a header"),
        (good[1..].to_vec(), "not a header"),
        (changed(0, &with("grantd_export", json!(2))), "another version"),
        (changed(0, &with("format", json!(99))), "another version"),
        (changed(0, &with("secret_fingerprint", json!("x"))), "data/secret"),
        (changed(0, &with("extra", json!(1))), "not a header"),
        (good[..end].to_vec(), "cut short"),
        (changed(end, r#"{"end":true,"records":1}"#), "records and says 1"),
        (changed(end, r#"{"end":false,"records":1}"#), "records and says"),
        (twice, "records and says"),
        (longer, "goes on after its end"),
        (changed(3, "{}"), "line 4 of the export is damaged"),
        (changed(3, ""), "line 4 of the export is damaged"),
        (
            changed(3, r#"{"space":"user","key":"%","value":null,"expires_at":null}"#),
            "line 4",
        ),
        (
            changed(3, r#"{"space":"user","key":"eA","value":"+","expires_at":null}"#),
            "line 4",
        ),
        (
            changed(3, r#"{"space":"user","key":"","value":"eA","expires_at":null}"#),
            "beyond the store's limits",
        ),
    ] {
        let refused = import(&lines, knows).await.err().expect(words);
        assert!(refused.contains(words), "{refused:?} does not say {words:?}");
    }
}

#[tokio::test]
async fn an_import_is_for_an_empty_store_alone() {
    let world = World::new("default").await;
    let lines = export(&world, async || {}).await;
    let before = content(&*world.ctx.store).await;
    let refused = transfer::import(&*world.ctx.store, |_| true, lines.into_iter().map(Ok)).await;
    assert!(refused.unwrap_err().contains("not empty"));
    assert_eq!(content(&*world.ctx.store).await, before);
}

#[tokio::test]
async fn a_page_begins_after_the_key_it_is_given() {
    let world = World::new("default").await;
    let all = world.run(Command::ExportPage { after: None }).await;
    let rows = all["lines"].as_array().unwrap();
    let after = rows[2]["key"].as_str().unwrap().to_owned();
    let rest = world.run(Command::ExportPage { after: Some(after) }).await;
    assert_eq!(rest["lines"].as_array().unwrap()[..], rows[3..]);
    let bad = Command::ExportPage {
        after: Some("%".into()),
    };
    assert!(world.refused(bad).await.contains("base64url"));
    // What was exported names its space, and its key in base64url.
    let user = rows.iter().find(|row| row["space"] == "user").unwrap();
    let key = from_base64url(user["key"].as_str().unwrap()).unwrap();
    assert_eq!(
        (key[0], base64url(&key)),
        (b'u', user["key"].as_str().unwrap().to_owned())
    );
    let feed = world.ctx.store.changes(Seq(0), u32::MAX).await.unwrap();
    let changes = world.run(Command::ExportChanges { after: 0 }).await;
    let written: usize = feed.iter().map(|change| change.writes.len()).sum();
    assert_eq!(changes["lines"].as_array().unwrap().len(), written);
    assert!(
        !serde_json::to_string(&changes).unwrap().contains(OWNER),
        "values are bytes"
    );
}
