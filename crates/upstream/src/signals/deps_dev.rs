//! The API of deps.dev, version 3: `v3/systems/…` and `v3/projects/…` under a configured base URL.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use portcullis_core::signals::SignalKind;
use serde::Deserialize;

use super::{Measurements, Scores, SignalHost, SignalProvider, Subject};
use crate::error::UpstreamError;

/// The provider. It is asked for the repository of a project where the project's metadata names none.
#[derive(Debug)]
pub struct DepsDev {
    host: SignalHost,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default)]
    versions: Vec<PackageVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackageVersion {
    version_key: VersionKey,
    #[serde(default)]
    is_default: bool,
}

#[derive(Deserialize)]
struct VersionKey {
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    related_projects: Vec<RelatedProject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RelatedProject {
    project_key: ProjectKey,
    #[serde(default)]
    relation_type: String,
}

#[derive(Deserialize)]
struct ProjectKey {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    stars_count: Option<f64>,
    forks_count: Option<f64>,
    open_issues_count: Option<f64>,
    scorecard: Option<Scores>,
}

impl DepsDev {
    /// The provider at this host.
    pub fn new(host: SignalHost) -> Self {
        Self { host }
    }

    async fn ask(&self, subject: &Subject) -> Result<Measurements, UpstreamError> {
        let repository = match &subject.repository {
            Some(repository) => Some(repository.to_string()),
            None => self.repository(subject).await?,
        };
        let Some(repository) = repository else {
            return Ok(Measurements::new());
        };
        let project: Option<Project> = self.host.get(&["v3", "projects", &repository]).await?;
        Ok(project.map(Project::measurements).unwrap_or_default())
    }

    /// The source repository of the default version, as deps.dev knows it.
    async fn repository(&self, subject: &Subject) -> Result<Option<String>, UpstreamError> {
        let package = [
            "v3",
            "systems",
            "pypi",
            "packages",
            subject.project.as_str(),
        ];
        let Some(known): Option<Package> = self.host.get(&package).await? else {
            return Ok(None);
        };
        let default = known.versions.iter().find(|version| version.is_default);
        let Some(default) = default.or(known.versions.last()) else {
            return Ok(None);
        };
        let mut segments = package.to_vec();
        segments.extend(["versions", &default.version_key.version]);
        let version: Option<Version> = self.host.get(&segments).await?;
        let related = version.map(|version| version.related_projects);
        let mut related = related.unwrap_or_default().into_iter();
        let source = related.find(|project| project.relation_type == "SOURCE_REPO");
        Ok(source.map(|project| project.project_key.id))
    }
}

impl Project {
    fn measurements(self) -> Measurements {
        let counts = [
            (SignalKind::Stars, self.stars_count),
            (SignalKind::Forks, self.forks_count),
            (SignalKind::OpenIssues, self.open_issues_count),
        ];
        let counts = counts
            .into_iter()
            .filter_map(|(kind, count)| Some((kind, count?)));
        let scores = self.scorecard.map(|scores| scores.measurements());
        counts
            .chain(scores.unwrap_or_default())
            .filter(|(kind, value)| kind.admits(*value))
            .collect()
    }
}

impl SignalProvider for DepsDev {
    fn fetch<'a>(
        &'a self,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Measurements, UpstreamError>> {
        self.ask(subject).boxed()
    }
}
