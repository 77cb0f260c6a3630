//! [`Manual`]: what people read about a rule of the inspection, whichever kind of rule it is.

use crate::observation::Severity;
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

/// What the engine says by itself, where no rule does.
const ENGINE: [Manual; 3] = [
    Manual {
        id: "ENG-001",
        severity: Severity::High,
        title: "a source is built to exhaust parsers",
        text: "A source nests or chains expressions more deeply than anybody writes by hand. It was looked \
               at as text and tokens only.\n\n\
               Tools that read it may crash, and a tool that has crashed has found nothing: that is what \
               such files are for.\n\n\
               Mistaken for it: large generated tables and the tests of parsers.",
    },
    Manual {
        id: "ENG-002",
        severity: Severity::Medium,
        title: "something was not looked at to the end",
        text: "The time, the memory or the size set for an inspection did not suffice.\n\n\
               What nobody has looked at is not known to be harmless, so the verdict is hold at \
               least.\n\n\
               Mistaken for it: very large generated sources.",
    },
    Manual {
        id: "OBF-007",
        severity: Severity::Low,
        title: "a source is no Python 3, or not in the encoding that it claims",
        text: "The source cannot be parsed, or its bytes are not of the encoding that it names.\n\n\
               What tools cannot read they cannot judge; what Python cannot read it does not run \
               either.\n\n\
               Mistaken for it: templates, and sources for Python 2.",
    },
];

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
    let mut all: Vec<Manual> = python.chain(archive).chain(ENGINE).collect();
    // Stable, so that a rule stands before what the engine says under the same id.
    all.sort_by_key(|manual| manual.id);
    all.dedup_by_key(|manual| manual.id);
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
