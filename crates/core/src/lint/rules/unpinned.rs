//! `unpinned`: requirements that are installed from and leave open in which version.

use crate::inspection::Severity;
use crate::lint::contents::{Origin, Wanted};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::requirement_files::{
    installed_from, is_for_development, pinned, pinned_by_constraints,
};
use crate::lint::rule::{Finding, Rule};
use crate::lint::settled_text::with_pins;
use crate::pypi::name::ProjectName;

/// The rule.
#[derive(Debug)]
pub(super) struct Unpinned;

impl Rule for Unpinned {
    fn id(&self) -> &'static str {
        "unpinned"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a file that is installed from leaves versions open"
    }

    fn manual(&self) -> &'static str {
        "Looks at requirements files, and not at what a package declares in `pyproject.toml`, `setup.cfg` \
         or `setup.py`, which has to stay open. Inputs of pip-compile and uv (`*.in`, and files that a \
         compiled file names) are not looked at either, nor are files that a package takes its own \
         dependencies from. What a constraint pins is pinned.\n\n\
         Whoever publishes the next release of an open requirement runs code on every machine that \
         installs the file from then on, and two installations of the same commit differ.\n\n\
         Compile the file: `pip-compile --generate-hashes` or `uv pip compile --generate-hashes`, and \
         install from what that writes. Files for development, tests and documentation are reported as \
         low.\n\n\
         Where an index or a gateway is asked, `--fix` writes the newest version that it hands out, or the \
         one that a lock beside has, if everything that these releases need fits: then every resolver would \
         choose the same. Where it does not fit, versions have to be tried, and it says which."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask>=3\nsix\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in installed_from(project) {
            let open = open(project, file);
            let Some((first, also)) = open.split_first() else {
                continue;
            };
            let finding = Finding::new(self, file, &first.at, message(first, open.len()))
                .because("whatever is published next is installed without anybody deciding it")
                .help("compile it to a file with versions and hashes: uv pip compile --generate-hashes")
                .also(also.iter().map(|wanted| wanted.at.clone()).collect());
            let finding = with_pins(project, file, finding);
            found.push(match is_for_development(file) {
                true => finding.severity(Severity::Low),
                false => finding,
            });
        }
    }
}

fn message(first: &Wanted, count: usize) -> String {
    match count {
        1 => format!("{} is not pinned to one version", shown(first)),
        _ => format!("{count} requirements are not pinned to one version"),
    }
}

fn shown(wanted: &Wanted) -> &str {
    wanted
        .name
        .as_ref()
        .map_or(&wanted.spelled, ProjectName::as_str)
}

/// What is left open and pinned by no constraint.
fn open<'p>(project: &Project, file: &'p ProjectFile) -> Vec<&'p Wanted> {
    let constrained = pinned_by_constraints(project, file);
    let is_open = |wanted: &&Wanted| {
        let is_of_index = matches!(wanted.origin, Origin::Index(_));
        let is_constrained = wanted
            .name
            .as_ref()
            .is_some_and(|name| constrained.contains(name));
        is_of_index && !wanted.partly_known && pinned(wanted).is_none() && !is_constrained
    };
    file.contents.wanted.iter().filter(is_open).collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn what_is_installed_from_is_pinned() {
        let project = project(&[
            (
                "requirements.txt",
                "flask==3.0\nsix>=1\n./local\nx==${V}\nlxml==5.*\n",
            ),
            ("requirements-dev.txt", "pytest\n"),
            ("requirements.in", "flask\n"),
            ("pyproject.toml", "[project]\ndependencies = ['flask']\n"),
            ("pinned/requirements.txt", "-c constraints.txt\nflask\n"),
            ("pinned/constraints.txt", "flask==3.0\n"),
        ]);
        assert_eq!(
            found_by("unpinned", &project),
            [
                "requirements-dev.txt:1: pytest is not pinned to one version [pytest]",
                "requirements.txt:2: 2 requirements are not pinned to one version [six>=1]",
            ]
        );
    }
}
