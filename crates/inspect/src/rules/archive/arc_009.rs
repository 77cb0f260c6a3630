//! `ARC-009`: a member is dangerous to unpack.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, observe_violations};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct DangerousMember;

impl ArchiveRule for DangerousMember {
    fn id(&self) -> &'static str {
        "ARC-009"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a member is dangerous to unpack"
    }

    fn manual(&self) -> &'static str {
        "Links that leave the archive's folder, devices, programs that run as their owner, \
         sparse files, and archives that inflate to far more than they are.\n\n\
         Unpackers have followed such links and written outside; bombs fill disks.\n\n\
         Mistaken for it: sdists with large test data, and links to a folder beside the \
         project's."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        observe_violations(self, survey, observations);
    }
}
