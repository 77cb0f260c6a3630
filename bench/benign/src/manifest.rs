//! The manifest: one line a file. Lines are ordered, so that picking anew shows what changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::is_file_name;
use portcullis_core::pypi::name::ProjectName;

const HEADER: &str = "\
# The benign set: popular projects' files, which the inspection must let pass.
# Written by `cargo xtask benign pick`, fetched by `cargo xtask benign fetch`; not edited by hand.
# sha256 size role kind project file-name
";

/// What a file is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// It belongs to the newest release.
    Newest,
    /// It belongs to an earlier release, to compare the newest with.
    Before,
}

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A wheel (PEP 427).
    Wheel,
    /// A source distribution (PEP 625, and what came before).
    Sdist,
}

impl Role {
    pub(crate) const ALL: [Self; 2] = [Self::Newest, Self::Before];

    /// Its word in the manifest, and the name of its folder.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Before => "before",
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Wheel, Self::Sdist];

    /// Its word in the manifest.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Wheel => "wheel",
            Self::Sdist => "sdist",
        }
    }
}

/// One file of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) sha256: Sha256,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) role: Role,
    pub(crate) kind: Kind,
    pub(crate) project: ProjectName,
    pub(crate) filename: Box<str>,
}

impl Entry {
    fn parse(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let [sha256, size, role, kind, project, filename] = words[..] else {
            bail!("expected six words, found {}", words.len());
        };
        let role = Role::ALL.into_iter().find(|known| known.as_str() == role);
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        if !is_file_name(filename) {
            bail!("{filename:?} is no file name");
        }
        Ok(Self {
            sha256: sha256.parse().context("the first word is no SHA-256")?,
            size: size.parse().context("the second word is no size")?,
            role: role.context("the third word is neither newest nor before")?,
            kind: kind.context("the fourth word is neither wheel nor sdist")?,
            project: project.parse().context("the fifth word is no project")?,
            filename: filename.into(),
        })
    }
}

/// All files of the set, by project, then role, then kind.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) entries: Vec<Entry>,
}

impl Manifest {
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| {
            (&a.project, a.role, a.kind, &a.filename).cmp(&(
                &b.project,
                b.role,
                b.kind,
                &b.filename,
            ))
        });
        Self { entries }
    }

    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is broken", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        let lines = (1..).zip(text.lines());
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let entries = lines
            .map(|(number, line)| Entry::parse(line).with_context(|| format!("line {number}")))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self::new(entries))
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        std::fs::write(path, self.render())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn render(&self) -> String {
        let mut text = HEADER.to_owned();
        for entry in &self.entries {
            let (role, kind) = (entry.role.as_str(), entry.kind.as_str());
            let sha256 = entry.sha256.to_hex();
            writeln!(
                text,
                "{sha256} {} {role} {kind} {} {}",
                entry.size, entry.project, entry.filename
            )
            .expect("text takes every line");
        }
        text
    }

    /// The sizes of all files, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    pub(crate) fn by_project(&self) -> BTreeMap<&ProjectName, Vec<&Entry>> {
        let mut projects: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for entry in &self.entries {
            projects.entry(&entry.project).or_default().push(entry);
        }
        projects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 12 newest \
                        wheel acme acme-1.0-py3-none-any.whl";

    #[test]
    fn what_is_written_is_read_again() {
        let sdist = LINE.replace(
            "wheel acme acme-1.0-py3-none-any.whl",
            "sdist acme acme-1.0.zip",
        );
        let before = LINE.replace("newest", "before");
        let manifest = Manifest::parse(&format!("# a\n\n{before}\n{sdist}\n{LINE}\n"));
        let written = manifest.expect("these lines are right").render();
        assert_eq!(written, format!("{HEADER}{LINE}\n{sdist}\n{before}\n"));
        let again = Manifest::parse(&written).expect("it was written by us");
        assert_eq!((again.bytes(), again.render()), (36, written));
    }

    #[test]
    fn a_broken_line_is_named() {
        for (old, new, expected) in [
            (" 12 ", " twelve ", "no size"),
            ("newest", "oldest", "neither newest nor before"),
            ("wheel", "egg", "neither wheel nor sdist"),
            ("e3b0", "e3", "no SHA-256"),
            ("acme-1.0", "../acme-1.0", "no file name"),
            ("acme-1.0", "acme 1.0", "six words, found 7"),
            (" acme ", " -acme ", "no project"),
        ] {
            let error = Manifest::parse(&LINE.replacen(old, new, 1)).expect_err(expected);
            let told = format!("{error:#}");
            assert!(told.contains("line 1") && told.contains(expected), "{told}");
        }
    }

    #[test]
    fn the_manifest_in_the_repository_can_be_read() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifest.txt");
        let text = std::fs::read_to_string(&path).expect("it is in the repository");
        let manifest = Manifest::parse(&text).expect("it was written by `pick`");
        assert_eq!(manifest.render(), text);
        assert!(manifest.by_project().len() >= 195);
    }
}
