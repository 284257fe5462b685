//! One registered copy of a native app: one site, one redirect URI, one key. It lies in the record of its app, which is
//! a public client of its own, so that whatever rests on the app rests on the installation as it is.

use super::app::{App, AppState, AuthMethod, ClientRules, ClientType, GrantType, Kind};
use crate::base::master::KeyedDigest;
use crate::base::time::Timestamp;
use crate::store::records::Record;
use crate::store::{Key, keys};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One that nobody ever consented to is forgotten after this long without a registration: strangers make them.
pub const UNUSED_KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Of an address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 250;
/// Of whatever else a registration says, in characters.
pub const FACT_CHARS_MAX: usize = 100;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Installation {
    pub platform: String,
    /// A digest of what it is known by: its registrationId, or where it has none its site and its redirect URI.
    pub identity: String,
    pub registration_id: Option<String>,
    pub site_url: String,
    /// What else it said of itself, such as versions: shown, and never trusted.
    pub facts: BTreeMap<String, String>,
    /// Thumbprint of the key that is accepted. `None` after a reset, until it registers again.
    pub active_key: Option<String>,
    /// The key of the last registration, until somebody consents with it.
    pub pending_key: Option<String>,
    /// What it was granted since the last reset; it stays the same however often somebody consents.
    pub grant: Option<GrantPlace>,
    pub registered_at: Timestamp,
    pub reset_at: Option<Timestamp>,
}

/// Where a grant lies.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GrantPlace {
    pub organization: String,
    pub grant: String,
}

/// A registration, found well-formed and proven with its key.
#[derive(Clone, Debug)]
pub struct Registration {
    pub platform: String,
    pub identity: String,
    pub registration_id: Option<String>,
    pub site_url: String,
    pub redirect_uri: String,
    /// Thumbprint of its key.
    pub jkt: String,
    pub facts: BTreeMap<String, String>,
    /// The platform's, at this time.
    pub name: String,
    pub scopes: Vec<String>,
}

/// The proof of the key that was accepted before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Previous<'a> {
    Missing,
    /// One that proves nothing.
    Bad,
    /// Of the key with this thumbprint.
    Of(&'a str),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotRegistered {
    /// Another site shows the same registrationId.
    AnotherSite,
    PreviousMissing,
    PreviousWrong,
}

impl Registration {
    /// A client of its own, whose key is accepted at once.
    pub fn first(&self, client_id: String, now: Timestamp) -> App {
        let installation = Installation {
            platform: self.platform.clone(),
            identity: self.identity.clone(),
            registration_id: self.registration_id.clone(),
            site_url: self.site_url.clone(),
            facts: self.facts.clone(),
            active_key: Some(self.jkt.clone()),
            pending_key: None,
            grant: None,
            registered_at: now,
            reset_at: None,
        };
        // It belongs to nobody: only a grant connects it with an organization.
        let app = App::new(client_id, String::new(), Kind::Native, ClientType::Public, now);
        self.put_on(&app, installation)
    }

    /// The installation shows up again, with the key it has or with another one.
    ///
    /// Another key needs the proof of the one that is accepted, never of one that waits; after a reset none is. What is
    /// known by its addresses alone, which anybody can read, needs none either before somebody consents: whoever named
    /// it first may be a stranger, who would keep the site out.
    pub fn again(
        &self,
        app: &App,
        old: &Installation,
        previous: Previous<'_>,
        now: Timestamp,
    ) -> Result<App, NotRegistered> {
        if old.site_url != self.site_url {
            return Err(NotRegistered::AnotherSite);
        }
        let (active_key, pending_key) = match &old.active_key {
            None => (self.jkt.clone(), None),
            Some(active) if *active == self.jkt => (active.clone(), old.pending_key.clone()),
            Some(_) if old.grant.is_none() && old.registration_id.is_none() => (self.jkt.clone(), None),
            Some(active) => match previous {
                Previous::Of(jkt) if jkt == active => (active.clone(), Some(self.jkt.clone())),
                Previous::Missing => return Err(NotRegistered::PreviousMissing),
                Previous::Bad | Previous::Of(_) => return Err(NotRegistered::PreviousWrong),
            },
        };
        let installation = Installation {
            facts: self.facts.clone(),
            active_key: Some(active_key),
            pending_key,
            registered_at: now,
            ..old.clone()
        };
        Ok(self.put_on(app, installation))
    }

