//! `OBF-001`: code is hidden behind spaces or in a line too long to be read.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{context_of, is_harmful, line_of, observe_place};
use super::{Rule, in_context};
use crate::python::{Analysis, Inspected, Module, Reached, TextFact, TextFactKind};

/// The rule.
pub(super) struct HiddenOnLine;

impl Rule for HiddenOnLine {
    fn id(&self) -> &'static str {
        "OBF-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "code stands where nobody looks"
    }

    fn manual(&self) -> &'static str {
        "At least two hundred spaces and then code on the same line, or a line of more than \
         five thousand characters that calls something able to run, decode or send.\n\n\
         Editors and reviews show the beginning of a line. Whoever writes further right does \
         not want to be read.\n\n\
         Mistaken for it: generated tables, which call nothing that matters, and minified code \
         of other languages, which is not looked at."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let context = context_of(module.role);
            for fact in module.text.iter().filter(|fact| {
                matches!(
                    fact.kind,
                    TextFactKind::CodeBehindSpaces | TextFactKind::LongLine
                )
            }) {
                let place = line_of(module, fact.line);
                let severity = how_bad(module, fact);
                let severity = in_context(severity, context);
                let confidence = Confidence::of(90).in_context(context);
                let message = match fact.kind {
                    TextFactKind::CodeBehindSpaces => {
                        format!("code stands behind {} spaces", fact.amount)
                    }
                    _ => format!("a line of {} characters holds code", fact.amount),
                };
                observations.push(observe_place(
                    self,
                    (&place, context, &message),
                    (severity, confidence),
                    message.clone(),
                ));
            }
        }
    }
}

/// High when what stands on the line is able to do something.
fn how_bad(module: &Module, fact: &TextFact) -> Severity {
    let mut here = module
        .calls
        .iter()
        .filter(|call| call.place.line == fact.line);
    let is_able = here.any(|call| {
        is_harmful(call) || call.reached == Reached::ByHiddenName || decodes(&call.target)
    });
    let imports = module
        .imports
        .iter()
        .any(|import| import.place.line == fact.line);
    match fact.kind {
        TextFactKind::CodeBehindSpaces if is_able || imports => Severity::High,
        TextFactKind::CodeBehindSpaces if module.depth != Inspected::Text => Severity::Medium,
        TextFactKind::LongLine if is_able => Severity::High,
        _ => Severity::Low,
    }
}

fn decodes(target: &str) -> bool {
    [
        "base64.",
        "binascii.",
        "zlib.",
        "lzma.",
        "bz2.",
        "marshal.",
        "codecs.decode",
    ]
    .iter()
    .any(|root| target.starts_with(root))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn code_that_is_hidden_is_seen() {
        for code in [
            format!("x = 1;{}import os; os.system('echo')", " ".repeat(300)),
            format!("import os\nx = 1;{}os.popen('echo')", "\t".repeat(220)),
            format!(
                "import base64;x=[{}];exec(base64.b64decode('cGFzcw=='))",
                "1,".repeat(3_000)
            ),
            format!(
                "import socket\ns = socket.socket();x=[{}];s.send(b'a')",
                "f(2),".repeat(2_000)
            ),
        ] {
            found("OBF-001", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn tables_and_texts_are_not() {
        for code in [
            format!("TABLE = [{}]", "(1, 2),".repeat(2_000)),
            format!("x = 1{}# a comment far right", " ".repeat(300)),
            format!("TEXT = '{}'", "exec(x) ".repeat(2_000)),
        ] {
            quiet("OBF-001", "demo/__init__.py", &code);
        }
    }
}
