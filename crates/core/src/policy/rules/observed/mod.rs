//! What `malicious-code` and `broken-archive` have in common: each weighs its part of what the inspection
//! saw. Which findings count is read in `settings`, what is found is said in `words`.

mod settings;
mod words;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;

use crate::fact::{Fact, Facts};
use crate::inspection::{Inspected, Knowledge, Observation, effect_of};
use crate::policy::rule::{Check, Found, Lift, Need, Outcome, Strength};
use crate::policy::{Effect, Exception};
use crate::settings::Table;
use crate::time::Timestamp;
use crate::waiver::Waivable;

pub(super) use settings::OPTIONS;
use settings::{Certainty, Settings};

/// Which part of what an inspection sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What the files do.
    Code,
    /// How the archive is built.
    Archive,
}

/// A rule over one part of what the inspection saw, with its settings.
#[derive(Debug)]
pub(super) struct Observed {
    rule: &'static str,
    part: Part,
    settings: Settings,
    /// Exceptions from single findings.
    exceptions: Vec<Exception>,
}

/// One thing that counts against a file.
#[derive(Clone, Copy, Debug)]
struct Concern<'a> {
    /// What was seen; `None` where all there is to say is that not everything was looked at.
    seen: Option<&'a Observation>,
    /// What it weighs by itself.
    effect: Effect,
}

impl Part {
    /// Whether an observation with this partition mark is in the part.
    pub(super) fn has(self, is_about_the_archive: bool) -> bool {
        is_about_the_archive == (self == Self::Archive)
    }
}

impl Concern<'_> {
    /// Whether it says that something was not looked at.
    fn is_about_completeness(&self) -> bool {
        self.seen.is_none_or(Observation::is_about_completeness)
    }

    fn certainty(&self) -> Certainty {
        match self.effect == Effect::Deny && !self.is_about_completeness() {
            true => Certainty::Certain,
            false => Certainty::Suspected,
        }
    }

    /// What exactly was found, as waivers remember it.
    fn identity(&self) -> String {
        self.seen
            .map_or_else(|| "incomplete".to_owned(), Observation::identity)
    }
}

impl Observed {
    /// Reads the settings of `rule`, which is over `part`.
    pub(super) fn configure(
        rule: &'static str,
        part: Part,
        table: &mut Table<'_>,
    ) -> Box<dyn Check> {
        Box::new(Self {
            rule,
            part,
            settings: Settings::read(part, table),
            exceptions: Vec::new(),
        })
    }

    /// What counts against the file, the worst first.
    fn concerns<'a>(&self, inspected: &'a Inspected, facts: Facts<'_>) -> Vec<Concern<'a>> {
        let of_part = inspected.observations.iter();
        let of_part = of_part.filter(|seen| self.part.has(seen.is_about_the_archive()));
        let mut concerns: Vec<Concern<'a>> = of_part
            .filter(|seen| self.settings.counts(seen))
            .map(|seen| Concern {
                seen: Some(seen),
                effect: match seen.is_about_completeness() {
                    true => self.settings.incomplete,
                    false => effect_of(seen),
                },
            })
            .collect();
        // What was not looked at is told by the part that it belongs to, and by the code's otherwise.
        let is_told = || {
            let mut all = inspected.observations.iter();
            all.any(Observation::is_about_completeness)
        };
        if self.part == Part::Code && !inspected.complete && !is_told() {
            concerns.push(Concern {
                seen: None,
                effect: self.settings.incomplete,
            });
        }
        for concern in &mut concerns {
            let certainty = concern.certainty();
            concern.effect = self.settings.here(facts, concern.effect, certainty);
        }
        concerns.retain(|concern| concern.effect > Effect::Allow);
        concerns.sort_by_key(|concern| Reverse((concern.effect, !concern.is_about_completeness())));
        concerns
    }

