//! `OBF-003`: names are written in letters that look like others.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{context_of, line_of, observe_place};
use super::{Rule, in_context};
use crate::python::{Analysis, Inspected, Module, TextFactKind};

/// The rule.
pub(super) struct DisguisedNames;

impl Rule for DisguisedNames {
    fn id(&self) -> &'static str {
        "OBF-003"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "names are not what they look like"
    }

    fn manual(&self) -> &'static str {
        "A name mixes Latin letters with letters of another script that look the same, or is \
         written in letters that Python reads as ASCII: full-width, mathematical, circled.\n\n\
         Two names that look alike are two functions, and `exec` written otherwise escapes a \
         search for it.\n\n\
         Mistaken for it: Greek letters in formulas. Letters that no Latin letter is mistaken \
         for are left alone, and so are whole names in one script."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let context = context_of(module.role);
            for fact in module.text.iter().filter(|fact| {
                matches!(
                    fact.kind,
                    TextFactKind::LookAlikeName | TextFactKind::DisguisedName
                )
            }) {
                let place = line_of(module, fact.line);

                let severity = in_context(Severity::High, context);
                let confidence = Confidence::of(certainty(module)).in_context(context);
                let message = match fact.kind {
                    TextFactKind::LookAlikeName => {
                        "a name mixes letters of two scripts that look alike".to_owned()
                    }
                    _ => "a name is written in letters that Python reads as others".to_owned(),
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

/// What names nothing that could do harm is a curiosity more often than an attack.
fn certainty(module: &Module) -> u8 {
    match module.depth {
        Inspected::Text => 70,
        Inspected::Tokens | Inspected::Whole => 85,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn look_alikes_are_seen() {
        for code in [
            "import r\u{435}quests".to_owned(),
            "\u{FF45}\u{FF58}\u{FF45}\u{FF43}('1')".to_owned(),
            "\u{1D4EE}\u{1D4FF}\u{1D4EA}\u{1D4F5}('1')".to_owned(),
            "def is_\u{430}dmin(): pass".to_owned(),
        ] {
            found("OBF-003", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn science_and_languages_are_not() {
        for code in [
            "\u{3B1} = 1\n\u{394}t = 2\n\u{3C3}_max = 3".to_owned(),
            "\u{438}\u{43C}\u{44F} = 1".to_owned(),
            "x = 'r\u{435}quests'  # r\u{435}quests".to_owned(),
        ] {
            quiet("OBF-003", "demo/__init__.py", &code);
        }
    }
}
