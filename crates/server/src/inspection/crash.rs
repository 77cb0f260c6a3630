//! The record of an inspection that was brought down: kept as any other, so that a file which brings
//! inspections down does so once and not whenever it is asked for.

use portcullis_core::inspection::{
    Confidence, Context, Inspected, Observation, Severity, Statistics, fingerprint,
};
use portcullis_inspect::inspection::REVISION;

use super::Subject;

/// The rule under which it is told that a file was not looked at to the end.
const RULE: &str = "ENG-002";

/// Nothing was seen to the end in `subject`, because of `why`. What an earlier revision saw `before` stays
/// said.
pub(super) fn record(subject: &Subject, why: &str, before: Option<&Inspected>) -> Inspected {
    let mut record = before.cloned().unwrap_or_else(|| Inspected {
        sha256: subject.sha256,
        revision: REVISION,
        observations: Vec::new(),
        excerpts: Vec::new(),
        capabilities: Vec::new(),
        statistics: Statistics::default(),
        complete: false,
    });
    record.revision = REVISION;
    record.complete = false;
    let is_earlier_crash = |seen: &Observation| seen.code_hash == code_hash();
    record.observations.retain(|seen| !is_earlier_crash(seen));
    record.observations.push(observation(subject, why));
    record
}

/// The same for every crash, since there is no code to point at.
fn code_hash() -> String {
    fingerprint(RULE, "the inspection crashed")
}

fn observation(subject: &Subject, why: &str) -> Observation {
    Observation {
        rule: RULE.into(),
        severity: Severity::Medium,
        confidence: Confidence::CERTAIN,
        file: subject.filename.as_str().into(),
        line: 0,
        column: 0,
        layer: 0,
        context: Context::Install,
        message: format!("the inspection crashed: {why}"),
        chain: Vec::new(),
        code_hash: code_hash(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use portcullis_core::digest::Sha256;
    use portcullis_core::policy::Effect;
    use portcullis_core::pypi::filename::DistFilename;

    use super::super::Place;
    use super::*;

    fn subject() -> Subject {
        Subject {
            sha256: Sha256::of(b"demo"),
            filename: DistFilename::parse("demo-1.0-py3-none-any.whl", None).unwrap(),
            size: 4,
            place: Place::Vault,
        }
    }

    #[test]
    fn a_crash_is_ignorance_and_never_permission() {
        let record = record(&subject(), "it panicked", None);
        assert!(!record.complete);
        assert_eq!(record.effect(), Effect::Hold);
        assert_eq!(record.found(), Effect::Allow);
        let [seen] = &record.observations[..] else {
            panic!("{record:?}")
        };
        assert!(seen.is_about_completeness());
        assert_eq!(seen.message, "the inspection crashed: it panicked");
    }

    #[test]
    fn what_was_seen_before_stays_said_and_crashes_do_not_pile_up() {
        let bad = Observation {
            rule: "EXE-001".into(),
            severity: Severity::Critical,
            message: "it runs what it downloads".to_owned(),
            code_hash: "1".to_owned(),
            ..observation(&subject(), "")
        };
        let before = Inspected {
            revision: 0,
            observations: vec![bad],
            complete: true,
            ..record(&subject(), "", None)
        };
        let once = record(&subject(), "it panicked", Some(&before));
        let twice = record(&subject(), "it took too long", Some(&once));
        assert_eq!(twice.effect(), Effect::Deny);
        let messages: Vec<&str> = twice
            .observations
            .iter()
            .map(|seen| &*seen.message)
            .collect();
        assert_eq!(
            messages,
            [
                "it runs what it downloads",
                "the inspection crashed: it took too long"
            ]
        );
        assert_eq!((twice.revision, twice.complete), (REVISION, false));
    }
}
