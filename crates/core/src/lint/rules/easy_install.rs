//! `easy-install`: `easy_install`, which knows neither hashes nor wheels.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::contents::{Tool, Verb};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct EasyInstall;

impl Rule for EasyInstall {
    fn id(&self) -> &'static str {
        "easy-install"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "easy_install is used"
    }

    fn manual(&self) -> &'static str {
        "`easy_install` takes what it finds first on pages of any kind, knows no hashes, no constraints and \
         no wheels, runs every `setup.py`, and was taken out of setuptools. Say `pip install`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("a.sh", "easy_install flask\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let calls = invoked::all(project).filter(|one| {
            one.invocation.tool == Tool::Setuptools && one.invocation.verb == Verb::Install
        });
        found.extend(calls.map(|one| {
            Finding::new(
                self,
                one.file,
                &one.invocation.at,
                "easy_install knows neither hashes nor wheels",
            )
            .because("it runs the setup.py of whatever it finds first")
            .help("say pip install")
        }));
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![("a.sh", "easy_install a\npip install b\n")],
                vec!["easy_install a"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "python -m easy_install -i https://a.example b\n")],
                vec!["easy_install -i https://a.example b"],
            ),
        ] {
            assert_eq!(
                marked_by("easy-install", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
