//! What is cached of files from outside: how much it is, when each content was used last, and making room.
//! Pins stay when bytes go, so that a file which is fetched again must have the bytes that it had. What was
//! published here is never cached content.
//!
//! The rows are an account and not the truth: they are written some time after the bytes came, and
//! [`reconcile`] sets them right from a listing.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::ledger::Kind;
use portcullis_core::time::Timestamp;
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::blobs::{Blobs, ListedBlob};
use crate::columns::{Hash, free_text, to_column};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::ledger;
use crate::references::DeleteError;

/// That a content came or was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It came, with so many bytes.
    Came {
        /// Its size in bytes.
        size: u64,
        /// When.
        at: Timestamp,
    },
    /// It was used and had come before.
    Used {
        /// When.
        at: Timestamp,
    },
}

/// How many rows one statement changes.
const ROWS: usize = 200;

/// Writes down what came and what was used, in one transaction. Use of what is not on the account, because it
/// went meanwhile, is nothing.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is written down then.
pub async fn note(db: &Db, noted: &HashMap<Sha256, Noted>) -> Result<(), StoreError> {
    let mut came = Vec::new();
    let mut used = Vec::new();
    for (sha256, noted) in noted {
        match noted {
            Noted::Came { size, at } => came.push((*sha256, to_column(*size)?, *at)),
            Noted::Used { at } => used.push((*sha256, *at)),
        }
    }
    // Always in the same order, so that replicas that write down the same contents wait for each other.
    came.sort_unstable_by_key(|row| row.0);
    used.sort_unstable_by_key(|row| row.0);
    let mut write = db.begin_write().await?;
    for rows in came.chunks(ROWS) {
        insert(&mut write, rows).await?;
    }
    for rows in used.chunks(ROWS) {
        touch(&mut write, rows).await?;
    }
    write.commit().await
}

fn numbered(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let columns = (1..=columns).map(|column| format!("${}", row * columns + column));
        format!("({})", columns.collect::<Vec<_>>().join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}

async fn insert(write: &mut Write, rows: &[(Sha256, i64, Timestamp)]) -> Result<(), StoreError> {
    let text = format!(
        "INSERT INTO cached (sha256, size, since, used_at) VALUES {} \
         ON CONFLICT (sha256) DO UPDATE SET size = excluded.size, \
         used_at = CASE WHEN excluded.used_at > cached.used_at THEN excluded.used_at \
         ELSE cached.used_at END",
        numbered(rows.len(), 4)
    );
    within!(write, executor => {
        let mut statement = sqlx::query(AssertSqlSafe(text));
        for (sha256, size, at) in rows {
            statement = statement
                .bind(sha256.as_bytes().as_slice())
                .bind(*size)
                .bind(at.as_millis())
                .bind(at.as_millis());
        }
        statement.execute(executor).await.map(drop)
    })?;
    Ok(())
}

async fn touch(write: &mut Write, rows: &[(Sha256, Timestamp)]) -> Result<(), StoreError> {
    let text = format!(
        "UPDATE cached SET used_at = noted.column2 FROM (VALUES {}) AS noted \
         WHERE cached.sha256 = noted.column1 AND cached.used_at < noted.column2",
        numbered(rows.len(), 2)
    );
    within!(write, executor => {
        let mut statement = sqlx::query(AssertSqlSafe(text));
        for (sha256, at) in rows {
            statement = statement.bind(sha256.as_bytes().as_slice()).bind(at.as_millis());
        }
        statement.execute(executor).await.map(drop)
    })?;
    Ok(())
}

/// How much is cached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many contents.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

// The sum of a BIGINT column is NUMERIC in PostgreSQL.
const TOTALS: &str = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM cached";

/// How much is cached, as far as it is written down.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn totals(db: &Db) -> Result<Totals, StoreError> {
    let (files, bytes): (i64, i64) =
        on!(db, executor => sqlx::query_as(TOTALS).fetch_one(executor).await)?;
    Ok(Totals {
        files: files.unsigned_abs(),
        bytes: bytes.unsigned_abs(),
    })
}

/// What [`reconcile`] set right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Contents that were there and not written down.
    pub added: u64,
    /// Contents that were written down and not there.
    pub dropped: u64,
}

