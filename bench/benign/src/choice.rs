//! Which files of a project belong to the set: one wheel and one sdist of the newest release, and of
//! the last one that had been out for a while when the newest came. Pure; pages are fetched elsewhere.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::{DistFilename, DistKind, WheelTags};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{PageFile, ProjectPage, Yanked};
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;

use crate::manifest::{Entry, Kind, Role};

/// The largest wheel that is taken, in bytes.
const LARGEST_WHEEL: u64 = 40_000_000;
/// The largest sdist of a newest release that is taken, in bytes.
const LARGEST_SDIST: u64 = 25_000_000;
/// The largest sdist of an earlier release that is taken, in bytes.
const LARGEST_SDIST_BEFORE: u64 = 2_000_000;
/// How long before the newest release the earlier one was published at least, in milliseconds.
const APART: i64 = 60 * Timestamp::DAY;
/// Wheels of binaries are taken for this interpreter.
const MINOR: u32 = 11;

/// A file that could be taken, with what the choice is made by.
struct Candidate<'a> {
    file: &'a PageFile,
    name: DistFilename,
    sha256: Sha256,
    size: u64,
    uploaded: Timestamp,
}

/// What belongs to the set out of what `page` lists.
pub(crate) fn of(project: &ProjectName, page: &ProjectPage) -> Vec<Entry> {
    let mut releases: BTreeMap<Version, Vec<Candidate<'_>>> = BTreeMap::new();
    for candidate in page
        .files
        .iter()
        .filter_map(|file| candidate(project, file))
    {
        if let Some(version) = candidate.name.version().cloned() {
            releases.entry(version).or_default().push(candidate);
        }
    }
    if releases.keys().any(Version::is_stable) {
        releases.retain(|version, _| version.is_stable());
    }
    let Some((_, newest)) = releases.pop_last() else {
        return Vec::new();
    };
    let bar = published(&newest).plus_millis(-APART);
    let before = releases
        .into_values()
        .rfind(|release| published(release) <= bar);
    let mut entries = chosen(project, Role::Newest, LARGEST_SDIST, &newest);
    if let Some(before) = before {
        let role = Role::Before;
        entries.extend(chosen(project, role, LARGEST_SDIST_BEFORE, &before));
    }
    entries
}

fn candidate<'a>(project: &ProjectName, file: &'a PageFile) -> Option<Candidate<'a>> {
    let yanked = !matches!(file.yanked, Yanked::No);
    let name = DistFilename::parse(&file.filename, Some(project)).ok()?;
    if yanked || *name.kind() == DistKind::Other {
        return None;
    }
    Some(Candidate {
        file,
        name,
        sha256: file.hashes.get("sha256")?.parse().ok()?,
        size: file.size?,
        uploaded: file.upload_time.as_ref()?.at,
    })
}

