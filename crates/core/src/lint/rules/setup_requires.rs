//! `setup-requires`: requirements that setuptools fetches by itself while it builds.

use crate::inspection::Severity;
use crate::lint::contents::Role;
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;

/// The rule.
#[derive(Debug)]
pub(super) struct SetupRequires;

impl Rule for SetupRequires {
    fn id(&self) -> &'static str {
        "setup-requires"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "setup_requires is fetched by setuptools, and past what pip was told"
    }

    fn manual(&self) -> &'static str {
        "Whatever runs `setup.py` by itself lets setuptools fetch `setup_requires` with its own \
         downloader, which knows nothing of pip's index, hashes and constraints.\n\n\
         Name what the build needs in `pyproject.toml`: `[build-system] requires = [\\\"setuptools\\\", …]` \
         (PEP 518), and take `setup_requires` away. What stands in both is not reported."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("setup.cfg", "[options]\nsetup_requires = setuptools_scm\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let files = project.files.iter();
        for file in files.filter(|file| matches!(file.kind, FileKind::SetupCfg | FileKind::SetupPy))
        {
            let declared = declared(project, file);
            let wanted = file.contents.wanted.iter();
            let build: Vec<_> = wanted
                .filter(|one| one.role == Role::Build && !declared.contains(&one.name.as_ref()))
                .collect();
            let Some((first, also)) = build.split_first() else {
                continue;
            };
            found.push(
                Finding::new(
                    self,
                    file,
                    &first.at,
                    "setup_requires is fetched by setuptools itself",
                )
                .because("its downloader knows nothing of the index, hashes and constraints of pip")
                .help("move it to [build-system] requires of pyproject.toml")
                .also(also.iter().map(|wanted| wanted.at.clone()).collect()),
            );
        }
    }
}

/// What the `pyproject.toml` beside the file declares for the build.
fn declared<'p>(project: &'p Project, file: &ProjectFile) -> Vec<Option<&'p ProjectName>> {
    let beside = project.included(file, "pyproject.toml");
    let wanted = beside.iter().flat_map(|file| &file.contents.wanted);
    let build = wanted.filter(|wanted| wanted.role == Role::Build);
    build.map(|wanted| wanted.name.as_ref()).collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn what_is_declared_for_the_build_is_no_finding() {
        let cfg = "[options]\nsetup_requires =\n  setuptools_scm\n  wheel\n";
        let build = "[build-system]\nrequires = ['setuptools-scm', 'wheel']\n";
        let project = project(&[
            ("a/setup.cfg", cfg),
            ("b/setup.cfg", cfg),
            ("b/pyproject.toml", build),
        ]);
        assert_eq!(
            found_by("setup-requires", &project),
            ["a/setup.cfg:3: setup_requires is fetched by setuptools itself [setuptools_scm]"]
        );
    }
}
