//! A file, from the request to its last block: gathered, judged, found in the vault or fetched, judged
//! again when its bytes are known, cleared, recorded, released. The last block never leaves before
//! the download is on record.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, FileFacts};
use portcullis_core::gate::{self, Cleared, HeldBack};
use portcullis_core::index::{Index, SourceKind};
use portcullis_core::policy::Decision;
use portcullis_core::presentation;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::PageFile;
use portcullis_store::blobs::{Blob, BlobError, BlobStream};
use portcullis_store::downloads::{Download, DownloadKind};
use portcullis_store::pins;
use tokio::sync::watch;

use super::contents;
use super::evidence;
use super::fetch::{self, State, Wanted};
use super::gather::{Gathered, gather};
use super::licence_texts;
use super::releases;
use super::shared_file::SharedFile;
use crate::app::App;
use crate::error::FlowError;
use crate::http::user_agent::Client;
use crate::identity::Caller;
use crate::offline;

/// The bytes of an answer.
pub type Body = BoxStream<'static, Result<Bytes, FlowError>>;

/// How long it is waited for a whole piece of a file that arrives before what there is of it is sent.
const WHOLE_PIECE: Duration = Duration::from_millis(50);

/// A file that may be sent, whole or still arriving.
pub enum Served {
    /// It is in the vault and cleared.
    Whole(Judged, Blob),
    /// It is still arriving; its last block is held back.
    Arriving(Box<Arriving>),
}

/// A file that was judged by the bytes that it has.
pub struct Judged {
    cleared: Cleared,
    /// The id of the decision that lets it through.
    decision: String,
}

/// A file that is still arriving.
pub struct Arriving {
    /// Its size in bytes.
    pub total: u64,
    /// The digest that its page announces.
    pub announced: Option<Sha256>,
    file: Arc<SharedFile>,
    state: watch::Receiver<State>,
    judge_again: Rejudge,
}

/// What it takes to judge a file again once its bytes are known.
#[derive(Clone)]
struct Rejudge {
    app: Arc<App>,
    gathered: Arc<Gathered>,
    facts: FileFacts,
}

/// One file of a project, as far as it is known before its bytes are.
pub struct Candidate {
    /// What was gathered of its project.
    pub gathered: Arc<Gathered>,
    /// How its page lists it.
    pub file: PageFile,
    /// Its facts.
    pub facts: FileFacts,
    /// The decision about it.
    pub decision: Arc<Decision>,
}

/// Finds a file on its project's page and judges it.
///
/// # Errors
/// [`FlowError`]: absent, refused, or a source that cannot be asked.
pub async fn candidate(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
    filename: &str,
) -> Result<Candidate, FlowError> {
    let gathered = Arc::new(gather(app, index, project).await?);
    let gathered = releases::learn_before_judging(app, gathered, filename).await?;
    let listed = gathered.page.as_ref().and_then(|page| page.file(filename));
    let Some((file, facts)) = listed else {
        return Err(not_listed(app, &gathered, filename).await);
    };
    let facts = facts.clone();
    let decision = gathered.judge_file(app, &facts);
    if !decision.lets_through() {
        return Err(evidence::refuse(app, &decision).await);
    }
    Ok(Candidate {
        gathered,
        file,
        facts,
        decision,
    })
}

/// A tombstone, or any file under a name that is refused, is refused with the reason.
async fn not_listed(app: &Arc<App>, gathered: &Gathered, filename: &str) -> FlowError {
    let decision = gathered.judge_name(app);
    let nothing_there = gathered.page.is_none() || presentation::is_tombstone(filename);
    if nothing_there && !decision.lets_through() {
        return evidence::refuse(app, &decision).await;
    }
    if let Some(page) = gathered.page.as_ref().filter(|_| app.is_offline())
        && page.origin.kind == SourceKind::Upstream
    {
        // The page shows what is in the vault, and not what its source has.
        return offline::out_of_reach(&page.origin.source);
    }
    FlowError::Absent(match &gathered.page {
        Some(page) => format!("source {} does not list {filename}", page.origin.source),
        None => format!(
            "no source of index {} has {}",
            gathered.facts.index, gathered.facts.project
        ),
    })
}

