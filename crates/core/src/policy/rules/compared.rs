//! What `changed-behaviour` and `wheel-differs` have in common: the settings, and the words of a finding
//! over what comparing came to.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::digest::Sha256;
use crate::fact::Facts;
use crate::index::Trust;
use crate::policy::Effect;
use crate::policy::rule::{Found, OptionManual, Outcome, Strength};
use crate::settings::Table;

/// How many things are named in evidence beside the first.
const NAMED: usize = 8;
/// How many things a waiver remembers one by one. More are remembered as one thing: all of them together.
const REMEMBERED: usize = 200;
/// The longest text of one thing, in characters.
const LONGEST: usize = 240;

const INSIDE: OptionManual = OptionManual {
    key: "inside",
    default: "\"warn\"",
    meaning: "what is done with files from inside: warn, all (the same as with others) or off",
};

/// The settings of `changed-behaviour`.
pub(super) const OPTIONS_OF_CHANGES: &[OptionManual] = &[
    OptionManual {
        key: "threshold",
        default: "10",
        meaning: "the points of strong changes from which the effect applies; one counts 5, a decisive one 10",
    },
    OptionManual {
        key: "warn-from",
        default: "5",
        meaning: "the points from which a version is warned of",
    },
    INSIDE,
];

/// The settings of `wheel-differs`.
pub(super) const OPTIONS_OF_DIFFERENCES: &[OptionManual] = &[
    OptionManual {
        key: "threshold",
        default: "5",
        meaning: "the points of strong differences from which the effect applies; one counts 5 or 10",
    },
    OptionManual {
        key: "warn-from",
        default: "2",
        meaning: "the points from which a wheel is warned of",
    },
    INSIDE,
];

/// What a policy says of such a rule.
#[derive(Debug)]
pub(super) struct Settings {
    threshold: u32,
    warn_from: u32,
    inside: Inside,
}

/// What is done with files from inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Warn,
    All,
    Off,
}

impl FromStr for Inside {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "warn" => Ok(Self::Warn),
            "all" => Ok(Self::All),
            "off" => Ok(Self::Off),
            other => Err(format!("{other:?} is not one of warn, all, off")),
        }
    }
}

/// What comparing a file came to, as far as it counts.
pub(super) struct Compared<'a> {
    pub(super) points: u32,
    /// The weightiest first.
    pub(super) things: Vec<Thing<'a>>,
    /// What it was compared with.
    pub(super) with: String,
    /// What is wrong with it, in general.
    pub(super) does: &'static str,
    pub(super) remedy: &'static str,
}

/// One change or difference.
pub(super) struct Thing<'a> {
    pub(super) kind: &'static str,
    pub(super) subject: &'a str,
    pub(super) detail: &'a str,
}

impl Settings {
    /// Reads them; `options` has their defaults.
    pub(super) fn read(options: &[OptionManual], table: &mut Table<'_>) -> Self {
        let mut points = |key: &str| {
            let option = options.iter().find(|option| option.key == key);
            let default = option.and_then(|option| option.default.parse().ok());
            let written = table.integer(key, 1..10_001);
            let written = written.and_then(|written| u32::try_from(written.value).ok());
            written
                .or(default)
                .expect("each of the two options has a number as its default")
        };
        let (threshold, warn_from) = (points("threshold"), points("warn-from"));
        let inside = table.parsed::<Inside>("inside");
        Self {
            threshold,
            warn_from,
            inside: inside.map_or(Inside::Warn, |inside| inside.value),
        }
    }

    /// Whether the rule has nothing to say of the file, whatever comparing came to.
    pub(super) fn leaves_out(&self, facts: Facts<'_>) -> bool {
        facts.file.is_none() || (self.inside == Inside::Off && is_from_inside(facts))
    }

    /// What `compared` comes to under these settings.
    pub(super) fn judged(&self, facts: Facts<'_>, compared: Compared<'_>) -> Outcome {
        let is_mild = self.inside == Inside::Warn && is_from_inside(facts);
        let strength = match compared.points {
            points if points >= self.threshold && !is_mild => Strength::AsConfigured,
            points if points >= self.threshold.min(self.warn_from) => {
                Strength::AtMost(Effect::Warn)
            }
            _ => return Outcome::Pass,
        };
        Outcome::Found(found(&compared).with(strength))
    }
}

fn is_from_inside(facts: Facts<'_>) -> bool {
    let origin = facts.project.origin.as_ref();
    origin.is_some_and(|origin| origin.trust == Trust::Inside)
}

fn found(compared: &Compared<'_>) -> Found {
    let Some((first, others)) = compared.things.split_first() else {
        return Found::new(format!("it {}", compared.does), compared.remedy);
    };
    let more = match others.len() {
        0 => String::new(),
        1 => "; and 1 thing more".to_owned(),
        more => format!("; and {more} things more"),
    };
    let message = format!("it {}: {}{more}", compared.does, sentence(first));
    let mut found = Found::new(message, compared.remedy);
    found = found
        .because("compared with", &compared.with)
        .because("points", compared.points);
    for other in others.iter().take(NAMED) {
        found = found.because(other.kind, sentence(other));
    }
    identities(&compared.things)
        .into_iter()
        .fold(found, Found::about)
}

fn sentence(thing: &Thing<'_>) -> String {
    let text = format!("{} {}", thing.subject, thing.detail);
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

/// Kind and subject of each, without what changes from day to day.
fn identities(things: &[Thing<'_>]) -> Vec<String> {
    let all: BTreeSet<String> = things
        .iter()
        .map(|thing| format!("{} {}", thing.kind, thing.subject))
        .collect();
    if all.len() <= REMEMBERED {
        return all.into_iter().collect();
    }
    let text: Vec<String> = all.into_iter().collect();
    vec![format!("all of {}", Sha256::of(text.join("\n").as_bytes()))]
}
