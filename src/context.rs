//! What every decision is made with: configuration, store, clock, randomness, secret, keys.

use crate::base::backlog::Backlog;
use crate::base::certificate::Validity;
use crate::base::jose::Algorithm;
use crate::base::limiter::Limiter;
use crate::base::master::MasterSecret;
use crate::base::password_pool::PasswordPool;
use crate::base::random::Random;
use crate::base::shelf::Shelf;
use crate::base::throttle::Throttle;
use crate::base::time::{Clock, Timestamp};
use crate::config::routes::Routes;
use crate::config::{Config, Profile};
use crate::model::acme_state::AcmeState;
use crate::model::backup_state::BackupState;
use crate::model::counts::{Counts, Limit};
use crate::model::failure::Failure;
use crate::model::history::History;
use crate::model::keyring::{Keyring, Tools};
use crate::model::last_use::LastUses;
use crate::model::settings::{FORMAT, Settings, other_format};
use crate::model::usage::Usages;
use crate::store::cache::RecordCache;
use crate::store::records::{Record, Versioned, load};
use crate::store::{Batch, Key, Store, StoreError, keys};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;

/// All posted authorization requests together (4 MiB).
const POSTED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Refusals that wait to be written (1 MiB).
const FAILURES_MAX: usize = 1024;

pub struct Context {
    pub config: Config,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub secret: MasterSecret,
    pub keyring: Keyring,
    /// Counts failed credentials, whichever endpoint they were shown to.
    pub limiter: Limiter,
    /// Counts what is written for those who have not authenticated.
    pub pushes: Throttle,
    /// Counts installations that register: each is a record, and nobody has authenticated.
    pub registrations: Throttle,
    /// Authorization requests that came by POST. Not in the store: nobody has authenticated when they come.
    pub posted: Shelf,
    /// Hashes and verifies every password.
    pub passwords: PasswordPool,
    /// Told when mail was written: its job looks at once.
    pub mail_waiting: Notify,
    /// Told when somebody changed what webhooks have to do: their job looks at once.
    pub webhooks_waiting: Notify,
    /// When credentials and grants were last used.
    pub last_uses: LastUses,
    /// How much of their quotas apps have used up.
    pub usages: Usages,
    /// Refused requests, for the developers of the apps they came from. What finds no room is dropped.
    pub failures: Backlog<Failure>,
    /// What this process has done, in numbers.
    pub counts: Counts,
    /// The last hours of it, a row a minute.
    pub history: History,
    /// From when to when the certificate in use is good; `None` where there is none.
    certificate: RwLock<Option<Validity>>,
    /// How certificates that are obtained by themselves stand.
    pub acme: AcmeState,
    /// What was backed up by itself.
    pub backups: BackupState,
    /// What may be used once and was made before may have been used: a backup was restored then.
    pub unused_since: Timestamp,
    routes: RwLock<Arc<Routes>>,
    records: RecordCache,
}

/// The parts a context is opened from.
pub struct Parts {
    pub config: Config,
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub secret: MasterSecret,
}

impl Context {
    /// Opens what the store holds, or makes the first records. Another format or another secret is refused.
    pub async fn open(parts: Parts) -> Result<Self, String> {
        let Parts {
            config,
            store,
            clock,
            random,
            secret,
        } = parts;
        let now = clock.now();
        let settings = first_settings(&*store, &secret, now).await.map_err(|e| e.to_string())?;
        if settings.format != FORMAT {
            return Err(other_format(settings.format));
        }
        if !secret.knows(&settings.secret_fingerprint) {
            return Err(
                "data/secret is not the one this store was made with: put the right one back, \
                        since no credential and no key in the store can be read with another"
                    .into(),
            );
        }
        let algorithms = algorithms(&config);
        let tools = Tools {
            store: &*store,
            secret: &secret,
            random: &*random,
            now,
        };
        let keyring = Keyring::open(&tools, &algorithms).await.map_err(|e| e.to_string())?;
        let limiter = Limiter::new(config.limits.failures, &*random);
        let pushes = Throttle::new(config.limits.pushes, config.limits.failures.keys_max, &*random);
        let registrations = Throttle::new(config.limits.registrations, config.limits.failures.keys_max, &*random);
        let passwords = PasswordPool::new(random.clone());
        let routes = RwLock::new(Arc::new(config.routes.clone()));
        Ok(Self {
            config,
            store,
            clock,
            random,
            secret,
            keyring,
            limiter,
            pushes,
            registrations,
            posted: Shelf::new(POSTED_BYTES_MAX),
            passwords,
            mail_waiting: Notify::new(),
            webhooks_waiting: Notify::new(),
            last_uses: LastUses::default(),
            usages: Usages::default(),
            failures: Backlog::new(FAILURES_MAX),
            counts: Counts::default(),
            history: History::default(),
            certificate: RwLock::default(),
            acme: AcmeState::default(),
            backups: BackupState::default(),
            unused_since: settings.restored_at.unwrap_or_default(),
            routes,
            records: RecordCache::default(),
        })
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn profile(&self) -> &Profile {
        &self.config.profile
    }

    pub fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }

    /// What a limit says to somebody, counted where it makes them wait.
    pub fn held_back(&self, limit: Limit, wait: Option<Duration>) -> Option<Duration> {
        if wait.is_some() {
            self.counts.limit(limit).one();
        }
        wait
    }

    pub fn certificate(&self) -> Option<Validity> {
        *self.certificate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// It was read, at the start or again.
    pub fn set_certificate(&self, validity: Option<Validity>) {
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = validity;
    }

    /// The API's routes as they stand now.
    pub fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// They were read again, and found good.
    pub fn set_routes(&self, routes: Routes) {
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
    }

    pub fn key_tools(&self) -> Tools<'_> {
        Tools {
            store: &*self.store,
            secret: &self.secret,
            random: &*self.random,
            now: self.now(),
        }
    }

    /// The record as it stands now, for what every request reads: decoded only once while it stays the same.
    pub async fn load<R: Record + 'static>(&self, key: &Key) -> Result<Option<Arc<Versioned<R>>>, StoreError> {
        self.records.load(&*self.store, key).await
    }

    pub async fn settings(&self) -> Result<Arc<Versioned<Settings>>, StoreError> {
        let settings = self.load::<Settings>(&keys::settings()).await?;
        settings.ok_or_else(|| StoreError::Corrupt("the settings record is gone".into()))
    }
}

/// Of the keys there must be: that of most tokens, and those that resources and native templates ask for.
fn algorithms(config: &Config) -> Vec<Algorithm> {
    let of_resources = config.profile.resources.iter().map(|resource| resource.algorithm);
    let of_platforms = config
        .profile
        .native_templates
        .iter()
        .map(|template| template.algorithm);
    let mut algorithms = vec![Algorithm::EdDsa];
    for algorithm in of_resources.chain(of_platforms) {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    algorithms
}

async fn first_settings(
    store: &dyn Store,
    secret: &MasterSecret,
    now: Timestamp,
) -> Result<Versioned<Settings>, StoreError> {
    loop {
        if let Some(settings) = load::<Settings>(store, &keys::settings()).await? {
            return Ok(settings);
        }
        let first = Settings {
            format: FORMAT,
            secret_fingerprint: secret.fingerprint(),
            epoch: 0,
            next_organization: 849,
            created_at: now,
            restored_at: None,
            commits_before: 0,
        };
        let mut batch = Batch::new();
        batch.insert(&first)?;
        store.commit(batch).await?;
    }
}