    /// What lifts `concern`: an exception from that finding, or a reviewer who approved the very same one
    /// in whichever version of the project.
    fn lift(&self, concern: &Concern<'_>, facts: Facts<'_>, now: Timestamp) -> Option<Lift> {
        let excepts = |exception: &&Exception| {
            let is_meant = |seen: &Observation| {
                let named = exception.finding.as_ref();
                named.is_some_and(|finding| finding.means(&seen.rule))
            };
            concern.seen.is_some_and(is_meant) && exception.applies(self.rule, facts, now)
        };
        if let Some(exception) = self.exceptions.iter().find(excepts) {
            return Some(Lift::Excepted(exception.clone()));
        }
        let project = facts.project;
        if project.waivers.is_empty() {
            return None;
        }
        let about = [concern.identity()];
        let found = Waivable {
            index: &project.index,
            project: &project.project,
            version: None,
            rule: self.rule,
            about: &about,
        };
        let mut waivers = project.waivers.iter();
        let waiver = waivers.find(|waiver| waiver.approves(found, now))?;
        Some(Lift::Waived(waiver.clone()))
    }

    fn judged(&self, concerns: &[Concern<'_>], facts: Facts<'_>, now: Timestamp) -> Outcome {
        let mut standing: Vec<Concern<'_>> = Vec::with_capacity(concerns.len());
        let mut lifted: Option<Lift> = None;
        for concern in concerns {
            match self.lift(concern, facts, now) {
                Some(lift) => lifted = lifted.or(Some(lift)),
                None => standing.push(*concern),
            }
        }
        match (&standing[..], lifted) {
            ([], None) => Outcome::Pass,
            ([], Some(lift)) => Outcome::Lifted(Box::new((self.found(concerns), lift))),
            (standing, _) => {
                let found = self.found(standing);
                Outcome::Found(match concerns.len() - standing.len() {
                    0 => found,
                    aside => found.because("excepted or approved before", aside),
                })
            }
        }
    }

    fn found(&self, concerns: &[Concern<'_>]) -> Found {
        let found = words::found(self.part, concerns);
        let found = words::identities(concerns)
            .into_iter()
            .fold(found, Found::about);
        found.with(strength(concerns))
    }
}

/// How strong a finding that rests on `concerns` is: as strong as the worst of them. What was not looked at
/// has the effect that the setting says, whatever the rule's is.
fn strength(concerns: &[Concern<'_>]) -> Strength {
    let worst = |is_about_completeness: bool| {
        let of_kind = concerns.iter();
        let of_kind = of_kind.filter(|one| one.is_about_completeness() == is_about_completeness);
        of_kind.map(|one| one.effect).max()
    };
    match (worst(false), worst(true)) {
        (Some(Effect::Deny), None) => Strength::AsConfigured,
        (Some(most), None) => Strength::AtMost(most),
        (None, Some(exactly)) => Strength::Exactly(exactly),
        (Some(most), Some(least)) => Strength::Between {
            least,
            most: most.max(least),
        },
        (None, None) => Strength::AtMost(Effect::Allow),
    }
}

fn not_learned(why: &str) -> Outcome {
    let message = format!("its inspection did not finish: {}", words::plain(why, 160));
    let found = Found::new(message, "install again in a moment");
    Outcome::Unknown(found.about("not inspected"))
}

impl Check for Observed {
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        match facts.inspection() {
            Knowledge::Ahead => Outcome::Pass,
            Knowledge::Learned(_) if self.settings.leaves_out(facts) => Outcome::Pass,
            Knowledge::Learned(Fact::Unknown(why)) => not_learned(why),
            Knowledge::Learned(Fact::Known(inspected)) => {
                self.judged(&self.concerns(inspected, facts), facts, now)
            }
        }
    }

    /// The first end of an exception or a waiver on which its answer may rest.
    fn changes_at(&self, facts: Facts<'_>, now: Timestamp) -> Option<Timestamp> {
        facts.inspection().known()?;
        let exceptions = self.exceptions.iter();
        let exceptions = exceptions.filter(|one| one.applies(self.rule, facts, now));
        let waivers = facts.project.waivers.iter();
        let waivers = waivers.filter(|waiver| waiver.rule == self.rule);
        let ends = exceptions
            .map(|exception| exception.expires)
            .chain(waivers.map(|waiver| waiver.expires));
        ends.flatten().filter(|end| now < *end).min()
    }

    fn except(&mut self, exception: &Exception) {
        self.exceptions.push(exception.clone());
    }

    fn needs(&self) -> &[Need] {
        &[Need::Inspection]
    }
}
