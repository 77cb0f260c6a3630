//! `portcullis.toml`: how Portcullis runs. What is allowed is `policy.toml`'s business. Each value
//! remembers where it came from; every mistake is reported at once, at its place.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::index::{IndexName, SourceName, Trust};
use portcullis_core::pypi::name::NamePattern;
use portcullis_core::settings::Mistakes;
use portcullis_store::Patience;
use portcullis_upstream::line::Line;
use url::Url;

mod read;
mod settle;
mod amounts;
mod feeds;
mod signals;
mod reviews;
mod notify;
mod monitor;
mod operations;
mod mirror;
mod inspection;
mod scanners;
mod own_rules;
mod rate;
mod front;

pub use amounts::{ByteSize, Period};
pub use feeds::{FeedConfig, FeedKind, FeedOrigin};
pub use front::{FrontSettings, Network, ProxyHeader, ProxySettings, TlsSettings, TlsVersion};
pub use inspection::{Ahead, InspectionSettings, Isolation};
pub use mirror::MirrorSettings;
pub use monitor::{ListPlace, MonitorSettings, OwnedNames};
pub use notify::{
    Encryption, LinesPlace, MailSettings, Reach, SecretPlace, SinkConfig, SinkWay, WebhookSettings,
};
pub use operations::{CacheSettings, Disposal, GarbageSettings, LEAST_AGE};
pub use rate::{Rate, RateSetting, Unit};
pub use reviews::Approvers;
pub use scanners::{OnFailure, PATH_PLACE, ScannerSettings, ScannerWay};
pub use signals::{SignalConfig, SignalPlace, SignalProviderKind, SignalService};

/// How Portcullis runs, with every value settled.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The data directory: embedded database, blobs, scratch space.
    pub data: PathBuf,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// A directory, `s3://bucket/prefix` or `memory:`.
    pub blobs: String,
    /// The address under which people reach it, where that is not what requests say.
    pub public_url: Option<Url>,
    /// How log lines are written.
    pub log: LogFormat,
    /// Whether reading needs a token.
    pub reading: Reading,
    /// The sources, by name.
    pub sources: BTreeMap<SourceName, SourceConfig>,
    /// The indexes, by name.
    pub indexes: BTreeMap<IndexName, IndexConfig>,
    /// The index that `/simple/` is.
    pub default_index: IndexName,
    /// Names and prefixes owned by configuration.
    pub owned: Vec<NamePattern>,
    /// Bounds.
    pub limits: Limits,
    /// How long database and object store are waited for. Not a setting.
    pub patience: Patience,
    /// How connections are taken, and what one client may ask for.
    pub front: FrontSettings,
    /// How many reviewers an approval takes.
    pub approvers: Approvers,
    /// Who is told of events.
    pub notify: Vec<SinkConfig>,
    /// What is watched outside.
    pub monitor: MonitorSettings,
    /// How files are inspected.
    pub inspection: InspectionSettings,
    /// The feeds, by name.
    pub feeds: BTreeMap<String, FeedConfig>,
    /// The signal providers, by name.
    pub signals: BTreeMap<String, SignalConfig>,
    /// How much is kept of files from outside.
    pub cache: CacheSettings,
    /// What becomes of what nothing refers to.
    pub garbage: GarbageSettings,
    /// What is kept fresh ahead of need.
    pub mirrors: Vec<MirrorSettings>,
    /// Whether no request may ever leave.
    pub starts_offline: bool,
    /// Through which everything goes that leaves for sources, feeds and signals.
    pub line: Line,
    /// Where each value came from, by key, for `config show --origin`.
    pub shown: Vec<Shown>,
}

/// One settled value for showing, with its origin. Secrets are not shown.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The key, for example `sources.pypi.url`.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where it came from.
    pub origin: ValueOrigin,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueOrigin {
    /// Portcullis' own default.
    Default,
    /// A line of a configuration file.
    File {
        /// The file.
        file: String,
        /// The line, 1-based.
        line: u32,
    },
    /// An environment variable.
    Environment(&'static str),
    /// A flag of the command line.
    Flag(&'static str),
    /// Found in what this machine's installers use.
    Discovered(String),
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Environment(variable) => f.write_str(variable),
            Self::Flag(flag) => f.write_str(flag),
            Self::Discovered(found_in) => write!(f, "found in {found_in}"),
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether reading needs a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Anyone who reaches the address may read. The default on a loopback address.
    Anonymous,
    /// A token with the scope `read` is needed. The default on any other address.
    WithToken,
}

/// One source.
#[derive(Clone, Debug)]
pub enum SourceConfig {
    /// Published here.
    Hosted,
    /// A remote simple index.
    Upstream(Box<UpstreamSettings>),
    /// A directory of wheels and sdists.
    Folder {
        /// The directory.
        path: PathBuf,
        /// Whether it may learn owned names.
        trust: Trust,
    },
}

/// The settings of an upstream source.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// The root of its simple index; `None` means: what this machine's installers use.
    pub url: Option<Url>,
    /// Whether it may learn owned names.
    pub trust: Trust,
    /// How the gateway proves who it is.
    pub credentials: CredentialSettings,
    /// An outbound proxy, or `env` for what the environment says.
    pub proxy: Option<String>,
    /// Additional certificate authorities, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Further hosts that files and redirects may lead to although they are not public.
    pub allow_hosts: Vec<String>,
    /// How long a page is served without asking again.
    pub fresh_for: Duration,
    /// How long a page is served while the upstream cannot be reached.
    pub stale_for: Duration,
    /// How long a single read may take.
    pub timeout: Duration,
    /// Through which its requests leave.
    pub line: Line,
}

/// Where the credentials of an upstream come from. They are read when the source is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSettings {
    /// None, except those in the URL itself.
    None,
    /// Environment variables.
    Environment {
        /// The variable that holds the user name; the user is `__token__` where none is named.
        username: Option<String>,
        /// The variable that holds the password or token.
        password: String,
    },
    /// A file of one line: `user:password`, or a token alone.
    File(PathBuf),
    /// The user's netrc file.
    Netrc,
}

