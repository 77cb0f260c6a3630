//! `OBF-004`: long runs of invisible characters stand in the source.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{context_of, line_of, observe_place};
use super::{Rule, in_context};
use crate::python::{Analysis, Inspected, Module, TextFactKind};

/// The rule.
pub(super) struct Invisible;

impl Rule for Invisible {
    fn id(&self) -> &'static str {
        "OBF-004"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "characters that cannot be seen carry data"
    }

    fn manual(&self) -> &'static str {
        "Sixteen or more variation selectors, zero-width or private-use characters follow one \
         another.\n\n\
         A run like this is data that no editor shows, and a few lines turn it back into code.\n\n\
         Mistaken for it: emoji, which have a few selectors each and never so many in a row."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let context = context_of(module.role);
            for fact in module
                .text
                .iter()
                .filter(|fact| fact.kind == TextFactKind::Invisible)
            {
                let place = line_of(module, fact.line);

                let severity = in_context(Severity::High, context);
                let confidence = Confidence::of(certainty(module)).in_context(context);
                let message = format!("{} invisible characters follow one another", fact.amount);
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

/// What names nothing that could do harm is a curiosity more often than an attack.
fn certainty(module: &Module) -> u8 {
    match module.depth {
        Inspected::Text => 70,
        Inspected::Tokens | Inspected::Whole => 90,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn unseen_data_is_seen() {
        for code in [
            format!("x = '{}'", "\u{FE01}".repeat(40)),
            format!("x = 'a{}'", "\u{E0141}\u{E0152}".repeat(20)),
            format!("# {}", "\u{200B}\u{200C}".repeat(16)),
            format!("x = '{}'", "\u{E001}".repeat(64)),
        ] {
            found("OBF-004", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn emoji_and_icons_are_not() {
        for code in [
            "x = '\u{1F469}\u{200D}\u{1F680}\u{FE0F}'".to_owned(),
            "ICONS = ['\u{E001}', '\u{E002}']".to_owned(),
        ] {
            quiet("OBF-004", "demo/__init__.py", &code);
        }
    }
}
