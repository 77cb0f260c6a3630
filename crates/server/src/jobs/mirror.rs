//! The job that keeps mirrors fresh ahead of need: pages are asked for, and the files that are wanted are
//! fetched, inspected and judged as if a client had asked, so that the first one finds them warm. What the
//! policy refuses is told and not made available. Nobody is asked for a list of names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use portcullis_core::digest::Sha256;
use portcullis_core::index::{Index, SourceKind};
use portcullis_core::lint::contents::Origin;
use portcullis_core::lint::{FileKind, ProjectFile};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::lockfile::{self, MAX_LOCK_BYTES};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits, exactly};
use portcullis_core::time::Timestamp;
use portcullis_store::mirrored::{self, MirrorState, Mirrored};
use tokio::time::Instant;
use tracing::{info, warn};

use super::schedule::{self, Job, Reach, RunError};
use crate::app::App;
use crate::config::MirrorSettings;
use crate::error::FlowError;
use crate::flow::gather::gather;
use crate::flow::{download, metadata};
use crate::source_page::SourcePage;

/// The name of the job.
pub const NAME: &str = "mirror";

/// The job.
pub(super) static MIRROR: Job = Job {
    name: NAME,
    summary: "fetch what mirrors want before anybody asks",
    reach: Reach::Outside,
    every: |app| app.config.mirrors.iter().map(|mirror| mirror.every).min(),
    run: |app| async move { refresh_due(app).await }.boxed(),
};

/// Hears of each file that is done with.
pub type OnFile = Arc<dyn Fn(&Mirrored) + Send + Sync>;

/// Some versions of a project that are wanted, and of those some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Want {
    /// The versions; empty for all.
    pub specifiers: VersionSpecifiers,
    /// The contents; empty for any.
    pub hashes: Vec<Sha256>,
    /// Whether it was locked, so that every version that matches is meant and not the newest ones.
    pub locked: bool,
}

/// What a mirror wants, by project.
pub type Wants = BTreeMap<ProjectName, Vec<Want>>;

fn nobody_hears() -> OnFile {
    Arc::new(|_: &Mirrored| {})
}

async fn refresh_due(app: Arc<App>) -> Result<String, FlowError> {
    let known = mirrored::all(&app.db).await?;
    let mut said = Vec::new();
    for mirror in &app.config.mirrors {
        let since = fresh_since(mirror, app.now());
        if !is_due(&known, mirror, since) {
            continue;
        }
        said.push(refresh(&app, mirror, since, &nobody_hears()).await?);
    }
    match said.is_empty() {
        true => Ok("nothing was due".to_owned()),
        false => Ok(said.join("; ")),
    }
}

/// Whether something of a mirror was told last before `since`, or nothing at all.
fn is_due(known: &[Mirrored], mirror: &MirrorSettings, since: Timestamp) -> bool {
    let of_it = known.iter().filter(|file| file.mirror == mirror.name);
    of_it
        .map(|file| file.at)
        .min()
        .is_none_or(|oldest| oldest <= since)
}

/// Whether something of a project was told after `since`.
fn is_fresh(
    known: &[Mirrored],
    mirror: &MirrorSettings,
    project: &ProjectName,
    since: Timestamp,
) -> bool {
    known
        .iter()
        .any(|file| file.mirror == mirror.name && file.project == *project && file.at > since)
}

/// What was told after this moment counts as fresh: a run that was broken off goes on where it was.
fn fresh_since(mirror: &MirrorSettings, now: Timestamp) -> Timestamp {
    let every = i64::try_from(mirror.every.as_millis()).unwrap_or(i64::MAX);
    now.plus_millis(-every)
}

/// Brings the named mirrors up to date because a person wants it, all of them where none is named, due or not.
///
/// # Errors
/// [`RunError`], among others where another process is at it.
pub async fn run_now(
    app: &Arc<App>,
    names: Vec<String>,
    on_file: OnFile,
) -> Result<String, RunError> {
    let of_work = Arc::clone(app);
    let work = async move {
        let mut said = Vec::new();
        for mirror in &of_work.config.mirrors {
            if names.is_empty() || names.contains(&mirror.name) {
                let since = of_work.now();
                said.push(refresh(&of_work, mirror, since, &on_file).await?);
            }
        }
        Ok(said.join("; "))
    };
    schedule::run_leased(app, NAME, work.boxed()).await
}

