//! Wheels and sdists: as raw bytes, and as packages that a row of choices describes.

use std::collections::BTreeSet;
use std::io::Cursor;

use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::{sdist, wheel};
use portcullis_inspect::archive::survey::{Survey, survey_with_sources};
use portcullis_inspect::archive::{
    MetadataReader, Step, read_licence_files, read_sdist, read_wheel,
};
use portcullis_inspect::inspection::{Inspection, inspect_archive};
use portcullis_inspect::rules::archive::check_archive;

use crate::Property;
use crate::choices::{Choices, rows_of_choices};
use crate::holding::{budget, contents_hold, inspected_holds, limits};
use crate::packages::{Distribution, Entry, tar, zip};

/// Packages that choices describe.
pub(crate) static WHOLE_INSPECTION: Property = Property {
    name: "whole_inspection",
    what: "packages with right checksums are inspected, twice alike, and the answer is consistent",
    check: |bytes| {
        let mut choices = Choices::new(bytes);
        let distribution = Distribution::chosen(&mut choices);
        let (archive, filename) = distribution.pack(&mut choices);
        archive_holds(&archive, &filename);
    },
    seeds: rows_of_choices,
    words: &[],
};

/// Zip files called like wheels.
pub(crate) static WHEEL: Property = Property {
    name: "wheel",
    what: "any bytes called a wheel are inspected, and what the strict reader refuses is not clean",
    check: |bytes| drop(archive_holds(bytes, &named("demo-1.0-py3-none-any.whl"))),
    seeds: || {
        let entries = [Entry::new(
            "demo/__init__.py",
            "import os\nos.system('a')\n",
        )];
        let good = wheel("demo", "1.0").file("demo/a.py", "x = 1\n").build();
        let startup = wheel("demo", "1.0")
            .file("demo.pth", "import a; a.b()\n")
            .build();
        vec![good, startup, zip(&entries, &mut Choices::new(b""))]
    },
    words: &[
        "PK\x03\x04",
        "PK\x01\x02",
        "PK\x05\x06",
        "PK\x06\x06",
        "PK\x06\x07",
        "PK\x07\x08",
    ],
};

/// Compressed tarballs, by what they are called after the first byte.
pub(crate) static SDIST_TAR: Property = Property {
    name: "sdist_tar",
    what: "any bytes called a tarball are inspected, compressed or yet to be compressed",
    check: |bytes| {
        let Some((first, rest)) = bytes.split_first() else {
            return;
        };
        match first % 5 {
            0 => archive_holds(rest, &named("demo-1.0.tar.gz")),
            1 => archive_holds(rest, &named("demo-1.0.tar.bz2")),
            2 => archive_holds(rest, &named("demo-1.0.tar.xz")),
            3 => archive_holds(&crate::packages::bzip2(rest), &named("demo-1.0.tar.bz2")),
            // Most inputs: what stands inside is what is of interest.
            _ => archive_holds(&crate::packages::gzip(rest), &named("demo-1.0.tar.gz")),
        };
    },
    seeds: || {
        let entries = [
            Entry::new("demo-1.0/PKG-INFO", crate::packages::METADATA),
            Entry::new("demo-1.0/setup.py", "import os\nos.system('a')\n"),
        ];
        let inside = tar(&entries, &mut Choices::new(b""));
        let packed = sdist("demo", "1.0").file("setup.py", "pass\n").build();
        let marked = |mark: u8, bytes: &[u8]| [&[mark], bytes].concat();
        vec![
            marked(0, &packed),
            marked(1, &crate::packages::bzip2(&inside)),
            marked(4, &inside),
        ]
    },
    words: &[
        "ustar\0",
        "ustar  \0",
        "././@LongLink",
        "GNU.sparse.map",
        "path=",
        "size=",
        "linkpath=",
    ],
};