/// The file itself, or the promise of it.
///
/// # Errors
/// [`FlowError`]: absent, refused, unreachable, not as announced.
pub async fn serve(app: &Arc<App>, candidate: &Candidate) -> Result<Served, FlowError> {
    let again = Rejudge::of(app, candidate);
    if let Some(sha256) = in_vault(app, candidate).await? {
        let judged = again.clear(sha256).await?;
        match app.blobs.open(&judged.cleared).await {
            Ok(blob) if candidate.is_hosted() && candidate.file.size != Some(blob.size()) => {
                return Err(BlobError::NotKept(sha256).into());
            }
            Ok(blob) => return Ok(Served::Whole(judged, blob)),
            // It was evicted since it was looked for: it is fetched again.
            Err(BlobError::Missing(_)) if !candidate.is_hosted() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let wanted = Wanted::of(candidate);
    let flows_at_once = !fetch::was_spoiled(app, &wanted);
    let transfer = fetch::join(app, wanted);
    let mut state = transfer.watch();
    let begun = state.wait_for(|state| !matches!(state, State::Asked)).await;
    let begun = begun.map_err(|_| FlowError::Stopping)?.clone();
    match begun {
        // Without a length, or for a small file, everything is held back: wait for the end.
        State::Arriving {
            total: Some(total),
            file,
            ..
        } if total > gate::HELD_BACK && flows_at_once => {
            let announced = candidate.file.sha256();
            let arriving = Arriving {
                total,
                announced,
                file,
                state,
                judge_again: again,
            };
            return Ok(Served::Arriving(Box::new(arriving)));
        }
        _ => {}
    }
    let judged = again.at_the_end(transfer.ended().await).await?;
    let blob = app.blobs.open(&judged.cleared).await?;
    Ok(Served::Whole(judged, blob))
}

/// Whether a candidate's bytes are in the vault.
///
/// # Errors
/// [`FlowError`] when database or vault cannot be asked.
pub async fn is_here(app: &App, candidate: &Candidate) -> Result<bool, FlowError> {
    Ok(in_vault(app, candidate).await?.is_some())
}

/// Brings a file into the vault, has it inspected and judges it as if it were to be sent, and sends it to
/// nobody.
///
/// # Errors
/// [`FlowError`] as for [`serve`].
pub async fn warm(app: &Arc<App>, candidate: &Candidate) -> Result<Sha256, FlowError> {
    let again = Rejudge::of(app, candidate);
    let judged = match in_vault(app, candidate).await? {
        Some(sha256) => again.clear(sha256).await?,
        None => {
            let transfer = fetch::join(app, Wanted::of(candidate));
            again.at_the_end(transfer.ended().await).await?
        }
    };
    Ok(judged.cleared.sha256())
}

/// The digest of a candidate's bytes where they are in the vault already.
pub(super) async fn in_vault(
    app: &App,
    candidate: &Candidate,
) -> Result<Option<Sha256>, FlowError> {
    if candidate.is_hosted() {
        return Ok(candidate.facts.sha256.known().copied());
    }
    match pinned(app, candidate).await? {
        Some((sha256, size)) if app.blobs.recent_size(&sha256).await? == Some(size) => {
            app.cache.used(sha256, app.now());
            Ok(Some(sha256))
        }
        _ => Ok(None),
    }
}

/// The digest and size that a file from outside was first verified with.
async fn pinned(app: &App, candidate: &Candidate) -> Result<Option<(Sha256, u64)>, FlowError> {
    let key = Wanted::of(candidate).key();
    if let Some(pinned) = app.pinned.get(&key) {
        return Ok(Some(pinned));
    }
    let (source, project, filename) = &key;
    let pin = pins::find(&app.db, source.as_str(), project, filename).await?;
    let pinned = pin.map(|pin| (pin.sha256, pin.size));
    if let Some(pinned) = pinned {
        app.pinned.insert(key, pinned);
    }
    Ok(pinned)
}

impl Candidate {
    /// The refusal of a file whose content was found to be `now` and had been `first`.
    pub async fn refuse_replaced(&self, app: &Arc<App>, first: Sha256, now: Sha256) -> FlowError {
        match Rejudge::of(app, self).changed(first, now).await {
            Err(refusal) => refusal,
            // The rule states a promise, so that this cannot be; a changed file is not served anyway.
            Ok(_) => FlowError::Replaced { first, now },
        }
    }

    /// Whether it was published here.
    fn is_hosted(&self) -> bool {
        let origin = self.gathered.facts.origin.as_ref();
        origin.is_some_and(|origin| origin.kind == SourceKind::Hosted)
    }

    /// The source that has the file.
    ///
    /// # Panics
    /// Never: a candidate was found on a page, and a page has a source.
    pub fn source(&self) -> &portcullis_core::index::SourceName {
        let origin = self.gathered.facts.origin.as_ref();
        &origin.expect("a candidate's page has a source").source
    }

    /// The record of a download of this file by `caller`, as far as it is known before the file was
    /// judged by its bytes.
    fn download(&self, app: &App, caller: &Caller, size: u64) -> Download {
        let user_agent = caller.user_agent_text();
        let client = user_agent.as_deref().map(Client::parse).unwrap_or_default();
        Download {
            at: app.now(),
            index: self.gathered.facts.index.to_string(),
            source: self.source().to_string(),
            project: self.gathered.facts.project.clone(),
            version: self.facts.version.known().map(ToString::to_string),
            filename: self.file.filename.to_string(),
            sha256: Sha256::from_bytes([0; 32]),
            size,
            kind: DownloadKind::File,
            token: caller.token_name(),
            job: caller.job.clone(),
            client_addr: caller.address.map(|address| address.to_string()),
            user_agent,
            installer: client.installer,
            installer_version: client.installer_version,
            python: client.python,
            distro: client.distro,
            ci: client.ci,
            decision: None,
        }
    }
}

impl Rejudge {
    fn of(app: &Arc<App>, candidate: &Candidate) -> Self {
        Self {
            app: Arc::clone(app),
            gathered: Arc::clone(&candidate.gathered),
            facts: candidate.facts.clone(),
        }
    }

    /// Judges the file with the digest that it has in the vault, and clears it.
    async fn clear(&self, actual: Sha256) -> Result<Judged, FlowError> {
        let mut facts = self.facts.clone();
        // What the page claims and what is in the vault must be the same, or the file has changed.
        if let Fact::Known(claimed) = facts.sha256
            && claimed != actual
        {
            facts.first_sha256 = Some(actual);
        } else {
            facts.sha256 = Fact::Known(actual);
        }
        self.judge(facts, actual).await
    }

    /// Judges the file with the digest that it has now, which is not the one that it had first.
    async fn changed(&self, first: Sha256, now: Sha256) -> Result<Judged, FlowError> {
        let mut facts = self.facts.clone();
        facts.sha256 = Fact::Known(now);
        facts.first_sha256 = Some(first);
        self.judge(facts, now).await
    }

    async fn judge(&self, facts: FileFacts, actual: Sha256) -> Result<Judged, FlowError> {
        let gathered =
            releases::learn_from_arrived(&self.app, &self.gathered, &facts, actual).await;
        let is_the_file_s_own = facts.first_sha256.is_none_or(|first| first == actual);
        let content = match facts.sha256 {
            Fact::Known(sha256) if sha256 == actual && is_the_file_s_own => {
                contents::learn(&self.app, &gathered, &facts, actual).await?
            }
            // Other bytes than the file has are refused for that alone, and are not in the vault.
            Fact::Known(_) | Fact::Unknown(_) => None,
        };
        let decision = gathered.judge_file_anew(&self.app, &facts, content.as_ref());
        match gate::clear(&decision, actual) {
            Ok(cleared) => {
                evidence::record(&self.app, &decision).await?;
                licence_texts::inspect_texts(&self.app, &gathered, &facts, actual);
                let decision = decision.id();
                Ok(Judged { cleared, decision })
            }
            Err(refusal) => Err(evidence::refuse(&self.app, &refusal.decision).await),
        }
    }

    async fn at_the_end(&self, state: State) -> Result<Judged, FlowError> {
        match state {
            State::Verified { sha256, .. } => self.clear(sha256).await,
            State::Changed { first, now } => self.changed(first, now).await,
            State::Failed(error) => Err(error),
            State::Asked | State::Arriving { .. } => Err(FlowError::Stopping),
        }
    }
}

impl Judged {
    /// The record of a download, with the bytes that it is of and the decision that permits it.
    fn permits(&self, download: Download) -> Download {
        Download {
            sha256: self.cleared.sha256(),
            decision: Some(self.decision.clone()),
            ..download
        }
    }
}

impl Served {
    /// The size of the file in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Whole(_, blob) => blob.size(),
            Self::Arriving(arriving) => arriving.total,
        }
    }

    /// The digest of the file, as far as it is known.
    pub fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Whole(judged, _) => Some(judged.cleared.sha256()),
            Self::Arriving(arriving) => arriving.announced,
        }
    }

    /// The bytes from `start` to `end` of a file that is in the vault, once the download is recorded.
    ///
    /// # Errors
    /// [`FlowError`] when the download cannot be recorded or the vault cannot be read.
    pub async fn into_body(
        self,
        app: &Arc<App>,
        candidate: &Candidate,
        caller: &Caller,
        range: std::ops::Range<u64>,
    ) -> Result<Body, FlowError> {
        match self {
            Self::Whole(judged, blob) => {
                let mut bytes = blob.range(range)?;
                let begun = begin(&mut bytes).await?;
                let download = candidate.download(app, caller, blob.size());
                record(app, judged.permits(download)).await?;
                let bytes = stream::iter(begun.into_iter().map(Ok)).chain(bytes);
                Ok(bytes.map_err(FlowError::from).boxed())
            }
            Self::Arriving(arriving) => {
                let (app, caller) = (Arc::clone(app), caller.clone());
                let download = candidate.download(&app, &caller, arriving.total);
                Ok(arriving.into_body(app, download, range))
            }
        }
    }
}

