//! From a lock file or a bill of materials to what it would approve. Reading the file is
//! `pypi::lockfile`'s business; approving is the vault's.

use std::collections::{BTreeSet, HashSet};
use std::str::FromStr;

use super::ApprovalOrigin;
use crate::digest::Sha256;
use crate::pypi::lockfile::{LockFormat, Locked, LockedFiles};
use crate::pypi::name::{NamePattern, ProjectName};
use crate::pypi::version::{Version, VersionSpecifiers};

/// Which versions a locked one stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latitude {
    /// The locked version alone, and where the file gives digests, those files alone.
    #[default]
    Exact,
    /// From the locked version up to the next that may break its users: the next first number that is
    /// not 0.
    Compatible,
    /// Every version of the project.
    Any,
}

/// The text is not a latitude.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is none of exact, compatible, any")]
pub struct UnknownLatitude(pub String);

impl FromStr for Latitude {
    type Err = UnknownLatitude;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "exact" => Ok(Self::Exact),
            "compatible" => Ok(Self::Compatible),
            "any" => Ok(Self::Any),
            other => Err(UnknownLatitude(other.chars().take(40).collect())),
        }
    }
}

/// One entry that a file would approve.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proposed {
    /// The project.
    pub projects: NamePattern,
    /// The versions; empty for all.
    pub specifiers: VersionSpecifiers,
    /// The files; empty for every file of the versions.
    pub files: BTreeSet<Sha256>,
}

/// What a file would approve, and what it would not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The entries, each once, in the order of the file.
    pub entries: Vec<Proposed>,
    /// Projects that the file names without a version or a digest, so that there is nothing to be exact
    /// about.
    pub unpinned: Vec<ProjectName>,
}

/// What `files` would approve.
pub fn propose(files: &LockedFiles, latitude: Latitude) -> Proposal {
    let mut proposal = Proposal::default();
    let mut seen = HashSet::new();
    for locked in &files.entries {
        match one(locked, latitude) {
            Some(entry) => {
                if seen.insert(entry.clone()) {
                    proposal.entries.push(entry);
                }
            }
            None => proposal.unpinned.push(locked.project.clone()),
        }
    }
    proposal
}

/// How what a file of this form and name approves came about. `filename` may be a path.
pub fn origin(format: LockFormat, filename: &str) -> ApprovalOrigin {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name
        .chars()
        .filter(|c| !c.is_control())
        .scan(0, |length, c| {
            *length += c.len_utf8();
            (*length <= super::MAX_ORIGIN_LENGTH).then_some(c)
        })
        .collect();
    match format {
        LockFormat::CycloneDx | LockFormat::Spdx => ApprovalOrigin::Sbom(name.into()),
        _ => ApprovalOrigin::Lock(name.into()),
    }
}

fn one(locked: &Locked, latitude: Latitude) -> Option<Proposed> {
    let (specifiers, files) = match (latitude, &locked.version) {
        (Latitude::Any, _) => (VersionSpecifiers::empty(), BTreeSet::new()),
        (Latitude::Compatible, version) => (compatible_with(version.as_ref()?), BTreeSet::new()),
        (Latitude::Exact, version) => {
            let files: BTreeSet<Sha256> = locked.hashes.iter().copied().collect();
            let specifiers = match version {
                Some(version) => specifiers(&format!("=={version}")),
                None if files.is_empty() => return None,
                None => VersionSpecifiers::empty(),
            };
            (specifiers, files)
        }
    };
    Some(Proposed {
        projects: NamePattern::Exact(locked.project.clone()),
        specifiers,
        files,
    })
}

/// `>=3.1.3,<4`, and `>=0.4.2,<0.5` while the first number is 0.
fn compatible_with(version: &Version) -> VersionSpecifiers {
    let version = version.clone().without_local();
    let release = version.release();
    let first = release.iter().position(|number| *number > 0);
    let last = first.unwrap_or(release.len().saturating_sub(1));
    let bound: Vec<String> = release
        .iter()
        .take(last + 1)
        .enumerate()
        .map(|(at, number)| match at == last {
            true => number.saturating_add(1).to_string(),
            false => number.to_string(),
        })
        .collect();
    let epoch = version.epoch();
    specifiers(&format!(">={version},<{epoch}!{}", bound.join(".")))
}

