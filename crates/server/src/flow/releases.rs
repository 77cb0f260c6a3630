//! What the metadata of releases says, beside the pages that list them: noted whenever metadata passes,
//! fetched before a file is judged where the policy needs it, and fetched in the background for the newest
//! releases of a page. A page is never delayed by it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use portcullis_core::digest::Sha256;
use portcullis_core::fact::{Fact, FileFacts};
use portcullis_core::index::{SourceKind, SourceName, Trust};
use portcullis_core::licence::Statement;
use portcullis_core::policy::rule::Need;
use portcullis_core::policy::{Effect, Policy};
use portcullis_core::pypi::filename::{DistFilename, DistKind};
use portcullis_core::pypi::metadata::CoreMetadata;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::pypi::version::Version;
use portcullis_core::release_metadata::{ReleaseMetadata, ReleaseObservation};
use portcullis_core::signals::Signals;
use portcullis_core::time::Timestamp;
use portcullis_inspect::archive::{self, Limits};
use portcullis_store::releases::{self, Basis, Learned, NewRelease};
use portcullis_store::sidecars;
use portcullis_store::signals;
use tokio::sync::Semaphore;
use tracing::{debug, warn};

use super::download::Candidate;
use super::gather::Gathered;
use super::metadata;
use crate::app::App;
use crate::error::FlowError;
use crate::source_page::SourcePage;

/// How many projects' releases are remembered.
const PROJECTS: u64 = 20_000;

/// How many releases are remembered as noted.
const NOTED: u64 = 200_000;

/// How many of the newest releases of a page are read in the background.
const NEWEST: usize = 3;

/// How many pages' releases are read in the background at once.
const READERS: usize = 3;

/// How long a release whose metadata could not be had is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(10 * 60);

/// A release of a project in a source.
pub(super) type ReleaseKey = (SourceName, ProjectName, Version);

/// What is remembered of releases.
pub struct Releases {
    known: Cache<(SourceName, ProjectName), Arc<Known>>,
    /// What is in the database already.
    noted: Cache<ReleaseKey, ()>,
    /// What was tried in the background a moment ago.
    tried: Cache<ReleaseKey, ()>,
    /// Whose licence texts were read already.
    pub(super) inspected: Cache<ReleaseKey, ()>,
    pub(super) readers: Arc<Semaphore>,
}

impl Default for Releases {
    fn default() -> Self {
        Self {
            known: Cache::new(PROJECTS),
            noted: Cache::new(NOTED),
            tried: Cache::builder()
                .max_capacity(NOTED)
                .time_to_live(LEFT_ALONE)
                .build(),
            inspected: Cache::new(NOTED),
            readers: Arc::new(Semaphore::new(READERS)),
        }
    }
}

impl Releases {
    /// Forgets what was remembered of a project, because something was learned of it.
    pub fn forget(&self, project: &ProjectName) {
        for (key, _) in &self.known {
            if key.1 == *project {
                self.known.invalidate(&*key);
            }
        }
    }

    /// Forgets everything, because it is not known what changed.
    pub fn forget_all(&self) {
        self.known.invalidate_all();
        self.noted.invalidate_all();
    }
}

/// What is known of a project's releases, and what others measured of it.
#[derive(Debug, Default)]
pub struct Known {
    releases: HashMap<Version, Arc<ReleaseMetadata>>,
    signals: Arc<Signals>,
    /// When the first of the signals runs out.
    until: Option<Timestamp>,
}

impl Known {
    /// What the metadata of a release says.
    pub fn release(&self, version: &Version) -> Option<&Arc<ReleaseMetadata>> {
        self.releases.get(version)
    }

    /// What others measured of the project.
    pub fn signals(&self) -> &Arc<Signals> {
        &self.signals
    }
}

/// Whether a policy looks at anything that is kept here.
pub fn is_needed(policy: &Policy) -> bool {
    policy.needs(Need::Metadata) || policy.needs(Need::Signals)
}

