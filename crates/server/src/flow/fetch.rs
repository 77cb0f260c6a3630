//! A file on its way from a source into the vault: one transfer however many clients wait for it,
//! hashed while it arrives, kept only when it is what its page announced. It says nothing about whether
//! a client may have the file; each client's own index judges that.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use portcullis_core::digest::Sha256;
use portcullis_core::index::SourceName;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::PageFile;
use portcullis_store::blobs::{Finished, Spool};
use portcullis_store::pins::{self, NewPin, Pin, Pinned};
use portcullis_upstream::files::FileRequest;
use portcullis_upstream::{ByteStream, UpstreamError};
use serde_json::json;
use tokio::sync::watch;
use tracing::{info, warn};
use url::Url;

use crate::app::App;
use crate::error::FlowError;
use crate::flow::download::Candidate;
use crate::flow::elsewhere::{self, Turn};
use crate::flow::evidence;
use crate::flow::resumed::Resumable;
use crate::flow::shared_file::SharedFile;
use crate::inspection::{self, Along, Coming};
use crate::sources::{Source, folder_bytes};

/// A file that is arriving.
#[derive(Debug)]
pub struct Transfer {
    state: watch::Receiver<State>,
}

/// How far a transfer is.
#[derive(Clone, Debug)]
pub enum State {
    /// The source has been asked.
    Asked,
    /// Bytes are arriving in a scratch file.
    Arriving {
        /// The scratch file.
        file: Arc<SharedFile>,
        /// How many bytes the source announces.
        total: Option<u64>,
        /// How many bytes can be read.
        received: u64,
    },
    /// The file is in the vault and is what its page announced.
    Verified {
        /// Its digest.
        sha256: Sha256,
        /// Its size in bytes.
        size: u64,
    },
    /// The file has other bytes than when it was first seen.
    Changed {
        /// The digest that it had first.
        first: Sha256,
        /// The digest that it has now.
        now: Sha256,
    },
    /// The file did not arrive, or not as announced.
    Failed(FlowError),
}

impl State {
    fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Verified { .. } | Self::Changed { .. } | Self::Failed(_)
        )
    }
}

impl Transfer {
    /// Whether it has ended, or somebody is still at it; not so when that ended in a panic.
    fn is_alive(&self) -> bool {
        self.state.borrow().is_final() || self.state.has_changed().is_ok()
    }

    /// The state as it changes.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Waits until the transfer has ended.
    pub async fn ended(&self) -> State {
        let mut state = self.state.clone();
        match state.wait_for(State::is_final).await {
            Ok(state) => state.clone(),
            Err(_) => State::Failed(FlowError::Stopping),
        }
    }
}

/// What is fetched.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The source.
    pub source: SourceName,
    /// The project.
    pub project: ProjectName,
    /// The file as the source's page lists it.
    pub file: PageFile,
    /// The digest that it was first seen with, where the page does not show that one now.
    pub first: Option<Sha256>,
}

/// A file of a source.
pub type FileKey = (SourceName, ProjectName, String);

impl Wanted {
    /// The file that `candidate` is.
    pub fn of(candidate: &Candidate) -> Self {
        Self {
            source: candidate.source().clone(),
            project: candidate.gathered.facts.project.clone(),
            file: candidate.file.clone(),
            first: candidate.facts.first_sha256,
        }
    }

    /// What tells the file from others.
    pub fn key(&self) -> FileKey {
        (
            self.source.clone(),
            self.project.clone(),
            self.file.filename.to_string(),
        )
    }
}

/// Whether a file arrived spoiled a moment ago. Whoever asks for it again gets none of it before all of it
/// is verified: its transfer broke off once, and a second time it is to be explained, or whole.
pub fn was_spoiled(app: &App, wanted: &Wanted) -> bool {
    app.spoiled.contains_key(&wanted.key())
}

/// Joins the transfer of a file, or starts it. It goes on when whoever started it leaves.
pub fn join(app: &Arc<App>, wanted: Wanted) -> Arc<Transfer> {
    let key = wanted.key();
    let mut transfers = app
        .transfers
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(transfer) = transfers.get(&key).filter(|transfer| transfer.is_alive()) {
        return Arc::clone(transfer);
    }
    let (sender, state) = watch::channel(State::Asked);
    let transfer = Arc::new(Transfer { state });
    transfers.insert(key.clone(), Arc::clone(&transfer));
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let end = match carry(&app, &wanted, &sender).await {
            Ok(state) => state,
            Err(error) => {
                warn!(source = %wanted.source, project = %wanted.project,
                    "{} did not arrive: {error}", wanted.file.filename);
                State::Failed(error)
            }
        };
        match &end {
            State::Changed { .. } | State::Failed(FlowError::Mismatch { .. }) => {
                app.spoiled.insert(key.clone(), ());
            }
            // Whoever saw its transfer break off because there is no room is told so when it asks again.
            State::Failed(error) if error.trouble().is_some() => {
                app.spoiled.insert(key.clone(), ());
            }
            _ => app.spoiled.invalidate(&key),
        }
        // The next one who asks finds the file in the vault, or starts again.
        app.transfers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remove(&key);
        sender.send_replace(end);
    });
    transfer
}

