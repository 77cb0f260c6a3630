//! Judging what a lock has settled, or what a project wants: many releases in one question. The same gathering
//! and the same decisions as those of pages and downloads. A source that cannot be asked, or does not answer in
//! time, makes what it was asked for unknown, and never allowed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use portcullis_core::digest::Sha256;
use portcullis_core::index::Index;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, VersionSpecifiers};
use portcullis_store::pins;
use tokio::time::Instant;

mod release;
mod licences;
mod versions;
mod verdict;

use licences::Licences;
pub use verdict::{JudgedFile, JudgedRelease, Owner, Verdict};

use super::gather::{Gathered, gather};
use crate::app::App;
use crate::error::FlowError;

/// How many projects one question gathers at a time.
const AT_ONCE: usize = 16;

/// How many projects all questions together gather at a time, so that nobody can make this gateway flood
/// what is upstream.
pub const ALL_AT_ONCE: usize = 64;

/// A release that is asked about.
#[derive(Clone, Debug)]
pub struct Pin {
    /// The project.
    pub project: ProjectName,
    /// The version; `None`: what an installer would receive.
    pub version: Option<Version>,
    /// Which versions are wanted: of these, another one is recommended.
    pub wanted: VersionSpecifiers,
    /// The digests of the files that are allowed; none where that is not said.
    pub hashes: Vec<Sha256>,
    /// The names of those files; none where that is not said.
    pub filenames: Vec<String>,
}

/// What is said of a release beside its decision and what that rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// What is at hand.
    #[default]
    AtHand,
    /// The licences of versions that are named, too: another look into the database for each project.
    Licences,
}

/// The digests that files of a project were first verified with here, by name.
type Records = BTreeMap<String, Sha256>;

/// Judges every pin, in their order. What is not known after `budget` stays unknown.
pub async fn judge(
    app: &Arc<App>,
    index: &Arc<Index>,
    pins: Vec<Pin>,
    detail: Detail,
    budget: Duration,
) -> Vec<JudgedRelease> {
    let deadline = Instant::now() + budget;
    let mut judged: Vec<Option<JudgedRelease>> = pins.iter().map(|_| None).collect();
    let pins = Arc::new(pins);
    let one = |(project, positions): (ProjectName, Vec<usize>)| {
        let (app, index, pins) = (Arc::clone(app), Arc::clone(index), Arc::clone(&pins));
        async move {
            let asked = (&pins, &positions[..], detail);
            let of_project = of_project(&app, &index, &project, asked).await;
            positions.into_iter().zip(of_project).collect::<Vec<_>>()
        }
    };
    let mut answers = stream::iter(by_project(&pins))
        .map(one)
        .buffer_unordered(AT_ONCE);
    while let Ok(Some(answered)) = tokio::time::timeout_at(deadline, answers.next()).await {
        for (position, release) in answered {
            judged[position] = Some(release);
        }
    }
    let in_time = |(pin, release): (&Pin, Option<JudgedRelease>)| {
        release.unwrap_or_else(|| {
            let why = Verdict::OutOfTime(budget);
            release::without_page(app, &index.name, pin, why)
        })
    };
    pins.iter().zip(judged).map(in_time).collect()
}

/// The positions of the pins of each project, in the order in which projects are named first.
fn by_project(pins: &[Pin]) -> Vec<(ProjectName, Vec<usize>)> {
    let mut places: HashMap<&ProjectName, usize> = HashMap::new();
    let mut projects: Vec<(ProjectName, Vec<usize>)> = Vec::new();
    for (position, pin) in pins.iter().enumerate() {
        let place = *places.entry(&pin.project).or_insert_with(|| {
            projects.push((pin.project.clone(), Vec::new()));
            projects.len() - 1
        });
        projects[place].1.push(position);
    }
    projects
}

/// Judges the pins of one project, which is gathered once.
async fn of_project(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
    (pins, positions, detail): (&Arc<Vec<Pin>>, &[usize], Detail),
) -> Vec<JudgedRelease> {
    let unknown = |error: &FlowError| {
        let each = positions.iter().map(|position| {
            let why = Verdict::Unknown(error.clone());
            release::without_page(app, &index.name, &pins[*position], why)
        });
        each.collect::<Vec<_>>()
    };
    let names_files = |position: &usize| {
        let pin = &pins[*position];
        !pin.hashes.is_empty() || !pin.filenames.is_empty()
    };
    let gathered = async {
        let _turn = app.judging.acquire().await;
        let mut gathered = gather(app, index, project).await?;
        let licences = match detail {
            Detail::AtHand => Licences::new(),
            Detail::Licences => {
                let pins = positions.iter().map(|position| &pins[*position]);
                licences::licences(app, &mut gathered, pins).await?
            }
        };
        let records = match positions.iter().any(names_files) {
            true => records(app, &gathered).await?,
            false => Records::new(),
        };
        Ok::<_, FlowError>((gathered, records, licences))
    };
    let (gathered, records, licences) = match gathered.await {
        Ok(gathered) => gathered,
        Err(error) => return unknown(&error),
    };
    let (app_of_task, pins_of_task) = (Arc::clone(app), Arc::clone(pins));
    let positions_of_task = positions.to_vec();
    let judging = tokio::task::spawn_blocking(move || {
        let pins = positions_of_task.iter().map(|at| &pins_of_task[*at]);
        let judge = |pin| release::judge(&app_of_task, &gathered, (&records, &licences), pin);
        pins.map(judge).collect::<Vec<_>>()
    });
    match judging.await {
        Ok(judged) => judged,
        Err(_) => unknown(&FlowError::Stopping),
    }
}

/// What files of the project were first verified with: by the source that has it, or, where none has it any
/// more, by all that may have it.
async fn records(app: &App, gathered: &Gathered) -> Result<Records, FlowError> {
    let project = &gathered.facts.project;
    let mut records = Records::new();
    let sources: Vec<_> = match &gathered.facts.origin {
        Some(origin) => vec![&origin.source],
        None => gathered.route.ask.iter().map(|one| &one.name).collect(),
    };
    for source in sources {
        for pin in pins::pins(&app.db, source.as_str(), project).await? {
            records.entry(pin.filename).or_insert(pin.sha256);
        }
    }
    Ok(records)
}
