//! `unused-ignore`: a comment or an exception in the settings that quiets nothing any more. Which of them were
//! used is known only when every other rule has spoken: `check` tells.

use crate::inspection::Severity;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(in crate::lint) struct UnusedIgnore;

impl Rule for UnusedIgnore {
    fn id(&self) -> &'static str {
        "unused-ignore"
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn summary(&self) -> &'static str {
        "an ignore quiets nothing"
    }

    fn manual(&self) -> &'static str {
        "A comment `# portcullis: ignore[RULE] reason`, or an entry of `ignore` in the settings, quiets nothing: \
         what it was written for is gone, or it stands in the wrong place. Left where it is, it would quiet what \
         comes there next without anybody having looked.\n\n\
         Take it out; `portcullis check --fix` does it with comments. A comment is about its own line, or about the \
         next one where it has a line for itself. Rules that are off or were not asked for leave their ignores \
         alone, and so do those that need an index where none was asked."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "flask==3.1.0  # portcullis: ignore[trusted-host] our own laboratory\n",
        )
    }

    /// Nothing: it is `check` that knows what was used.
    fn check(&self, _: &Project, _: &mut Vec<Finding>) {}
}
