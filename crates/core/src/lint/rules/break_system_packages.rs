//! `break-system-packages`: pip that is told to change the distribution's own Python.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct BreakSystemPackages;

impl Rule for BreakSystemPackages {
    fn id(&self) -> &'static str {
        "break-system-packages"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "pip is told to change the Python of the distribution"
    }

    fn manual(&self) -> &'static str {
        "Distributions mark their Python as theirs (PEP 668), because their own programs run with it. \
         `--break-system-packages` switches that off: what is installed can break or take over those \
         programs.\n\n\
         Use a virtual environment, or `pipx` for programs. It is milder in images and pipelines, which are \
         thrown away."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("a.sh", "pip install --break-system-packages flask\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            let breaking =
                settings.filter(|one| one.key == "break-system-packages" && !one.is_off());
            let is_mild = invoked::is_pipeline(file.kind) || file.kind == FileKind::Dockerfile;
            let findings = breaking.map(|one| {
                Finding::new(
                    self,
                    file,
                    &one.at,
                    "packages of the distribution may be overwritten",
                )
                .severity(if is_mild {
                    Severity::Low
                } else {
                    Severity::Medium
                })
                .because("programs of the system run with what is installed here")
                .help("install into a virtual environment")
            });
            found.extend(invoked::together(findings.collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![(
                    "a.sh",
                    "pip install --break-system-packages a\npip install b\n",
                )],
                vec!["--break-system-packages"] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM debian:12\nENV PIP_BREAK_SYSTEM_PACKAGES=1\n",
                )],
                vec!["PIP_BREAK_SYSTEM_PACKAGES=1"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("break-system-packages", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
