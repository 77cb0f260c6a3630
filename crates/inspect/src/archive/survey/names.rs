//! Which flaws a member's name has by itself, and which names of one archive clash with each other.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use super::fact::MemberFact;
use super::flaw::{Flaw, Violations};

/// Everything wrong with the raw bytes of a name. A folder's trailing slash is allowed.
pub(super) fn name_flaws(raw: &[u8], longest: usize) -> Vec<Flaw> {
    let text = String::from_utf8_lossy(raw);
    let mut flaws = Vec::new();
    let mut add = |applies: bool, flaw| {
        if applies {
            flaws.push(flaw);
        }
    };
    let path = text.strip_suffix('/').unwrap_or(&text);
    let has_part = |wanted: &str| path.split(['/', '\\']).any(|part| part == wanted);
    let is_absolute = text.starts_with(['/', '\\']);
    add(raw.is_empty(), Flaw::NoName);
    add(raw.len() > longest, Flaw::LongName);
    add(std::str::from_utf8(raw).is_err(), Flaw::NotUtf8);
    add(text.chars().any(char::is_control), Flaw::ControlCharacter);
    add(text.contains('\\'), Flaw::Backslash);
    add(is_absolute, Flaw::Absolute);
    add(has_drive(raw), Flaw::Drive);
    add(has_part(".."), Flaw::Traversal);
    let is_detour = !raw.is_empty() && !is_absolute && (has_part("") || has_part("."));
    add(is_detour, Flaw::Detour);
    add(path.split('/').any(is_device), Flaw::DeviceName);
    flaws
}

fn has_drive(name: &[u8]) -> bool {
    matches!(name, [letter, b':', ..] if letter.is_ascii_alphabetic())
}

/// Names that Windows keeps for devices, whatever their ending.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    match stem.len() {
        3 => ["con", "prn", "aux", "nul"]
            .iter()
            .any(|name| stem.eq_ignore_ascii_case(name)),
        4 => {
            let (kind, number) = stem.split_at_checked(3).unwrap_or_default();
            (kind.eq_ignore_ascii_case("com") || kind.eq_ignore_ascii_case("lpt"))
                && matches!(number.as_bytes(), [b'1'..=b'9'])
        }
        _ => false,
    }
}

/// What names of folders that are named again mean in a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folders {
    /// Named once, as in zip archives.
    Once,
    /// Named as often as anybody likes, as in tar archives.
    Repeatedly,
}

/// The names of `members`, and those left out because the very same file stands further up: whichever
/// of them an installer takes, the outcome is one.
pub(super) fn without_repetitions(members: &[MemberFact]) -> (Vec<&str>, Vec<Arc<str>>) {
    let mut first: HashMap<&str, &MemberFact> = HashMap::with_capacity(members.len());
    let (mut names, mut repeated) = (Vec::with_capacity(members.len()), Vec::new());
    for member in members {
        match first.entry(&member.name) {
            Entry::Occupied(held) if is_same_file(held.get(), member) => {
                repeated.push(Arc::clone(&member.name));
            }
            held => {
                held.or_insert(member);
                names.push(&*member.name);
            }
        }
    }
    (names, repeated)
}

fn is_same_file(one: &MemberFact, other: &MemberFact) -> bool {
    let are_files = one.is_file() && other.is_file();
    let were_read = one.sha256.is_some();
    are_files && were_read && one.sha256 == other.sha256 && one.mode == other.mode
}

/// Reports names that stand for two things, here or on systems that fold names.
pub(super) fn report_clashes(names: &[&str], folders: Folders, violations: &mut Violations) {
    let mut seen = HashSet::with_capacity(names.len());
    let mut folded: HashMap<String, &str> = HashMap::with_capacity(names.len());
    let files: HashSet<&str> = names
        .iter()
        .copied()
        .filter(|name| !name.ends_with('/'))
        .collect();
    for name in names {
        if !seen.insert(*name) {
            if folders == Folders::Once || !name.ends_with('/') {
                violations.member(Flaw::DuplicateName, name, "");
            }
            continue;
        }
        let path = name.strip_suffix('/').unwrap_or(name);
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        let is_both = path.len() < name.len() && files.contains(path);
        if is_both || parents.into_iter().any(|parent| files.contains(parent)) {
            violations.member(Flaw::FileAsFolder, name, "");
        }
        match folded.insert(fold(path), name) {
            Some(other) if other.trim_end_matches('/') != path => {
                let flaw = match same_composed(other, path) {
                    true => Flaw::UnicodeClash,
                    false => Flaw::CaseClash,
                };
                violations.member(flaw, name, format!("beside {}", super::flaw::shown(other)));
            }
            _ => {}
        }
    }
}

fn fold(name: &str) -> String {
    match name.is_ascii() {
        true => name.to_ascii_lowercase(),
        false => name
            .nfc()
            .collect::<String>()
            .to_lowercase()
            .nfc()
            .collect(),
    }
}

fn same_composed(a: &str, b: &str) -> bool {
    a.trim_end_matches('/').nfc().eq(b.nfc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_leading_elsewhere_has_its_name() {
        for (name, flaw) in [
            (&b"../a"[..], Flaw::Traversal),
            (b"a\\..\\b", Flaw::Traversal),
            (b"/etc/passwd", Flaw::Absolute),
            (b"C:/a", Flaw::Drive),
            (b"a\\b", Flaw::Backslash),
            (b"a\0b", Flaw::ControlCharacter),
            (b"a//b", Flaw::Detour),
            (b"./a", Flaw::Detour),
            (b"\xff", Flaw::NotUtf8),
            (b"", Flaw::NoName),
            (b"a/nul.py", Flaw::DeviceName),
            (b"COM1", Flaw::DeviceName),
        ] {
            assert!(name_flaws(name, 100).contains(&flaw), "{name:?}");
        }
        for name in [
            "a/b.py",
            "a/",
            "a..b",
            "...",
            "console.py",
            "a b/ü.py",
            "ab:c",
        ] {
            assert_eq!(name_flaws(name.as_bytes(), 100), vec![], "{name}");
        }
    }

    #[test]
    fn names_that_mean_two_things_clash() {
        for (names, flaw) in [
            (&["a", "a"][..], Some(Flaw::DuplicateName)),
            (&["a/", "a/"], Some(Flaw::DuplicateName)),
            (&["a", "a/b"], Some(Flaw::FileAsFolder)),
            (&["a/", "a"], Some(Flaw::FileAsFolder)),
            (&["a/B.py", "a/b.py"], Some(Flaw::CaseClash)),
            (&["a\u{308}", "\u{e4}"], Some(Flaw::UnicodeClash)),
            (&["a/", "a/b", "a-b", "a/c/d"], None),
        ] {
            let mut violations = Violations::default();
            report_clashes(names, Folders::Once, &mut violations);
            let found = violations.finish().first().map(|first| first.flaw);
            assert_eq!(found, flaw, "{names:?}");
        }
    }
}
