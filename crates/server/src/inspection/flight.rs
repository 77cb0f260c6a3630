//! One inspection, from the queue to the record: a turn among those that run at once, the claim that keeps
//! other replicas from doing the same, the bytes, the worker, and what it saw in the database.

use std::convert::Infallible;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{Contents, Inspected};
use portcullis_inspect::inspection::{Inspection, REVISION};
use portcullis_store::blobs::Finished;
use portcullis_store::claims;
use portcullis_store::inspections::{self, Keeping, Kept, NewInspection};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{debug, warn};

use super::protocol::{self, Request};
use super::runner::Outcome;
use super::scanners::Asked;
use super::{Look, Place, Subject, crash, memory};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::metadata::local_path;

/// How often it is looked whether another replica has finished.
const POLL: Duration = Duration::from_millis(200);

/// How long a claim lasts that is not renewed: shorter than clients are patient, since everybody waits so long for
/// a process that died, and whoever started in its place waits too.
const LEASE: Duration = Duration::from_secs(5);

/// How often a claim is renewed.
const RENEWAL: Duration = Duration::from_millis(1_500);

/// How long keeping a record may take.
const KEEPING: Duration = Duration::from_secs(5);

/// After how long a crash is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// After how long a file is shown again to scanners of which one did not answer.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(15 * 60);

/// What went wrong with an inspection that says nothing about the file.
#[derive(Debug, thiserror::Error)]
enum FlightError {
    /// Database or blobs.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The bytes cannot be opened.
    #[error("its bytes cannot be read: {0}")]
    Bytes(#[from] std::io::Error),
    /// The worker.
    #[error("{0}")]
    Worker(String),
    /// Another replica does not come to an end.
    #[error("another replica has been inspecting it for too long")]
    Elsewhere,
}

/// Why there is no result that could be shared among those who wait.
#[derive(Clone, Debug)]
pub(super) enum NoResult {
    /// For a reason that says nothing about the file: one clause for people.
    Failed(String),
    /// Database or vault do not answer.
    Unavailable(FlowError),
}

impl From<portcullis_store::StoreError> for FlightError {
    fn from(error: portcullis_store::StoreError) -> Self {
        Self::Flow(error.into())
    }
}

/// The inspection of `subject` that is under way, or a new one; the caller waits for it no longer than
/// `patience`.
pub(super) async fn join(app: &Arc<App>, subject: &Subject, patience: Duration) -> Look {
    let opened = match &subject.place {
        Place::Vault => Ok(None),
        // It may be gone as soon as the caller has stopped waiting.
        Place::Scratch(path) => File::open(path).map(Some),
    };
    let file = match opened {
        Ok(file) => file,
        Err(error) => {
            let why = FlightError::Bytes(error).to_string();
            return Look::Failed { why };
        }
    };
    let inspection = {
        let (app, subject) = (Arc::clone(app), subject.clone());
        || async move { inspect_once(&app, &subject, file).await }
    };
    let flights = &app.inspections.flights;
    let waiting = flights.run(subject.sha256, inspection);
    match tokio::time::timeout(patience, waiting).await {
        Ok(Ok(Ok(seen))) => Look::Seen(seen),
        Ok(Ok(Err(NoResult::Failed(why)))) => Look::Failed { why },
        Ok(Ok(Err(NoResult::Unavailable(error)))) => Look::Unavailable(error),
        Ok(Err(lost)) => Look::Failed {
            why: lost.to_string(),
        },
        Err(_) => Look::UnderWay {
            retry_after: retry_after(app),
        },
    }
}

/// When it is worth asking again: most inspections take well under a second, so what counts is the queue.
fn retry_after(app: &App) -> Duration {
    let settings = &app.inspections.settings;
    let rounds = app.inspections.queued() / settings.workers;
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    let queue = Duration::from_secs(1).saturating_mul(rounds);
    (Duration::from_secs(2) + queue).min(Duration::from_secs(60))
}

async fn inspect_once(
    app: &Arc<App>,
    subject: &Subject,
    file: Option<File>,
) -> Result<Arc<Inspected>, NoResult> {
    let result = obtain(app, subject, file).await;
    result.map_err(|error| {
        let filename = subject.filename.as_str();
        warn!(filename, "{filename} could not be inspected: {error}");
        count("failed");
        match error {
            FlightError::Flow(error) if error.is_outage_of_ours() => NoResult::Unavailable(error),
            other => NoResult::Failed(other.to_string()),
        }
    })
}

fn count(result: &'static str) {
    metrics::counter!("portcullis_inspections_total", "result" => result).increment(1);
}

/// What there is to see, seen here or by another replica.
async fn obtain(
    app: &Arc<App>,
    subject: &Subject,
    file: Option<File>,
) -> Result<Arc<Inspected>, FlightError> {
    let longest = 3 * longest(app);
    let begun = Instant::now();
    loop {
        let turn = app.inspections.turn().await;
        if claim(app, &subject.sha256).await? {
            let claimed = Claimed { app, subject };
            return tokio::select! {
                done = claimed.inspect(file, turn) => done,
                never = renew(app, &subject.sha256) => match never {},
            };
        }
        drop(turn);
        if begun.elapsed() > longest {
            return Err(FlightError::Elsewhere);
        }
        tokio::time::sleep(POLL).await;
        if let Some(seen) = current(app, &subject.sha256).await? {
            return Ok(seen);
        }
    }
}

/// How long an inspection may take, with everything that belongs to it.
fn longest(app: &App) -> Duration {
    app.inspections.settings.time + app.inspections.scanners.time() + KEEPING
}

async fn claim(app: &App, sha256: &Sha256) -> Result<bool, FlightError> {
    let now = app.now();
    let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    let key = (sha256, app.holder.as_str());
    Ok(claims::claim(&app.db, key, now.plus_millis(lease), now).await?)
}

/// Keeps a claim for as long as it is polled.
async fn renew(app: &App, sha256: &Sha256) -> Infallible {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match claim(app, sha256).await {
            Ok(true) => {}
            // The one that is kept first stands, and the other is the same.
            Ok(false) => warn!("another replica has taken an inspection over"),
            Err(error) => warn!("a claim to an inspection was not renewed: {error}"),
        }
    }
}

