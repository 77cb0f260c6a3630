//! Laying environment and flags over what the file says, and settling defaults. What the file says is
//! read in `read`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::index::{IndexName, SourceName, Trust};
use portcullis_store::Patience;
use portcullis_upstream::line::Line;
use url::Url;

use super::front::RawTls;
use super::operations;
use super::read::{Raw, with_slash};
use super::{
    ByteSize, Config, ConfigError, CredentialSettings, IndexConfig, Limits, LogFormat, Overrides,
    Period, Reading, Shown, SourceConfig, TlsSettings, UpstreamSettings, ValueOrigin, redacted,
};

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_DATA: &str = "./portcullis-data";
const FRESH_FOR: Duration = Duration::from_secs(5 * 60);
const STALE_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const TIMEOUT: Duration = Duration::from_secs(30);

/// Settles every value. See [`Config::parse`].
pub(super) fn settle(
    raw: Raw,
    shown: Vec<Shown>,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let mut over = Over { overrides, shown };
    let listen = over.value(
        "listen",
        "PORTCULLIS_LISTEN",
        overrides.listen.as_ref(),
        "--listen",
    )?;
    let listen = listen.or(raw.listen);
    let data_flag = overrides
        .data
        .as_ref()
        .map(|data| data.display().to_string());
    let data = over.value::<PathBuf>("data", "PORTCULLIS_DATA", data_flag.as_ref(), "--data")?;
    let data = data
        .or(raw.data)
        .unwrap_or_else(|| over.default("data", DEFAULT_DATA));
    let database = over
        .value("database", "PORTCULLIS_DATABASE", None, "")?
        .or(raw.database);
    let blobs = over
        .value("blobs", "PORTCULLIS_BLOBS", None, "")?
        .or(raw.blobs);
    let public_url = over
        .value("public-url", "PORTCULLIS_PUBLIC_URL", None, "")?
        .or(raw.public_url);
    let log = over.value("log", "PORTCULLIS_LOG", None, "")?.or(raw.log);
    let listen = listen.unwrap_or_else(|| over.default("listen", DEFAULT_LISTEN));
    let anonymous = raw
        .anonymous_read
        .unwrap_or_else(|| listen.ip().is_loopback());
    let mut front = raw.front;
    front.tls = over.tls(raw.tls)?;
    let line = over.line(raw.offline)?;
    let (mut sources, mut indexes) = (raw.sources, raw.indexes);
    over.upstream(&mut sources)?;
    for source in sources.values_mut() {
        source.go_through(&line);
    }
    if indexes.is_empty() {
        let (name, index) = everything(&sources);
        indexes.insert(name, index);
    }
    let default_index = raw.default_index.unwrap_or_else(|| {
        indexes
            .keys()
            .next()
            .cloned()
            .expect("there is at least one index")
    });
    let mut config = Config {
        database: database
            .unwrap_or_else(|| format!("sqlite:{}", data.join("portcullis.db").display())),
        blobs: blobs.unwrap_or_else(|| data.display().to_string()),
        listen,
        data,
        public_url,
        log: log.unwrap_or(LogFormat::Text),
        reading: if anonymous {
            Reading::Anonymous
        } else {
            Reading::WithToken
        },
        sources,
        indexes,
        default_index,
        owned: raw.owned,
        limits: Limits {
            upload: raw.upload.unwrap_or(2 << 30),
            page_cache: raw.page_cache.unwrap_or(256 << 20),
            shutdown: raw.shutdown.unwrap_or(Duration::from_secs(30)),
        },
        patience: Patience::default(),
        front,
        approvers: raw.approvers,
        notify: raw.notify,
        monitor: raw.monitor,
        inspection: raw.inspection,
        cache: raw.cache,
        garbage: raw.garbage,
        mirrors: raw.mirrors,
        starts_offline: line.is_cut(),
        line,
        feeds: raw.feeds,
        signals: raw.signals,
        shown: over.shown,
    };
    show_defaults(&mut config);
    Ok(config)
}

