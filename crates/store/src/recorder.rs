//! [`Recorder`], which commits download records in groups: everything that queues up while one
//! commit runs goes into the next. A record is acknowledged only when its group is on disk.

use std::sync::Arc;

use portcullis_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::db::Db;
use crate::downloads::{Download, record_group};
use crate::error::StoreError;

/// The most records in one group.
const GROUP: usize = 500;

/// The most records that wait; then whoever records more waits for room.
const QUEUE: usize = 4 * GROUP;

type Answer = oneshot::Sender<Result<(), RecordError>>;

/// A download could not be recorded; it must not be completed then.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecordError {
    /// The group could not be committed.
    #[error("the download could not be recorded: {0}")]
    Failed(#[source] Arc<StoreError>),
    /// The recorder has stopped.
    #[error("the download could not be recorded: Portcullis is shutting down")]
    Stopped,
}

/// Where downloads are handed in. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorder {
    queue: mpsc::Sender<(Download, Answer)>,
}

impl Recorder {
    /// Starts the task that commits. It ends, with everything committed, when every clone of the
    /// recorder is gone. The ledger entry of a group bears the time of its latest download.
    pub fn start(db: Db) -> (Self, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        (Self { queue }, tokio::spawn(commit_groups(db, waiting)))
    }

    /// Records a download; returns when it is committed.
    ///
    /// # Errors
    /// [`RecordError`] when it was not.
    pub async fn record(&self, download: Download) -> Result<(), RecordError> {
        let (answer, committed) = oneshot::channel();
        let sent = self.queue.send((download, answer)).await;
        sent.map_err(|_| RecordError::Stopped)?;
        committed.await.unwrap_or(Err(RecordError::Stopped))
    }
}

async fn commit_groups(db: Db, mut waiting: mpsc::Receiver<(Download, Answer)>) {
    let mut received = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut received, GROUP).await > 0 {
        let (group, answers): (Vec<Download>, Vec<Answer>) = received.drain(..).unzip();
        let result = commit(&db, &group).await;
        for answer in answers {
            // A client that went away does not wait for its answer.
            let _ = answer.send(result.clone());
        }
    }
}

async fn commit(db: &Db, group: &[Download]) -> Result<(), RecordError> {
    let latest = group.iter().map(|download| download.at).max();
    let latest = latest.unwrap_or(Timestamp::from_millis(0));
    record_group(db, group, latest).await.map_err(|error| {
        tracing::error!(downloads = group.len(), %error, "downloads could not be recorded");
        RecordError::Failed(Arc::new(error))
    })
}
