//! A store that, when told so, puts an event into every batch that rewrites a family of refresh tokens: a refresh as it
//! is, and what it would cost if it told of itself.

use grantd::base::random::SystemRandom;
use grantd::base::time::{Clock as _, SystemClock, Timestamp};
use grantd::model::event::{Event, EventKind};
use grantd::store::backup::History;
use grantd::store::export::Export;
use grantd::store::sled::SledStore;
use grantd::store::{Batch, Change, Key, Measured, Outcome, Reply, Seq, Store, StoreError, Stored, Write, keys};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub struct Eventful {
    inner: Arc<SledStore>,
    tells: AtomicBool,
}

impl Eventful {
    pub fn new(inner: Arc<SledStore>) -> Self {
        Self {
            inner,
            tells: AtomicBool::new(false),
        }
    }

    pub fn tell(&self, tells: bool) {
        self.tells.store(tells, Ordering::Relaxed);
    }

    fn with_event(&self, mut batch: Batch) -> Result<Batch, StoreError> {
        let family = keys::families("", "").0[0];
        let rotates = |write: &Write| matches!(write, Write::Put { key, .. } if key.0.first() == Some(&family));
        if self.tells.load(Ordering::Relaxed) && batch.writes.iter().any(rotates) {
            batch.insert(&Event {
                organization: Some("o_bench".to_owned()),
                user: Some("u_bench".to_owned()),
                client_id: Some("grantd_app_bench".to_owned()),
                grant: Some("g_bench".to_owned()),
                ..Event::new(EventKind::GrantUpdated, SystemClock.now(), &SystemRandom)
            })?;
        }
        Ok(batch)
    }
}

impl Store for Eventful {
    fn get<'a>(&'a self, key: &'a Key) -> Reply<'a, Option<Stored>> {
        Store::get(&*self.inner, key)
    }

    fn scan<'a>(&'a self, prefix: &'a Key, after: Option<&'a Key>, limit: u32) -> Reply<'a, Vec<(Key, Stored)>> {
        Store::scan(&*self.inner, prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Reply<'_, Outcome> {
        match self.with_event(batch) {
            Ok(batch) => Store::commit(&*self.inner, batch),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    fn changes(&self, after: Seq, limit: u32) -> Reply<'_, Vec<Change>> {
        Store::changes(&*self.inner, after, limit)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> Reply<'_, u32> {
        Store::sweep(&*self.inner, now, limit)
    }

    fn settled(&self, key: &Key) -> Option<Seq> {
        Store::settled(&*self.inner, key)
    }

    fn reader_at(&self, name: &str, seq: Seq) {
        Store::reader_at(&*self.inner, name, seq);
    }

    fn measured(&self) -> Option<Measured> {
        Store::measured(&*self.inner)
    }

    fn export(&self) -> Reply<'_, Export> {
        Store::export(&*self.inner)
    }

    fn history(&self) -> Option<History> {
        Store::history(&*self.inner)
    }
}
