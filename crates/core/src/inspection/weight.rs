//! [`effect_of`]: what one observation weighs, in one table. A policy may think otherwise; this is where
//! its rules start from, and what is said where no policy was asked.
//!
//! | severity | unasked and certain | unasked, less certain | asked for | in tests |
//! |---|---|---|---|---|
//! | critical | deny | hold | hold | warn |
//! | high | deny | hold | hold | warn |
//! | medium | warn | warn | warn | allow |
//! | low, info | allow | allow | allow | allow |
//!
//! *Unasked* is what runs at installation, at each start of Python or at import; *asked for* is what a
//! console script or a caller runs. *Certain* is a confidence of [`CERTAIN`].

use super::{Confidence, Context, Observation, Severity};
use crate::policy::Effect;

/// From which confidence on an observation counts as certain, before the context has weighed it.
pub const CERTAIN: Confidence = Confidence::of(85);

/// What `seen` weighs by itself, by the table above.
#[must_use]
pub fn effect_of(seen: &Observation) -> Effect {
    of(seen.severity, seen.confidence, seen.context)
}

fn of(severity: Severity, confidence: Confidence, context: Context) -> Effect {
    let is_certain = confidence >= CERTAIN.in_context(context);
    match severity {
        Severity::Info | Severity::Low => Effect::Allow,
        Severity::Medium if context == Context::Test => Effect::Allow,
        Severity::Medium => Effect::Warn,
        Severity::High | Severity::Critical if context == Context::Test => Effect::Warn,
        Severity::High | Severity::Critical if context.is_unasked() && is_certain => Effect::Deny,
        Severity::High | Severity::Critical => Effect::Hold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_as_documented() {
        use Context::{Call, Entry, Import, Install, Startup, Test};
        use Effect::{Allow, Deny, Hold, Warn};
        use Severity::{Critical, High, Info, Low, Medium};
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
}
