//! How many requests may be on their way to upstreams at once: half of what the server handles in all, so that people
//! sign in and tokens are made whatever upstreams and their callers do; and of those no caller has more than an eighth.

use crate::platform::caller::Caller;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Places {
    hasher: RandomState,
    all_max: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// By hash of the caller.
    each: HashMap<u64, usize>,
}

/// A request's place, given back on drop.
pub struct Place {
    places: Arc<Places>,
    caller: u64,
}

impl Places {
    pub fn new(requests_max: usize) -> Arc<Self> {
        Arc::new(Self {
            hasher: RandomState::new(),
            all_max: (requests_max / 2).max(1),
            taken: Mutex::default(),
        })
    }

    /// `None`: there is none left, or this caller has theirs.
    pub fn take(self: &Arc<Self>, caller: &Caller) -> Option<Place> {
        let caller = self.hasher.hash_one((&caller.organization, caller.subject()));
        let mut taken = self.taken();
        let each_max = (self.all_max / 8).max(1);
        if taken.all >= self.all_max || taken.each.get(&caller).is_some_and(|own| *own >= each_max) {
            return None;
        }
        taken.all += 1;
        *taken.each.entry(caller).or_default() += 1;
        Some(Place {
            places: Arc::clone(self),
            caller,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(own) = taken.each.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                taken.each.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::caller::Credential;

    fn caller(app: &str) -> Caller {
        Caller {
            organization: "o".into(),
            user: "u".into(),
            client_id: Some(app.into()),
            grant: None,
            jkt: None,
            scopes: Vec::new(),
            credential: Credential::ApiKey { id: "k".into() },
            expires_at: None,
        }
    }

    #[test]
    fn nobody_has_more_than_an_eighth_and_all_together_half() {
        let places = Places::new(32);
        let own: Vec<Place> = (0..9).filter_map(|_| places.take(&caller("a"))).collect();
        assert_eq!(own.len(), 2);
        let others: Vec<Place> = (0..99).filter_map(|n| places.take(&caller(&n.to_string()))).collect();
        assert_eq!(others.len(), 14);
        drop(own);
        assert!(places.take(&caller("b")).is_some());
        drop(others);
        assert!(places.taken().each.is_empty() && places.taken().all == 0);
    }
}