/// What this revision or a later one has seen, unless it is time to try again.
async fn current(app: &App, sha256: &Sha256) -> Result<Option<Arc<Inspected>>, FlightError> {
    let kept = inspections::find(&app.db, sha256).await?;
    let now = app.now();
    let is_current = |kept: &Kept| {
        let is_due = kept.again_at.is_some_and(|again_at| again_at <= now);
        kept.revision >= REVISION && !is_due
    };
    Ok(kept.filter(is_current).as_ref().and_then(memory::read))
}

/// The bytes of a subject, which are opened when somebody wants them.
struct Bytes {
    file: Option<File>,
    /// What they were copied to, where the vault is not on this machine.
    scratch: Option<Finished>,
}

impl Bytes {
    async fn open(&mut self, claimed: &Claimed<'_>) -> Result<File, FlightError> {
        if let Some(file) = &self.file {
            return Ok(file.try_clone()?);
        }
        let (file, scratch) = claimed.open_in_vault().await?;
        let shared = file.try_clone()?;
        (self.file, self.scratch) = (Some(file), scratch);
        Ok(shared)
    }
}

/// An inspection that no other replica does.
struct Claimed<'f> {
    app: &'f Arc<App>,
    subject: &'f Subject,
}

impl Claimed<'_> {
    async fn inspect(
        &self,
        file: Option<File>,
        turn: OwnedSemaphorePermit,
    ) -> Result<Arc<Inspected>, FlightError> {
        let done = match current(self.app, &self.subject.sha256).await? {
            Some(seen) => Ok(seen),
            None => self.run(file, turn).await,
        };
        // Keeping a record has ended the claim already, unless the record was another replica's.
        self.release().await;
        done
    }

    async fn release(&self) {
        let key = (&self.subject.sha256, self.app.holder.as_str());
        if let Err(error) = claims::release(&self.app.db, key).await {
            warn!("a claim to an inspection lasts until it runs out: {error}");
        }
    }

    async fn run(
        &self,
        file: Option<File>,
        turn: OwnedSemaphorePermit,
    ) -> Result<Arc<Inspected>, FlightError> {
        let begun = Instant::now();
        let mut bytes = Bytes {
            file,
            scratch: None,
        };
        let outcome = match self.read_along().await {
            Some(outcome) => {
                drop(turn);
                outcome
            }
            None => {
                let file = bytes.open(self).await?;
                let request = self.request();
                let runner = &self.app.inspections.runner;
                self.checked(runner.run(file, &request, turn).await)
            }
        };
        let took = begun.elapsed();
        metrics::histogram!("portcullis_inspection_seconds").record(took.as_secs_f64());
        let filename = self.subject.filename.as_str();
        debug!(filename, "{filename} was inspected in {took:?}");
        match outcome {
            Outcome::Seen(inspection) => {
                let mut inspection = *inspection;
                let again_after = match self.app.inspections.scanners.is_empty() {
                    true => None,
                    false => {
                        let file = bytes.open(self).await?;
                        self.consult(file, &mut inspection.inspected).await
                    }
                };
                self.keep_seen(inspection, again_after).await
            }
            Outcome::Crashed(why) => self.keep_crash(&why).await,
            Outcome::Failed(why) => Err(FlightError::Worker(why)),
        }
    }

    /// What a worker saw that has read the bytes while they arrived.
    async fn read_along(&self) -> Option<Outcome> {
        let inspections = &self.app.inspections;
        let along = inspections.along.take(&self.subject.sha256)?;
        let outcome = along.finish(inspections.settings.time).await;
        let seen = outcome.map(|outcome| self.checked(outcome));
        let seen = seen.filter(|outcome| matches!(outcome, Outcome::Seen(_)));
        let came_to = if seen.is_some() { "used" } else { "lost" };
        metrics::counter!("portcullis_read_along_total", "outcome" => came_to).increment(1);
        seen
    }

    /// Asks the other scanners, and says after how long they are to be asked again.
    async fn consult(&self, file: File, inspected: &mut Inspected) -> Option<Duration> {
        let asked = Asked {
            filename: self.subject.filename.as_str(),
            sha256: self.subject.sha256,
        };
        let scanners = &self.app.inspections.scanners;
        let folder = Some(&*self.app.config.data);
        let failures = scanners.consult(file, folder, asked, inspected).await;
        (!failures.is_empty()).then_some(ASK_AGAIN_AFTER)
    }

    /// The bytes on this machine, and what they were copied to.
    async fn open_in_vault(&self) -> Result<(File, Option<Finished>), FlightError> {
        let blobs = &self.app.blobs;
        let blob = blobs.open_for_inspection(&self.subject.sha256).await;
        let (path, scratch) = local_path(self.app, blob.map_err(FlowError::from)?).await?;
        Ok((File::open(path)?, scratch))
    }

    fn request(&self) -> Request {
        let filename = &self.subject.filename;
        let settings = &self.app.inspections.settings;
        Request::new(filename.as_str(), filename.project(), settings)
    }

    /// A worker may say anything: what it says must be about these bytes.
    fn checked(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Seen(inspection)
                if inspection.inspected.sha256 != self.subject.sha256
                    || inspection.inspected.revision != REVISION =>
            {
                Outcome::Crashed("it answered about something else".to_owned())
            }
            outcome => outcome,
        }
    }

    async fn keep_seen(
        &self,
        inspection: Inspection,
        again_after: Option<Duration>,
    ) -> Result<Arc<Inspected>, FlightError> {
        count(match inspection.inspected.complete {
            true => "complete",
            false => "incomplete",
        });
        let Inspection {
            inspected,
            contents,
        } = inspection;
        self.keep(inspected, Some(contents), again_after).await
    }

    async fn keep_crash(&self, why: &str) -> Result<Arc<Inspected>, FlightError> {
        count("crashed");
        let filename = self.subject.filename.as_str();
        warn!(filename, "the inspection of {filename} crashed: {why}");
        let before = inspections::find(&self.app.db, &self.subject.sha256).await?;
        let before = before.as_ref().and_then(memory::read);
        let record = crash::record(self.subject, why, before.as_deref());
        self.keep(record, None, Some(AGAIN_AFTER)).await
    }

    async fn keep(
        &self,
        inspected: Inspected,
        contents: Option<Contents>,
        again_after: Option<Duration>,
    ) -> Result<Arc<Inspected>, FlightError> {
        let inspected = Arc::new(inspected);
        let written = Arc::clone(&inspected);
        let writing = tokio::task::spawn_blocking(move || {
            let record = serde_json::to_string(&*written).expect("texts and numbers are JSON");
            (record, contents.as_ref().and_then(protocol::pack))
        });
        let (record, contents) = writing.await.map_err(|_| FlowError::Stopping)?;
        let now = self.app.now();
        let new = NewInspection {
            sha256: self.subject.sha256,
            revision: inspected.revision,
            complete: inspected.complete,
            effect: inspected.effect(),
            findings: inspected.observations.len(),
            record: &record,
            contents: contents.as_deref(),
            again_at: again_after
                .map(|after| now.plus_millis(i64::try_from(after.as_millis()).unwrap_or(i64::MAX))),
        };
        match inspections::keep(&self.app.db, &new, now).await? {
            Keeping::Kept => {
                self.app
                    .inspections
                    .memory
                    .remember(&inspected, record.len());
                Ok(inspected)
            }
            Keeping::Outdone => {
                let kept = memory::known(self.app, &self.subject.sha256).await?;
                Ok(kept.unwrap_or(inspected))
            }
        }
    }
}