/// Brings one mirror up to date. Projects that were told of after `fresh_since` are left alone.
async fn refresh(
    app: &Arc<App>,
    mirror: &MirrorSettings,
    fresh_since: Timestamp,
    on_file: &OnFile,
) -> Result<String, FlowError> {
    let begun = app.now();
    let index = index_of(app, mirror)?;
    let (wants, complaints) = wanted(mirror).await;
    for complaint in &complaints {
        warn!(mirror = mirror.name, "mirror {}: {complaint}", mirror.name);
    }
    let known = mirrored::all(&app.db).await?;
    let pace = Pace::new(mirror.rate);
    for (project, wants) in &wants {
        if is_fresh(&known, mirror, project, fresh_since) {
            continue;
        }
        let task = Task {
            app,
            mirror,
            index: &index,
            project,
            pace: &pace,
        };
        let files = task.files(wants, on_file).await;
        mirrored::keep(&app.db, &mirror.name, project, &files).await?;
    }
    let oldest = begun.min(fresh_since.plus_millis(1));
    forget_unwanted(app, mirror, &wants, oldest).await?;
    let counts = count(app, mirror).await?;
    info!(mirror = mirror.name, "mirror {}: {counts}", mirror.name);
    match complaints.is_empty() {
        true => Ok(format!("{}: {counts}", mirror.name)),
        false => Err(FlowError::Job(format!(
            "{}: {counts}; {}",
            mirror.name,
            complaints.join("; ")
        ))),
    }
}

fn index_of(app: &App, mirror: &MirrorSettings) -> Result<Arc<Index>, FlowError> {
    let name = mirror.index.as_ref();
    app.index(name.map(|name| name.as_str())).map(Arc::clone)
}

async fn forget_unwanted(
    app: &App,
    mirror: &MirrorSettings,
    wants: &Wants,
    oldest: Timestamp,
) -> Result<(), FlowError> {
    mirrored::forget_before(&app.db, &mirror.name, oldest).await?;
    for file in mirrored::all(&app.db).await? {
        if file.mirror == mirror.name && !wants.contains_key(&file.project) {
            mirrored::keep(&app.db, &mirror.name, &file.project, &[]).await?;
        }
    }
    Ok(())
}

/// How many files stand how, and the same for the figures.
async fn count(app: &App, mirror: &MirrorSettings) -> Result<String, FlowError> {
    let all = mirrored::all(&app.db).await?;
    Ok(counted(&all, mirror))
}

fn counted(all: &[Mirrored], mirror: &MirrorSettings) -> String {
    let mut words = Vec::new();
    for state in MirrorState::ALL {
        let of_state = |file: &&Mirrored| file.mirror == mirror.name && file.state == state;
        let files = all.iter().filter(of_state).count();
        let labels = [
            ("mirror", mirror.name.clone()),
            ("state", state.as_str().to_owned()),
        ];
        metrics::gauge!("portcullis_mirror_files", &labels).set(files as f64);
        if files > 0 {
            words.push(format!("{files} {}", state.as_str()));
        }
    }
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(", "),
    }
}

/// What a mirror wants, and what could not be read of it.
pub async fn wanted(mirror: &MirrorSettings) -> (Wants, Vec<String>) {
    let mut wants = Wants::new();
    for requirement in &mirror.projects {
        let want = Want {
            specifiers: requirement.specifiers.clone(),
            hashes: Vec::new(),
            locked: false,
        };
        wants
            .entry(requirement.name.clone())
            .or_default()
            .push(want);
    }
    let mut complaints = Vec::new();
    for path in &mirror.files {
        match read(path).await {
            Ok(found) => {
                for (project, want) in found {
                    wants.entry(project).or_default().push(want);
                }
            }
            Err(why) => complaints.push(format!("{}: {why}", path.display())),
        }
    }
    (wants, complaints)
}

