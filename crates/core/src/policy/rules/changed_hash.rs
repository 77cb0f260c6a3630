//! `changed-hash`: a file once seen keeps its bytes (promise 3).

use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct ChangedHash;

impl Rule for ChangedHash {
    fn id(&self) -> &'static str {
        "changed-hash"
    }

    fn summary(&self) -> &'static str {
        "stops a file whose content is not what was first seen under its name"
    }

    fn manual(&self) -> &'static str {
        "Files of a release never change: the first SHA-256 that a source showed under a file name is \
         the only one that is ever served under it. Another one means that somebody has replaced the \
         file, or that something between here and the source has. It is refused, both digests are kept \
         as evidence, and an alert is written to the ledger. It states a promise: it cannot be \
         switched off and has no exceptions. When the change is known to be legitimate, \
         `portcullis purge --forget 'name==version'` forgets what was seen."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn is_law(&self) -> bool {
        true
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.0"
first-sha256 = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
sha256 = "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for ChangedHash {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(file) = facts.file else {
            return Outcome::Pass;
        };
        let Some(first) = file.first_sha256 else {
            return Outcome::Pass;
        };
        // While the present digest is not known, nothing can differ from the first one; the bytes
        // are hashed before they are cleared, and judged again.
        let Fact::Known(now) = file.sha256 else {
            return Outcome::Pass;
        };
        if now == first {
            return Outcome::Pass;
        }
        Outcome::Found(
            Found::new(
                "the file's content has changed since it was first seen",
                "do not install it from elsewhere; ask the project why the file was replaced",
            )
            .because("first seen sha256", first)
            .because("now sha256", now),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Sha256;
    use crate::policy::rules::testing::{Case, effect_of};

    #[test]
    fn only_the_first_bytes_are_served() {
        let (first, other) = (Sha256::of(b"first"), Sha256::of(b"other"));
        let check = |case: Case| effect_of(&ChangedHash, "", &case);
        assert_eq!(check(Case::upstream("x").sha256(first)), Effect::Allow);
        assert_eq!(
            check(Case::upstream("x").sha256(first).first_sha256(first)),
            Effect::Allow
        );
        assert_eq!(
            check(Case::upstream("x").sha256(other).first_sha256(first)),
            Effect::Deny
        );
        assert_eq!(
            check(Case::upstream("x").first_sha256(first)),
            Effect::Allow
        );
    }
}
