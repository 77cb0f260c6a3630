//! [`Waiver`]: a reviewer's exception from a rule, with an owner, a reason and, better, an end. Who may
//! give one, and how it is asked for, is not decided here; exceptions that are written into a policy are
//! [`crate::policy::Exception`].

use std::sync::Arc;

use crate::index::IndexName;
use crate::policy::RuleId;
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers, admits};
use crate::time::Timestamp;

/// A reviewer's exception from one rule.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The number of the review that gave it.
    pub review: i64,
    /// The index in which it holds; every index when absent.
    pub index: Option<IndexName>,
    /// The project.
    pub project: ProjectName,
    /// The versions; all when absent.
    pub versions: Option<VersionSpecifiers>,
    /// The rule that does not apply.
    pub rule: RuleId,
    /// What the rule had found when the waiver was given, for example advisory ids. A finding of anything
    /// else is not covered: new knowledge is judged anew.
    pub about: Vec<String>,
    /// Why.
    pub reason: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// The moment from which it no longer holds.
    pub expires: Option<Timestamp>,
}

/// What a finding is, as far as a waiver cares.
#[derive(Clone, Copy, Debug)]
pub struct Waivable<'a> {
    /// The index that was asked.
    pub index: &'a IndexName,
    /// The project.
    pub project: &'a ProjectName,
    /// The version, where there is one.
    pub version: Option<&'a Version>,
    /// The rule.
    pub rule: &'a str,
    /// What the rule found.
    pub about: &'a [String],
}

impl Waiver {
    /// Whether it lifts `finding` at the moment `now`.
    pub fn covers(&self, finding: Waivable<'_>, now: Timestamp) -> bool {
        self.approves(finding, now)
            && match (&self.versions, finding.version) {
                (None, _) => true,
                (Some(specifiers), Some(version)) => admits(specifiers, version),
                (Some(_), None) => false,
            }
    }

    /// Whether what was found was approved with it, in whichever version: the reviewer saw the very same
    /// thing, and the approval is in force at the moment `now`.
    pub fn approves(&self, finding: Waivable<'_>, now: Timestamp) -> bool {
        self.rule == finding.rule
            && self.project == *finding.project
            && self.expires.is_none_or(|expires| now < expires)
            && self
                .index
                .as_ref()
                .is_none_or(|index| index == finding.index)
            && finding.about.iter().all(|about| self.about.contains(about))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn waiver() -> Waiver {
        Waiver {
            review: 1,
            index: None,
            project: ProjectName::new("flask").expect("a name"),
            versions: Some("==3.1.3".parse().expect("specifiers")),
            rule: "known-vulnerability".into(),
            about: vec!["PYSEC-2026-1".to_owned()],
            reason: "not reachable here".into(),
            owner: "security".into(),
            expires: Some(NOW.plus_millis(1)),
        }
    }

    fn covers(waiver: &Waiver, version: Option<&str>, about: &[&str], now: Timestamp) -> bool {
        let version = version.map(|version| version.parse().expect("a version"));
        let about: Vec<String> = about.iter().map(|about| (*about).to_owned()).collect();
        let finding = Waivable {
            index: &"main".parse().expect("a label"),
            project: &ProjectName::new("flask").expect("a name"),
            version: version.as_ref(),
            rule: "known-vulnerability",
            about: &about,
        };
        waiver.covers(finding, now)
    }

    #[test]
    fn a_waiver_is_for_what_was_known_when_it_was_given() {
        let known = ["PYSEC-2026-1"];
        assert!(covers(&waiver(), Some("3.1.3"), &known, NOW));
        assert!(!covers(&waiver(), Some("3.1.4"), &known, NOW));
        assert!(!covers(&waiver(), None, &known, NOW));
        assert!(!covers(
            &waiver(),
            Some("3.1.3"),
            &["PYSEC-2026-1", "MAL-2026-2"],
            NOW
        ));
        assert!(!covers(
            &waiver(),
            Some("3.1.3"),
            &known,
            NOW.plus_millis(1)
        ));
    }

    #[test]
    fn a_waiver_of_one_index_says_nothing_about_another() {
        let other = Waiver {
            index: Some("other".parse().expect("a label")),
            ..waiver()
        };
        assert!(!covers(&other, Some("3.1.3"), &[], NOW));
        let rule = Waiver {
            rule: "too-young".into(),
            ..waiver()
        };
        assert!(!covers(&rule, Some("3.1.3"), &[], NOW));
    }
}
