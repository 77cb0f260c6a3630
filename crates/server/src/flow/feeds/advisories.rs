//! The snapshot of a feed of advisories: everything at once, or only what changed since, where the origin
//! tells that and it is not too much.

use std::collections::HashMap;
use std::path::Path;

use futures_util::StreamExt as _;
use portcullis_core::time::Timestamp;
use portcullis_store::feeds::Feed;
use portcullis_upstream::UpstreamError;
use portcullis_upstream::client::Validators;
use portcullis_upstream::feeds::{
    FeedError, FeedHost, Found, Remote, modified_ids, read_document, read_records,
};
use tracing::{debug, info};
use url::Url;

use super::origin::{Arrived, Opened, Place};
use super::{BOUNDS, Made, Stays, Way, blocking, kept_snapshot};
use crate::feeds::{Collector, Snapshot};

/// Where more records than this have changed, everything is loaded instead.
const MOST_INCREMENTS: usize = 500;

/// How many records are asked for at once.
const AT_ONCE: usize = 8;

/// The longest list of changes, in bytes.
const LONGEST_LIST: u64 = 128 << 20;

/// The snapshot of what the origin has now. `None` when that is what is `kept`.
pub(super) async fn make(opened: &Opened<'_>, kept: Option<&Feed>) -> Result<Option<Made>, Stays> {
    if let Place::Host { host, remote } = &opened.place
        && let Some(list) = remote.modified_ids()
    {
        return from_folder(opened, kept, (host, remote, &list)).await;
    }
    let Arrived::Changed(arrived) = opened.arrive(None).await? else {
        return Ok(None);
    };
    let kept = kept.filter(|_| opened.wanted.way == Way::Add);
    everything(opened, kept, &arrived.path, arrived.validators.clone()).await
}

/// From a folder as OSV publishes one: its list of changes is asked first.
async fn from_folder(
    opened: &Opened<'_>,
    kept: Option<&Feed>,
    (host, remote, list): (&FeedHost, &Remote, &Url),
) -> Result<Option<Made>, Stays> {
    let list = match opened.arrive(Some(list)).await {
        Ok(Arrived::Unchanged) => return Ok(None),
        Ok(Arrived::Changed(list)) => Some(list),
        // A mirror without the list has the archive all the same.
        Err(Stays::Feed(FeedError::Absent(_))) => None,
        Err(error) => return Err(error),
    };
    let validators = list.as_ref().map(|list| list.validators.clone());
    if let (Some(list), Some(kept), Some(_)) = (&list, kept, &opened.known) {
        match increments(opened, kept, (host, remote), &list.path).await {
            Ok(Some(mut made)) => {
                made.validators = list.validators.clone();
                return Ok(Some(made));
            }
            Ok(None) => debug!(
                feed = opened.wanted.name,
                "too much has changed for increments"
            ),
            Err(Stays::Flow(error)) => return Err(error.into()),
            Err(error) => info!(
                feed = opened.wanted.name,
                "loading everything, since loading what changed failed: {error}"
            ),
        }
    }
    let Arrived::Changed(archive) = opened.arrive(None).await? else {
        return Ok(None);
    };
    let kept = kept.filter(|_| opened.wanted.way == Way::Add);
    everything(opened, kept, &archive.path, validators.unwrap_or_default()).await
}

/// The snapshot of all records at `path`, and of those that are `kept`.
async fn everything(
    opened: &Opened<'_>,
    kept: Option<&Feed>,
    path: &Path,
    validators: Validators,
) -> Result<Option<Made>, Stays> {
    let kept = match kept {
        Some(kept) => kept_snapshot(opened.app, kept).await?,
        None => None,
    };
    let scratch = opened.app.blobs.spool().await?;
    let (path, records) = (path.to_owned(), scratch.path().to_owned());
    let collected = blocking(move || {
        let mut collector = Collector::new(&records)?;
        if let Some(kept) = kept {
            collector.take_snapshot(&kept)?;
        }
        read_records(&path, &BOUNDS, &mut |found| collector.take(found))?;
        Ok(collector)
    });
    let collector = collected.await?;
    if collector.is_empty() {
        return Err(Stays::Content(nothing(&collector)));
    }
    written(opened, collector, validators).await.map(Some)
}

