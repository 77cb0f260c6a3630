//! What do this machine's installers use? Read from where pip and uv read it, so that the answer is
//! theirs and no registry's name stands in this code.
//!
//! The index is the first that is found in:
//! 1. `PIP_INDEX_URL`;
//! 2. pip's configuration files, `index-url` in `[install]`, then in `[download]`, then in
//!    `[global]`; of several files the last of this list that has it:
//!    `$XDG_CONFIG_DIRS/pip/pip.conf` (`/etc/xdg`), `/etc/pip.conf`, `~/.pip/pip.conf`,
//!    `$XDG_CONFIG_HOME/pip/pip.conf` (`~/.config`), `$VIRTUAL_ENV/pip.conf`, `$PIP_CONFIG_FILE`
//!    (`/dev/null` there means no files);
//! 3. `UV_DEFAULT_INDEX`, then `UV_INDEX_URL`;
//! 4. uv's configuration files, an `[[index]]` with `default = true`, then `index-url`: in
//!    `$UV_CONFIG_FILE`, or else in `$XDG_CONFIG_HOME/uv/uv.toml` (`~/.config`), then
//!    `$XDG_CONFIG_DIRS/uv/uv.toml` (`/etc/xdg`), then `/etc/uv/uv.toml` (`UV_NO_CONFIG` means no
//!    files);
//! 5. the default that `python3 -m pip install --help`, or else `uv pip install --help`, prints.
//!
//! The additional indexes are those of all these places together, each once, in this order:
//! `PIP_EXTRA_INDEX_URL` or else `extra-index-url` of pip's files; `UV_INDEX` and
//! `UV_EXTRA_INDEX_URL`; `[[index]]` entries that are neither default nor `explicit`, and
//! `extra-index-url`, of uv's files. Certificate authorities: `PIP_CERT`, `cert` of pip's files,
//! `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `SSL_CERT_FILE`. Project files are not looked at: a
//! server belongs to no project.

mod ask;
mod files;
mod pip;
mod uv;

use std::path::{Path, PathBuf};

use url::Url;

use crate::credentials::Credentials;
use crate::environment::Environment;
use crate::redact::redacted;
use crate::source::UpstreamConfig;

pub use files::{Installer, configuration_files};

/// The machine that is looked at.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its environment variables, `PATH` among them.
    pub environment: Environment,
    /// The root of its file system.
    pub root: PathBuf,
    /// The home directory of whoever runs us.
    pub home: Option<PathBuf>,
}

impl Machine {
    /// This machine, as this process sees it.
    pub fn this() -> Self {
        let environment = Environment::of_this_process();
        let home = environment.path("HOME");
        Self {
            environment,
            root: PathBuf::from("/"),
            home,
        }
    }

    fn at_root(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    fn user_configuration(&self) -> Option<PathBuf> {
        let usual = || self.home.as_ref().map(|home| home.join(".config"));
        self.environment.path("XDG_CONFIG_HOME").or_else(usual)
    }

    /// `$XDG_CONFIG_DIRS`, most important first, or `/etc/xdg`.
    fn system_configuration(&self) -> Vec<PathBuf> {
        match self.environment.get("XDG_CONFIG_DIRS") {
            Some(list) => std::env::split_paths(list).collect(),
            None => vec![self.at_root("etc/xdg")],
        }
    }
}

/// What this machine's installers use.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// The index.
    pub index: DiscoveredIndex,
    /// The additional indexes, most important first.
    pub extra: Vec<DiscoveredIndex>,
    /// A file with certificate authorities to trust.
    pub ca_file: Option<DiscoveredFile>,
}

/// An index and who uses it.
#[derive(Clone)]
pub struct DiscoveredIndex {
    /// The root of its simple API, with a slash at the end and without user and password.
    pub url: Url,
    /// The credentials that were in the URL, or that uv has for an index of this name.
    pub credentials: Option<Credentials>,
    /// The name that uv's configuration gives it.
    pub name: Option<String>,
    /// Where it was found, for people: `PIP_INDEX_URL`, `/etc/pip.conf`, `pip's default`.
    pub found_in: String,
}

