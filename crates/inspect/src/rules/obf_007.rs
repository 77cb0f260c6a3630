//! `OBF-007`: a source is not Python 3, or not in the encoding it claims.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::Rule;
use super::evidence::observe_engine;
use crate::python::{Analysis, EngineFindingKind};

/// The rule.
pub(super) struct Unparsable;

impl Rule for Unparsable {
    fn id(&self) -> &'static str {
        "OBF-007"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn title(&self) -> &'static str {
        "it is not Python 3"
    }

    fn manual(&self) -> &'static str {
        "The source does not parse as Python 3, claims another encoding than it has, or holds \
         NUL bytes. It was read word by word.\n\n\
         Some readers give up on such a file where an interpreter does not.\n\n\
         Mistaken for it: templates, and old sources kept for Python 2. Where it runs unasked, \
         look at the file."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        observe_engine(
            self,
            (analysis, EngineFindingKind::Unparsable),
            (Severity::Low, Confidence::of(60)),
            observations,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::observations;

    #[test]
    fn what_does_not_parse_is_told_and_never_loud() {
        for code in [
            "print 'two'",
            "def f(:\n  pass\nexec(x)",
            "# coding: nonsense\nimport os",
        ] {
            let seen = observations("OBF-007", "setup.py", code);
            assert!(!seen.is_empty(), "{code}");
            assert!(
                seen.iter()
                    .all(|each| each.severity <= super::Severity::Low)
            );
        }
    }

    #[test]
    fn what_parses_is_quiet() {
        for code in ["import os\nprint('three')", "# coding: utf-8\nx = 'é'"] {
            assert!(
                observations("OBF-007", "setup.py", code).is_empty(),
                "{code}"
            );
        }
    }
}
