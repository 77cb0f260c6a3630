//! The approvals in force, ready to be asked for one project. Keeping them is the vault's business, what
//! they cover is `core::approval`'s.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::approval::Approved;
use portcullis_core::index::IndexName;
use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_store::approvals::{self, Recorded};
use portcullis_store::{Db, StoreError};

/// What is approved, by index.
#[derive(Debug, Default)]
pub struct Approvals(HashMap<IndexName, OfIndex>);

#[derive(Debug, Default)]
struct OfIndex {
    exact: HashMap<ProjectName, Vec<Arc<Approved>>>,
    prefixes: Vec<Arc<Approved>>,
}

impl Approvals {
    /// What is approved now.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load(db: &Db) -> Result<Self, StoreError> {
        Ok(Self::new(&approvals::in_force(db).await?))
    }

    fn new(recorded: &[Recorded]) -> Self {
        let mut approvals = Self::default();
        for one in recorded {
            let of_index = approvals.0.entry(one.index.clone()).or_default();
            let approved = Arc::new(one.approved());
            match &one.projects {
                NamePattern::Exact(name) => {
                    let of_project = of_index.exact.entry(name.clone()).or_default();
                    of_project.push(approved);
                }
                NamePattern::Prefix(_) => of_index.prefixes.push(approved),
            }
        }
        approvals
    }

    /// What is approved of `project` in `index`.
    pub fn of(&self, index: &IndexName, project: &ProjectName) -> Vec<Arc<Approved>> {
        let Some(of_index) = self.0.get(index) else {
            return Vec::new();
        };
        let exact = of_index.exact.get(project).into_iter().flatten();
        let matching = |approved: &&Arc<Approved>| approved.projects.matches(project);
        let prefixes = of_index.prefixes.iter().filter(matching);
        exact.chain(prefixes).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use portcullis_core::approval::ApprovalOrigin;
    use portcullis_core::time::Timestamp;

    fn recorded(id: i64, index: &str, projects: &str) -> Recorded {
        Recorded {
            id,
            index: index.parse().unwrap(),
            projects: projects.parse().unwrap(),
            specifiers: "".parse().unwrap(),
            files: Vec::new(),
            reason: String::new(),
            origin: ApprovalOrigin::Typed,
            who: String::new(),
            at: Timestamp::from_millis(0),
            removed_at: None,
            removed_by: None,
        }
    }

    #[test]
    fn approvals_are_those_of_the_index_by_name_and_by_prefix() {
        let approvals = Approvals::new(&[
            recorded(1, "main", "acme-ui"),
            recorded(2, "main", "acme-*"),
            recorded(3, "main", "flask"),
            recorded(4, "other", "acme-ui"),
        ]);
        let ids = |index: &str, project: &str| -> Vec<i64> {
            let of = approvals.of(&index.parse().unwrap(), &project.parse().unwrap());
            of.iter().map(|approved| approved.id).collect()
        };
        assert_eq!(ids("main", "acme-ui"), [1, 2]);
        assert_eq!(ids("main", "acme-x"), [2]);
        assert_eq!(ids("main", "Flask"), [3]);
        assert_eq!(ids("other", "acme-ui"), [4]);
        assert!(ids("third", "flask").is_empty() && ids("main", "click").is_empty());
    }
}
