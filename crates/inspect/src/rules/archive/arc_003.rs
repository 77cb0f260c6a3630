//! `ARC-003`: the archive can be read in two ways.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, observe_violations};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct TwoReadings;

impl ArchiveRule for TwoReadings {
    fn id(&self) -> &'static str {
        "ARC-003"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "the archive can be read in two ways"
    }

    fn manual(&self) -> &'static str {
        "The archive contradicts itself, names members in a way that systems understand \
         differently, or holds bytes that belong to no member: duplicate names, local headers \
         that differ from the directory, data before, between or behind the members, two end \
         records, names that lead outside, extension headers that override sizes, streams \
         behind the first one.\n\n\
         What one reader inspects and another one installs are then two different things, and \
         whoever made the archive chooses which is which. A second reader has to see the same \
         members as well.\n\n\
         Mistaken for it: archives of rare or old tools. Quirks that cannot hide anything are \
         low. Have the project build the file anew with a current tool."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        observe_violations(self, survey, observations);
    }
}
