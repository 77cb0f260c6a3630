//! `PRC-008`: a process is started so that nobody sees it.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::command_lines;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Context, Module, SinkKind};

/// The rule.
pub(super) struct SilentProcess;

impl Rule for SilentProcess {
    fn id(&self) -> &'static str {
        "PRC-008"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a process is started so that nobody sees it"
    }

    fn manual(&self) -> &'static str {
        "Importing or installing starts a process with its output thrown away and cut \
         loose from its parent: `DEVNULL` together with a new session, a detached process \
         or no window.\n\n\
         It outlives what started it, and says nothing. By itself it is a hint; with a \
         command that is hidden or downloaded it is a dropper.\n\n\
         Mistaken for it: programs with windows that start helpers."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis.calls() {
            if !call.context.is_unasked() || !is_silent(call) {
                continue;
            }
            // Where no package starts anything at all, silence is more than a hint.
            let (worst, sure) = match call.context {
                Context::Startup | Context::Install => (Severity::High, 85),
                _ if runs_own_code(call) => (Severity::High, 85),
                _ => (Severity::Low, 70),
            };
            let severity = in_context(worst, call.context);
            let confidence = Confidence::of(sure).in_context(call.context);
            let message = format!("{} starts a process that nobody sees", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
        for call in analysis.modules.iter().filter_map(leaves_session) {
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(85).in_context(call.context);
            let message =
                "the module goes on in the background, in a session of its own".to_owned();
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether the process is given a program to run in the command itself.
fn runs_own_code(call: &Call) -> bool {
    let lines = command_lines(call);
    lines
        .iter()
        .any(|line| line.contains(" -c ") && line.len() > 40)
}

/// Whether the module leaves its session by hand: `fork`, `setsid`, and then a program or null devices
/// for its streams.
fn leaves_session(module: &Module) -> Option<&Call> {
    let unasked = |name: &str| {
        let mut calls = module.calls.iter();
        calls.find(|call| &*call.target == name && call.context.is_unasked())
    };
    let goes_on = [
        "os.dup2",
        "os.execvp",
        "os.execv",
        "os.execlp",
        "os.execve",
        "os.execl",
    ];
    let fork = unasked("os.fork")?;
    unasked("os.setsid")?;
    goes_on
        .iter()
        .any(|name| unasked(name).is_some())
        .then_some(fork)
}

const LOOSE: &[&str] = &[
    "start_new_session=True",
    "DETACHED_PROCESS",
    "CREATE_NO_WINDOW",
    "os.setsid",
    "setpgrp",
    "0x08000000",
    "0x8000000",
    "134217728",
    "SW_HIDE",
    "process_group=0",
    "startupinfo",
];

fn is_silent(call: &Call) -> bool {
    let throws_away = ["stdout", "stderr", "stdin"].iter().any(|name| {
        let mut named = call.arguments.iter().filter(|each| &*each.keyword == *name);
        named.any(|each| {
            let is_null = |name: &str| name.ends_with("DEVNULL") || name.ends_with("devnull");
            matches!(&each.value, crate::python::Folded::Name(name) if is_null(name))
                || matches!(each.value, crate::python::Folded::Int(-3))
                || call.code.contains("DEVNULL")
                || call.code.contains("devnull")
        })
    });
    let is_shell = call.code.contains("/dev/null") && call.code.contains("nohup ");
    let is_loose = LOOSE.iter().any(|way| call.code.contains(way));
    call.sink == Some(SinkKind::Command) && (throws_away && is_loose || is_shell)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn silent_processes_are_seen() {
        for (path, code) in [
            (
                "demo.pth",
                "import subprocess as s; s.Popen(['demo-agent'], stdout=s.DEVNULL, stderr=s.DEVNULL, start_new_session=True)",
            ),
            (
                "setup.py",
                "import subprocess, os\nsubprocess.Popen(['demo-agent'], stdout=open(os.devnull, 'w'), preexec_fn=os.setsid)",
            ),
            (
                "setup.py",
                "import subprocess\nsubprocess.Popen('demo-agent', stdout=subprocess.DEVNULL, creationflags=subprocess.CREATE_NO_WINDOW)",
            ),
            (
                "setup.py",
                "import os\nos.system('nohup demo-agent > /dev/null 2>&1 &')",
            ),
        ] {
            found("PRC-008", path, code);
        }
    }

    #[test]
    fn quiet_ones_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['git', 'status'], stderr=subprocess.DEVNULL)",
            ),
            (
                "setup.py",
                "import subprocess\nsubprocess.run(['make'], stdout=subprocess.DEVNULL)",
            ),
            (
                "demo/__init__.py",
                "import subprocess\ndef start():\n    subprocess.Popen(['demo'], stdout=subprocess.DEVNULL, start_new_session=True)",
            ),
        ] {
            quiet("PRC-008", path, code);
        }
    }
}