/// Zip files called like sdists.
pub(crate) static SDIST_ZIP: Property = Property {
    name: "sdist_zip",
    what: "any bytes called a zipped sdist are inspected, and what the strict reader refuses is not clean",
    check: |bytes| drop(archive_holds(bytes, &named("demo-1.0.zip"))),
    seeds: || {
        let entries = [
            Entry::new("demo-1.0/PKG-INFO", crate::packages::METADATA),
            Entry::new("demo-1.0/setup.py", "import os\nos.system('a')\n"),
        ];
        vec![zip(&entries, &mut Choices::new(b""))]
    },
    words: WHEEL.words,
};

pub(crate) fn named(text: &str) -> DistFilename {
    DistFilename::parse(text, None).expect("a distribution's name")
}

/// Panics unless `archive` is inspected, the same twice, and the answer holds.
pub(crate) fn archive_holds(archive: &[u8], filename: &DistFilename) -> Inspection {
    let inspection = inspected(archive, filename);
    let again = inspected(archive, filename);
    assert_eq!(inspection.inspected, again.inspected, "not the same twice");
    assert_eq!(inspection.contents, again.contents, "not the same twice");
    contents_hold(&inspection);
    let read = survey_with_sources(Cursor::new(archive), filename, &limits());
    let (survey, _) = read.expect("memory is read without errors");
    inspected_holds(&inspection.inspected, &names(&survey));
    limits_hold(&survey);
    strict_readers_agree(archive, filename, &survey);
    inspection
}

fn inspected(archive: &[u8], filename: &DistFilename) -> Inspection {
    let inspection = inspect_archive(Cursor::new(archive), filename, &budget());
    inspection.expect("memory is read without errors")
}

fn names(survey: &Survey) -> BTreeSet<String> {
    let members = survey.members.iter().map(|member| member.name.to_string());
    let listed = survey.violations.iter().flat_map(|one| &one.member);
    let folders = survey.members.iter().flat_map(|member| {
        let ends = member.name.match_indices('/').map(|(at, _)| at);
        ends.map(|at| member.name[..at].to_owned())
    });
    let all = members
        .chain(listed.map(ToString::to_string))
        .chain(folders);
    // What is about the archive as a whole bears its name.
    all.chain([survey.filename.as_str().to_owned()]).collect()
}

/// No more is kept than the limits say.
fn limits_hold(survey: &Survey) {
    let limits = limits();
    assert!(survey.members.len() as u64 <= limits.members);
    // The member that goes over the limit is counted up to the block that does.
    assert!(
        survey.inflated <= limits.total_size + (1 << 20),
        "{}",
        survey.inflated
    );
    let kept: usize = survey.documents.values().map(Vec::len).sum();
    assert!(kept <= 40 << 20, "{kept} bytes of documents");
}

/// What a strict reader refuses is never clean, and METADATA by range is what the whole wheel holds.
fn strict_readers_agree(archive: &[u8], filename: &DistFilename, survey: &Survey) {
    let is_clean = survey.violations.is_empty() && check_archive(survey).is_empty();
    let reader = || Cursor::new(archive);
    if !filename.is_wheel() {
        let read = read_sdist(reader(), filename, &limits());
        let is_read_here = !filename.as_str().ends_with(".xz");
        assert!(
            read.is_ok() || !is_clean || !is_read_here,
            "clean, but {read:?}"
        );
        return;
    }
    let read = read_wheel(reader(), filename, &limits());
    assert!(read.is_ok() || !is_clean, "clean, but {read:?}");
    // Whatever is wrong with licence files, nothing may panic.
    let _ = read_licence_files(reader(), filename, &limits());
    let fetched = metadata_by_range(archive, filename);
    if let (Ok(contents), Some(fetched)) = (read, fetched) {
        assert_eq!(contents.metadata, fetched, "METADATA by range");
    }
}

fn metadata_by_range(archive: &[u8], filename: &DistFilename) -> Option<Vec<u8>> {
    let mut reader = MetadataReader::start(filename, archive.len() as u64, &limits()).ok()?;
    for _ in 0..3 {
        let range = reader.range();
        let wanted = archive.get(range.start as usize..range.end as usize);
        match reader.feed(wanted.expect("a range within the file")).ok()? {
            Step::Need(next) => reader = next,
            Step::Done(metadata) => return Some(metadata),
        }
    }
    panic!("more than three requests");
}
