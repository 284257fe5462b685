//! A bounded pool for password hashing. One hash takes tens of milliseconds of a core and 19 MiB, and anyone may ask
//! for one by trying to sign in: so one core is always left to everything else, and a line that grows too long is
//! refused instead of making everybody in it wait. Nothing that mints or checks tokens comes here.

use super::password;
use super::random::Random;
use super::secret::Secret;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many may wait for each that is at work: two seconds of waiting on a slow core.
const WAITING_PER_WORKER: usize = 32;

/// Too many passwords are being looked at already; nothing was decided about this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Busy {
    /// For `Retry-After`.
    pub retry_after_s: u32,
}

pub struct PasswordPool {
    random: Arc<dyn Random>,
    /// One permit for each that may be at work.
    workers: Arc<Semaphore>,
    /// One permit for each at work or waiting.
    places: Arc<Semaphore>,
}

impl PasswordPool {
    /// One worker for every core but one.
    pub fn new(random: Arc<dyn Random>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = (cores - 1).max(1);
        Self::with_room(random, workers, workers * WAITING_PER_WORKER)
    }

    fn with_room(random: Arc<dyn Random>, workers: usize, waiting: usize) -> Self {
        Self {
            random,
            workers: Arc::new(Semaphore::new(workers)),
            places: Arc::new(Semaphore::new(workers + waiting)),
        }
    }

    /// The PHC string to remember for a password.
    pub async fn hash(&self, password: &Secret) -> Result<String, Busy> {
        let (password, random) = (password.clone(), self.random.clone());
        self.run(move || password::hash(&password, &*random)).await
    }

    /// Whether `phc` was made from this password.
    pub async fn verify(&self, password: &Secret, phc: &str) -> Result<bool, Busy> {
        let (password, phc) = (password.clone(), phc.to_owned());
        self.run(move || password::verify(&password, &phc)).await
    }

    /// As long and as dear as [`Self::verify`], for a user who does not exist or has no password.
    pub async fn verify_nobody(&self, password: &Secret) -> Result<(), Busy> {
        let password = password.clone();
        self.run(move || password::verify_nobody(&password)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        const BUSY: Busy = Busy { retry_after_s: 2 };
        let place = self.places.clone().try_acquire_owned().map_err(|_| BUSY)?;
        // Never closed.
        let worker = self.workers.clone().acquire_owned().await.map_err(|_| BUSY)?;
        let job = move || {
            // Given back when the work ends, not when whoever asked for it goes away.
            let _held = (place, worker);
            work()
        };
        // An error is a panic for want of memory, which has been logged, or the end of the process.
        tokio::task::spawn_blocking(job).await.map_err(|_| BUSY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::SeededRandom;
    use std::sync::mpsc;
    use std::task::Poll;

    fn pool(workers: usize, waiting: usize) -> PasswordPool {
        PasswordPool::with_room(Arc::new(SeededRandom::new(1)), workers, waiting)
    }

    #[tokio::test]
    async fn what_was_hashed_verifies() {
        let pool = pool(1, 1);
        let phc = pool.hash(&Secret::new("correct horse")).await.unwrap();
        assert_eq!(pool.verify(&Secret::new("correct horse"), &phc).await, Ok(true));
        assert_eq!(pool.verify(&Secret::new("wrong horse"), &phc).await, Ok(false));
        assert_eq!(pool.verify_nobody(&Secret::new("correct horse")).await, Ok(()));
    }

    #[tokio::test]
    async fn a_full_line_is_refused_at_once_and_goes_on_when_there_is_room() {
        let pool = pool(1, 1);
        let (finish, finished) = mpsc::channel::<()>();
        let mut working = Box::pin(pool.run(move || finished.recv().is_ok()));
        let mut waiting = Box::pin(pool.run(|| 7));
        assert!(matches!(poll_once(&mut working).await, Poll::Pending));
        assert!(matches!(poll_once(&mut waiting).await, Poll::Pending));
        assert_eq!(pool.run(|| 8).await, Err(Busy { retry_after_s: 2 }));
        finish.send(()).unwrap();
        assert_eq!(working.await, Ok(true));
        assert_eq!(waiting.await, Ok(7));
        assert_eq!(pool.run(|| 8).await, Ok(8));
    }

    #[tokio::test]
    async fn whoever_goes_away_frees_the_place_but_not_the_worker_still_at_it() {
        let pool = pool(1, 1);
        let (finish, finished) = mpsc::channel::<()>();
        let mut working = Box::pin(pool.run(move || finished.recv().is_ok()));
        let mut waiting = Box::pin(pool.run(|| 7));
        assert!(matches!(poll_once(&mut working).await, Poll::Pending));
        assert!(matches!(poll_once(&mut waiting).await, Poll::Pending));
        drop(waiting);
        drop(working);
        assert_eq!(
            (pool.workers.available_permits(), pool.places.available_permits()),
            (0, 1)
        );
        let next = pool.run(|| 8);
        finish.send(()).unwrap();
        assert_eq!(next.await, Ok(8));
    }

    /// One look at a future, without waiting for it.
    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<()> {
        std::future::poll_fn(|cx| Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).map(|_| ()))).await
    }
}