macro_rules! needed_by_others {
    ($of:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM file WHERE file.sha256 = ",
            $of,
            " AND file.deleted_at IS NULL) \
             OR EXISTS (SELECT 1 FROM file WHERE file.metadata_sha256 = ",
            $of,
            " AND file.deleted_at IS NULL) \
             OR EXISTS (SELECT 1 FROM sidecar WHERE sidecar.sha256 = ",
            $of,
            ") OR EXISTS (SELECT 1 FROM feed WHERE feed.sha256 = ",
            $of,
            ")"
        )
    };
}

#[derive(sqlx::FromRow)]
struct DigestRow {
    #[sqlx(try_from = "Hash")]
    sha256: Sha256,
}

/// Pinned contents among those that are named, which are not written down and which nothing else needs.
fn unwritten_text(count: usize) -> String {
    let numbers: Vec<String> = (1..=count).map(|number| format!("${number}")).collect();
    format!(
        "SELECT DISTINCT pin.sha256 FROM pin WHERE pin.sha256 IN ({}) \
         AND NOT EXISTS (SELECT 1 FROM cached WHERE cached.sha256 = pin.sha256) AND NOT ({})",
        numbers.join(", "),
        needed_by_others!("pin.sha256"),
    )
}

const WRITTEN: &str = "SELECT sha256 FROM cached WHERE sha256 > $1 ORDER BY sha256 LIMIT 500";

const DROP: &str = "DELETE FROM cached WHERE sha256 = $1";

/// Sets the account right from a listing of the blobs. What is there and was not written down counts as used
/// when it came.
///
/// # Errors
/// [`DeleteError`] when the database or the blobs cannot be asked.
pub async fn reconcile(db: &Db, blobs: &Blobs) -> Result<Reconciled, DeleteError> {
    let mut reconciled = Reconciled::default();
    let mut listed = blobs.list().try_chunks(500);
    while let Some(chunk) = listed.try_next().await.map_err(|error| error.1)? {
        reconciled.added += write_down(db, &chunk).await?;
    }
    let mut after = Vec::new();
    loop {
        let rows: Vec<DigestRow> = on!(db, executor => {
            sqlx::query_as(WRITTEN).bind(after.as_slice()).fetch_all(executor).await
        })
        .map_err(StoreError::from)?;
        let Some(last) = rows.last() else { break };
        after = last.sha256.as_bytes().to_vec();
        for row in rows {
            if !blobs.exists(&row.sha256).await? {
                drop_row(db, &row.sha256).await?;
                reconciled.dropped += 1;
            }
        }
    }
    Ok(reconciled)
}

async fn write_down(db: &Db, chunk: &[ListedBlob]) -> Result<u64, StoreError> {
    let text = unwritten_text(chunk.len());
    let rows: Vec<DigestRow> = on!(db, executor => {
        let mut query = sqlx::query_as(AssertSqlSafe(text));
        for blob in chunk {
            query = query.bind(blob.sha256.as_bytes().as_slice());
        }
        query.fetch_all(executor).await
    })?;
    let find = |row: &DigestRow| chunk.iter().find(|blob| blob.sha256 == row.sha256);
    let came = rows.iter().filter_map(find).map(|blob| {
        let (size, at) = (blob.size, blob.modified);
        (blob.sha256, Noted::Came { size, at })
    });
    let came: HashMap<Sha256, Noted> = came.collect();
    if !came.is_empty() {
        note(db, &came).await?;
    }
    Ok(came.len() as u64)
}

