//! `piped-to-shell`: what a server sends, run before anybody has seen it.

use super::invoked::{self, program, program_name};
use crate::inspection::Severity;
use crate::lint::contents::{Command, Span};
use crate::lint::project::Project;
use crate::lint::project::ProjectFile;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct PipedToShell;

impl Rule for PipedToShell {
    fn id(&self) -> &'static str {
        "piped-to-shell"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "what is downloaded is run at once"
    }

    fn manual(&self) -> &'static str {
        "Looks for `curl … | sh`, `bash <(curl …)`, `sh -c \"$(curl …)\"`, `wget -O- … | python` and `iex \
         (iwr …)`. Whoever answers decides what runs, each time anew, and may answer this machine otherwise \
         than others. A connection that breaks runs half of a script.\n\n\
         Install from a package, or download to a file, compare its hash with one that is kept in the \
         project, and run that.\n\n\
         It is worse over plain HTTP and without certificates, where anybody on the way can answer."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "install.sh",
            "curl -sSL https://tools.acme.example/install.sh | sh\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let commands = file.contents.commands.iter();
            let piped = commands.filter_map(|command| Some((command, source(command, file)?)));
            let findings = piped.map(|(command, (fetching, interpreter))| {
                let name = program_name(fetching);
                let at = start(command, fetching)..command.at.end.max(fetching.at.end);
                let message = format!("what {name} downloads is run by {interpreter} at once");
                Finding::new(self, file, &at, message)
                    .severity(severity(fetching))
                    .because("whoever answers decides what runs here, each time anew")
                    .help("download it, compare its hash with one that the project keeps, then run it")
            });
            found.extend(invoked::together(findings.collect()));
        }
    }
}

fn start(command: &Command, fetching: &Command) -> usize {
    command.at.start.min(fetching.at.start)
}

/// The command that downloads what `command` runs, and the interpreter that runs it.
fn source<'p>(command: &'p Command, file: &'p ProjectFile) -> Option<(&'p Command, &'p str)> {
    let name = program_name(command);
    let arguments = command
        .words
        .get(program(command) + 1..)
        .unwrap_or_default();
    let first = arguments
        .iter()
        .find(|word| !word.text.starts_with('-') || word.text == "-");
    let lower = name.to_ascii_lowercase();
    let reads_input = match lower.as_str() {
        "sh" | "bash" | "zsh" | "dash" | "ksh" | "ash" => {
            let takes_script = arguments.iter().any(|word| word.text == "-c");
            let has_sign = arguments.iter().any(|word| word.text.starts_with("-s"));
            !takes_script && (has_sign || first.is_none_or(|word| word.text == "-"))
        }
        "perl" | "ruby" | "node" | "php" => arguments.is_empty(),
        "iex" | "invoke-expression" => arguments.is_empty(),
        _ if lower.starts_with("python") || lower == "py" => {
            let runs_other = arguments
                .iter()
                .any(|word| matches!(word.text.as_str(), "-c" | "-m"));
            !runs_other && first.is_none_or(|word| word.text == "-")
        }
        _ => false,
    };
    let piped = reads_input.then(|| upstream(command, file)).flatten();
    let is_interpreter = matches!(
        lower.as_str(),
        "sh" | "bash"
            | "zsh"
            | "dash"
            | "ksh"
            | "ash"
            | "eval"
            | "source"
            | "."
            | "iex"
            | "invoke-expression"
    ) || lower.starts_with("python");
    let substituted = || {
        let script = is_interpreter
            .then(|| script_word(&lower, arguments))
            .flatten()?;
        downloaded(&script, file)
    };
    let fetching = piped.or_else(substituted)?;
    Some((fetching, name))
}

/// The place of the word that is the script of an interpreter.
fn script_word(name: &str, arguments: &[crate::lint::contents::Word]) -> Option<Span> {
    let after = arguments.iter().position(|word| word.text == "-c");
    let word = match after {
        Some(at) if !matches!(name, "iex" | "eval") => arguments.get(at + 1)?,
        _ => arguments.iter().find(|word| !word.text.starts_with('-'))?,
    };
    let is_output = word.text.starts_with("<(")
        || (after.is_some() || matches!(name, "eval" | "iex" | "invoke-expression"))
            && (word.text.trim_start().starts_with("$(") || word.text.starts_with(['`', '(']));
    is_output.then(|| word.at.clone())
}

/// The download inside of `place`.
fn downloaded<'p>(place: &Span, file: &'p ProjectFile) -> Option<&'p Command> {
    let commands = &file.contents.commands;
    let mut inside = commands
        .iter()
        .filter(|one| place.start <= one.at.start && one.at.end <= place.end);
    inside.find(|one| is_download(one))
}

/// The download at the front of a pipe, with nothing but filters between.
fn upstream<'p>(command: &Command, file: &'p ProjectFile) -> Option<&'p Command> {
    let mut from = command.reads_from?;
    for _ in 0..8 {
        let before = file.contents.commands.get(from)?;
        if is_download(before) {
            return Some(before);
        }
        let is_filter = matches!(
            program_name(before),
            "tee" | "cat" | "sed" | "tr" | "gunzip" | "zcat" | "gzip"
        );
        from = before.reads_from.filter(|_| is_filter)?;
    }
    None
}

fn is_download(command: &Command) -> bool {
    let name = program_name(command).to_ascii_lowercase();
    let is_known = matches!(
        name.as_str(),
        "curl" | "wget" | "iwr" | "irm" | "invoke-webrequest" | "invoke-restmethod" | "aria2c"
    );
    is_known || name.contains("net.webclient")
}

fn severity(fetching: &Command) -> Severity {
    let mut words = fetching.words.iter().map(|word| word.text.as_str());
    let is_unsafe = words.any(|word| {
        word.starts_with("http://")
            || matches!(word, "-k" | "--insecure" | "--no-check-certificate")
    });
    if is_unsafe {
        Severity::High
    } else {
        Severity::Medium
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![("a.sh", "curl -sSL https://a.example/i.sh | sh\n")],
                vec!["curl -sSL https://a.example/i.sh | sh"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "curl https://a.example/i | sudo -E bash -\n")],
                vec!["curl https://a.example/i | sudo -E bash -"] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "curl https://a.example/i | tee log | bash -s -- --yes\n",
                )],
                vec!["curl https://a.example/i | tee log | bash -s -- --yes"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "bash <(curl -s https://a.example/u)\n")],
                vec!["bash <(curl -s https://a.example/u)"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "sh -c \"$(wget -qO- https://a.example/u)\"\n")],
                vec!["sh -c \"$(wget -qO- https://a.example/u)\""] as Vec<&str>,
            ),
            (
                vec![("a.sh", "wget -qO- https://a.example/get.py | python3 -\n")],
                vec!["wget -qO- https://a.example/get.py | python3 -"] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "curl https://a.example/x | python -m json.tool\ncurl https://a.example/x | jq .\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "curl https://a.example/x | bash process.sh\nbash -c \"echo $(curl https://a.example/ip)\"\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "cat x | sh\ncurl -o f https://a.example/x && sh f\n",
                )],
                vec![] as Vec<&str>,
            ),
            (
                vec![(
                    ".github/workflows/a.yml",
                    "jobs:\n  a:\n    runs-on: windows-latest\n    steps:\n      - run: iex (iwr https://a.example/i)\n",
                )],
                vec!["iex (iwr https://a.example/i)"] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("piped-to-shell", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
