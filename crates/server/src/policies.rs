//! The policies in force, one for each index, read again when their file changes. A policy with
//! mistakes never replaces one without.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use portcullis_core::index::IndexName;
use portcullis_core::policy::Policy;
use portcullis_core::settings::Mistakes;

use crate::config::Config;

/// Why a policy could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has mistakes.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
}

/// The policies of all indexes.
#[derive(Debug)]
pub struct Policies {
    by_index: BTreeMap<IndexName, Entry>,
}

#[derive(Debug)]
struct Entry {
    file: Option<PathBuf>,
    policy: ArcSwap<Policy>,
}

/// What a look at the files came to.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// The policies that are in force from now on.
    pub loaded: Vec<(IndexName, Arc<Policy>)>,
    /// The files that could not be used; the policies before them stay in force.
    pub failed: Vec<(IndexName, PolicyError)>,
}

impl Policies {
    /// Loads the policy of every index.
    ///
    /// # Errors
    /// [`PolicyError`] for the first policy that cannot be used: a gateway does not start with less
    /// than what its operator wrote.
    pub fn load(config: &Config) -> Result<Self, PolicyError> {
        let mut by_index = BTreeMap::new();
        for (name, index) in &config.indexes {
            let policy = match &index.policy {
                Some(file) => read(file)?,
                None => Policy::built_in(),
            };
            let policy = ArcSwap::from_pointee(policy);
            by_index.insert(
                name.clone(),
                Entry {
                    file: index.policy.clone(),
                    policy,
                },
            );
        }
        Ok(Self { by_index })
    }

    /// The policy of an index.
    pub fn of(&self, index: &IndexName) -> Option<Arc<Policy>> {
        self.by_index
            .get(index)
            .map(|entry| entry.policy.load_full())
    }

    /// All policies with their indexes.
    pub fn all(&self) -> impl Iterator<Item = (&IndexName, Arc<Policy>)> {
        self.by_index
            .iter()
            .map(|(index, entry)| (index, entry.policy.load_full()))
    }

    /// Whether any of them has rules that look into files.
    pub fn look_inside(&self) -> bool {
        self.all().any(|(_, policy)| policy.looks_inside())
    }

    /// The policy files that are in use.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = self
            .by_index
            .values()
            .filter_map(|entry| entry.file.clone())
            .collect();
        files.sort();
        files.dedup();
        files
    }

    /// Reads every file again, and puts into force those policies that differ and have no mistakes.
    pub fn reload(&self) -> Reloaded {
        let mut reloaded = Reloaded::default();
        for (index, entry) in &self.by_index {
            let Some(file) = &entry.file else { continue };
            match read(file) {
                Ok(policy) if policy.digest() == entry.policy.load().digest() => {}
                Ok(policy) => {
                    let policy = Arc::new(policy);
                    entry.policy.store(Arc::clone(&policy));
                    reloaded.loaded.push((index.clone(), policy));
                }
                Err(error) => reloaded.failed.push((index.clone(), error)),
            }
        }
        reloaded
    }
}

fn read(file: &Path) -> Result<Policy, PolicyError> {
    let unreadable = |source| PolicyError::Unreadable {
        path: file.to_path_buf(),
        source,
    };
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    let name = file
        .file_name()
        .map_or_else(|| "policy".into(), |name| name.to_string_lossy());
    Ok(Policy::parse(&name, &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;

    #[test]
    fn a_policy_with_mistakes_never_replaces_one_without() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("policy.toml");
        std::fs::write(&file, "[rules.too-young]\ndays = 5\n").expect("written");
        let text =
            "[sources.a]\nkind = 'hosted'\n[indexes.main]\nsources = 'a'\npolicy = 'policy.toml'";
        let path = folder.path().join("portcullis.toml");
        let config = Config::parse(text, &path, &Overrides::default()).expect("sound");
        let policies = Policies::load(&config).expect("sound");
        let index = config.default_index.clone();
        let before = policies.of(&index).expect("a policy").digest();

        std::fs::write(&file, "[rules.too-young]\ndays = 'five'\n").expect("written");
        let reloaded = policies.reload();
        assert_eq!((reloaded.loaded.len(), reloaded.failed.len()), (0, 1));
        assert_eq!(policies.of(&index).expect("a policy").digest(), before);

        std::fs::write(&file, "[rules.too-young]\ndays = 6\n").expect("written");
        let reloaded = policies.reload();
        assert_eq!((reloaded.loaded.len(), reloaded.failed.len()), (1, 0));
        assert_ne!(policies.of(&index).expect("a policy").digest(), before);
        assert!(policies.reload().loaded.is_empty());
    }
}
