//! `EVA-001`: what is harmful runs only after asking about the machine.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::is_harmful;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call};

/// The rule.
pub(super) struct WhereAmI;

impl Rule for WhereAmI {
    fn id(&self) -> &'static str {
        "EVA-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it asks where it runs before it acts"
    }

    fn manual(&self) -> &'static str {
        "Something that runs, sends or loads depends on the machine's name, its user, its \
         hardware, its language, a debugger or the programs running.\n\n\
         Code that asks whether it is watched behaves while it is.\n\n\
         Mistaken for it: switches between platforms, which are left alone, and defaults taken \
         from the number of processors."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            for call in module.calls.iter().filter(|call| call.context.is_unasked()) {
                let Some(guard) = call.guards.iter().find(|guard| asks_where(guard)) else {
                    continue;
                };
                let follows = |other: &Call| {
                    is_harmful(other)
                        && other.context.is_unasked()
                        && other.place.line > call.place.line
                };
                let is_gated =
                    is_harmful(call) || (leaves(call) && module.calls.iter().any(follows));
                if !is_gated {
                    continue;
                }
                let severity = in_context(Severity::High, call.context);
                let confidence = Confidence::of(75).in_context(call.context);
                let message = format!("{} runs depending on {guard}", call.target);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Names that tell machines and people apart.
const WHERE: &[&str] = &[
    "getpass.getuser",
    "os.getlogin",
    "socket.gethostname",
    "socket.getfqdn",
    "platform.node",
    "uuid.getnode",
    "locale.getdefaultlocale",
    "locale.getlocale",
    "psutil.",
    "sys.gettrace",
    "time.timezone",
    "time.tzname",
    "ctypes.windll.kernel32.IsDebuggerPresent",
    "ctypes.windll.user32.GetKeyboardLayout",
    "wmi.",
    "winreg.",
    "win32api.GetUserName",
    "os.cpu_count",
    "multiprocessing.cpu_count",
];

fn asks_where(guard: &str) -> bool {
    WHERE.iter().any(|name| guard.starts_with(name))
}

/// Whether `call` ends the program.
fn leaves(call: &Call) -> bool {
    matches!(
        &*call.target,
        "sys.exit" | "os._exit" | "os.abort" | "os.kill"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn questions_before_harm_are_seen() {
        for code in [
            "import getpass, os\nif getpass.getuser() not in ('sandbox', 'analyst'):\n    os.system('echo inert')".to_owned(),
            "import locale, urllib.request as u\nif locale.getdefaultlocale()[0] != 'xx_XX':\n    u.urlopen('https://collect.invalid')".to_owned(),
            "import sys, os, socket\nif socket.gethostname().startswith('vm'):\n    sys.exit()\nos.system('echo inert')".to_owned(),
            "import getpass, os\nuser = getpass.getuser()\nif user in ('sandbox', 'analyst'):\n    raise SystemExit\nelse:\n    os.system('echo inert')".to_owned(),
            "import sys, subprocess\ndef go():\n    if sys.gettrace() is None:\n        subprocess.run(['echo'])\ngo()".to_owned(),
        ] {
            found("EVA-001", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn switches_between_platforms_are_not() {
        for code in [
            "import platform, os\nif platform.system() == 'Windows':\n    os.system('color')".to_owned(),
            "import sys, os\nif sys.platform == 'win32':\n    os.system('color')".to_owned(),
            "import socket, os\ndef f():\n    if socket.gethostname() == 'a':\n        os.system('ls')".to_owned(),
        ] {
            quiet("EVA-001", "demo/__init__.py", &code);
        }
    }
}
