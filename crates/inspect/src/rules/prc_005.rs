//! `PRC-005`: a command that is not plain is started on import.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::prc_004::{HIDDEN, builds, is_strange};
use super::sent::{command_lines, program};
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Context, Folded, Label, SinkKind};

/// The rule.
pub(super) struct ImportCommands;

impl Rule for ImportCommands {
    fn id(&self) -> &'static str {
        "PRC-005"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "importing starts a command that is not plain"
    }

    fn manual(&self) -> &'static str {
        "Importing the package, or the start of the interpreter, starts a command that is \
         not known before it runs, that a shell takes apart, or that was decoded first. \
         At the start of the interpreter every command counts.\n\n\
         An import should define things. Droppers start on import because nothing else \
         needs to happen.\n\n\
         Mistaken for it: packages that ask `git` or a compiler for a version."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis
            .calls()
            .filter(|call| call.sink == Some(SinkKind::Command))
        {
            let Some(worst) = worst(call) else {
                continue;
            };
            let severity = in_context(worst, call.context);
            let confidence = Confidence::of(70).in_context(call.context);
            let message = format!("{} starts a command on {}", call.target, call.context);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

fn worst(call: &Call) -> Option<Severity> {
    let lines = command_lines(call);
    let is_known = !lines.is_empty() && lines.iter().all(|line| !program(line).is_empty());
    let is_plain = lines.iter().all(|line| builds(line)) && !lines.is_empty();
    match call.context {
        Context::Startup | Context::Import if is_hidden(call) => Some(Severity::High),
        Context::Startup => Some(Severity::High),
        Context::Import if is_strange(call, &lines) => Some(Severity::High),
        // What only a shell can read, and nobody before it.
        Context::Import if is_always_shell(call) && !is_known => Some(Severity::High),
        Context::Import if is_plain => None,
        Context::Import if uses_shell(call) => Some(Severity::Medium),
        // A list of words of which the program is not known is mostly a path that was looked up, in
        // more honest packages than a note would be worth.
        Context::Import if !is_known => Some(Severity::Info),
        _ => None,
    }
}

/// Whether the command itself, rather than its settings, was decoded or fetched.
fn is_hidden(call: &Call) -> bool {
    let words = call
        .arguments
        .iter()
        .filter(|each| !matches!(&*each.keyword, "env" | "cwd" | "timeout" | "executable"));
    // What the machine's own files say is nothing that the distribution hides.
    let is_told = |each: &crate::python::Argument| {
        each.labels.has(Label::File) && !each.labels.has(Label::OwnFile)
    };
    words
        .into_iter()
        .any(|each| each.labels.meets(HIDDEN) && !is_told(each))
}

/// Whether a shell takes the command apart.
fn uses_shell(call: &Call) -> bool {
    let is_asked = |each: &crate::python::Argument| {
        &*each.keyword == "shell" && !matches!(each.value, Folded::Bool(false) | Folded::None)
    };
    is_always_shell(call) || call.arguments.iter().any(is_asked)
}

fn is_always_shell(call: &Call) -> bool {
    matches!(
        &*call.target,
        "os.system" | "os.popen" | "subprocess.getoutput" | "subprocess.getstatusoutput"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn commands_on_import_are_seen() {
        for (path, code) in [
            ("demo/__init__.py", "import os\nos.system(command)"),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.Popen('run-me now', shell=True)",
            ),
            (
                "demo/__init__.py",
                "import subprocess, base64\nsubprocess.run([base64.b64decode(x).decode()])",
            ),
            (
                "demo.pth",
                "import subprocess; subprocess.Popen(['demo-agent'])",
            ),
            (
                "demo/__init__.py",
                "from os import popen as p\ndef start():\n    p('run-me')\nstart()",
            ),
        ] {
            found("PRC-005", path, code);
        }
    }

    #[test]
    fn asking_for_versions_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.check_output(['git', 'rev-parse', 'HEAD'])",
            ),
            ("demo/__init__.py", "import os\nos.popen('uname -m').read()"),
            (
                "demo/__init__.py",
                "import subprocess\ndef run(c):\n    return subprocess.run(c, shell=True)",
            ),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['lscpu'])",
            ),
        ] {
            quiet("PRC-005", path, code);
        }
    }
}