/// What is known of the releases of a page: one query for each project, then from memory.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn known(app: &App, page: &SourcePage) -> Result<Arc<Known>, FlowError> {
    let key = (page.origin.source.clone(), page.page.name.clone());
    let now = app.now();
    if let Some(known) = app.releases.known.get(&key)
        && known.until.is_none_or(|until| now < until)
    {
        return Ok(known);
    }
    let listed = releases::of_project(&app.db, key.0.as_str(), &key.1).await?;
    let (measured, until) = signals::of_project(&app.db, &key.1, now).await?;
    let releases = listed.into_iter().map(|release| {
        let metadata = ReleaseMetadata::from(release.observed);
        (release.version, Arc::new(metadata))
    });
    let known = Arc::new(Known {
        releases: releases.collect(),
        signals: Arc::new(measured),
        until,
    });
    app.releases.known.insert(key, Arc::clone(&known));
    Ok(known)
}

/// A metadata file that passed.
pub struct Passed {
    /// The source that has it.
    pub source: SourceName,
    /// The project whose page listed it.
    pub project: ProjectName,
    /// The version that the file name gives.
    pub version: Version,
    /// The digest of the metadata file.
    pub sha256: Sha256,
    /// What the reading rests on.
    pub basis: Basis,
    /// What the texts of its licence files are.
    pub texts: Vec<Statement>,
}

/// Keeps what a metadata file says of its release. Metadata of another project or version says nothing.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn note(app: &App, passed: &Passed, metadata: bytes::Bytes) -> Result<(), FlowError> {
    let key = (
        passed.source.clone(),
        passed.project.clone(),
        passed.version.clone(),
    );
    let read = tokio::task::spawn_blocking(move || CoreMetadata::parse(&metadata)).await;
    let parsed = match read.map_err(|_| FlowError::Stopping)? {
        Ok(parsed) => parsed,
        Err(error) => {
            debug!(project = %passed.project, "metadata that cannot be read: {error}");
            return Ok(());
        }
    };
    if parsed.name != passed.project || parsed.version != passed.version {
        debug!(project = %passed.project, "metadata of another release");
        return Ok(());
    }
    let mut observed = ReleaseObservation::of(&parsed);
    observed.licence.extend(passed.texts.iter().cloned());
    let new = NewRelease {
        source: passed.source.as_str(),
        project: &passed.project,
        version: &passed.version,
        observed: &observed,
        metadata_sha256: passed.sha256,
        basis: passed.basis,
    };
    let learned = releases::learn(&app.db, &new, app.now()).await?;
    app.releases.noted.insert(key, ());
    if learned == Learned::New {
        app.releases.forget(&passed.project);
        app.forget_rendered(&passed.project);
    }
    Ok(())
}

/// Notes in the background what the metadata of a wheel says that was just asked for.
pub fn note_in_background(
    app: &Arc<App>,
    candidate: &Candidate,
    sha256: Sha256,
    bytes: bytes::Bytes,
) {
    let Some(mut passed) = passed(candidate, sha256, Basis::Claimed) else {
        return;
    };
    let filename = Arc::clone(&candidate.file.filename);
    let key = (
        passed.source.clone(),
        passed.project.clone(),
        passed.version.clone(),
    );
    if app.releases.noted.contains_key(&key) {
        return;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        passed.basis = basis_of(&app, &passed, &filename).await;
        if let Err(error) = note(&app, &passed, bytes).await {
            warn!(project = %passed.project, "could not note what metadata says: {error}");
        }
    });
}

/// Whether the metadata of a wheel was claimed by its source or read out of the wheel.
async fn basis_of(app: &App, passed: &Passed, filename: &str) -> Basis {
    let source = passed.source.as_str();
    match sidecars::find(&app.db, source, &passed.project, filename).await {
        Ok(Some(sidecar)) => sidecar.origin.into(),
        Ok(None) | Err(_) => Basis::Claimed,
    }
}

/// Files from outside only: what is published here keeps its metadata in its own row.
pub(super) fn passed(candidate: &Candidate, sha256: Sha256, basis: Basis) -> Option<Passed> {
    let from = candidate.gathered.facts.origin.as_ref()?;
    if from.kind == SourceKind::Hosted {
        return None;
    }
    Some(Passed {
        source: from.source.clone(),
        project: candidate.gathered.facts.project.clone(),
        version: candidate.facts.version.known()?.clone(),
        sha256,
        basis,
        texts: Vec::new(),
    })
}

