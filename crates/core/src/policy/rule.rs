//! What a rule is: a name, a manual, defaults, and a check that reads facts and never fetches any.
//! The rules themselves are in `rules/`, one file each.

use std::fmt;
use std::sync::Arc;

use super::{Effect, Exception, Mode};
use crate::fact::Facts;
use crate::inspection::InspectionRule;
use crate::settings::Table;
use crate::time::Timestamp;
use crate::waiver::Waiver;

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

    /// Whether it only chooses among files, so that what it stops is left out of pages rather than shown as
    /// refused, and installers take what is left.
    fn is_filter(&self) -> bool {
        false
    }

    /// A case that it stops, for its manual.
    fn example(&self) -> Example;

    /// Its own settings, with the text of their defaults, for the reference.
    fn options(&self) -> &'static [OptionManual] {
        &[]
    }

    /// Whether it rests on findings of this rule of the inspection, so that an exception may name one.
    fn rests_on(&self, _finding: &InspectionRule) -> bool {
        false
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

/// A case that a rule stops, as a policy and an expectation would say it.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Lines of the rule's table, where its defaults would not act; may be empty.
    pub settings: &'static str,
    /// The facts: the body of one `[[expect]]` without its effect.
    pub facts: &'static str,
}

/// The reference entry of one of a rule's own settings.
#[derive(Clone, Copy, Debug)]
pub struct OptionManual {
    /// The key.
    pub key: &'static str,
    /// Its default, as it would be written; empty where there is none.
    pub default: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
}

impl fmt::Display for OptionManual {
    /// The line of a policy that sets the option to its default; a comment where there is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.default {
            "" => write!(f, "# {} = …  # {}", self.key, self.meaning),
            default => write!(f, "{} = {default}  # {}", self.key, self.meaning),
        }
    }
}

/// A rule with its settings: reads facts, gives an outcome. Total and quick: it runs for every file
/// of a page.
pub trait Check: Send + Sync + fmt::Debug {
    /// Looks at the facts. `now` is the moment of the decision.
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome;

    /// The moment from which it may come to something else although nothing but the time has changed, where
    /// no finding of it says so.
    fn changes_at(&self, _facts: Facts<'_>, _now: Timestamp) -> Option<Timestamp> {
        None
    }

    /// Takes an exception from one of the findings that it rests on. Asked only of checks whose rule says so
    /// in [`Rule::rests_on`], once, when the policy is read.
    fn except(&mut self, _exception: &Exception) {}

    /// What it wants to know beside what is always gathered. Nothing costly is gathered that no rule of a
    /// policy needs.
    fn needs(&self) -> &[Need] {
        &[]
    }

    /// Up to which age, in days since its upload, it wants to know who published a release that fixes a
    /// vulnerability; 0 when it never does.
    fn publisher_matters_for(&self) -> i64 {
        0
    }
}

/// Knowledge that costs a request or a read of a file, and is gathered only for rules that need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// The core metadata of the release: licence, dependencies, authors.
    Metadata,
    /// What signal providers measured of the project.
    Signals,
    /// What the inspection saw in the file's bytes. A decision of a policy that needs it clears no bytes
    /// that nobody has looked into.
    Inspection,
    /// What a wheel has that the sdist of its release does not account for.
    Sdist,
}

/// What a finding does, beside what the policy says of its rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strength {
    /// What the policy says of the rule.
    #[default]
    AsConfigured,
    /// The same, but nothing stricter than this: the weaker of a rule's findings.
    AtMost(Effect),
    /// The same, but nothing weaker than this: the stricter of a rule's findings.
    AtLeast(Effect),
    /// The same, within these bounds: some of what was found asks for more than the rest.
    Between {
        /// The weakest that it may be.
        least: Effect,
        /// The strictest that it may be.
        most: Effect,
    },
    /// This, since one of the rule's own settings says so.
    Exactly(Effect),
}

/// What lifts the things that a finding rests on.
#[derive(Clone, Debug)]
pub enum Lift {
    /// An exception in the policy.
    Excepted(Exception),
    /// What a reviewer approved.
    Waived(Arc<Waiver>),
}

impl Strength {
    /// The effect, where the policy says `configured` of the rule.
    pub fn applied_to(self, configured: Effect) -> Effect {
        match self {
            Self::AsConfigured => configured,
            Self::AtMost(effect) => configured.min(effect),
            Self::AtLeast(effect) => configured.max(effect),
            Self::Between { least, most } => configured.min(most).max(least),
            Self::Exactly(effect) => effect,
        }
    }
}

/// What a check came to.
#[derive(Debug)]
pub enum Outcome {
    /// The rule has nothing to say.
    Pass,
    /// The rule has found what it looks for.
    Found(Found),
    /// The rule has found what it looks for, and all that the finding rests on is lifted: it is shown, and
    /// does not take effect.
    Lifted(Box<(Found, Lift)>),
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
    /// What exactly was found, in words that do not change from day to day, such as advisory ids. A waiver
    /// covers only what it was given for.
    pub about: Vec<String>,
    /// How strong the finding is.
    pub strength: Strength,
    /// Whether it would be the same for every file, so that it is not worth a word where it changes
    /// nothing.
    pub is_general: bool,
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
            about: Vec::new(),
            strength: Strength::AsConfigured,
            is_general: false,
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

    /// The same, about one thing more.
    #[must_use]
    pub fn about(mut self, thing: impl Into<String>) -> Self {
        self.about.push(thing.into());
        self
    }

    /// The same, as one that every file would get.
    #[must_use]
    pub fn general(mut self) -> Self {
        self.is_general = true;
        self
    }

    /// The same with another strength.
    #[must_use]
    pub fn with(mut self, strength: Strength) -> Self {
        self.strength = strength;
        self
    }
}
