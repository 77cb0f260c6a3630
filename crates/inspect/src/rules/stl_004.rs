//! `STL-004`: the password or cookie store of a browser is opened.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::texts;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Module};

/// The rule.
pub(super) struct BrowserStore;

impl Rule for BrowserStore {
    fn id(&self) -> &'static str {
        "STL-004"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it opens the password or cookie store of a browser"
    }

    fn manual(&self) -> &'static str {
        "The files in which browsers keep passwords and cookies are opened, as a database or \
         with the key that protects them.\n\n\
         Nobody but the browser needs them. This is the heart of every stealer.\n\n\
         Mistaken for it: libraries that hand a user the cookies of the own browser, when \
         called; there it counts less. Except them by their hash."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in analysis.modules.iter().filter(|module| names_store(module)) {
            let openers: Vec<&Call> = module
                .calls
                .iter()
                .filter(|call| opens_store(call))
                .collect();
            let kinds = openers
                .iter()
                .map(|call| call.target.split('.').next())
                .collect::<std::collections::BTreeSet<_>>();
            let Some(call) = openers.iter().max_by_key(|call| call.context) else {
                continue;
            };
            let sure = if kinds.len() > 1 { 95 } else { 80 };
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(sure).in_context(call.context);
            let message = format!("{} opens what a browser keeps secret", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Files in which browsers keep passwords, cookies and the key for them.
const STORES: &[&str] = &[
    "Login Data",
    "Local State",
    "Web Data",
    "Network/Cookies",
    "Network\\Cookies",
    "Default/Cookies",
    "Default\\Cookies",
    "key4.db",
    "key3.db",
    "logins.json",
    "cookies.sqlite",
];

fn names_store(module: &Module) -> bool {
    let says = |text: &str| text.len() < 400 && STORES.iter().any(|part| text.contains(part));
    module.literals.iter().any(|literal| says(&literal.text))
        || module
            .calls
            .iter()
            .any(|call| texts(call).into_iter().any(says))
}

fn opens_store(call: &Call) -> bool {
    let target = &*call.target;
    target == "sqlite3.connect"
        || target.ends_with(".CryptUnprotectData")
        || target.starts_with("Crypto.Cipher.AES.new")
        || target.ends_with("AESGCM().decrypt")
        || target == "keyring.get_password"
        || target.starts_with("browser_cookie3.")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn opened_stores_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import os, sqlite3, shutil\np = os.path.expanduser('~/.config/google-chrome/Default/Login Data')\nshutil.copy(p, 'x')\nsqlite3.connect('x').execute('select * from logins')",
            ),
            (
                "demo/__init__.py",
                "import win32crypt, json, base64, os\nk = json.load(open(os.environ['APPDATA'] + '/Chrome/User Data/Local State'))\nwin32crypt.CryptUnprotectData(base64.b64decode(k['os_crypt']['encrypted_key'])[5:])",
            ),
            (
                "demo/__init__.py",
                "import sqlite3, glob\nfor f in glob.glob('/home/*/.mozilla/firefox/*/cookies.sqlite'):\n    c = sqlite3.connect(f)",
            ),
            (
                "demo/__init__.py",
                "from Crypto.Cipher import AES\nname = 'Login' + ' Data'\npath = r'\\Default\\Network\\Cookies'\ndef key(k, iv, d):\n    return AES.new(k, AES.MODE_GCM, iv).decrypt(d)\nkey(b'1', b'2', b'3')",
            ),
        ] {
            found("STL-004", path, code);
        }
    }

    #[test]
    fn ones_own_database_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import sqlite3\nsqlite3.connect('app.db')",
            ),
            (
                "demo/__init__.py",
                "from Crypto.Cipher import AES\ndef seal(k, d):\n    return AES.new(k, AES.MODE_GCM).encrypt(d)",
            ),
            ("demo/__init__.py", "FILES = ['Login Data', 'key4.db']"),
        ] {
            quiet("STL-004", path, code);
        }
    }
}
