//! What is known beside the pages of sources: what reviewers waived, and what feeds and administrators
//! say. Each part is loaded as a whole from the vault, replaced as a whole when it changes, and asked in
//! memory. Loading is done by those who hear of changes; deciding is `core`.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use portcullis_core::advisory::AdvisoryIndex;
use portcullis_core::fact::{Fact, ProjectFacts, ReleaseFacts};
use portcullis_core::index::OwnedNames;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::quarantine::Quarantine;
use portcullis_core::ruling::Ruling;
use portcullis_core::similarity::{LocalUse, PopularNames, Similarity, WellKnown};
use portcullis_core::waiver::Waiver;
use portcullis_store::{Db, StoreError, quarantines};

use crate::approvals::Approvals;
use crate::feeds::FeedsKnown;

/// The parts, each as it is in force.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// The waivers in force, by project.
    pub waivers: ArcSwap<HashMap<ProjectName, Vec<Arc<Waiver>>>>,
    /// What reviewers denied and still deny, by project.
    pub rulings: ArcSwap<HashMap<ProjectName, Vec<Arc<Ruling>>>>,
    /// What is in quarantine, by project.
    pub quarantines: ArcSwap<HashMap<ProjectName, Vec<Arc<Quarantine>>>>,
    /// What is approved for each index; absent while it was never loaded.
    pub approvals: ArcSwapOption<Approvals>,
    /// What feeds said last: advisories and popular names.
    pub feeds: ArcSwap<FeedsKnown>,
    /// What a name may resemble: popular projects and what is owned.
    pub similarity: ArcSwap<Similarity>,
}

impl Knowledge {
    /// Loads what is in quarantine.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; what was loaded before stays in force.
    pub async fn load_quarantines(&self, db: &Db) -> Result<(), StoreError> {
        let mut by_project: HashMap<ProjectName, Vec<Arc<Quarantine>>> = HashMap::new();
        for recorded in quarantines::in_force(db).await? {
            let quarantine = Arc::new(recorded.quarantine());
            let of_project = by_project.entry(recorded.project).or_default();
            of_project.push(quarantine);
        }
        self.quarantines.store(Arc::new(by_project));
        Ok(())
    }

    /// Loads what is approved.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; what was loaded before stays in force.
    pub async fn load_approvals(&self, db: &Db) -> Result<(), StoreError> {
        let approvals = Approvals::load(db).await?;
        self.approvals.store(Some(Arc::new(approvals)));
        Ok(())
    }

    /// Compares names with these owned ones from now on.
    pub fn protect(&self, owned: &OwnedNames) {
        self.similarity
            .rcu(|before| before.with_owned(owned.patterns().cloned()));
    }

    /// Compares names with these popular ones from now on, or with the embedded list where there are none;
    /// and with what is used here day by day.
    pub fn know_popular(&self, popular: Option<&PopularNames>, used_here: &[LocalUse]) {
        let known = match (popular, used_here) {
            (None, []) => WellKnown::embedded(),
            (popular, used_here) => {
                let names = popular.cloned().unwrap_or_else(PopularNames::embedded);
                Arc::new(WellKnown::new(&names.blended(used_here)))
            }
        };
        self.similarity
            .rcu(|before| before.with_well_known(Arc::clone(&known)));
    }

    /// The advisories by project; `None` when none were ever loaded.
    pub fn advisories(&self) -> Option<Arc<AdvisoryIndex>> {
        let feeds = self.feeds.load();
        feeds
            .advisories
            .as_ref()
            .map(|known| Arc::clone(&known.index))
    }

    /// Whether everybody knows this name.
    pub fn is_popular(&self, name: &ProjectName) -> bool {
        self.similarity.load().is_popular(name)
    }

    /// Puts into `facts` what is known of the project beside its page.
    pub fn of_project(&self, facts: &mut ProjectFacts) {
        let waivers = self.waivers.load();
        facts.waivers = waivers.get(&facts.project).cloned().unwrap_or_default();
        let rulings = self.rulings.load();
        facts.rulings = rulings.get(&facts.project).cloned().unwrap_or_default();
        let quarantines = self.quarantines.load();
        let quarantines = quarantines.get(&facts.project).cloned();
        facts.quarantines = quarantines.unwrap_or_default();
        if let Some(approvals) = &*self.approvals.load() {
            facts.approvals = Fact::Known(approvals.of(&facts.index, &facts.project));
        }
        let resemblance = self.similarity.load().look(&facts.project);
        facts.resemblance = Fact::Known(resemblance.map(Arc::new));
    }

    /// Puts into `facts` what is known of one release of `project` beside its page.
    pub fn of_release(&self, project: &ProjectFacts, facts: &mut ReleaseFacts) {
        match self.feeds.load().advisories() {
            Fact::Known(known) => known.index.tell(project, facts),
            Fact::Unknown(why) => {
                facts.advisories = Fact::Unknown(why.clone());
                facts.fixes = Fact::Unknown(why);
            }
        }
    }
}
