//! The METADATA of a wheel (PEP 658): kept beside the wheel, taken from its source and checked against
//! the hash that the source's page gives, read out of the wheel by range, or, where nothing else
//! works, read out of the whole wheel once it is here. The decision is the one about the wheel.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::index::SourceKind;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::archive::{self, Limits, MetadataReader, Step};
use portcullis_store::blobs::{Blob, Finished};
use portcullis_store::sidecars::{self, Sidecar, SidecarOrigin};
use portcullis_upstream::UpstreamError;
use portcullis_upstream::files::{ByteRange, PartAnswer};
use tracing::debug;
use url::Url;

use super::contents;
use super::download::Candidate;
use super::evidence;
use super::fetch::{self, State, Wanted};
use super::releases;
use crate::app::App;
use crate::error::FlowError;
use crate::sources::{Source, Upstream};

/// The largest METADATA that is passed on, in bytes.
const CAP: u64 = 16 << 20;

/// The METADATA of a wheel that was judged.
///
/// # Errors
/// [`FlowError`]: absent for anything but a wheel, unreachable, not as announced.
pub async fn metadata(app: &Arc<App>, candidate: &Candidate) -> Result<(Sha256, Bytes), FlowError> {
    match obtain_for_judging(app, candidate).await {
        Err(FlowError::Replaced { first, now }) => {
            Err(candidate.refuse_replaced(app, first, now).await)
        }
        Ok((sha256, bytes)) => {
            contents::look_ahead(app, candidate);
            releases::note_in_background(app, candidate, sha256, bytes.clone());
            Ok((sha256, bytes))
        }
        Err(error) => Err(error),
    }
}

/// The METADATA of a wheel that is yet to be judged by it: not to be shown to anybody.
///
/// # Errors
/// [`FlowError`] as for [`metadata`]; a wheel that was replaced is not refused here.
pub(super) async fn obtain_for_judging(
    app: &Arc<App>,
    candidate: &Candidate,
) -> Result<(Sha256, Bytes), FlowError> {
    let filename = &candidate.file.filename;
    let project = &candidate.gathered.facts.project;
    let wheel = DistFilename::parse(filename, Some(project))
        .ok()
        .filter(DistFilename::is_wheel);
    let Some(wheel) = wheel else {
        return Err(FlowError::Absent(format!(
            "{filename} is not a wheel: it has no metadata file"
        )));
    };
    let sha256 = match kept(app, candidate).await? {
        Some(sha256) => sha256,
        None => obtain_once(app, candidate, wheel).await?,
    };
    Ok((sha256, app.blobs.get_bytes(&sha256, CAP).await?))
}

async fn kept(app: &App, candidate: &Candidate) -> Result<Option<Sha256>, FlowError> {
    let origin = candidate.gathered.facts.origin.as_ref();
    if origin.is_some_and(|origin| origin.kind == SourceKind::Hosted) {
        return Ok(candidate.file.core_metadata.sha256());
    }
    let (source, project) = (
        candidate.source().as_str(),
        &candidate.gathered.facts.project,
    );
    let known = sidecars::find(&app.db, source, project, &candidate.file.filename).await?;
    match known {
        Some(known) => {
            let is_here = app.blobs.recent_size(&known.sha256).await?.is_some();
            Ok(is_here.then_some(known.sha256))
        }
        None => Ok(None),
    }
}

async fn obtain_once(
    app: &Arc<App>,
    candidate: &Candidate,
    wheel: DistFilename,
) -> Result<Sha256, FlowError> {
    let wanted = Wanted::of(candidate);
    let key = (
        wanted.source.clone(),
        wanted.project.clone(),
        wanted.file.filename.to_string(),
    );
    let app_of_flight = Arc::clone(app);
    let flight = || async move {
        let app = app_of_flight;
        let (bytes, origin) = obtain(&app, &wanted, &wheel).await?;
        let sha256 = app.blobs.put_bytes(bytes).await?;
        let source = wanted.source.as_str();
        let new = Sidecar {
            filename: wanted.file.filename.to_string(),
            sha256,
            origin,
        };
        sidecars::keep(&app.db, source, &wanted.project, &new, app.now()).await?;
        Ok(sha256)
    };
    app.metadata_flights
        .run(key, flight)
        .await
        .map_err(|_| FlowError::Stopping)?
}

type Found = (Bytes, SidecarOrigin);