/// Shows every value that nobody has given as the default that it is.
fn show_defaults(config: &mut Config) {
    let limits = config.limits;
    let size = |bytes| ByteSize(bytes).to_string();
    let mut defaults = vec![
        ("database".to_owned(), shown_location(&config.database)),
        ("blobs".to_owned(), shown_location(&config.blobs)),
        ("log".to_owned(), config.log.to_string()),
        (
            "anonymous-read".to_owned(),
            (config.reading == Reading::Anonymous).to_string(),
        ),
        ("limits.upload".to_owned(), size(limits.upload)),
        ("limits.page-cache".to_owned(), size(limits.page_cache)),
        (
            "limits.shutdown".to_owned(),
            Period(limits.shutdown).to_string(),
        ),
        (
            "reviews.four-eyes".to_owned(),
            (config.approvers == super::Approvers::Two).to_string(),
        ),
    ];
    defaults.push(("offline".to_owned(), config.starts_offline.to_string()));
    defaults.extend(operations::shown(&config.cache, &config.garbage));
    defaults.extend(config.inspection.shown());
    defaults.extend(config.front.shown());
    for (name, source) in &config.sources {
        let mut key =
            |key: &str, value: String| defaults.push((format!("sources.{name}.{key}"), value));
        match source {
            SourceConfig::Hosted => key("kind", "hosted".to_owned()),
            SourceConfig::Folder { trust, .. } => {
                key("inside", (*trust == Trust::Inside).to_string());
            }
            SourceConfig::Upstream(settings) => {
                key("kind", "upstream".to_owned());
                key("inside", (settings.trust == Trust::Inside).to_string());
                key("fresh-for", Period(settings.fresh_for).to_string());
                key("stale-for", Period(settings.stale_for).to_string());
                key("timeout", Period(settings.timeout).to_string());
            }
        }
    }
    for (name, provider) in &config.signals {
        let every = Period(provider.every).to_string();
        defaults.push((format!("signals.{name}.every"), every));
    }
    for (name, feed) in &config.feeds {
        let every = Period(feed.every).to_string();
        defaults.push((format!("feeds.{name}.every"), every));
    }
    for (name, index) in &config.indexes {
        let mut key =
            |key: &str, value: String| defaults.push((format!("indexes.{name}.{key}"), value));
        let sources: Vec<&str> = index.sources.iter().map(SourceName::as_str).collect();
        key("default", (*name == config.default_index).to_string());
        key("sources", sources.join(", "));
        key("policy", "built-in defaults".to_owned());
    }
    for (key, value) in defaults {
        if config.shown.iter().all(|shown| shown.key != key) {
            let origin = ValueOrigin::Default;
            config.shown.push(Shown { key, value, origin });
        }
    }
    config.shown.sort_by(|one, other| one.key.cmp(&other.key));
}

fn shown_location(location: &str) -> String {
    // A Windows path or a bare one is no URL; `sqlite:` has nothing to hide.
    Url::parse(location).map_or_else(
        |_| location.to_owned(),
        |url| match url.has_authority() {
            true => redacted(&url),
            false => location.to_owned(),
        },
    )
}

/// The index of a configuration that names none: every source, hosted ones first by the routing law.
fn everything(sources: &BTreeMap<SourceName, SourceConfig>) -> (IndexName, IndexConfig) {
    let name = "main".parse().expect("a label");
    (
        name,
        IndexConfig {
            sources: sources.keys().cloned().collect(),
            policy: None,
        },
    )
}

/// What environment and flags lay over the file.
struct Over<'o> {
    overrides: &'o Overrides,
    shown: Vec<Shown>,
}

