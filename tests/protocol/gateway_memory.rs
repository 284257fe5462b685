//! What the gateway remembers of a token: nothing that a record may have changed since.

use crate::shop::Shop;
use crate::support::{OWNER, World};
use grantd::base::time::Timestamp;
use grantd::oauth::access_token::{rests_on, standing, verify};
use grantd::store::memory::MemoryStore;
use grantd::store::{Batch, Change, Key, Outcome, Reply, Seq, Store, Stored};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// A store that notes which keys are read.
#[derive(Default)]
struct Noting {
    inner: MemoryStore,
    read: Mutex<BTreeSet<Key>>,
}

impl Store for Noting {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        self.read.lock().unwrap().insert(key.clone());
        self.inner.get(key)
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        self.read.lock().unwrap().insert(prefix.clone());
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        self.inner.commit(batch)
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        self.inner.changes(after, limit)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        self.inner.sweep(now, limit)
    }
}

/// What judging the token reads in a server that has read nothing yet.
async fn read_for(world: &World, store: &Noting, token: &str) -> BTreeSet<Key> {
    let fresh = world.restarted().await;
    let claims = verify(&fresh.ctx, token).expect("it is this server's");
    store.read.lock().unwrap().clear();
    standing(&fresh.ctx, &claims)
        .await
        .expect("the store answers")
        .expect("it stands");
    let read = store.read.lock().unwrap().clone();
    assert_eq!(read, rests_on(&claims).into_iter().collect());
    read
}

/// A judgement is used again while nothing is written under these keys: one that is missing would keep alive what was
/// revoked there.
#[tokio::test]
async fn a_judgement_rests_on_every_record_that_it_reads() {
    let store = Arc::new(Noting::default());
    let world = World::with_store("default", store.clone()).await;
    let private = world.add_private_app(OWNER, &["data.read"]).await;
    let token = world.mint_as(&private, "").await;
    assert_eq!(read_for(&world, &store, &token).await.len(), 6);

    let store = Arc::new(Noting::default());
    let shop = Shop::over(store.clone()).await;
    let connection = shop.connect().await;
    assert_eq!(read_for(&shop.world, &store, &connection.token).await.len(), 8);
}
