//! `ARC-011`: compiled Python without its source.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen, is_of_tests};
use crate::archive::survey::Survey;
use crate::python::Context;

/// The rule.
pub(super) struct CompiledCode;

impl ArchiveRule for CompiledCode {
    fn id(&self) -> &'static str {
        "ARC-011"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "compiled Python without its source"
    }

    fn manual(&self) -> &'static str {
        "A `.pyc` file has no source beside it, or was compiled from another one than the \
         source beside it, by size or by hash.\n\n\
         Python runs the compiled file and people read the source.\n\n\
         Mistaken for it: products that are sold without source. Sizes and hashes are compared \
         in wheels."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        for compiled in &survey.compiled {
            // What is left without its source may be how the project is sold; another source is a lie.
            let (severity, sure, message) = match (&compiled.source, compiled.matches) {
                (None, _) if is_of_tests(&compiled.pyc) => {
                    (Severity::Info, 90, "compiled Python without its source")
                }
                (None, _) => (Severity::High, 70, "compiled Python without its source"),
                (_, Some(false)) => (
                    Severity::High,
                    90,
                    "compiled from another source than this one",
                ),
                (Some(_), Some(true)) => continue,
                (Some(_), None) => (Severity::Info, 90, "compiled Python beside its source"),
            };
            let seen = Seen::file(&compiled.pyc).in_context(Context::Import);
            observations.push(seen.observe(self, severity, sure, message.to_owned()));
        }
    }
}
