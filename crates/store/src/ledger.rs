//! Where the ledger's entries are kept: appending inside a transaction, listing, and verifying the
//! chain together with the download rows that it vouches for. The chain itself is `core::ledger`.

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::{self, Broken, Entry, Head, Kind, Verifier};
use portcullis_core::time::Timestamp;
use serde_json::Value;

use crate::columns::{Hash, Millis, Word, to_column};
use crate::db::{Db, Write};
use crate::downloads;
use crate::error::StoreError;
use crate::generations::{self, Counter};

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    #[sqlx(try_from = "Millis")]
    at: Timestamp,
    #[sqlx(try_from = "Word")]
    kind: Kind,
    payload: String,
    #[sqlx(try_from = "Hash")]
    prev: Sha256,
    #[sqlx(try_from = "Hash")]
    hash: Sha256,
}

impl From<Row> for Entry {
    fn from(row: Row) -> Self {
        Self {
            seq: row.seq.unsigned_abs(),
            at: row.at,
            kind: row.kind,
            payload: row.payload,
            prev: row.prev,
            hash: row.hash,
        }
    }
}

const LAST: &str =
    "SELECT seq, at, kind, payload, prev, hash FROM ledger ORDER BY seq DESC LIMIT 1";

const APPEND: &str =
    "INSERT INTO ledger (seq, at, kind, payload, prev, hash) VALUES ($1, $2, $3, $4, $5, $6)";

/// Appends an entry to the chain, in the transaction of the change that it tells of.
pub(crate) async fn append(
    write: &mut Write,
    kind: Kind,
    payload: &Value,
    now: Timestamp,
) -> Result<Entry, StoreError> {
    let last: Option<Row> = within!(&mut *write, executor => {
        sqlx::query_as(LAST).fetch_optional(executor).await
    })?;
    let head = last.map_or_else(Head::genesis, |row| Entry::from(row).head());
    let entry = ledger::append(&head, now, kind, payload);
    let seq = to_column(entry.seq)?;
    within!(write, executor => {
        sqlx::query(APPEND)
            .bind(seq)
            .bind(entry.at.as_millis())
            .bind(entry.kind.as_str())
            .bind(&entry.payload)
            .bind(entry.prev.as_bytes().as_slice())
            .bind(entry.hash.as_bytes().as_slice())
            .execute(executor)
            .await
            .map(drop)
    })?;
    Ok(entry)
}

/// Records something whose state is not kept in the database, such as a policy that took effect;
/// `counter` tells the other replicas.
///
/// # Errors
/// [`StoreError`] when the database fails; nothing is recorded then.
pub async fn record(
    db: &Db,
    kind: Kind,
    payload: &Value,
    counter: Option<Counter>,
    now: Timestamp,
) -> Result<Entry, StoreError> {
    let mut write = db.begin_write().await?;
    let entry = append(&mut write, kind, payload, now).await?;
    if let Some(counter) = counter {
        generations::bump(&mut write, counter).await?;
    }
    write.commit().await?;
    Ok(entry)
}

const ENTRIES: &str = "SELECT seq, at, kind, payload, prev, hash FROM ledger \
     WHERE seq >= $1 ORDER BY seq LIMIT $2";

/// At most `limit` entries, in order, from the one numbered `from` on.
///
/// # Errors
/// [`StoreError`] when the database fails, or a row does not hold an entry.
pub async fn entries(db: &Db, from: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let from = to_column(from)?;
    let rows: Vec<Row> = on!(db, executor => {
        sqlx::query_as(ENTRIES).bind(from).bind(i64::from(limit)).fetch_all(executor).await
    })?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// The end of the chain.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn head(db: &Db) -> Result<Head, StoreError> {
    let last: Option<Row> =
        on!(db, executor => sqlx::query_as(LAST).fetch_optional(executor).await)?;
    Ok(last.map_or_else(Head::genesis, |row| Entry::from(row).head()))
}

/// What [`verify`] found in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries there are.
    pub entries: u64,
    /// The end of the chain. Written down elsewhere, it shows later that nothing was cut off.
    pub head: Head,
    /// How many download rows the chain vouches for.
    pub downloads: u64,
}

/// Verifies the last `count` entries of the chain, believing the one before them, and returns how many that
/// were. It is quick however long the chain is; [`verify`] believes nothing.
///
/// # Errors
/// [`StoreError::Ledger`] at the first entry that was altered, [`StoreError::Database`] when the database
/// fails.
pub async fn verify_tail(db: &Db, count: u32) -> Result<u64, StoreError> {
    let head = head(db).await?;
    let first = head.seq.saturating_sub(u64::from(count)).max(1);
    let tail = entries(db, first, count.saturating_add(1)).await?;
    let mut tail = tail.iter();
    let mut chain = match tail.next() {
        // The first entry of all follows on nothing and is checked like the others.
        Some(entry) if entry.seq == 1 => {
            let mut chain = Verifier::default();
            chain.check(entry)?;
            chain
        }
        Some(entry) => Verifier::after(entry.head()),
        None => return Ok(0),
    };
    for entry in tail {
        chain.check(entry)?;
    }
    Ok(head.seq - first + u64::from(first == 1))
}

const PAGE: u32 = 500;

/// Verifies every entry of the chain, and every download row against the digest of its group.
///
/// # Errors
/// [`StoreError::Ledger`] at the first entry or group that was altered, [`StoreError::Database`]
/// when the database fails.
pub async fn verify(db: &Db) -> Result<Verified, StoreError> {
    let recorded_before = downloads::last_id(db).await?;
    let mut chain = Verifier::default();
    let mut vouched = 0;
    loop {
        let seq = chain.verified().head.seq;
        let page = entries(db, seq + 1, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for entry in &page {
            chain.check(entry)?;
            if entry.kind == Kind::Downloads {
                vouched = downloads::verify_group(db, entry, vouched).await?;
            }
        }
    }
    let verified = chain.verified();
    if vouched < recorded_before {
        let seq = verified.head.seq + 1;
        let what = format!("no entry vouches for the download rows after {vouched}");
        return Err(Broken { seq, what }.into());
    }
    Ok(Verified {
        entries: verified.count,
        head: verified.head,
        downloads: vouched.unsigned_abs(),
    })
}
