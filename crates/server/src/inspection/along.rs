//! Reading along: a worker that is started when a large file begins to arrive, and inflates and hashes it on
//! the way, so that little is left to do when the last byte is there. It has no turn among those that run at
//! once until then, and is only ever ahead of the usual way: whatever keeps it from coming to its end, the
//! file is there afterwards, and is looked into from its start.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tracing::debug;

use super::process::Reading;
use super::protocol::{ArrivingFile, Request};
use super::runner::Outcome;
use crate::app::App;

/// From how many bytes on it is worth it.
const LARGE: u64 = 1 << 20;

/// How long a worker whose file has arrived waits for being asked about it. Nobody may ever do so: the index
/// may have a policy that does not look into files.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file that begins to arrive.
pub struct Coming<'a> {
    /// Its name.
    pub filename: &'a str,
    /// The project that it belongs to.
    pub project: &'a ProjectName,
    /// The digest that its page announces.
    pub announced: Option<Sha256>,
    /// How many bytes it will have.
    pub total: u64,
    /// The scratch file that it arrives in.
    pub path: PathBuf,
    /// How many bytes are in there; closed when there will be no more.
    pub progress: watch::Receiver<u64>,
}

/// A worker that reads along. It ends when this is dropped.
pub struct Along {
    reading: JoinHandle<Result<Reading, String>>,
    _place: OwnedSemaphorePermit,
}

/// The workers that read along.
pub(super) struct ReadAlong {
    places: Arc<Semaphore>,
    /// Those whose file has arrived, by its digest, until somebody asks about it.
    arrived: Mutex<HashMap<Sha256, Along>>,
}

impl ReadAlong {
    /// At most `places` at once.
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            arrived: Mutex::default(),
        }
    }

    fn put(&self, sha256: Sha256, along: Along) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.insert(sha256, along);
    }

    /// The worker that has read these bytes along.
    pub(super) fn take(&self, sha256: &Sha256) -> Option<Along> {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.remove(sha256)
    }
}

/// Starts a worker that reads a file along, where files are inspected in processes, some policy looks into
/// them, there is a place for one, and the file is large and was not seen before.
pub async fn begin(app: &Arc<App>, coming: Coming<'_>) -> Option<Along> {
    let is_large = coming.total >= LARGE;
    let is_distribution = DistFilename::parse(coming.filename, Some(coming.project)).is_ok();
    if !is_large || !is_distribution || !app.policies.look_inside() {
        return None;
    }
    if let Some(sha256) = &coming.announced
        && !matches!(super::known(app, sha256).await, Ok(None))
    {
        return None;
    }
    app.inspections.runner.workers()?;
    let place = Arc::clone(&app.inspections.along.places).try_acquire_owned();
    let settings = &app.inspections.settings;
    let request = Request {
        arriving: Some(ArrivingFile {
            path: coming.path,
            total: coming.total,
        }),
        ..Request::new(coming.filename, Some(coming.project), settings)
    };
    Some(Along {
        reading: tokio::spawn(read_along(Arc::clone(app), request, coming.progress)),
        _place: place.ok()?,
    })
}

async fn read_along(
    app: Arc<App>,
    request: Request,
    mut progress: watch::Receiver<u64>,
) -> Result<Reading, String> {
    let workers = app.inspections.runner.workers();
    let workers = workers.ok_or("inspections are not run in processes")?;
    let mut reading = workers.begin(&request).await?;
    while progress.changed().await.is_ok() {
        let so_far = *progress.borrow_and_update();
        reading.tell_so_far(so_far).await?;
    }
    Ok(reading)
}

impl Along {
    /// The file has arrived, and these are its bytes. Whoever asks about them within some seconds has what
    /// was read along.
    pub fn arrived(self, app: &Arc<App>, sha256: Sha256) {
        app.inspections.along.put(sha256, self);
        let app = Arc::clone(app);
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            drop(app.inspections.along.take(&sha256));
        });
    }

    /// What the worker says of the whole file, for which `time` is left; `None` where it does not come to its
    /// end.
    pub(super) async fn finish(self, time: Duration) -> Option<Outcome> {
        match tokio::time::timeout(time, self.come_to_the_end()).await {
            Ok(Ok(outcome @ Outcome::Seen(_))) => Some(outcome),
            Ok(Ok(other)) => {
                debug!("reading along came to nothing: {other:?}");
                None
            }
            Ok(Err(why)) => {
                debug!("reading along came to nothing: {why}");
                None
            }
            Err(_) => None,
        }
    }

    async fn come_to_the_end(self) -> Result<Outcome, String> {
        let reading = self.reading.await.map_err(|error| error.to_string())?;
        reading?.finish().await
    }
}
