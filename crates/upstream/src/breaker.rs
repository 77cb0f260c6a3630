//! [`Breaker`]: after several failures in a row a source is left alone for a while, then asked once
//! to see whether it is back. It knows nothing of HTTP, and time is an argument.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Failures in a row that open it; at least 1.
    pub failures: u32,
    /// How long it stays open, when the source does not say so itself.
    pub pause: Duration,
    /// The longest pause that a source may ask for.
    pub longest_pause: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        let (pause, longest_pause) = (Duration::from_secs(30), Duration::from_secs(300));
        Self {
            failures: 5,
            pause,
            longest_pause,
        }
    }
}

/// What a breaker does at the moment, for metrics and the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Every request passes.
    Closed,
    /// No request passes.
    Open,
    /// One request passes, to see.
    HalfOpen,
}

/// How a request that was admitted ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source answered, whatever it said.
    Answered,
    /// It did not; it may have said how long to wait.
    Failed {
        /// The source's `Retry-After`.
        retry_after: Option<Duration>,
    },
}

/// The breaker of one source.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
enum Inner {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// A request that never reports, because its client left, must not keep the source closed.
    Probing {
        since: Instant,
    },
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            inner: Mutex::new(Inner::Closed { failures: 0 }),
        }
    }

    /// Asks to make a request at `now`.
    ///
    /// # Errors
    /// How long to wait, when the request must not be made.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner();
        match *inner {
            Inner::Closed { .. } => return Ok(()),
            Inner::Open { until } if now < until => return Err(until - now),
            Inner::Probing { since } if now < since + self.settings.pause => {
                return Err(since + self.settings.pause - now);
            }
            Inner::Open { .. } | Inner::Probing { .. } => {}
        }
        *inner = Inner::Probing { since: now };
        Ok(())
    }

    /// Reports how an admitted request ended at `now`.
    pub fn record(&self, outcome: Outcome, now: Instant) {
        let mut inner = self.inner();
        let Outcome::Failed { retry_after } = outcome else {
            *inner = Inner::Closed { failures: 0 };
            return;
        };
        let failures = match *inner {
            Inner::Closed { failures } => failures.saturating_add(1),
            // A straggler that was admitted before does not prolong the pause.
            Inner::Open { .. } => return,
            Inner::Probing { .. } => self.settings.failures,
        };
        *inner = if failures >= self.settings.failures || retry_after.is_some() {
            let pause = retry_after
                .unwrap_or(self.settings.pause)
                .min(self.settings.longest_pause);
            Inner::Open { until: now + pause }
        } else {
            Inner::Closed { failures }
        };
    }

    /// The state at `now`.
    pub fn state(&self, now: Instant) -> BreakerState {
        match *self.inner() {
            Inner::Closed { .. } => BreakerState::Closed,
            Inner::Open { until } if now < until => BreakerState::Open,
            Inner::Open { .. } | Inner::Probing { .. } => BreakerState::HalfOpen,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: Outcome = Outcome::Failed { retry_after: None };
    const PAUSE: Duration = Duration::from_secs(30);

    fn breaker_after(failures: u32, now: Instant) -> Breaker {
        let breaker = Breaker::new(BreakerSettings {
            failures: 3,
            ..BreakerSettings::default()
        });
        for _ in 0..failures {
            breaker.record(FAILED, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let now = Instant::now();
        assert_eq!(breaker_after(2, now).state(now), BreakerState::Closed);
        assert_eq!(breaker_after(3, now).admit(now), Err(PAUSE));
        let breaker = breaker_after(2, now);
        breaker.record(Outcome::Answered, now);
        breaker.record(FAILED, now);
        assert_eq!(breaker.admit(now), Ok(()));
    }

    #[test]
    fn after_the_pause_one_request_tries_and_the_others_wait() {
        let now = Instant::now();
        let breaker = breaker_after(3, now);
        let later = now + PAUSE;
        assert_eq!(breaker.state(later), BreakerState::HalfOpen);
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(PAUSE));
        breaker.record(FAILED, later);
        assert_eq!(breaker.state(later), BreakerState::Open);
        let much_later = later + PAUSE;
        assert_eq!(breaker.admit(much_later), Ok(()));
        breaker.record(Outcome::Answered, much_later);
        assert_eq!(breaker.state(much_later), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_never_reports_is_forgotten() {
        let now = Instant::now();
        let breaker = breaker_after(3, now);
        assert_eq!(breaker.admit(now + PAUSE), Ok(()));
        assert_eq!(breaker.admit(now + PAUSE + PAUSE), Ok(()));
    }

    #[test]
    fn a_source_may_ask_for_a_pause_but_not_for_ever() {
        let now = Instant::now();
        for (asked, granted) in [(7, 7), (86_400, 300)] {
            let breaker = breaker_after(0, now);
            let retry_after = Some(Duration::from_secs(asked));
            breaker.record(Outcome::Failed { retry_after }, now);
            assert_eq!(breaker.admit(now), Err(Duration::from_secs(granted)));
        }
    }
}
