//! The files of the repository as the rules see them. Found by walking instead of asking git, which
//! a fresh machine may not have; build directories are known by cargo's own mark.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A text file, with its path from the top of the repository.
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All text files, sorted by path.
pub(crate) struct Tree {
    pub(crate) files: Vec<TextFile>,
}

/// One place where a rule is broken. Lines count from 1; 0 means the whole file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.what),
            line => write!(f, "{}:{line}: {}", self.path, self.what),
        }
    }
}

impl TextFile {
    pub(crate) fn violation(&self, line: usize, what: impl Into<String>) -> Violation {
        Violation {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether the whole file is there for tests only.
    pub(crate) fn is_test(&self) -> bool {
        self.path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs")
    }

    /// The lines before the file's test module, with their numbers.
    pub(crate) fn lines_before_tests(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines());
        lines.take_while(|(_, line)| *line != "#[cfg(test)]")
    }
}

const MARK_OF_BUILD_DIRECTORIES: &str = "CACHEDIR.TAG";
const NOT_OURS: [&str; 3] = [".git", "target", "portcullis-data"];

impl Tree {
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            read_folder(root, &folder, &mut folders, &mut files)
                .with_context(|| format!("cannot read {}", folder.display()))?;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &TextFile> {
        self.files.iter().filter(|file| file.is_rust())
    }
}

fn read_folder(
    root: &Path,
    folder: &Path,
    folders: &mut Vec<PathBuf>,
    files: &mut Vec<TextFile>,
) -> anyhow::Result<()> {
    if folder.join(MARK_OF_BUILD_DIRECTORIES).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() && !NOT_OURS.iter().any(|name| entry.file_name() == *name) {
            folders.push(path);
        } else if kind.is_file() {
            // What is not UTF-8 is no text, and no rule is about it.
            if let Ok(text) = String::from_utf8(fs::read(&path)?) {
                let path = path.strip_prefix(root).unwrap_or(&path);
                files.push(TextFile {
                    path: path.to_string_lossy().into_owned(),
                    text,
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |(path, text): &(&str, &str)| TextFile {
        path: (*path).to_owned(),
        text: (*text).to_owned(),
    };
    Tree {
        files: files.iter().map(file).collect(),
    }
}

#[cfg(test)]
pub(crate) fn shown(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(ToString::to_string).collect()
}
