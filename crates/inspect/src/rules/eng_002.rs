//! `ENG-002`: a source was not looked at to the end.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::Rule;
use super::evidence::observe_engine;
use crate::python::{Analysis, EngineFindingKind};

/// The rule.
pub(super) struct Unfinished;

impl Rule for Unfinished {
    fn id(&self) -> &'static str {
        "ENG-002"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "it was not looked at to the end"
    }

    fn manual(&self) -> &'static str {
        "A limit of size, time or steps was reached, so something may have been missed.\n\n\
         What was not looked at is not known to be harmless. Ignorance is told, never passed \
         over.\n\n\
         Mistaken for it: very large generated sources. Raise the limits, or except the file by \
         its hash."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        observe_engine(
            self,
            (analysis, EngineFindingKind::Incomplete),
            (Severity::Medium, Confidence::CERTAIN),
            observations,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::quiet;
    use super::*;
    use crate::python::{Budget, Package, Role, Source, analyse};

    fn seen(role: Role, budget: &Budget) -> Vec<Observation> {
        let code = b"import os\nos.system('a')\nos.system('b')".as_slice();
        let sources = vec![Source::new("demo/__init__.py", code, role)];
        let analysis = analyse(
            &Package {
                sources,
                ..Package::default()
            },
            budget,
        );
        let mut observations = Vec::new();
        Unfinished.check(&analysis, &mut observations);
        observations
    }

    #[test]
    fn whatever_runs_out_is_told() {
        let defaults = Budget::default;
        for budget in [
            Budget {
                source_bytes: 8,
                ..defaults()
            },
            Budget {
                nodes_per_source: 2,
                ..defaults()
            },
            Budget {
                time: std::time::Duration::ZERO,
                ..defaults()
            },
        ] {
            let observations = seen(Role::Module, &budget);
            assert!(!observations.is_empty(), "{budget:?}");
            assert!(
                observations
                    .iter()
                    .all(|each| each.severity == Severity::Medium)
            );
            assert!(
                seen(Role::Test, &budget)
                    .iter()
                    .all(|each| each.severity == Severity::Info)
            );
        }
    }

    #[test]
    fn what_was_looked_at_to_the_end_is_quiet() {
        quiet("ENG-002", "demo/__init__.py", "import os\nos.system('a')");
    }
}
