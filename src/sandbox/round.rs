//! One try at a call: what it read, and the one batch it comes to. Where something else was written meanwhile, the call
//! is tried again from its beginning.

use super::call::Call;
use super::ids;
use super::refusal::Refusal;
use crate::base::time::Timestamp;
use crate::model::document::{CONTENT_BYTES_MAX, Document, Tally};
use crate::store::records::{Versioned, list, load, load_by_index};
use crate::store::{Batch, Outcome, keys};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

const PAGE: u32 = 200;

pub struct Round<'a> {
    pub call: &'a Call<'a>,
    pub batch: Batch,
    tally: Option<Counted>,
}

/// As it was read, and as it will be.
struct Counted {
    old: Option<Versioned<Tally>>,
    new: Tally,
}

/// What a new document is made of.
pub struct NewDocument<'d, T> {
    pub content: &'d T,
    pub unique: Option<String>,
    pub has_page: bool,
}

impl<'a> Round<'a> {
    pub fn new(call: &'a Call<'a>) -> Self {
        Self {
            call,
            batch: Batch::new(),
            tally: None,
        }
    }

    /// The batch, with the tally in it where that changed.
    pub fn into_batch(self) -> Result<Batch, Refusal> {
        let mut batch = self.batch;
        if let Some(Counted { old, new }) = self.tally {
            put_tally(&mut batch, old.as_ref(), &new)?;
        }
        Ok(batch)
    }

    pub async fn tally(&mut self) -> Result<&mut Tally, Refusal> {
        if self.tally.is_none() {
            let organization = self.call.organization();
            let old = load::<Tally>(&*self.call.ctx.store, &keys::tally(organization)).await?;
            let new = old
                .as_ref()
                .map_or_else(|| Tally::new(organization), |old| old.value.clone());
            self.tally = Some(Counted { old, new });
        }
        let counted = self.tally.as_mut();
        Ok(&mut counted.expect("it was just put there").new)
    }

    /// The document that the path names, whoever made it.
    pub async fn named(&self) -> Result<Option<Versioned<Document>>, Refusal> {
        match self.call.id() {
            Some(id) => Ok(self.one(id).await?.filter(|found| found.live(self.call.now()))),
            None => Ok(None),
        }
    }

    /// The document of this id, expired or not.
    pub async fn one(&self, id: &str) -> Result<Option<Versioned<Document>>, Refusal> {
        let key = keys::document(self.call.organization(), self.call.collection, id);
        Ok(load(&*self.call.ctx.store, &key).await?)
    }

    /// The document that has this and no other has. An expired one goes: its place is wanted.
    pub async fn by_unique(&self, unique: &str) -> Result<Option<Versioned<Document>>, Refusal> {
        let store = &*self.call.ctx.store;
        let index = keys::document_by_unique(self.call.organization(), self.call.collection, unique);
        match load_by_index::<Document>(store, &index).await? {
            Some(found) if !found.live(self.call.now()) => {
                let mut batch = Batch::new();
                batch.remove(&found);
                store.commit(batch).await?;
                Err(Refusal::Again)
            }
            found => Ok(found),
        }
    }

    /// A page of the collection, the newest first, of what is `wanted`: behind `after` and `offset` more; and whether
    /// there is more.
    pub async fn page(
        &self,
        wanted: impl Fn(&Document) -> bool,
        after: Option<&str>,
        offset: u32,
        limit: u32,
    ) -> Result<(Vec<Versioned<Document>>, bool), Refusal> {
        let call = self.call;
        let (organization, collection, now) = (call.organization(), call.collection, call.now());
        let prefix = keys::documents(organization, collection);
        let mut from = after.map(|id| keys::document(organization, collection, id));
        let (mut found, mut skipped) = (Vec::new(), 0);
        loop {
            let (documents, next) = list::<Document>(&*call.ctx.store, &prefix, from.as_ref(), PAGE).await?;
            for document in documents.into_iter().filter(|one| one.live(now) && wanted(one)) {
                if skipped < offset {
                    skipped += 1;
                } else if found.len() == limit as usize {
                    return Ok((found, true));
                } else {
                    found.push(document);
                }
            }
            from = next;
            if from.is_none() {
                return Ok((found, false));
            }
        }
    }

    /// Puts a new document into the batch.
    pub async fn insert<T: Serialize>(&mut self, new: NewDocument<'_, T>) -> Result<Document, Refusal> {
        let call = self.call;
        let document = document(call, call.now(), new)?;
        if !self.tally().await?.has_room(call.collection) {
            return Err(self.counted_anew().await?);
        }
        self.tally().await?.add(call.collection, 1);
        self.batch.insert(&document)?;
        Ok(document)
    }

    /// Puts what is one document by itself into the batch. It is not counted: there are as many as routes.
    pub fn insert_single<T: Serialize>(&mut self, id: &str, content: &T) -> Result<(), Refusal> {
        let new = NewDocument {
            content,
            unique: None,
            has_page: false,
        };
        let document = document(self.call, self.call.now(), new)?;
        self.batch.insert(&Document {
            id: id.to_owned(),
            ..document
        })?;
        Ok(())
    }

