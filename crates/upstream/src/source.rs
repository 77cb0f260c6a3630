//! [`UpstreamConfig`], what the configuration says of a remote index, and [`UpstreamSource`], the
//! index ready to be asked. Asking it for pages is in `simple_index`, for files in `files`.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::breaker::{Breaker, BreakerSettings, BreakerState, Outcome};
use crate::client::HttpClient;
use crate::credentials::{CredentialSetting, Credentials};
use crate::environment::Environment;
use crate::error::{Trouble, UpstreamError};
use crate::guard::AllowedHost;
use crate::line::Line;
use crate::project_api::ProjectApiMemory;
use crate::proxy::ProxySetting;
use crate::redact::redacted;

/// How long a source may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// Between two pieces of an answer, and before its first.
    pub idle: Duration,
    /// For a whole page, redirects and retries included; the project API beside it not.
    pub page: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [connect, idle, page] = [10, 30, 60].map(Duration::from_secs);
        Self {
            connect,
            idle,
            page,
        }
    }
}

/// How much a source may send, and how slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest page, in bytes after decompression.
    pub page_bytes: u64,
    /// The longest file whose size no page announced, in bytes.
    pub file_bytes: u64,
    /// The fewest bytes per second of a file, on average over [`Limits::rate_window`]. Time during
    /// which the reader does not ask for more does not count.
    pub minimum_rate: u64,
    /// Over how long the rate is measured.
    pub rate_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            page_bytes: 64 * 1024 * 1024,
            file_bytes: 16 * 1024 * 1024 * 1024,
            minimum_rate: 1024,
            rate_window: Duration::from_secs(30),
        }
    }
}

/// What the configuration says of a remote index.
#[derive(Clone)]
pub struct UpstreamConfig {
    /// The source's name, for messages.
    pub name: String,
    /// The root of its simple API (PEP 503), for example `https://pkgs.example/simple/`.
    pub url: Url,
    /// Where its credentials are.
    pub credentials: CredentialSetting,
    /// The outbound proxy.
    pub proxy: ProxySetting,
    /// PEM files with certificate authorities to trust beside the system's.
    pub ca_files: Vec<PathBuf>,
    /// What may be asked although it is inside: `files.corp.example`, `10.0.0.0/8`.
    pub allow_hosts: Vec<AllowedHost>,
    /// How long it may take.
    pub timeouts: Timeouts,
    /// How much it may send.
    pub limits: Limits,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// Through which its requests leave.
    pub line: Line,
}

impl UpstreamConfig {
    /// The index at `url` with default settings. User and password in the URL become its
    /// credentials, a query or fragment is dropped, and the path gets its final slash.
    pub fn new(name: impl Into<String>, mut url: Url) -> Self {
        let credentials = Credentials::take_from(&mut url);
        url.set_query(None);
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Self {
            name: name.into(),
            url,
            credentials: credentials.map_or(CredentialSetting::None, CredentialSetting::Inline),
            proxy: ProxySetting::default(),
            ca_files: Vec::new(),
            allow_hosts: Vec::new(),
            timeouts: Timeouts::default(),
            limits: Limits::default(),
            breaker: BreakerSettings::default(),
            line: Line::default(),
        }
    }
}

impl std::fmt::Debug for UpstreamConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamConfig")
            .field("name", &self.name)
            .field("url", &redacted(&self.url))
            .field("credentials", &self.credentials)
            .field("proxy", &self.proxy)
            .field("ca_files", &self.ca_files)
            .field("allow_hosts", &self.allow_hosts)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .field("breaker", &self.breaker)
            .finish()
    }
}

/// Why a source cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The URL is not one of a remote index.
    #[error("{0} is not an http or https URL")]
    Url(String),
    /// Credentials are configured and not to be had.
    #[error("credentials: {0}")]
    Credentials(String),
    /// A file with certificate authorities cannot be used.
    #[error("certificate file {}: {problem}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
    /// The proxy is not one; the text says where it was found, not what it is.
    #[error("{0} is not the address of an http, https or socks5 proxy")]
    Proxy(String),
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

/// A remote index, ready to be asked. Shared by reference; holds the connections to it.
#[derive(Debug)]
pub struct UpstreamSource {
    pub(crate) name: String,
    pub(crate) root: Url,
    pub(crate) client: HttpClient,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) project_api: Mutex<ProjectApiMemory>,
    pages: Breaker,
    files: Breaker,
}

/// Which of a source's two breakers guards a request: an index may be well while the host of its
/// files is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ward {
    Pages,
    Files,
}

impl UpstreamSource {
    /// Reads the credentials and certificates that `config` names and sets up the client.
    ///
    /// # Errors
    /// [`SetupError`] when the URL is not http or https, or when anything that the configuration
    /// names is missing.
    pub fn new(config: UpstreamConfig, environment: &Environment) -> Result<Self, SetupError> {
        let client = HttpClient::new(&config, environment)?;
        Ok(Self {
            name: config.name,
            root: crate::redact::without_userinfo(config.url),
            client,
            timeouts: config.timeouts,
            limits: config.limits,
            project_api: Mutex::default(),
            pages: Breaker::new(config.breaker),
            files: Breaker::new(config.breaker),
        })
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The root of its simple API, without credentials.
    pub fn root(&self) -> &Url {
        &self.root
    }

    /// The client, for other documents of the same source.
    pub fn client(&self) -> &HttpClient {
        &self.client
    }

    /// Whether its pages are asked for at the moment.
    pub fn pages_state(&self, now: Instant) -> BreakerState {
        self.pages.state(now)
    }

    /// Whether its files are asked for at the moment.
    pub fn files_state(&self, now: Instant) -> BreakerState {
        self.files.state(now)
    }

    /// Makes a request through a breaker.
    pub(crate) async fn through_breaker<T>(
        &self,
        ward: Ward,
        url: &Url,
        request: impl Future<Output = Result<T, UpstreamError>>,
    ) -> Result<T, UpstreamError> {
        if self.client.is_cut() {
            // It says nothing about how the source is.
            return Err(UpstreamError::unreachable(url, Trouble::Offline));
        }
        let breaker = match ward {
            Ward::Pages => &self.pages,
            Ward::Files => &self.files,
        };
        breaker
            .admit(Instant::now())
            .map_err(|pause| UpstreamError::Unreachable {
                place: redacted(url),
                trouble: Trouble::Paused(pause),
                retry_after: Some(pause),
            })?;
        let result = request.await;
        breaker.record(outcome(&result), Instant::now());
        result
    }
}

fn outcome<T>(result: &Result<T, UpstreamError>) -> Outcome {
    match result {
        Err(error) if error.is_outage() => Outcome::Failed {
            retry_after: error.retry_after(),
        },
        _ => Outcome::Answered,
    }
}
