//! `META-004`: the version is higher than any project needs.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct HighVersion;

impl ArchiveRule for HighVersion {
    fn id(&self) -> &'static str {
        "META-004"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn title(&self) -> &'static str {
        "the version is higher than any project needs"
    }

    fn manual(&self) -> &'static str {
        "The first number of the version is 90 or more and no year.\n\n\
         Whoever wants to be installed instead of a private project of the same name takes a \
         version above all others. By itself this is information."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let Some(version) = survey.filename.version() else {
            return;
        };
        let first = version.release().first().copied().unwrap_or_default();
        let is_year = (1990..=2100).contains(&first) || (19_900_000..=21_001_231).contains(&first);
        if first >= 90 && !is_year {
            let message = format!("version {version}");
            let seen = Seen::file(survey.filename.as_str()).marked("version");
            observations.push(seen.observe(self, Severity::Info, 50, message));
        }
    }
}
