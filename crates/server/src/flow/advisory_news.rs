//! What a changed set of advisories means for us: which files that we hold or handed out are affected
//! that were not before, who received them, and the telling of it. That nobody receives them any more is
//! the policy's business, and needs nobody to act.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::sync::Arc;

use portcullis_core::advisory::{AdvisoryIndex, Affecting};
use portcullis_core::digest::Sha256;
use portcullis_core::event::Severity;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, VersionSpecifiers};
use portcullis_core::time::Timestamp;
use portcullis_store::exposure::{Span, versions};
use portcullis_store::holdings::{self, HeldFile};
use portcullis_store::{Db, StoreError, events};
use serde_json::json;
use tracing::{info, warn};

use super::exposure::{Meant, Received, Which, exposure};
use super::quarantine::{Recipient, recipients};
use crate::app::App;

/// The kind of the events.
pub const KIND: &str = "advisory.affects-us";

/// How far back downloads are looked at.
const LOOKED_BACK: i64 = 400 * Timestamp::DAY;

/// The most files that are told of one by one; the rest, the milder ones, are told of by number.
const MAX_EVENTS: usize = 200;

/// The most receipts that are looked at for one release.
const MAX_RECEIPTS: usize = 20_000;

/// The most recipients that one event names.
const MAX_RECIPIENTS: usize = 200;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// How many pairs of an advisory and a file are affected that were not before.
    pub found: usize,
    /// How many of them had not been told of before.
    pub told: usize,
}

/// The same beside whatever else is to be done: looking through everything that was ever handed out
/// may take longer than those can wait who heard of new advisories.
pub fn announce_beside(app: &App, before: Option<Arc<AdvisoryIndex>>) {
    let Some(after) = app.knowledge.advisories() else {
        return;
    };
    let (db, now) = (app.db.clone(), app.now());
    tokio::spawn(async move {
        let before = before.unwrap_or_default();
        match announce(&db, [&before, &after], now).await {
            Ok(Announced { told: 0, .. }) => {}
            Ok(announced) => info!(
                "new advisories are about {} of our files; {} events tell of them",
                announced.found, announced.told
            ),
            Err(error) => warn!("could not look up what new advisories mean for us: {error}"),
        }
    });
}

/// Tells of files of ours that are affected by `after` and were not by `before`. What was told of once
/// is not told again, however often this is asked and by however many replicas.
///
/// # Errors
/// [`StoreError`] when the database fails.
pub async fn announce(
    db: &Db,
    [before, after]: [&AdvisoryIndex; 2],
    now: Timestamp,
) -> Result<Announced, StoreError> {
    let mut all: Vec<News> = Vec::new();
    for project in holdings::projects(db).await? {
        if !after.groups(&project).is_empty() {
            let compared = Compared {
                project: &project,
                before,
                after,
            };
            all.extend(compared.news(db, now).await?);
        }
    }
    all.sort_by_key(|news| (std::cmp::Reverse(news.level), news.filename.clone()));
    let mut announced = Announced {
        found: all.len(),
        told: 0,
    };
    for news in all.iter().take(MAX_EVENTS) {
        let emitted = events::emit(db, &news.event(), now).await?;
        announced.told += usize::from(matches!(emitted, events::Emitted::New(_)));
    }
    if all.len() > MAX_EVENTS {
        events::emit(db, &rest(&all[MAX_EVENTS..]), now).await?;
    }
    Ok(announced)
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// A vulnerability.
    Vulnerable,
    /// One that is being exploited.
    Exploited,
    /// Malice.
    Malicious,
}

impl Level {
    fn of(affecting: &Affecting) -> Self {
        let is_exploited = matches!(affecting.group.exploited.known(), Some(Some(_)));
        match (&affecting.malicious, is_exploited) {
            (Some(_), _) => Self::Malicious,
            (None, true) => Self::Exploited,
            (None, false) => Self::Vulnerable,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Vulnerable => "vulnerable",
            Self::Exploited => "exploited",
            Self::Malicious => "malicious",
        }
    }

    const fn severity(self) -> Severity {
        match self {
            Self::Vulnerable => Severity::Warning,
            Self::Exploited | Self::Malicious => Severity::Critical,
        }
    }
}

