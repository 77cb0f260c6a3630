//! What is known beside the pages of sources: what reviewers waived, and what feeds and administrators
//! say. Each part is loaded as a whole from the vault, replaced as a whole when it changes, and asked in
//! memory. Loading is done by those who hear of changes; deciding is `core`.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::fact::{ProjectFacts, ReleaseFacts};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::waiver::Waiver;

/// The parts, each as it is in force.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// The waivers in force, by project.
    pub waivers: ArcSwap<HashMap<ProjectName, Vec<Arc<Waiver>>>>,
}

impl Knowledge {
    /// Puts into `facts` what is known of the project beside its page.
    pub fn of_project(&self, facts: &mut ProjectFacts) {
        let waivers = self.waivers.load();
        facts.waivers = waivers.get(&facts.project).cloned().unwrap_or_default();
    }

    /// Puts into `facts` what is known of one release of `project` beside its page.
    pub fn of_release(&self, project: &ProjectFacts, facts: &mut ReleaseFacts) {
        let _ = (project, facts);
    }
}