async fn carry(
    app: &Arc<App>,
    wanted: &Wanted,
    sender: &watch::Sender<State>,
) -> Result<State, FlowError> {
    if let Some(pinned) = in_vault(app, wanted).await? {
        return Ok(pinned);
    }
    let _turn = match elsewhere::turn(app, wanted).await? {
        Turn::Ours(claim) => claim,
        Turn::Done(here) => return Ok(here),
    };
    let (announced, stream) = open(app, wanted).await?;
    let expected = wanted.file.size.or(announced);
    if let (Some(size), Some(announced)) = (wanted.file.size, announced)
        && size != announced
    {
        return Err(differs(app, wanted, "size", size, announced));
    }
    let (finished, along) = receive(app, wanted, expected, stream, sender).await?;
    if let Some(changed) = verify(app, wanted, &finished)? {
        return Ok(changed);
    }
    if let Some(along) = along {
        along.arrived(app, finished.sha256());
    }
    settle(app, wanted, finished).await
}

/// Whether a file is in the vault.
///
/// # Errors
/// [`FlowError`] when database or vault cannot be asked.
pub async fn is_here(app: &App, wanted: &Wanted) -> Result<bool, FlowError> {
    Ok(in_vault(app, wanted).await?.is_some())
}

/// The file where it came into the vault since the one who wants it has looked there.
pub(super) async fn in_vault(app: &App, wanted: &Wanted) -> Result<Option<State>, FlowError> {
    let source = wanted.source.as_str();
    let pinned = pins::find(&app.db, source, &wanted.project, &wanted.file.filename).await?;
    let Some(Pinned { sha256, size, .. }) = pinned else {
        return Ok(None);
    };
    let is_here = app.blobs.size(&sha256).await? == Some(size);
    Ok(is_here.then_some(State::Verified { sha256, size }))
}

async fn open(app: &App, wanted: &Wanted) -> Result<(Option<u64>, ByteStream), FlowError> {
    let unreachable = |error| FlowError::Unreachable {
        source_name: wanted.source.clone(),
        error,
    };
    match &**app.source(&wanted.source) {
        Source::Upstream(upstream) => {
            let url = Url::parse(&wanted.file.url).map_err(|_| gone(wanted))?;
            let request = FileRequest {
                expected_size: wanted.file.size,
                ..FileRequest::whole(&url)
            };
            let opened = upstream.source.open_file(&request).await;
            let opened = opened.map_err(unreachable)?.ok_or_else(|| gone(wanted))?;
            let announced = opened.content_length;
            let total = wanted.file.size.or(announced);
            let bytes = match total.filter(|_| wanted.file.sha256().is_some()) {
                Some(total) => {
                    let upstream = Arc::clone(upstream);
                    Resumable {
                        upstream,
                        url,
                        total,
                    }
                    .resumed(opened)
                }
                None => opened.bytes,
            };
            Ok((announced, bytes))
        }
        Source::Folder(folder) => {
            let opened = folder.open(&wanted.project, &wanted.file.filename).await;
            let opened = opened.map_err(unreachable)?.ok_or_else(|| gone(wanted))?;
            Ok((Some(opened.size), folder_bytes(opened)))
        }
        Source::Hosted(_) => Err(gone(wanted)),
    }
}

fn gone(wanted: &Wanted) -> FlowError {
    FlowError::Absent(format!(
        "source {} lists {} and does not have it",
        wanted.source, wanted.file.filename
    ))
}

