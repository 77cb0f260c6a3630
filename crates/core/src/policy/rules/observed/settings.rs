//! The settings that the rules over observations share: what is ignored, what counts inside, and what it
//! means that something was not looked at.

use std::str::FromStr;

use super::Part;
use crate::fact::Facts;
use crate::index::Trust;
use crate::inspection::{InspectionRule, Observation};
use crate::policy::Effect;
use crate::policy::rule::OptionManual;
use crate::settings::Table;

/// The settings for the reference.
pub(in crate::policy::rules) const OPTIONS: &[OptionManual] = &[
    OptionManual {
        key: "off",
        default: "[]",
        meaning: "the ids of findings that are ignored, wherever they are",
    },
    OptionManual {
        key: "minimum-confidence",
        default: "0",
        meaning: "findings that are less certain are ignored; in per cent, as they are shown, 0 to 100",
    },
    OptionManual {
        key: "incomplete",
        default: "\"hold\"",
        meaning: "the effect where a part of it could not be looked at",
    },
    OptionManual {
        key: "inside",
        default: "\"certain\"",
        meaning: "what counts in files from inside: certain (the rest is warned of), all or off",
    },
];

/// What the policy says of a rule over observations.
#[derive(Debug)]
pub(in crate::policy::rules) struct Settings {
    off: Vec<InspectionRule>,
    /// In per cent, after the context has weighed it.
    minimum_confidence: u8,
    /// What it does that something was not looked at.
    pub(super) incomplete: Effect,
    inside: Inside,
}

/// Whether harm is nearly the only reading of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It is.
    Certain,
    /// There are others, or it is not known.
    Suspected,
}

/// What counts in files that come from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// What is certain acts, and everything else is warned of.
    Certain,
    /// The same as outside.
    All,
    /// Nothing.
    Off,
}

impl FromStr for Inside {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "certain" => Ok(Self::Certain),
            "all" => Ok(Self::All),
            "off" => Ok(Self::Off),
            other => Err(format!("{other:?} is not one of certain, all, off")),
        }
    }
}

impl Settings {
    /// Reads them, for a rule over `part`.
    pub(super) fn read(part: Part, table: &mut Table<'_>) -> Self {
        let minimum = table.integer("minimum-confidence", 0..101);
        let minimum = minimum.and_then(|minimum| u8::try_from(minimum.value).ok());
        let incomplete = table.parsed::<Effect>("incomplete");
        let inside = table.parsed::<Inside>("inside");
        Self {
            off: ignored(part, table),
            minimum_confidence: minimum.unwrap_or(0),
            incomplete: incomplete.map_or(Effect::Hold, |effect| effect.value),
            inside: inside.map_or(Inside::Certain, |inside| inside.value),
        }
    }

    /// Whether what was seen is not ignored. Ignorance is not less certain than anything.
    pub(super) fn counts(&self, seen: &Observation) -> bool {
        let is_off = self.off.iter().any(|rule| rule.means(&seen.rule));
        let is_certain_enough = seen.confidence.per_cent() >= self.minimum_confidence;
        !is_off && (is_certain_enough || seen.is_about_completeness())
    }

    /// Whether the rule has nothing to say of the file, whatever is in it.
    pub(super) fn leaves_out(&self, facts: Facts<'_>) -> bool {
        facts.file.is_none() || (self.inside == Inside::Off && is_from_inside(facts))
    }

    /// What something of this effect comes to where the file comes from.
    pub(super) fn here(&self, facts: Facts<'_>, effect: Effect, certainty: Certainty) -> Effect {
        let is_mild = self.inside == Inside::Certain && is_from_inside(facts);
        match is_mild && certainty == Certainty::Suspected {
            true => effect.min(Effect::Warn),
            false => effect,
        }
    }
}

fn ignored(part: Part, table: &mut Table<'_>) -> Vec<InspectionRule> {
    let named = table.list::<InspectionRule>("off").unwrap_or_default();
    for rule in &named {
        if !part.has(rule.value.is_about_the_archive()) {
            let other = match part {
                Part::Code => "broken-archive",
                Part::Archive => "malicious-code",
            };
            let message = format!("{} is none of this rule's findings", rule.value);
            table.mistake(rule, message, Some(&format!("it is told by {other}")));
        }
    }
    named.into_iter().map(|rule| rule.value).collect()
}

fn is_from_inside(facts: Facts<'_>) -> bool {
    let origin = facts.project.origin.as_ref();
    origin.is_some_and(|origin| origin.trust == Trust::Inside)
}
