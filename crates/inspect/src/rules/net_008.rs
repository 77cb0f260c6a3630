//! `NET-008`: the network is used where nobody asked for anything.

use std::collections::BTreeSet;

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::speaks as speaks_to_somebody;
use super::sent::{foreign_hosts, sends};
use super::{Rule, observe_call};
use crate::python::{Analysis, Call, Context, Label, Module, SinkKind};

/// The rule.
pub(super) struct NetworkUnasked;

impl Rule for NetworkUnasked {
    fn id(&self) -> &'static str {
        "NET-008"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "installing, starting the interpreter or importing uses the network"
    }

    fn manual(&self) -> &'static str {
        "Code that runs when the package is built, installed or imported, or whenever the \
         interpreter starts, speaks to the network. Where the code names somebody else's host, \
         it is held.\n\n\
         What installing and importing do should follow from what is in the distribution. With \
         the network it follows from who asks, and when, and somebody learns who did.\n\n\
         Mistaken for it: packages that fetch a compiler, a library or their own binary \
         when they are built."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let mut seen = BTreeSet::new();
            let unasked = module.calls.iter().filter(|call| call.context.is_unasked());
            for call in unasked {
                let host = reached(module, call);
                let counts = host.is_some() || call.context >= Context::Startup && speaks(call);
                if !counts || !seen.insert(call.place.line) {
                    continue;
                }
                let severity = match call.context {
                    Context::Install if host.is_none() => Severity::Medium,
                    _ => Severity::High,
                };
                let confidence = Confidence::of(60).in_context(call.context);
                let whom = host.map_or("the network", |host| host);
                let message = format!("{} speaks to {whom} on {}", call.target, call.context);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// The foreign host that the code itself says this call speaks to.
fn reached<'c>(module: &Module, call: &'c Call) -> Option<&'c str> {
    let opens = |other: &Call| {
        other.function == call.function && other.sink.is_some_and(sends) && !is_request(other)
    };
    let is_left = is_request(call) && !module.calls.iter().any(opens);
    if !speaks_to_somebody(call) || is_left || call.sink == Some(SinkKind::Command) {
        return None;
    }
    foreign_hosts(call).first().copied()
}

/// Whether the call only puts a request together.
fn is_request(call: &Call) -> bool {
    matches!(
        &*call.target,
        "urllib.request.Request" | "requests.Request" | "httpx.Request"
    )
}

/// Whether the call sends, and not to the machine itself.
fn speaks(call: &Call) -> bool {
    let is_own = !call.labels.has(Label::Net) && is_for_own_name(call);
    call.sink.is_some_and(sends) && !is_request(call) && !is_own
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
    fn the_network_on_import_is_seen_where_a_host_is_named() {
        for code in [
            "import requests\nrequests.get('https://files.invalid/')",
            "import socket\ns = socket.socket()\ns.connect(('files.invalid', 80))",
            "import socket\nsocket.socket().sendto(b'x', ('192.0.2.1', 53))",
            "import logging.handlers as h\nlog = h.HTTPHandler('files.invalid', '/in')",
            "import threading, urllib.request as u\ndef f():\n    u.urlopen('http://files.invalid')\nthreading.Thread(None, f).start()",
        ] {
            found("NET-008", "demo/__init__.py", code);
        }
        for code in [
            "import requests\nrequests.get('http://127.0.0.1:8000/')",
            "import requests, sys\nrequests.get(sys.argv[1])",
        ] {
            quiet("NET-008", "demo/__init__.py", code);
        }
    }

    #[test]
    fn the_network_elsewhere_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\ndef get():\n    return requests.get('https://files.invalid/')",
            ),
            (
                "demo/__init__.py",
                "import requests\nURL = requests.Request('GET', 'https://files.invalid/')",
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
