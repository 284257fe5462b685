//! The log of an endpoint: which of its deliveries are meant.

use crate::base::time::Timestamp;
use crate::context::Context;
use crate::model::delivery::{Delivery, State};
use crate::platform::cursor;
use crate::store::records::{Record as _, Versioned, list};
use crate::store::{Key, StoreError, keys};

/// Deliveries read at once.
const PAGE: u32 = 100;

/// Which deliveries are meant; nothing said: all.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Filter {
    pub state: Option<State>,
    pub from: Option<Edge>,
    pub until: Option<Edge>,
}

/// Where what is meant begins or ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Edge {
    /// From this moment on, or before it.
    Time(Timestamp),
    /// This delivery, which is part of it: when its event happened, and its id.
    Delivery(Timestamp, String),
}

impl Edge {
    /// `None` for what is no id of a delivery.
    pub fn of_delivery(id: &str) -> Option<Self> {
        let id = cursor(Some(id))?;
        Some(Self::Delivery(Delivery::time_of(id)?, id.to_owned()))
    }
}

impl Filter {
    /// The key behind which the newest that is meant stands.
    fn start(&self, endpoint: &str) -> Option<Key> {
        let mut key = match self.until.as_ref()? {
            Edge::Time(until) => {
                let last = Timestamp::from_millis(until.millis().saturating_sub(1));
                keys::delivery(endpoint, last, "")
            }
            Edge::Delivery(at, id) => keys::delivery(endpoint, *at, id),
        };
        // Without its end it is ahead of the delivery itself.
        key.0.pop();
        Some(key)
    }

    /// Whether neither this one nor any that is older is meant.
    fn is_behind(&self, delivery: &Delivery) -> bool {
        match &self.from {
            None => false,
            Some(Edge::Time(from)) => delivery.at < *from,
            Some(Edge::Delivery(at, id)) => delivery.key() > keys::delivery(&delivery.endpoint, *at, id),
        }
    }
}

/// Hands `take` each delivery to `endpoint` that is meant, the newest first, until it takes one no more or `read_max`
/// were read. The id of the one it came to then; `None`: there are no more.
pub(super) async fn walk(
    ctx: &Context,
    endpoint: &str,
    filter: &Filter,
    read_max: usize,
    mut take: impl FnMut(Versioned<Delivery>) -> bool,
) -> Result<Option<String>, StoreError> {
    let prefix = keys::deliveries(endpoint);
    let (mut after, mut read) = (filter.start(endpoint), 0);
    loop {
        let (page, next) = list::<Delivery>(&*ctx.store, &prefix, after.as_ref(), PAGE).await?;
        for delivery in page {
            if filter.is_behind(&delivery) {
                return Ok(None);
            }
            let id = delivery.id.clone();
            let is_meant = filter.state.is_none_or(|state| delivery.state == state);
            if read == read_max || (is_meant && !take(delivery)) {
                return Ok(Some(id));
            }
            read += 1;
        }
        if next.is_none() {
            return Ok(None);
        }
        after = next;
    }
}
