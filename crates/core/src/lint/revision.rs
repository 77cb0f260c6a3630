//! [`Revision`]: whether what version control is asked for stays what it is.

use super::contents::Origin;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Revision<'r> {
    /// A commit, which nobody can change.
    Commit,
    /// A tag, which its owner can set anew.
    Tag(&'r str),
    /// A branch, which moves.
    Branch(&'r str),
    /// Nothing: whatever the main branch is.
    Nothing,
}

/// What `origin` asks version control for; `None` where it is no version control.
pub(super) fn revision(origin: &Origin) -> Option<Revision<'_>> {
    let Origin::Vcs {
        kind, reference, ..
    } = origin
    else {
        return None;
    };
    let Some(reference) = reference.as_deref() else {
        return Some(Revision::Nothing);
    };
    let revision = if let Some(tag) = reference.strip_prefix("refs/tags/") {
        Revision::Tag(tag)
    } else if let Some(branch) = reference.strip_prefix("refs/heads/") {
        Revision::Branch(branch)
    } else if is_commit(kind, reference) {
        Revision::Commit
    } else if looks_like_version(reference) {
        Revision::Tag(reference)
    } else {
        Revision::Branch(reference)
    };
    Some(revision)
}

/// A commit in full or shortened to what git prints; Subversion and Bazaar count their revisions.
fn is_commit(kind: &str, reference: &str) -> bool {
    let is_number = reference.bytes().all(|byte| byte.is_ascii_digit());
    let is_hexadecimal = reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    match kind {
        "svn" | "bzr" => is_number,
        _ => is_hexadecimal && (7..=64).contains(&reference.len()),
    }
}

/// `1.2`, `v1`, `release-1.2.3`: how people call tags.
fn looks_like_version(reference: &str) -> bool {
    let last = reference.rsplit(['/', '-', '_']);
    let mut candidates = last.chain([reference]);
    candidates.any(|part| {
        let version = part.trim_start_matches(['v', 'V']);
        let is_one = version.starts_with(|c: char| c.is_ascii_digit());
        let ends_in_x = version.ends_with(".x") || version.ends_with(".X");
        let says_version = version.contains('.') || version.len() < part.len();
        is_one && says_version && !ends_in_x
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_tags_and_branches_are_told_apart() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for (kind, reference, expected) in [
            ("git", Some(commit), Revision::Commit),
            ("git", Some("0123abc"), Revision::Commit),
            ("git", Some("v1.2.3"), Revision::Tag("v1.2.3")),
            ("git", Some("1.2"), Revision::Tag("1.2")),
            ("git", Some("v3"), Revision::Tag("v3")),
            ("git", Some("release/1.2.0"), Revision::Tag("release/1.2.0")),
            ("git", Some("refs/tags/latest"), Revision::Tag("latest")),
            ("git", Some("main"), Revision::Branch("main")),
            (
                "git",
                Some("stable/4.2.x"),
                Revision::Branch("stable/4.2.x"),
            ),
            ("git", Some("refs/heads/v1.2"), Revision::Branch("v1.2")),
            ("git", Some("feature-2"), Revision::Branch("feature-2")),
            ("git", None, Revision::Nothing),
            ("svn", Some("1234"), Revision::Commit),
            ("svn", Some("trunk"), Revision::Branch("trunk")),
        ] {
            let origin = Origin::Vcs {
                kind: kind.to_owned(),
                url: "https://a.example/x".to_owned(),
                reference: reference.map(str::to_owned),
            };
            assert_eq!(revision(&origin), Some(expected), "{reference:?}");
        }
        assert_eq!(revision(&Origin::Path(".".to_owned())), None);
    }
}
