//! The folder that carries a distribution's name, whether it belongs to the archive's file name, and
//! the licence files that METADATA announces (PEP 427, PEP 625, PEP 639). The rest of METADATA is
//! core's to read.

use std::collections::BTreeSet;
use std::str::FromStr;

use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::Version;

use super::error::{ArchiveError, Member, Problem};
use super::member_name::Names;

const DIST_INFO: &str = ".dist-info";

/// The one top-level `.dist-info` folder among these names, without a trailing slash.
pub(super) fn find_dist_info<'a>(
    names: impl Iterator<Item = &'a str>,
    filename: &DistFilename,
) -> Result<&'a str, ArchiveError> {
    let tops = names
        .filter_map(|name| name.split_once('/'))
        .map(|(top, _)| top);
    // The ending is compared as file systems that fold case would do it.
    let is_dist_info = |top: &&str| top.to_ascii_lowercase().ends_with(DIST_INFO);
    let folders: BTreeSet<&str> = tops.filter(is_dist_info).collect();
    let mut folders = folders.into_iter();
    let Some(folder) = folders.next() else {
        return Err(ArchiveError::Missing(Member::new(&expected_folder(
            filename, DIST_INFO,
        ))));
    };
    if let Some(second) = folders.next() {
        let (first, second) = (Member::new(folder), Member::new(second));
        return Err(ArchiveError::Ambiguous { first, second });
    }
    match folder.strip_suffix(DIST_INFO) {
        Some(stem) if belongs_to(stem, filename) => Ok(folder),
        _ => Err(other_distribution(folder, filename)),
    }
}

/// Whether `{name}-{version}` means the distribution of the file name. Spellings may differ as the
/// specifications let them; old archives carry dashes in the name.
pub(super) fn belongs_to(stem: &str, filename: &DistFilename) -> bool {
    let (Some(project), Some(version)) = (filename.project(), filename.version()) else {
        return false;
    };
    // A version parser forgives blanks around the version; a folder's name must not have them.
    let has_blanks = stem.contains(char::is_whitespace);
    !has_blanks
        && stem.match_indices('-').any(|(at, _)| {
            ProjectName::new(&stem[..at]).is_ok_and(|name| name == *project)
                && Version::from_str(&stem[at + 1..]).is_ok_and(|found| found == *version)
        })
}

pub(super) fn other_distribution(folder: &str, filename: &DistFilename) -> ArchiveError {
    ArchiveError::OtherDistribution {
        found: Member::new(folder),
        filename: Member::new(filename.as_str()),
    }
}

/// `{name}-{version}` and an ending, as the specifications want them, for messages.
pub(super) fn expected_folder(filename: &DistFilename, ending: &str) -> String {
    match (filename.project(), filename.version()) {
        (Some(project), Some(version)) => {
            format!("{}-{version}{ending}", project.as_file_name_part())
        }
        _ => format!("folder{ending}"),
    }
}

/// Refuses METADATA whose `License-File` entries are not in the archive below `folder`, as metadata
/// 2.4 promises they are. Older metadata had its own ideas of where they live.
pub(super) fn check_license_files(
    metadata: &[u8],
    folder: &str,
    names: &Names<'_>,
) -> Result<(), ArchiveError> {
    let text = String::from_utf8_lossy(metadata);
    let promised = headers(&text).any(|(key, value)| {
        key.eq_ignore_ascii_case("Metadata-Version") && metadata_version(value) >= Some((2, 4))
    });
    if !promised {
        return Ok(());
    }
    for (key, value) in headers(&text) {
        let path = format!("{folder}/{value}");
        if key.eq_ignore_ascii_case("License-File") && !names.contains(&path) {
            return Err(ArchiveError::member(&path, Problem::NoLicense));
        }
    }
    Ok(())
}

/// The header lines up to the first empty line. Continuations are passed over: neither of the two
/// headers read here is ever folded.
fn headers(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().take_while(|line| !line.is_empty());
    let fresh = lines.filter(|line| !line.starts_with([' ', '\t']));
    fresh
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
}

fn metadata_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filename(text: &str) -> DistFilename {
        DistFilename::parse(text, None).expect(text)
    }

    #[test]
    fn spellings_may_differ_but_the_distribution_may_not() {
        let wheel = filename("Foo.Bar-1.0-py3-none-any.whl");
        for stem in [
            "foo_bar-1.0",
            "Foo.Bar-1.0",
            "foo-bar-1.0",
            "foo_bar-1",
            "foo_bar-v1.0",
        ] {
            assert!(belongs_to(stem, &wheel), "{stem}");
        }
        for stem in [
            "foo_bar",
            "foo_bar-1.1",
            "foo-1.0",
            "foo_bar-1.0-1",
            "foo_bar-1.0 ",
            "-1.0",
        ] {
            assert!(!belongs_to(stem, &wheel), "{stem}");
        }
    }

    #[test]
    fn there_is_exactly_one_top_level_dist_info() {
        let wheel = filename("foo-1.0-py3-none-any.whl");
        let find = |names: &[&'static str]| {
            find_dist_info(names.iter().copied(), &wheel).map_err(|error| error.to_string())
        };
        let nested = ["foo/x.dist-info/METADATA", "foo-1.0.dist-info/METADATA"];
        assert_eq!(find(&nested).as_deref(), Ok("foo-1.0.dist-info"));
        for (names, message) in [
            (
                &["foo/a"][..],
                "there is no foo-1.0.dist-info in the archive",
            ),
            (
                &["bar-1.0.dist-info/x"],
                "bar-1.0.dist-info does not belong to foo-1.0-py3-none-any.whl",
            ),
            (
                &["foo-1.0.DIST-info/x"],
                "foo-1.0.DIST-info does not belong to foo-1.0-py3-none-any.whl",
            ),
            (
                &["foo-1.0.dist-info/x", "Foo-1.0.dist-info/x"],
                "foo-1.0.dist-info stands beside Foo-1.0.dist-info, where there must be only one",
            ),
        ] {
            assert_eq!(find(names), Err(message.to_owned()));
        }
    }

    #[test]
    fn promised_license_files_are_there() {
        let names = Names::new(vec!["d/licenses/LICENSE", "d/licenses/a/B"]).expect("distinct");
        let check = |text: &str| check_license_files(text.as_bytes(), "d/licenses", &names).is_ok();
        assert!(check(
            "Metadata-Version: 2.4\nLicense-File: LICENSE\nLicense-File: a/B\n"
        ));
        assert!(check("Metadata-Version: 2.3\nLicense-File: nowhere\n"));
        assert!(check(
            "Metadata-Version: 2.4\nLicense-File: LICENSE\n\nLicense-File: in prose\n"
        ));
        assert!(!check("Metadata-Version: 2.4\nLicense-File: nowhere\n"));
        assert!(!check(
            "metadata-version: 2.10\r\nlicense-file: nowhere\r\n"
        ));
    }
}
