//! Which files of a project a mirror wants: the newest versions, for the interpreters and platforms that are
//! named. Wheel tags are those of PEP 425 and PEP 600.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::pypi::filename::{DistFilename, DistKind, WheelTags};
use crate::pypi::version::Version;

/// A release of CPython, `3.12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PythonRelease {
    major: u32,
    minor: u32,
}

/// The text names no release of Python.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a release of Python such as \"3.12\": {0:?}")]
pub struct InvalidPythonRelease(String);

impl FromStr for PythonRelease {
    type Err = InvalidPythonRelease;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPythonRelease(text.chars().take(40).collect());
        let (major, minor) = text.split_once('.').ok_or_else(invalid)?;
        let number = |text: &str| text.parse().map_err(|_| invalid());
        let (major, minor) = (number(major)?, number(minor)?);
        Ok(Self { major, minor })
    }
}

impl fmt::Display for PythonRelease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl PythonRelease {
    /// Whether a wheel with this Python tag and this ABI tag can be used: `py3`, `cp312`, or the stable ABI
    /// of an earlier release.
    fn takes(self, python: &str, abi: &str) -> bool {
        let digits = python.find(|c: char| c.is_ascii_digit());
        let Some((implementation, version)) = digits.map(|at| python.split_at(at)) else {
            return false;
        };
        let Some(first) = version.get(..1) else {
            return false;
        };
        let (Ok(major), minor) = (first.parse::<u32>(), version[1..].parse::<u32>()) else {
            return false;
        };
        if major != self.major {
            return false;
        }
        match (implementation, minor) {
            ("py" | "cp", Err(_)) => version.len() == 1,
            ("py", Ok(minor)) => minor <= self.minor,
            ("cp", Ok(minor)) if abi == "abi3" => minor <= self.minor,
            ("cp", Ok(minor)) => minor == self.minor,
            _ => false,
        }
    }
}

/// A platform: `manylinux_x86_64`, `musllinux_aarch64`, `macosx_arm64`, `win_amd64`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform {
    family: Box<str>,
    architecture: Box<str>,
}

/// The text names no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a platform such as \"manylinux_x86_64\", \"macosx_arm64\" or \"win_amd64\": {0:?}")]
pub struct InvalidPlatform(String);

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split_once('_');
        let sound = parts.filter(|(family, architecture)| {
            let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            !family.is_empty() && !architecture.is_empty() && text.chars().all(is_part)
        });
        let invalid = || InvalidPlatform(text.chars().take(40).collect());
        let (family, architecture) = sound.ok_or_else(invalid)?;
        Ok(Self {
            family: family.into(),
            architecture: architecture.into(),
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.family, self.architecture)
    }
}

impl Platform {
    /// Whether a wheel with this platform tag can be used, whatever release of the system it wants.
    fn takes(&self, tag: &str) -> bool {
        if tag == "any" {
            return true;
        }
        let family = &*self.family;
        let is_family =
            tag.starts_with(family) || (family == "manylinux" && tag.starts_with("linux_"));
        let ends_in = |architecture: &str| {
            let rest = tag.strip_suffix(architecture);
            rest.is_some_and(|rest| rest.ends_with('_'))
        };
        let is_both = family == "macosx"
            && matches!(&*self.architecture, "arm64" | "x86_64")
            && ends_in("universal2");
        is_family && (ends_in(&self.architecture) || is_both)
    }
}

/// Which files of a project are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// So many of the newest versions that match.
    pub newest: usize,
    /// Only wheels for these releases of CPython; any where it is empty.
    pub pythons: Vec<PythonRelease>,
    /// Only wheels for these platforms; any where it is empty.
    pub platforms: Vec<Platform>,
    /// Whether source distributions are wanted.
    pub sdists: bool,
}

impl Choice {
    /// Whether a file can be used by those who are named.
    pub fn takes(&self, file: &DistFilename) -> bool {
        match file.kind() {
            DistKind::Wheel(tags) => self.takes_wheel(tags),
            DistKind::Sdist => self.sdists,
            _ => false,
        }
    }

    fn takes_wheel(&self, tags: &WheelTags) -> bool {
        let any = |list: &str, takes: &dyn Fn(&str) -> bool| list.split('.').any(takes);
        let python = |tag: &str| {
            let abi_takes = |abi: &str| self.pythons.iter().any(|one| one.takes(tag, abi));
            any(&tags.abi, &abi_takes)
        };
        let platform = |tag: &str| self.platforms.iter().any(|one| one.takes(tag));
        (self.pythons.is_empty() || any(&tags.python, &python))
            && (self.platforms.is_empty() || any(&tags.platform, &platform))
    }

