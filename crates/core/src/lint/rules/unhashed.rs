//! `unhashed`: requirements that are pinned, none of them by hash.

use crate::inspection::Severity;
use crate::lint::contents::{Origin, Wanted};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::requirement_files::{installed_from, is_for_development, pinned};
use crate::lint::rule::{Finding, Rule};
use crate::lint::settled_text::with_hashes;

/// The rule.
#[derive(Debug)]
pub(super) struct Unhashed;

impl Rule for Unhashed {
    fn id(&self) -> &'static str {
        "unhashed"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a file that is installed from pins versions and no hashes"
    }

    fn manual(&self) -> &'static str {
        "A version says which release is meant, and leaves it to the index which bytes that is. Whoever \
         takes over the index, the way to it or the account of a maintainer can add a file to an old \
         release, and the pin accepts it.\n\n\
         With `--hash` on every line, pip and uv accept only files that were seen when the pins were \
         made: `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`. Files in which \
         versions are open are `unpinned`'s, and those where only some have hashes `partly-hashed`'s. \
         Files for development are reported as low.\n\n\
         Where an index or a gateway is asked, `--fix` writes the hashes of all files of each release. pip \
         then wants a hash of everything that it installs, so it writes them only where the file, with those \
         that belong to it, names all that its releases need. Else it says what is missing."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask==3.1.0\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in installed_from(project) {
            let wanted = of_index(file);
            let Some((first, also)) = wanted.split_first() else {
                continue;
            };
            let is_unhashed = wanted
                .iter()
                .all(|one| one.hashes.is_empty() && pinned(one).is_some());
            if !is_unhashed {
                continue;
            }
            let message = match wanted.len() {
                1 => "a pinned requirement without a hash".to_owned(),
                count => format!("{count} pinned requirements without a hash"),
            };
            let finding = Finding::new(self, file, &first.at, message)
                .because("the index decides which bytes a version is, and may change its mind")
                .help("write hashes: uv pip compile --generate-hashes, or pip-compile --generate-hashes")
                .also(also.iter().map(|wanted| wanted.at.clone()).collect());
            let finding = with_hashes(project, file, finding);
            found.push(match is_for_development(file) {
                true => finding.severity(Severity::Low),
                false => finding,
            });
        }
    }
}

fn of_index(file: &ProjectFile) -> Vec<&Wanted> {
    let wanted = file.contents.wanted.iter();
    wanted
        .filter(|wanted| matches!(wanted.origin, Origin::Index(_)) && !wanted.partly_known)
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn pins_without_hashes_are_one_finding() {
        let project = project(&[
            ("requirements.txt", "flask==3.0\nsix==1.0\n"),
            ("a/requirements.txt", "flask==3.0\nsix\n"),
            ("b/requirements.txt", "flask==3.0 --hash=sha256:aa\n"),
            ("constraints.txt", "flask==3.0\n"),
        ]);
        assert_eq!(
            found_by("unhashed", &project),
            ["requirements.txt:1: 2 pinned requirements without a hash [flask==3.0]"]
        );
    }
}
