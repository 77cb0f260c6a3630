//! `[signals.NAME]`: who says how projects are rated, and how often they are asked. No provider is
//! configured until somebody does: this code names no public host.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::index::SourceName;
use portcullis_core::settings::Table;
use url::Url;

use super::read::{Reader, values};
use super::{Period, redacted};

/// How a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalProviderKind {
    /// A file of JSON lines.
    File,
    /// The API of deps.dev, version 3.
    DepsDev,
    /// The API of OpenSSF Scorecard.
    Scorecard,
}

impl FromStr for SignalProviderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "file" => Ok(Self::File),
            "deps-dev" => Ok(Self::DepsDev),
            "scorecard" => Ok(Self::Scorecard),
            other => Err(format!(
                "{other:?} is no kind of provider (file, deps-dev, scorecard)"
            )),
        }
    }
}

impl fmt::Display for SignalProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::DepsDev => "deps-dev",
            Self::Scorecard => "scorecard",
        })
    }
}

/// Where a provider is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalPlace {
    /// A file.
    File(PathBuf),
    /// The API of deps.dev under this base URL.
    DepsDev(SignalService),
    /// The API of OpenSSF Scorecard under this base URL.
    Scorecard(SignalService),
}

/// How a provider is reached over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalService {
    /// The base URL of its API.
    pub url: Url,
    /// An outbound proxy, or `env` for what the environment says.
    pub proxy: Option<String>,
    /// Additional certificate authorities, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Further hosts that redirects may lead to although they are not public.
    pub allow_hosts: Vec<String>,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalConfig {
    /// Where it is.
    pub place: SignalPlace,
    /// How often it is asked about each project in use.
    pub every: Duration,
}

/// How often a provider is asked about a project unless the configuration says something else.
const EVERY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// More often than this nobody is asked about a project.
const SHORTEST: Duration = Duration::from_secs(60 * 60);

impl Reader<'_> {
    /// The providers, by name.
    pub(super) fn signals(&mut self, root: &mut Table<'_>) -> BTreeMap<String, SignalConfig> {
        let mut signals = BTreeMap::new();
        let Some(mut section) = root.table("signals") else {
            return signals;
        };
        for name in section.keys() {
            let Some(mut table) = section.table(&name) else {
                continue;
            };
            // Providers are named as sources are, so that both can be told in the same places.
            if let Err(error) = SourceName::from_str(&name) {
                table.mistake_here(error.to_string(), None);
            }
            if let Some(provider) = self.signal(&name, &mut table) {
                signals.insert(name, provider);
            }
            table.finish();
        }
        section.finish();
        signals
    }

    fn signal(&mut self, name: &str, table: &mut Table<'_>) -> Option<SignalConfig> {
        let kind = table.parsed::<SignalProviderKind>("kind");
        self.show(&format!("signals.{name}.kind"), kind.as_ref());
        let every = table.parsed::<Period>("every");
        if let Some(every) = every.as_ref().filter(|every| every.value.0 < SHORTEST) {
            let message = "nobody is asked about a project more often than every 1h";
            table.mistake(every, message, None);
        }
        self.show(&format!("signals.{name}.every"), every.as_ref());
        let Some(kind) = kind else {
            table.mistake_here(
                format!("the provider {name} has no `kind` that can be used"),
                Some("kind = \"file\", \"deps-dev\" or \"scorecard\""),
            );
            return None;
        };
        let place = match kind.value {
            SignalProviderKind::File => SignalPlace::File(self.signal_file(name, table)?),
            SignalProviderKind::DepsDev => SignalPlace::DepsDev(self.signal_service(name, table)?),
            SignalProviderKind::Scorecard => {
                SignalPlace::Scorecard(self.signal_service(name, table)?)
            }
        };
        let every = every.map_or(EVERY, |every| every.value.0.max(SHORTEST));
        Some(SignalConfig { place, every })
    }

    fn signal_file(&mut self, name: &str, table: &mut Table<'_>) -> Option<PathBuf> {
        let path = table.text("path");
        self.show(&format!("signals.{name}.path"), path.as_ref());
        if path.is_none() {
            table.mistake_here(
                format!("the provider {name} does not say where its file is"),
                Some("path = \"signals.jsonl\""),
            );
        }
        Some(self.folder.join(path?.value))
    }

    fn signal_service(&mut self, name: &str, table: &mut Table<'_>) -> Option<SignalService> {
        let url = table.parsed::<Url>("url");
        let proxy = table.text("proxy");
        let ca_file = table.text("ca-file");
        let allow_hosts = table.list::<String>("allow-hosts");
        self.show(&format!("signals.{name}.ca-file"), ca_file.as_ref());
        self.show_list(&format!("signals.{name}.allow-hosts"), allow_hosts.as_ref());
        let Some(url) = url else {
            table.mistake_here(
                format!("the provider {name} does not say where it is"),
                Some("url = \"https://…/\""),
            );
            return None;
        };
        if !matches!(url.value.scheme(), "http" | "https") {
            table.mistake(&url, "a provider is an http or https URL", None);
        }
        let shown = url.with(redacted(&url.value));
        self.show(&format!("signals.{name}.url"), Some(&shown));
        Some(SignalService {
            url: url.value,
            proxy: proxy.map(|proxy| proxy.value),
            ca_file: ca_file.map(|path| self.folder.join(path.value)),
            allow_hosts: values(allow_hosts),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Overrides};

    fn parse(text: &str) -> Result<Config, String> {
        let path = Path::new("/etc/portcullis.toml");
        Config::parse(text, path, &Overrides::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn providers_are_read_with_their_defaults() {
        let text = "[signals.local]\nkind = 'file'\npath = 'signals.jsonl'\n\
                    [signals.scores]\nkind = 'scorecard'\nurl = 'https://scores.example/'\n\
                    every = '1d'\nproxy = 'env'\n";
        let config = parse(text).expect("sound");
        let local = &config.signals["local"];
        assert_eq!(local.place, SignalPlace::File("/etc/signals.jsonl".into()));
        assert_eq!(local.every, EVERY);
        let scores = &config.signals["scores"];
        assert_eq!(scores.every, Duration::from_secs(86_400));
        assert!(matches!(&scores.place, SignalPlace::Scorecard(service)
            if service.url.as_str() == "https://scores.example/" && service.proxy.is_some()));
    }

    #[test]
    fn every_mistake_of_a_provider_is_shown_at_its_place() {
        let text = "[signals.a]\nkind = 'oracle'\n\
                    [signals.b]\nkind = 'file'\nurl = 'https://b.example/'\n\
                    [signals.c]\nkind = 'deps-dev'\n\
                    [signals.d]\nkind = 'scorecard'\nurl = 'ftp://d.example/'\nevery = '5m'\n";
        insta::assert_snapshot!(parse(text).expect_err("mistaken"));
    }
}
