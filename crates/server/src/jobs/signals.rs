//! The job that asks signal providers about projects in use, slowly. Nobody waits for it, and owned names
//! are not told to anybody.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::index::{SourceKind, Trust};
use portcullis_core::pypi::name::ProjectName;
use portcullis_store::releases;
use portcullis_store::signals::{self, Measured, NewSignal, Wanted};
use portcullis_upstream::environment::Environment;
use portcullis_upstream::line::Line;
use portcullis_upstream::signals::{
    DepsDev, Scorecard, SignalFile, SignalHost, SignalProvider, Subject,
};

use super::schedule::{Job, Reach};
use crate::app::App;
use crate::config::{
    CredentialSettings, SignalConfig, SignalPlace, SignalService, UpstreamSettings,
};
use crate::error::FlowError;
use crate::sources::{Source, upstream_config};

/// Asks about projects whose signals are due.
pub(super) static SIGNALS: Job = Job {
    name: "signals",
    summary: "ask signal providers about projects in use",
    reach: Reach::Outside,
    every: |app| (!app.config.signals.is_empty()).then_some(ROUND),
    run: |app| async move { refresh_due(&app).await }.boxed(),
};

/// How often the job looks which projects are due.
const ROUND: Duration = Duration::from_secs(60 * 60);

/// About how many projects a provider is asked in one round at most.
const BATCH: u32 = 300;

/// The pause between two questions to a service.
const PAUSE: Duration = Duration::from_millis(250);

/// For how many periods an answer counts that is not renewed.
const PATIENCE: u32 = 4;

async fn refresh_due(app: &Arc<App>) -> Result<String, FlowError> {
    let (mut said, mut failed) = (Vec::new(), Vec::new());
    for (name, config) in &app.config.signals {
        match refresh(app, name, config).await {
            Ok(asked) => said.push(format!("{name}: {asked} projects")),
            Err(FlowError::Job(why)) => failed.push(format!("{name}: {why}")),
            Err(error) => return Err(error),
        }
    }
    match failed.is_empty() {
        true => Ok(said.join(", ")),
        false => Err(FlowError::Job(failed.join("; "))),
    }
}

/// Asks one provider about the projects that are due. What it answered until it failed is kept.
async fn refresh(app: &Arc<App>, name: &str, config: &SignalConfig) -> Result<usize, FlowError> {
    let due = due(app, name, config).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let provider = open(name, &config.place, &app.config.line)
        .await
        .map_err(FlowError::Job)?;
    let (mut asked, mut measured, mut trouble) = (Vec::new(), Vec::new(), None);
    for project in due {
        let repository = repository(app, &project).await?;
        let subject = Subject {
            project,
            repository,
        };
        match provider.fetch(&subject).await {
            Ok(answer) => {
                let project = subject.project;
                measured.extend(answer.into_iter().map(|(kind, value)| NewSignal {
                    project: project.clone(),
                    kind,
                    value,
                }));
                asked.push(project);
            }
            Err(error) => {
                trouble = Some(error);
                break;
            }
        }
        if !matches!(config.place, SignalPlace::File(_)) {
            tokio::time::sleep(PAUSE).await;
        }
    }
    let now = app.now();
    let counts_for = millis(config.every.saturating_mul(PATIENCE));
    let by = Measured {
        provider: name,
        at: now,
        expires: now.plus_millis(counts_for),
    };
    signals::keep(&app.db, &asked, &measured, by).await?;
    match trouble {
        None => Ok(asked.len()),
        Some(error) => Err(FlowError::Job(error.to_string())),
    }
}

/// The projects of outside sources that are due. Owned names stay here, whatever was fetched before.
async fn due(
    app: &App,
    name: &str,
    config: &SignalConfig,
) -> Result<BTreeSet<ProjectName>, FlowError> {
    let names = app.names.load_full();
    let mut due = BTreeSet::new();
    for (source, _) in outside(app) {
        let wanted = Wanted {
            provider: name,
            source: source.as_str(),
            asked_before: app.now().plus_millis(-millis(config.every)),
            limit: BATCH,
        };
        let projects = signals::due(&app.db, wanted).await?;
        let not_ours = |project: &ProjectName| names.owned.ownership(project).is_none();
        due.extend(projects.into_iter().filter(not_ours));
    }
    Ok(due)
}

fn outside(app: &App) -> impl Iterator<Item = (&portcullis_core::index::SourceName, &Arc<Source>)> {
    app.sources.iter().filter(|(_, source)| match &***source {
        Source::Upstream(upstream) => {
            upstream.origin.kind == SourceKind::Upstream && upstream.origin.trust == Trust::Outside
        }
        Source::Hosted(_) | Source::Folder(_) => false,
    })
}

/// The repository that the metadata of the newest release names, as far as metadata was read.
async fn repository(app: &App, project: &ProjectName) -> Result<Option<Box<str>>, FlowError> {
    let mut known = Vec::new();
    for (source, _) in outside(app) {
        known.extend(releases::of_project(&app.db, source.as_str(), project).await?);
    }
    known.sort_by(|one, other| other.version.cmp(&one.version));
    Ok(known
        .into_iter()
        .find_map(|release| release.observed.repository))
}

async fn open(
    name: &str,
    place: &SignalPlace,
    line: &Line,
) -> Result<Box<dyn SignalProvider>, String> {
    Ok(match place {
        SignalPlace::File(path) => Box::new(open_file(path).await?),
        SignalPlace::DepsDev(service) => Box::new(DepsDev::new(host(name, service, line)?)),
        SignalPlace::Scorecard(service) => Box::new(Scorecard::new(host(name, service, line)?)),
    })
}

async fn open_file(path: &Path) -> Result<SignalFile, String> {
    let path = path.to_path_buf();
    let opened = tokio::task::spawn_blocking(move || SignalFile::open(&path));
    let opened = opened.await.map_err(|error| error.to_string())?;
    opened.map_err(|error| error.to_string())
}

fn host(name: &str, service: &SignalService, line: &Line) -> Result<SignalHost, String> {
    let settings = UpstreamSettings {
        url: Some(service.url.clone()),
        credentials: CredentialSettings::None,
        proxy: service.proxy.clone(),
        ca_file: service.ca_file.clone(),
        allow_hosts: service.allow_hosts.clone(),
        line: line.clone(),
        ..UpstreamSettings::default()
    };
    let label = name
        .parse()
        .map_err(|_| format!("{name:?} is no name of a provider"))?;
    let config = upstream_config(&label, &settings).map_err(|error| error.to_string())?;
    let host = SignalHost::new(&config, &Environment::of_this_process());
    host.map_err(|error| error.to_string())
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