async fn read(path: &Path) -> Result<Vec<(ProjectName, Want)>, String> {
    let size = tokio::fs::metadata(path)
        .await
        .map_err(|error| error.to_string())?
        .len();
    if size > MAX_LOCK_BYTES as u64 {
        return Err(lockfile::LockError::TooLarge.to_string());
    }
    let (path, shown) = (path.to_path_buf(), path.display().to_string());
    let read = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        match lockfile::detect(name, &bytes) {
            Some(format) => {
                let locked =
                    lockfile::read_as(format, &bytes).map_err(|error| error.to_string())?;
                let mut found: Vec<_> = locked.entries.into_iter().map(of_locked).collect();
                // Requirements that pin nothing are no part of a lock, and wanted all the same.
                if format == lockfile::LockFormat::Requirements {
                    let pinned: BTreeSet<ProjectName> =
                        found.iter().map(|(project, _)| project.clone()).collect();
                    let stated = stated(&shown, FileKind::Requirements, bytes)?;
                    let loose = stated
                        .into_iter()
                        .filter(|(project, _)| !pinned.contains(project));
                    found.extend(loose);
                }
                Ok(found)
            }
            None => match FileKind::of(&shown.replace('\\', "/")) {
                Some(kind) => stated(&shown, kind, bytes),
                None => Err("it is neither a lock nor a file with requirements".to_owned()),
            },
        }
    });
    read.await.map_err(|error| error.to_string())?
}

fn of_locked(locked: lockfile::Locked) -> (ProjectName, Want) {
    let want = Want {
        specifiers: locked.version.as_ref().map(exactly).unwrap_or_default(),
        hashes: locked.hashes,
        locked: locked.version.is_some(),
    };
    (locked.project, want)
}

/// What a file states that is wanted from an index.
fn stated(shown: &str, kind: FileKind, bytes: Vec<u8>) -> Result<Vec<(ProjectName, Want)>, String> {
    let text = String::from_utf8(bytes).map_err(|_| lockfile::LockError::NotText.to_string())?;
    let file = ProjectFile::read(shown, kind, text, &[]);
    let wanted = file.contents.wanted.into_iter().filter_map(|wanted| {
        let Origin::Index(specifiers) = wanted.origin else {
            return None;
        };
        let want = Want {
            specifiers,
            hashes: Vec::new(),
            locked: false,
        };
        Some((wanted.name?, want))
    });
    Ok(wanted.collect())
}

/// One project of a mirror.
#[derive(Clone, Copy)]
struct Task<'t> {
    app: &'t Arc<App>,
    mirror: &'t MirrorSettings,
    index: &'t Index,
    project: &'t ProjectName,
    pace: &'t Pace,
}

