//! [`Root`]: to which project paths belong, and what that project says of its checks. Settings are looked for
//! up to the root of the repository and no further, so that nobody else's folder above decides.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portcullis_core::lint::settings::Settings;
use portcullis_core::settings::Document;

use crate::exit::failure;

/// Settings in a file of their own, where there is no `pyproject.toml` to hold them.
const OWN_FILE: &str = "portcullis-check.toml";
const PYPROJECT: &str = "pyproject.toml";

/// A project.
#[derive(Debug)]
pub(super) struct Root {
    /// The folder that paths in settings and findings are relative to, without links and `..`.
    pub(super) folder: PathBuf,
    /// What it says of its checks.
    pub(super) settings: Settings,
    /// The text of the file that says it.
    pub(super) settings_text: String,
    /// The root of its repository, where it is in one.
    pub(super) repository: Option<PathBuf>,
}

impl Root {
    /// The project of all `paths`, which are free of links.
    pub(super) fn of(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let common = common_folder(paths);
        let mut above = common.ancestors();
        let repository = above.find(|folder| folder.join(".git").exists());
        let mut folder = common.as_path();
        let within = |folder: &Path| repository.is_some_and(|top| folder.starts_with(top));
        loop {
            if let Some((settings, settings_text)) = settings_in(folder)? {
                return Ok(Self {
                    folder: folder.to_owned(),
                    settings,
                    settings_text,
                    repository: repository.map(Path::to_owned),
                });
            }
            match folder.parent().filter(|parent| within(parent)) {
                Some(parent) => folder = parent,
                None => break,
            }
        }
        Ok(Self {
            folder: repository.unwrap_or(&common).to_owned(),
            settings: Settings::default(),
            settings_text: String::new(),
            repository: repository.map(Path::to_owned),
        })
    }
}

/// The folder of every path; that of a file is the one that it is in.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let folder = |path: &PathBuf| match path.is_dir() {
        true => path.clone(),
        false => path.parent().unwrap_or(path).to_owned(),
    };
    let mut folders = paths.iter().map(folder);
    let first = folders.next().unwrap_or_default();
    folders.fold(first, |common, folder| {
        let mut above = common.ancestors();
        let shared = above.find(|above| folder.starts_with(above));
        shared.map(Path::to_owned).unwrap_or_default()
    })
}

fn settings_in(folder: &Path) -> anyhow::Result<Option<(Settings, String)>> {
    let own = match read(&folder.join(OWN_FILE))? {
        Some(text) => {
            let document = Document {
                file: OWN_FILE,
                text: &text,
            };
            Some((Settings::in_own_file(document)?, text))
        }
        None => None,
    };
    let shared = in_pyproject(folder)?;
    if own.is_some() && shared.is_some() {
        return Err(failure(
            format!(
                "{} has settings of checks in {OWN_FILE} and in {PYPROJECT}",
                folder.display()
            ),
            "keep one of them",
        ));
    }
    Ok(own.or(shared))
}

fn in_pyproject(folder: &Path) -> anyhow::Result<Option<(Settings, String)>> {
    // A broken file without a word of us is told by its reader, like every other one.
    let Some(text) = read(&folder.join(PYPROJECT))?.filter(|text| text.contains("portcullis"))
    else {
        return Ok(None);
    };
    let document = Document {
        file: PYPROJECT,
        text: &text,
    };
    let settings = Settings::in_pyproject(document)?;
    Ok(settings.map(|settings| (settings, text)))
}

/// The text of a file that need not be there; one that is no text has no settings of ours.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let real = folder.path().canonicalize().unwrap();
        (folder, real)
    }

    const SETTINGS: &str = "[tool.portcullis.check]\nfail-on = \"high\"\n";

    #[test]
    fn settings_are_the_nearest_within_the_repository() {
        for (files, asked, root, has_settings) in [
            (&[("a/b.txt", "")][..], &["a"][..], "a", false),
            (&[(".git/HEAD", ""), ("a/b.txt", "")], &["a"], "", false),
            (
                &[
                    (".git/HEAD", ""),
                    ("pyproject.toml", SETTINGS),
                    ("a/b.txt", ""),
                ],
                &["a"],
                "",
                true,
            ),
            (
                &[("pyproject.toml", SETTINGS), ("a/b.txt", "")],
                &["a"],
                "a",
                false,
            ),
            (
                &[("pyproject.toml", SETTINGS), ("a/b.txt", "")],
                &["a", "pyproject.toml"],
                "",
                true,
            ),
            (
                &[
                    (".git/HEAD", ""),
                    ("pyproject.toml", SETTINGS),
                    ("a/portcullis-check.toml", ""),
                    ("a/b/c.txt", ""),
                ],
                &["a/b/c.txt"],
                "a",
                true,
            ),
            (
                &[
                    (".git/HEAD", ""),
                    ("pyproject.toml", "[tool.portcullis]\nx = 1\n"),
                ],
                &[""],
                "",
                false,
            ),
            (&[("pyproject.toml", "= broken")], &[""], "", false),
        ] {
            let (_kept, real) = folder(files);
            let paths: Vec<PathBuf> = asked.iter().map(|path| real.join(path)).collect();
            let found = Root::of(&paths).unwrap();
            let relative = found.folder.strip_prefix(&real).unwrap();
            assert_eq!(relative, Path::new(root), "{files:?}");
            assert_eq!(!found.settings.file.is_empty(), has_settings, "{files:?}");
        }
    }

    #[test]
    fn settings_that_cannot_be_understood_are_no_settings_to_pass_over() {
        for files in [
            &[("pyproject.toml", "[tool.portcullis.check]\nx = 1\n")][..],
            &[("pyproject.toml", "portcullis = ")],
            &[("portcullis-check.toml", "x = 1")],
            &[("portcullis-check.toml", ""), ("pyproject.toml", SETTINGS)],
        ] {
            let (_kept, real) = folder(files);
            assert!(Root::of(&[real]).is_err(), "{files:?}");
        }
    }
}
