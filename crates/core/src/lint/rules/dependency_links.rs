//! `dependency-links`: addresses from which setuptools takes packages past the index.

use crate::inspection::Severity;
use crate::lint::contents::{PlaceRole, Tool};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct DependencyLinks;

impl Rule for DependencyLinks {
    fn id(&self) -> &'static str {
        "dependency-links"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "dependency_links lets setuptools take packages from anywhere"
    }

    fn manual(&self) -> &'static str {
        "`dependency_links` names pages and files that setuptools installs from when `setup.py` is run by \
         itself: past the index, without hashes, and for every name that the page lists. pip has ignored \
         it since version 19, so it also does not do what its author meant.\n\n\
         Take it away, and require `name @ URL#sha256=…`, or publish the package to your index."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "setup.cfg",
            "[options]\ndependency_links = https://files.acme.example/packages/\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let places = file.contents.places.iter();
            let links = places.filter(|place| {
                place.role == PlaceRole::FindLinks && place.tool == Tool::Setuptools
            });
            found.extend(links.map(|place| {
                Finding::new(self, file, &place.url_at, "setuptools takes packages from here, past the index")
                    .because("whoever controls the address can offer any name in any version")
                    .help("take it away; publish the package to your index, or require name @ URL#sha256=…")
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn links_are_found_and_those_of_pip_are_not() {
        let project = project(&[
            (
                "setup.cfg",
                "[options]\ndependency_links = https://a.example/x\n",
            ),
            ("requirements.txt", "-f https://a.example/x\n"),
        ]);
        assert_eq!(
            found_by("dependency-links", &project),
            [
                "setup.cfg:2: setuptools takes packages from here, past the index [https://a.example/x]"
            ]
        );
    }
}
