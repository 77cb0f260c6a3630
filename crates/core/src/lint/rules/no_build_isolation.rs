//! `no-build-isolation`: packages are built with what is installed already.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct NoBuildIsolation;

impl Rule for NoBuildIsolation {
    fn id(&self) -> &'static str {
        "no-build-isolation"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn summary(&self) -> &'static str {
        "packages are built with what happens to be installed"
    }

    fn manual(&self) -> &'static str {
        "Without build isolation, what builds a package is whatever is installed where the build \
         runs, in any version, and not what the package asks for. That is needed for packages \
         that have to see others while they are built; what builds them should then be pinned \
         like everything else."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("pip.conf", "[install]\nno-build-isolation = true\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            let off =
                settings.filter(|setting| setting.key == "no-build-isolation" && setting.is_on());
            found.extend(off.map(|setting| {
                let message = format!("{} builds with what happens to be installed", setting.tool);
                Finding::new(self, file, &setting.at, message)
                    .because("what builds a package is not what it asks for, in any version")
                    .help("pin what builds it, or switch isolation off for single packages")
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn it_is_told() {
        let files = [
            ("uv.toml", "no-build-isolation = true\n"),
            ("a/uv.toml", "no-build-isolation = false\n"),
        ];
        assert_eq!(
            found_by("no-build-isolation", &project(&files)),
            ["uv.toml:1: uv builds with what happens to be installed [no-build-isolation = true]"]
        );
    }
}