async fn obtain(app: &Arc<App>, wanted: &Wanted, wheel: &DistFilename) -> Result<Found, FlowError> {
    // Where the file must have a certain digest and its page does not say so, only the whole of it shows
    // whether it has.
    if wanted.first.is_none()
        && let Source::Upstream(upstream) = &**app.source(&wanted.source)
    {
        match without_the_whole(app, upstream, wanted, wheel).await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(FlowError::Unreachable { error, .. }) if fetch::is_here(app, wanted).await? => {
                debug!("metadata of {}: {error}", wanted.file.filename);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((
        from_the_whole(app, wanted, wheel).await?,
        SidecarOrigin::Extracted,
    ))
}

/// The metadata beside the wheel, or else out of a part of it; `None` where neither can be had.
async fn without_the_whole(
    app: &Arc<App>,
    upstream: &Upstream,
    wanted: &Wanted,
    wheel: &DistFilename,
) -> Result<Option<Found>, FlowError> {
    if app.is_offline() {
        return Ok(None);
    }
    if let Some(found) = beside_the_wheel(app, upstream, wanted).await? {
        return Ok(Some((found, SidecarOrigin::Claimed)));
    }
    if fetch::is_here(app, wanted).await? {
        // Reading it here asks nobody.
        return Ok(None);
    }
    match by_range(upstream, wanted, wheel).await {
        Ok(found) => Ok(found.map(|found| (found.into(), SidecarOrigin::Extracted))),
        Err(error) if error.is_outage() => Err(FlowError::Unreachable {
            source_name: wanted.source.clone(),
            error,
        }),
        Err(error) => {
            debug!("metadata of {} by range: {error}", wanted.file.filename);
            Ok(None)
        }
    }
}

/// The sidecar file that the source offers, if it does.
async fn beside_the_wheel(
    app: &Arc<App>,
    upstream: &Upstream,
    wanted: &Wanted,
) -> Result<Option<Bytes>, FlowError> {
    if !wanted.file.core_metadata.is_offered() {
        return Ok(None);
    }
    let Ok(url) = Url::parse(&wanted.file.url) else {
        return Ok(None);
    };
    let unreachable = |error| FlowError::Unreachable {
        source_name: wanted.source.clone(),
        error,
    };
    let found = upstream
        .source
        .fetch_metadata(&url, CAP)
        .await
        .map_err(unreachable)?;
    let Some(bytes) = found else { return Ok(None) };
    let received = Sha256::of(&bytes);
    match wanted.file.core_metadata.sha256() {
        Some(announced) if announced != received => {
            let filename = &wanted.file.filename;
            let subject = format!("{}/{}/{filename}.metadata", wanted.source, wanted.project);
            let detail = serde_json::json!({ "announced": announced, "received": received });
            evidence::raise(app, "wrong-bytes", subject, detail);
            let what =
                format!("{filename}.metadata has sha256 {received}, its page says {announced}");
            Err(FlowError::Mismatch {
                source_name: wanted.source.clone(),
                what,
            })
        }
        _ => Ok(Some(bytes)),
    }
}

/// METADATA read out of the remote wheel; `None` where the source does not serve ranges.
async fn by_range(
    upstream: &Upstream,
    wanted: &Wanted,
    wheel: &DistFilename,
) -> Result<Option<Vec<u8>>, UpstreamError> {
    let Some(total) = wanted.file.size else {
        return Ok(None);
    };
    let Ok(url) = Url::parse(&wanted.file.url) else {
        return Ok(None);
    };
    let Ok(mut reader) = MetadataReader::start(wheel, total, &Limits::default()) else {
        return Ok(None);
    };
    // A wheel is read in two or three steps; more would be a wheel that leads us on.
    for _ in 0..4 {
        let range = reader.range();
        let asked = ByteRange::Between {
            first: range.start,
            last: range.end.saturating_sub(1),
        };
        let answer = upstream.source.read_range(&url, asked, CAP).await?;
        let Some(PartAnswer::Part { bytes, .. }) = answer else {
            return Ok(None);
        };
        match reader.feed(&bytes) {
            Ok(Step::Done(metadata)) => return Ok(Some(metadata)),
            Ok(Step::Need(next)) => reader = next,
            Err(error) => {
                debug!("metadata of {} by range: {error}", wanted.file.filename);
                return Ok(None);
            }
        }
    }
    Ok(None)
}

async fn from_the_whole(
    app: &Arc<App>,
    wanted: &Wanted,
    wheel: &DistFilename,
) -> Result<Bytes, FlowError> {
    let sha256 = match fetch::join(app, wanted.clone()).ended().await {
        State::Verified { sha256, .. } => sha256,
        State::Changed { first, .. } if app.blobs.exists(&first).await? => first,
        State::Changed { first, now } => return Err(FlowError::Replaced { first, now }),
        State::Failed(error) => return Err(error),
        State::Asked | State::Arriving { .. } => return Err(FlowError::Stopping),
    };
    let blob = app.blobs.open_for_inspection(&sha256).await?;
    let unreadable = |error: &dyn std::fmt::Display| FlowError::Mismatch {
        source_name: wanted.source.clone(),
        what: format!("{} cannot be read: {error}", wanted.file.filename),
    };
    let wheel = wheel.clone();
    let (path, _scratch) = local_path(app, blob).await?;
    let read = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(path)?;
        archive::read_wheel(file, &wheel, &Limits::default())
    })
    .await;
    let contents = read
        .map_err(|_| FlowError::Stopping)?
        .map_err(|error| unreadable(&error))?;
    Ok(contents.metadata.into())
}

/// Where the bytes of a blob are on this machine, and the scratch file that they were copied to where they
/// are kept elsewhere: dropping it removes it.
pub(crate) async fn local_path(
    app: &App,
    blob: Blob,
) -> Result<(std::path::PathBuf, Option<Finished>), FlowError> {
    match blob {
        Blob::Local(local) => Ok((local.path().to_path_buf(), None)),
        Blob::Remote(_) => {
            let mut spool = app.blobs.spool().await?;
            let mut bytes = blob.whole();
            while let Some(chunk) = bytes.next().await {
                spool.write(chunk?).await?;
            }
            let finished = spool.finish().await?;
            Ok((finished.path().to_path_buf(), Some(finished)))
        }
    }
}
