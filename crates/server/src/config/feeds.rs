//! `[feeds.NAME]`: where advisories, exploited vulnerabilities, exploit scores and popular names come
//! from, and how often. No feed is configured until somebody does: this code names no public host.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::index::SourceName;
use portcullis_core::settings::Table;
use url::Url;

use super::read::{Reader, values};
use super::{CredentialSettings, Period, redacted};

/// What a feed is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedKind {
    /// Advisories in the form of OSV.
    Osv,
    /// The catalogue of exploited vulnerabilities, in the form of CISA's.
    Kev,
    /// Scores of how likely an exploit is, in the form of FIRST's.
    Epss,
    /// The names of popular projects, the most popular first.
    PopularNames,
}

impl FeedKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Osv, Self::Kev, Self::Epss, Self::PopularNames];

    /// The kind as it is written in the configuration and kept in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Osv => "osv",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::PopularNames => "popular-names",
        }
    }

    /// How often a feed of this kind is asked for unless the configuration says something else.
    pub const fn every(self) -> Duration {
        const HOUR: u64 = 60 * 60;
        match self {
            Self::Osv => Duration::from_secs(HOUR),
            Self::Kev | Self::Epss => Duration::from_secs(12 * HOUR),
            Self::PopularNames => Duration::from_secs(7 * 24 * HOUR),
        }
    }
}

impl fmt::Display for FeedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FeedKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no kind of feed (osv, kev, epss, popular-names)"))
    }
}

/// Where a feed comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedOrigin {
    /// A document, or for advisories a folder as OSV publishes it when it ends in a slash.
    Url(Url),
    /// A file, or for advisories a folder.
    Path(PathBuf),
}

impl FeedOrigin {
    /// What was written on a command line: an http or https URL, or a path.
    ///
    /// # Errors
    /// A sentence when it looks like a URL and is none that can be asked.
    pub fn from_argument(text: &str) -> Result<Self, String> {
        if !text.contains("://") {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        match text.parse::<Url>() {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Url(url)),
            _ => Err(format!("{text:?} is no http or https URL, and no path")),
        }
    }
}

impl fmt::Display for FeedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(&redacted(url)),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// One feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    /// What it is about.
    pub kind: FeedKind,
    /// Where it comes from.
    pub origin: FeedOrigin,
    /// How often it is asked for.
    pub every: Duration,
    /// From which age on advisories count as unknown; never where there is none.
    pub max_age: Option<Duration>,
    /// How the gateway proves who it is.
    pub credentials: CredentialSettings,
    /// An outbound proxy, or `env` for what the environment says.
    pub proxy: Option<String>,
    /// Additional certificate authorities, a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Further hosts that redirects may lead to although they are not public.
    pub allow_hosts: Vec<String>,
}

impl FeedConfig {
    /// A feed with nothing said but what it is and where it is.
    pub fn new(kind: FeedKind, origin: FeedOrigin) -> Self {
        Self {
            kind,
            origin,
            every: kind.every(),
            max_age: None,
            credentials: CredentialSettings::None,
            proxy: None,
            ca_file: None,
            allow_hosts: Vec::new(),
        }
    }
}

/// More often than this nothing is asked for, whatever is configured.
const SHORTEST: Duration = Duration::from_secs(10);