fn nothing(collector: &Collector) -> String {
    let first = collector.complaints.first();
    let first = first.map_or(String::new(), |first| format!("; the first: {first}"));
    format!(
        "it has no advisory that can be read ({} unreadable, {} of other ecosystems{first})",
        collector.skipped, collector.foreign
    )
}

async fn written(
    opened: &Opened<'_>,
    mut collector: Collector,
    validators: Validators,
) -> Result<Made, Stays> {
    let scratch = opened.app.blobs.spool().await?;
    let path = scratch.path().to_owned();
    let into = path.clone();
    let collector = blocking(move || {
        let file = std::io::BufWriter::new(std::fs::File::create(into)?);
        collector.write(file)?;
        Ok(collector)
    });
    let collector = collector.await?;
    Ok(Made {
        path,
        records: collector.len() as u64,
        skipped: collector.skipped,
        complaints: collector.complaints.join("\n"),
        newest: collector.newest(),
        validators,
        _scratch: scratch,
    })
}

/// The snapshot of what is kept with what changed since. `None` when so much changed that loading
/// everything is less work.
async fn increments(
    opened: &Opened<'_>,
    kept: &Feed,
    (host, remote): (&FeedHost, &Remote),
    list: &Path,
) -> Result<Option<Made>, Stays> {
    let Some(snapshot) = kept_snapshot(opened.app, kept).await? else {
        return Ok(None);
    };
    let scratch = opened.app.blobs.spool().await?;
    let (list, records) = (list.to_owned(), scratch.path().to_owned());
    let compared = blocking(move || compare(&list, &records, &snapshot));
    let (mut collector, changed) = compared.await?;
    if changed.len() > MOST_INCREMENTS {
        return Ok(None);
    }
    let fetch = |id: String| async move {
        let found = match remote.record(&id) {
            Some(url) => record(host, &url).await?,
            None => return Err(Stays::Content(format!("{id:?} is no id"))),
        };
        Ok((id, found))
    };
    let mut fetched = futures_util::stream::iter(changed)
        .map(fetch)
        .buffer_unordered(AT_ONCE);
    while let Some(record) = fetched.next().await {
        let (id, bytes) = record?;
        let name = format!("{id}.json");
        let bytes: &[u8] = &bytes;
        collector.take(Found::Record { name: &name, bytes })?;
    }
    drop(fetched);
    written(opened, collector, Validators::default())
        .await
        .map(Some)
}

async fn record(host: &FeedHost, url: &Url) -> Result<bytes::Bytes, Stays> {
    let found: Result<_, UpstreamError> = host.small(url, BOUNDS.record).await;
    found?.ok_or_else(|| FeedError::Absent(url.to_string()).into())
}

/// What is kept without what is no longer listed, and the ids of what changed.
fn compare(
    list: &Path,
    records: &Path,
    snapshot: &Snapshot,
) -> Result<(Collector, Vec<String>), Stays> {
    let list = read_document(list, LONGEST_LIST)?;
    let list = String::from_utf8_lossy(&list);
    let mut listed: HashMap<&str, Option<Timestamp>> = HashMap::new();
    for line in modified_ids(&list) {
        let modified = line.modified.parse::<Timestamp>().ok();
        let known = listed.entry(line.id).or_insert(modified);
        *known = (*known).max(modified);
    }
    if listed.is_empty() {
        return Err(Stays::Content("its list of changes is empty".to_owned()));
    }
    let mut collector = Collector::new(records)?;
    collector.take_snapshot(snapshot)?;
    collector.retain(|id| listed.contains_key(id));
    let changed = listed
        .iter()
        .filter(|(id, modified)| !collector.has(id, **modified))
        .map(|(id, _)| (*id).to_owned());
    let mut changed: Vec<String> = changed.collect();
    changed.sort_unstable();
    Ok((collector, changed))
}
