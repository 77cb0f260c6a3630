//! Exposure: who received a release, a content, what an advisory is about, or anything at all in some
//! hours; and who has it locked and has not fetched it. Counting is the vault's; this knows what is
//! meant, and who is who.

use std::collections::{BTreeMap, HashSet};

use portcullis_core::advisory::AdvisoryIndex;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_store::downloads::{Download, DownloadKind};
use portcullis_store::exposure::{self, Receipt, Span};
use portcullis_store::locks::{self, LockEntry, LockName};
use portcullis_store::{Db, StoreError};
use serde_json::{Value, json};

mod meant;
mod subject;

pub(crate) use meant::releases;
pub use meant::{Meant, NothingMeant, Which, meant};
pub use subject::{InvalidSubject, Subject};

/// Who received something: as much as is known, the surest first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity {
    /// What the client called itself, and the token with which it did.
    Job {
        /// The token that was shown.
        token: Option<String>,
        /// Its claim.
        job: String,
    },
    /// The token that was shown.
    Token(String),
    /// Only the address is known.
    Address(String),
    /// Not even that.
    Unknown,
}

impl Identity {
    /// Who a receipt is of.
    pub fn of(receipt: &Receipt) -> Self {
        let (token, address) = (&receipt.token, &receipt.client_addr);
        match (&receipt.job, token, address) {
            (Some(job), token, _) => Self::Job {
                token: token.clone(),
                job: job.clone(),
            },
            (None, Some(token), _) => Self::Token(token.clone()),
            (None, None, Some(address)) => Self::Address(address.clone()),
            (None, None, None) => Self::Unknown,
        }
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Job {
                token: Some(token),
                job,
            } => write!(f, "job {job} (token {token})"),
            Self::Job { token: None, job } => write!(f, "job {job}"),
            Self::Token(token) => f.write_str(token),
            Self::Address(address) => f.write_str(address),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// What many downloads come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many files were received as a whole.
    pub downloads: u64,
    /// How often only the metadata of a file was received.
    pub metadata_only: u64,
    /// How many different files.
    pub files: u64,
    /// How many identities received them.
    pub identities: u64,
    /// When the first was received.
    pub first: Option<Timestamp>,
    /// When the last was received.
    pub last: Option<Timestamp>,
}

/// A receipt with the particulars of its latest download.
#[derive(Clone, Debug)]
pub struct Received {
    /// What one identity received of one file.
    pub receipt: Receipt,
    /// The latest of its downloads.
    pub latest: Option<Download>,
}

/// A lock that names what is asked about, and whose builds have not fetched it here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The lock.
    pub lock: LockName,
    /// The releases, such as `litellm 1.82.7`.
    pub releases: Vec<String>,
}

/// The answer to who received it.
#[derive(Clone, Debug)]
pub struct Exposure {
    /// What it comes to.
    pub summary: Summary,
    /// Who received what of it, the earliest first; no more than were asked for.
    pub receipts: Vec<Received>,
    /// How many receipts there are in all.
    pub all_receipts: u64,
    /// Who has it locked and has not fetched it, sorted.
    pub waiting: Vec<Waiting>,
}

/// Says who received what is `meant` within `span`, with at most `limit` receipts.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn exposure(
    db: &Db,
    meant: &[Meant],
    span: Span,
    limit: usize,
) -> Result<Exposure, StoreError> {
    let mut counting = Counting::new(limit);
    for one in meant {
        exposure::receipts(db, one.exposed(), span, |receipt| counting.add(receipt)).await?;
    }
    let mut waiting = BTreeMap::new();
    for one in meant {
        waiting_into(db, one, span.to, &mut waiting).await?;
    }
    let waiting = waiting
        .into_iter()
        .map(|(lock, releases)| Waiting { lock, releases });
    counting.finish(db, waiting.collect()).await
}

/// Counts receipts and keeps the earliest.
struct Counting {
    limit: usize,
    summary: Summary,
    all: u64,
    files: HashSet<String>,
    identities: HashSet<Identity>,
    kept: BTreeMap<(Timestamp, i64), Receipt>,
}

impl Counting {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            summary: Summary::default(),
            all: 0,
            files: HashSet::new(),
            identities: HashSet::new(),
            kept: BTreeMap::new(),
        }
    }

    fn add(&mut self, receipt: Receipt) {
        let summary = &mut self.summary;
        if receipt.kind == DownloadKind::Metadata {
            summary.metadata_only += receipt.times;
            return;
        }
        self.all += 1;
        summary.downloads += receipt.times;
        let (first, last) = (receipt.first_at, receipt.last_at);
        summary.first = Some(summary.first.map_or(first, |known| known.min(first)));
        summary.last = Some(summary.last.map_or(last, |known| known.max(last)));
        if !self.files.contains(&receipt.filename) {
            self.files.insert(receipt.filename.clone());
        }
        self.identities.insert(Identity::of(&receipt));
        self.kept.insert((first, receipt.last_id), receipt);
        if self.kept.len() > self.limit {
            self.kept.pop_last();
        }
    }

    async fn finish(self, db: &Db, waiting: Vec<Waiting>) -> Result<Exposure, StoreError> {
        let ids: Vec<i64> = self.kept.values().map(|receipt| receipt.last_id).collect();
        let latest = exposure::by_ids(db, &ids).await?;
        let mut latest: BTreeMap<i64, Download> = latest
            .into_iter()
            .map(|row| (row.id, row.download))
            .collect();
        let receipts = self.kept.into_values().map(|receipt| Received {
            latest: latest.remove(&receipt.last_id),
            receipt,
        });
        Ok(Exposure {
            receipts: receipts.collect(),
            all_receipts: self.all,
            summary: Summary {
                files: self.files.len() as u64,
                identities: self.identities.len() as u64,
                ..self.summary
            },
            waiting,
        })
    }
}

