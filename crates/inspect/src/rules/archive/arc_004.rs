//! `ARC-004`: RECORD does not describe the wheel.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, observe_violations};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct Record;

impl ArchiveRule for Record {
    fn id(&self) -> &'static str {
        "ARC-004"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "RECORD does not describe the wheel"
    }

    fn manual(&self) -> &'static str {
        "RECORD, the list of a wheel's files with their hashes, is missing, leaves files out, \
         lists files that are not there, or gives other hashes or sizes.\n\n\
         A file that was put into a wheel after it was built shows here, unless RECORD was \
         written anew.\n\n\
         Mistaken for it: wheels that were edited by hand, and wheels of old tools. Compare the \
         file with the one in the sdist."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        observe_violations(self, survey, observations);
    }
}
