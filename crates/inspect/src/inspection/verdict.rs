//! [`Verdict`]: what an inspection adds up to, in one table. A policy may think otherwise; this is what
//! is said where no policy was asked.
//!
//! | severity | unasked and certain | unasked, less certain | asked for | in tests |
//! |---|---|---|---|---|
//! | critical | deny | hold | hold | warn |
//! | high | deny | hold | hold | warn |
//! | medium | warn | warn | warn | allow |
//! | low, info | allow | allow | allow | allow |
//!
//! *Unasked* is what runs at installation, at each start of Python or at import; *asked for* is what a
//! console script or a caller runs. *Certain* is a confidence of 85 % before the context has weighed it.
//! Where something could not be looked at, the verdict is hold at least.

use std::fmt;

use crate::observation::{Confidence, Observation, Severity};
use crate::python::Context;

/// What an inspection adds up to, from the mildest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing speaks against it.
    Allow,
    /// Somebody should know.
    Warn,
    /// Somebody should look before it is used.
    Hold,
    /// Nobody should use it.
    Deny,
}

/// Before the context has weighed it.
const CERTAIN: Confidence = Confidence::of(85);

/// The verdict of one observation, by the table above.
#[must_use]
pub fn of_observation(seen: &Observation) -> Verdict {
    of(seen.severity, seen.confidence, seen.context)
}

/// The verdict of all `observations` together: the strictest, and hold at least where the inspection is
/// not complete.
pub(super) fn of_all(observations: &[Observation], complete: bool) -> Verdict {
    let unknown = if complete {
        Verdict::Allow
    } else {
        Verdict::Hold
    };
    observations
        .iter()
        .map(of_observation)
        .fold(unknown, Verdict::max)
}

fn of(severity: Severity, confidence: Confidence, context: Context) -> Verdict {
    let is_certain = confidence >= CERTAIN.in_context(context);
    match severity {
        Severity::Info | Severity::Low => Verdict::Allow,
        Severity::Medium if context == Context::Test => Verdict::Allow,
        Severity::Medium => Verdict::Warn,
        Severity::High | Severity::Critical if context == Context::Test => Verdict::Warn,
        Severity::High | Severity::Critical if context.is_unasked() && is_certain => Verdict::Deny,
        Severity::High | Severity::Critical => Verdict::Hold,
    }
}

impl Verdict {
    /// Every verdict, from the mildest.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Hold, Self::Deny];

    /// As it is written: `allow`, `warn`, `hold` or `deny`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_documented() {
        use Context::{Call, Entry, Import, Install, Startup, Test};
        use Severity::{Critical, High, Info, Low, Medium};
        use Verdict::{Allow, Deny, Hold, Warn};
        for (severity, certain, unsure, asked, test) in [
            (Critical, Deny, Hold, Hold, Warn),
            (High, Deny, Hold, Hold, Warn),
            (Medium, Warn, Warn, Warn, Allow),
            (Low, Allow, Allow, Allow, Allow),
            (Info, Allow, Allow, Allow, Allow),
        ] {
            for context in [Install, Startup, Import] {
                let of =
                    |sure| super::of(severity, Confidence::of(sure).in_context(context), context);
                assert_eq!((of(95), of(85)), (certain, certain), "{severity} {context}");
                assert_eq!((of(80), of(0)), (unsure, unsure), "{severity} {context}");
            }
            for (context, expected) in [(Entry, asked), (Call, asked), (Test, test)] {
                let of = |sure| super::of(severity, Confidence::of(sure), context);
                assert_eq!(
                    (of(100), of(10)),
                    (expected, expected),
                    "{severity} {context}"
                );
            }
        }
    }

    #[test]
    fn ignorance_is_never_permission() {
        assert_eq!(of_all(&[], true), Verdict::Allow);
        assert_eq!(of_all(&[], false), Verdict::Hold);
        assert!(Verdict::ALL.is_sorted());
    }
}