/// Adds the locks that name what is meant and whose builds did not fetch it before `to`.
async fn waiting_into(
    db: &Db,
    meant: &Meant,
    to: Timestamp,
    waiting: &mut BTreeMap<LockName, Vec<String>>,
) -> Result<(), StoreError> {
    let entries = locked(db, meant).await?;
    if entries.is_empty() {
        return Ok(());
    }
    let ever = Span {
        from: Timestamp::from_millis(0),
        to,
    };
    let mut fetched = HashSet::new();
    exposure::receipts(db, meant.exposed(), ever, |receipt| {
        if receipt.kind == DownloadKind::File {
            fetched.insert((receipt.token, receipt.job));
        }
    })
    .await?;
    let is_of = |entry: &LockEntry| {
        fetched.iter().any(|(token, job)| {
            let by_token = entry.token.is_some() && entry.token == *token;
            by_token || job.as_deref().is_some_and(|job| entry.lock.is_of_job(job))
        })
    };
    for (title, entry) in entries {
        if is_of(&entry) {
            continue;
        }
        let releases = waiting.entry(entry.lock).or_default();
        if !releases.contains(&title) {
            releases.push(title);
        }
    }
    Ok(())
}

/// What locks name of what is meant, each with the release's title.
async fn locked(db: &Db, meant: &Meant) -> Result<Vec<(String, LockEntry)>, StoreError> {
    let title = |project: &ProjectName, entry: &LockEntry| match &entry.version {
        Some(version) => format!("{project} {version}"),
        None => project.to_string(),
    };
    let titled = |project: &ProjectName, entries: Vec<LockEntry>| {
        let one = |entry: LockEntry| (title(project, &entry), entry);
        entries.into_iter().map(one).collect()
    };
    match meant {
        Meant::Everything => Ok(Vec::new()),
        Meant::Content(sha256) => {
            let entries = locks::of_content(db, sha256).await?;
            let title = format!("sha256:{sha256}");
            Ok(entries
                .into_iter()
                .map(|entry| (title.clone(), entry))
                .collect())
        }
        Meant::Releases { project, which, .. } => {
            let mut entries = locks::of_project(db, project).await?;
            entries.retain(|entry| which.means(entry.version.as_deref()));
            Ok(titled(project, entries))
        }
    }
}

/// What is meant by `subject`, and who received it.
///
/// # Errors
/// As [`meant`] and [`exposure`].
pub async fn answer(
    db: &Db,
    subject: &Subject,
    advisories: Option<&AdvisoryIndex>,
    (span, limit): (Span, usize),
) -> Result<Exposure, NothingMeant> {
    let meant = meant(db, subject, advisories).await?;
    Ok(exposure(db, &meant, span, limit).await?)
}

impl Exposure {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let receipts: Vec<Value> = self.receipts.iter().map(Received::to_json).collect();
        let waiting = self
            .waiting
            .iter()
            .map(|waiting| json!({ "lock": waiting.lock, "releases": waiting.releases }));
        json!({
            "summary": self.summary.to_json(),
            "locked-and-not-fetched": waiting.collect::<Vec<_>>(),
            "receipts": receipts,
            "receipts-in-all": self.all_receipts,
        })
    }
}

impl Summary {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        json!({
            "downloads": self.downloads,
            "metadata-only": self.metadata_only,
            "files": self.files,
            "identities": self.identities,
            "first-at": self.first,
            "last-at": self.last,
        })
    }
}

impl Received {
    /// The same for programs.
    pub fn to_json(&self) -> Value {
        let receipt = &self.receipt;
        let latest = self.latest.as_ref();
        json!({
            "project": receipt.project,
            "version": receipt.version,
            "filename": receipt.filename,
            "sha256": latest.map(|latest| latest.sha256),
            "index": latest.map(|latest| latest.index.as_str()),
            "source": latest.map(|latest| latest.source.as_str()),
            "who": Identity::of(receipt).to_string(),
            "token": receipt.token,
            "job": receipt.job,
            "address": receipt.client_addr,
            "client": latest.and_then(|latest| latest.installer.as_deref()),
            "client-version": latest.and_then(|latest| latest.installer_version.as_deref()),
            "times": receipt.times,
            "first-at": receipt.first_at,
            "last-at": receipt.last_at,
        })
    }
}
