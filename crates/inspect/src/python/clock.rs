//! When the time of an analysis is over: what its thread computed counts, so that a machine busy with
//! other work takes nothing away; how long it took all the same is a second, generous bound.

use std::time::{Duration, Instant};

/// The end of a stretch of work on the thread that asked for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    computed: Duration,
    waited: Instant,
}

/// How much longer than its computing anything may take, for a machine that has much else to do.
const PATIENCE: u32 = 6;

impl Deadline {
    /// After this thread has computed for `time`, or `longest` has passed.
    pub(super) fn within(time: Duration, longest: Duration) -> Self {
        Self {
            computed: computed().saturating_add(time),
            waited: Instant::now() + longest,
        }
    }

    /// This deadline, or after another `time`, whichever is first.
    pub(super) fn or_within(self, time: Duration) -> Self {
        let sooner = Self::within(time, time.saturating_mul(PATIENCE));
        Self {
            computed: self.computed.min(sooner.computed),
            waited: self.waited.min(sooner.waited),
        }
    }

    /// Whether it has passed, on the thread that set it.
    pub(super) fn is_over(&self) -> bool {
        computed() > self.computed || Instant::now() > self.waited
    }
}

/// How long this thread has computed.
#[cfg(unix)]
fn computed() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(nanos)
}

/// Where nothing tells how long a thread has computed, what passed counts.
#[cfg(not(unix))]
fn computed() -> Duration {
    static BEGINNING: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGINNING.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    #[test]
    fn time_is_over_when_it_was_computed_away_or_when_waiting_took_too_long() {
        for (time, longest, is_over) in [
            (LONG, LONG, false),
            (Duration::ZERO, LONG, true),
            (LONG, Duration::ZERO, true),
        ] {
            let deadline = Deadline::within(time, longest);
            // Something to compute, for clocks that do not tell every nanosecond.
            let _ = std::hint::black_box((0..100_000_u64).fold(0, u64::wrapping_add));
            assert_eq!(deadline.is_over(), is_over, "{time:?} {longest:?}");
        }
    }

    #[test]
    fn of_two_deadlines_the_sooner_counts() {
        let whole = Deadline::within(LONG, LONG);
        assert!(!whole.or_within(LONG).is_over());
        assert!(whole.or_within(Duration::ZERO).is_over());
        let over = Deadline::within(Duration::ZERO, Duration::ZERO);
        assert!(over.or_within(LONG).is_over());
    }

    #[cfg(unix)]
    #[test]
    fn waiting_is_not_computing() {
        let before = computed();
        std::thread::sleep(Duration::from_millis(50));
        assert!(computed() - before < Duration::from_millis(50));
    }
}
