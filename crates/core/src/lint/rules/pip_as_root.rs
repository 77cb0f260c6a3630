//! `pip-as-root`: pip that changes the Python of a whole machine.

use super::invoked::{self, Invoked};
use crate::inspection::Severity;
use crate::lint::contents::{Tool, User, Verb};
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct PipAsRoot;

impl Rule for PipAsRoot {
    fn id(&self) -> &'static str {
        "pip-as-root"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "pip installs as root, outside of a virtual environment"
    }

    fn manual(&self) -> &'static str {
        "Looks for `sudo pip install`, and for `pip install` in an image that has neither `USER` nor a \
         virtual environment. What is installed runs as root, once at installation and again whenever it is \
         used, and takes the place of files that the distribution's packages need.\n\n\
         Make a virtual environment (`python -m venv /opt/venv`), put it first on `PATH`, and switch to \
         another user. An official `python` image holds nothing but that Python, so that there it is only \
         worth knowing.\n\n\
         Ignore it in images that are thrown away after a build."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Dockerfile",
            "FROM debian:12\nRUN pip install flask==3.1.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let rooted = invoked::all(project).filter(is_rooted);
        let findings = rooted.map(|one| {
            let message = match severity(&one) {
                Severity::Info => "pip installs as root into the only Python of the image",
                _ => "pip installs as root into the Python of the system",
            };
            Finding::new(self, one.file, &one.invocation.at, message)
                .severity(severity(&one))
                .because("code of packages runs as root, and files of the system are overwritten")
                .help("install into a virtual environment, and run as another user")
        });
        found.extend(invoked::together(findings.collect()));
    }
}

fn is_rooted(one: &Invoked<'_>) -> bool {
    let runs = one.command.runs;
    one.invocation.tool == Tool::Pip
        && one.invocation.verb == Verb::Install
        && runs.user == User::Root
        && !runs.in_environment
        && !one.has_any(&["target", "prefix", "root", "user", "dry-run"])
}

fn severity(one: &Invoked<'_>) -> Severity {
    if one.file.kind != FileKind::Dockerfile {
        return Severity::Medium;
    }
    let references = one.file.contents.references.iter();
    let before = references.filter(|image| image.at.end <= one.invocation.at.start);
    let base = before.rev().find(|image| is_base(one, image.at.start));
    let is_python = base.is_some_and(|image| {
        let name = image.target.rsplit('/').next().unwrap_or_default();
        matches!(name, "python" | "pypy")
    });
    if is_python {
        Severity::Info
    } else {
        Severity::Medium
    }
}

/// Whether the image that is named at `start` is that of a `FROM`.
fn is_base(one: &Invoked<'_>, start: usize) -> bool {
    let before = &one.file.text[..start];
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.trim_start()
        .get(..4)
        .is_some_and(|name| name.eq_ignore_ascii_case("from"))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![("Dockerfile", "FROM debian:12\nRUN pip install a\n")],
                vec!["pip install a"] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM debian:12\nUSER app\nRUN pip install a\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM debian:12\nENV PATH=/opt/venv/bin:$PATH\nRUN pip install a\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM acme.example/base:1\nRUN pip install a\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM debian:12\nRUN /opt/venv/bin/pip install a\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "build.sh",
                    "sudo pip install a\nsudo -u app pip install b\n",
                )],
                vec!["pip install a"] as Vec<&str>,
            ),
            (vec![("build.sh", "pip install a\n")], vec![] as Vec<&str>),
        ] {
            assert_eq!(
                marked_by("pip-as-root", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }

    #[test]
    fn an_image_of_python_is_only_worth_knowing() {
        use crate::inspection::Severity;
        let of_python = project(&[("Dockerfile", "FROM python:3.12\nRUN pip install a\n")]);
        let report = crate::lint::check(&of_python);
        let own = report
            .findings
            .iter()
            .find(|one| one.rule == "pip-as-root")
            .expect("found");
        assert_eq!(own.severity, Severity::Info);
    }
}
