//! What pip uses: its environment variables and its configuration files, in pip's own precedence.

use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption};

use super::{DiscoverError, DiscoveredFile, DiscoveredIndex, Machine, Settings, read_if_there};

/// Sections that `pip install` and `pip download` read, the more important first.
const SECTIONS: [&str; 3] = ["install", "download", "global"];

pub(super) fn read(machine: &Machine) -> Result<Settings, DiscoverError> {
    let files = Files::read(machine)?;
    let value = |variable: &str, key: &str| {
        let set = machine.environment.get(variable);
        let set = set.map(|value| (value.to_owned(), variable.to_owned()));
        set.or_else(|| files.value(key))
    };
    let mut settings = Settings::default();
    if let Some((text, found_in)) = value("PIP_INDEX_URL", "index-url") {
        settings.index = Some(DiscoveredIndex::read(&text, &found_in)?);
    }
    if let Some((text, found_in)) = value("PIP_EXTRA_INDEX_URL", "extra-index-url") {
        settings.extra = DiscoveredIndex::read_list(&text, &found_in)?;
    }
    settings.ca_file = value("PIP_CERT", "cert").map(|(path, found_in)| DiscoveredFile {
        path: PathBuf::from(path),
        found_in,
    });
    Ok(settings)
}

/// Configuration files, the least important first.
struct Files {
    files: Vec<(PathBuf, Ini)>,
}

impl Files {
    fn read(machine: &Machine) -> Result<Self, DiscoverError> {
        let mut files = Vec::new();
        for path in paths(machine) {
            if let Some(text) = read_if_there(&path)? {
                files.push((path.clone(), parse(&path, &text)?));
            }
        }
        Ok(Self { files })
    }

    /// The value of a key and the file it is in. A section counts before a file.
    fn value(&self, key: &str) -> Option<(String, String)> {
        SECTIONS.iter().find_map(|section| {
            self.files.iter().rev().find_map(|(path, file)| {
                let section = file.section(Some(*section))?;
                let (_, value) = section.iter().find(|(name, _)| normalized(name) == key)?;
                let value = value.trim();
                (!value.is_empty()).then(|| (value.to_owned(), path.display().to_string()))
            })
        })
    }
}

pub(super) fn paths(machine: &Machine) -> Vec<PathBuf> {
    let environment = &machine.environment;
    let named = environment.path("PIP_CONFIG_FILE");
    if named.as_deref() == Some(Path::new("/dev/null")) {
        return Vec::new();
    }
    let mut paths: Vec<PathBuf> = machine.system_configuration();
    paths
        .iter_mut()
        .for_each(|folder| folder.push("pip/pip.conf"));
    paths.push(machine.at_root("etc/pip.conf"));
    paths.extend(machine.home.iter().map(|home| home.join(".pip/pip.conf")));
    paths.extend(
        machine
            .user_configuration()
            .map(|folder| folder.join("pip/pip.conf")),
    );
    paths.extend(
        environment
            .path("VIRTUAL_ENV")
            .map(|folder| folder.join("pip.conf")),
    );
    paths.extend(named);
    paths
}

fn parse(path: &Path, text: &str) -> Result<Ini, DiscoverError> {
    let options = ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        enabled_indented_mutiline_value: true,
        ..ParseOption::default()
    };
    Ini::load_from_str_opt(text, options).map_err(|error| DiscoverError::File {
        path: path.to_owned(),
        problem: format!("not a configuration file (line {})", error.line),
    })
}

/// pip takes `Index_URL` and `--index-url` for `index-url`.
fn normalized(key: &str) -> String {
    let key = key.trim().to_lowercase().replace('_', "-");
    key.strip_prefix("--").map(str::to_owned).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in "(?s)(\\[global\\]|index-url|=|\n| |\\\\|#|.){0,60}") {
            let _ = parse(Path::new("pip.conf"), &text);
        }
    }
}
