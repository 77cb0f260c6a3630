//! `NET-008`: the network is used on installation or at the start of the interpreter.

use std::collections::BTreeSet;

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::sends;
use super::{Rule, observe_call};
use crate::python::{Analysis, Call, Context, Label};

/// The rule.
pub(super) struct NetworkOnInstall;

impl Rule for NetworkOnInstall {
    fn id(&self) -> &'static str {
        "NET-008"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "installing or starting the interpreter uses the network"
    }

    fn manual(&self) -> &'static str {
        "Code that runs when the package is built or installed, or whenever the \
         interpreter starts, speaks to the network.\n\n\
         What installing does should follow from what is in the distribution. With the \
         network it follows from who asks, and when.\n\n\
         Mistaken for it: packages that fetch a compiler, a library or their own binary \
         when they are built."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let mut seen = BTreeSet::new();
            for call in module
                .calls
                .iter()
                .filter(|call| call.context >= Context::Startup)
            {
                if !speaks(call) || !seen.insert(call.place.line) {
                    continue;
                }
                let severity = match call.context {
                    Context::Startup => Severity::High,
                    _ => Severity::Medium,
                };
                let confidence = Confidence::of(60).in_context(call.context);
                let message = format!("{} uses the network on {}", call.target, call.context);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Whether the call sends, and not to the machine itself.
fn speaks(call: &Call) -> bool {
    let is_request =
        call.target.starts_with("urllib.request.Request") || &*call.target == "requests.Request";
    let is_own = !call.labels.has(Label::Net) && is_for_own_name(call);
    call.sink.is_some_and(sends) && !is_request && !is_own
}

/// `gethostbyname(gethostname())`, or an address of the machine itself.
fn is_for_own_name(call: &Call) -> bool {
    let hosts = super::sent::hosts(call);
    let is_lookup = call.target.starts_with("socket.gethostby") && hosts.is_empty();
    let is_near = |host: &&str| matches!(*host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0");
    is_lookup || !hosts.is_empty() && hosts.iter().all(is_near)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn the_network_on_installation_is_seen() {
        for (path, code) in [
            (
                "setup.py",
                "import urllib.request\nurllib.request.urlretrieve('https://files.invalid/a.h', 'a.h')",
            ),
            (
                "demo.pth",
                "import requests; requests.get('https://files.invalid/')",
            ),
            (
                "setup.py",
                "from setuptools import setup\nfrom setuptools.command.develop import develop as D\nimport socket\nclass C(D):\n    def run(self):\n        socket.create_connection(('files.invalid', 80))\nsetup(cmdclass={'develop': C})",
            ),
            (
                "sitecustomize.py",
                "from http.client import HTTPSConnection as H\nc = H('files.invalid')\nc.request('GET', '/')",
            ),
        ] {
            found("NET-008", path, code);
        }
    }

    #[test]
    fn the_network_elsewhere_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nrequests.get('https://files.invalid/')",
            ),
            (
                "setup.py",
                "import socket\nsocket.gethostbyname(socket.gethostname())",
            ),
            ("setup.py", "import requests\nprint(requests.__version__)"),
        ] {
            quiet("NET-008", path, code);
        }
    }
}
