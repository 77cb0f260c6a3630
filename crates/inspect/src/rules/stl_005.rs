//! `STL-005`: three or more kinds of secret files are named in one module.

use std::collections::BTreeSet;

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{context_of, observe_place, texts};
use super::{Rule, in_context};
use crate::python::{Analysis, Call, Label, Literal, Module};

/// The rule.
pub(super) struct SecretsListed;

impl Rule for SecretsListed {
    fn id(&self) -> &'static str {
        "STL-005"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it lists where many kinds of secrets are kept"
    }

    fn manual(&self) -> &'static str {
        "One module names the places of three or more kinds of secrets: keys, cloud \
         credentials, tokens of package tools, browsers, wallets, messengers, histories of \
         shells.\n\n\
         A client knows where its own credentials are. Who knows everybody's, collects them.\n\n\
         Mistaken for it: tools that look for leaked secrets or back up settings, when a user \
         calls them; there it counts less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let named: BTreeSet<&str> = module
                .literals
                .iter()
                .flat_map(|literal| kinds_in(&literal.text))
                .chain(module.calls.iter().flat_map(texts).flat_map(kinds_in))
                .collect();
            let Some(first) = first_literal(module).filter(|_| named.len() >= KINDS) else {
                continue;
            };
            let reader = module
                .calls
                .iter()
                .filter(|call| reads_files(call))
                .map(|call| call.context)
                .max();
            let Some(context) =
                reader.map(|reader| reader.max(first.context).min(context_of(module.role)))
            else {
                continue;
            };
            let severity = in_context(Severity::High, context);
            let confidence = Confidence::of(70).in_context(context);
            let kinds: Vec<&str> = named.into_iter().collect();
            let message = format!("the module knows where {} are kept", kinds.join(", "));
            let seen = (&first.place, context, &*message);
            observations.push(observe_place(
                self,
                seen,
                (severity, confidence),
                message.clone(),
            ));
        }
    }
}

/// So many kinds of secrets no client needs.
const KINDS: usize = 3;

/// Parts of paths, with the kind of secret that is kept there.
const SECRETS: &[(&str, &str)] = &[
    (".ssh", "SSH keys"),
    ("id_rsa", "SSH keys"),
    ("id_ed25519", "SSH keys"),
    (".aws/", "cloud credentials"),
    (".kube/", "cloud credentials"),
    ("gcloud", "cloud credentials"),
    (".netrc", "passwords for hosts"),
    (".git-credentials", "passwords for hosts"),
    (".pypirc", "tokens for publishing"),
    (".npmrc", "tokens for publishing"),
    ("Login Data", "browser passwords"),
    ("Local State", "browser passwords"),
    ("key4.db", "browser passwords"),
    ("logins.json", "browser passwords"),
    ("cookies.sqlite", "browser passwords"),
    ("Web Data", "browser passwords"),
    ("wallet.dat", "wallets"),
    ("Exodus", "wallets"),
    ("MetaMask", "wallets"),
    ("nkbihfbeogaeaoehlefnkodbefgpgknn", "wallets"),
    ("leveldb", "messenger sessions"),
    ("tdata", "messenger sessions"),
    ("Keychains", "keychains"),
    ("login.keychain", "keychains"),
    ("/etc/shadow", "system passwords"),
    (".bash_history", "shell histories"),
];

fn kinds_in(text: &str) -> Vec<&'static str> {
    let short = text.get(..400).unwrap_or(text);
    let found = SECRETS.iter().filter(|(part, _)| short.contains(part));
    found.map(|(_, kind)| *kind).collect()
}

fn first_literal(module: &Module) -> Option<&Literal> {
    module
        .literals
        .iter()
        .find(|literal| !kinds_in(&literal.text).is_empty())
}

/// Whether `call` looks into files or folders, or carries what was read from one.
fn reads_files(call: &Call) -> bool {
    call.labels.has(Label::SecretFile)
        || call.labels.has(Label::File)
        || matches!(
            &*call.target,
            "os.walk" | "os.listdir" | "os.scandir" | "glob.glob" | "glob.iglob"
        )
        || matches!(
            &*call.target,
            "os.path.exists" | "os.path.isfile" | "os.path.isdir" | "os.path.expanduser"
        )
        || call.target.starts_with("shutil.copy")
        || call.target.starts_with("zipfile.ZipFile().write")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn many_kinds_of_secrets_are_seen() {
        for code in [
            "import os\nP = ['~/.ssh/id_rsa', '~/.aws/credentials', '~/.pypirc']\nfor p in P:\n    if os.path.exists(os.path.expanduser(p)):\n        print(open(os.path.expanduser(p)).read())".to_owned(),
            "import shutil, os\nh = os.path.expanduser('~')\nfor a in ('/.kube/config', '/.npmrc', '/Exodus/wallet'):\n    shutil.copy(h + a, '/tmp')".to_owned(),
            "import glob\nglob.glob('/home/*/.ssh/*')\nglob.glob('/home/*/.config/google-chrome/*/Login Data')\nglob.glob('/home/*/discord/Local Storage/leveldb')".to_owned(),
        ] {
            found("STL-005", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn the_own_credentials_are_not() {
        for code in [
            "import os\nos.path.exists(os.path.expanduser('~/.aws/credentials'))".to_owned(),
            "NAMES = ['~/.ssh/id_rsa', '~/.aws/credentials', '~/.pypirc']".to_owned(),
            "import os\ndef f():\n    return [os.path.exists(p) for p in ('~/.ssh/id_rsa', '~/.aws/credentials', '~/.pypirc')]".to_owned(),
        ] {
            quiet("STL-005", "demo/__init__.py", &code);
        }
    }
}
