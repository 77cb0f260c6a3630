//! What a rule is: a name, a manual, defaults, and a check that reads facts and never fetches any.
//! The rules themselves are in `rules/`, one file each.

use std::fmt;

use super::{Effect, Mode};
use crate::fact::Facts;
use crate::settings::Table;
use crate::time::Timestamp;

/// A rule as the program knows it, before a policy configures it.
pub trait Rule: Sync {
    /// Its name in policies, refusals and documentation, for example `too-young`.
    fn id(&self) -> &'static str;

    /// One line: what it stops.
    fn summary(&self) -> &'static str;

    /// Its manual in Markdown: what it looks at, why, what it cannot know, how to live with it.
    fn manual(&self) -> &'static str;

    /// What it does where the policy does not mention it.
    fn defaults(&self) -> Defaults;

    /// Whether it states one of the promises, so that a policy cannot switch it off or weaken it.
    fn is_law(&self) -> bool {
        false
    }

    /// Its own settings, with the text of their defaults, for the reference.
    fn options(&self) -> &'static [OptionManual] {
        &[]
    }

    /// Reads its own settings from its table (empty where the policy does not mention it) and
    /// reports mistakes there.
    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check>;
}

impl fmt::Debug for dyn Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// What a rule does where the policy does not say.
#[derive(Clone, Copy, Debug)]
pub struct Defaults {
    /// Off, observed or enforced.
    pub mode: Mode,
    /// What its finding does.
    pub effect: Effect,
    /// What it does when a fact that it needs is unknown.
    pub on_unknown: Effect,
}

/// The reference entry of one of a rule's own settings.
#[derive(Clone, Copy, Debug)]
pub struct OptionManual {
    /// The key.
    pub key: &'static str,
    /// Its default, as it would be written.
    pub default: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

/// A rule with its settings: reads facts, gives an outcome. Total and quick: it runs for every file
/// of a page.
pub trait Check: Send + Sync + fmt::Debug {
    /// Looks at the facts. `now` is the moment of the decision.
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome;
}

/// What a check came to.
#[derive(Debug)]
pub enum Outcome {
    /// The rule has nothing to say.
    Pass,
    /// The rule has found what it looks for.
    Found(Found),
    /// A fact that the rule needs is unknown; what that means is the policy's to say.
    Unknown(Found),
}

/// The words of a finding.
#[derive(Debug)]
pub struct Found {
    /// One clause in lower case.
    pub message: String,
    /// Pairs of a label and a value.
    pub evidence: Vec<(&'static str, String)>,
    /// What the person who is hit can do now.
    pub remedy: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
}

impl Found {
    /// A finding that does not end by itself.
    pub fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (message, remedy) = (message.into(), remedy.into());
        Self {
            message,
            evidence: Vec::new(),
            remedy,
            until: None,
        }
    }

    /// The same with one more piece of evidence.
    #[must_use]
    pub fn because(mut self, label: &'static str, value: impl fmt::Display) -> Self {
        self.evidence.push((label, value.to_string()));
        self
    }

    /// The same, ending by itself at `moment`.
    #[must_use]
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.until = Some(moment);
        self
    }
}
