//! What is known of the bytes of files: looked up for a project's page, and learned before a file is
//! cleared. Looking itself is [`crate::inspection`]'s, and what it means the policy's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use portcullis_core::digest::Sha256;
use portcullis_core::index::SourceName;
use portcullis_core::inspection::{ContentFacts, Inspected, Knowledge};
use portcullis_core::pypi::name::ProjectName;
use portcullis_store::comparisons::{self, Comparison, ComparisonKind};
use portcullis_store::inspections;
use portcullis_upstream::single_flight::SingleFlight;
use tokio::sync::Semaphore;
use tracing::warn;

use crate::app::App;
use crate::error::FlowError;
use crate::flow::fetch::FileKey;
use crate::source_page::SourcePage;

mod learn;
mod beside;
mod ahead;
mod news;

pub use ahead::look_ahead;
pub use learn::{Upload, learn, learn_of_upload};
pub use news::{Finding, KIND, tell};

/// How many projects' files are remembered.
const PROJECTS: u64 = 20_000;

/// How long it is relied on that there is nothing more to learn of a file: what it is compared with may come
/// later.
const LEARNED: Duration = Duration::from_secs(60);

/// What is remembered of the bytes of files, by project.
pub struct Contents {
    known: Cache<(SourceName, ProjectName), Arc<Seen>>,
    /// Files that are being learned of.
    flights: SingleFlight<FileKey, Result<ContentFacts, FlowError>>,
    /// What was learned a moment ago.
    learned: Cache<(FileKey, Sha256), ContentFacts>,
    /// Files that were looked at ahead a moment ago.
    ahead: Cache<Sha256, ()>,
    /// For looking ahead.
    turns: Arc<Semaphore>,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            known: Cache::new(PROJECTS),
            ahead: Cache::builder()
                .max_capacity(PROJECTS)
                .time_to_live(ahead::LEFT_ALONE)
                .build(),
            flights: SingleFlight::default(),
            learned: Cache::builder()
                .max_capacity(PROJECTS)
                .time_to_live(LEARNED)
                .build(),
            turns: Arc::new(Semaphore::new(ahead::AT_ONCE)),
        }
    }
}

impl Contents {
    /// Forgets what was remembered of a project's files, because something was learned of them.
    pub fn forget(&self, project: &ProjectName) {
        for (key, _) in &self.known {
            if key.1 == *project {
                self.known.invalidate(&*key);
            }
        }
        for (key, _) in &self.learned {
            if key.0.1 == *project {
                self.learned.invalidate(&*key);
            }
        }
    }

    /// Forgets everything, because it is not known what changed.
    pub fn forget_all(&self) {
        self.known.invalidate_all();
        self.learned.invalidate_all();
    }
}

/// What was seen in the files of a project, by the digest of their bytes.
#[derive(Debug, Default)]
pub struct Seen(HashMap<Sha256, ContentFacts>);

impl Seen {
    /// What is known of these bytes, if anybody has looked into them.
    pub fn of(&self, sha256: &Sha256) -> Option<&ContentFacts> {
        self.0.get(sha256)
    }

    /// All of it.
    pub fn iter(&self) -> impl Iterator<Item = (&Sha256, &ContentFacts)> {
        self.0.iter()
    }
}

/// What was seen in the files of a page so far: two queries for each project, then from memory.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn known(app: &App, page: &SourcePage) -> Result<Arc<Seen>, FlowError> {
    let key = (page.origin.source.clone(), page.page.name.clone());
    if let Some(known) = app.contents.known.get(&key) {
        return Ok(known);
    }
    let (source, project) = (key.0.as_str(), &key.1);
    let mut seen = Seen::default();
    for kept in inspections::of_project(&app.db, source, project).await? {
        match serde_json::from_str::<Inspected>(&kept.record) {
            Ok(inspected) => {
                let facts = ContentFacts {
                    inspection: Knowledge::of(Arc::new(inspected)),
                    ..ContentFacts::default()
                };
                seen.0.insert(kept.sha256, facts);
            }
            // It is looked at again when it is next asked for.
            Err(error) => warn!(sha256 = %kept.sha256, "a kept inspection cannot be read: {error}"),
        }
    }
    if !seen.0.is_empty() {
        for compared in comparisons::of_project(&app.db, source, project).await? {
            if let Some(facts) = seen.0.get_mut(&compared.sha256) {
                add(facts, &compared);
            }
        }
    }
    let seen = Arc::new(seen);
    app.contents.known.insert(key, Arc::clone(&seen));
    Ok(seen)
}

/// Adds what a kept comparison says; one that cannot be read is as if it had not been made.
fn add(facts: &mut ContentFacts, compared: &Comparison) {
    let unreadable = |error: serde_json::Error| {
        warn!(
            filename = compared.filename,
            "a kept comparison cannot be read: {error}"
        );
    };
    match compared.kind {
        ComparisonKind::Before => match serde_json::from_str(&compared.record) {
            Ok(changes) => facts.since = Knowledge::of(Arc::new(changes)),
            Err(error) => unreadable(error),
        },
        ComparisonKind::Sdist => match serde_json::from_str(&compared.record) {
            Ok(differences) => facts.sdist = Knowledge::of(Arc::new(differences)),
            Err(error) => unreadable(error),
        },
    }
}
