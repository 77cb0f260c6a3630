//! [`SingleFlight`]: one piece of work per key, however many ask for it. The work runs in a task of
//! its own, so that it survives the one who asked first. It keeps no result once it is delivered.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// The work ended without a result: it panicked, or the runtime is shutting down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shared work ended without a result")]
pub struct FlightLost;

type Flights<K, V> = Mutex<HashMap<K, watch::Receiver<Option<V>>>>;

/// Work in flight by key. Cheap to clone; clones share the work.
#[derive(Debug)]
pub struct SingleFlight<K, V> {
    flights: Arc<Flights<K, V>>,
}

impl<K, V> Clone for SingleFlight<K, V> {
    fn clone(&self) -> Self {
        Self {
            flights: Arc::clone(&self.flights),
        }
    }
}

impl<K, V> Default for SingleFlight<K, V> {
    fn default() -> Self {
        Self {
            flights: Arc::default(),
        }
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// The result of the work for `key`: of the one in flight if there is one, else of the one that
    /// `start` makes, which is spawned.
    ///
    /// # Errors
    /// [`FlightLost`] when the work panicked or was aborted with its runtime.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn run<F>(&self, key: K, start: impl FnOnce() -> F) -> Result<V, FlightLost>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut result = self.join_or_start(key, start);
        let result = result
            .wait_for(Option::is_some)
            .await
            .map_err(|_| FlightLost)?;
        result.clone().ok_or(FlightLost)
    }

    /// How many pieces of work are in flight.
    pub fn len(&self) -> usize {
        lock(&self.flights).len()
    }

    /// Whether nothing is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn join_or_start<F>(&self, key: K, start: impl FnOnce() -> F) -> watch::Receiver<Option<V>>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(key.clone(), receiver.clone());
        let landing = Landing {
            flights: Arc::clone(&self.flights),
            key,
        };
        let work = start();
        tokio::spawn(async move {
            let result = work.await;
            // Gone before it is delivered: who asks after a result was seen starts anew.
            drop(landing);
            sender.send_replace(Some(result));
        });
        receiver
    }
}

/// Takes the key out of the map, also when the work panics.
struct Landing<K: Eq + Hash, V> {
    flights: Arc<Flights<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        lock(&self.flights).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn many_waiters_share_one_piece_of_work() {
        let flights: SingleFlight<&str, u32> = SingleFlight::default();
        let (starts, gate) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (starts, gate, flights) = (Arc::clone(&starts), Arc::clone(&gate), flights.clone());
            tokio::spawn(async move {
                let work = async move {
                    gate.notified().await;
                    starts.fetch_add(1, Ordering::SeqCst) + 1
                };
                flights.run("key", || work).await
            })
        };
        let waiters: Vec<_> = (0..5).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        gate.notify_one();
        for waiter in waiters {
            assert_eq!(waiter.await.unwrap(), Ok(1));
        }
        assert!(flights.is_empty());
        gate.notify_one();
        assert_eq!(ask().await.unwrap(), Ok(2));
    }

    #[tokio::test]
    async fn the_work_survives_the_first_who_asked() {
        let flights: SingleFlight<u8, u32> = SingleFlight::default();
        let gate = Arc::new(Notify::new());
        let opened = Arc::clone(&gate);
        let asker = flights.clone();
        let first = tokio::spawn(async move {
            let work = async move {
                opened.notified().await;
                7
            };
            asker.run(1, || work).await
        });
        while flights.is_empty() {
            tokio::task::yield_now().await;
        }
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        let second = flights.run(1, || async { unreachable!("it is in flight already") });
        let (second, ()) = tokio::join!(second, async { gate.notify_one() });
        assert_eq!(second, Ok(7));
    }

    #[tokio::test]
    async fn a_panic_is_told_to_the_waiters_and_blocks_nobody() {
        let flights: SingleFlight<u8, u32> = SingleFlight::default();
        assert_eq!(
            flights.run(1, || async { panic!("on purpose") }).await,
            Err(FlightLost)
        );
        assert_eq!(flights.run(1, || async { 3 }).await, Ok(3));
    }
}