/// Reads the metadata of the release of `filename` before it is judged, where the policy needs it and
/// nothing else stops the file. What cannot be had stays unknown, and the policy says what that means.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn learn_before_judging(
    app: &Arc<App>,
    gathered: Arc<Gathered>,
    filename: &str,
) -> Result<Arc<Gathered>, FlowError> {
    let policy = app.policy(&gathered.facts.index);
    let Some(page) = gathered.page.clone() else {
        return Ok(gathered);
    };
    let Some((_, facts)) = page.file(filename) else {
        return Ok(gathered);
    };
    if !lacks_metadata(&gathered, &policy, facts)
        || is_stopped_anyway(app, &gathered, &policy, facts)
    {
        return Ok(gathered);
    }
    if let Err(error) = read_release(app, &gathered, facts).await {
        debug!(
            filename,
            "the metadata of {filename} stays unknown: {error}"
        );
        return Ok(gathered);
    }
    let mut learned = gathered.as_ref().clone();
    learned.learn_releases(app).await?;
    Ok(Arc::new(learned))
}

fn lacks_metadata(gathered: &Gathered, policy: &Policy, facts: &FileFacts) -> bool {
    let origin = gathered.facts.origin.as_ref();
    policy.needs(Need::Metadata)
        && origin.is_some_and(|origin| origin.trust == Trust::Outside)
        && facts
            .version
            .known()
            .is_some_and(|version| !gathered.knows_release(version))
}

/// Whether a rule that does not look at metadata stops the file: then nobody is asked for it.
fn is_stopped_anyway(app: &App, gathered: &Gathered, policy: &Policy, facts: &FileFacts) -> bool {
    let decision = gathered.judge_file(app, facts);
    decision.findings().iter().any(|finding| {
        let of_rule = policy.rules().iter().find(|rule| rule.id == finding.rule);
        finding.takes_effect() > Effect::Warn
            && of_rule.is_some_and(|rule| !rule.needs(Need::Metadata))
    })
}

/// Reads the metadata of the release of a file: out of a wheel of it, or of its source distribution where
/// that is here.
async fn read_release(
    app: &Arc<App>,
    gathered: &Arc<Gathered>,
    facts: &FileFacts,
) -> Result<(), FlowError> {
    let Some(filename) = wheel_of_release(gathered, facts) else {
        return read_sdist_in_vault(app, gathered, facts).await;
    };
    let Some(candidate) = candidate_of(app, gathered, &filename) else {
        return Ok(());
    };
    let (sha256, bytes) = metadata::obtain_for_judging(app, &candidate).await?;
    let Some(mut passed) = passed(&candidate, sha256, Basis::Claimed) else {
        return Ok(());
    };
    passed.basis = basis_of(app, &passed, &filename).await;
    note(app, &passed, bytes).await
}

/// The file itself when it is a wheel, else the smallest wheel of its release.
fn wheel_of_release(gathered: &Gathered, facts: &FileFacts) -> Option<Arc<str>> {
    if matches!(facts.kind, DistKind::Wheel(_)) {
        return Some(Arc::clone(&facts.filename));
    }
    let page = gathered.page.as_ref()?;
    let version = facts.version.known()?;
    let files = page.page.files.iter().zip(&page.facts);
    let wheels = files.filter(|(_, other)| {
        matches!(other.kind, DistKind::Wheel(_)) && other.version.known() == Some(version)
    });
    let smallest = wheels.min_by_key(|(file, _)| file.size.unwrap_or(u64::MAX));
    smallest.map(|(_, other)| Arc::clone(&other.filename))
}

pub(super) fn candidate_of(
    app: &App,
    gathered: &Arc<Gathered>,
    filename: &str,
) -> Option<Candidate> {
    let page = gathered.page.as_ref()?;
    let (file, facts) = page.file(filename)?;
    Some(Candidate {
        decision: gathered.judge_file(app, facts),
        facts: facts.clone(),
        gathered: Arc::clone(gathered),
        file,
    })
}

async fn read_sdist_in_vault(
    app: &Arc<App>,
    gathered: &Arc<Gathered>,
    facts: &FileFacts,
) -> Result<(), FlowError> {
    let Some(candidate) = candidate_of(app, gathered, &facts.filename) else {
        return Ok(());
    };
    match super::download::in_vault(app, &candidate).await? {
        Some(sha256) => read_sdist(app, &candidate, sha256).await,
        None => Ok(()),
    }
}

