//! `secret-in-command`: a password or token that stands in a command.

use crate::inspection::Severity;
use crate::lint::contents::{Command, Setting, Span};
use crate::lint::project::Project;
use crate::lint::read::is_readable;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct SecretInCommand;

impl Rule for SecretInCommand {
    fn id(&self) -> &'static str {
        "secret-in-command"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a password or token stands in a command"
    }

    fn manual(&self) -> &'static str {
        "Commands are in the history of the project, in logs of pipelines and in layers of images, and the \
         list of processes shows them to everybody on the machine. A token of an index in there lets others \
         publish in your name.\n\n\
         Revoke it. Give it by a secret variable of the pipeline (`TWINE_PASSWORD`, `UV_PUBLISH_TOKEN`), or \
         use trusted publishing, which needs none. Variables in commands are fine."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "publish.sh",
            "twine upload -u me -p hunter2-s3cret dist/*\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter().filter(|one| is_secret(one));
            let given: Vec<Span> = settings.map(|one| one.value_at.clone()).collect();
            let commands = file.contents.commands.iter();
            let tokens = commands.flat_map(tokens);
            let tokens = tokens.filter(|at| {
                given
                    .iter()
                    .all(|one| one.start >= at.end || at.start >= one.end)
            });
            for at in given.iter().cloned().chain(tokens) {
                let finding = Finding::new(self, file, &at, "a secret stands in a command")
                    .because("whoever reads the project, its logs or its images can use it")
                    .help("revoke it, and give it by a secret variable of the pipeline");
                found.push(finding);
            }
        }
    }
}

fn is_secret(one: &Setting) -> bool {
    let is_named = matches!(one.key.as_str(), "password" | "token" | "auth");
    is_named && one.by.is_some() && one.value != "true" && is_readable(&one.value)
}

/// Words that are tokens of PyPI by their shape.
fn tokens(command: &Command) -> Vec<Span> {
    let words = command.words.iter();
    let tokens = words.filter(|word| {
        let is_token = word.text.contains("pypi-AgE") && word.text.len() > 50;
        is_token && is_readable(&word.text)
    });
    tokens.map(|word| word.at.clone()).collect()
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
                    "twine upload -u me -p hunter2 dist/*\ntwine upload -p $TOKEN dist/*\nuv publish --token \"${T}\"\n",
                )],
                vec!["hunter2"] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "poetry config pypi-token.pypi s3cr3t\nhatch publish -a 'your-token'\n",
                )],
                vec!["s3cr3t"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("secret-in-command", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
