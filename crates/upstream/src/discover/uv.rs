//! What uv uses: its environment variables and its own configuration files. `pyproject.toml` is not
//! read, because a server belongs to no project.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{DiscoverError, DiscoveredIndex, Machine, Settings, read_if_there};
use crate::credentials::Credentials;
use crate::environment::Environment;

/// The keys of `uv.toml` that name indexes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct File {
    index: Vec<Index>,
    index_url: Option<String>,
    extra_index_url: Vec<String>,
    pip: Option<PipTable>,
}

/// The same under `[pip]`, for `uv pip` only.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct PipTable {
    index: Vec<Index>,
    index_url: Option<String>,
    extra_index_url: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Index {
    name: Option<String>,
    url: String,
    #[serde(default)]
    default: bool,
    /// Only for packages that ask for it by name.
    #[serde(default)]
    explicit: bool,
}

pub(super) fn read(machine: &Machine) -> Result<Settings, DiscoverError> {
    let mut settings = from_environment(&machine.environment)?;
    for path in paths(machine) {
        if let Some(text) = read_if_there(&path)? {
            add_file(&mut settings, &path, &text, &machine.environment)?;
        }
    }
    Ok(settings)
}

fn from_environment(environment: &Environment) -> Result<Settings, DiscoverError> {
    let mut settings = Settings::default();
    for variable in ["UV_DEFAULT_INDEX", "UV_INDEX_URL"] {
        if let Some(text) = environment.get(variable)
            && settings.index.is_none()
        {
            settings.index = Some(named(text, variable, environment)?);
        }
    }
    for variable in ["UV_INDEX", "UV_EXTRA_INDEX_URL"] {
        for text in environment
            .get(variable)
            .unwrap_or_default()
            .split_whitespace()
        {
            settings.extra.push(named(text, variable, environment)?);
        }
    }
    Ok(settings)
}

/// `name=URL`, or a URL.
fn named(
    text: &str,
    found_in: &str,
    environment: &Environment,
) -> Result<DiscoveredIndex, DiscoverError> {
    let is_name = |name: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        !name.is_empty() && name.chars().all(allowed)
    };
    match text.split_once('=').filter(|(name, _)| is_name(name)) {
        Some((name, url)) => {
            let index = DiscoveredIndex::read(url, found_in)?;
            Ok(with_name(index, Some(name), environment))
        }
        None => DiscoveredIndex::read(text, found_in),
    }
}

/// uv takes credentials for an index `my-index` from `UV_INDEX_MY_INDEX_USERNAME` and `_PASSWORD`.
fn with_name(
    mut index: DiscoveredIndex,
    name: Option<&str>,
    environment: &Environment,
) -> DiscoveredIndex {
    let Some(name) = name else {
        return index;
    };
    let shouted: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    let part = |part: &str| environment.get(&format!("UV_INDEX_{shouted}_{part}"));
    if let (username, Some(password)) = (part("USERNAME"), part("PASSWORD")) {
        index.credentials = Some(Credentials::new(username.unwrap_or_default(), password));
    }
    index.name = Some(name.to_owned());
    index
}

pub(super) fn paths(machine: &Machine) -> Vec<PathBuf> {
    if machine.environment.get("UV_NO_CONFIG").is_some() {
        return Vec::new();
    }
    if let Some(path) = machine.environment.path("UV_CONFIG_FILE") {
        return vec![path];
    }
    let mut paths: Vec<PathBuf> = machine.user_configuration().into_iter().collect();
    paths.extend(machine.system_configuration());
    paths
        .iter_mut()
        .for_each(|folder| folder.push("uv/uv.toml"));
    paths.push(machine.at_root("etc/uv/uv.toml"));
    paths
}

/// Adds what a file says; what is there already is more important.
fn add_file(
    settings: &mut Settings,
    path: &Path,
    text: &str,
    environment: &Environment,
) -> Result<(), DiscoverError> {
    // The parser's own message may quote a URL with a password.
    let file: File = toml::from_str(text).map_err(|_| DiscoverError::File {
        path: path.to_owned(),
        problem: "not a uv configuration file".to_owned(),
    })?;
    let found_in = path.display().to_string();
    let pip = file.pip.unwrap_or_default();
    for index in file
        .index
        .into_iter()
        .chain(pip.index)
        .filter(|index| !index.explicit)
    {
        let read = DiscoveredIndex::read(&index.url, &found_in)?;
        let read = with_name(read, index.name.as_deref(), environment);
        match index.default {
            true => settings.index = settings.index.take().or(Some(read)),
            false => settings.extra.push(read),
        }
    }
    for url in file.index_url.iter().chain(&pip.index_url) {
        let read = DiscoveredIndex::read(url, &found_in)?;
        settings.index = settings.index.take().or(Some(read));
    }
    for url in file.extra_index_url.iter().chain(&pip.extra_index_url) {
        settings.extra.push(DiscoveredIndex::read(url, &found_in)?);
    }
    Ok(())
}
