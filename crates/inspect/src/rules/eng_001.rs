//! `ENG-001`: a source is nested so deeply that it was not followed.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::Rule;
use super::evidence::observe_engine;
use crate::python::{Analysis, EngineFindingKind};

/// The rule.
pub(super) struct ParserBomb;

impl Rule for ParserBomb {
    fn id(&self) -> &'static str {
        "ENG-001"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "the source is built to exhaust its reader"
    }

    fn manual(&self) -> &'static str {
        "An expression of the source nests or chains thousands of times. It was read word by \
         word, but not followed.\n\n\
         People do not write such code; it is written to crash whoever looks at it.\n\n\
         Mistaken for it: generated tables and grammars. Look at the file, and except it by its \
         hash."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        observe_engine(
            self,
            (analysis, EngineFindingKind::ParserBomb),
            (Severity::High, Confidence::of(80)),
            observations,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn bombs_are_seen() {
        for code in [
            format!("x = {}1{}", "(".repeat(20_000), ")".repeat(20_000)),
            format!("x = {}", "1+".repeat(50_000) + "1"),
            format!("x = {}1", "-".repeat(50_000)),
        ] {
            found("ENG-001", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn long_lists_are_not() {
        for code in [
            "x = [[1, 2], [3, [4]]]".to_owned(),
            format!("x = [{}]", "1,".repeat(20_000)),
        ] {
            quiet("ENG-001", "demo/__init__.py", &code);
        }
    }
}