async fn receive(
    app: &Arc<App>,
    wanted: &Wanted,
    expected: Option<u64>,
    stream: impl Stream<Item = Result<Bytes, UpstreamError>> + Unpin,
    sender: &watch::Sender<State>,
) -> Result<(Finished, Option<Along>), FlowError> {
    let mut stream = stream;
    let mut spool = app.blobs.spool().await?;
    let file = Arc::new(SharedFile::new(Arc::clone(spool.file())));
    let announce = |received: u64| {
        // Whoever waits is woken only when there is more.
        let is_known = |state: &State| matches!(state, State::Arriving { received: known, .. } if *known == received);
        sender.send_if_modified(|state| {
            let changes = !is_known(state);
            if changes {
                *state = State::Arriving {
                    file: Arc::clone(&file),
                    total: expected,
                    received,
                };
            }
            changes
        });
    };
    announce(0);
    let along = match expected {
        Some(total) => read_along(app, wanted, total, &spool).await,
        None => None,
    };
    let mut received = 0;
    while let Some(chunk) = stream.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            // More bytes than announced, told by whoever counts them closer to the wire.
            Err(UpstreamError::Invalid { problem, .. }) => {
                return Err(differs(
                    app,
                    wanted,
                    "size",
                    expected_text(expected),
                    problem,
                ));
            }
            Err(error) => {
                let source_name = wanted.source.clone();
                return Err(FlowError::Unreachable { source_name, error });
            }
        };
        received += chunk.len() as u64;
        if expected.is_some_and(|expected| received > expected) {
            return Err(differs(
                app,
                wanted,
                "size",
                expected_text(expected),
                "more",
            ));
        }
        spool.write(chunk).await?;
        announce(spool.flushed());
    }
    let finished = spool.finish().await?;
    announce(finished.size());
    Ok((finished, along))
}

/// Lets a worker look into the file while it arrives.
async fn read_along(app: &Arc<App>, wanted: &Wanted, total: u64, spool: &Spool) -> Option<Along> {
    let coming = Coming {
        filename: &wanted.file.filename,
        project: &wanted.project,
        announced: wanted.file.sha256(),
        total,
        path: spool.path().to_path_buf(),
        progress: spool.progress(),
    };
    inspection::read_along(app, coming).await
}

fn expected_text(expected: Option<u64>) -> String {
    expected.map_or_else(|| "not announced".to_owned(), |bytes| bytes.to_string())
}

/// Holds what arrived against what the page announced. Other bytes than announced are the same to a client
/// as a file that was replaced: the page's digest is the one that was seen first.
fn verify(
    app: &Arc<App>,
    wanted: &Wanted,
    finished: &Finished,
) -> Result<Option<State>, FlowError> {
    let (size, now) = (finished.size(), finished.sha256());
    match wanted.file.size {
        Some(announced) if announced != size => {
            return Err(differs(app, wanted, "size", announced, size));
        }
        _ => {}
    }
    let first = wanted.file.sha256().filter(|announced| *announced != now);
    Ok(first.map(|first| {
        differs(app, wanted, "sha256", first, now);
        State::Changed { first, now }
    }))
}

/// The file is not what its page announced: it is not kept, and an alert says what came instead.
fn differs(
    app: &Arc<App>,
    wanted: &Wanted,
    what: &str,
    announced: impl ToString,
    received: impl ToString,
) -> FlowError {
    let (announced, received) = (announced.to_string(), received.to_string());
    let filename = &wanted.file.filename;
    let subject = format!("{}/{}/{filename}", wanted.source, wanted.project);
    let detail = json!({ "what": what, "announced": announced, "received": received });
    evidence::raise(app, "wrong-bytes", subject, detail);
    FlowError::Mismatch {
        source_name: wanted.source.clone(),
        what: format!("{filename} has {what} {received}, its page says {announced}"),
    }
}

/// Blob first, then the row that makes it the file's content for good.
async fn settle(app: &Arc<App>, wanted: &Wanted, finished: Finished) -> Result<State, FlowError> {
    let (sha256, size) = (finished.sha256(), finished.size());
    if let Some(first) = wanted.first.filter(|first| *first != sha256) {
        let subject = format!(
            "{}/{}/{}",
            wanted.source, wanted.project, wanted.file.filename
        );
        let detail = json!({ "first": first, "now": sha256, "seen": "file" });
        evidence::raise(app, pins::CHANGED_HASH, subject, detail);
        return Ok(State::Changed { first, now: sha256 });
    }
    let known = pins::find(
        &app.db,
        wanted.source.as_str(),
        &wanted.project,
        &wanted.file.filename,
    )
    .await?;
    // Bytes that are going to be refused are not put into the vault first.
    if known.is_none_or(|known| known.sha256 == sha256) {
        app.blobs.commit(finished).await?;
    }
    let pin = NewPin {
        filename: wanted.file.filename.to_string(),
        sha256,
        size,
    };
    let pinned = pins::pin(
        &app.db,
        wanted.source.as_str(),
        &wanted.project,
        &pin,
        app.now(),
    )
    .await?;
    if let Pin::Differs { first } = pinned {
        return Ok(State::Changed { first, now: sha256 });
    }
    app.cache.came(sha256, size, app.now());
    info!(source = %wanted.source, project = %wanted.project, size,
        "received {}", wanted.file.filename);
    metrics::counter!("portcullis_received_bytes_total", "source" => wanted.source.to_string())
        .increment(size);
    Ok(State::Verified { sha256, size })
}