async fn drop_row(db: &Db, sha256: &Sha256) -> Result<(), StoreError> {
    alone!(db, executor => {
        sqlx::query(DROP)
            .bind(sha256.as_bytes().as_slice())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// What is wanted of [`evict`].
#[derive(Clone, Copy, Debug)]
pub struct Eviction<'e> {
    /// At least so many bytes are to go, if there are so many that may.
    pub bytes: u64,
    /// And whatever was not used since, however many bytes that is.
    pub unused_since: Option<Timestamp>,
    /// What was used after this moment stays: somebody may be at it.
    pub in_use_since: Timestamp,
    /// Why, for the ledger.
    pub why: &'e str,
}

/// What went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// How many contents.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
}

#[derive(sqlx::FromRow)]
struct Candidate {
    #[sqlx(try_from = "Hash")]
    sha256: Sha256,
    #[sqlx(try_from = "i64")]
    size: u64,
    used_at: i64,
}

/// The contents that were unused for longest, without those that something else needs, that are in
/// quarantine, or that a reviewer has still to look at: those are evidence.
const CANDIDATES: &str = concat!(
    "SELECT sha256, size, used_at FROM cached WHERE used_at < $1 \
     AND (used_at > $2 OR (used_at = $2 AND sha256 > $3)) AND NOT (",
    needed_by_others!("cached.sha256"),
    ") AND NOT EXISTS (SELECT 1 FROM quarantine WHERE quarantine.sha256 = cached.sha256 \
     AND quarantine.released_at IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM pin JOIN quarantine ON quarantine.project = pin.project \
     WHERE pin.sha256 = cached.sha256 AND quarantine.released_at IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM pin JOIN review ON review.project = pin.project \
     WHERE pin.sha256 = cached.sha256 AND review.state = 'requested') \
     ORDER BY used_at, sha256 LIMIT 16"
);

/// Deletes the bytes of contents from outside, those first that were not used for longest, and returns what
/// went. Each batch is on the ledger. Bytes go before their row does, while nothing can be published; should
/// it fail in between, [`reconcile`] mends the account.
///
/// # Errors
/// [`DeleteError`] when the database or the blobs fail; what went before is gone.
pub async fn evict(
    db: &Db,
    blobs: &Blobs,
    eviction: Eviction<'_>,
    now: Timestamp,
) -> Result<Evicted, DeleteError> {
    let mut evicted = Evicted::default();
    let mut place = (i64::MIN, Vec::new());
    loop {
        let rows: Vec<Candidate> = on!(db, executor => {
            sqlx::query_as(CANDIDATES)
                .bind(eviction.in_use_since.as_millis())
                .bind(place.0)
                .bind(place.1.as_slice())
                .fetch_all(executor)
                .await
        })
        .map_err(StoreError::from)?;
        let Some(last) = rows.last() else { break };
        place = (last.used_at, last.sha256.as_bytes().to_vec());
        let mut missing = eviction.bytes.saturating_sub(evicted.bytes);
        let unused_since = eviction.unused_since.map(Timestamp::as_millis);
        let doomed = rows.into_iter().take_while(|row| {
            let goes = missing > 0 || unused_since.is_some_and(|since| row.used_at < since);
            missing = missing.saturating_sub(row.size);
            goes
        });
        let doomed: Vec<Candidate> = doomed.collect();
        if doomed.is_empty() {
            break;
        }
        let gone = evict_batch(db, blobs, &doomed, eviction.why, now).await?;
        evicted.files += gone.files;
        evicted.bytes += gone.bytes;
    }
    Ok(evicted)
}

const STILL: &str = concat!(
    "SELECT COUNT(*) FROM cached WHERE sha256 = $1 AND used_at = $2 AND NOT (",
    needed_by_others!("cached.sha256"),
    ")"
);

async fn evict_batch(
    db: &Db,
    blobs: &Blobs,
    doomed: &[Candidate],
    why: &str,
    now: Timestamp,
) -> Result<Evicted, DeleteError> {
    let mut write = db.begin_write().await?;
    let mut gone = Vec::new();
    let mut evicted = Evicted::default();
    for candidate in doomed {
        let sha256 = candidate.sha256.as_bytes().as_slice();
        let still: i64 = within!(&mut write, executor => {
            sqlx::query_scalar(STILL)
                .bind(sha256)
                .bind(candidate.used_at)
                .fetch_one(executor)
                .await
        })
        .map_err(StoreError::from)?;
        if still == 0 {
            continue;
        }
        blobs.delete(&candidate.sha256).await?;
        within!(&mut write, executor => {
            sqlx::query(DROP).bind(sha256).execute(executor).await.map(drop)
        })
        .map_err(StoreError::from)?;
        gone.push(candidate.sha256);
        evicted.files += 1;
        evicted.bytes += candidate.size;
    }
    if gone.is_empty() {
        write.rollback().await?;
        return Ok(evicted);
    }
    let payload = json!({
        "act": "evict", "blobs": gone, "bytes": evicted.bytes, "why": free_text(why),
    });
    ledger::append(&mut write, Kind::Purge, &payload, now).await?;
    write.commit().await?;
    Ok(evicted)
}