impl Task<'_> {
    /// Fetches what is wanted of the project, and tells how each file stands.
    async fn files(self, wants: &[Want], on_file: &OnFile) -> Vec<Mirrored> {
        let gathered = match gather(self.app, self.index, self.project).await {
            Ok(gathered) => gathered,
            Err(error) => return vec![self.failed("", 0, &error)],
        };
        let Some(page) = gathered.page.clone() else {
            return vec![self.told("", MirrorState::Absent, "no source has the project", 0)];
        };
        if page.origin.kind != SourceKind::Upstream {
            return vec![self.told("", MirrorState::Here, "it is not from an upstream", 0)];
        }
        let chosen = choose(&page, wants, &self.mirror.choice);
        if chosen.is_empty() {
            let why = "no file of the project is wanted";
            return vec![self.told("", MirrorState::Absent, why, 0)];
        }
        let fetches = chosen.into_iter().map(|(filename, size)| async move {
            let told = self.fetch(&filename, size).await;
            on_file(&told);
            told
        });
        let fetches: Vec<_> = fetches.collect();
        stream::iter(fetches)
            .buffer_unordered(self.mirror.at_once)
            .collect()
            .await
    }

    async fn fetch(self, filename: &str, size: u64) -> Mirrored {
        match self.warm(filename, size).await {
            Ok(()) => self.told(filename, MirrorState::Here, "", size),
            Err(error) => self.failed(filename, size, &error),
        }
    }

    async fn warm(self, filename: &str, size: u64) -> Result<(), FlowError> {
        let candidate = download::candidate(self.app, self.index, self.project, filename).await?;
        if !download::is_here(self.app, &candidate).await? {
            self.pace.wait(size).await;
            metrics::counter!("portcullis_mirror_fetches_total", "mirror" => self.mirror.name.clone())
                .increment(1);
        }
        download::warm(self.app, &candidate).await?;
        if filename.ends_with(".whl") {
            metadata::metadata(self.app, &candidate).await?;
        }
        Ok(())
    }

    fn failed(self, filename: &str, size: u64, error: &FlowError) -> Mirrored {
        let state = match error {
            FlowError::Refused(refusal) => match refusal.decision.effect() {
                Effect::Hold => MirrorState::Held,
                _ => MirrorState::Denied,
            },
            FlowError::Absent(_) => MirrorState::Absent,
            FlowError::Unreachable { .. } => MirrorState::Unreachable,
            _ => MirrorState::Failed,
        };
        self.told(filename, state, &error.to_string(), size)
    }

    fn told(self, filename: &str, state: MirrorState, why: &str, size: u64) -> Mirrored {
        Mirrored {
            mirror: self.mirror.name.clone(),
            project: self.project.clone(),
            filename: filename.to_owned(),
            state,
            why: why.to_owned(),
            size,
            at: self.app.now(),
        }
    }
}

/// The files of a page that are wanted, with their sizes as far as the page tells them.
fn choose(
    page: &SourcePage,
    wants: &[Want],
    choice: &portcullis_core::mirror::Choice,
) -> BTreeMap<String, u64> {
    let mut chosen = BTreeMap::new();
    for want in wants {
        let matching = page.facts.iter().filter_map(|facts| facts.version.known());
        let matching = matching.filter(|version| admits(&want.specifiers, version));
        let names_pre = |version: &Version| {
            want.specifiers
                .iter()
                .any(|one| one.version().any_prerelease())
                && admits(&want.specifiers, version)
        };
        let versions = match want.locked {
            true => matching.collect(),
            false => choice.versions(matching, names_pre),
        };
        for facts in &page.facts {
            let is_meant = facts
                .version
                .known()
                .is_some_and(|version| versions.contains(version));
            let digest = facts.sha256.known();
            let is_named =
                want.hashes.is_empty() || digest.is_some_and(|digest| want.hashes.contains(digest));
            let name = DistFilename::parse(&facts.filename, Some(&page.page.name));
            if is_meant && is_named && name.is_ok_and(|name| choice.takes(&name)) {
                let size = facts.size.known().copied().unwrap_or(0);
                chosen.insert(facts.filename.to_string(), size);
            }
        }
    }
    chosen
}

/// How fast files are asked for, all of a run together.
struct Pace {
    rate: Option<u64>,
    next: Mutex<Instant>,
}

impl Pace {
    fn new(rate: Option<u64>) -> Self {
        Self {
            rate: rate.filter(|rate| *rate > 0),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits until a file of `size` bytes may be asked for.
    async fn wait(&self, size: u64) {
        let Some(rate) = self.rate else { return };
        let takes = Duration::from_secs_f64(size as f64 / rate as f64);
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*next).max(Instant::now());
            *next = turn + takes;
            turn
        };
        tokio::time::sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_are_asked_for_no_faster_than_the_rate() {
        let (pace, begun) = (Pace::new(Some(10_000)), Instant::now());
        for (size, after) in [(500, 0), (1000, 50), (1, 150)] {
            pace.wait(size).await;
            let waited = begun.elapsed().as_millis();
            assert!(waited >= after, "{size}: {waited}");
        }
        let unbounded = Pace::new(None);
        unbounded.wait(u64::MAX).await;
    }
}
