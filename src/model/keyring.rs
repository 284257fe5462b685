//! The signing keys at hand: loaded from the store, unsealed once, swapped whole when they change.

use super::signing_key::{KeyState, SigningKeyRecord};
use crate::base::jose::{Algorithm, Jwk, PublicKey, SigningKey};
use crate::base::master::{MasterSecret, Purpose};
use crate::base::order;
use crate::base::random::Random;
use crate::base::time::Timestamp;
use crate::store::records::{Versioned, list};
use crate::store::{Batch, Outcome, Store, StoreError, keys};
use bytes::Bytes;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Read at a time. Daily rotation and tokens of some years keep more than that.
const PAGE: u32 = 1000;

pub struct Keyring {
    set: RwLock<Arc<KeySet>>,
    /// One reads at a time: what was read first must not be put in place last, or a revoked key would be back.
    reading: tokio::sync::Mutex<()>,
}

/// One consistent view of the keys.
#[derive(Default)]
pub struct KeySet {
    pub records: Vec<Versioned<SigningKeyRecord>>,
    signing: HashMap<Algorithm, Arc<Signer>>,
    verifying: HashMap<String, Arc<PublicKey>>,
    /// The body of `/oauth/jwks.json` (RFC 7517 §5).
    pub jwks: Bytes,
}

impl KeySet {
    pub fn verifying(&self, kid: &str) -> Option<&Arc<PublicKey>> {
        self.verifying.get(kid)
    }
}

/// The active key of one algorithm.
pub struct Signer {
    pub record: Versioned<SigningKeyRecord>,
    pub key: SigningKey,
}

/// What the keyring works with, lent for one call.
pub struct Tools<'a> {
    pub store: &'a dyn Store,
    pub secret: &'a MasterSecret,
    pub random: &'a dyn Random,
    pub now: Timestamp,
}

impl Keyring {
    /// With an active and a next key for each of `algorithms`; what is missing is made.
    pub async fn open(tools: &Tools<'_>, algorithms: &[Algorithm]) -> Result<Self, StoreError> {
        let mut records = load(tools).await?;
        let mut batch = Batch::new();
        for &algorithm in algorithms {
            for state in [KeyState::Active, KeyState::Next] {
                if !records.iter().any(|r| r.algorithm == algorithm && r.state == state) {
                    batch.insert(&make(tools, algorithm, state))?;
                }
            }
        }
        if !batch.writes.is_empty() {
            tools.store.commit(batch).await?;
            records = load(tools).await?;
        }
        Ok(Self {
            set: RwLock::new(Arc::new(assemble(tools, records)?)),
            reading: tokio::sync::Mutex::new(()),
        })
    }

