//! [`Sources`]: the file of an sdist that a file of a wheel was made from. Builds map folders to packages
//! (`src/`, `package_dir`); which ones is learned from the files that are the same in both.

use std::collections::{BTreeSet, HashMap};

use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{CodeHash, Member};

use super::super::seen::Seen;

/// How many mappings of folders are learned.
const MOST_MAPPINGS: usize = 64;

/// Languages that machine code is built from, by the endings of their files.
const LANGUAGES: &[(&str, &[&str])] = &[
    (
        "C or C++",
        &[
            "c", "cc", "cpp", "cxx", "h", "hpp", "m", "mm", "cu", "i", "s", "asm",
        ],
    ),
    ("Cython", &["pyx", "pxd"]),
    ("Rust", &["rs"]),
    ("Fortran", &["f", "f77", "f90", "f95", "pyf"]),
    ("Go", &["go"]),
    ("Zig", &["zig"]),
    ("Swift", &["swift"]),
    ("Java", &["java", "kt"]),
];

/// What the sdist has for a file of the wheel.
pub(super) enum Counterpart<'a> {
    /// The same bytes, or the same code, at its place.
    Alike,
    /// The same, at another place, where it may run at another time or never.
    Elsewhere(&'a Member),
    /// A file at its place with something else in it.
    Differs(&'a Member),
    /// Nothing.
    Absent,
}

/// The files of an sdist, to be found.
pub(super) struct Sources<'a> {
    sdist: Seen<'a>,
    by_path: HashMap<&'a str, &'a Member>,
    by_name: HashMap<&'a str, Vec<&'a Member>>,
    by_bytes: HashMap<Sha256, &'a Member>,
    by_code: HashMap<CodeHash, &'a Member>,
    /// Beginnings of paths in the wheel, and in the sdist for them, the longest first.
    mappings: Vec<(&'a str, &'a str)>,
}

impl<'a> Sources<'a> {
    pub(super) fn of(wheel: Seen<'a>, sdist: Seen<'a>) -> Self {
        let members = &sdist.contents.members;
        let mut by_name: HashMap<&str, Vec<&Member>> = HashMap::new();
        for member in members {
            by_name.entry(member.file_name()).or_default().push(member);
        }
        let mut sources = Self {
            sdist,
            by_path: members
                .iter()
                .map(|member| (&*member.path, member))
                .collect(),
            by_name,
            by_bytes: members
                .iter()
                .filter_map(|member| Some((member.sha256?, member)))
                .collect(),
            by_code: members
                .iter()
                .filter_map(|member| Some((member.code?, member)))
                .collect(),
            mappings: Vec::new(),
        };
        sources.mappings = sources.learn(wheel);
        sources
    }

    /// What the folders of the wheel are in the sdist, by the files that are the same in both.
    fn learn(&self, wheel: Seen<'a>) -> Vec<(&'a str, &'a str)> {
        let mut mappings: BTreeSet<(&str, &str)> = BTreeSet::new();
        mappings.extend([("", ""), ("", "src/")]);
        for member in wheel
            .contents
            .members
            .iter()
            .filter(|member| member.size > 0)
        {
            for other in self.by_name.get(member.file_name()).into_iter().flatten() {
                if mappings.len() < MOST_MAPPINGS && member.is_like(other) {
                    mappings.insert(heads(&member.path, &other.path));
                }
            }
        }
        let mut mappings: Vec<(&str, &str)> = mappings.into_iter().collect();
        mappings.sort_by_key(|(wheel, sdist)| std::cmp::Reverse((wheel.len(), sdist.len())));
        mappings
    }

    /// What the sdist has for `member`.
    pub(super) fn counterpart(&self, member: &Member) -> Counterpart<'a> {
        let here = self.at_its_place(&member.path);
        if here.is_some_and(|here| here.is_like(member)) {
            return Counterpart::Alike;
        }
        let by_bytes = member.sha256.and_then(|sha256| self.by_bytes.get(&sha256));
        let same = by_bytes.or_else(|| self.by_code.get(&member.code?));
        if let Some(same) = same {
            return Counterpart::Elsewhere(same);
        }
        match here.or_else(|| self.at_its_tail(&member.path)) {
            Some(other) => Counterpart::Differs(other),
            None => Counterpart::Absent,
        }
    }

    fn at_its_place(&self, path: &str) -> Option<&'a Member> {
        self.mappings.iter().find_map(|(wheel, sdist)| {
            let below = path.strip_prefix(wheel)?;
            self.by_path.get(&*format!("{sdist}{below}")).copied()
        })
    }

    /// A file of the same name below the same folder: all that is left when a mapping cannot be learned.
    fn at_its_tail(&self, path: &str) -> Option<&'a Member> {
        let mut parts = path.rsplit('/');
        let (name, folder) = (parts.next()?, parts.next());
        let candidates = self.by_name.get(name)?.iter();
        let mut fit = candidates.filter(|other| {
            let mut parts = other.path.rsplit('/').skip(1);
            folder.is_none() || parts.next() == folder
        });
        fit.next().copied()
    }

    /// In which language the sdist has sources that the machine code `member` may be built from.
    pub(super) fn language_of(&self, member: &Member) -> Option<&'static str> {
        let stem = member.file_name().split('.').next().unwrap_or_default();
        if self.by_name.contains_key(&*format!("{stem}.py")) {
            return Some("Python");
        }
        let has = |endings: &[&str]| endings.iter().any(|ending| self.has_ending(ending));
        let language = LANGUAGES.iter().find(|(_, endings)| has(endings));
        language.map(|(language, _)| *language)
    }

    /// Whether the sdist has a file with this ending, without its dot.
    pub(super) fn has_ending(&self, ending: &str) -> bool {
        self.by_name.keys().any(|name| {
            let found = name.rsplit_once('.');
            found.is_some_and(|(_, found)| found.eq_ignore_ascii_case(ending))
        })
    }

    /// The sdist, for what its documents say.
    pub(super) fn sdist(&self) -> Seen<'a> {
        self.sdist
    }
}

/// What is left of two paths before the folders that they have in common at their ends.
fn heads<'p>(wheel: &'p str, sdist: &'p str) -> (&'p str, &'p str) {
    let pairs = wheel.rsplit('/').zip(sdist.rsplit('/'));
    let common: usize = pairs
        .take_while(|(one, other)| one == other)
        .map(|(one, _)| one.len() + 1)
        .sum();
    let head = |path: &'p str| &path[..(path.len() + 1).saturating_sub(common).min(path.len())];
    (head(wheel), head(sdist))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_what_a_build_maps() {
        for (wheel, sdist, expected) in [
            ("demo/a.py", "src/demo/a.py", ("", "src/")),
            ("demo/a.py", "demo/a.py", ("", "")),
            ("demo/a.py", "lib/a.py", ("demo/", "lib/")),
            ("a.py", "a.py", ("", "")),
            (
                "google/cloud/x/a.py",
                "python/x/a.py",
                ("google/cloud/", "python/"),
            ),
        ] {
            assert_eq!(heads(wheel, sdist), expected);
        }
    }
}
