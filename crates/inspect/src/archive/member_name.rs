//! Which names a member of an archive may have, for zip and tar alike: relative, without detours,
//! and meaning the same path on every system; and [`Names`], which keeps one archive's names apart.

use std::cmp::Ordering;

use super::error::{ArchiveError, Problem};

/// The name as text, or why it is refused. A folder's trailing slash is allowed.
pub(super) fn check_name(raw: &[u8], longest: usize) -> Result<&str, ArchiveError> {
    let shown = || String::from_utf8_lossy(&raw[..raw.len().min(1024)]).into_owned();
    let refuse = |why| ArchiveError::member(&shown(), Problem::Name(why));
    let name = std::str::from_utf8(raw).map_err(|_| refuse("not UTF-8"))?;
    if name.len() > longest {
        return Err(refuse("too long"));
    }
    if name.chars().any(char::is_control) {
        return Err(refuse("control character"));
    }
    if name.contains('\\') {
        return Err(refuse("backslash"));
    }
    if name.starts_with('/') || has_drive(name) {
        return Err(refuse("absolute"));
    }
    let path = name.strip_suffix('/').unwrap_or(name);
    match path
        .split('/')
        .find(|part| matches!(*part, "" | "." | ".."))
    {
        None => Ok(name),
        Some("..") => Err(refuse("leads outside")),
        Some(_) => Err(refuse("empty part")),
    }
}

fn has_drive(name: &str) -> bool {
    matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// The names of one archive, none of which stands for two things; folders end in a slash.
///
/// They are kept sorted with `/` before everything else, so that whatever lies under `a` follows
/// `a` directly. That finds every clash among neighbours, in memory linear in the names.
pub(super) struct Names<'a>(Vec<&'a str>);

impl<'a> Names<'a> {
    /// Sorts the names and compares neighbours.
    pub(super) fn new(mut names: Vec<&'a str>) -> Result<Self, ArchiveError> {
        names.sort_unstable_by(|a, b| in_path_order(a, b));
        for pair in names.windows(2) {
            let (name, next) = (pair[0], pair[1]);
            if name == next {
                return Err(ArchiveError::member(name, Problem::Duplicate));
            }
            let below = next
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('/'));
            if below && !name.ends_with('/') {
                return Err(ArchiveError::member(name, Problem::FileAsFolder));
            }
        }
        Ok(Self(names))
    }

    /// Whether exactly this name is there.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0
            .binary_search_by(|other| in_path_order(other, name))
            .is_ok()
    }
}

fn in_path_order(a: &str, b: &str) -> Ordering {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    a.bytes().map(rank).cmp(b.bytes().map(rank))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_relative_paths_are_names() {
        for name in ["a", "a/b.py", "a/", "a b/ü.py", "a/..b", "...", "ab:c"] {
            assert_eq!(check_name(name.as_bytes(), 100).expect(name), name);
        }
    }

    #[test]
    fn anything_that_could_lead_elsewhere_is_no_name() {
        let names: [&[u8]; 18] = [
            b"",
            b"/",
            b"/etc/passwd",
            b"../a",
            b"a/../b",
            b"a/..",
            b"./a",
            b"a/./b",
            b"a//b",
            b"a//",
            b"a\\b",
            b"C:/a",
            b"c:a",
            b"a\0b",
            b"a\nb",
            b"a\x7f",
            b"\xff",
            b"..",
        ];
        for name in names {
            assert!(check_name(name, 100).is_err(), "{name:?}");
        }
        assert!(check_name(&[b'a'; 101], 100).is_err());
    }

    #[test]
    fn a_name_stands_for_one_thing() {
        let names = Names::new(vec!["d/e/f", "a-b", "a/c", "a/", "a/b", "aa"]).expect("distinct");
        assert!(names.contains("a/c") && names.contains("a-b"));
        assert!(!names.contains("a") && !names.contains("d/e/"));
        let clashes: [&[&str]; 5] = [
            &["a", "b", "a"],
            &["a/", "a/"],
            &["a", "a/"],
            &["a/b", "a-b", "a"],
            &["d/e/f", "d"],
        ];
        for clash in clashes {
            assert!(Names::new(clash.to_vec()).is_err(), "{clash:?}");
        }
    }
}
