//! [`Index`]: where the files of requirements and locks are fetched from. It is the one that is named, or the
//! gateway in `PORTCULLIS_URL`, or the upstreams of the configuration, or what this machine's installers use.

use std::sync::Arc;

use portcullis_core::pypi::name::{NamePattern, ProjectName};
use portcullis_core::pypi::simple::ProjectPage;
use portcullis_server::config::{Config, SourceConfig};
use portcullis_server::discovery;
use portcullis_server::sources::Source;
use portcullis_upstream::credentials::CredentialSetting;
use portcullis_upstream::environment::Environment;
use portcullis_upstream::proxy::ProxySetting;
use portcullis_upstream::simple_index::PageAnswer;
use portcullis_upstream::source::{SetupError, UpstreamConfig, UpstreamSource};
use url::Url;

use crate::context::Place;
use crate::exit::failure;

/// The variable with the address of a gateway.
const GATEWAY: &str = "PORTCULLIS_URL";

/// Where files are fetched from.
pub struct Index {
    /// Each is asked where those before it do not have the project.
    sources: Vec<Asked>,
    /// Names that are not told to anybody outside.
    owned: Vec<NamePattern>,
}

/// A source that is asked.
#[derive(Clone)]
pub enum Asked {
    /// One that was named.
    Named(Arc<UpstreamSource>),
    /// One of the configuration.
    Configured(Arc<portcullis_server::sources::Upstream>),
}

impl Asked {
    pub fn source(&self) -> &UpstreamSource {
        match self {
            Self::Named(source) => source,
            Self::Configured(upstream) => &upstream.source,
        }
    }
}

/// A project's page and who has it.
pub struct Listed {
    pub page: ProjectPage,
    pub asked: Asked,
}

impl Index {
    /// The index at `url`, or the one that is meant where none is named.
    pub async fn open(url: Option<&Url>, place: &Place) -> anyhow::Result<Self> {
        let environment = Environment::of_this_process();
        let gateway = match url {
            Some(_) => None,
            None => environment.get(GATEWAY).map(simple_of).transpose()?,
        };
        match url.or(gateway.as_ref()) {
            Some(url) => Self::named(url, &environment),
            None => Self::configured(place).await,
        }
    }

    fn named(url: &Url, environment: &Environment) -> anyhow::Result<Self> {
        let open = |credentials: CredentialSetting| {
            let mut config = UpstreamConfig::new("index", url.clone());
            config.proxy = ProxySetting::Environment;
            if matches!(config.credentials, CredentialSetting::None) {
                config.credentials = credentials;
            }
            UpstreamSource::new(config, environment)
        };
        // As installers do: netrc where it knows the host.
        let source = match open(CredentialSetting::Netrc(None)) {
            Err(SetupError::Credentials(_)) => open(CredentialSetting::None),
            opened => opened,
        };
        Ok(Self {
            sources: vec![Asked::Named(Arc::new(source?))],
            owned: Vec::new(),
        })
    }

    async fn configured(place: &Place) -> anyhow::Result<Self> {
        let mut config = place.configuration()?;
        let settled = discovery::settle_for_command(&mut config).await;
        settled.map_err(|error| {
            let remedy = "name an index with --index-url URL, such as the gateway's own";
            failure(format!("nothing to fetch from: {error}"), remedy)
        })?;
        let sources = upstreams(&config)?;
        if sources.is_empty() {
            return Err(failure(
                "the configuration has no index to fetch from",
                "name one with --index-url URL, such as the gateway's own",
            ));
        }
        Ok(Self {
            sources,
            owned: config.owned,
        })
    }

    /// Whether `text` is the address of a source that is asked anyway.
    pub fn is_at(&self, text: &str) -> bool {
        let Ok(url) = Url::parse(text) else {
            return false;
        };
        let url = UpstreamConfig::new("", url).url;
        self.sources.iter().any(|one| *one.source().root() == url)
    }

    /// The addresses of the sources that are asked.
    pub fn roots(&self) -> Vec<String> {
        let sources = self.sources.iter();
        sources.map(|one| one.source().root().to_string()).collect()
    }

    /// The page of `project`; where there is none, why: one clause.
    pub async fn page(&self, project: &ProjectName) -> Result<Listed, String> {
        let found = self.find(project).await?;
        found.ok_or_else(|| "the index does not have the project".to_owned())
    }

    /// The page of `project`; `None` where no source has it, and why where that is not known: one clause.
    pub async fn find(&self, project: &ProjectName) -> Result<Option<Listed>, String> {
        if self.owned.iter().any(|pattern| pattern.matches(project)) {
            return Err("its name is owned, and nobody outside is told of it".to_owned());
        }
        for asked in &self.sources {
            match asked.source().fetch_page(project, None).await {
                Ok(PageAnswer::Page(fetched)) => {
                    return Ok(Some(Listed {
                        page: fetched.page,
                        asked: asked.clone(),
                    }));
                }
                Ok(PageAnswer::Absent) => {}
                Ok(PageAnswer::NotModified) => return Err("its page did not come".to_owned()),
                // Another source may have another project under that name.
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(None)
    }
}

/// The upstreams of the default index, in their order.
fn upstreams(config: &Config) -> anyhow::Result<Vec<Asked>> {
    let index = &config.indexes[&config.default_index];
    let mut asked = Vec::new();
    for name in &index.sources {
        let Some(settings @ SourceConfig::Upstream(_)) = config.sources.get(name) else {
            continue;
        };
        if let Source::Upstream(upstream) = Source::open(name, settings)? {
            asked.push(Asked::Configured(upstream));
        }
    }
    Ok(asked)
}

/// The root of a gateway's simple API: `http://gateway.example` is `http://gateway.example/simple/`.
fn simple_of(gateway: &str) -> anyhow::Result<Url> {
    let parsed = Url::parse(gateway.trim()).ok();
    let is_remote = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    let Some(mut url) = parsed.filter(is_remote) else {
        return Err(failure(
            format!("{GATEWAY} is not the address of a gateway"),
            format!("set it to an address such as http://gateway.example, or unset {GATEWAY}"),
        ));
    };
    let path = url.path().trim_end_matches('/').to_owned();
    match path.ends_with("/simple") {
        true => url.set_path(&format!("{path}/")),
        false => url.set_path(&format!("{path}/simple/")),
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_gateway_is_that_of_its_default_index() {
        for (gateway, expected) in [
            ("http://gateway.example", "http://gateway.example/simple/"),
            ("http://gateway.example/", "http://gateway.example/simple/"),
            ("https://a.example/main/", "https://a.example/main/simple/"),
            ("https://a.example/simple", "https://a.example/simple/"),
        ] {
            let url = simple_of(gateway).expect(gateway);
            assert_eq!(url.as_str(), expected);
        }
        for gateway in [
            "",
            "gateway.example",
            "ftp://gateway.example",
            "file:///etc",
        ] {
            assert!(simple_of(gateway).is_err(), "{gateway}");
        }
    }
}
