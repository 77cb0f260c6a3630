//! `portcullis lock verify`: every file that a lock names, against what the index has and what this
//! organisation has seen. What cannot be compared is never verified.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use clap::Args;
use futures_util::StreamExt as _;
use futures_util::stream;
use portcullis_core::digest::Sha256;
use portcullis_core::lint::addresses::{FileOfLock, addresses};
use portcullis_core::pypi::lockfile::LockedFiles;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;
use serde::Serialize;
use serde_json::json;
use url::Url;

use super::fetched::{Progress, fetched};
use crate::context::Place;
use crate::exit::{Exit, failure};
use crate::gateway::{Found, Judged, Plain, QuestionPin, Said, find, or_undecided, read_lock};
use crate::output::{Format, count, paragraph, print, print_json};

/// How many files are fetched at a time.
const AT_ONCE: usize = 8;

/// What is verified, and by whom
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The lock files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The gateway that is asked [default: PORTCULLIS_URL, or the index of pip and uv where a gateway
    /// answers there]
    #[arg(long, value_name = "URL")]
    gateway: Option<Url>,
    /// An index that is asked in the place of a gateway
    #[arg(long, value_name = "URL", conflicts_with = "gateway")]
    index: Option<Url>,
    /// Fetch every file, and hash what comes
    #[arg(long)]
    download: bool,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A file that a lock allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) project: ProjectName,
    pub(super) version: Option<Version>,
    /// Its name; `None` where the format has digests alone.
    pub(super) filename: Option<String>,
    /// Its digest; `None` where the lock gives none.
    pub(super) sha256: Option<Sha256>,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub(super) enum Outcome {
    /// It is what the index has.
    Verified,
    /// Somebody has other bytes under its name, or its digest under another name.
    Different {
        /// Who, and what: one clause.
        why: String,
    },
    /// The index does not have it.
    Missing {
        /// What exactly is missing.
        why: String,
    },
    /// It could not be compared.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What an index, and a gateway's records, say of a file of a project.
#[derive(Clone, Debug, Default)]
pub(super) struct Listed {
    version: Option<Version>,
    sha256: Option<String>,
    recorded: Option<String>,
    is_listed: bool,
}

/// The files of a project by name, or why they are not known.
pub(super) type Files = Result<BTreeMap<String, Listed>, String>;

/// Who is asked.
enum Whom {
    Gateway(Box<Found>),
    Index(Plain),
}

impl Verify {
    /// Verifies.
    pub(super) async fn run(self, place: &Place) -> anyhow::Result<Exit> {
        let mut locks = Vec::new();
        for path in &self.files {
            let (bytes, files) = read_lock(path)?;
            locks.push((path.clone(), items(&bytes, &files)?));
        }
        let all: Vec<Item> = locks.iter().flat_map(|(_, items)| items.clone()).collect();
        let asked = async {
            let whom = self.whom(place).await?;
            let known = whom.known(&all).await?;
            Ok::<_, anyhow::Error>((whom, known))
        };
        let (whom, known) = match asked.await {
            Ok(known) => known,
            Err(error) => return or_undecided(error),
        };
        let bytes = match self.download {
            true => whom.fetched(&all, self.format, place).await?,
            false => BTreeMap::new(),
        };
        let judged: Vec<(PathBuf, Vec<(Item, Outcome)>)> = locks
            .into_iter()
            .map(|(path, items)| {
                let judge = |item: Item| {
                    let outcome = outcome(&item, known.get(&item.project), &bytes);
                    (item, outcome)
                };
                (path, items.into_iter().map(judge).collect())
            })
            .collect();
        match self.format {
            Format::Json => print_json(&as_json(&whom, &judged))?,
            Format::Text => print(&text(&whom, &judged))?,
        }
        Ok(exit(
            judged
                .iter()
                .flat_map(|(_, all)| all)
                .map(|(_, outcome)| outcome),
        ))
    }

    async fn whom(&self, place: &Place) -> anyhow::Result<Whom> {
        if let Some(index) = &self.index {
            return Ok(Whom::Index(Plain::open(Some(index), place).await?));
        }
        match find(self.gateway.as_ref()).await? {
            Some(found) => Ok(Whom::Gateway(Box::new(found))),
            None => Ok(Whom::Index(Plain::open(None, place).await?)),
        }
    }
}

/// The files that a lock allows, each once. Digests without names stand for files, too.
fn items(bytes: &[u8], files: &LockedFiles) -> anyhow::Result<Vec<Item>> {
    let text = String::from_utf8_lossy(bytes);
    let named = addresses(files.format, text.trim_start_matches('\u{feff}')).map_err(|error| {
        failure(
            error.to_string(),
            "give the lock of an installer, such as uv.lock",
        )
    })?;
    let of_name = |file: FileOfLock| Item {
        project: file.project,
        version: file.version,
        filename: Some(file.filename),
        sha256: file.sha256,
    };
    let mut items: Vec<Item> = named.files.into_iter().map(of_name).collect();
    for entry in files
        .entries
        .iter()
        .filter(|entry| entry.filenames.is_empty())
    {
        let item = |sha256| Item {
            project: entry.project.clone(),
            version: entry.version.clone(),
            filename: None,
            sha256,
        };
        match entry.hashes.is_empty() {
            true => items.push(item(None)),
            false => items.extend(entry.hashes.iter().map(|digest| item(Some(*digest)))),
        }
    }
    let mut seen = HashSet::new();
    items.retain(|item| {
        let key = (
            item.project.clone(),
            item.version.clone(),
            item.filename.clone(),
            item.sha256,
        );
        seen.insert(key)
    });
    Ok(items)
}

impl Whom {
    fn place(&self) -> String {
        match self {
            Self::Gateway(found) => found.simple.to_string(),
            Self::Index(plain) => plain.index().roots().join(", "),
        }
    }

    /// What is known of every project that is named.
    async fn known(&self, items: &[Item]) -> anyhow::Result<BTreeMap<ProjectName, Files>> {
        match self {
            Self::Gateway(found) => of_gateway(found, items).await,
            Self::Index(plain) => {
                let projects = items.iter().map(|item| item.project.clone());
                let pages = plain.pages(projects).await;
                Ok(pages
                    .into_iter()
                    .map(|(name, said)| (name, of_page(said)))
                    .collect())
            }
        }
    }

    /// The digests of what comes when the files are fetched, by project and file name.
    async fn fetched(
        &self,
        items: &[Item],
        format: Format,
        place: &Place,
    ) -> anyhow::Result<BTreeMap<(ProjectName, String), Result<Sha256, String>>> {
        let through;
        let plain = match self {
            Self::Index(plain) => plain,
            Self::Gateway(found) => {
                through = Plain::open(Some(&found.simple_with_token()), place).await?;
                &through
            }
        };
        let projects: HashSet<ProjectName> =
            items.iter().map(|item| item.project.clone()).collect();
        let progress = Progress::new(items.len(), format);
        let of_project = async |project: ProjectName| {
            let of_project: Vec<&Item> = items
                .iter()
                .filter(|item| item.project == project)
                .collect();
            fetched(plain, &project, &of_project, &progress).await
        };
        let all: Vec<Vec<_>> = stream::iter(projects)
            .map(of_project)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        progress.done();
        Ok(all.into_iter().flatten().collect())
    }
}

async fn of_gateway(found: &Found, items: &[Item]) -> anyhow::Result<BTreeMap<ProjectName, Files>> {
    let mut pins: BTreeMap<(ProjectName, Option<Version>), QuestionPin> = BTreeMap::new();
    for item in items {
        let key = (item.project.clone(), item.version.clone());
        let pin = pins.entry(key).or_insert_with(|| QuestionPin {
            project: item.project.to_string(),
            version: item.version.as_ref().map(ToString::to_string),
            ..QuestionPin::default()
        });
        pin.filenames.extend(item.filename.clone());
        pin.hashes.extend(item.sha256.map(|digest| digest.to_hex()));
    }
    let pins: Vec<QuestionPin> = pins.into_values().collect();
    let mut known: BTreeMap<ProjectName, Files> = BTreeMap::new();
    for judged in found.judge(&pins).await? {
        let files = known
            .entry(judged.project.clone())
            .or_insert_with(|| Ok(BTreeMap::new()));
        match (&judged.unknown, files) {
            (Some(why), files) => *files = Err(why.clone()),
            (None, Ok(files)) => take(files, &judged),
            (None, Err(_)) => {}
        }
    }
    Ok(known)
}

fn take(files: &mut BTreeMap<String, Listed>, judged: &Judged) {
    let version: Option<Version> = judged.version.as_ref().and_then(|text| text.parse().ok());
    for file in &judged.files {
        let listed = Listed {
            version: version.clone(),
            sha256: file.sha256.clone(),
            recorded: file.recorded.clone(),
            is_listed: true,
        };
        files.insert(file.filename.clone(), listed);
    }
    for file in &judged.unlisted {
        let listed = files.entry(file.filename.clone()).or_default();
        listed.recorded = listed.recorded.take().or_else(|| file.recorded.clone());
    }
    for hash in judged
        .hashes
        .iter()
        .filter(|hash| hash.belongs_to == "other-file")
    {
        if let Some(filename) = &hash.filename {
            let listed = files.entry(filename.clone()).or_default();
            listed.sha256 = Some(hash.sha256.clone());
            listed.is_listed = true;
        }
    }
}

fn of_page(said: Said) -> Files {
    let Some(page) = said? else {
        return Ok(BTreeMap::new());
    };
    let each = page.files.iter().map(|file| {
        let listed = Listed {
            version: file.version(&page.name),
            sha256: file.sha256().map(|digest| digest.to_hex()),
            recorded: None,
            is_listed: true,
        };
        (file.filename.to_string(), listed)
    });
    Ok(each.collect())
}

/// What came of a file.
fn outcome(
    item: &Item,
    known: Option<&Files>,
    bytes: &BTreeMap<(ProjectName, String), Result<Sha256, String>>,
) -> Outcome {
    let unknown = |why: &str| Outcome::Unknown {
        why: why.to_owned(),
    };
    let files = match known {
        Some(Ok(files)) => files,
        Some(Err(why)) => return unknown(why),
        None => return unknown("nobody was asked"),
    };
    let Some(sha256) = item.sha256 else {
        return unknown("the lock gives no SHA-256 to compare");
    };
    let digest = sha256.to_hex();
    let filename = match &item.filename {
        Some(filename) => filename.clone(),
        None => match of_digest(item, files, &digest) {
            Ok(filename) => filename,
            Err(outcome) => return outcome,
        },
    };
    let none = Listed::default();
    let listed = files.get(&filename).unwrap_or(&none);
    let differs = |who: &str, theirs: &str| Outcome::Different {
        why: format!("{who} has sha256:{theirs}"),
    };
    match &listed.recorded {
        Some(recorded) if *recorded != digest => {
            return differs("what this organisation received under the name", recorded);
        }
        _ => {}
    }
    if !listed.is_listed {
        let why = "the index does not list it".to_owned();
        return Outcome::Missing { why };
    }
    match bytes.get(&(item.project.clone(), filename)) {
        Some(Ok(fetched)) if *fetched != sha256 => {
            return differs("what the index sends", &fetched.to_hex());
        }
        Some(Err(why)) => return unknown(why),
        Some(Ok(_)) if listed.sha256.is_none() => return Outcome::Verified,
        _ => {}
    }
    match &listed.sha256 {
        Some(theirs) if *theirs == digest => Outcome::Verified,
        Some(theirs) => differs("the index", theirs),
        None => unknown("the index gives no SHA-256; --download fetches the file"),
    }
}

/// The name of the file of the release that has a digest.
fn of_digest(
    item: &Item,
    files: &BTreeMap<String, Listed>,
    digest: &str,
) -> Result<String, Outcome> {
    let has_digest = |listed: &Listed| listed.sha256.as_deref() == Some(digest);
    let is_of_release = |listed: &Listed| item.version.is_none() || listed.version == item.version;
    let owner = files.iter().find(|(_, listed)| has_digest(listed));
    match owner {
        Some((filename, listed)) if is_of_release(listed) => Ok(filename.clone()),
        Some((filename, _)) => Err(Outcome::Different {
            why: format!("it is the digest of {filename}"),
        }),
        None => {
            let mut of_release = files.values().filter(|listed| is_of_release(listed));
            let all_known = of_release.all(|listed| listed.sha256.is_some());
            Err(match all_known {
                true => Outcome::Missing {
                    why: "no file of the release on the index has this digest".to_owned(),
                },
                false => Outcome::Unknown {
                    why: "the index does not give the SHA-256 of every file".to_owned(),
                },
            })
        }
    }
}

fn exit<'o>(outcomes: impl Iterator<Item = &'o Outcome> + Clone) -> Exit {
    let mut found = outcomes.clone();
    let mut unknown = outcomes;
    if found.any(|one| matches!(one, Outcome::Different { .. } | Outcome::Missing { .. })) {
        Exit::Findings
    } else if unknown.any(|one| matches!(one, Outcome::Unknown { .. })) {
        Exit::Undecided
    } else {
        Exit::Clean
    }
}

