//! [`gather`]: from what was found to a project that rules can look at. Files are read on all processors, each
//! once, and those that they include as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use portcullis_core::lint::contents::Unread;
use portcullis_core::lint::{FileKind, Project, ProjectFile};
use portcullis_inspect::python::literal_calls;

use super::discovery::{Discovered, Found, Part, Unchecked};
use super::encoding::{Encoding, decode};
use super::root::Root;

/// The largest file that is read, in bytes; locks and notebooks of that size are rare.
const LARGEST: u64 = 16 << 20;
/// How often files that others include are looked for: as deep as includes may be nested.
const DEEPEST: usize = 32;

/// A project with what is known of its files besides.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The project, without what organisation and index say.
    pub(super) project: Project,
    /// How each of its files was found, by its path.
    pub(super) sources: BTreeMap<String, Source>,
    /// What could not be read.
    pub(super) unchecked: Vec<Unchecked>,
}

/// How a file was found.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) found: Found,
    pub(super) encoding: Encoding,
}

/// A file that was read; `None` where it turned out not to matter.
type Read = Result<Option<(ProjectFile, Source)>, Unchecked>;

/// Reads what was found, and what is included by it.
pub(super) fn gather(discovered: Discovered, root: &Root) -> Gathered {
    let mut gathered = Gathered {
        unchecked: discovered.unchecked,
        ..Gathered::default()
    };
    let mut next = discovered.found;
    for _ in 0..DEEPEST {
        if next.is_empty() {
            break;
        }
        let read = read_all(&next);
        let from = gathered.project.files.len();
        for one in read {
            gathered.add(one);
        }
        next = gathered.included(from, root);
    }
    gathered.sort();
    gathered
}

impl Gathered {
    fn add(&mut self, read: Read) {
        match read {
            Ok(None) => {}
            Ok(Some((file, source))) => self.insert(file, source),
            Err(unchecked) => self.unchecked.push(unchecked),
        }
    }

    /// Adds a file that was read.
    pub(super) fn insert(&mut self, file: ProjectFile, source: Source) {
        self.sources.insert(file.path.clone(), source);
        self.project.files.push(file);
    }

    /// Puts files in the order of their paths.
    pub(super) fn sort(&mut self) {
        self.project.files.sort_by(|a, b| a.path.cmp(&b.path));
        self.unchecked.sort();
        self.unchecked.dedup();
    }

    /// The files below the project that those from the position `from` on include and that were not read.
    fn included(&mut self, from: usize, root: &Root) -> Vec<Found> {
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for file in &self.project.files[from..] {
            let is_asked = self.sources[&file.path].found.part == Part::Asked;
            let included = file.contents.included.iter().filter(|_| is_asked);
            for path in included.map(|included| included.path.as_str()) {
                wanted.extend(here(&file.path, path, root));
            }
        }
        let mut found = Vec::new();
        for path in wanted {
            match self.sources.get_mut(&path) {
                Some(source) => source.found.part = source.found.part.min(Part::Asked),
                None => found.push(Found {
                    file: root.folder.join(&path),
                    kind: FileKind::of(&path).unwrap_or(FileKind::Requirements),
                    part: Part::Asked,
                    path,
                }),
            }
        }
        found
    }
}

/// The path below the project of a file that another one includes, where it is there.
fn here(from: &str, included: &str, root: &Root) -> Option<String> {
    if included.contains("://") || included.contains('$') {
        return None;
    }
    let mut paths = Project::paths_of_included(from, included).into_iter();
    let path = paths.find(|path| is_own_file(&root.folder.join(path), root))?;
    (!root.settings.exclude.matches(&path)).then_some(path)
}

/// Whether something is a file of the project, wherever links lead.
fn is_own_file(path: &Path, root: &Root) -> bool {
    let real = path.canonicalize();
    real.is_ok_and(|real| real.starts_with(&root.folder) && real.is_file())
}