/// When the first file of a release was uploaded.
fn published(release: &[Candidate<'_>]) -> Timestamp {
    let first = release.iter().map(|candidate| candidate.uploaded).min();
    first.expect("a release has a file, else nobody made an entry for it")
}

fn chosen(
    project: &ProjectName,
    role: Role,
    largest_sdist: u64,
    release: &[Candidate<'_>],
) -> Vec<Entry> {
    let wheels = release.iter().filter_map(|candidate| {
        let rank = wheel_rank(candidate).filter(|_| candidate.size <= LARGEST_WHEEL)?;
        Some(((rank, candidate.size, candidate.name.as_str()), candidate))
    });
    let sdists = release.iter().filter(|candidate| {
        *candidate.name.kind() == DistKind::Sdist && candidate.size <= largest_sdist
    });
    let common_form = |candidate: &&Candidate<'_>| candidate.name.as_str().ends_with(".tar.gz");
    let wheel = wheels.min_by_key(|(rank, _)| *rank);
    let sdist = sdists.max_by_key(|sdist| (common_form(sdist), Reverse(sdist.name.as_str())));
    let entry = |kind, candidate: &Candidate<'_>| Entry {
        sha256: candidate.sha256,
        size: candidate.size,
        role,
        kind,
        project: project.clone(),
        filename: (*candidate.file.filename).into(),
    };
    let wheel = wheel.map(|(_, candidate)| entry(Kind::Wheel, candidate));
    let sdist = sdist.map(|candidate| entry(Kind::Sdist, candidate));
    wheel.into_iter().chain(sdist).collect()
}

/// Which wheel is preferred, the least first: pure Python, else for one common platform. `None` for
/// wheels that such a machine does not install.
fn wheel_rank(candidate: &Candidate<'_>) -> Option<u8> {
    let DistKind::Wheel(tags) = candidate.name.kind() else {
        return None;
    };
    let WheelTags {
        python,
        abi,
        platform,
        ..
    } = tags;
    let for_python_3 = python.split('.').any(|tag| tag == "py3");
    let minor = || python.strip_prefix("cp3")?.parse::<u32>().ok();
    let common = platform.contains("manylinux") && platform.contains("x86_64");
    match &**abi {
        "none" if for_python_3 && &**platform == "any" => Some(0),
        "none" if for_python_3 && common => Some(3),
        "abi3" if common && minor().is_some_and(|minor| minor <= MINOR) => Some(2),
        "cp311" if common && minor() == Some(MINOR) => Some(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use portcullis_core::pypi::simple_json;
    use serde_json::json;

    use super::*;

    /// What is chosen from files that are given as `(name, size, day of upload)`.
    fn chosen_from(files: &[(&str, u64, &str)]) -> Vec<String> {
        let project: ProjectName = "acme".parse().expect("a name");
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let files: Vec<_> = files
            .iter()
            .map(|(name, size, day)| {
                json!({
                    "filename": name.trim_start_matches('!'), "url": name, "size": size,
                    "hashes": {"sha256": digest}, "upload-time": format!("{day}T00:00:00Z"),
                    "yanked": name.starts_with('!'),
                })
            })
            .collect();
        let page = json!({"meta": {"api-version": "1.1"}, "name": "acme", "versions": [],
                          "files": files});
        let page = simple_json::parse(page.to_string().as_bytes(), &project).expect("a page");
        let entries = of(&project, &page).into_iter();
        entries
            .map(|entry| format!("{} {}", entry.role.as_str(), entry.filename))
            .collect()
    }

    #[test]
    fn the_wheel_is_the_one_most_machines_would_install() {
        let binary = "acme-1.0-cp311-cp311-manylinux_2_17_x86_64.whl";
        let stable = "acme-1.0-cp39-abi3-manylinux_2_17_x86_64.whl";
        let program = "acme-1.0-py3-none-manylinux_2_17_x86_64.whl";
        let others = [
            "acme-1.0-cp312-abi3-manylinux_2_17_x86_64.whl",
            "acme-1.0-cp311-cp311-win_amd64.whl",
            "acme-1.0-cp311-cp311-manylinux_2_17_aarch64.whl",
            "acme-1.0-py2-none-any.whl",
            "acme-1.0.win32.exe",
            "!acme-1.0-py3-none-any.whl",
        ];
        let mut listed: Vec<&str> = others.to_vec();
        for better in ["", program, stable, binary, "acme-1.0-py2.py3-none-any.whl"] {
            listed.extend((!better.is_empty()).then_some(better));
            let files: Vec<_> = listed.iter().map(|name| (*name, 9, "2026-01-01")).collect();
            let expected: Vec<_> = (!better.is_empty())
                .then(|| format!("newest {better}"))
                .into_iter()
                .collect();
            assert_eq!(chosen_from(&files), expected);
        }
    }

    #[test]
    fn the_release_before_had_been_out_for_a_while() {
        let chosen = chosen_from(&[
            ("acme-3.0rc1.tar.gz", 9, "2026-07-01"),
            ("acme-2.1.zip", 9, "2026-06-02"),
            ("acme-2.1.tar.gz", 9, "2026-06-01"),
            ("acme-2.0.tar.gz", 9, "2026-04-10"),
            ("acme-1.9.tar.gz", 9, "2026-04-02"),
            ("acme-1.10.tar.gz", 9, "2026-04-02"),
        ]);
        assert_eq!(
            chosen,
            ["newest acme-2.1.tar.gz", "before acme-1.10.tar.gz"]
        );
    }

    #[test]
    fn what_is_large_stays_out() {
        let chosen = chosen_from(&[
            ("acme-2.0-py3-none-any.whl", LARGEST_WHEEL + 1, "2026-06-01"),
            ("acme-2.0.tar.gz", LARGEST_SDIST, "2026-06-01"),
            ("acme-1.0.tar.gz", LARGEST_SDIST_BEFORE + 1, "2026-01-01"),
            ("acme-1.0-py3-none-any.whl", LARGEST_WHEEL, "2026-01-01"),
        ]);
        assert_eq!(
            chosen,
            ["newest acme-2.0.tar.gz", "before acme-1.0-py3-none-any.whl"]
        );
    }
}
