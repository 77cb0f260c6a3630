//! Download records: who received which file. They are committed in groups, and one ledger entry
//! vouches for each group by a digest over its rows. Asking them is [`crate::exposure`], grouping
//! is [`crate::recorder`].

use std::fmt;

use portcullis_core::digest::Sha256;
use portcullis_core::ledger::{Broken, Entry, Kind};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use serde_json::{Value, json};
use sha2::Digest as _;
use sqlx::QueryBuilder;

use crate::columns::{Hash, Millis, UnknownWord, Word, free_text, to_column};
use crate::db::{Db, Write};
use crate::error::StoreError;
use crate::ledger;

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadKind {
    /// The distribution file.
    File,
    /// Its METADATA alone.
    Metadata,
}

impl DownloadKind {
    /// `file` or `metadata`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Metadata => "metadata",
        }
    }
}

impl fmt::Display for DownloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<Word> for DownloadKind {
    type Error = UnknownWord;

    fn try_from(column: Word) -> Result<Self, Self::Error> {
        match column.0.as_str() {
            "file" => Ok(Self::File),
            "metadata" => Ok(Self::Metadata),
            _ => Err(UnknownWord {
                what: "a kind of download",
                text: column.0,
            }),
        }
    }
}

/// One download. What clients say of themselves is kept as they say it, cut to 1 KiB.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Download {
    /// When.
    #[sqlx(try_from = "Millis")]
    pub at: Timestamp,
    /// Through which index.
    #[sqlx(rename = "index_name")]
    pub index: String,
    /// From which source.
    pub source: String,
    /// Of which project.
    #[sqlx(try_from = "Word")]
    pub project: ProjectName,
    /// Which version, where the file name says.
    pub version: Option<String>,
    /// Which file.
    pub filename: String,
    /// The digest of the file's content.
    #[sqlx(try_from = "Hash")]
    pub sha256: Sha256,
    /// The file's size in bytes.
    #[sqlx(try_from = "i64")]
    pub size: u64,
    /// What was received of it.
    #[sqlx(try_from = "Word")]
    pub kind: DownloadKind,
    /// The name of the token that was shown.
    pub token: Option<String>,
    /// What the client calls itself, such as the number of a CI job: the user part of its credentials.
    /// Nobody has proved it.
    pub job: Option<String>,
    /// The client's address.
    pub client_addr: Option<String>,
    /// The client's User-Agent header.
    pub user_agent: Option<String>,
    /// The installer that the header names, such as `pip`.
    pub installer: Option<String>,
    /// Its version.
    pub installer_version: Option<String>,
    /// The Python version that the header names.
    pub python: Option<String>,
    /// The distribution or system that the header names.
    pub distro: Option<String>,
    /// Whether the client says that it runs in CI.
    pub ci: Option<bool>,
    /// The id of the decision that let it through.
    pub decision: Option<String>,
}

impl Download {
    /// As it is stored and vouched for.
    fn tidied(&self) -> Self {
        let tidy = |text: &Option<String>| text.as_deref().map(free_text);
        Self {
            index: free_text(&self.index),
            source: free_text(&self.source),
            version: tidy(&self.version),
            filename: free_text(&self.filename),
            token: tidy(&self.token),
            job: self.job.as_deref().map(job_text),
            client_addr: tidy(&self.client_addr),
            user_agent: tidy(&self.user_agent),
            installer: tidy(&self.installer),
            installer_version: tidy(&self.installer_version),
            python: tidy(&self.python),
            distro: tidy(&self.distro),
            decision: tidy(&self.decision),
            ..self.clone()
        }
    }

    fn hash_into(&self, hasher: &mut sha2::Sha256) {
        let ci = self.ci.map(|ci| if ci { "yes" } else { "no" });
        let numbers = [self.at.as_millis().to_be_bytes(), self.size.to_be_bytes()];
        let fields: [Option<&[u8]>; 18] = [
            Some(&numbers[0]),
            Some(self.index.as_bytes()),
            Some(self.source.as_bytes()),
            Some(self.project.as_str().as_bytes()),
            self.version.as_deref().map(str::as_bytes),
            Some(self.filename.as_bytes()),
            Some(self.sha256.as_bytes()),
            Some(&numbers[1]),
            Some(self.kind.as_str().as_bytes()),
            self.token.as_deref().map(str::as_bytes),
            self.client_addr.as_deref().map(str::as_bytes),
            self.user_agent.as_deref().map(str::as_bytes),
            self.installer.as_deref().map(str::as_bytes),
            self.installer_version.as_deref().map(str::as_bytes),
            self.python.as_deref().map(str::as_bytes),
            self.distro.as_deref().map(str::as_bytes),
            ci.map(str::as_bytes),
            self.decision.as_deref().map(str::as_bytes),
        ];
        for field in fields {
            match field {
                Some(bytes) => {
                    hasher.update([1]);
                    hasher.update((bytes.len() as u64).to_be_bytes());
                    hasher.update(bytes);
                }
                None => hasher.update([0]),
            }
        }
        // Records from before this field existed keep their digest. What follows a record begins with
        // its number, whose first byte is never 2.
        if let Some(job) = &self.job {
            hasher.update([2]);
            hasher.update((job.len() as u64).to_be_bytes());
            hasher.update(job);
        }
    }
}

/// The longest name of a job that is kept, in bytes.
const MAX_JOB: usize = 200;

/// What a client calls itself, fit to be stored and shown.
fn job_text(text: &str) -> String {
    let mut kept = free_text(text).replace(char::is_control, "\u{fffd}");
    kept.truncate(kept.floor_char_boundary(MAX_JOB));
    kept
}