/// A file of ours that an advisory is about since now.
struct News {
    project: ProjectName,
    version: Version,
    filename: String,
    sha256: Option<Sha256>,
    sources: Vec<String>,
    affecting: Arc<Affecting>,
    level: Level,
    downloads: u64,
    recipients: Vec<Recipient>,
}

/// One project before and after.
struct Compared<'a> {
    project: &'a ProjectName,
    before: &'a AdvisoryIndex,
    after: &'a AdvisoryIndex,
}

impl Compared<'_> {
    async fn news(&self, db: &Db, now: Timestamp) -> Result<Vec<News>, StoreError> {
        let held = holdings::files(db, self.project).await?;
        let mut known: BTreeMap<Version, BTreeSet<String>> = BTreeMap::new();
        for text in versions(db, self.project).await? {
            if let Ok(version) = Version::from_str(&text) {
                known.entry(version).or_default().insert(text);
            }
        }
        for file in &held {
            known.extend(self.version_of(&file.filename).map(|version| {
                let spelled = known.get(&version).cloned().unwrap_or_default();
                (version, spelled)
            }));
        }
        let mut news = Vec::new();
        for (version, spelled) in known {
            let found = self.newly_affecting(&version);
            if !found.is_empty() {
                let files = self.files(db, (&version, spelled), &held, now).await?;
                let pairs = found.iter().flat_map(|one| {
                    let told = files.iter().map(|file| file.affected_by(one));
                    told.collect::<Vec<_>>()
                });
                news.extend(pairs);
            }
        }
        Ok(news)
    }

    fn version_of(&self, filename: &str) -> Option<Version> {
        let parsed = DistFilename::parse(filename, Some(self.project)).ok()?;
        parsed.version().cloned()
    }

    /// What affects a version and did not before, or has become worse.
    fn newly_affecting(&self, version: &Version) -> Vec<Arc<Affecting>> {
        let before = self.before.affecting(self.project, version);
        let was_known = |now: &Affecting| {
            before.iter().any(|then| {
                let is_same = then
                    .group
                    .names()
                    .any(|name| now.group.names().any(|other| other == name));
                is_same && Level::of(then) >= Level::of(now)
            })
        };
        let after = self.after.affecting(self.project, version);
        let after = after.into_iter().filter(|now| !was_known(now));
        after.map(Arc::new).collect()
    }

    /// The files of a version that are held, or were received within the time that is looked at.
    async fn files(
        &self,
        db: &Db,
        (version, spelled): (&Version, BTreeSet<String>),
        held: &[HeldFile],
        now: Timestamp,
    ) -> Result<Vec<OurFile>, StoreError> {
        let meant = Meant::Releases {
            project: self.project.clone(),
            which: Which::Admitted(only(version)),
            downloaded: spelled.into_iter().collect(),
        };
        let span = Span {
            from: now.plus_millis(-LOOKED_BACK),
            to: now.plus_millis(1),
        };
        let received = exposure(db, &[meant], span, MAX_RECEIPTS).await?;
        let mut files: BTreeMap<String, OurFile> = BTreeMap::new();
        let ours = |filename: &str| OurFile {
            project: self.project.clone(),
            version: version.clone(),
            filename: filename.to_owned(),
            sha256: None,
            sources: Vec::new(),
            receipts: Vec::new(),
        };
        for file in held {
            if self.version_of(&file.filename).as_ref() == Some(version) {
                let entry = files.entry(file.filename.clone());
                let one = entry.or_insert_with(|| ours(&file.filename));
                one.sha256 = Some(file.sha256);
                one.sources.push(file.source.clone());
            }
        }
        for one in received.receipts {
            let filename = one.receipt.filename.clone();
            let file = files
                .entry(filename.clone())
                .or_insert_with(|| ours(&filename));
            file.sha256 = file
                .sha256
                .or(one.latest.as_ref().map(|latest| latest.sha256));
            file.receipts.push(one);
        }
        Ok(files.into_values().collect())
    }
}

fn only(version: &Version) -> VersionSpecifiers {
    let text = format!("=={version}");
    text.parse().expect("a version behind == is a specifier")
}