    fn put_on(&self, app: &App, installation: Installation) -> App {
        App {
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            redirect_uris: vec![self.redirect_uri.clone()],
            state: AppState::Active,
            installation: Some(installation),
            ..app.clone()
        }
    }
}

impl Installation {
    /// Whether a consent may be for this key.
    pub fn knows(&self, jkt: &str) -> bool {
        [&self.active_key, &self.pending_key]
            .into_iter()
            .any(|known| known.as_deref() == Some(jkt))
    }

    /// Nobody ever consented to it.
    pub const fn is_unused(&self) -> bool {
        self.grant.is_none() && self.reset_at.is_none()
    }

    /// A member consented with this key. One that waited takes the place of the other, whose tokens are dead.
    pub fn approved(&self, app: &App, jkt: &str, grant: GrantPlace) -> App {
        let promoted = self.pending_key.as_deref() == Some(jkt);
        let installation = Self {
            active_key: Some(jkt.to_owned()),
            pending_key: self.pending_key.clone().filter(|_| !promoted),
            grant: Some(grant),
            ..self.clone()
        };
        App {
            epoch: app.epoch + u64::from(promoted),
            installation: Some(installation),
            ..app.clone()
        }
    }

    /// Every key and every token is dead. It registers again as whom it was, and what it is granted then is new.
    pub fn reset(&self, app: &App, now: Timestamp) -> App {
        let installation = Self {
            active_key: None,
            pending_key: None,
            grant: None,
            reset_at: Some(now),
            ..self.clone()
        };
        App {
            epoch: app.epoch + 1,
            installation: Some(installation),
            ..app.clone()
        }
    }
}

/// What every installation is held to.
pub fn rules() -> ClientRules {
    ClientRules {
        auth_methods: vec![AuthMethod::None],
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        require_par: false,
        require_dpop: true,
        jwks: Vec::new(),
        legacy_audience: false,
    }
}

/// The answer to a reset, kept so that the same request gets the same one, with a token that is dead by then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResetReceipt {
    pub client_id: String,
    /// Digest of the `Idempotency-Key`.
    pub key: String,
    /// Digest of the access token it was asked with.
    pub token: KeyedDigest,
    /// Thumbprint of the key that the token is bound to.
    pub jkt: String,
    pub mutation: String,
    /// How many [`ResetIds`] there are.
    pub chunks: u64,
    /// The grant that ended. None in records of a time before it was noted.
    #[serde(default)]
    pub grant: Option<GrantPlace>,
    pub expires_at: Timestamp,
}

/// A part of the ids that an answer names: a record is no larger than 7 KiB.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResetIds {
    pub client_id: String,
    pub mutation: String,
    pub number: u64,
    pub ids: Vec<String>,
    pub expires_at: Timestamp,
}

/// Of one record.
pub const RESET_IDS_MAX: usize = 100;
/// How long a reset is repeated.
pub const RESET_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