fn specifiers(text: &str) -> VersionSpecifiers {
    text.parse().expect("a version makes sound specifiers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pypi::lockfile::{LockFormat, read_as};

    const REQUIREMENTS: &str = "flask==3.1.3\nblinker==1.9.0 \\\n    \
         --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nflask==3.1.3\n";

    fn shown(latitude: Latitude) -> Vec<String> {
        let files = read_as(LockFormat::Requirements, REQUIREMENTS.as_bytes()).expect("sound");
        let proposal = propose(&files, latitude);
        let entry =
            |one: &Proposed| format!("{} {} {}", one.projects, one.specifiers, one.files.len());
        proposal.entries.iter().map(entry).collect()
    }

    #[test]
    fn a_lock_approves_what_it_says_or_what_is_near_it() {
        assert_eq!(
            shown(Latitude::Exact),
            ["flask ==3.1.3 0", "blinker ==1.9.0 1"]
        );
        assert_eq!(
            shown(Latitude::Compatible),
            ["flask >=3.1.3, <4 0", "blinker >=1.9.0, <2 0"]
        );
        assert_eq!(shown(Latitude::Any), ["flask  0", "blinker  0"]);
    }

    #[test]
    fn compatible_is_until_the_next_version_that_may_break() {
        for (version, expected) in [
            ("3.1.3", ">=3.1.3, <4"),
            ("0.4.2", ">=0.4.2, <0.5"),
            ("0.0.7", ">=0.0.7, <0.0.8"),
            ("0", ">=0, <1"),
            ("0.0", ">=0.0, <0.1"),
            ("7", ">=7, <8"),
            ("1!2.3", ">=1!2.3, <1!3"),
            ("2.1+cu118", ">=2.1, <3"),
            ("2.0rc1", ">=2.0rc1, <3"),
        ] {
            let version: Version = version.parse().expect(version);
            assert_eq!(compatible_with(&version).to_string(), expected);
        }
    }

    #[test]
    fn what_is_not_pinned_is_not_approved_exactly() {
        let locked = |version: Option<&str>, hashes: Vec<Sha256>| Locked {
            project: "x".parse().expect("a name"),
            version: version.map(|version| version.parse().expect("a version")),
            hashes,
            filenames: Vec::new(),
            line: None,
            dependencies: Vec::new(),
            files: Vec::new(),
            index: None,
        };
        assert!(one(&locked(None, Vec::new()), Latitude::Exact).is_none());
        assert!(one(&locked(None, Vec::new()), Latitude::Compatible).is_none());
        assert!(one(&locked(None, Vec::new()), Latitude::Any).is_some());
        let by_digest = one(&locked(None, vec![Sha256::of(b"a")]), Latitude::Exact);
        assert!(by_digest.expect("an entry").specifiers.is_empty());
    }

    #[test]
    fn an_origin_is_the_name_of_the_file_alone() {
        let of = |format, path: &str| origin(format, path).to_string();
        assert_eq!(of(LockFormat::Uv, "/home/ann/shop/uv.lock"), "lock:uv.lock");
        assert_eq!(
            of(LockFormat::Spdx, "C:\\x\\a.spdx.json"),
            "sbom:a.spdx.json"
        );
        assert!(of(LockFormat::Uv, &"é".repeat(9000)).len() <= 310);
    }

    proptest::proptest! {
        #[test]
        fn every_version_has_compatible_ones(
            text in "[0-9]!?[0-9]{0,3}(\\.[0-9]{1,20}){0,4}((a|b|rc|\\.post|\\.dev)[0-9]{1,4})?(\\+[a-z0-9]{1,5})?"
        ) {
            if let Ok(version) = text.parse::<Version>() {
                compatible_with(&version);
            }
        }
    }
}