/// How many bytes of a file in the vault are there before the answer begins.
const BEGUN: usize = 64 << 10;

/// The first bytes of a blob: an object store that does not have them is told by the answer, and not by a
/// connection that is closed.
async fn begin(bytes: &mut BlobStream) -> Result<Vec<Bytes>, BlobError> {
    let (mut begun, mut length) = (Vec::new(), 0);
    while length < BEGUN
        && let Some(chunk) = bytes.try_next().await?
    {
        length += chunk.len();
        begun.push(chunk);
    }
    Ok(begun)
}

async fn record(app: &App, download: Download) -> Result<(), FlowError> {
    let bytes = download.size;
    app.recorder.record(download).await?;
    metrics::counter!("portcullis_downloads_total").increment(1);
    metrics::counter!("portcullis_served_bytes_total").increment(bytes);
    Ok(())
}

/// The state of a body that is sent while its file arrives.
struct Tail {
    arriving: Box<Arriving>,
    app: Arc<App>,
    /// Taken when it was recorded; then everything may flow.
    download: Option<Download>,
    at: u64,
    end: u64,
    readable: u64,
}

impl Arriving {
    fn into_body(
        self: Box<Self>,
        app: Arc<App>,
        download: Download,
        range: std::ops::Range<u64>,
    ) -> Body {
        let tail = Tail {
            arriving: self,
            app,
            download: Some(download),
            at: range.start,
            end: range.end,
            readable: 0,
        };
        stream::try_unfold(tail, |mut tail| async move {
            let chunk = tail.next().await?;
            Ok(chunk.map(|chunk| (chunk, tail)))
        })
        .boxed()
    }
}