/// A download with the number of its row.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RecordedDownload {
    /// Its number; later groups have higher ones.
    pub id: i64,
    /// What was recorded.
    #[sqlx(flatten)]
    pub download: Download,
}

macro_rules! download_columns {
    () => {
        "id, at, index_name, source, project, version, filename, sha256, size, kind, token, job, \
         client_addr, user_agent, installer, installer_version, python, distro, ci, decision"
    };
}
pub(crate) use download_columns;

const INSERT: &str = concat!("INSERT INTO download (", download_columns!(), ") ");

/// Rows per statement: 20 values each, well under the 32,766 that SQLite binds.
const ROWS_PER_STATEMENT: usize = 100;

fn digest(rows: &[RecordedDownload]) -> Sha256 {
    let mut hasher = sha2::Sha256::new();
    hasher.update(b"portcullis downloads 1");
    for row in rows {
        hasher.update(row.id.to_be_bytes());
        row.download.hash_into(&mut hasher);
    }
    Sha256::from_bytes(hasher.finalize().into())
}

const LAST_ID: &str = "SELECT COALESCE(MAX(id), 0) FROM download";

/// The number of the last recorded row, 0 when there is none.
pub(crate) async fn last_id(db: &Db) -> Result<i64, StoreError> {
    Ok(on!(db, executor => sqlx::query_scalar(LAST_ID).fetch_one(executor).await)?)
}

/// Records a group of downloads in one transaction, with one ledger entry that vouches for them.
///
/// # Errors
/// [`StoreError`] when the database fails; none of the group is recorded then.
pub async fn record_group(db: &Db, group: &[Download], now: Timestamp) -> Result<(), StoreError> {
    if group.is_empty() {
        return Ok(());
    }
    let mut write = db.begin_write().await?;
    let last: i64 = within!(&mut write, executor => {
        sqlx::query_scalar(LAST_ID).fetch_one(executor).await
    })?;
    let rows: Vec<RecordedDownload> = (last + 1..)
        .zip(group)
        .map(|(id, download)| RecordedDownload {
            id,
            download: download.tidied(),
        })
        .collect();
    for rows in rows.chunks(ROWS_PER_STATEMENT) {
        insert(&mut write, rows).await?;
    }
    let payload = json!({
        "first": last + 1, "last": rows[rows.len() - 1].id, "count": rows.len(),
        "digest": digest(&rows),
    });
    ledger::append(&mut write, Kind::Downloads, &payload, now).await?;
    write.commit().await
}

async fn insert(write: &mut Write, rows: &[RecordedDownload]) -> Result<(), StoreError> {
    for row in rows {
        to_column(row.download.size)?;
    }
    within!(write, executor => {
        let mut statement = QueryBuilder::new(INSERT);
        statement.push_values(rows, |mut values, RecordedDownload { id, download }| {
            values
                .push_bind(*id)
                .push_bind(download.at.as_millis())
                .push_bind(download.index.as_str())
                .push_bind(download.source.as_str())
                .push_bind(download.project.as_str())
                .push_bind(download.version.as_deref())
                .push_bind(download.filename.as_str())
                .push_bind(download.sha256.as_bytes().as_slice())
                .push_bind(download.size.cast_signed())
                .push_bind(download.kind.as_str())
                .push_bind(download.token.as_deref())
                .push_bind(download.job.as_deref())
                .push_bind(download.client_addr.as_deref())
                .push_bind(download.user_agent.as_deref())
                .push_bind(download.installer.as_deref())
                .push_bind(download.installer_version.as_deref())
                .push_bind(download.python.as_deref())
                .push_bind(download.distro.as_deref())
                .push_bind(download.ci)
                .push_bind(download.decision.as_deref());
        });
        let full = rows.len() == ROWS_PER_STATEMENT;
        statement.build().persistent(full).execute(executor).await.map(drop)
    })?;
    Ok(())
}

const ROWS: &str = concat!(
    "SELECT ",
    download_columns!(),
    " FROM download WHERE id >= $1 AND id <= $2 ORDER BY id"
);

/// Verifies the rows that `entry` vouches for, where the group before ended with row `vouched`.
/// Returns the last row of this group.
pub(crate) async fn verify_group(db: &Db, entry: &Entry, vouched: i64) -> Result<i64, StoreError> {
    let broken = |what: String| {
        Err(StoreError::Ledger(Broken {
            seq: entry.seq,
            what,
        }))
    };
    let payload: Value = serde_json::from_str(&entry.payload).unwrap_or_default();
    let number = |key: &str| payload[key].as_i64();
    let (Some(first), Some(last), Some(count)) = (number("first"), number("last"), number("count"))
    else {
        return broken("it does not name its download rows".to_owned());
    };
    if first != vouched + 1 || count < 1 || last.checked_sub(first) != Some(count - 1) {
        return broken(format!(
            "it vouches for rows {first} to {last} after {vouched}"
        ));
    }
    let rows: Vec<RecordedDownload> = on!(db, executor => {
        sqlx::query_as(ROWS).bind(first).bind(last).fetch_all(executor).await
    })?;
    if rows.len().to_string() != count.to_string() {
        return broken(format!(
            "of download rows {first} to {last}, {} are left",
            rows.len()
        ));
    }
    if payload["digest"].as_str() != Some(&digest(&rows).to_hex()) {
        return broken(format!("download rows {first} to {last} were altered"));
    }
    Ok(last)
}
