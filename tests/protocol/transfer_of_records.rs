//! Export and import are equal to the byte, for a record of every space there is.

use crate::support::World;
use grantd::base::time::Timestamp;
use grantd::control::{Command, transfer};
use grantd::store::keys::SPACES;
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Key, Store, Write};
use serde_json::{Value, json};

async fn exported(world: &World) -> Vec<String> {
    let begun = world.run(Command::ExportBegin).await;
    let mut lines = vec![begun["header"].to_string()];
    let page = world.run(Command::ExportPage { after: None }).await;
    assert_eq!(page["more"], false);
    lines.extend(page["lines"].as_array().expect("lines").iter().map(Value::to_string));
    let records = lines.len() - 1;
    lines.push(json!({ "end": true, "records": records }).to_string());
    lines
}

#[tokio::test]
async fn a_record_of_every_space_comes_back_as_it_was() {
    let world = World::new("default").await;
    let (_, app) = (world.mint("").await, world.add_public_app().await);
    world.connect(&app).await;
    for (number, (tag, _)) in (0_u64..).zip(SPACES) {
        for (name, expires_at) in [("a", None), ("b", Some(Timestamp::from_millis(u64::MAX - 1)))] {
            let key = Key([&[tag], [0, 255, b'/'].as_slice(), name.as_bytes()].concat());
            let put = Write::Put {
                key,
                value: number.to_be_bytes().repeat(name.len() * 100),
                expires_at,
            };
            let batch = Batch {
                writes: vec![put],
                ..Batch::new()
            };
            world.ctx.store.commit(batch).await.expect("written");
        }
    }
    let lines = exported(&world).await;
    for (_, name) in SPACES {
        let named = format!("\"space\":\"{name}\"");
        assert!(lines.iter().filter(|line| line.contains(&named)).count() >= 2, "{name}");
    }
    let heir = MemoryStore::new();
    let read = lines.iter().map(|line| Ok(line.clone()));
    let imported = transfer::import(&heir, |_| true, read).await;
    assert_eq!(imported, Ok(lines.len() as u64 - 2));
    let rows = |rows: Vec<(Key, grantd::store::Stored)>| {
        let rows = rows
            .into_iter()
            .map(|(key, stored)| (key, stored.value, stored.expires_at));
        rows.collect::<Vec<_>>()
    };
    let all = Key::default();
    let (old, new) = (
        world.ctx.store.scan(&all, None, 10_000).await.expect("read"),
        heir.scan(&all, None, 10_000).await.expect("read"),
    );
    assert!(old.len() >= 2 * SPACES.len());
    assert_eq!(rows(old), rows(new));
}
