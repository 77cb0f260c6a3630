//! The cache of files from outside as this process knows it: what came and what was used, noted in memory and
//! written down in groups, and when it is time to make room. Making room is `jobs::cache`'s.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use portcullis_core::digest::Sha256;
use portcullis_core::time::Timestamp;
use portcullis_store::cache::{self, Noted, Totals};
use tracing::{debug, warn};

use crate::app::App;
use crate::jobs::schedule;

/// The name of the job that makes room.
pub const JOB: &str = "cache";

/// So often at most is it written down that the same file was used: a file that everybody installs costs no
/// write for each of them. In milliseconds.
const COARSE: i64 = 10 * 60 * 1000;

/// How many files are remembered as written down.
const REMEMBERED: u64 = 100_000;

/// What this process knows of the cache.
#[derive(Debug)]
pub struct CacheState {
    noted: Mutex<HashMap<Sha256, Noted>>,
    /// When what was used lately was written down as used.
    written: Cache<Sha256, Timestamp>,
    totals: Mutex<Totals>,
    reconciled: Mutex<Option<Instant>>,
}

impl Default for CacheState {
    fn default() -> Self {
        Self {
            noted: Mutex::default(),
            written: Cache::builder().max_capacity(REMEMBERED).build(),
            totals: Mutex::default(),
            reconciled: Mutex::default(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CacheState {
    /// Notes that a content came from outside.
    pub fn came(&self, sha256: Sha256, size: u64, at: Timestamp) {
        locked(&self.noted).insert(sha256, Noted::Came { size, at });
    }

    /// Notes that a content from outside was used.
    pub fn used(&self, sha256: Sha256, at: Timestamp) {
        let written = self.written.get(&sha256);
        if written.is_some_and(|written| at.since(written) < COARSE) {
            return;
        }
        match locked(&self.noted).entry(sha256) {
            Entry::Vacant(vacant) => {
                vacant.insert(Noted::Used { at });
            }
            Entry::Occupied(mut occupied) => {
                let later = match *occupied.get() {
                    Noted::Came { size, .. } => Noted::Came { size, at },
                    Noted::Used { .. } => Noted::Used { at },
                };
                occupied.insert(later);
            }
        }
    }

    /// How much is cached, as far as this process has heard.
    pub fn totals(&self) -> Totals {
        *locked(&self.totals)
    }

    /// Remembers how much is cached.
    pub fn heard(&self, totals: Totals) {
        *locked(&self.totals) = totals;
        metrics::gauge!("portcullis_cache_bytes").set(totals.bytes as f64);
        metrics::gauge!("portcullis_cache_files").set(totals.files as f64);
    }

    /// Whether the account has not been compared with what is there for `period`; from now on it counts as
    /// compared.
    pub fn is_to_be_reconciled(&self, period: Duration) -> bool {
        let mut reconciled = locked(&self.reconciled);
        let is_due = reconciled.is_none_or(|at| at.elapsed() >= period);
        if is_due {
            *reconciled = Some(Instant::now());
        }
        is_due
    }

    /// Forgets that the account was compared, because that failed.
    pub fn not_reconciled(&self) {
        *locked(&self.reconciled) = None;
    }
}

/// Writes down what was noted, and says whether something came.
async fn write_down(app: &App) -> Result<bool, portcullis_store::StoreError> {
    let noted = std::mem::take(&mut *locked(&app.cache.noted));
    if noted.is_empty() {
        return Ok(false);
    }
    if let Err(error) = cache::note(&app.db, &noted).await {
        // What came must not be forgotten; later notes of the same files count more.
        let mut again = locked(&app.cache.noted);
        for (sha256, noted) in noted {
            again.entry(sha256).or_insert(noted);
        }
        return Err(error);
    }
    for (sha256, noted) in &noted {
        let (Noted::Came { at, .. } | Noted::Used { at }) = noted;
        app.cache.written.insert(*sha256, *at);
    }
    Ok(noted
        .values()
        .any(|noted| matches!(noted, Noted::Came { .. })))
}

/// Writes down what was noted since the last time; where there is more than there may be by now, room is made
/// at once.
pub async fn flush(app: &Arc<App>) {
    let came = match write_down(app).await {
        Ok(came) => came,
        Err(error) => {
            warn!("could not write down what is cached: {error}");
            return;
        }
    };
    if !came {
        return;
    }
    match cache::totals(&app.db).await {
        Ok(totals) => {
            app.cache.heard(totals);
            if app
                .config
                .cache
                .max_size
                .is_some_and(|max| totals.bytes > max)
            {
                make_room_soon(app);
            }
        }
        Err(error) => warn!("could not ask how much is cached: {error}"),
    }
}

fn make_room_soon(app: &Arc<App>) {
    let app = Arc::clone(app);
    tokio::spawn(async move {
        if let Err(error) = schedule::run_now(&app, JOB).await {
            debug!("room is not made by this process: {error}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_stays_new_however_often_it_is_used() {
        let state = CacheState::default();
        let (sha256, at) = (Sha256::of(b"x"), Timestamp::from_millis);
        state.came(sha256, 5, at(1));
        state.used(sha256, at(7));
        let noted = Noted::Came { size: 5, at: at(7) };
        assert_eq!(locked(&state.noted).get(&sha256), Some(&noted));
    }

    #[test]
    fn a_use_is_noted_again_only_after_a_while() {
        let state = CacheState::default();
        let (sha256, at) = (Sha256::of(b"x"), Timestamp::from_millis);
        state.used(sha256, at(1));
        locked(&state.noted).clear();
        state.written.insert(sha256, at(1));
        state.used(sha256, at(COARSE));
        assert!(locked(&state.noted).is_empty());
        state.used(sha256, at(COARSE + 1));
        assert_eq!(locked(&state.noted).len(), 1);
    }
}
