//! `lock-direct-origin`: a locked package whose bytes nobody settled.

use crate::inspection::Severity;
use crate::lint::contents::{LockedOrigin, LockedPackage};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockDirectOrigin;

impl Rule for LockDirectOrigin {
    fn id(&self) -> &'static str {
        "lock-direct-origin"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a lock does not settle the bytes of a package from a URL or from version control"
    }

    fn manual(&self) -> &'static str {
        "A package from version control is settled by a commit, and one from a URL by a hash. \
         With a branch, a tag or nothing instead, every installation may get something \
         else.\n\nLock again. Where the tool keeps no commit, name it in the requirement."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Pipfile.lock",
            "{\"_meta\": {\"pipfile-spec\": 6}, \"default\": {\"tool\": {\"git\": \"https://git.acme.example/tool\", \"ref\": \"main\"}}, \"develop\": {}}\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| file.kind.is_lock()) {
            let locked = file.contents.locked.iter();
            found.extend(locked.filter_map(|package| {
                let (message, help) = unsettled(package)?;
                let finding = Finding::new(self, file, &package.at, message);
                Some(
                    finding
                        .because("every installation may get something else")
                        .help(help),
                )
            }));
        }
    }
}

fn unsettled(package: &LockedPackage) -> Option<(String, &'static str)> {
    let name = &package.name;
    match &package.origin {
        LockedOrigin::Vcs { commit, .. } => {
            let help = "lock again, with a commit in the requirement where the tool keeps none";
            match commit {
                None => Some((format!("{name} is locked to no commit"), help)),
                Some(commit) if !is_commit(commit) => Some((
                    format!("{name} is locked to {commit}, which is no commit"),
                    help,
                )),
                Some(_) => None,
            }
        }
        LockedOrigin::Url(_) => {
            let mut files = package.files.iter();
            let is_hashed = !package.hashes.is_empty() || files.any(|file| !file.hashes.is_empty());
            let message = format!("{name} is locked to a URL without a hash");
            (!is_hashed).then_some((message, "lock again with a tool that keeps the hash"))
        }
        LockedOrigin::Index(_) | LockedOrigin::Path(_) => None,
    }
}

/// A whole commit of git, or one of Mercurial; a revision of Subversion is a number.
fn is_commit(text: &str) -> bool {
    let is_hexadecimal = text.chars().all(|c| c.is_ascii_hexdigit());
    let is_revision = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    (is_hexadecimal && matches!(text.len(), 40 | 64)) || is_revision
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn commits_and_hashes_settle() {
        let package = |source: &str, rest: &str| {
            format!(
                "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = {{ {source} }}\n{rest}\n"
            )
        };
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for (source, rest, expected) in [
            (
                format!("git = \"https://git.example/a?rev=main#{commit}\""),
                "",
                0,
            ),
            ("git = \"https://git.example/a?rev=main\"".to_owned(), "", 1),
            ("git = \"https://git.example/a#main\"".to_owned(), "", 1),
            ("url = \"https://a.example/a.whl\"".to_owned(), "", 1),
            (
                "url = \"https://a.example/a.whl\"".to_owned(),
                "wheels = [{ url = \"https://a.example/a.whl\", hash = \"sha256:00\" }]",
                0,
            ),
            ("editable = \".\"".to_owned(), "", 0),
        ] {
            let lock = package(&source, rest);
            let found = found_by("lock-direct-origin", &project(&[("uv.lock", &lock)]));
            assert_eq!(found.len(), expected, "{source}: {found:?}");
        }
    }
}
