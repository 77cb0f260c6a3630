//! `ARC-012`: a part of the archive was not inspected.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, observe_violations};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct NotInspected;

impl ArchiveRule for NotInspected {
    fn id(&self) -> &'static str {
        "ARC-012"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "a part of the archive was not inspected"
    }

    fn manual(&self) -> &'static str {
        "Something could not be read, or is beyond the limits: an encrypted member, an unknown \
         method, a bomb, more Python than is kept.\n\n\
         What nobody could look at is not clean; it is unknown, and the whole counts as not \
         inspected.\n\n\
         Raise the limits when the project really is that large."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        observe_violations(self, survey, observations);
    }
}
