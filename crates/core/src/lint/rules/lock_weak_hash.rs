//! `lock-weak-hash`: files of a lock that have only a hash that can be forged.

use crate::inspection::Severity;
use crate::lint::contents::{GivenHash, Span};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockWeakHash;

impl Rule for LockWeakHash {
    fn id(&self) -> &'static str {
        "lock-weak-hash"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a lock relies on a hash that can be forged"
    }

    fn manual(&self) -> &'static str {
        "Two files with the same MD5 or SHA-1 can be made on purpose. A lock with nothing better \
         can be satisfied by another file than the one that was reviewed.\n\nLock again from an \
         index that gives SHA-256."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "poetry.lock",
            "[[package]]\nname = \"flask\"\nversion = \"3.1.0\"\nfiles = [{file = \"flask-3.1.0.tar.gz\", hash = \"md5:00000000000000000000000000000000\"}]\n\n[metadata]\nlock-version = \"2.1\"\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| file.kind.is_lock()) {
            let weak = weak(file);
            let Some((first, rest)) = weak.split_first() else {
                continue;
            };
            let algorithm = &first.algorithm;
            let message = match rest.len() {
                0 => format!("a file is locked by {algorithm} alone"),
                more => format!(
                    "{} files are locked by {algorithm} or the like alone",
                    more + 1
                ),
            };
            let also: Vec<Span> = rest.iter().map(|hash| hash.at.clone()).collect();
            found.push(
                Finding::new(self, file, &first.at, message)
                    .because("another file with the same hash can be made on purpose")
                    .help("lock again, from an index that gives SHA-256")
                    .also(also),
            );
        }
    }
}

/// The first hash of everything that has only weak ones.
fn weak(file: &ProjectFile) -> Vec<&GivenHash> {
    let files = file
        .contents
        .locked
        .iter()
        .flat_map(|package| &package.files);
    let of_files = files.map(|file| &file.hashes);
    let of_packages = file.contents.locked.iter().map(|package| &package.hashes);
    let hashes = of_files.chain(of_packages);
    let weak = hashes.filter(|hashes| hashes.iter().all(is_weak));
    weak.filter_map(|hashes| hashes.first()).collect()
}

fn is_weak(hash: &GivenHash) -> bool {
    matches!(hash.algorithm.as_str(), "md5" | "sha1")
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn a_weak_hash_is_found_where_it_is_the_only_one() {
        let lock = |hashes: &str| {
            format!(
                "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\n[[packages.wheels]]\nname = \
                     \"a.whl\"\nhashes = {{ {hashes} }}\n"
            )
        };
        for (hashes, expected) in [
            ("md5 = \"00\"", 1),
            ("md5 = \"00\", sha1 = \"00\"", 1),
            ("md5 = \"00\", sha256 = \"00\"", 0),
            ("sha512 = \"00\"", 0),
        ] {
            let found = found_by(
                "lock-weak-hash",
                &project(&[("pylock.toml", &lock(hashes))]),
            );
            assert_eq!(found.len(), expected, "{hashes}: {found:?}");
        }
    }
}
