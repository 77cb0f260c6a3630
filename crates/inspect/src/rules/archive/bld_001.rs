//! `BLD-001`: the build runs a backend out of the sdist itself.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct InTreeBackend;

impl ArchiveRule for InTreeBackend {
    fn id(&self) -> &'static str {
        "BLD-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "the build runs a backend out of the sdist itself"
    }

    fn manual(&self) -> &'static str {
        "`pyproject.toml` names a `build-backend` that is imported from folders of the sdist \
         (`backend-path`, PEP 517): building runs the project's own code.\n\n\
         That is legitimate and common among build tools. What that code does is inspected as \
         Python that runs at installation; here only folders that leave the sdist are more than \
         information."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        if survey.is_wheel() {
            return;
        }
        let Some((file, _)) = survey.document("pyproject.toml") else {
            return;
        };
        for folder in survey.build_system().backend_path {
            let leaves = folder.starts_with(['/', '\\'])
                || folder.split(['/', '\\']).any(|part| part == "..");
            let severity = if leaves {
                Severity::High
            } else {
                Severity::Info
            };
            let shown: String = folder
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect();
            let message = format!("the build backend is imported from {shown:?}");
            let seen = Seen::file(file).marked(&folder);
            observations.push(seen.observe(self, severity, 95, message));
        }
    }
}
