//! `unpinned-command`: a command that nobody watches and that installs whatever is newest.

use super::invoked::{self, Invoked, is_settled};
use crate::inspection::Severity;
use crate::lint::contents::{Origin, Role, Tool, Verb, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct UnpinnedCommand;

impl Rule for UnpinnedCommand {
    fn id(&self) -> &'static str {
        "unpinned-command"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "an unattended command installs whatever version is newest"
    }

    fn manual(&self) -> &'static str {
        "`pip install X`, `uvx X` and `pipx run X` in a pipeline or an image take the newest release, a \
         minute after it was published. If it was published by a thief, the pipeline is the first to run it.\n\n\
         Name a version (`X==1.2.3`), or a lock or constraints (`-c`). It is milder for tools such as pip \
         itself and in pipelines that neither publish nor deploy, and only worth knowing in notebooks."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("Dockerfile", "FROM python:3.12\nRUN pip install flask\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let all = invoked::all(project);
        let taking = all.filter(|one| {
            let is_taken = one.command.runs.unattended || one.file.kind == FileKind::Notebook;
            is_taken && installs(one) && !is_constrained(one)
        });
        for one in taking {
            let wanted = one.file.contents.wanted_by(one.id);
            let open: Vec<&Wanted> = wanted.filter(|wanted| !is_settled(wanted)).collect();
            let Some((first, rest)) = open.split_first() else {
                continue;
            };
            let also = rest.iter().map(|wanted| wanted.at.clone()).collect();
            let names: Vec<_> = open
                .iter()
                .map(|one| one.spelled.as_str())
                .take(3)
                .collect();
            let more = if open.len() > 3 { " and others" } else { "" };
            let message = format!(
                "the newest {}{more} is installed, whatever it is",
                names.join(", ")
            );
            let finding = Finding::new(self, one.file, &first.at, message)
                .severity(severity(&one, &open))
                .also(also)
                .because("a release that was published a minute ago runs here")
                .help("name a version, such as NAME==1.2.3, or a file of constraints");
            found.push(finding);
        }
    }
}

/// Tools that build and install others.
const TOOLS: &[&str] = &[
    "pip",
    "setuptools",
    "wheel",
    "virtualenv",
    "uv",
    "poetry",
    "pipenv",
    "pdm",
    "hatch",
    "tox",
    "nox",
    "build",
    "twine",
    "pipx",
    "pre-commit",
    "flit",
    "pip-tools",
    "tox-uv",
    "cibuildwheel",
    "coverage",
    "codecov",
];

fn installs(one: &Invoked<'_>) -> bool {
    let verb = one.invocation.verb;
    match one.invocation.tool {
        Tool::Pip | Tool::Uv => matches!(verb, Verb::Install | Verb::Run | Verb::Download),
        Tool::Pipx => verb == Verb::Run,
        _ => false,
    }
}

fn is_constrained(one: &Invoked<'_>) -> bool {
    let mut included = one
        .file
        .contents
        .included
        .iter()
        .filter(|file| file.by.is_none_or(|by| by == one.id));
    included.any(|file| file.role == Role::Constraint)
        || one.has_any(&["no-index", "exclude-newer", "dry-run"])
}

fn severity(one: &Invoked<'_>, open: &[&Wanted]) -> Severity {
    if one.file.kind == FileKind::Notebook {
        return Severity::Info;
    }
    let is_tool = |wanted: &&Wanted| {
        let name = wanted.name.as_ref().map_or("", |name| name.as_str());
        TOOLS.contains(&name) || !matches!(wanted.origin, Origin::Index(_))
    };
    let is_mild = invoked::is_pipeline(one.file.kind) && !invoked::publishes(one.file);
    match is_mild || open.iter().all(is_tool) {
        true => Severity::Low,
        false => Severity::Medium,
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
                    "Dockerfile",
                    "FROM python:3.12\nRUN pip install flask six==1.16.0 a>=1\n",
                )],
                vec!["flask"] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM python:3.12\nRUN pip install flask==3.1.0 b==$B -c c.txt d\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM python:3.12\nRUN pip install . ./x.whl -r r.txt\nRUN uvx ruff@0.5.0 check\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "Dockerfile",
                    "FROM python:3.12\nENV PIP_CONSTRAINT=c.txt\nRUN pip install a\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    steps:\n      - run: uvx ruff check\n",
                )],
                vec!["ruff"] as Vec<&str>,
            ),
            (vec![("a.sh", "pip install a\n")], vec![] as Vec<&str>),
            (
                vec![(
                    "a.ipynb",
                    "{\"cells\": [{\"cell_type\": \"code\", \"source\": [\"%pip install -q a\\n\", \"!pip install b==1\"]}]}",
                )],
                vec!["a"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("unpinned-command", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
