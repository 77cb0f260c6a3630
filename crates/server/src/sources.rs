//! The configured sources, opened: what each kind of source needs to be asked. Which of them may be
//! asked for a name is `portcullis_core::index`'s business.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use portcullis_core::fact::Origin;
use portcullis_core::index::{SourceKind, SourceName};
use portcullis_core::pypi::name::ProjectName;
use portcullis_upstream::credentials::CredentialSetting;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::folder::{FolderFile, FolderSource};
use portcullis_upstream::guard::{AllowedHost, InvalidAllowedHost};
use portcullis_upstream::proxy::ProxySetting;
use portcullis_upstream::source::{SetupError, Timeouts, UpstreamConfig, UpstreamSource};
use portcullis_upstream::{Trouble, UpstreamError};
use tokio_util::io::ReaderStream;
use url::Url;

use crate::config::{CredentialSettings, SourceConfig, UpstreamSettings};
use crate::error::FlowError;

/// A source that can be asked.
#[derive(Debug)]
pub enum Source {
    /// Published here.
    Hosted(SourceName),
    /// A remote simple index.
    Upstream(std::sync::Arc<Upstream>),
    /// A directory of wheels and sdists.
    Folder(FolderPlace),
}

/// A remote simple index.
#[derive(Debug)]
pub struct Upstream {
    /// Which source it is.
    pub origin: Origin,
    /// What asks it.
    pub source: UpstreamSource,
    /// How long a page is used without asking again.
    pub fresh_for: Duration,
    /// How long a page stands in while the index cannot be reached.
    pub stale_for: Duration,
}

/// A directory of wheels and sdists.
#[derive(Debug)]
pub struct FolderPlace {
    /// Which source it is.
    pub origin: Origin,
    /// What reads it.
    pub source: FolderSource,
}

/// Why a source could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("source {source_name}: {reason}")]
pub struct SourceError {
    source_name: SourceName,
    reason: SourceProblem,
}

/// What is wrong with the settings of a source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceProblem {
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    AllowedHost(#[from] InvalidAllowedHost),
    #[error("proxy: {0}")]
    Proxy(url::ParseError),
    #[error("it has no url; give one with --upstream URL or in the configuration")]
    NoUrl,
}

/// How much of a file is read at once, in bytes.
const CHUNK: usize = 256 * 1024;

impl Source {
    /// Opens a source. An upstream's URL must be settled.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn open(name: &SourceName, config: &SourceConfig) -> Result<Self, SourceError> {
        let origin = |kind, trust| Origin {
            source: name.clone(),
            kind,
            trust,
        };
        match config {
            SourceConfig::Hosted => Ok(Self::Hosted(name.clone())),
            SourceConfig::Folder { path, trust } => Ok(Self::Folder(FolderPlace {
                origin: origin(SourceKind::Folder, *trust),
                source: FolderSource::new(name.as_str(), path),
            })),
            SourceConfig::Upstream(settings) => {
                let failed = |reason| SourceError {
                    source_name: name.clone(),
                    reason,
                };
                let source = open_upstream(name, settings).map_err(failed)?;
                Ok(Self::Upstream(std::sync::Arc::new(Upstream {
                    origin: origin(SourceKind::Upstream, settings.trust),
                    source,
                    fresh_for: settings.fresh_for,
                    stale_for: settings.stale_for,
                })))
            }
        }
    }
}

fn open_upstream(
    name: &SourceName,
    settings: &UpstreamSettings,
) -> Result<UpstreamSource, SourceProblem> {
    let config = upstream_config(name, settings)?;
    Ok(UpstreamSource::new(
        config,
        &Environment::of_this_process(),
    )?)
}

/// What the client of a host needs to know, from what the configuration says of it.
pub(crate) fn upstream_config(
    name: &SourceName,
    settings: &UpstreamSettings,
) -> Result<UpstreamConfig, SourceProblem> {
    let url = settings.url.clone().ok_or(SourceProblem::NoUrl)?;
    let mut config = UpstreamConfig::new(name.as_str(), url);
    match &settings.credentials {
        CredentialSettings::None => {}
        CredentialSettings::Environment { username, password } => {
            let (username, password) = (username.clone(), password.clone());
            config.credentials = CredentialSetting::Environment { username, password };
        }
        CredentialSettings::File(path) => {
            config.credentials = CredentialSetting::File(path.clone());
        }
        CredentialSettings::Netrc => config.credentials = CredentialSetting::Netrc(None),
    }
    config.proxy = match settings.proxy.as_deref() {
        None => ProxySetting::Direct,
        Some("env") => ProxySetting::Environment,
        Some(proxy) => ProxySetting::Url(Url::parse(proxy).map_err(SourceProblem::Proxy)?),
    };
    config.ca_files = settings.ca_file.iter().cloned().collect();
    for host in &settings.allow_hosts {
        config.allow_hosts.push(host.parse::<AllowedHost>()?);
    }
    config.timeouts = Timeouts {
        idle: settings.timeout,
        ..Timeouts::default()
    };
    config.line = settings.line.clone();
    Ok(config)
}

impl FolderPlace {
    /// Opens a file of a project; `None` when it is not there.
    ///
    /// # Errors
    /// [`UpstreamError`] when the folder cannot be read.
    pub async fn open(
        &self,
        project: &ProjectName,
        filename: &str,
    ) -> Result<Option<FolderFile>, UpstreamError> {
        self.source.open(project, filename).await
    }

    /// What a failure to read the folder is for a flow.
    pub fn failed(&self, error: UpstreamError) -> FlowError {
        FlowError::Unreachable {
            source_name: self.origin.source.clone(),
            error,
        }
    }
}

/// The bytes of a file of a folder.
pub fn folder_bytes(file: FolderFile) -> BoxStream<'static, Result<bytes::Bytes, UpstreamError>> {
    let mut file = tokio::fs::File::from_std(file.file);
    file.set_max_buf_size(CHUNK);
    let broken = |error: std::io::Error| UpstreamError::Unreachable {
        place: "a folder".to_owned(),
        trouble: Trouble::Io(error.to_string()),
        retry_after: None,
    };
    ReaderStream::with_capacity(file, CHUNK)
        .map(move |chunk| chunk.map_err(broken))
        .boxed()
}
