//! The only door. [`Cleared`] is the proof that a file's bytes were judged and let through; it has
//! no public constructor but [`clear`], and the vault opens a file only against it. [`HeldBack`] says
//! how much of a file that is still arriving may flow before there is such a proof.
//!
//! Forging a `Cleared` does not compile:
//!
//! ```compile_fail
//! let digest = portcullis_core::digest::Sha256::of(b"anything");
//! let forged = portcullis_core::gate::Cleared { sha256: digest };
//! ```

use std::sync::Arc;

use crate::digest::Sha256;
use crate::policy::Decision;

/// The proof that the content with this digest was judged, and that the decision lets it through.
#[derive(Clone, Debug)]
pub struct Cleared {
    sha256: Sha256,
}

impl Cleared {
    /// The digest of the bytes that were judged.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }
}

/// A decision that does not let a file through. It is a value, not an error.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The decision, with its findings, evidence, policy lines and remedies.
    pub decision: Arc<Decision>,
}

/// Clears the content that `decision` was about, whose bytes were found to have the digest `actual`.
///
/// # Errors
/// The [`Refusal`] when the decision holds or denies, when it was made about other bytes (or about bytes
/// whose digest was not known), or before bytes were looked into that its policy wants looked into: such a
/// decision is never a permission.
pub fn clear(decision: &Arc<Decision>, actual: Sha256) -> Result<Cleared, Refusal> {
    if decision.lets_through() && decision.sha256() == Some(actual) && !decision.is_ahead() {
        return Ok(Cleared { sha256: actual });
    }
    Err(Refusal {
        decision: Arc::clone(decision),
    })
}

/// How much of a file is held back until it is cleared, in bytes: the last 64 KiB. A smaller file is
/// held back whole.
pub const HELD_BACK: u64 = 64 * 1024;

/// How far the bytes of a file that is still arriving may be passed on.
#[derive(Clone, Copy, Debug)]
pub struct HeldBack {
    total: Option<u64>,
}

impl HeldBack {
    /// For a file of `total` bytes, when its length is announced.
    pub fn new(total: Option<u64>) -> Self {
        Self { total }
    }

    /// Up to which offset bytes may flow when `received` bytes are here and nothing is cleared yet.
    pub fn limit(self, received: u64) -> u64 {
        let end = self.total.unwrap_or(received);
        received.min(end.saturating_sub(HELD_BACK))
    }

    /// Up to which offset bytes may flow once the file is cleared: all of them.
    pub fn lift(self, _cleared: &Cleared, received: u64) -> u64 {
        received
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspection::{Inspected, Statistics};
    use crate::policy::rule::Rule;
    use crate::policy::rules::broken_archive::BrokenArchive;
    use crate::policy::rules::malicious_code::MaliciousCode;
    use crate::policy::rules::testing::{Case, decide};
    use proptest::prelude::*;

    #[test]
    fn a_small_file_is_held_back_whole() {
        assert_eq!(HeldBack::new(Some(HELD_BACK)).limit(HELD_BACK), 0);
        assert_eq!(HeldBack::new(Some(10)).limit(10), 0);
        assert_eq!(HeldBack::new(None).limit(10), 0);
    }

    #[test]
    fn all_but_the_last_block_flows_at_once() {
        let held = HeldBack::new(Some(3 * HELD_BACK));
        assert_eq!(held.limit(HELD_BACK), HELD_BACK);
        assert_eq!(held.limit(2 * HELD_BACK), 2 * HELD_BACK);
        assert_eq!(held.limit(3 * HELD_BACK), 2 * HELD_BACK);
    }

    #[test]
    fn what_nobody_has_looked_into_is_not_cleared() {
        let bytes = Sha256::of(b"bytes");
        let clean = Inspected {
            sha256: bytes,
            revision: 1,
            observations: Vec::new(),
            excerpts: Vec::new(),
            capabilities: Vec::new(),
            statistics: Statistics::default(),
            complete: true,
        };
        let ahead = Case::upstream("demo").sha256(bytes);
        let inspected = ahead.clone().inspected(clean);
        let rules: [&dyn Rule; 2] = [&MaliciousCode, &BrokenArchive];
        for rule in rules {
            let decided = |case: &Case| Arc::new(decide(rule, "mode = 'enforce'", case));
            let (before, after) = (decided(&ahead), decided(&inspected));
            assert!(before.lets_through() && before.is_ahead());
            assert!(clear(&before, bytes).is_err());
            assert_eq!(clear(&after, bytes).expect("it passes").sha256(), bytes);
            assert!(clear(&after, Sha256::of(b"others")).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_last_block_never_flows_uncleared(total in 0u64..10_000_000, received in 0u64..20_000_000) {
            let announced = HeldBack::new(Some(total)).limit(received);
            prop_assert!(announced <= received);
            prop_assert!(announced <= total.saturating_sub(HELD_BACK));
            prop_assert!(HeldBack::new(None).limit(received) <= received.saturating_sub(HELD_BACK));
        }
    }
}
