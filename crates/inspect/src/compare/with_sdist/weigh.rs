//! [`Weigher`]: what a difference counts, by what the code of the wheel's file is able to do without
//! anybody asking for it, and by what the inspection found in it.

use std::collections::HashSet;

use portcullis_core::inspection::{CapabilityKind, Member, Weight, effect_of};
use portcullis_core::policy::Effect;

use super::super::seen::{Abilities, Kinds, Moment, Seen, does};

/// The abilities that make a difference weigh.
const GRAVE: [CapabilityKind; 4] = [
    CapabilityKind::Network,
    CapabilityKind::Process,
    CapabilityKind::DynamicCode,
    CapabilityKind::Spying,
];

/// Weighs the files of one wheel.
pub(super) struct Weigher<'a> {
    wheel: Seen<'a>,
    in_wheel: Abilities<'a>,
    in_sdist: Abilities<'a>,
    /// What was found in the sdist.
    known: HashSet<&'a str>,
}

/// What a difference comes to.
pub(super) struct Weighed {
    pub(super) weight: Weight,
    /// What the file is able to do that the sdist's is not, as a clause; empty for nothing.
    pub(super) able: String,
}

impl<'a> Weigher<'a> {
    pub(super) fn of(wheel: Seen<'a>, sdist: Seen<'a>) -> Self {
        Self {
            wheel,
            in_wheel: Abilities::of(wheel),
            in_sdist: Abilities::of(sdist),
            known: sdist.found().map(|seen| &*seen.code_hash).collect(),
        }
    }

    /// What it counts that `member` is other than `other`, or that there is no other.
    pub(super) fn weigh(&self, member: &'a Member, other: Option<&Member>) -> Weighed {
        let place = (member.area, &*member.path);
        let now = self.in_wheel.at(place);
        let prior = other
            .map(|other| self.in_sdist.at((other.area, &other.path)))
            .unwrap_or_default();
        let new = now.unasked().without(prior.unasked());
        let grave: Vec<CapabilityKind> = GRAVE.into_iter().filter(|kind| new.has(*kind)).collect();
        let clauses = grave.iter().map(|kind| {
            let moment = match now.from(Moment::Startup).has(*kind) {
                true => Moment::Startup,
                false => Moment::Import,
            };
            let example = self.in_wheel.example(place, *kind);
            format!("{} {}{example}", does(*kind), moment.words())
        });
        let able = clauses.collect::<Vec<String>>().join(", and ");
        let by_ability = match (grave.len(), new.has(CapabilityKind::Network)) {
            (0, _) => self.of_harmless(now.unasked(), other.is_some()),
            (2.., true) => Weight::DECISIVE,
            _ => Weight::STRONG,
        };
        Weighed {
            weight: by_ability.max(self.by_findings(member)),
            able,
        }
    }

    /// Code that is able to do nothing more than the sdist's, unasked.
    fn of_harmless(&self, unasked: Kinds, has_other: bool) -> Weight {
        let does_anything = GRAVE.iter().any(|kind| unasked.has(*kind));
        match has_other && does_anything {
            true => Weight::UNUSUAL,
            false => Weight::INFORMATION,
        }
    }

    /// What the inspection found in the file and not in the sdist.
    fn by_findings(&self, member: &Member) -> Weight {
        let here = self.wheel.found().filter(|seen| {
            self.wheel.place(&seen.file) == (member.area, &*member.path)
                && !self.known.contains(&*seen.code_hash)
        });
        let weights = here.map(|seen| match effect_of(seen) {
            Effect::Deny => Weight::DECISIVE,
            Effect::Hold => Weight::STRONG,
            Effect::Warn => Weight::UNUSUAL,
            Effect::Allow => Weight::INFORMATION,
        });
        weights.max().unwrap_or_default()
    }
}