impl Reader<'_> {
    /// The feeds, by name.
    pub(super) fn feeds(&mut self, root: &mut Table<'_>) -> BTreeMap<String, FeedConfig> {
        let mut feeds = BTreeMap::new();
        let Some(mut section) = root.table("feeds") else {
            return feeds;
        };
        for name in section.keys() {
            let Some(mut table) = section.table(&name) else {
                continue;
            };
            // Feeds are named as sources are: both names stand in URLs of metrics and in remedies.
            if let Err(error) = SourceName::from_str(&name) {
                table.mistake_here(error.to_string(), None);
            }
            if let Some(feed) = self.feed(&name, &mut table) {
                feeds.insert(name, feed);
            }
            table.finish();
        }
        section.finish();
        feeds
    }

    fn feed(&mut self, name: &str, table: &mut Table<'_>) -> Option<FeedConfig> {
        let kind = table.parsed::<FeedKind>("kind");
        self.show(&format!("feeds.{name}.kind"), kind.as_ref());
        let origin = self.feed_origin(name, table);
        let every = table.parsed::<Period>("every");
        if let Some(every) = every.as_ref().filter(|every| every.value.0 < SHORTEST) {
            table.mistake(
                every,
                "no feed is asked for more often than every 10s",
                None,
            );
        }
        self.show(&format!("feeds.{name}.every"), every.as_ref());
        let max_age = table.parsed::<Period>("max-age");
        self.show(&format!("feeds.{name}.max-age"), max_age.as_ref());
        let credentials = self.feed_credentials(name, table);
        let proxy = table.text("proxy");
        let ca_file = table.text("ca-file");
        self.show(&format!("feeds.{name}.ca-file"), ca_file.as_ref());
        let allow_hosts = table.list::<String>("allow-hosts");
        self.show_list(&format!("feeds.{name}.allow-hosts"), allow_hosts.as_ref());
        if !table.keys().iter().any(|key| key == "kind") {
            table.mistake_here(
                format!("feed {name} has no `kind`"),
                Some("kind = \"osv\", \"kev\", \"epss\" or \"popular-names\""),
            );
        }
        let mut feed = FeedConfig::new(kind?.value, origin?);
        if let Some(every) = every {
            feed.every = every.value.0.max(SHORTEST);
        }
        feed.max_age = max_age.map(|age| age.value.0);
        feed.credentials = credentials;
        feed.proxy = proxy.map(|proxy| proxy.value);
        feed.ca_file = ca_file.map(|path| self.folder.join(path.value));
        feed.allow_hosts = values(allow_hosts);
        Some(feed)
    }

    fn feed_origin(&mut self, name: &str, table: &mut Table<'_>) -> Option<FeedOrigin> {
        let url = table.parsed::<Url>("url");
        let path = table.text("path");
        if let Some(url) = &url {
            if !matches!(url.value.scheme(), "http" | "https") {
                table.mistake(
                    url,
                    "a feed is an http or https URL",
                    Some("or path = \"…\""),
                );
            }
            let shown = url.with(redacted(&url.value));
            self.show(&format!("feeds.{name}.url"), Some(&shown));
        }
        self.show(&format!("feeds.{name}.path"), path.as_ref());
        match (url, path) {
            (Some(url), None) => Some(FeedOrigin::Url(url.value)),
            (None, Some(path)) => Some(FeedOrigin::Path(joined(self.folder, &path.value))),
            (None, None) => {
                table.mistake_here(
                    format!("feed {name} does not say where it comes from"),
                    Some("url = \"https://…\" or path = \"…\""),
                );
                None
            }
            (Some(url), Some(_)) => {
                table.mistake(&url, "a feed has either a url or a path", None);
                None
            }
        }
    }

    fn feed_credentials(&mut self, name: &str, table: &mut Table<'_>) -> CredentialSettings {
        let username = table.text("username-env");
        let variable = table.text("password-env");
        let path = table.text("password-file");
        for (key, value) in [
            ("username-env", &username),
            ("password-env", &variable),
            ("password-file", &path),
        ] {
            self.show(&format!("feeds.{name}.{key}"), value.as_ref());
        }
        match (variable, path) {
            (Some(variable), None) => CredentialSettings::Environment {
                username: username.map(|username| username.value),
                password: variable.value,
            },
            (None, Some(path)) => CredentialSettings::File(joined(self.folder, &path.value)),
            (None, None) => CredentialSettings::None,
            (Some(variable), Some(_)) => {
                let message = "credentials are given in more than one way";
                table.mistake(
                    &variable,
                    message,
                    Some("keep password-env or password-file"),
                );
                CredentialSettings::None
            }
        }
    }
}

fn joined(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(
            text,
            Path::new("/etc/portcullis.toml"),
            &Overrides::default(),
        )
        .map_err(|error| error.to_string())
    }

    #[test]
    fn feeds_are_read_with_their_defaults() {
        let text = "[feeds.advisories]\nkind = 'osv'\nurl = 'https://ann:pw@feeds.example/PyPI/'\n\
                    [feeds.kev]\nkind = 'kev'\npath = 'kev.json'\nevery = '2h'\n";
        let config = parse(text).expect("sound");
        let advisories = &config.feeds["advisories"];
        assert_eq!(advisories.every, Duration::from_secs(3600));
        assert_eq!(advisories.origin.to_string(), "https://feeds.example/PyPI/");
        let kev = &config.feeds["kev"];
        assert_eq!(kev.origin, FeedOrigin::Path("/etc/kev.json".into()));
        assert_eq!(kev.every, Duration::from_secs(7200));
        let shown: Vec<String> = config
            .shown
            .iter()
            .filter(|shown| shown.key.starts_with("feeds."))
            .map(|shown| format!("{} = {} ({})", shown.key, shown.value, shown.origin))
            .collect();
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn every_mistake_of_a_feed_is_shown_at_its_place() {
        let text = "[feeds.a]\nkind = 'rss'\nurl = 'ftp://feeds.example/'\n\
                    [feeds.b]\nkind = 'osv'\n\
                    [feeds.c]\nkind = 'epss'\nurl = 'https://feeds.example/e'\npath = 'e.csv'\n\
                    [feeds.'d e']\nkind = 'kev'\npath = 'k.json'\nevery = '1s'\ncolour = 1\n";
        insta::assert_snapshot!(parse(text).expect_err("mistaken"));
    }

    #[test]
    fn what_is_written_on_a_command_line_is_a_url_or_a_path() {
        let url = FeedOrigin::from_argument("https://feeds.example/all.zip");
        assert!(matches!(url, Ok(FeedOrigin::Url(_))));
        let path = FeedOrigin::from_argument("dumps/all.zip");
        assert_eq!(path, Ok(FeedOrigin::Path("dumps/all.zip".into())));
        assert!(FeedOrigin::from_argument("ftp://feeds.example/").is_err());
    }
}
