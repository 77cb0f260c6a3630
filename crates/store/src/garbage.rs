//! Garbage: content that no row refers to, because a process died between keeping bytes and the row that is
//! about them, or between the two when both went; and rows whose bytes are gone, which are reported and
//! never mended here. What lies beside the blobs is [`leftovers`](Blobs::leftovers).
//!
//! **Invariant:** it errs on the side of leaking. Only what is older than a moment well in the past is looked
//! at; that, and that nothing refers to it, is asked again in the transaction just before the bytes go,
//! while nothing can be published. Whoever keeps bytes makes them young first (see [`Blobs::commit`]), and
//! looks once more when the row is there ([`crate::references`]).

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
use futures_util::future::try_join_all;
use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::blobs::{Blobs, Leftover, ListedBlob};
use crate::columns::{Hash, MaybeHash, free_text};
use crate::db::Db;
use crate::error::StoreError;
use crate::ledger;
use crate::references::{DeleteError, count_within};

/// What was found by [`look`].
#[derive(Clone, Debug, Default)]
pub struct Garbage {
    /// Content that nothing refers to.
    pub orphans: Vec<ListedBlob>,
    /// What lies beside the blobs.
    pub leftovers: Vec<Leftover>,
    /// Why it is not known whether there are uploads in parts, where that is so.
    pub unknown: Option<String>,
    /// Rows whose bytes are gone.
    pub lost: Vec<Lost>,
    /// How many contents nothing refers to that are too young to be garbage.
    pub young: u64,
    /// How many contents there are at all.
    pub blobs: u64,
    /// How many bytes they have.
    pub bytes: u64,
}

impl Garbage {
    /// How many bytes would be free without it, as far as that is known.
    pub fn freeable(&self) -> u64 {
        let orphans: u64 = self.orphans.iter().map(|orphan| orphan.size).sum();
        let leftovers = self.leftovers.iter().filter_map(|leftover| leftover.size);
        orphans + leftovers.sum::<u64>()
    }

    /// Whether there is anything that [`collect`] would delete.
    pub fn is_empty(&self) -> bool {
        self.orphans.is_empty() && self.leftovers.is_empty()
    }
}

/// What a row is about whose bytes are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LostKind {
    /// A file that was published here: nobody else has it.
    File,
    /// The METADATA of such a file.
    Metadata,
    /// The snapshot of a feed, which can be loaded again.
    Feed,
}

impl LostKind {
    /// `file`, `metadata` or `feed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Metadata => "metadata",
            Self::Feed => "feed",
        }
    }
}

/// A row whose bytes are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// What it is about.
    pub kind: LostKind,
    /// The file's name with its source before it, or the feed's name.
    pub name: String,
    /// The content that is gone.
    pub sha256: Sha256,
}

/// How many contents are asked about at once.
const CHUNK: usize = 500;

/// Looks for garbage that is older than `cutoff`. `progress` hears how many contents were looked at.
///
/// It takes about 50 bytes of memory for each content.
///
/// # Errors
/// [`DeleteError`] when the database or the blobs cannot be asked.
pub async fn look(
    db: &Db,
    blobs: &Blobs,
    cutoff: Timestamp,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Garbage, DeleteError> {
    let mut garbage = Garbage::default();
    let mut here = HashSet::new();
    let mut listed = blobs.list().try_chunks(CHUNK);
    while let Some(chunk) = listed.try_next().await.map_err(|error| error.1)? {
        let referred = referred(db, &chunk).await?;
        for blob in &chunk {
            here.insert(blob.sha256);
            garbage.bytes += blob.size;
            match referred.contains(&blob.sha256) {
                true => {}
                false if blob.modified <= cutoff => garbage.orphans.push(*blob),
                false => garbage.young += 1,
            }
        }
        garbage.blobs += chunk.len() as u64;
        progress(garbage.blobs);
    }
    let leftovers = blobs.leftovers(cutoff).await?;
    garbage.leftovers = leftovers.found;
    garbage.unknown = leftovers.unknown;
    garbage.lost = lost(db, blobs, &here).await?;
    Ok(garbage)
}

/// The text of the question which of `count` contents rows refer to.
fn referred_text(count: usize) -> String {
    let numbers: Vec<String> = (1..=count).map(|number| format!("${number}")).collect();
    let list = numbers.join(", ");
    format!(
        "SELECT sha256 FROM file WHERE deleted_at IS NULL AND sha256 IN ({list}) \
         UNION SELECT metadata_sha256 FROM file \
         WHERE deleted_at IS NULL AND metadata_sha256 IN ({list}) \
         UNION SELECT sha256 FROM pin WHERE sha256 IN ({list}) \
         UNION SELECT sha256 FROM sidecar WHERE sha256 IN ({list}) \
         UNION SELECT sha256 FROM feed WHERE sha256 IN ({list})"
    )
}

async fn referred(db: &Db, blobs: &[ListedBlob]) -> Result<HashSet<Sha256>, StoreError> {
    let text = referred_text(blobs.len());
    let rows: Vec<Vec<u8>> = on!(db, executor => {
        let mut query = sqlx::query_scalar(AssertSqlSafe(text));
        for blob in blobs {
            query = query.bind(blob.sha256.as_bytes().as_slice());
        }
        query.fetch_all(executor).await
    })?;
    let parsed: Result<_, _> = rows.iter().map(|row| Sha256::from_slice(row)).collect();
    parsed.map_err(|error| sqlx::Error::Decode(Box::new(error)).into())
}

#[derive(sqlx::FromRow)]
struct FileRow {
    id: i64,
    source: String,
    filename: String,
    #[sqlx(try_from = "Hash")]
    sha256: Sha256,
    #[sqlx(try_from = "MaybeHash")]
    metadata_sha256: Option<Sha256>,
}

const FILES: &str = "SELECT id, source, filename, sha256, metadata_sha256 FROM file \
     WHERE deleted_at IS NULL AND id > $1 ORDER BY id LIMIT 1000";

#[derive(sqlx::FromRow)]
struct FeedRow {
    name: String,
    #[sqlx(try_from = "Hash")]
    sha256: Sha256,
}

const FEEDS: &str = "SELECT name, sha256 FROM feed WHERE sha256 IS NOT NULL ORDER BY name";

/// Rows whose bytes are neither in `here` nor, when they are asked for by name, anywhere.
async fn lost(db: &Db, blobs: &Blobs, here: &HashSet<Sha256>) -> Result<Vec<Lost>, DeleteError> {
    let mut suspects = Vec::new();
    let mut suspect = |kind, name: &str, sha256: Sha256| {
        if !here.contains(&sha256) {
            let name = name.to_owned();
            suspects.push(Lost { kind, name, sha256 });
        }
    };
    let mut after = 0;
    loop {
        let rows: Vec<FileRow> = on!(db, executor => {
            sqlx::query_as(FILES).bind(after).fetch_all(executor).await
        })
        .map_err(StoreError::from)?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for row in &rows {
            let name = format!("{}/{}", row.source, row.filename);
            suspect(LostKind::File, &name, row.sha256);
            if let Some(metadata) = row.metadata_sha256 {
                suspect(LostKind::Metadata, &name, metadata);
            }
        }
    }
    let feeds: Vec<FeedRow> = on!(db, executor => sqlx::query_as(FEEDS).fetch_all(executor).await)
        .map_err(StoreError::from)?;
    for feed in &feeds {
        suspect(LostKind::Feed, &feed.name, feed.sha256);
    }
    let mut lost = Vec::new();
    for one in suspects {
        // What was published since the listing began is not in it.
        if !blobs.exists(&one.sha256).await? && is_referred(db, &one).await? {
            lost.push(one);
        }
    }
    Ok(lost)
}

/// Whether the row is there still: it may have been deleted, with its bytes, since it was read.
async fn is_referred(db: &Db, lost: &Lost) -> Result<bool, StoreError> {
    Ok(crate::references::count(db, &lost.sha256).await? > 0)
}

/// What [`collect`] deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// How many contents.
    pub orphans: u64,
    /// How many things beside them.
    pub leftovers: u64,
    /// How many bytes, as far as that is known.
    pub bytes: u64,
    /// How many of what was found were needed, or young, when their turn came.
    pub spared: u64,
}

