//! What a rule of `portcullis check` is, what it finds, and how what it finds can be mended. The rules
//! themselves are in `rules/`, one file each.

use std::fmt;

use super::contents::Span;
use super::project::{Project, ProjectFile};
use crate::inspection::Severity;

/// A rule.
pub trait Rule: Sync {
    /// Its name in findings, settings, ignores and documentation: `merged-indexes`.
    fn id(&self) -> &'static str;

    /// How bad it is. A finding may be milder where the circumstances are.
    fn severity(&self) -> Severity;

    /// One line: what it finds.
    fn summary(&self) -> &'static str;

    /// Its manual in Markdown: what it looks at, what can happen, how to mend it, when to ignore it.
    fn manual(&self) -> &'static str;

    /// A small file that it objects to, for its manual: path and text.
    fn example(&self) -> (&'static str, &'static str);

    /// Whether it reads what an index says of releases ([`Project::known`]), so that it finds nothing where
    /// none was asked.
    fn reads_an_index(&self) -> bool {
        false
    }

    /// Looks at a project.
    fn check(&self, project: &Project, found: &mut Vec<Finding>);
}

impl fmt::Debug for dyn Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Something that a rule objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub path: String,
    /// The bytes of its text that are meant.
    pub at: Span,
    /// Further places in the same file that the same finding is about, such as the other requirements
    /// without a hash.
    pub also: Vec<Span>,
    /// What is wrong, in one line.
    pub message: String,
    /// What can happen, in one line.
    pub why: String,
    /// What to do.
    pub help: String,
    /// How to mend it, where there is one right answer that needs nobody to be asked.
    pub fix: Option<Fix>,
    /// Why an index that was asked does not tell how to mend it, as a clause; `None` where it does, or none was.
    pub unmended: Option<String>,
}

/// How a finding can be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in one line.
    pub what: String,
    /// The edits of the finding's file; they do not overlap.
    pub edits: Vec<Edit>,
    /// Where none of the edits is right without the others: the other files, by their paths, of which a fix of the
    /// same kind has to be applied as well. `None` where each edit can be left out.
    pub together: Option<Vec<String>>,
}

/// Bytes of a text that are replaced by others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub at: Span,
    /// What takes its place.
    pub with: String,
}

impl Finding {
    /// A finding of `rule` at `at` in `file`, as bad as the rule is.
    pub fn new(rule: &dyn Rule, file: &ProjectFile, at: &Span, message: impl Into<String>) -> Self {
        Self {
            rule: rule.id(),
            severity: rule.severity(),
            path: file.path.clone(),
            at: at.clone(),
            also: Vec::new(),
            message: one_line(message.into()),
            why: String::new(),
            help: String::new(),
            fix: None,
            unmended: None,
        }
    }

    /// The same, with what can happen.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = one_line(why.into());
        self
    }

    /// The same, with what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = one_line(help.into());
        self
    }

    /// The same, milder or worse than the rule usually is.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The same, about further places, too.
    #[must_use]
    pub fn also(mut self, also: Vec<Span>) -> Self {
        self.also = also;
        self
    }

    /// The same, with a way to mend it.
    #[must_use]
    pub fn fix(mut self, what: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix {
            what: what.into(),
            edits,
            together: None,
        });
        self
    }

    /// The same, with a way to mend it that is right only as a whole, together with fixes of `others`.
    #[must_use]
    pub fn fix_together(
        mut self,
        what: impl Into<String>,
        edits: Vec<Edit>,
        others: Vec<String>,
    ) -> Self {
        self.fix = Some(Fix {
            what: what.into(),
            edits,
            together: Some(others),
        });
        self
    }

    /// The same, with the reason why an index does not tell how to mend it.
    #[must_use]
    pub fn unmended(mut self, why: impl Into<String>) -> Self {
        self.unmended = Some(one_line(why.into()));
        self
    }
}

/// A text without line breaks and other control characters, which texts of a project that are quoted in it may
/// have, and with which they would change what a terminal shows.
fn one_line(text: String) -> String {
    match text.contains(char::is_control) {
        true => text.replace(char::is_control, " "),
        false => text,
    }
}
