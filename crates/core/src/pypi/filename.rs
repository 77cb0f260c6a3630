//! [`DistFilename`]: what a distribution's file name says of itself (PEP 427, PEP 625 and the forms
//! that were in use before them). A name that says nothing is kept as [`DistKind::Other`], because
//! old projects list `.egg` and `.exe` files beside their wheels.

use std::str::FromStr;

use super::name::ProjectName;
use super::version::Version;

/// The longest file name that is accepted, in bytes: what common file systems take.
pub const MAX_FILENAME_LENGTH: usize = 255;

/// A parsed distribution file name. [`DistFilename::as_str`] is the verbatim text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistFilename {
    text: Box<str>,
    kind: DistKind,
    project: Option<ProjectName>,
    version: Option<Version>,
}

/// What kind of file a file name announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistKind {
    /// A wheel with its build number and compatibility tags (PEP 427, PEP 425).
    Wheel(WheelTags),
    /// A source distribution: `.tar.gz`, `.zip` and the older `.tar.bz2`, `.tar.xz`, `.tgz`.
    Sdist,
    /// Anything else that indexes list: `.egg`, `.exe`, `.rpm`, variants files.
    Other,
}

/// The part of a wheel's name after the version, each tag set still joined by dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WheelTags {
    /// The build number with its suffix, `1` or `2abc`.
    pub build: Option<Box<str>>,
    /// For example `cp311` or `py2.py3`.
    pub python: Box<str>,
    /// For example `abi3`.
    pub abi: Box<str>,
    /// For example `manylinux_2_17_x86_64.manylinux2014_x86_64`.
    pub platform: Box<str>,
}

/// The text cannot be a file name at all: empty, too long, or with a path in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a file name: {0:?}")]
pub struct InvalidFilename(pub String);

const SDIST_ENDINGS: [&str; 6] = [".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".tar.Z"];

/// What the other files that indexes list end with; nothing is read out of their names.
const OTHER_ENDINGS: [&str; 8] = [
    ".egg",
    ".exe",
    ".msi",
    ".rpm",
    ".deb",
    ".dmg",
    ".tar",
    "-variants.json",
];

/// Whether `text` can be the name of a file: not empty, at most [`MAX_FILENAME_LENGTH`] bytes, no
/// slash, backslash or control character, and no dot in front.
pub fn is_file_name(text: &str) -> bool {
    let unsafe_character = |c: char| c == '/' || c == '\\' || c.is_control();
    !text.is_empty()
        && text.len() <= MAX_FILENAME_LENGTH
        && !text.starts_with('.')
        && !text.contains(unsafe_character)
}

/// Whether `text` ends as distribution files do. HTML pages link to other things too.
pub fn has_distribution_ending(text: &str) -> bool {
    text.ends_with(".whl")
        || SDIST_ENDINGS
            .iter()
            .chain(&OTHER_ENDINGS)
            .any(|ending| text.ends_with(ending))
}

impl DistFilename {
    /// Reads a file name, with `project` to settle where an sdist's name ends and its version
    /// starts (old sdists carry dashes in both).
    ///
    /// # Errors
    /// [`InvalidFilename`] when the text is empty, longer than [`MAX_FILENAME_LENGTH`], contains a
    /// slash, backslash or control character, or starts with a dot.
    pub fn parse(text: &str, project: Option<&ProjectName>) -> Result<Self, InvalidFilename> {
        if !is_file_name(text) {
            return Err(InvalidFilename(text.chars().take(80).collect()));
        }
        let (kind, project, version) = if let Some(stem) = text.strip_suffix(".whl") {
            wheel(stem)
        } else if let Some(stem) = SDIST_ENDINGS.iter().find_map(|end| text.strip_suffix(end)) {
            sdist(stem, project)
        } else {
            (DistKind::Other, None, None)
        };
        Ok(Self {
            text: text.into(),
            kind,
            project,
            version,
        })
    }

    /// The file name, verbatim.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Wheel, sdist or neither.
    pub fn kind(&self) -> &DistKind {
        &self.kind
    }

    /// The project that the file name claims, when it can be read.
    pub fn project(&self) -> Option<&ProjectName> {
        self.project.as_ref()
    }

    /// The version that the file name claims, when it is a valid one (PEP 440).
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Whether this is a wheel.
    pub fn is_wheel(&self) -> bool {
        matches!(self.kind, DistKind::Wheel(_))
    }
}

type Parts = (DistKind, Option<ProjectName>, Option<Version>);

const UNREADABLE: Parts = (DistKind::Other, None, None);

fn wheel(stem: &str) -> Parts {
    let parts: Vec<&str> = stem.split('-').collect();
    let (name, version, build, tags) = match parts[..] {
        [name, version, python, abi, platform] => (name, version, None, [python, abi, platform]),
        [name, version, build, python, abi, platform]
            if build.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            (name, version, Some(build.into()), [python, abi, platform])
        }
        _ => return UNREADABLE,
    };
    let (Ok(name), Ok(version)) = (ProjectName::new(name), Version::from_str(version)) else {
        return UNREADABLE;
    };
    let [python, abi, platform] = tags.map(Box::<str>::from);
    if [&python, &abi, &platform].iter().any(|tag| tag.is_empty()) {
        return UNREADABLE;
    }
    (
        DistKind::Wheel(WheelTags {
            build,
            python,
            abi,
            platform,
        }),
        Some(name),
        Some(version),
    )
}