/// Reads files on all processors, in no order.
fn read_all(found: &[Found]) -> Vec<Read> {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(found.len()));
    let work = || {
        while let Some(one) = found.get(next.fetch_add(1, Ordering::Relaxed)) {
            let read = match read(one) {
                // Beside what was asked for there may be anything.
                Err(_) if one.part == Part::Beside => Ok(None),
                read => read,
            };
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(read);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..processors.min(found.len()) {
            scope.spawn(work);
        }
        work();
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn read(found: &Found) -> Read {
    let unchecked = |why: String| Unchecked {
        path: found.path.clone(),
        line: None,
        why,
    };
    let bytes =
        bytes(&found.file).map_err(|error| unchecked(format!("it cannot be read: {error}")))?;
    let Some(bytes) = bytes else {
        return Err(unchecked(format!("it has more than {} MiB", LARGEST >> 20)));
    };
    let Some((text, encoding)) = decode(bytes) else {
        return Err(unchecked("it is no text".to_owned()));
    };
    let kind = match found.kind {
        FileKind::Script => match FileKind::of_python(&found.path, &text) {
            Some(kind) => kind,
            None => return Ok(None),
        },
        kind => kind,
    };
    // A reader that panics has found nothing out: that is said, and the other files are still read.
    let read = AssertUnwindSafe(|| read_text(&found.path, kind, text));
    let file = catch_unwind(read)
        .map_err(|_| unchecked("its reader failed, which is a bug of portcullis".to_owned()))?;
    let found = Found {
        kind,
        ..found.clone()
    };
    Ok(Some((file, Source { found, encoding })))
}

/// A file as the project has it. Of Python that cannot be parsed, nothing is known but that.
pub(super) fn read_text(path: &str, kind: FileKind, text: String) -> ProjectFile {
    let calls = match kind {
        FileKind::SetupPy | FileKind::Noxfile => literal_calls(&text),
        // What a script wants is in its comments.
        _ => Ok(Vec::new()),
    };
    let why = calls.as_ref().err().map(ToString::to_string);
    let mut file = ProjectFile::read(path, kind, text, &calls.unwrap_or_default());
    let unread = why.map(|why| Unread { at: None, why });
    file.contents.unread.extend(unread);
    file
}

/// The bytes of a file; `None` where there are too many.
fn bytes(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(LARGEST)).unwrap_or_default());
    // The length is what it was a moment ago; what is read is bounded by itself.
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= LARGEST).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(real.join(name), bytes).unwrap();
        write("requirements.txt", b"flask\n");
        write("requirements-binary.txt", b"a\0b");
        let large = File::create(real.join("uv.lock")).unwrap();
        large.set_len(LARGEST + 1).unwrap();
        let root = Root::of(std::slice::from_ref(&real)).unwrap();
        let discovered = super::super::discovery::discover(std::slice::from_ref(&real), &root);
        let gathered = gather(discovered, &root);
        let files = gathered.project.files.iter();
        let paths: Vec<&str> = files.map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["requirements.txt"]);
        let unchecked = gathered.unchecked.iter();
        let unchecked: Vec<(&str, &str)> = unchecked
            .map(|one| (one.path.as_str(), one.why.as_str()))
            .collect();
        assert_eq!(
            unchecked,
            [
                ("requirements-binary.txt", "it is no text"),
                ("uv.lock", "it has more than 16 MiB")
            ]
        );
    }

    #[test]
    fn python_that_cannot_be_parsed_is_told() {
        for (text, expected) in [
            ("from setuptools import setup\nsetup(name='a')\n", None),
            ("x = 1\nprint 'a'\n", Some("line 2 is not Python 3")),
        ] {
            let file = read_text("setup.py", FileKind::SetupPy, text.to_owned());
            let why = file
                .contents
                .unread
                .first()
                .map(|unread| unread.why.as_str());
            assert_eq!(why.is_some(), expected.is_some(), "{why:?}");
            assert!(
                expected.is_none_or(|expected| why.unwrap().contains(expected)),
                "{why:?}"
            );
        }
    }

    #[test]
    fn included_files_are_of_the_project_or_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap().join("project");
        for path in [
            "deps/base.list",
            "deps/requirements.txt",
            "top.list",
            "vendor/a.list",
            "../out.list",
        ] {
            let path = real.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let settings = "exclude = [\"vendor\"]\n";
        std::fs::write(real.join("portcullis-check.toml"), settings).unwrap();
        let root = Root::of(&[real]).unwrap();
        for (included, expected) in [
            ("base.list", Some("deps/base.list")),
            ("./base.list", Some("deps/base.list")),
            ("../top.list", Some("top.list")),
            ("top.list", Some("top.list")),
            ("vendor/a.list", None),
            ("absent.list", None),
            ("https://a.example/base.list", None),
            ("${HERE}/base.list", None),
            ("../../out.list", None),
            (".", None),
        ] {
            let found = here("deps/requirements.txt", included, &root);
            assert_eq!(found.as_deref(), expected, "{included}");
        }
    }
}
