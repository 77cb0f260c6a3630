//! [`baseline`]: which file a file is compared with, among those of its project that were let through.

use std::cmp::Reverse;

use crate::digest::Sha256;
use crate::pypi::filename::{DistFilename, DistKind, WheelTags};

/// A file of a project that was inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub filename: DistFilename,
    /// Of its bytes.
    pub sha256: Sha256,
    /// Whether the gateway let it through.
    pub was_let_through: bool,
}

/// The file that `file` is compared with: of the same form (wheel with wheel, sdist with sdist), of the
/// highest version below its own of which any was let through, and of several wheels the one whose tags
/// are most like its own. `None` when there is nothing to compare it with.
#[must_use]
pub fn baseline<'a>(file: &DistFilename, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
    let version = file.version()?;
    let fit = candidates.iter().filter(|candidate| {
        let other = &candidate.filename;
        let is_lower = other.version().is_some_and(|other| other < version);
        candidate.was_let_through
            && is_lower
            && has_same_form(file, other)
            && other.project() == file.project()
    });
    fit.max_by_key(|candidate| {
        let other = &candidate.filename;
        let name = Reverse(other.as_str());
        (other.version(), likeness(file.kind(), other.kind()), name)
    })
}

/// The sdist of the release that the wheel `file` belongs to, among files that were inspected, let
/// through or not.
#[must_use]
pub fn sdist_of<'a>(file: &DistFilename, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
    let version = file.version().filter(|_| file.is_wheel())?;
    let mut fit = candidates.iter().filter(|candidate| {
        let other = &candidate.filename;
        *other.kind() == DistKind::Sdist
            && other.version() == Some(version)
            && other.project() == file.project()
    });
    fit.next()
}

fn has_same_form(file: &DistFilename, other: &DistFilename) -> bool {
    matches!(
        (file.kind(), other.kind()),
        (DistKind::Wheel(_), DistKind::Wheel(_)) | (DistKind::Sdist, DistKind::Sdist)
    )
}

/// How much the tags of two wheels have in common: the platform counts most, since it decides which
/// machine code is inside, then the interpreter and its ABI.
fn likeness(one: &DistKind, other: &DistKind) -> u8 {
    let (DistKind::Wheel(one), DistKind::Wheel(other)) = (one, other) else {
        return 0;
    };
    let system = |tags: &WheelTags| -> String {
        let platform = tags.platform.trim_end_matches(|c: char| c.is_ascii_digit());
        platform
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect()
    };
    let machine = |tags: &WheelTags| -> String {
        let machines = [
            "x86_64",
            "aarch64",
            "arm64",
            "amd64",
            "universal2",
            "i686",
            "any",
        ];
        let named = machines
            .iter()
            .find(|machine| tags.platform.ends_with(**machine));
        named
            .map(|machine| (*machine).to_owned())
            .unwrap_or_default()
    };
    let points = [
        (one.platform == other.platform, 16),
        (system(one) == system(other), 8),
        (machine(one) == machine(other), 4),
        (one.python == other.python, 2),
        (one.abi == other.abi, 1),
    ];
    points
        .iter()
        .filter(|(same, _)| *same)
        .map(|(_, points)| points)
        .sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn named(filename: &str) -> DistFilename {
        DistFilename::parse(filename, None).unwrap()
    }

    fn let_through(filenames: &[&str]) -> Vec<Candidate> {
        let candidate = |filename: &&str| Candidate {
            filename: named(filename.trim_start_matches('!')),
            sha256: Sha256::of(filename.as_bytes()),
            was_let_through: !filename.starts_with('!'),
        };
        filenames.iter().map(candidate).collect()
    }

    fn chosen(file: &str, others: &[&str]) -> Option<String> {
        let others = let_through(others);
        let found = baseline(&named(file), &others);
        found.map(|found| found.filename.as_str().to_owned())
    }

    #[test]
    fn the_highest_lower_version_of_the_same_form_is_compared_with() {
        const NEW: &str = "x-1.10-py3-none-any.whl";
        for (file, others, expected) in [
            (
                NEW,
                &["x-1.9-py3-none-any.whl", "x-1.2-py3-none-any.whl"][..],
                Some("x-1.9-py3-none-any.whl"),
            ),
            (NEW, &["x-1.9.tar.gz"], None),
            ("x-1.10.tar.gz", &["x-1.9.tar.gz"], Some("x-1.9.tar.gz")),
            ("x-1.10.tar.gz", &["x-1.9-py3-none-any.whl"], None),
            (
                NEW,
                &["x-1.10-py3-none-any.whl", "x-1.11-py3-none-any.whl"],
                None,
            ),
            (NEW, &["y-1.9-py3-none-any.whl"], None),
            (NEW, &["x-1.9.exe"], None),
            (NEW, &[], None),
            ("notes.txt", &["x-1.9.tar.gz"], None),
        ] {
            assert_eq!(
                chosen(file, others).as_deref(),
                expected,
                "{file} {others:?}"
            );
        }
    }

    #[test]
    fn what_was_refused_is_no_measure() {
        let others = ["!x-1.9-py3-none-any.whl", "x-1.8-py3-none-any.whl"];
        let chosen = chosen("x-1.10-py3-none-any.whl", &others);
        assert_eq!(chosen.as_deref(), Some("x-1.8-py3-none-any.whl"));
    }

    #[test]
    fn the_wheel_for_the_same_machine_is_preferred() {
        const LINUX: &str = "x-1-cp311-cp311-manylinux_2_17_x86_64.whl";
        const NEWER_LINUX: &str = "x-1-cp312-cp312-manylinux_2_28_x86_64.whl";
        const ARM: &str = "x-1-cp312-cp312-manylinux_2_28_aarch64.whl";
        const MAC: &str = "x-1-cp312-cp312-macosx_11_0_arm64.whl";
        for (file, expected) in [
            ("x-2-cp312-cp312-manylinux_2_28_x86_64.whl", NEWER_LINUX),
            ("x-2-cp311-cp311-manylinux_2_17_x86_64.whl", LINUX),
            ("x-2-cp313-cp313-manylinux_2_34_aarch64.whl", ARM),
            ("x-2-cp313-cp313-macosx_12_0_arm64.whl", MAC),
        ] {
            let chosen = chosen(file, &[MAC, LINUX, ARM, NEWER_LINUX]);
            assert_eq!(chosen.as_deref(), Some(expected), "{file}");
        }
    }

    #[test]
    fn a_wheel_is_held_against_the_sdist_of_its_own_release() {
        let others = let_through(&["x-1.9.tar.gz", "!x-1.10.tar.gz", "x-1.10-py2-none-any.whl"]);
        let found = sdist_of(&named("x-1.10-py3-none-any.whl"), &others).unwrap();
        assert_eq!(found.filename.as_str(), "x-1.10.tar.gz");
        assert_eq!(sdist_of(&named("x-1.10.tar.gz"), &others), None);
        assert_eq!(sdist_of(&named("x-1.11-py3-none-any.whl"), &others), None);
    }
}
