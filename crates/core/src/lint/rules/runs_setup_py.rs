//! `runs-setup-py`: a `setup.py` that is run instead of an installer.

use super::invoked;
use crate::inspection::Severity;
use crate::lint::contents::Verb;
use crate::lint::project::Project;
use crate::lint::rule::Edit;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct RunsSetupPy;

impl Rule for RunsSetupPy {
    fn id(&self) -> &'static str {
        "runs-setup-py"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "setup.py installs by itself, past every setting of pip"
    }

    fn manual(&self) -> &'static str {
        "`python setup.py install` and `develop` fetch dependencies by themselves: without hashes, without \
         pip's index and constraints, and leave no record by which they could be removed. setuptools has \
         called it deprecated for years.\n\n\
         Say `python -m pip install .`, or `-e .` for `develop`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("Makefile", "install:\n	python setup.py install\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        let runs = invoked::all(project).filter(|one| one.invocation.verb == Verb::RunSetup);
        for one in runs {
            let verb = one.verb().to_owned();
            let message = format!("setup.py {verb} installs past pip and its settings");
            let instead = match verb.as_str() {
                "develop" => "-m pip install -e .",
                _ => "-m pip install .",
            };
            let finding = Finding::new(self, one.file, &one.invocation.at, message)
                .because("dependencies are fetched without hashes, index and constraints of pip")
                .help(format!("say python {instead}"));
            // Options of setup.py have no counterpart that could be told here.
            let words = &one.command.words;
            let [python, script, last] = words.as_slice() else {
                found.push(finding);
                continue;
            };
            let is_plain = python.text.contains("python")
                && script.text == "setup.py"
                && last.text != "easy_install";
            let edit = Edit {
                at: script.at.start..last.at.end,
                with: instead.to_owned(),
            };
            found.push(match is_plain {
                true => finding.fix(format!("run {instead}"), vec![edit]),
                false => finding,
            });
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
                vec![("Makefile", "a:\n\t@python setup.py develop\n")],
                vec!["setup.py develop"] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "python3 setup.py install --prefix=/x\n./setup.py build\npython setup.py sdist\n",
                )],
                vec!["setup.py install --prefix=/x"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("runs-setup-py", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
