//! `OBF-002`: controls change the direction in which source is shown.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{context_of, line_of, observe_place};
use super::{Rule, in_context};
use crate::python::{Analysis, Inspected, Module, TextFactKind};

/// The rule.
pub(super) struct DirectionControls;

impl Rule for DirectionControls {
    fn id(&self) -> &'static str {
        "OBF-002"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "the text does not run in the order it is shown"
    }

    fn manual(&self) -> &'static str {
        "The source holds controls that change the direction of text (U+202A to U+202E, U+2066 \
         to U+2069), so that it is shown in another order than it runs.\n\n\
         What a reviewer sees is not what runs (CVE-2021-42574).\n\n\
         Mistaken for it: texts in scripts written from right to left. Controls that are closed \
         on their line are of low severity."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let context = context_of(module.role);
            for fact in module.text.iter().filter(|fact| {
                matches!(
                    fact.kind,
                    TextFactKind::Bidirectional | TextFactKind::BalancedDirections
                )
            }) {
                let place = line_of(module, fact.line);
                let severity = match fact.kind {
                    TextFactKind::Bidirectional => Severity::High,
                    _ => Severity::Low,
                };
                let severity = in_context(severity, context);
                let confidence = Confidence::of(certainty(module)).in_context(context);
                let message = format!("{} controls change the direction of the text", fact.amount);
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
    fn text_out_of_order_is_seen() {
        for code in [
            "level = 'user\u{202E} \u{2066}# admin\u{2069} \u{2066}'".to_owned(),
            "x = 1  # \u{202E} }".to_owned(),
            "'''a \u{2067}'''; return_early = 1".to_owned(),
        ] {
            found("OBF-002", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn texts_from_right_to_left_are_not() {
        for code in [
            "WORD = '\u{202B}\u{5E9}\u{5DC}\u{5D5}\u{5DD}\u{202C}'".to_owned(),
            "WORD = '\u{5E9}\u{5DC}\u{5D5}\u{5DD}'".to_owned(),
        ] {
            quiet("OBF-002", "demo/__init__.py", &code);
        }
    }
}