/// Who collects, until when something must have been untouched, and the present.
#[derive(Clone, Copy, Debug)]
pub struct Collecting<'c> {
    /// What was touched after this moment stays.
    pub cutoff: Timestamp,
    /// Who collects.
    pub who: &'c str,
    /// The present.
    pub now: Timestamp,
}

/// So many contents are deleted while everybody who writes waits.
const AT_ONCE: usize = 16;

/// Deletes what was found, after asking again for each whether it is garbage still, and writes into the
/// ledger what went. `progress` hears how many things are done with.
///
/// # Errors
/// [`DeleteError`] when the database or the blobs fail; what was deleted before stays deleted.
pub async fn collect(
    db: &Db,
    blobs: &Blobs,
    garbage: &Garbage,
    collecting: Collecting<'_>,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Collected, DeleteError> {
    let mut collected = Collected::default();
    let mut done = 0;
    for orphans in garbage.orphans.chunks(AT_ONCE) {
        collect_orphans(db, blobs, orphans, collecting, &mut collected).await?;
        done += orphans.len() as u64;
        progress(done);
    }
    let mut names = Vec::new();
    for leftover in &garbage.leftovers {
        match blobs.remove(leftover, collecting.cutoff).await? {
            true => {
                collected.leftovers += 1;
                collected.bytes += leftover.size.unwrap_or(0);
                names.push(format!("{}: {}", leftover.kind.as_str(), leftover.name()));
            }
            false => collected.spared += 1,
        }
        done += 1;
        progress(done);
    }
    for names in names.chunks(100) {
        let payload = json!({
            "act": "collect", "leftovers": names, "who": free_text(collecting.who),
        });
        ledger::record(db, Kind::Purge, &payload, None, collecting.now).await?;
    }
    Ok(collected)
}

async fn collect_orphans(
    db: &Db,
    blobs: &Blobs,
    orphans: &[ListedBlob],
    collecting: Collecting<'_>,
    collected: &mut Collected,
) -> Result<(), DeleteError> {
    let mut write = db.begin_write().await?;
    let mut doomed = Vec::new();
    for orphan in orphans {
        let is_needed = count_within(&mut write, &orphan.sha256).await? > 0;
        let now = match is_needed {
            true => None,
            false => blobs.described(&orphan.sha256).await?,
        };
        match now.filter(|now| now.modified <= collecting.cutoff) {
            Some(now) => doomed.push(now),
            None => collected.spared += 1,
        }
    }
    if doomed.is_empty() {
        write.rollback().await?;
        return Ok(());
    }
    let deletions = doomed.iter().map(|orphan| blobs.delete(&orphan.sha256));
    try_join_all(deletions).await?;
    let bytes: u64 = doomed.iter().map(|orphan| orphan.size).sum();
    let digests: Vec<&Sha256> = doomed.iter().map(|orphan| &orphan.sha256).collect();
    let payload = json!({
        "act": "collect", "blobs": digests, "bytes": bytes, "who": free_text(collecting.who),
    });
    ledger::append(&mut write, Kind::Purge, &payload, collecting.now).await?;
    write.commit().await?;
    collected.orphans += doomed.len() as u64;
    collected.bytes += bytes;
    Ok(())
}
