//! [`Manual`]: what people read about a rule of the inspection, whichever kind of rule it is.

use portcullis_core::inspection::Severity;

use crate::rules::RULES;
use crate::rules::archive::ARCHIVE_RULES;

/// What there is to read about a rule.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// The rule's id, for example `EXE-001`.
    pub id: &'static str,
    /// How bad it is at its worst.
    pub severity: Severity,
    /// One line, without a full stop.
    pub title: &'static str,
    /// Paragraphs in Markdown: what it sees, why that matters, what is mistaken for it.
    pub text: &'static str,
}

/// The manual of the rule `id`.
#[must_use]
pub fn manual(id: &str) -> Option<Manual> {
    manuals().into_iter().find(|manual| manual.id == id)
}

/// The manuals of all rules, in the order of ids.
#[must_use]
pub fn manuals() -> Vec<Manual> {
    let python = RULES.iter().map(|rule| Manual {
        id: rule.id(),
        severity: rule.severity(),
        title: rule.title(),
        text: rule.manual(),
    });
    let archive = ARCHIVE_RULES.iter().map(|rule| Manual {
        id: rule.id(),
        severity: rule.severity(),
        title: rule.title(),
        text: rule.manual(),
    });
    let mut all: Vec<Manual> = python.chain(archive).collect();
    all.sort_by_key(|manual| manual.id);
    all
}

impl Manual {
    /// Why it matters: the second paragraph of the manual, or the first where there is only one.
    #[must_use]
    pub fn why(&self) -> &'static str {
        let mut paragraphs = self.text.split("\n\n");
        let first = paragraphs.next().unwrap_or_default();
        paragraphs.next().unwrap_or(first)
    }
}
