//! Taking the keys of `portcullis.toml`. Environment, flags and defaults are laid over them in `settle`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::index::{IndexName, SourceName, Trust};
use portcullis_core::pypi::name::NamePattern;
use portcullis_core::settings::{Document, Located, Table, read_document};
use url::Url;

use super::settle::settle;
use super::{
    ByteSize, Config, ConfigError, CredentialSettings, FeedConfig, IndexConfig, LogFormat,
    MonitorSettings, Overrides, Period, Shown, SinkConfig, SourceConfig, UpstreamSettings,
    ValueOrigin, redacted,
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
pub(super) struct Raw {
    pub(super) listen: Option<SocketAddr>,
    pub(super) data: Option<PathBuf>,
    pub(super) database: Option<String>,
    pub(super) blobs: Option<String>,
    pub(super) public_url: Option<Url>,
    pub(super) log: Option<LogFormat>,
    pub(super) anonymous_read: Option<bool>,
    pub(super) sources: BTreeMap<SourceName, SourceConfig>,
    pub(super) indexes: BTreeMap<IndexName, IndexConfig>,
    pub(super) default_index: Option<IndexName>,
    pub(super) owned: Vec<NamePattern>,
    pub(super) upload: Option<u64>,
    pub(super) page_cache: Option<u64>,
    pub(super) shutdown: Option<Duration>,
    pub(super) front: super::FrontSettings,
    pub(super) tls: super::front::RawTls,
    pub(super) feeds: BTreeMap<String, FeedConfig>,
    pub(super) signals: BTreeMap<String, super::SignalConfig>,
    pub(super) approvers: super::Approvers,
    pub(super) notify: Vec<SinkConfig>,
    pub(super) monitor: MonitorSettings,
    pub(super) inspection: super::InspectionSettings,
    pub(super) cache: super::CacheSettings,
    pub(super) garbage: super::GarbageSettings,
    pub(super) mirrors: Vec<super::MirrorSettings>,
    pub(super) offline: Option<bool>,
}

pub(super) struct Reader<'f> {
    file: &'f str,
    pub(super) folder: &'f Path,
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
        raw.tls = self.tls(root);
        raw.front.proxies = self.proxies(root);
        raw.feeds = self.feeds(root);
        raw.signals = self.signals(root);
        raw.approvers = self.reviews(root);
        raw.notify = self.notify(root);
        raw.monitor = self.monitor(root);
        raw.inspection = self.inspection(root);
        raw.cache = self.cache(root);
        raw.garbage = self.garbage(root);
        raw.mirrors = self.mirrors(root, &raw.indexes);
        let offline = root.boolean("offline");
        self.show("offline", offline.as_ref());
        raw.offline = offline.map(|offline| offline.value);
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
                let trust = self.trust(name, table);
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
        let defaults = UpstreamSettings::default();
        let credentials = self.credentials(name, table);
        let proxy = table.text("proxy");
        let shown_proxy = proxy.as_ref().map(without_credentials);
        self.show(&format!("sources.{name}.proxy"), shown_proxy.as_ref());
        let ca_file = table.text("ca-file");
        self.show(&format!("sources.{name}.ca-file"), ca_file.as_ref());
        let allow_hosts = table.list::<String>("allow-hosts");
        self.show_list(&format!("sources.{name}.allow-hosts"), allow_hosts.as_ref());
        let mut period = |key: &str, default: Duration| {
            let period = table.parsed::<Period>(key);
            self.show(&format!("sources.{name}.{key}"), period.as_ref());
            period.map_or(default, |period| period.value.0)
        };
        let fresh_for = period("fresh-for", defaults.fresh_for);
        let stale_for = period("stale-for", defaults.stale_for);
        let timeout = period("timeout", defaults.timeout);
        UpstreamSettings {
            url: url.map(|url| with_slash(url.value)),
            trust: self.trust(name, table),
            credentials,
            proxy: proxy.map(|proxy| proxy.value),
            ca_file: ca_file.map(|path| self.folder.join(path.value)),
            allow_hosts: values(allow_hosts),
            fresh_for,
            stale_for,
            timeout,
            line: defaults.line,
        }
    }

    fn trust(&mut self, name: &SourceName, table: &mut Table<'_>) -> Trust {
        let inside = table.boolean("inside");
        self.show(&format!("sources.{name}.inside"), inside.as_ref());
        match inside {
            Some(inside) if inside.value => Trust::Inside,
            _ => Trust::Outside,
        }
    }

    fn credentials(&mut self, name: &SourceName, table: &mut Table<'_>) -> CredentialSettings {
        let username = table.text("username-env");
        let variable = table.text("password-env");
        let path = table.text("password-file");
        let netrc = table.boolean("netrc");
        self.show(&format!("sources.{name}.username-env"), username.as_ref());
        self.show(&format!("sources.{name}.password-env"), variable.as_ref());
        self.show(&format!("sources.{name}.password-file"), path.as_ref());
        self.show(&format!("sources.{name}.netrc"), netrc.as_ref());
        let username = username.map(|name| name.value);
        let netrc = netrc.is_some_and(|netrc| netrc.value);
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
        let default = table.boolean("default");
        self.show(&format!("indexes.{name}.default"), default.as_ref());
        let is_default = default.is_some_and(|default| default.value);
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
        self.show_list("names.owned", owned.as_ref());
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
        self.front_limits(&mut limits, &mut raw.front);
        limits.finish();
    }

    pub(super) fn show_list<T: ToString>(&mut self, key: &str, list: Option<&Vec<Located<T>>>) {
        let Some(first) = list.and_then(|list| list.first()) else {
            return;
        };
        let listed = list.into_iter().flatten();
        let listed: Vec<String> = listed.map(|item| item.value.to_string()).collect();
        self.show(key, Some(&first.with(listed.join(", "))));
    }

    pub(super) fn show<T: ToString>(&mut self, key: &str, value: Option<&Located<T>>) {
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

pub(super) fn values<T>(list: Option<Vec<Located<T>>>) -> Vec<T> {
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

pub(super) fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}
