//! [`Pace`], how long one side of a transfer was waited for. A transfer may stand still for a while, and the
//! longer it takes in all the more it must have moved: each byte earns time, waiting spends it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A moment in milliseconds of the [`super::connections::Connections`]' clock. 0 is none.
pub(super) type Moment = u64;

/// How patient we are with a transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For how long it may stand still, in milliseconds.
    stall: u64,
    /// The fewest bytes a second in the long run; 0 for any.
    slowest: u64,
}

impl Patience {
    pub(super) fn new(stall: Duration, slowest: u64) -> Self {
        let stall = u64::try_from(stall.as_millis()).unwrap_or(u64::MAX);
        Self { stall, slowest }
    }

    /// The time that so many bytes earn, in milliseconds.
    fn earned(self, bytes: u64) -> u64 {
        match bytes.saturating_mul(1000).checked_div(self.slowest) {
            Some(earned) => earned,
            // However little it is, it is progress.
            None => self.stall,
        }
    }
}

/// How long one side of a transfer was waited for, and how much longer it will be. One task writes it,
/// another looks at it.
#[derive(Debug)]
pub(super) struct Pace {
    /// Since when the client is waited for, 0 while it is not.
    waiting_since: AtomicU64,
    /// For how long it will be, in milliseconds.
    left: AtomicU64,
}

impl Pace {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            waiting_since: AtomicU64::new(0),
            left: AtomicU64::new(patience.stall),
        }
    }

    /// Nothing moves until the client does something.
    pub(super) fn wait(&self, now: Moment) {
        if self.waiting_since.load(Ordering::Relaxed) == 0 {
            self.waiting_since.store(now, Ordering::Relaxed);
        }
    }

    /// So many bytes moved.
    pub(super) fn moved(&self, now: Moment, bytes: u64, patience: Patience) {
        let since = self.waiting_since.load(Ordering::Relaxed);
        let left = self.left.load(Ordering::Relaxed);
        if since == 0 && left == patience.stall {
            return;
        }
        let waited = match since {
            0 => 0,
            since => now.saturating_sub(since),
        };
        let left = left
            .saturating_sub(waited)
            .saturating_add(patience.earned(bytes));
        self.left.store(left.min(patience.stall), Ordering::Relaxed);
        self.waiting_since.store(0, Ordering::Relaxed);
    }

    /// For how long the client has been waited for, in milliseconds; `None` while it is not.
    pub(super) fn waiting_for(&self, now: Moment) -> Option<u64> {
        match self.waiting_since.load(Ordering::Relaxed) {
            0 => None,
            since => Some(now.saturating_sub(since)),
        }
    }

    /// Whether there is no more patience.
    pub(super) fn is_overdue(&self, now: Moment) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        self.waiting_for(now).is_some_and(|waited| waited > left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each step waits so many seconds and then moves so many bytes; when is it overdue?
    fn overdue_at(slowest: u64, steps: &[(u64, u64)]) -> Option<usize> {
        let patience = Patience::new(Duration::from_secs(60), slowest);
        let pace = Pace::new(patience);
        let mut now = 1;
        for (step, (seconds, bytes)) in steps.iter().enumerate() {
            pace.wait(now);
            now += seconds * 1000;
            if pace.is_overdue(now) {
                return Some(step);
            }
            pace.moved(now, *bytes, patience);
        }
        None
    }

    #[test]
    fn what_stands_still_is_overdue_and_what_moves_is_not() {
        assert_eq!(overdue_at(1024, &[(61, 1)]), Some(0));
        assert_eq!(overdue_at(1024, &[(59, 1 << 20), (59, 1)]), None);
        assert_eq!(overdue_at(1024, &[(30, 30 << 10); 100]), None);
    }

    #[test]
    fn a_drop_now_and_then_does_not_keep_a_transfer_alive() {
        assert_eq!(overdue_at(1024, &[(25, 1); 100]), Some(2));
        assert_eq!(overdue_at(0, &[(25, 1); 100]), None);
    }

    #[test]
    fn time_in_which_nobody_was_waited_for_costs_nothing() {
        let patience = Patience::new(Duration::from_secs(60), 1024);
        let pace = Pace::new(patience);
        pace.wait(1);
        pace.moved(2, 5, patience);
        assert!(!pace.is_overdue(1_000_000));
        pace.wait(1_000_000);
        pace.wait(1_000_500);
        assert_eq!(pace.waiting_for(1_001_000), Some(1000));
        assert!(pace.is_overdue(1_070_000));
    }
}