fn sdist(stem: &str, project: Option<&ProjectName>) -> Parts {
    let splits = || {
        stem.match_indices('-')
            .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
    };
    let read = |(name, version): (&str, &str)| {
        Some((
            ProjectName::new(name).ok()?,
            Version::from_str(version).ok()?,
        ))
    };
    let found = match project {
        Some(project) => splits().filter_map(read).find(|(name, _)| name == project),
        None => splits().filter_map(read).next_back(),
    };
    match found {
        Some((name, version)) => (DistKind::Sdist, Some(name), Some(version)),
        None => UNREADABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, project: Option<&str>, expected: Option<(&str, &str)>) {
        let project = project.map(|p| ProjectName::new(p).expect(p));
        let parsed = DistFilename::parse(text, project.as_ref()).expect(text);
        let found = parsed
            .project()
            .zip(parsed.version())
            .map(|(n, v)| (n.to_string(), v.to_string()));
        let expected = expected.map(|(n, v)| (n.to_owned(), v.to_owned()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn wheels() {
        check(
            "Flask-3.0.0-py3-none-any.whl",
            None,
            Some(("flask", "3.0.0")),
        );
        check("a_b-1.0-1-py3-none-any.whl", None, Some(("a-b", "1.0")));
        check(
            "a-1.0+cpu.x-cp311-abi3-manylinux_2_17_x86_64.whl",
            None,
            Some(("a", "1.0+cpu.x")),
        );
        check("a-1.0-x1-py3-none-any.whl", None, None);
        check("a-1.0-py3-none.whl", None, None);
        check("a-notaversion-py3-none-any.whl", None, None);
    }

    #[test]
    fn sdists() {
        check("flask-3.0.0.tar.gz", None, Some(("flask", "3.0.0")));
        check(
            "zope.interface-5.0.zip",
            None,
            Some(("zope-interface", "5.0")),
        );
        check(
            "python-dateutil-2.8.2.tar.gz",
            None,
            Some(("python-dateutil", "2.8.2")),
        );
        check("foo-1.0-2.tar.gz", Some("foo"), Some(("foo", "1.0.post2")));
        check("foo-1.0-2.tar.gz", None, Some(("foo-1-0", "2")));
        check("foo.tar.gz", None, None);
    }

    #[test]
    fn everything_else_is_kept_as_other() {
        for text in [
            "foo-1.0-py2.7.egg",
            "foo-1.0.win32.exe",
            "foo-1.0-variants.json",
            "README",
        ] {
            let parsed = DistFilename::parse(text, None).expect(text);
            assert_eq!((parsed.kind(), parsed.as_str()), (&DistKind::Other, text));
        }
    }

    #[test]
    fn a_path_is_not_a_file_name() {
        for text in [
            "",
            "../a-1.0.tar.gz",
            "a\\b",
            "a\0",
            ".hidden",
            "a\n.whl",
            &"a".repeat(256),
        ] {
            assert!(DistFilename::parse(text, None).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = DistFilename::parse(&text, None);
            let _ = DistFilename::parse(&format!("{text}.whl"), None);
            let _ = DistFilename::parse(&format!("{text}.tar.gz"), None);
        }
    }
}
