//! `hashes-not-required`: an unattended installation of a file of requirements without hashes.

use super::invoked::{self, Invoked};
use crate::inspection::Severity;
use crate::lint::contents::{Origin, Role, Tool, Verb};
use crate::lint::project::Project;
use crate::lint::project::ProjectFile;
use crate::lint::rule::Edit;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct HashesNotRequired;

impl Rule for HashesNotRequired {
    fn id(&self) -> &'static str {
        "hashes-not-required"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "an unattended installation does not insist on hashes"
    }

    fn manual(&self) -> &'static str {
        "`pip install -r FILE` checks hashes only where FILE has them. Without, whatever the index gives for \
         a version is installed, today this and tomorrow that. Where every line has hashes, `--require- \
         hashes` makes sure that this stays so: a line without one is then an error.\n\n\
         Make hashes with `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`, and say \
         `--require-hashes` in pipelines and images."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            ".github/workflows/ci.yml",
            "jobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: pip install -r requirements.txt\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let installs = invoked::unattended(project).filter(|one| {
            one.invocation.tool == Tool::Pip
                && one.invocation.verb == Verb::Install
                && !one.has_any(&["require-hashes", "dry-run", "no-index"])
        });
        let findings = installs.filter_map(|one| self.look(project, &one));
        found.extend(invoked::together(findings.collect()));
    }
}

/// How many of the requirements of a file have hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hashed {
    All,
    NotAll,
}

impl HashesNotRequired {
    fn look(&self, project: &Project, one: &Invoked<'_>) -> Option<Finding> {
        let included = one.file.contents.included_by(one.id);
        let read = included.filter(|file| file.role != Role::Constraint);
        let files =
            read.filter_map(|file| Some((file, hashed(project.included(one.file, &file.path)?)?)));
        let files: Vec<_> = files.collect();
        let unhashed = files.iter().find(|(_, hashed)| *hashed == Hashed::NotAll);
        if let Some((file, _)) = unhashed {
            let message = format!("hashes of {} are not asked for", file.path);
            let finding = Finding::new(self, one.file, &file.at, message)
                .because("another file under the same version would be installed as well")
                .help("make hashes (pip-compile --generate-hashes) and say --require-hashes");
            return Some(finding);
        }
        let (file, _) = files.first()?;
        let finding = Finding::new(
            self,
            one.file,
            &file.at,
            "all is hashed, but nothing insists on it",
        )
        .severity(Severity::Info)
        .because("a line that loses its hash would go unnoticed with the last of them")
        .help("say --require-hashes");
        let only_files = one.file.contents.wanted_by(one.id).next().is_none();
        let edit: Option<Edit> = one
            .added("install", "--require-hashes")
            .filter(|_| only_files);
        Some(match edit {
            Some(edit) => finding.fix("add --require-hashes", vec![edit]),
            None => finding,
        })
    }
}

/// Whether what a file wants from an index has hashes; `None` where it wants nothing from one.
fn hashed(file: &ProjectFile) -> Option<Hashed> {
    let wanted = file.contents.wanted.iter();
    let mut from_index = wanted
        .filter(|one| matches!(one.origin, Origin::Index(_)))
        .peekable();
    from_index.peek()?;
    match from_index.all(|one| !one.hashes.is_empty()) {
        true => Some(Hashed::All),
        false => Some(Hashed::NotAll),
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::contents::{GivenHash, Origin, Role, Tool, Wanted};
    use crate::lint::testing::{found_by, project};
    use crate::pypi::name::ProjectName;
    use crate::pypi::version::VersionSpecifiers;

    fn with_requirement(dockerfile: &str, hashes: Vec<GivenHash>) -> crate::lint::Project {
        let mut project = project(&[
            ("Dockerfile", dockerfile),
            ("requirements.txt", "flask==3.1.0\n"),
        ]);
        project.files[1].contents.wanted = vec![Wanted {
            spelled: "flask==3.1.0".to_owned(),
            at: 0..12,
            name: ProjectName::new("flask").ok(),
            origin: Origin::Index(VersionSpecifiers::empty()),
            hashes,
            role: Role::Runtime,
            tool: Tool::Pip,
            index: None,
            partly_known: false,
            marker: None,
            by: None,
        }];
        project
    }

    fn hash() -> Vec<GivenHash> {
        vec![GivenHash {
            algorithm: "sha256".to_owned(),
            digest: "ab".to_owned(),
            at: 0..12,
        }]
    }

    #[test]
    fn files_without_hashes_are_found_and_those_with_them_can_be_mended() {
        let plain = "FROM python:3.12\nRUN pip install -r requirements.txt\n";
        let found = found_by("hashes-not-required", &with_requirement(plain, Vec::new()));
        assert_eq!(
            found,
            ["Dockerfile:2: hashes of requirements.txt are not asked for [requirements.txt]"]
        );
        let report = crate::lint::check(&with_requirement(plain, hash()));
        let own = report
            .findings
            .iter()
            .find(|one| one.rule == "hashes-not-required")
            .expect("found");
        let fix = own.fix.as_ref().expect("one right answer");
        let at = fix.edits[0].at.start;
        assert_eq!(
            (&plain[..at], fix.edits[0].with.as_str()),
            ("FROM python:3.12\nRUN pip install", " --require-hashes")
        );
    }

    #[test]
    fn what_insists_on_hashes_is_sound() {
        let sound = "FROM python:3.12\nRUN pip install --require-hashes -r requirements.txt\n";
        assert!(found_by("hashes-not-required", &with_requirement(sound, hash())).is_empty());
        let other = "FROM python:3.12\nRUN pip install -r elsewhere.txt\n";
        assert!(found_by("hashes-not-required", &with_requirement(other, Vec::new())).is_empty());
    }
}
