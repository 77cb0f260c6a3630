//! [`survey`]: a wheel or sdist read from end to end without stopping at what is wrong with it. The
//! strict readers beside it refuse at the first flaw; this one goes on, the way installers do, and
//! reports.
//!
//! Read the modules in this order: flaws and facts, what a file is and how it ends, names, zip
//! files, tarballs, RECORD and compiled Python, and what is made of it for the analysis of Python.
//!
//! **Invariant:** at any time at most one member's kept bytes (8 MiB), the documents (32 MiB at
//! most), and the names and headers are in memory. Nothing is written anywhere.

mod flaw;

mod fact;
mod content;
mod appended;
mod nested;
mod names;
mod place;
mod window;
mod intake;
mod gathering;

mod zip_frame;
mod zip_entries;
mod zip_member;
mod ahead;
mod zip_walk;
mod second_zip;

mod streams;
mod tar_header;
mod tar_walk;
mod second_tar;

mod record_lines;
mod compiled;

mod documents;
mod startup;
mod sources;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use portcullis_core::inspection::CodeHash;
use portcullis_core::pypi::filename::{DistFilename, DistKind};

use super::limits::Limits;
use gathering::Gathering;

pub use appended::Ending;
pub use compiled::Compiled;
pub use content::Content;
pub use documents::BuildSystem;
pub use fact::{MemberFact, MemberKind, PycHeader, PycSource};
pub use flaw::{Flaw, Violation};
pub use intake::LONGEST_SOURCE;
pub use nested::Nested;
pub use place::{data_tree, installed_scripts, is_startup_list, site_path};
pub use sources::{LARGEST_SOURCES, survey_with_sources};
pub use startup::StartupLine;
pub(crate) use startup::lines as startup_lines;

/// What was seen of one archive.
#[derive(Clone, Debug)]
pub struct Survey {
    /// The file name it was read under.
    pub filename: DistFilename,
    /// How it is packed.
    pub container: Container,
    /// All members, in the order in which they lie in the archive.
    pub members: Vec<MemberFact>,
    /// Everything wrong with the container and with RECORD.
    pub violations: Vec<Violation>,
    /// METADATA, WHEEL, PKG-INFO, `entry_points.txt`, `pyproject.toml`, `setup.cfg`, `setup.py`
    /// at the places where they count, and what Python reads at each start; by member.
    pub documents: BTreeMap<Arc<str>, Vec<u8>>,
    /// Compiled Python and its sources.
    pub compiled: Vec<Compiled>,
    /// The hash of the code of each Python source that was handed out whole, by member.
    pub codes: HashMap<Arc<str>, CodeHash>,
    /// The archive, in bytes.
    pub packed: u64,
    /// The members that were read, in bytes.
    pub inflated: u64,
}

/// How an archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// A zip file: a wheel, or an old sdist.
    Zip,
    /// A compressed tar archive.
    Tarball,
    /// A document beside a release, of which nothing runs: the variants of its wheels.
    Document,
    /// Nothing that is read here.
    Unknown,
}

/// A member that somebody wants to read, whole: Python, or the first [`LONGEST_SOURCE`] bytes and
/// one more of a longer source.
#[derive(Debug)]
pub struct Text<'a> {
    /// The member.
    pub name: &'a Arc<str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Who is handed each text.
pub type Visitor<'a> = &'a mut dyn FnMut(Text<'_>);

/// Reads a wheel or an sdist (`.tar.gz`, `.tgz`, `.tar.bz2`, `.tar.xz`, `.zip`) once, hands every
/// Python source to `visit` on the way, and reports everything that is wrong with the container.
///
/// An archive that cannot be read at all comes back with a violation that says so.
///
/// # Errors
/// Those of `archive`, which say nothing about what it holds.
pub fn survey(
    mut archive: impl Read + Seek,
    filename: &DistFilename,
    limits: &Limits,
    visit: Visitor<'_>,
) -> io::Result<Survey> {
    let packed = archive.seek(SeekFrom::End(0))?;
    archive.seek(SeekFrom::Start(0))?;
    let mut gathering = Gathering::new(filename, limits, visit);
    let container = container(filename);
    match container {
        Container::Zip => zip_walk::walk_zip(archive, &mut gathering)?,
        Container::Tarball => tar_walk::walk_tar(archive, &mut gathering)?,
        Container::Document => {}
        Container::Unknown => {
            let violations = &mut gathering.violations;
            violations.container(
                Flaw::NotInspected,
                "the file name is that of no distribution",
            );
        }
    }
    Ok(Survey {
        filename: filename.clone(),
        container,
        compiled: gathering.compiled(),
        members: gathering.members,
        violations: gathering.violations.finish(),
        documents: gathering.documents,
        codes: gathering.codes,
        packed,
        inflated: gathering.inflated,
    })
}

fn container(filename: &DistFilename) -> Container {
    let name = filename.as_str();
    match filename.kind() {
        DistKind::Wheel(_) => Container::Zip,
        DistKind::Sdist if name.ends_with(".zip") => Container::Zip,
        DistKind::Sdist if !name.ends_with(".Z") => Container::Tarball,
        DistKind::Other if name.ends_with("-variants.json") => Container::Document,
        DistKind::Sdist | DistKind::Other => Container::Unknown,
    }
}

impl Survey {
    /// Whether it is a wheel.
    #[must_use]
    pub fn is_wheel(&self) -> bool {
        self.filename.is_wheel()
    }

    /// The members that are files.
    pub fn files(&self) -> impl Iterator<Item = &MemberFact> {
        self.members.iter().filter(|member| member.is_file())
    }

    /// Whether everything was read. What was not is named by violations.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let hides = |violation: &Violation| {
            matches!(
                violation.flaw,
                Flaw::NotInspected | Flaw::Unreadable | Flaw::DataBroken
            )
        };
        !self.violations.iter().any(hides)
    }
}