/// A file that we hold or handed out.
struct OurFile {
    project: ProjectName,
    version: Version,
    filename: String,
    sha256: Option<Sha256>,
    sources: Vec<String>,
    receipts: Vec<Received>,
}

impl OurFile {
    fn affected_by(&self, affecting: &Arc<Affecting>) -> News {
        News {
            project: self.project.clone(),
            version: self.version.clone(),
            filename: self.filename.clone(),
            sha256: self.sha256,
            sources: self.sources.clone(),
            level: Level::of(affecting),
            affecting: Arc::clone(affecting),
            downloads: self.receipts.iter().map(|one| one.receipt.times).sum(),
            recipients: recipients(&self.receipts),
        }
    }
}

impl News {
    fn event(&self) -> events::NewEvent {
        let group = &self.affecting.group;
        let named = self.recipients.iter().take(MAX_RECIPIENTS);
        let detail = json!({
            "advisory": group.id,
            "aliases": group.aliases,
            "summary": group.summary,
            "level": self.level.as_str(),
            "malicious": self.affecting.malicious,
            "fixed-in": self.affecting.lowest_fix.as_ref().map(ToString::to_string),
            "project": self.project,
            "version": self.version.to_string(),
            "filename": self.filename,
            "sha256": self.sha256,
            "held-from": self.sources,
            "downloads": self.downloads,
            "recipients": named.map(Recipient::to_json).collect::<Vec<_>>(),
            "recipients-in-all": self.recipients.len(),
        });
        let (id, level) = (&group.id, self.level.as_str());
        let file = self
            .sha256
            .map_or_else(|| self.filename.clone(), |sha256| sha256.to_hex());
        let subject = format!("{} {}", self.project, self.version);
        events::NewEvent::new(KIND, self.level.severity(), subject, self.sentence())
            .detail(detail)
            .once_per(format!("{id} {level} {} {file}", self.filename))
    }

    /// `litellm 1.82.7 is malicious (MAL-2026-1): …. litellm-1.82.7-py3-none-any.whl was received 3 times
    /// by 2 identities; 1.82.9 is not affected.`
    fn sentence(&self) -> String {
        let (group, filename) = (&self.affecting.group, &self.filename);
        let what = match self.level {
            Level::Malicious => "is malicious",
            Level::Exploited => "has a vulnerability that is being exploited",
            Level::Vulnerable => "has a known vulnerability",
        };
        let why = match (&self.affecting.malicious, &*group.summary) {
            (_, summary) if !summary.is_empty() => format!(": {summary}"),
            (Some(why), _) => format!(": {why}"),
            (None, _) => String::new(),
        };
        let received = match (self.downloads, self.recipients.len()) {
            (0, _) => format!("{filename} is held here and nobody has received it"),
            (1, _) => format!("{filename} was received once"),
            (times, 1) => format!("{filename} was received {times} times by one identity"),
            (times, who) => format!("{filename} was received {times} times by {who} identities"),
        };
        let fix = match &self.affecting.lowest_fix {
            Some(fix) => format!("; fixed in {fix}"),
            None => String::new(),
        };
        let (project, version, id) = (&self.project, &self.version, &group.id);
        format!("{project} {version} {what} ({id}){why}. {received}{fix}.")
    }
}

/// What is said of those that are too many to be told of one by one.
fn rest(news: &[News]) -> events::NewEvent {
    let advisories: BTreeSet<&str> = news.iter().map(|one| &*one.affecting.group.id).collect();
    let projects: BTreeSet<&str> = news.iter().map(|one| one.project.as_str()).collect();
    let sentence = format!(
        "{} more files of {} projects are affected by {} advisories; see `portcullis exposure` with the \
         id of an advisory.",
        news.len(),
        projects.len(),
        advisories.len()
    );
    let detail = json!({ "files": news.len(), "projects": projects, "advisories": advisories });
    let level = news.iter().map(|one| one.level).max();
    let severity = level.map_or(Severity::Notice, Level::severity);
    events::NewEvent::new("advisory.affects-many", severity, "many projects", sentence)
        .detail(detail)
}