/// PKG-INFO out of a source distribution that is in the vault.
async fn read_sdist(app: &App, candidate: &Candidate, sha256: Sha256) -> Result<(), FlowError> {
    let project = &candidate.gathered.facts.project;
    let named = DistFilename::parse(&candidate.file.filename, Some(project));
    let Some(named) = named.ok().filter(|name| *name.kind() == DistKind::Sdist) else {
        return Ok(());
    };
    let blob = app.blobs.open_for_inspection(&sha256).await?;
    let (path, _scratch) = metadata::local_path(app, blob).await?;
    let read = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(path).ok()?;
        archive::read_sdist(file, &named, &Limits::default()).ok()
    });
    let Some(contents) = read.await.map_err(|_| FlowError::Stopping)? else {
        return Ok(());
    };
    let digest = Sha256::of(&contents.pkg_info);
    match passed(candidate, digest, Basis::Extracted) {
        Some(passed) => note(app, &passed, contents.pkg_info.into()).await,
        None => Ok(()),
    }
}

/// The same gathering with what a source distribution says that has just arrived and was not known before.
pub async fn learn_from_arrived(
    app: &Arc<App>,
    gathered: &Arc<Gathered>,
    facts: &FileFacts,
    sha256: Sha256,
) -> Arc<Gathered> {
    let policy = app.policy(&gathered.facts.index);
    if facts.kind != DistKind::Sdist || !lacks_metadata(gathered, &policy, facts) {
        return Arc::clone(gathered);
    }
    let Some(candidate) = candidate_of(app, gathered, &facts.filename) else {
        return Arc::clone(gathered);
    };
    let mut learned = gathered.as_ref().clone();
    let read = match read_sdist(app, &candidate, sha256).await {
        Ok(()) => learned.learn_releases(app).await,
        Err(error) => Err(error),
    };
    if let Err(error) = read {
        warn!(filename = %facts.filename, "the metadata of {} stays unknown: {error}", facts.filename);
    }
    Arc::new(learned)
}

/// Reads, in the background, the metadata of the newest releases of a page where the policy needs it and
/// does not know it, so that the page becomes right.
pub fn learn_newest(app: &Arc<App>, gathered: &Arc<Gathered>) {
    let policy = app.policy(&gathered.facts.index);
    let Some(page) = &gathered.page else { return };
    let mut wanted: Vec<FileFacts> = Vec::new();
    for version in newest(page) {
        let key = (
            page.origin.source.clone(),
            page.page.name.clone(),
            version.clone(),
        );
        let of_release = |facts: &&FileFacts| {
            facts.version.known() == Some(version) && matches!(facts.kind, DistKind::Wheel(_))
        };
        let Some(facts) = page.facts.iter().find(of_release) else {
            continue;
        };
        if lacks_metadata(gathered, &policy, facts) && !app.releases.tried.contains_key(&key) {
            app.releases.tried.insert(key, ());
            wanted.push(facts.clone());
        }
    }
    if wanted.is_empty() {
        return;
    }
    let (app, gathered) = (Arc::clone(app), Arc::clone(gathered));
    let readers = Arc::clone(&app.releases.readers);
    tokio::spawn(async move {
        let Ok(_turn) = readers.acquire().await else {
            return;
        };
        for facts in wanted {
            if is_stopped_anyway(&app, &gathered, &policy, &facts) {
                continue;
            }
            if let Err(error) = read_release(&app, &gathered, &facts).await {
                debug!(filename = %facts.filename, "not read in the background: {error}");
            }
        }
    });
}

/// The newest versions that installers would take.
fn newest(page: &SourcePage) -> impl Iterator<Item = &Version> {
    let installable = page.facts.iter().filter(|facts| facts.yanked == Yanked::No);
    let versions: BTreeSet<&Version> = installable
        .filter_map(|facts| match &facts.version {
            Fact::Known(version) => Some(version),
            Fact::Unknown(_) => None,
        })
        .filter(|version| !version.any_prerelease())
        .collect();
    versions.into_iter().rev().take(NEWEST)
}