impl std::fmt::Debug for DiscoveredIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DiscoveredIndex")
            .field("url", &redacted(&self.url))
            .field("credentials", &self.credentials)
            .field("name", &self.name)
            .field("found_in", &self.found_in)
            .finish()
    }
}

/// A file and where it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveredFile {
    /// The file.
    pub path: PathBuf,
    /// Where it was found, for people.
    pub found_in: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// Nothing says which index to use.
    #[error(
        "no package index found: neither pip's nor uv's environment and configuration name one, and \
         neither `python3 -m pip` nor `uv` could be asked for its default; name one with \
         --upstream URL"
    )]
    NothingFound,
    /// A value is not the address of a remote index.
    #[error("{found_in} does not hold an http or https URL; name an index with --upstream URL")]
    NotAnIndex {
        /// Where the value is. The value may hold a password.
        found_in: String,
    },
    /// A configuration file cannot be read. Passing over it could mean asking the wrong index.
    #[error("{}: {problem}; repair it, or name an index with --upstream URL", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        problem: String,
    },
}

impl DiscoveredIndex {
    /// Reads a URL as installers take it, moving user and password out of it.
    fn read(text: &str, found_in: &str) -> Result<Self, DiscoverError> {
        let invalid = || DiscoverError::NotAnIndex {
            found_in: found_in.to_owned(),
        };
        let mut url = Url::parse(text.trim()).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid());
        }
        let credentials = Credentials::take_from(&mut url);
        // The same normal form that the source will have, so that duplicates are seen.
        let url = UpstreamConfig::new("", url).url;
        Ok(Self {
            url,
            credentials,
            name: None,
            found_in: found_in.to_owned(),
        })
    }

    /// Reads a list as installers write it: separated by white space.
    fn read_list(text: &str, found_in: &str) -> Result<Vec<Self>, DiscoverError> {
        text.split_whitespace()
            .map(|url| Self::read(url, found_in))
            .collect()
    }
}

/// What one installer's environment and files say.
#[derive(Clone, Debug, Default)]
struct Settings {
    index: Option<DiscoveredIndex>,
    extra: Vec<DiscoveredIndex>,
    ca_file: Option<DiscoveredFile>,
}

/// Finds out what the installers of `machine` use. Runs pip or uv, briefly and without its
/// configuration, only when nothing else names an index.
///
/// # Errors
/// [`DiscoverError`], whose text asks for `--upstream`.
pub async fn discover(machine: &Machine) -> Result<Discovered, DiscoverError> {
    let pip = pip::read(machine)?;
    let uv = uv::read(machine)?;
    let index = match pip.index.or(uv.index) {
        Some(index) => index,
        None => ask::installers(machine)
            .await
            .ok_or(DiscoverError::NothingFound)?,
    };
    let mut extra: Vec<DiscoveredIndex> = Vec::new();
    for candidate in pip.extra.into_iter().chain(uv.extra) {
        let is_known =
            candidate.url == index.url || extra.iter().any(|known| known.url == candidate.url);
        if !is_known {
            extra.push(candidate);
        }
    }
    let ca_file = pip.ca_file.or_else(|| ca_file(&machine.environment));
    Ok(Discovered {
        index,
        extra,
        ca_file,
    })
}

fn ca_file(environment: &Environment) -> Option<DiscoveredFile> {
    let names = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"];
    names.into_iter().find_map(|name| {
        let path = environment.path(name)?;
        Some(DiscoveredFile {
            path,
            found_in: name.to_owned(),
        })
    })
}

/// The text of a file that need not be there.
fn read_if_there(path: &Path) -> Result<Option<String>, DiscoverError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Ok(None),
        Err(error) => Err(DiscoverError::File {
            path: path.to_owned(),
            problem: error.to_string(),
        }),
    }
}
