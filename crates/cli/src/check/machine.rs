//! What is set outside of the project and holds for it all the same: configuration of this user and this
//! machine, and variables of the environment. Passwords that are kept where they belong are not looked at.

use std::path::PathBuf;

use portcullis_core::lint::{FileKind, ProjectFile};
use portcullis_upstream::discover::{Installer, Machine, configuration_files};
use portcullis_upstream::environment::Environment;

use super::discovery::{Found, Part};

/// The path under which the variables of the environment stand.
pub(super) const ENVIRONMENT: &str = "(environment)";
/// How the variables begin by which installers are set.
const PREFIXES: [&str; 5] = ["PIP_", "UV_", "POETRY_", "PDM_", "PIPENV_"];
/// What variables are called in which passwords are handed over, as they should be.
const SECRET: [&str; 4] = ["PASSWORD", "TOKEN", "USERNAME", "SECRET"];

/// The configuration files that are there.
pub(super) fn files(machine: &Machine) -> Vec<Found> {
    let files = configuration_files(machine).into_iter();
    let there = files.filter(|(_, path)| path.is_file());
    there
        .map(|(installer, file)| Found {
            path: file.to_string_lossy().into_owned(),
            file,
            kind: kind(installer),
            part: Part::Machine,
        })
        .collect()
}

/// The variables by which installers are set, as a file; `None` where there are none.
pub(super) fn variables(environment: &Environment) -> Option<(Found, ProjectFile)> {
    let lines = environment
        .iter()
        .filter_map(|(name, value)| line(name, value));
    let text: String = lines.collect();
    if text.is_empty() {
        return None;
    }
    let kind = FileKind::EnvironmentFile;
    let found = Found {
        path: ENVIRONMENT.to_owned(),
        file: PathBuf::new(),
        kind,
        part: Part::Machine,
    };
    Some((found, ProjectFile::read(ENVIRONMENT, kind, text, &[])))
}

fn line(name: &str, value: &str) -> Option<String> {
    let is_setting = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    let is_secret = SECRET.iter().any(|secret| name.contains(secret));
    if !is_setting || is_secret || value.contains(['\n', '\r', '"', '\'']) {
        return None;
    }
    Some(match value.contains([' ', '#', '\t']) {
        true => format!("{name}=\"{value}\"\n"),
        false => format!("{name}={value}\n"),
    })
}

const fn kind(installer: Installer) -> FileKind {
    match installer {
        Installer::Pip => FileKind::PipConfig,
        Installer::Uv => FileKind::UvConfig,
        Installer::Poetry => FileKind::PoetryConfig,
        Installer::Pdm => FileKind::PdmConfig,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_installers_are_a_file_without_secrets() {
        let variables = [
            ("PIP_INDEX_URL", "https://a.example/simple"),
            ("PIP_EXTRA_INDEX_URL", "https://a.example https://b.example"),
            ("UV_PUBLISH_TOKEN", "x"),
            ("UV_INDEX_ACME_PASSWORD", "x"),
            ("HOME", "/root"),
            ("PDM_X", "a\nb"),
        ];
        let (found, file) = super::variables(&variables.into_iter().collect()).unwrap();
        assert_eq!(
            file.text,
            "PIP_EXTRA_INDEX_URL=\"https://a.example https://b.example\"\n\
             PIP_INDEX_URL=https://a.example/simple\n"
        );
        assert_eq!(found.part, Part::Machine);
        assert!(super::variables(&[("HOME", "/")].into_iter().collect()).is_none());
    }

    #[test]
    fn only_files_that_are_there_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["home/.config/uv/uv.toml", "etc/pip.conf", "home/.pypirc"] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), "").unwrap();
        }
        let machine = Machine {
            environment: Environment::default(),
            root: root.to_owned(),
            home: Some(root.join("home")),
        };
        let kinds: Vec<FileKind> = files(&machine).iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [FileKind::PipConfig, FileKind::UvConfig]);
    }
}
