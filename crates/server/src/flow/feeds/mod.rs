//! Refreshing a feed: ask its origin, make a snapshot of what it says, put that in force, and say what is
//! new. Whatever goes wrong, what was loaded before stays, and the reason is kept beside it.

mod advisories;
mod origin;

use std::path::PathBuf;

use portcullis_core::time::Timestamp;
use portcullis_store::feeds::{self, Failed, Feed, LoadedFeed};
use portcullis_store::references;
use portcullis_upstream::UpstreamError;
use portcullis_upstream::client::Validators;
use portcullis_upstream::feeds::{Bounds, FeedError, OnBytes, read_document};
use tracing::warn;

use crate::app::App;
use crate::config::{FeedConfig, FeedKind};
use crate::error::FlowError;
use crate::feeds::{LARGEST_DOCUMENT, Snapshot, SnapshotWriter, check_document, newest_of, reload};

use origin::{Arrived, Opened};

/// A feed that is to be loaded.
pub struct Wanted<'w> {
    /// Its name.
    pub name: &'w str,
    /// What it is and where it comes from.
    pub config: &'w FeedConfig,
    /// Whether what was loaded before counts.
    pub way: Way,
    /// What is done with a feed that has lost more than half of its records.
    pub shrunk: Shrunk,
    /// Who wants it, for the ledger.
    pub who: &'w str,
    /// Who is told how many bytes have arrived.
    pub on_bytes: OnBytes,
}

/// Whether what was loaded before counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The origin says all there is; what has not changed there need not be loaded again.
    Replace,
    /// The same, and everything is loaded again.
    ReplaceAll,
    /// The origin has some records more.
    Add,
}

/// What is done with a feed that has lost more than half of its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrunk {
    /// It is not believed: an attacker or a broken export would look the same.
    Refused,
    /// A person says that it is right.
    Accepted,
}

/// What came of a refresh.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// The origin has nothing else than what was loaded before.
    Unchanged,
    /// This is in force from now on.
    Loaded(Box<LoadedFeed>),
}

/// Why a feed stays as it was.
#[derive(Debug, thiserror::Error)]
enum Stays {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error(transparent)]
    Flow(#[from] FlowError),
    #[error("{0}")]
    Content(String),
    #[error(
        "it has {now} records, and had {before}: a feed that loses more than half of its records is \
         not believed. If it is right, load it with `portcullis advisories update --force`"
    )]
    Shrunk { before: i64, now: u64 },
}

impl From<UpstreamError> for Stays {
    fn from(error: UpstreamError) -> Self {
        Self::Feed(error.into())
    }
}

impl From<std::io::Error> for Stays {
    fn from(error: std::io::Error) -> Self {
        Self::Flow(error.into())
    }
}

impl From<portcullis_store::blobs::BlobError> for Stays {
    fn from(error: portcullis_store::blobs::BlobError) -> Self {
        Self::Flow(error.into())
    }
}

/// The kind of alert about a feed that shrank.
pub const SHRANK: &str = "feed-shrank";

/// A feed of fewer records may shrink as it likes.
const SMALL: i64 = 10;

/// Loads a feed, puts it in force in this process, and tells the others.
///
/// # Errors
/// [`FlowError::Job`] with a sentence when the feed could not be loaded, and others when the gateway's
/// own storage fails. What was loaded before stays in force.
pub async fn refresh(app: &App, wanted: &Wanted<'_>) -> Result<Refreshed, FlowError> {
    let kept = feeds::find(&app.db, wanted.name).await?;
    match Box::pin(attempt(app, wanted, kept.as_ref())).await {
        Ok(refreshed) => {
            forget_replaced(app, kept.as_ref(), &refreshed).await;
            reload(app).await?;
            Ok(refreshed)
        }
        Err(Stays::Flow(error)) => Err(error),
        Err(stays) => {
            let failed = Failed {
                name: wanted.name,
                kind: wanted.config.kind.as_str(),
                origin: &wanted.config.origin.to_string(),
                error: &stays.to_string(),
                alert: matches!(stays, Stays::Shrunk { .. }).then_some(SHRANK),
            };
            feeds::fail(&app.db, failed, app.now()).await?;
            reload(app).await?;
            Err(FlowError::Job(format!("feed {}: {stays}", wanted.name)))
        }
    }
}

/// A snapshot that is not kept yet.
struct Made {
    /// The file that it is in.
    path: PathBuf,
    records: u64,
    skipped: u64,
    complaints: String,
    newest: Option<Timestamp>,
    validators: Validators,
    /// Held so that the file is not removed.
    _scratch: portcullis_store::blobs::Spool,
}

async fn attempt(app: &App, wanted: &Wanted<'_>, kept: Option<&Feed>) -> Result<Refreshed, Stays> {
    let origin = wanted.config.origin.to_string();
    let kept = kept.filter(|kept| kept.kind == wanted.config.kind.as_str());
    let is_whole = match kept.and_then(|kept| kept.sha256) {
        Some(sha256) => app.blobs.exists(&sha256).await?,
        None => false,
    };
    // What another origin said, or what is gone, need not be what this one has.
    let comparable =
        kept.filter(|kept| is_whole && kept.origin == origin && wanted.way == Way::Replace);
    let opened = Opened::new(app, wanted, comparable)?;
    let made = match wanted.config.kind {
        FeedKind::Osv => advisories::make(&opened, kept.filter(|_| is_whole)).await?,
        _ => make_document(&opened).await?,
    };
    let Some(made) = made else {
        feeds::confirm(&app.db, wanted.name, (None, None), app.now())
            .await
            .map_err(FlowError::from)?;
        return Ok(Refreshed::Unchanged);
    };
    refuse_shrunk(wanted, kept, made.records)?;
    keep(app, wanted, kept.filter(|_| is_whole), made).await
}

