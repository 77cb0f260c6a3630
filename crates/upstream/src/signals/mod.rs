//! [`SignalProvider`]: who can say how a project is rated. Providers are asked in the background only; a
//! base URL is always configured, since this code names no service.

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::signals::SignalKind;
use serde::de::DeserializeOwned;
use url::Url;

use futures_util::future::BoxFuture;

use crate::client::{Fetched, HttpClient};
use crate::environment::Environment;
use crate::error::UpstreamError;
use crate::source::{SetupError, UpstreamConfig};

mod deps_dev;
mod file;
mod scorecard;

pub use deps_dev::DepsDev;
pub use file::{ByProject, InvalidLine, SignalFile, SignalFileError, parse_lines};
pub use scorecard::Scorecard;

/// The longest answer of a provider, in bytes.
const LONGEST: u64 = 8 << 20;

/// Whom a provider is asked about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The project.
    pub project: ProjectName,
    /// Its repository as `host/owner/name`, where its metadata names one.
    pub repository: Option<Box<str>>,
}

/// What a provider says of one project. Empty when it knows nothing of it.
pub type Measurements = Vec<(SignalKind, f64)>;

/// Who can say how a project is rated.
pub trait SignalProvider: Send + Sync + std::fmt::Debug {
    /// Asks about one project.
    ///
    /// # Errors
    /// [`UpstreamError`] when the provider cannot be asked or answers nonsense; a project that it does not
    /// know is no error.
    fn fetch<'a>(
        &'a self,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Measurements, UpstreamError>>;
}

/// The client of a provider that is asked over HTTP, and its base URL.
#[derive(Clone, Debug)]
pub struct SignalHost {
    client: HttpClient,
    base: Url,
}

impl SignalHost {
    /// Sets up the client for the service at the URL of `config`.
    ///
    /// # Errors
    /// [`SetupError`] when the URL is not http or https, or when anything that is configured is missing.
    pub fn new(config: &UpstreamConfig, environment: &Environment) -> Result<Self, SetupError> {
        let mut base = config.url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", config.url.path()));
        }
        Ok(Self {
            client: HttpClient::new(config, environment)?,
            base,
        })
    }

    /// The JSON document behind these path segments, each escaped; `None` when there is none.
    async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
    ) -> Result<Option<T>, UpstreamError> {
        let mut url = self.base.clone();
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty().extend(segments);
            }
            Err(()) => {
                return Err(UpstreamError::invalid(
                    &self.base,
                    "a base URL without a path",
                ));
            }
        }
        let fetched = self
            .client
            .fetch(&url, "application/json", None, LONGEST)
            .await?;
        let Fetched::Document(document) = fetched else {
            return Ok(None);
        };
        let read = serde_json::from_slice(&document.bytes);
        read.map(Some).map_err(|error| {
            UpstreamError::invalid(&url, format!("not what was expected: {error}"))
        })
    }
}

/// A result of OpenSSF Scorecard, in the forms that its own API and deps.dev give it.
#[derive(Debug, serde::Deserialize)]
struct Scores {
    #[serde(alias = "overallScore")]
    score: Option<f64>,
    #[serde(default)]
    checks: Vec<CheckScore>,
}

#[derive(Debug, serde::Deserialize)]
struct CheckScore {
    name: String,
    score: f64,
}

impl Scores {
    /// A check that could not be made scores -1, which is no measurement.
    fn measurements(&self) -> Measurements {
        let maintained = self.checks.iter().find(|check| check.name == "Maintained");
        let maintained = maintained.map(|check| (SignalKind::Maintained, check.score));
        let overall = self.score.map(|score| (SignalKind::Scorecard, score));
        let both = overall.into_iter().chain(maintained);
        both.filter(|(kind, value)| kind.admits(*value)).collect()
    }
}