/// One index.
#[derive(Clone, Debug)]
pub struct IndexConfig {
    /// Its sources, in the configured order.
    pub sources: Vec<SourceName>,
    /// The policy file; the built-in defaults where there is none.
    pub policy: Option<PathBuf>,
}

/// Bounds on what clients may ask for and on what is kept in memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest file that may be published, in bytes.
    pub upload: u64,
    /// How much memory rendered pages may take, in bytes.
    pub page_cache: u64,
    /// How long running transfers may take to finish when the server stops.
    pub shutdown: Duration,
}

/// What the outside says beside the configuration file: flags and environment.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--upstream`.
    pub upstream: Option<String>,
    /// `--tls-cert`.
    pub tls_cert: Option<PathBuf>,
    /// `--tls-key`.
    pub tls_key: Option<PathBuf>,
    /// `--offline`.
    pub offline: Option<String>,
    /// The environment; only `PORTCULLIS_*` is looked at.
    pub environment: BTreeMap<String, String>,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file has mistakes.
    #[error("{0}")]
    Mistakes(#[from] Mistakes),
    /// A flag or environment variable has a value that cannot be used.
    #[error("{origin}: {message}")]
    Override {
        /// The flag or variable.
        origin: String,
        /// What is wrong with it.
        message: String,
    },
}

/// The name of the file that is looked for in the working directory.
pub const FILE_NAME: &str = "portcullis.toml";

impl Config {
    /// Reads the configuration: defaults, then the file (`--config`, `PORTCULLIS_CONFIG`, or
    /// `portcullis.toml` in the working directory), then `PORTCULLIS_*`, then flags.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        let (text, path) = match file_of(overrides) {
            Some(path) => {
                let unreadable = |source| ConfigError::Unreadable {
                    path: path.clone(),
                    source,
                };
                (std::fs::read_to_string(&path).map_err(unreadable)?, path)
            }
            None => (String::new(), PathBuf::new()),
        };
        Self::parse(&text, &path, overrides)
    }

    /// The same from a text; `path` is where it stands, for messages and relative paths.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str, path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        read::config(text, path, overrides)
    }

    /// The sources that need their URL from what this machine's installers use.
    pub fn undiscovered(&self) -> Vec<SourceName> {
        let needs =
            |source: &SourceConfig| matches!(source, SourceConfig::Upstream(u) if u.url.is_none());
        self.sources
            .iter()
            .filter(|(_, source)| needs(source))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Settles the URL of an upstream that was left open.
    pub fn settle_upstream(&mut self, name: &SourceName, url: Url, origin: ValueOrigin) {
        if let Some(SourceConfig::Upstream(settings)) = self.sources.get_mut(name) {
            let key = format!("sources.{name}.url");
            self.shown.retain(|shown| shown.key != key);
            self.shown.push(Shown {
                key,
                value: redacted(&url),
                origin,
            });
            self.shown.sort_by(|one, other| one.key.cmp(&other.key));
            settings.url = Some(url);
        }
    }

    /// Gives an upstream the certificate authorities in `path`, unless it has its own.
    pub(crate) fn settle_ca_file(&mut self, name: &SourceName, path: &Path) {
        if let Some(SourceConfig::Upstream(settings)) = self.sources.get_mut(name)
            && settings.ca_file.is_none()
        {
            settings.ca_file = Some(path.to_path_buf());
        }
    }

    /// The URLs of all upstreams that are settled.
    pub(crate) fn upstream_urls(&self) -> Vec<Url> {
        let url = |source: &SourceConfig| match source {
            SourceConfig::Upstream(settings) => settings.url.clone(),
            SourceConfig::Hosted | SourceConfig::Folder { .. } => None,
        };
        self.sources.values().filter_map(url).collect()
    }
}

/// A URL without its user name and password.
pub fn redacted(url: &Url) -> String {
    let mut url = url.clone();
    if !url.username().is_empty() || url.password().is_some() {
        // Both fail only for URLs that cannot have credentials, which have none to hide.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    url.to_string()
}

fn file_of(overrides: &Overrides) -> Option<PathBuf> {
    let from_environment = || {
        overrides
            .environment
            .get("PORTCULLIS_CONFIG")
            .map(PathBuf::from)
    };
    let in_working_directory = || Some(PathBuf::from(FILE_NAME)).filter(|path| path.is_file());
    overrides
        .config
        .clone()
        .or_else(from_environment)
        .or_else(in_working_directory)
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("{other:?} is not a log format (text, json)")),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

#[cfg(test)]
mod tests;