impl Record for ResetReceipt {
    fn key(&self) -> Key {
        keys::reset_receipt(&self.client_id, &self.key)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

impl Record for ResetIds {
    fn key(&self) -> Key {
        keys::reset_ids(&self.client_id, &self.mutation, self.number)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        Some(self.expires_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Batch;

    const NOW: Timestamp = Timestamp::from_seconds(1_767_225_600);

    fn registration(jkt: &str) -> Registration {
        Registration {
            platform: "shop".into(),
            identity: "identity".into(),
            registration_id: Some("r".repeat(43)),
            site_url: "https://shop.example".into(),
            redirect_uri: "https://shop.example/callback".into(),
            jkt: jkt.into(),
            facts: BTreeMap::new(),
            name: "Shop".into(),
            scopes: vec!["a".into()],
        }
    }

    fn of(app: &App) -> Installation {
        app.installation.clone().expect("it is an installation")
    }

    fn again(app: &App, jkt: &str, previous: Previous<'_>) -> Result<App, NotRegistered> {
        registration(jkt).again(app, &of(app), previous, NOW)
    }

    fn keys_of(app: &App) -> (Option<String>, Option<String>) {
        let installation = of(app);
        (installation.active_key, installation.pending_key)
    }

    fn place() -> GrantPlace {
        GrantPlace {
            organization: "849".into(),
            grant: "g_1".into(),
        }
    }

    #[test]
    fn only_the_accepted_key_lets_another_one_wait() {
        let app = registration("k1").first("app".into(), NOW);
        assert_eq!(keys_of(&app), (Some("k1".into()), None));
        assert_eq!(
            again(&app, "k2", Previous::Missing).unwrap_err(),
            NotRegistered::PreviousMissing
        );
        for wrong in [Previous::Bad, Previous::Of("k2"), Previous::Of("k3")] {
            assert_eq!(again(&app, "k2", wrong).unwrap_err(), NotRegistered::PreviousWrong);
        }
        let waits = again(&app, "k2", Previous::Of("k1")).unwrap();
        assert_eq!(keys_of(&waits), (Some("k1".into()), Some("k2".into())));
        assert_eq!(
            again(&waits, "k3", Previous::Of("k2")).unwrap_err(),
            NotRegistered::PreviousWrong
        );
        let later = again(&waits, "k3", Previous::Of("k1")).unwrap();
        assert_eq!(keys_of(&later), (Some("k1".into()), Some("k3".into())));
        let same = again(&later, "k1", Previous::Missing).unwrap();
        assert_eq!(keys_of(&same), (Some("k1".into()), Some("k3".into())));
    }

    #[test]
    fn consent_promotes_a_key_that_waits_and_only_then_ends_tokens() {
        let app = registration("k1").first("app".into(), NOW);
        let approved = of(&app).approved(&app, "k1", place());
        assert_eq!(approved.epoch, app.epoch);
        let waits = again(&approved, "k2", Previous::Of("k1")).unwrap();
        assert_eq!(waits.epoch, app.epoch, "a registration alone ends nothing");
        let promoted = of(&waits).approved(&waits, "k2", place());
        assert_eq!(promoted.epoch, app.epoch + 1);
        assert_eq!(keys_of(&promoted), (Some("k2".into()), None));
    }

    #[test]
    fn after_a_reset_the_next_registration_is_accepted_without_a_proof_of_before() {
        let app = registration("k1").first("app".into(), NOW);
        let granted = of(&app).approved(&app, "k1", place());
        let reset = of(&granted).reset(&granted, NOW);
        assert_eq!((keys_of(&reset), of(&reset).grant), ((None, None), None));
        assert_eq!(reset.epoch, granted.epoch + 1);
        assert!(!of(&reset).knows("k1"));
        let back = again(&reset, "k2", Previous::Bad).unwrap();
        assert_eq!(keys_of(&back), (Some("k2".into()), None));
    }

    #[test]
    fn the_longest_of_everything_fits_into_one_record() {
        let long = Registration {
            platform: "p".repeat(32),
            identity: "i".repeat(43),
            site_url: "s".repeat(ADDRESS_BYTES_MAX),
            redirect_uri: "r".repeat(ADDRESS_BYTES_MAX),
            facts: (0..20)
                .map(|at| (format!("{at:0>40}"), "é".repeat(FACT_CHARS_MAX)))
                .collect(),
            name: "n".repeat(200),
            scopes: vec!["s".repeat(64); 9],
            ..registration("k")
        };
        let app = long.first("c".repeat(40), NOW);
        let mut batch = Batch::new();
        batch.insert(&app).unwrap();
        let ids = ResetIds {
            client_id: "c".repeat(40),
            mutation: "m".repeat(36),
            number: u64::MAX,
            ids: vec!["i".repeat(36); RESET_IDS_MAX],
            expires_at: NOW,
        };
        batch.insert(&ids).unwrap();
        assert_eq!(batch.validate(), Ok(()));
    }
}
