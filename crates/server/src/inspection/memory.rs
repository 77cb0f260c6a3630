//! What was seen in contents of which somebody has just asked, beside the database, and how it is forgotten
//! when another process has looked anew. What is known of the files of a page is `flow/contents`'.

use std::sync::Arc;

use moka::sync::Cache;
use portcullis_core::digest::Sha256;
use portcullis_core::inspection::Inspected;
use portcullis_store::inspections::{self, Kept};
use tracing::warn;

use crate::app::App;
use crate::error::FlowError;

/// How much memory records may take, in bytes of their JSON.
const CAPACITY: u64 = 32 << 20;

/// Records, by content.
pub(super) struct Memory {
    seen: Cache<Sha256, Remembered>,
}

/// A record and how much it weighs.
#[derive(Clone)]
struct Remembered {
    inspected: Arc<Inspected>,
    weight: u32,
}

impl Default for Memory {
    fn default() -> Self {
        let seen = Cache::builder()
            .weigher(|_, remembered: &Remembered| remembered.weight)
            .max_capacity(CAPACITY)
            .build();
        Self { seen }
    }
}

impl Memory {
    fn recall(&self, sha256: &Sha256) -> Option<Arc<Inspected>> {
        self.seen.get(sha256).map(|remembered| remembered.inspected)
    }

    /// Remembers a record whose JSON has `length` bytes.
    pub(super) fn remember(&self, inspected: &Arc<Inspected>, length: usize) {
        let remembered = Remembered {
            inspected: Arc::clone(inspected),
            weight: u32::try_from(length).unwrap_or(u32::MAX),
        };
        self.seen.insert(inspected.sha256, remembered);
    }

    fn forget(&self, sha256: &Sha256) {
        self.seen.invalidate(sha256);
    }
}

/// What was seen in a content, if anybody has looked into it. Of any revision: what an older one saw counts
/// until it is looked at again.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn known(app: &App, sha256: &Sha256) -> Result<Option<Arc<Inspected>>, FlowError> {
    if let Some(seen) = app.inspections.memory.recall(sha256) {
        return Ok(Some(seen));
    }
    let kept = inspections::find(&app.db, sha256).await?;
    let Some(inspected) = kept.as_ref().and_then(read) else {
        return Ok(None);
    };
    let length = kept.map_or(0, |kept| kept.record.len());
    app.inspections.memory.remember(&inspected, length);
    Ok(Some(inspected))
}

/// A record as it is kept; one that cannot be read any more is as none, and looked for anew.
pub(super) fn read(kept: &Kept) -> Option<Arc<Inspected>> {
    match serde_json::from_str::<Inspected>(&kept.record) {
        Ok(inspected) if inspected.sha256 == kept.sha256 => Some(Arc::new(inspected)),
        Ok(_) => {
            warn!(sha256 = %kept.sha256, "a kept inspection is about something else");
            None
        }
        Err(error) => {
            warn!(sha256 = %kept.sha256, "a kept inspection cannot be read: {error}");
            None
        }
    }
}

/// Forgets what any process has inspected anew since the counter of inspections stood at `since`, and the
/// pages of the projects that it is about.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn hear(app: &App, since: i64) -> Result<(), FlowError> {
    let changed = inspections::changed_since(&app.db, since).await?;
    for sha256 in &changed.contents {
        app.inspections.memory.forget(sha256);
    }
    for project in &changed.projects {
        app.contents.forget(project);
        app.forget_rendered(project);
    }
    Ok(())
}
