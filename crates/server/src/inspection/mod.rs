//! Running inspections, and what they saw. Bounded in number, once per content in this process and,
//! by claims in the database, on all replicas; each in a worker process where there is one. What an
//! inspection sees is the crate `inspect`'s, what comes of it the policy's.
//!
//! Read the modules in this order: what is asked of a worker and what it answers, how one is run, who else
//! is asked, files that are read while they arrive, one inspection from the queue to the record, the record of a crash, what is remembered, and
//! inspections without a gateway.

pub mod protocol;
mod runner;
mod process;
mod thread;
pub mod scanners;
mod along;
mod flight;
mod crash;
mod memory;
mod alone;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{Contents, Inspected};
use portcullis_core::pypi::filename::DistFilename;
use portcullis_store::inspections;
use portcullis_upstream::single_flight::SingleFlight;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::config::InspectionSettings;
use crate::error::FlowError;

pub use alone::{Alone, NotInspected};
pub use along::{Along, Coming, begin as read_along};
pub use memory::{hear, known};
pub use runner::probe;

use along::ReadAlong;
use flight::NoResult;
use memory::Memory;
use runner::Runner;
use scanners::Scanners;

/// What is to be looked into.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The digest of its bytes.
    pub sha256: Sha256,
    /// Its name.
    pub filename: DistFilename,
    /// Its size in bytes.
    pub size: u64,
    /// Where its bytes are.
    pub place: Place,
}

/// Where the bytes of a subject are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Among the blobs.
    Vault,
    /// In a file of scratch space. It is opened before [`look`] waits for anything, so that it may be
    /// removed as soon as that has returned.
    Scratch(PathBuf),
}

/// What came of looking.
#[derive(Clone, Debug)]
pub enum Look {
    /// This is what was seen, now or before. A crash is among it: see [`Inspected::complete`].
    Seen(Arc<Inspected>),
    /// It takes longer than the patience. It goes on in the background and is kept when it ends.
    UnderWay {
        /// When it is worth asking again.
        retry_after: Duration,
    },
    /// It could not be looked into, for a reason that says nothing about the file. Nothing is kept.
    Failed {
        /// Why: one clause for people.
        why: String,
    },
    /// Database or vault do not answer, which will pass.
    Unavailable(FlowError),
}

/// The inspections that are under way, and what is remembered of those that were.
pub struct Inspections {
    settings: InspectionSettings,
    runner: Runner,
    scanners: Scanners,
    along: ReadAlong,
    turns: Arc<Semaphore>,
    queued: AtomicUsize,
    flights: SingleFlight<Sha256, Result<Arc<Inspected>, NoResult>>,
    memory: Memory,
}

impl Inspections {
    /// Nothing is under way and nothing remembered.
    #[must_use]
    pub fn new(settings: &InspectionSettings) -> Self {
        Self {
            settings: settings.clone(),
            runner: Runner::new(settings),
            scanners: Scanners::new(&settings.scanners, settings.workers),
            along: ReadAlong::new(settings.workers),
            turns: Arc::new(Semaphore::new(settings.workers)),
            queued: AtomicUsize::new(0),
            flights: SingleFlight::default(),
            memory: Memory::default(),
        }
    }

    /// How many inspections wait for a turn.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }

    /// Waits for a turn among those that run at once.
    async fn turn(&self) -> OwnedSemaphorePermit {
        let _queued = Queued::enter(&self.queued);
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        turn.expect("the semaphore is never closed")
    }
}

/// One in the queue, for as long as it lives.
struct Queued<'q>(&'q AtomicUsize);

impl<'q> Queued<'q> {
    fn enter(queue: &'q AtomicUsize) -> Self {
        queue.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!("portcullis_inspections_queued").increment(1.0);
        Self(queue)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!("portcullis_inspections_queued").decrement(1.0);
    }
}

/// What there is to see in `subject`: what was seen before, or else what is seen now, for which the caller
/// waits no longer than `patience`. With a patience of zero it is only begun.
pub async fn look(app: &Arc<App>, subject: &Subject, patience: Duration) -> Look {
    match known(app, &subject.sha256).await {
        Ok(Some(seen)) => Look::Seen(seen),
        Ok(None) => look_again(app, subject, patience).await,
        Err(error) => Look::Unavailable(error),
    }
}

/// The same where what was seen before does not count unless it was seen by this revision of the engine
/// and is not to be tried again: for the job that follows a new revision.
pub async fn look_again(app: &Arc<App>, subject: &Subject, patience: Duration) -> Look {
    flight::join(app, subject, patience).await
}

/// What is inside a file that was inspected, for comparing it with another one; `None` where that is not
/// kept.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub async fn contents_of(app: &App, sha256: &Sha256) -> Result<Option<Contents>, FlowError> {
    let kept = inspections::contents(&app.db, sha256).await?;
    Ok(kept.and_then(|packed| protocol::unpack(&packed)))
}