    /// The newest of `versions`, as many as are wanted. Pre-releases count only where there is nothing else,
    /// or where `explicit` says that they were asked for.
    pub fn versions<'v>(
        &self,
        versions: impl IntoIterator<Item = &'v Version>,
        explicit: impl Fn(&Version) -> bool,
    ) -> BTreeSet<&'v Version> {
        let all: BTreeSet<&Version> = versions.into_iter().collect();
        let is_usual = |version: &&Version| !version.any_prerelease() || explicit(version);
        let usual: Vec<&Version> = all.iter().copied().filter(is_usual).collect();
        match usual.is_empty() {
            true => all.into_iter().rev().take(self.newest).collect(),
            false => usual.into_iter().rev().take(self.newest).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(pythons: &[&str], platforms: &[&str]) -> Choice {
        Choice {
            newest: 2,
            pythons: pythons
                .iter()
                .map(|text| text.parse().expect(text))
                .collect(),
            platforms: platforms
                .iter()
                .map(|text| text.parse().expect(text))
                .collect(),
            sdists: true,
        }
    }

    #[test]
    fn wheels_are_wanted_by_interpreter_and_platform() {
        let linux = choice(&["3.12"], &["manylinux_x86_64"]);
        let mac = choice(&["3.9", "3.13"], &["macosx_arm64"]);
        for (tags, on_linux, on_mac) in [
            ("py3-none-any", true, true),
            ("py2.py3-none-any", true, true),
            ("py2-none-any", false, false),
            ("py310-none-any", true, true),
            (
                "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
                true,
                false,
            ),
            ("cp312-cp312-linux_x86_64", true, false),
            ("cp312-cp312-musllinux_1_2_x86_64", false, false),
            ("cp312-cp312-manylinux_2_17_aarch64", false, false),
            ("cp38-abi3-manylinux1_x86_64", true, false),
            ("cp313-abi3-manylinux1_x86_64", false, false),
            ("cp39-abi3-macosx_11_0_universal2", false, true),
            ("cp313-cp313-macosx_11_0_arm64", false, true),
            ("cp313-cp313-macosx_11_0_x86_64", false, false),
            ("pp310-pypy310_pp73-manylinux1_x86_64", false, false),
        ] {
            let name = format!("x-1.0-{tags}.whl");
            let file = DistFilename::parse(&name, None).expect(tags);
            assert_eq!(linux.takes(&file), on_linux, "{tags} on Linux");
            assert_eq!(mac.takes(&file), on_mac, "{tags} on a Mac");
            assert!(choice(&[], &[]).takes(&file), "{tags}");
        }
    }

    #[test]
    fn source_distributions_are_wanted_or_not() {
        let file = DistFilename::parse("x-1.0.tar.gz", None).expect("an sdist");
        let mut choice = choice(&["3.12"], &["win_amd64"]);
        assert!(choice.takes(&file));
        choice.sdists = false;
        assert!(!choice.takes(&file));
    }

    #[test]
    fn the_newest_versions_count_and_pre_releases_only_where_they_must() {
        let version = |text: &str| text.parse::<Version>().expect(text);
        let newest = |texts: &[&str], explicit: bool| -> Vec<String> {
            let all: Vec<Version> = texts.iter().map(|text| version(text)).collect();
            let chosen = choice(&[], &[]).versions(&all, |_| explicit).into_iter();
            chosen.map(ToString::to_string).collect()
        };
        assert_eq!(
            newest(&["1.0", "3.0", "2.0", "4.0rc1"], false),
            ["2.0", "3.0"]
        );
        assert_eq!(newest(&["1.0", "3.0", "4.0rc1"], true), ["3.0", "4.0rc1"]);
        assert_eq!(
            newest(&["1.0a1", "1.0b1", "1.0rc1"], false),
            ["1.0b1", "1.0rc1"]
        );
        assert!(newest(&[], false).is_empty());
    }

    #[test]
    fn what_is_no_release_or_platform_is_refused() {
        for text in ["", "3", "3.x", "three.1", "3.12.1"] {
            assert!(text.parse::<PythonRelease>().is_err(), "{text}");
        }
        for text in ["", "any", "_x86", "win_", "Win_amd64", "win amd64"] {
            assert!(text.parse::<Platform>().is_err(), "{text}");
        }
    }
}