    /// Puts other content in place of a document's.
    pub fn replace<T: Serialize>(&mut self, old: &Versioned<Document>, content: &T) -> Result<Document, Refusal> {
        let new = Document {
            content: text(content)?,
            updated_at: self.call.now(),
            ..old.value.clone()
        };
        self.batch.replace(old, &new)?;
        Ok(new)
    }

    /// The same of a document whose unique part may be another one now.
    pub fn replace_unique<T: Serialize>(
        &mut self,
        old: &Versioned<Document>,
        content: &T,
        unique: &str,
    ) -> Result<Document, Refusal> {
        let new = Document {
            content: text(content)?,
            unique: Some(unique.to_owned()),
            updated_at: self.call.now(),
            ..old.value.clone()
        };
        self.batch.replace(old, &new)?;
        Ok(new)
    }

    pub async fn remove(&mut self, old: &Versioned<Document>) -> Result<(), Refusal> {
        let collection = self.call.collection;
        self.tally().await?.take_off(collection);
        self.batch.remove(old);
        Ok(())
    }

    /// Gives the collection its samples, once. `Again` when it did.
    pub async fn sample(&mut self) -> Result<(), Refusal> {
        let call = self.call;
        let Some(samples) = call.ctx.config.sandbox.samples.get(call.collection) else {
            return Ok(());
        };
        let tally = self.tally().await?;
        if !tally.sampled.insert(call.collection.to_owned()) {
            return Ok(());
        }
        let mut batch = Batch::new();
        for (at, content) in (0_u64..).zip(samples) {
            if !tally.has_room(call.collection) {
                break;
            }
            tally.add(call.collection, 1);
            // Each a little older than the one before it: lists have the order of the file.
            let made_at = call.now() - Duration::from_millis(at);
            let new = NewDocument {
                content,
                unique: None,
                has_page: false,
            };
            batch.insert(&document(call, made_at, new)?)?;
        }
        if let Some(Counted { old, new }) = self.tally.take() {
            put_tally(&mut batch, old.as_ref(), &new)?;
        }
        call.ctx.store.commit(batch).await?;
        Err(Refusal::Again)
    }

    /// There is no room, as far as the tally knows: what has expired is taken off, now and then. What to answer.
    async fn counted_anew(&mut self) -> Result<Refusal, Refusal> {
        let call = self.call;
        let now = call.now();
        if !self.tally().await?.may_be_counted(now) {
            return Ok(Refusal::Full);
        }
        let known: Vec<String> = self.tally().await?.documents.keys().cloned().collect();
        let mut documents = BTreeMap::new();
        for collection in known {
            documents.insert(collection.clone(), count(call, &collection, now).await?);
        }
        let tally = self.tally().await?;
        tally.documents = documents;
        tally.counted_at = now;
        let mut batch = Batch::new();
        if let Some(Counted { old, new }) = self.tally.take() {
            put_tally(&mut batch, old.as_ref(), &new)?;
        }
        match call.ctx.store.commit(batch).await? {
            Outcome::Committed(_) | Outcome::Conflict => Ok(Refusal::Again),
        }
    }
}

async fn count(call: &Call<'_>, collection: &str, now: Timestamp) -> Result<u32, Refusal> {
    let prefix = keys::documents(call.organization(), collection);
    let (mut count, mut from) = (0, None);
    loop {
        let (documents, next) = list::<Document>(&*call.ctx.store, &prefix, from.as_ref(), PAGE).await?;
        count += documents.iter().filter(|one| one.live(now)).count() as u32;
        from = next;
        if from.is_none() {
            return Ok(count);
        }
    }
}

fn document<T: Serialize>(call: &Call<'_>, at: Timestamp, new: NewDocument<'_, T>) -> Result<Document, Refusal> {
    Ok(Document {
        organization: call.organization().to_owned(),
        collection: call.collection.to_owned(),
        id: ids::made(at, &*call.ctx.random),
        owner: call.owner.clone(),
        content: text(new.content)?,
        unique: new.unique,
        has_page: new.has_page,
        created_at: at,
        updated_at: at,
    })
}

/// Of what is kept; bounded.
fn text<T: Serialize>(content: &T) -> Result<String, Refusal> {
    let text = serde_json::to_string(content).expect("documents are plain data");
    if text.len() > CONTENT_BYTES_MAX {
        return Err(Refusal::TooLarge);
    }
    Ok(text)
}

fn put_tally(batch: &mut Batch, old: Option<&Versioned<Tally>>, new: &Tally) -> Result<(), Refusal> {
    match old {
        Some(old) if old.value == *new => {}
        Some(old) => {
            batch.replace(old, new)?;
        }
        None => {
            batch.insert(new)?;
        }
    }
    Ok(())
}
