//! Taking the keys of `portcullis.toml`, laying environment and flags over them, and settling defaults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::index::{IndexName, SourceName, Trust};
use portcullis_core::pypi::name::NamePattern;
use portcullis_core::settings::{Document, Located, Table, read_document};
use url::Url;

use super::{
    ByteSize, Config, ConfigError, CredentialSettings, IndexConfig, Limits, LogFormat, Overrides,
    Period, Reading, Shown, SourceConfig, UpstreamSettings, ValueOrigin, redacted,
};

/// First segments of URLs that mean something else than an index.
const RESERVED: &[&str] = &[
    "api",
    "console",
    "files",
    "health",
    "legacy",
    "livez",
    "metrics",
    "namespace",
    "namespaces",
    "osv",
    "pypi",
    "readyz",
    "rss",
    "simple",
    "static",
    "welcome",
    "why",
];

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DEFAULT_DATA: &str = "./portcullis-data";

/// Reads a whole configuration. See [`Config::parse`].
pub(super) fn config(
    text: &str,
    path: &Path,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let file = path.display().to_string();
    let read = read_document(Document { file: &file, text }, |root| {
        let mut reader = Reader {
            file: &file,
            folder: path.parent().unwrap_or(path),
            shown: vec![],
        };
        let raw = reader.root(root);
        (raw, reader.shown)
    })?;
    let (raw, shown) = read;
    settle(raw, shown, overrides)
}

/// What the file says, before environment, flags and defaults.
#[derive(Default)]
struct Raw {
    listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    database: Option<String>,
    blobs: Option<String>,
    public_url: Option<Url>,
    log: Option<LogFormat>,
    anonymous_read: Option<bool>,
    sources: BTreeMap<SourceName, SourceConfig>,
    indexes: BTreeMap<IndexName, IndexConfig>,
    default_index: Option<IndexName>,
    owned: Vec<NamePattern>,
    upload: Option<u64>,
    page_cache: Option<u64>,
    shutdown: Option<Duration>,
}

struct Reader<'f> {
    file: &'f str,
    folder: &'f Path,
    shown: Vec<Shown>,
}