    pub fn set(&self) -> Arc<KeySet> {
        self.set.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn reload(&self, tools: &Tools<'_>) -> Result<(), StoreError> {
        let _reading = self.reading.lock().await;
        let fresh = Arc::new(assemble(tools, load(tools).await?)?);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The active key of `algorithm`, its watermark moved past `exp` first: a public key outlives all it signed.
    pub async fn signer(
        &self,
        tools: &Tools<'_>,
        algorithm: Algorithm,
        exp: Timestamp,
    ) -> Result<Arc<Signer>, StoreError> {
        loop {
            let set = self.set();
            let Some(signer) = set.signing.get(&algorithm) else {
                return Err(StoreError::Unavailable(format!(
                    "there is no active {} key",
                    algorithm.as_str()
                )));
            };
            let Some(reaching) = signer.record.reaching(exp) else {
                return Ok(signer.clone());
            };
            let mut batch = Batch::new();
            batch.replace(&signer.record, &reaching)?;
            // On conflict another request or a rotation was first: look again.
            tools.store.commit(batch).await?;
            self.reload(tools).await?;
        }
    }

    /// next → active, active → retired, and a new next. Returns the kid that signs from now on.
    pub async fn rotate(&self, tools: &Tools<'_>, algorithm: Algorithm) -> Result<Option<String>, StoreError> {
        let records = load(tools).await?;
        let of = |state| records.iter().find(|r| r.algorithm == algorithm && r.state == state);
        let Some(next) = of(KeyState::Next) else {
            return Ok(None);
        };
        let mut batch = Batch::new();
        batch.replace(next, &next.activate(tools.now))?;
        if let Some(active) = of(KeyState::Active) {
            batch.replace(active, &active.retire(tools.now))?;
        }
        batch.insert(&make(tools, algorithm, KeyState::Next))?;
        let outcome = tools.store.commit(batch).await?;
        self.reload(tools).await?;
        Ok(matches!(outcome, Outcome::Committed(_)).then(|| next.kid.clone()))
    }

    /// A compromised key: unpublished at once, so that nothing it signed verifies. A successor takes its place.
    /// `false` when there is no such key.
    pub async fn revoke(&self, tools: &Tools<'_>, kid: &str) -> Result<bool, StoreError> {
        loop {
            let records = load(tools).await?;
            let Some(lost) = records.iter().find(|r| r.kid == kid) else {
                // It may be gone from the store alone: whoever revoked it was interrupted before reading the rest.
                self.reload(tools).await?;
                return Ok(false);
            };
            let outcome = tools.store.commit(revocation(tools, &records, lost)?).await?;
            self.reload(tools).await?;
            // On conflict a token moved its watermark or it was rotated: it is no less compromised.
            if matches!(outcome, Outcome::Committed(_)) {
                return Ok(true);
            }
            // A request moved the key's watermark, or the keys were rotated: look again.
        }
    }

    /// Retired keys whose tokens have all expired.
    pub fn spent(&self, now: Timestamp) -> Vec<String> {
        let set = self.set();
        let spent = set.records.iter().filter(|record| record.spent(now));
        spent.map(|record| record.kid.clone()).collect()
    }

    /// Drops those of these keys that are [`Self::spent`]; returns how many.
    pub async fn drop_spent(&self, tools: &Tools<'_>, kids: &[String]) -> Result<usize, StoreError> {
        let set = self.set();
        let mut dropped = 0;
        let spent = |record: &&Versioned<SigningKeyRecord>| record.spent(tools.now) && kids.contains(&record.kid);
        for record in set.records.iter().filter(spent) {
            let mut batch = Batch::new();
            batch.remove(record);
            if matches!(tools.store.commit(batch).await?, Outcome::Committed(_)) {
                dropped += 1;
            }
        }
        if dropped > 0 {
            self.reload(tools).await?;
        }
        Ok(dropped)
    }
}

async fn load(tools: &Tools<'_>) -> Result<Vec<Versioned<SigningKeyRecord>>, StoreError> {
    let mut records = Vec::new();
    let mut after = None;
    loop {
        let (page, next) = list(tools.store, &keys::signing_keys(), after.as_ref(), PAGE).await?;
        records.extend::<Vec<Versioned<SigningKeyRecord>>>(page);
        if next.is_none() {
            break;
        }
        after = next;
    }
    order::by_key(&mut records, |r| (r.created_at, r.kid.clone()));
    Ok(records)
}

fn revocation(
    tools: &Tools<'_>,
    records: &[Versioned<SigningKeyRecord>],
    lost: &Versioned<SigningKeyRecord>,
) -> Result<Batch, StoreError> {
    // Its successor is a new record, which a full disk would refuse.
    let mut batch = Batch {
        revokes: true,
        ..Batch::new()
    };
    batch.remove(lost);
    let next = records
        .iter()
        .find(|r| r.algorithm == lost.algorithm && r.state == KeyState::Next);
    match (lost.state, next) {
        (KeyState::Retired, _) => {}
        (KeyState::Active, Some(next)) => {
            batch.replace(next, &next.activate(tools.now))?;
            batch.insert(&make(tools, lost.algorithm, KeyState::Next))?;
        }
        (state, _) => {
            batch.insert(&make(tools, lost.algorithm, state))?;
        }
    }
    Ok(batch)
}

fn make(tools: &Tools<'_>, algorithm: Algorithm, state: KeyState) -> SigningKeyRecord {
    let key = SigningKey::generate(algorithm, tools.random);
    let public = key.public_jwk().clone();
    let kid = public.thumbprint();
    let private = tools.secret.seal(
        Purpose::SigningKey,
        kid.as_bytes(),
        &key.to_private_bytes(),
        tools.random,
    );
    SigningKeyRecord {
        kid,
        algorithm,
        state,
        created_at: tools.now,
        activated_at: (state == KeyState::Active).then_some(tools.now),
        retired_at: None,
        signed_until: tools.now,
        public,
        private,
    }
}

#[derive(Serialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

fn assemble(tools: &Tools<'_>, records: Vec<Versioned<SigningKeyRecord>>) -> Result<KeySet, StoreError> {
    let mut set = KeySet::default();
    let mut published = Vec::with_capacity(records.len());
    for record in &records {
        let damaged = |why: &str| StoreError::Corrupt(format!("the signing key {} {why}", record.kid));
        let public = PublicKey::from_jwk(&record.public).map_err(|_| damaged("has no usable public half"))?;
        set.verifying.insert(record.kid.clone(), Arc::new(public));
        published.push(record.public.clone());
        if record.state != KeyState::Active {
            continue;
        }
        let private = tools
            .secret
            .open(Purpose::SigningKey, record.kid.as_bytes(), &record.private);
        let private = private.ok_or_else(|| damaged("does not open with this data/secret"))?;
        let key = SigningKey::from_private_bytes(record.algorithm, &private);
        let key = key.map_err(|_| damaged("has no usable private half"))?;
        set.signing.insert(
            record.algorithm,
            Arc::new(Signer {
                record: record.clone(),
                key,
            }),
        );
    }
    let jwks = serde_json::to_vec(&Jwks { keys: published }).expect("keys are plain data");
    set.jwks = Bytes::from(jwks);
    set.records = records;
    Ok(set)
}
