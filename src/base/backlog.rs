//! Things that wait for somebody to deal with them: bounded, in memory, and nobody waits to put one in.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub struct Backlog<T> {
    items_max: usize,
    items: Mutex<VecDeque<T>>,
    filled: Notify,
}

impl<T> Backlog<T> {
    pub fn new(items_max: usize) -> Self {
        Self {
            items_max,
            items: Mutex::default(),
            filled: Notify::new(),
        }
    }

    pub fn is_full(&self) -> bool {
        self.items().len() >= self.items_max
    }

    /// `false`: there is no room, and it is dropped.
    pub fn put(&self, item: T) -> bool {
        let mut items = self.items();
        let room = items.len() < self.items_max;
        if room {
            items.push_back(item);
            self.filled.notify_one();
        }
        room
    }

    /// What has waited longest, at most so many.
    pub fn take(&self, max: usize) -> Vec<T> {
        let mut items = self.items();
        let count = max.min(items.len());
        items.drain(..count).collect()
    }

    /// Returns when something was put in since it last returned.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    fn items(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Backlog;

    #[test]
    fn it_is_bounded_and_hands_out_what_came_first() {
        let backlog = Backlog::new(3);
        let put: Vec<bool> = (0..5).map(|number| backlog.put(number)).collect();
        assert_eq!(put, [true, true, true, false, false]);
        assert!(backlog.is_full());
        assert_eq!(backlog.take(2), [0, 1]);
        assert!(!backlog.is_full() && backlog.put(5));
        assert_eq!(backlog.take(9), [2, 5]);
        assert!(backlog.take(9).is_empty());
    }
}