fn refuse_shrunk(wanted: &Wanted<'_>, kept: Option<&Feed>, now: u64) -> Result<(), Stays> {
    let before = kept.map_or(0, |kept| kept.records);
    let has_shrunk = before >= SMALL && now.saturating_mul(2) < before.unsigned_abs();
    match has_shrunk && wanted.shrunk == Shrunk::Refused {
        true => Err(Stays::Shrunk { before, now }),
        false => Ok(()),
    }
}

async fn keep(
    app: &App,
    wanted: &Wanted<'_>,
    kept: Option<&Feed>,
    made: Made,
) -> Result<Refreshed, Stays> {
    let mut spool = app.blobs.spool().await?;
    let mut file = tokio::fs::File::open(&made.path).await?;
    loop {
        let mut piece = bytes::BytesMut::with_capacity(256 << 10);
        if tokio::io::AsyncReadExt::read_buf(&mut file, &mut piece).await? == 0 {
            break;
        }
        spool.write(piece.freeze()).await?;
    }
    let finished = spool.finish().await?;
    let (size, sha256) = (finished.size(), finished.sha256());
    let origin = wanted.config.origin.to_string();
    let validators = (made.validators.etag, made.validators.last_modified);
    if kept.is_some_and(|kept| kept.sha256 == Some(sha256) && kept.origin == origin) {
        let validators = (validators.0.as_deref(), validators.1.as_deref());
        feeds::confirm(&app.db, wanted.name, validators, app.now())
            .await
            .map_err(FlowError::from)?;
        return Ok(Refreshed::Unchanged);
    }
    app.blobs.commit(finished).await?;
    let loaded = LoadedFeed {
        name: wanted.name.to_owned(),
        kind: wanted.config.kind.to_string(),
        origin,
        sha256,
        size,
        records: made.records,
        skipped: made.skipped,
        complaints: made.complaints,
        newest: made.newest,
        validators,
    };
    feeds::keep(&app.db, &loaded, wanted.who, app.now())
        .await
        .map_err(FlowError::from)?;
    Ok(Refreshed::Loaded(Box::new(loaded)))
}

/// Deletes the snapshot that was replaced. That it stays behind when this fails harms nobody.
async fn forget_replaced(app: &App, kept: Option<&Feed>, refreshed: &Refreshed) {
    let (Some(before), Refreshed::Loaded(now)) = (kept.and_then(|kept| kept.sha256), refreshed)
    else {
        return;
    };
    if before == now.sha256 {
        return;
    }
    if let Err(error) = references::delete_unneeded(&app.db, &app.blobs, &before).await {
        warn!(feed = %now.name, "could not delete the snapshot that was replaced: {error}");
    }
}

/// Forgets a feed and all that it said. Returns whether there was one.
///
/// # Errors
/// [`FlowError`] when the gateway's storage fails.
pub async fn forget(app: &App, name: &str, who: &str) -> Result<bool, FlowError> {
    let Some(kept) = feeds::find(&app.db, name).await? else {
        return Ok(false);
    };
    feeds::forget(&app.db, name, who, app.now()).await?;
    if let Some(sha256) = kept.sha256 {
        references::delete_unneeded(&app.db, &app.blobs, &sha256).await?;
    }
    reload(app).await?;
    Ok(true)
}

/// The snapshot of a feed that is one document. `None` when it is as it was.
async fn make_document(opened: &Opened<'_>) -> Result<Option<Made>, Stays> {
    let kind = opened.wanted.config.kind;
    let Arrived::Changed(arrived) = opened.arrive(None).await? else {
        return Ok(None);
    };
    let scratch = opened.app.blobs.spool().await?;
    let (from, path) = (arrived.path.clone(), scratch.path().to_owned());
    let into = path.clone();
    let made = blocking(move || {
        let document = read_document(&from, LARGEST_DOCUMENT as u64)?;
        let checked = check_document(kind, &document).map_err(Stays::Content)?;
        let file = std::io::BufWriter::new(std::fs::File::create(into)?);
        let mut writer = SnapshotWriter::new(file);
        writer.document(&document)?;
        writer.finish()?;
        Ok((checked, newest_of(kind, &document)))
    });
    let (checked, newest) = made.await?;
    Ok(Some(Made {
        path,
        records: checked.records,
        skipped: checked.skipped,
        complaints: String::new(),
        newest,
        validators: arrived.validators.clone(),
        _scratch: scratch,
    }))
}

/// Runs what computes or blocks where that does no harm.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Stays> + Send + 'static,
) -> Result<T, Stays> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Stays::Content("reading it broke off".to_owned())))
}

/// The snapshot that is kept of a feed.
async fn kept_snapshot(app: &App, kept: &Feed) -> Result<Option<Snapshot>, Stays> {
    const LARGEST: u64 = 512 << 20;
    let Some(sha256) = kept.sha256 else {
        return Ok(None);
    };
    let bytes = app.blobs.get_bytes(&sha256, LARGEST).await?;
    let snapshot = Snapshot::new(bytes).map_err(|error| Stays::Content(error.to_string()))?;
    Ok(Some(snapshot))
}

/// How much a feed may be.
const BOUNDS: Bounds = Bounds {
    download: 256 << 20,
    record: 4 << 20,
    records: 1_000_000,
    total: 2 << 30,
};