impl Over<'_> {
    fn value<T>(
        &mut self,
        key: &str,
        variable: &'static str,
        flag: Option<&String>,
        flag_name: &'static str,
    ) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let (text, origin) = match (flag, self.overrides.environment.get(variable)) {
            (Some(flag), _) => (flag, ValueOrigin::Flag(flag_name)),
            (None, Some(text)) => (text, ValueOrigin::Environment(variable)),
            (None, None) => return Ok(None),
        };
        let value = text
            .parse()
            .map_err(|error: T::Err| ConfigError::Override {
                origin: origin.to_string(),
                message: format!("{text:?}: {error}"),
            })?;
        let shown = Url::parse(text).map_or_else(|_| text.clone(), |url| redacted(&url));
        self.replace(key, shown, origin);
        Ok(Some(value))
    }

    /// The line to the outside, cut where somebody wants to be offline.
    fn line(&mut self, in_file: Option<bool>) -> Result<Line, ConfigError> {
        let flag = self.overrides.offline.as_ref();
        let offline = self.value("offline", "PORTCULLIS_OFFLINE", flag, "--offline")?;
        let line = Line::default();
        if offline.or(in_file).unwrap_or(false) {
            line.cut();
        }
        Ok(line)
    }

    fn default<T: FromStr>(&mut self, key: &str, text: &str) -> T {
        self.replace(key, text.to_owned(), ValueOrigin::Default);
        text.parse().ok().expect("a default can be parsed")
    }

    fn replace(&mut self, key: &str, value: String, origin: ValueOrigin) {
        self.shown.retain(|shown| shown.key != key);
        self.shown.push(Shown {
            key: key.to_owned(),
            value,
            origin,
        });
    }

    /// Certificate and key, each from where it is given last.
    fn tls(&mut self, raw: RawTls) -> Result<Option<TlsSettings>, ConfigError> {
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let (cert, key) = (
            text(&self.overrides.tls_cert),
            text(&self.overrides.tls_key),
        );
        let given: Option<PathBuf> = self.value(
            "tls.cert",
            "PORTCULLIS_TLS_CERT",
            cert.as_ref(),
            "--tls-cert",
        )?;
        let cert = given.or(raw.cert);
        let given: Option<PathBuf> =
            self.value("tls.key", "PORTCULLIS_TLS_KEY", key.as_ref(), "--tls-key")?;
        let key = given.or(raw.key);
        let alone = |there: &str, missing: &str| {
            let is_flag = self.overrides.tls_cert.is_some() || self.overrides.tls_key.is_some();
            let (origin, missing) = match is_flag {
                true => (format!("--tls-{there}"), format!("--tls-{missing}")),
                false => ("[tls]".to_owned(), missing.to_owned()),
            };
            let message = format!("TLS needs a certificate and its key: give {missing} as well");
            Err(ConfigError::Override { origin, message })
        };
        match (cert, key) {
            (None, None) => Ok(None),
            (Some(_), None) => alone("cert", "key"),
            (None, Some(_)) => alone("key", "cert"),
            (Some(cert), Some(key)) => Ok(Some(TlsSettings {
                cert,
                key,
                oldest: raw.oldest.unwrap_or_default(),
            })),
        }
    }

    /// `--upstream` is the URL of the only upstream source. Where no source is configured at all, there
    /// is one hosted source and one upstream.
    fn upstream(
        &mut self,
        sources: &mut BTreeMap<SourceName, SourceConfig>,
    ) -> Result<(), ConfigError> {
        if sources.is_empty() {
            sources.insert("internal".parse().expect("a label"), SourceConfig::Hosted);
            let upstream = SourceConfig::Upstream(Box::default());
            sources.insert("pypi".parse().expect("a label"), upstream);
        }
        let is_upstream = |(_, source): &(&SourceName, &SourceConfig)| {
            matches!(source, SourceConfig::Upstream(_))
        };
        let names: Vec<SourceName> = sources
            .iter()
            .filter(is_upstream)
            .map(|(name, _)| name.clone())
            .collect();
        let key = names
            .first()
            .map(|name| format!("sources.{name}.url"))
            .unwrap_or_default();
        let flag = self.overrides.upstream.as_ref();
        let url = self.value::<Url>(&key, "PORTCULLIS_UPSTREAM", flag, "--upstream")?;
        let Some(url) = url else { return Ok(()) };
        let [only] = &names[..] else {
            return Err(ConfigError::Override {
                origin: "--upstream".to_owned(),
                message: format!(
                    "the configuration has {} upstream sources; give each its url there",
                    names.len()
                ),
            });
        };
        if !matches!(url.scheme(), "http" | "https") {
            let message = "an upstream is an http or https URL".to_owned();
            return Err(ConfigError::Override {
                origin: "--upstream".to_owned(),
                message,
            });
        }
        if let Some(SourceConfig::Upstream(settings)) = sources.get_mut(only) {
            settings.url = Some(with_slash(url));
        }
        Ok(())
    }
}

impl SourceConfig {
    /// Lets the requests of an upstream leave through `line`.
    fn go_through(&mut self, line: &Line) {
        if let Self::Upstream(settings) = self {
            settings.line = line.clone();
        }
    }
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            url: None,
            trust: Trust::Outside,
            credentials: CredentialSettings::None,
            proxy: None,
            ca_file: None,
            allow_hosts: Vec::new(),
            fresh_for: FRESH_FOR,
            stale_for: STALE_FOR,
            timeout: TIMEOUT,
            line: Line::default(),
        }
    }
}
