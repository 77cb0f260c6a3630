//! `OBF-005`: a large constant that nobody can read is decoded beside code that can run it.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::observe_place;
use super::{Rule, in_context};
use crate::python::{Analysis, Literal, Module, Reached, SinkKind};

/// The rule.
pub(super) struct Blob;

impl Rule for Blob {
    fn id(&self) -> &'static str {
        "OBF-005"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "a large unreadable constant is decoded"
    }

    fn manual(&self) -> &'static str {
        "A constant of two kilobytes or more, as random as compressed data, or a list of many \
         numbers, is decoded in a module that can also run or load what comes out.\n\n\
         What is inside was not written to be read.\n\n\
         Mistaken for it: icons, fonts and tables. They are of low severity where nothing runs \
         what is decoded."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let runs = can_run(module);
            for literal in module.literals.iter().filter(|literal| is_blob(literal)) {
                let worst = if runs {
                    Severity::Medium
                } else {
                    Severity::Low
                };
                let severity = in_context(worst, literal.context);
                let confidence = Confidence::of(60).in_context(literal.context);
                let message = format!("a constant of {} characters is decoded", literal.length);
                let seen = (&literal.place, literal.context, &*literal.text);
                observations.push(observe_place(self, seen, (severity, confidence), message));
            }
        }
    }
}

/// Bits a character of base64 over compressed data come close to six; prose stays below 4.5.
const RANDOM: f32 = 5.2;
const LARGE: usize = 2_048;
/// As many bytes or numbers as a small program needs.
const MANY: usize = 256;

fn is_blob(literal: &Literal) -> bool {
    let is_random = literal.entropy >= RANDOM && literal.length >= LARGE;
    let is_bytes = literal.is_bytes && literal.length >= MANY && literal.entropy >= 3.5;
    literal.decoded && (is_random || is_bytes)
}

fn can_run(module: &Module) -> bool {
    module.calls.iter().any(|call| {
        let runs = matches!(
            call.sink,
            Some(SinkKind::Exec | SinkKind::Command | SinkKind::Deserialise | SinkKind::Native)
        );
        runs || call.reached == Reached::ByHiddenName
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    /// Text as random as base64 of compressed data.
    fn random(length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut state = 7_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(ALPHABET[(state >> 58) as usize])
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn blobs_beside_what_runs_them_are_seen() {
        let numbers: Vec<String> = (0..300).map(|at| (at * 7 % 251).to_string()).collect();
        for code in [
            format!(
                "import base64, ctypes\nd = base64.b64decode('{}')\nctypes.CDLL('/tmp/x.so')",
                random(4_000)
            ),
            format!(
                "import base64, zlib, os\nB = '{}'\nd = zlib.decompress(base64.b64decode(B))\nos.system('a')",
                random(2_400)
            ),
            format!(
                "import subprocess\nd = bytes([{}])\nsubprocess.run(['a'], input=d)",
                numbers.join(", ")
            ),
        ] {
            found("OBF-005", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn icons_and_texts_are_not() {
        for code in [
            format!(
                "import base64\nICON = base64.b64decode('{}')",
                random(4_000)
            ),
            format!("import os\nVECTOR = '{}'\nos.system('a')", random(4_000)),
            format!(
                "import base64, os\nbase64.b64decode('{}')\nos.system('a')",
                random(400)
            ),
        ] {
            quiet("OBF-005", "demo/__init__.py", &code);
        }
    }
}