impl Reader<'_> {
    fn root(&mut self, root: &mut Table<'_>) -> Raw {
        let listen = root.parsed::<SocketAddr>("listen");
        let data = root.text("data");
        let database = root.text("database");
        let blobs = root.text("blobs");
        let public_url = root.parsed::<Url>("public-url");
        let log = root.text("log");
        let log_format = log
            .as_ref()
            .and_then(|log| match log.value.parse::<LogFormat>() {
                Ok(format) => Some(format),
                Err(message) => {
                    root.mistake(log, message, None);
                    None
                }
            });
        let anonymous_read = root.boolean("anonymous-read");
        for (key, value) in [
            ("data", &data),
            ("database", &database.as_ref().map(without_credentials)),
            ("blobs", &blobs),
            ("log", &log),
        ] {
            self.show(key, value.as_ref());
        }
        self.show("listen", listen.as_ref());
        self.show("public-url", public_url.as_ref());
        self.show("anonymous-read", anonymous_read.as_ref());
        let mut raw = Raw {
            listen: listen.map(|listen| listen.value),
            data: data.map(|data| self.folder.join(data.value)),
            database: database.map(|database| database.value),
            blobs: blobs.map(|blobs| blobs.value),
            public_url: public_url.map(|url| url.value),
            log: log_format,
            anonymous_read: anonymous_read.map(|anonymous| anonymous.value),
            ..Raw::default()
        };
        self.sources(root, &mut raw);
        self.indexes(root, &mut raw);
        self.names(root, &mut raw);
        self.limits(root, &mut raw);
        raw
    }

    fn sources(&mut self, root: &mut Table<'_>, raw: &mut Raw) {
        let Some(mut section) = root.table("sources") else {
            return;
        };
        for key in section.keys() {
            let Some(mut table) = section.table(&key) else {
                continue;
            };
            match SourceName::from_str(&key) {
                Ok(name) => {
                    if let Some(source) = self.source(&name, &mut table) {
                        raw.sources.insert(name, source);
                    }
                }
                Err(error) => table.mistake_here(error.to_string(), None),
            }
            table.finish();
        }
        section.finish();
    }

    fn source(&mut self, name: &SourceName, table: &mut Table<'_>) -> Option<SourceConfig> {
        let Some(kind) = table.text("kind") else {
            table.mistake_here(
                format!("source {name} has no `kind`"),
                Some("kind = \"hosted\", \"upstream\" or \"folder\""),
            );
            return None;
        };
        self.show(&format!("sources.{name}.kind"), Some(&kind));
        match kind.value.as_str() {
            "hosted" => Some(SourceConfig::Hosted),
            "upstream" => Some(SourceConfig::Upstream(Box::new(self.upstream(name, table)))),
            "folder" => {
                let trust = trust(table);
                let path = table.text("path");
                self.show(&format!("sources.{name}.path"), path.as_ref());
                if path.is_none() {
                    table.mistake_here(format!("folder {name} has no `path`"), None);
                }
                Some(SourceConfig::Folder {
                    path: self.folder.join(path?.value),
                    trust,
                })
            }
            other => {
                let message = format!("there is no kind of source {other:?}");
                table.mistake(&kind, message, Some("hosted, upstream or folder"));
                None
            }
        }
    }

    fn upstream(&mut self, name: &SourceName, table: &mut Table<'_>) -> UpstreamSettings {
        let url = table.parsed::<Url>("url");
        if let Some(url) = &url {
            if !matches!(url.value.scheme(), "http" | "https") {
                table.mistake(url, "an upstream is an http or https URL", None);
            }
            let shown = url.with(redacted(&url.value));
            self.show(&format!("sources.{name}.url"), Some(&shown));
        }
        let credentials = self.credentials(table);
        let proxy = table.text("proxy");
        let ca_file = table.text("ca-file");
        let period = |table: &mut Table<'_>, key: &str, default: u64| {
            table
                .parsed::<Period>(key)
                .map_or(Duration::from_secs(default), |p| p.value.0)
        };
        UpstreamSettings {
            url: url.map(|url| with_slash(url.value)),
            trust: trust(table),
            credentials,
            proxy: proxy.map(|proxy| proxy.value),
            ca_file: ca_file.map(|path| self.folder.join(path.value)),
            allow_hosts: values(table.list::<String>("allow-hosts")),
            fresh_for: period(table, "fresh-for", 5 * 60),
            stale_for: period(table, "stale-for", 7 * 24 * 60 * 60),
            timeout: period(table, "timeout", 30),
        }
    }

    fn credentials(&mut self, table: &mut Table<'_>) -> CredentialSettings {
        let username = table.text("username-env").map(|name| name.value);
        let variable = table.text("password-env");
        let path = table.text("password-file");
        let netrc = table.boolean("netrc").is_some_and(|netrc| netrc.value);
        match (variable, path, netrc) {
            (None, None, false) => CredentialSettings::None,
            (Some(variable), None, false) => CredentialSettings::Environment {
                username,
                password: variable.value,
            },
            (None, Some(path), false) => CredentialSettings::File(self.folder.join(path.value)),
            (None, None, true) => CredentialSettings::Netrc,
            _ => {
                let help = "keep one of password-env, password-file and netrc";
                table.mistake_here("credentials are given in more than one way", Some(help));
                CredentialSettings::None
            }
        }
    }

    fn indexes(&mut self, root: &mut Table<'_>, raw: &mut Raw) {
        let Some(mut section) = root.table("indexes") else {
            return;
        };
        for key in section.keys() {
            let Some(mut table) = section.table(&key) else {
                continue;
            };
            match IndexName::from_str(&key) {
                Ok(name) => self.index(name, &mut table, raw),
                Err(error) => table.mistake_here(error.to_string(), None),
            }
            table.finish();
        }
        section.finish();
    }

    fn index(&mut self, name: IndexName, table: &mut Table<'_>, raw: &mut Raw) {
        if RESERVED.contains(&name.as_str()) {
            table.mistake_here(
                format!("an index cannot be called {name}: it is a URL's own"),
                None,
            );
        }
        let is_default = table
            .boolean("default")
            .is_some_and(|default| default.value);
        let listed = table.list::<SourceName>("sources");
        let policy = table.text("policy");
        self.show(&format!("indexes.{name}.policy"), policy.as_ref());
        for source in listed.iter().flatten() {
            if !raw.sources.contains_key(&source.value) {
                let known: Vec<&str> = raw.sources.keys().map(SourceName::as_str).collect();
                let help = format!("the sources are: {}", known.join(", "));
                table.mistake(
                    source,
                    format!("there is no source {:?}", source.value.as_str()),
                    Some(&help),
                );
            }
        }
        let sources = values(listed);
        if sources.is_empty() {
            table.mistake_here(
                format!("index {name} has no sources"),
                Some("sources = [\"…\"]"),
            );
        }
        if is_default && raw.default_index.replace(name.clone()).is_some() {
            table.mistake_here("there is more than one default index", None);
        }
        let listed: Vec<&str> = sources.iter().map(SourceName::as_str).collect();
        self.shown.push(Shown {
            key: format!("indexes.{name}.sources"),
            value: listed.join(", "),
            origin: ValueOrigin::File {
                file: self.file.to_owned(),
                line: table.line(),
            },
        });
        let policy = policy.map(|policy| self.folder.join(policy.value));
        raw.indexes.insert(name, IndexConfig { sources, policy });
    }

    fn names(&mut self, root: &mut Table<'_>, raw: &mut Raw) {
        let Some(mut names) = root.table("names") else {
            return;
        };
        let owned = names.list::<NamePattern>("owned");
        if let Some(first) = owned.as_ref().and_then(|owned| owned.first()) {
            let listed: Vec<String> = owned
                .iter()
                .flatten()
                .map(|pattern| pattern.value.to_string())
                .collect();
            let shown = first.with(listed.join(", "));
            self.show("names.owned", Some(&shown));
        }
        raw.owned = values(owned);
        names.finish();
    }

    fn limits(&mut self, root: &mut Table<'_>, raw: &mut Raw) {
        let Some(mut limits) = root.table("limits") else {
            return;
        };
        let upload = limits.parsed::<ByteSize>("upload");
        let page_cache = limits.parsed::<ByteSize>("page-cache");
        let shutdown = limits.parsed::<Period>("shutdown");
        self.show("limits.upload", upload.as_ref());
        self.show("limits.page-cache", page_cache.as_ref());
        self.show("limits.shutdown", shutdown.as_ref());
        raw.upload = upload.map(|size| size.value.0);
        raw.page_cache = page_cache.map(|size| size.value.0);
        raw.shutdown = shutdown.map(|period| period.value.0);
        limits.finish();
    }

    fn show<T: ToString>(&mut self, key: &str, value: Option<&Located<T>>) {
        let Some(value) = value else { return };
        let origin = ValueOrigin::File {
            file: self.file.to_owned(),
            line: value.line,
        };
        self.shown.push(Shown {
            key: key.to_owned(),
            value: value.value.to_string(),
            origin,
        });
    }
}