impl Tail {
    /// The next bytes that may flow; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, FlowError> {
        if self.at >= self.end {
            return Ok(None);
        }
        while self.readable <= self.at {
            self.readable = self.wait().await?;
        }
        let until = self.readable.min(self.end);
        let bytes = self.arriving.file.read(self.at, until).await?;
        self.at += bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Waits until more may flow, and says up to where. After the first bytes it is waited a little longer
    /// for a whole piece, which those who wait for the same file share.
    async fn wait(&mut self) -> Result<u64, FlowError> {
        let held = HeldBack::new(Some(self.arriving.total));
        let at = self.at;
        let limit = |state: &State| match state {
            State::Asked => 0,
            State::Arriving { received, .. } => held.limit(*received),
            State::Verified { .. } | State::Changed { .. } | State::Failed(_) => u64::MAX,
        };
        let before_the_end = held.limit(self.arriving.total);
        let whole = SharedFile::end_of_piece(at)
            .min(self.end)
            .min(before_the_end);
        let state = &mut self.arriving.state;
        if self.readable > 0 {
            let is_whole = |state: &State| limit(state) > at && limit(state) >= whole;
            let _ = tokio::time::timeout(WHOLE_PIECE, state.wait_for(is_whole)).await;
        }
        let state = state.wait_for(|state| limit(state) > at).await;
        let state = state.map_err(|_| FlowError::Stopping)?.clone();
        if let State::Arriving { received, .. } = state {
            return Ok(held.limit(received));
        }
        let judged = self.arriving.judge_again.at_the_end(state).await?;
        if let Some(download) = self.download.take() {
            record(&self.app, judged.permits(download)).await?;
        }
        Ok(held.lift(&judged.cleared, self.arriving.total))
    }
}