fn title(item: &Item) -> String {
    let version = item
        .version
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let release = format!("{} {version}", item.project);
    let release = release.trim_end();
    match (&item.filename, &item.sha256) {
        (Some(filename), _) => filename.clone(),
        (None, Some(digest)) => format!("{release}, sha256:{digest}"),
        (None, None) => release.to_owned(),
    }
}

fn text(whom: &Whom, judged: &[(PathBuf, Vec<(Item, Outcome)>)]) -> String {
    let mut text = String::new();
    for (path, all) in judged {
        let of = |is: &str| all.iter().filter(|(_, one)| word(one) == is).count() as u64;
        for (item, outcome) in all {
            let said = match outcome {
                Outcome::Verified => continue,
                Outcome::Different { why } => {
                    let ours = item
                        .sha256
                        .map(|digest| format!("the lock has sha256:{digest}, "));
                    format!("different: {}{why}", ours.unwrap_or_default())
                }
                Outcome::Missing { why } => format!("missing: {why}"),
                Outcome::Unknown { why } => format!("not verified: {why}"),
            };
            text += &paragraph(0, &title(item));
            text += &paragraph(2, &said);
        }
        let mut said = format!(
            "{}: {} verified",
            path.display(),
            count(of("verified"), "file")
        );
        for is in ["different", "missing", "unknown"] {
            if of(is) > 0 {
                said += &format!(", {} {is}", of(is));
            }
        }
        text += &paragraph(0, &format!("{said}; asked: {}.", whom.place()));
    }
    if exit(judged.iter().flat_map(|(_, all)| all).map(|(_, one)| one)) == Exit::Findings {
        text += &paragraph(
            0,
            "Do not install what differs before somebody has found out why; then lock again.",
        );
    }
    text
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Verified => "verified",
        Outcome::Different { .. } => "different",
        Outcome::Missing { .. } => "missing",
        Outcome::Unknown { .. } => "unknown",
    }
}

fn as_json(whom: &Whom, judged: &[(PathBuf, Vec<(Item, Outcome)>)]) -> serde_json::Value {
    let file = |(item, outcome): &(Item, Outcome)| {
        json!({
            "project": item.project,
            "version": item.version.as_ref().map(ToString::to_string),
            "filename": item.filename,
            "sha256": item.sha256,
            "outcome": outcome,
        })
    };
    let lock = |(path, all): &(PathBuf, Vec<(Item, Outcome)>)| {
        let path: &Path = path;
        json!({
            "lock": path.display().to_string(),
            "files": all.iter().map(file).collect::<Vec<_>>(),
        })
    };
    json!({
        "asked": whom.place(),
        "locks": judged.iter().map(lock).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