fn trust(table: &mut Table<'_>) -> Trust {
    match table.boolean("inside") {
        Some(inside) if inside.value => Trust::Inside,
        _ => Trust::Outside,
    }
}

fn values<T>(list: Option<Vec<Located<T>>>) -> Vec<T> {
    list.into_iter()
        .flatten()
        .map(|located| located.value)
        .collect()
}

fn without_credentials(url: &Located<String>) -> Located<String> {
    match Url::parse(&url.value) {
        Ok(parsed) => url.with(redacted(&parsed)),
        Err(_) => url.with(url.value.clone()),
    }
}

fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

fn settle(raw: Raw, shown: Vec<Shown>, overrides: &Overrides) -> Result<Config, ConfigError> {
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
    let (mut sources, mut indexes) = (raw.sources, raw.indexes);
    over.upstream(&mut sources)?;
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
    Ok(Config {
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
        shown: over.shown,
    })
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

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            url: None,
            trust: Trust::Outside,
            credentials: CredentialSettings::None,
            proxy: None,
            ca_file: None,
            allow_hosts: Vec::new(),
            fresh_for: Duration::from_secs(5 * 60),
            stale_for: Duration::from_secs(7 * 24 * 60 * 60),
            timeout: Duration::from_secs(30),
        }
    }
}
