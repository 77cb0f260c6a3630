//! The owned and prohibited names as they are in force: loaded from the vault, asked in memory.

use portcullis_core::fact::Prohibition;
use portcullis_core::index::{OwnedBy, OwnedNames, Ownership};
use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_store::{Db, StoreError, names};

/// Names in force.
#[derive(Debug, Default)]
pub struct Names {
    /// What is owned.
    pub owned: OwnedNames,
    prohibited: Vec<(NamePattern, Prohibition)>,
}

impl Names {
    /// Loads what is in force now.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load(db: &Db) -> Result<Self, StoreError> {
        Self::load_beside(db, &[]).await
    }

    /// Loads what is in force now, and what the configuration owns as well, whether or not a server
    /// has written that down yet.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    pub async fn load_beside(db: &Db, configured: &[NamePattern]) -> Result<Self, StoreError> {
        let owned = names::owned(db).await?;
        let configured = configured.iter().map(|pattern| Ownership {
            pattern: pattern.clone(),
            origin: OwnedBy::Config,
            since: None,
        });
        let prohibited = names::prohibited(db).await?.into_iter().map(|prohibited| {
            let pattern = prohibited.pattern.to_string();
            let reason = prohibited.reason.into();
            (
                prohibited.pattern,
                Prohibition {
                    pattern: pattern.into(),
                    reason,
                },
            )
        });
        Ok(Self {
            owned: OwnedNames::new(
                owned
                    .iter()
                    .map(names::OwnedName::ownership)
                    .chain(configured),
            ),
            prohibited: prohibited.collect(),
        })
    }

    /// What the configuration owns, and nothing else.
    pub fn configured(patterns: &[NamePattern]) -> Self {
        let owned = patterns.iter().map(|pattern| Ownership {
            pattern: pattern.clone(),
            origin: OwnedBy::Config,
            since: None,
        });
        Self {
            owned: OwnedNames::new(owned),
            prohibited: Vec::new(),
        }
    }

    /// Why `project` is prohibited, if it is.
    pub fn prohibition(&self, project: &ProjectName) -> Option<Prohibition> {
        let found = self
            .prohibited
            .iter()
            .find(|(pattern, _)| pattern.matches(project));
        found.map(|(_, prohibition)| prohibition.clone())
    }
}
