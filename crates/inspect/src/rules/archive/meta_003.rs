//! `META-003`: the project says nothing about itself.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct NoDescription;

impl ArchiveRule for NoDescription {
    fn id(&self) -> &'static str {
        "META-003"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn title(&self) -> &'static str {
        "the project says nothing about itself"
    }

    fn manual(&self) -> &'static str {
        "Neither a summary nor a description.\n\n\
         Projects made in a hurry to be installed by mistake have none. Many honest first \
         releases have none either, so that by itself this is information."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let Some((file, metadata)) = survey.metadata() else {
            return;
        };
        if metadata.description.is_none() && metadata.summary.is_none() {
            let message = "neither summary nor description".to_owned();
            observations.push(Seen::file(file).observe(self, Severity::Info, 50, message));
        }
    }
}
