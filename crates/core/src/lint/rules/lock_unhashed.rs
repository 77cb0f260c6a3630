//! `lock-unhashed`: files of a lock that have no hash.

use crate::inspection::Severity;
use crate::lint::contents::{LockedOrigin, LockedPackage, Span};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct LockUnhashed;

impl Rule for LockUnhashed {
    fn id(&self) -> &'static str {
        "lock-unhashed"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a lock does not say which bytes it means"
    }

    fn manual(&self) -> &'static str {
        "A lock with hashes installs the files that were there when it was made, and nothing \
         else. A file without one is whatever the index serves under its name today.\n\nLock \
         again. Where an index gives no hashes, uv and poetry leave them out of the lock: let the \
         index give them, or put one in front of it that does."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Pipfile.lock",
            "{\"_meta\": {\"pipfile-spec\": 6}, \"default\": {\"flask\": {\"version\": \"==3.1.0\"}}, \"develop\": {}}\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in project.files.iter().filter(|file| file.kind.is_lock()) {
            let locked = file.contents.locked.iter();
            let unhashed: Vec<&LockedPackage> =
                locked.filter(|package| is_unhashed(package)).collect();
            let Some((first, rest)) = unhashed.split_first() else {
                continue;
            };
            let message = match rest.len() {
                0 => format!("{} is locked without a hash", first.name),
                more => format!("{} and {more} more are locked without a hash", first.name),
            };
            let also: Vec<Span> = rest.iter().map(|package| package.at.clone()).collect();
            found.push(
                Finding::new(self, file, &first.at, message)
                    .because("what is installed is whatever the index serves that day")
                    .help("lock again, from an index that gives hashes")
                    .also(also),
            );
        }
    }
}

/// Whether a package of an index has a file, or no file at all, without a hash.
fn is_unhashed(package: &LockedPackage) -> bool {
    // uv gives no hashes of files in a folder of the project.
    let is_of_an_index = match &package.origin {
        LockedOrigin::Index(Some(index)) if !package.files.is_empty() => index.contains("://"),
        LockedOrigin::Index(_) => true,
        _ => false,
    };
    let mut files = package.files.iter();
    let has_none = match package.files.is_empty() {
        true => package.hashes.is_empty(),
        // poetry once listed all hashes of a package beside its files.
        false => package.hashes.is_empty() && files.any(|file| file.hashes.is_empty()),
    };
    is_of_an_index && has_none
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn a_package_without_a_hash_is_found() {
        let lock = |files: &str| {
            format!(
                "[[package]]\nname = \"a\"\nversion = \"1\"\nfiles = [{files}]\n[[package]]\nname = \"b\"\nversion \
                     = \"2\"\nfiles = []\n[package.source]\ntype = \"directory\"\nurl = \"../b\"\n[metadata]\n\
                     lock-version = \"2.1\"\n"
            )
        };
        for (files, expected) in [
            ("{file = \"a.whl\", hash = \"sha256:00\"}", 0),
            (
                "{file = \"a.whl\", hash = \"sha256:00\"}, {file = \"a.tar.gz\"}",
                1,
            ),
            ("", 1),
        ] {
            let found = found_by("lock-unhashed", &project(&[("poetry.lock", &lock(files))]));
            assert_eq!(found.len(), expected, "{files}: {found:?}");
        }
        let folder = "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"wheels\" \
                      }\nwheels = [{ path = \"a-1-py3-none-any.whl\" }]\n";
        assert!(found_by("lock-unhashed", &project(&[("uv.lock", folder)])).is_empty());
        let pipfile = r#"{"_meta": {}, "default": {"a": {"version": "==1"}, "b": {"version": "==2"}, "c": {"path": "."}}}"#;
        assert_eq!(
            found_by("lock-unhashed", &project(&[("Pipfile.lock", pipfile)])),
            ["Pipfile.lock:1: a and 1 more are locked without a hash [==1]"]
        );
    }
}
