//! `EXE-009`: data decrypted with a key that lies beside it runs.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::FAR;
use super::{Rule, in_context, observe_flow};
use crate::python::{Analysis, Label, SinkKind};

/// The rule.
pub(super) struct DecryptedCode;

impl Rule for DecryptedCode {
    fn id(&self) -> &'static str {
        "EXE-009"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "decrypted data runs"
    }

    fn manual(&self) -> &'static str {
        "Something is decrypted and then runs, as Python, as objects or as a command.\n\n\
         The key has to be there, or come from somewhere, for the code to run: encryption \
         protects nothing here except the code from its readers.\n\n\
         Mistaken for it: tests of cryptography, and licensed programs that unlock \
         themselves when they are called."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let runs = matches!(
                flow.kind,
                SinkKind::Exec | SinkKind::Deserialise | SinkKind::Command | SinkKind::Import
            );
            if flow.label != Label::Decrypted || !runs {
                continue;
            }
            let is_weak = flow.hops > FAR || flow.kind == SinkKind::Deserialise;
            let worst = if is_weak {
                Severity::Medium
            } else {
                Severity::High
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(95).in_context(flow.context);
            let message = format!(
                "{} runs what {} decrypted",
                analysis.sink(flow).target,
                flow.what
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn decrypted_code_is_seen_whatever_the_cipher() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "from cryptography.fernet import Fernet\nexec(Fernet(b'key').decrypt(b'gAAAA'))",
            ),
            (
                "setup.py",
                "import cryptography.fernet as f\nc = f.Fernet('key').decrypt(blob).decode()\neval(compile(c, '', 'exec'))",
            ),
            (
                "demo/__init__.py",
                "from Crypto.Cipher import AES\na = AES.new(b'0' * 16, AES.MODE_CBC, b'0' * 16)\nexec(a.decrypt(blob))",
            ),
            (
                "demo.pth",
                "from cryptography.fernet import Fernet as F; import os; os.system(F(b'k').decrypt(b'x').decode())",
            ),
            (
                "demo/__init__.py",
                "import pyaes\nexec(pyaes.AESModeOfOperationCTR(b'0' * 16).decrypt(blob))",
            ),
        ] {
            found("EXE-009", path, code);
        }
    }

    #[test]
    fn decrypted_data_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "from cryptography.fernet import Fernet\nimport json\nsettings = json.loads(Fernet(key).decrypt(blob))",
            ),
            (
                "demo/__init__.py",
                "from cryptography.fernet import Fernet\ndef unlock(k, b):\n    return Fernet(k).decrypt(b)",
            ),
            (
                "tests/test_a.py",
                "from cryptography.fernet import Fernet\nexec(Fernet(b'key').decrypt(b'gAAAA'))",
            ),
        ] {
            quiet("EXE-009", path, code);
        }
    }
}
