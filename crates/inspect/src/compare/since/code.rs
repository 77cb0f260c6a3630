//! What code is able to do that it was not able to do: file by file, by when it runs.
//!
//! That something is done where a caller asks for it is ordinary growth. What weighs is what runs unasked,
//! most of all in a file, or a distribution, that did nothing of the kind.

use std::collections::HashMap;

use portcullis_core::inspection::{Area, CapabilityKind, ChangeKind, CodeHash, Weight};

use super::super::seen::{Abilities, Ability, Kinds, Moment, PlaceOf, UNASKED, does};
use super::{Found, Seen, Sides};

pub(super) fn compare(sides: Sides<'_>, found: &mut Found) {
    let (before, now) = sides.abilities();
    let origins = Origins::of(sides);
    let mut told = Kinds::default();
    let is_call = |kind: &CapabilityKind| *kind != CapabilityKind::InstallHook;
    for place in now.places() {
        let prior = origins
            .of_file(place)
            .map(|origin| before.at(origin))
            .unwrap_or_default();
        let file = File {
            place,
            prior,
            ability: now.at(place),
        };
        for moment in UNASKED {
            let new = file.new_at(moment);
            for kind in new.iter().filter(is_call) {
                let weight = weight(&file, &before, (moment, kind));
                // That a distribution has begun to do something is one fact, in however many files.
                let again = told.has(kind) && moment == Moment::Import;
                told.add(kind);
                let weight = if again {
                    weight.min(Weight::UNUSUAL)
                } else {
                    weight
                };
                tell(&now, place, (moment, kind, weight), found);
            }
        }
        together(&file, found);
    }
    install_hooks(sides, &now, &before, found);
    asked(&before, &now, found);
}

/// One file and what it was able to do before.
struct File<'a> {
    place: PlaceOf<'a>,
    prior: Ability,
    ability: Ability,
}

impl File<'_> {
    fn new_at(&self, moment: Moment) -> Kinds {
        self.ability.at(moment).without(self.prior.from(moment))
    }

    fn new_unasked(&self) -> Kinds {
        self.ability.unasked().without(self.prior.unasked())
    }
}

/// What a new ability counts.
fn weight(
    file: &File<'_>,
    before: &Abilities<'_>,
    (moment, kind): (Moment, CapabilityKind),
) -> Weight {
    use CapabilityKind::{DynamicCode, Network, Process, Spying};
    let is_grave = matches!(kind, Network | Process | DynamicCode | Spying);
    match moment {
        Moment::Startup if is_grave => Weight::DECISIVE,
        Moment::Startup => Weight::UNUSUAL,
        Moment::Install => at_installation(kind, before.whole.at(Moment::Install)),
        Moment::Import | Moment::Asked if is_grave => {
            let was_asked = file.prior.ever().has(kind);
            let was_elsewhere = before.whole.unasked().has(kind);
            match (was_asked, was_elsewhere) {
                (false, false) => Weight::STRONG,
                (true, true) => Weight::WEAK,
                _ => Weight::UNUSUAL,
            }
        }
        Moment::Import | Moment::Asked if kind == CapabilityKind::Native => Weight::WEAK,
        Moment::Import | Moment::Asked => Weight::INFORMATION,
    }
}

fn at_installation(kind: CapabilityKind, before: Kinds) -> Weight {
    use CapabilityKind::{DynamicCode, Network, Process, Spying};
    match (kind, before.has(kind)) {
        (Network | Spying, false) => Weight::DECISIVE,
        (Process, false) | (Network | Spying, true) => Weight::STRONG,
        (DynamicCode, false) => Weight::UNUSUAL,
        (DynamicCode | Process, true) => Weight::WEAK,
        _ => Weight::INFORMATION,
    }
}

fn tell<'a>(
    now: &Abilities<'a>,
    place: PlaceOf<'a>,
    (moment, kind, weight): (Moment, CapabilityKind, Weight),
    found: &mut Found,
) {
    if weight > Weight::INFORMATION {
        let detail = format!(
            "now {} {}{}",
            does(kind),
            moment.words(),
            now.example(place, kind)
        );
        found.add(ChangeKind::Capability, place.1, detail, weight);
    }
}

/// Abilities that are more together than each of them: what is fetched is run, what is read is sent.
fn together(file: &File<'_>, found: &mut Found) {
    use CapabilityKind::{DynamicCode, Environment, Network, Process, Spying};
    let new = file.new_unasked().without(file.prior.ever());
    if !new.has(Network) {
        return;
    }
    let acts = [DynamicCode, Process, Spying]
        .iter()
        .any(|kind| new.has(*kind));
    if acts {
        let detail =
            "now speaks to the network and acts by itself, unasked, and did neither before";
        found.add(
            ChangeKind::Capability,
            file.place.1,
            detail,
            Weight::DECISIVE,
        );
    } else if new.has(Environment) {
        let detail = "now reads the environment and speaks to the network, unasked";
        found.add(ChangeKind::Capability, file.place.1, detail, Weight::STRONG);
    }
}

/// Commands of the installation that the project did not replace before.
fn install_hooks(sides: Sides<'_>, now: &Abilities<'_>, before: &Abilities<'_>, found: &mut Found) {
    let hooks = |all: &Abilities<'_>| all.whole.ever().has(CapabilityKind::InstallHook);
    let acts = |all: &Abilities<'_>| {
        let at = all.whole.at(Moment::Install);
        at.has(CapabilityKind::Process) || at.has(CapabilityKind::Network)
    };
    if hooks(now) && !hooks(before) {
        let weight = match acts(now) && !acts(before) {
            true => Weight::DECISIVE,
            false => Weight::UNUSUAL,
        };
        let hook = sides.now.inspected.capabilities.iter();
        let mut hook = hook.filter(|one| one.kind == CapabilityKind::InstallHook);
        let file = hook
            .next()
            .map_or("setup.py", |one| sides.now.place(&one.file).1);
        found.add(
            ChangeKind::InstallHook,
            file,
            "now takes part in the installation",
            weight,
        );
    }
    let setup = |seen: Seen<'_>| {
        let area = Area::Sdist;
        seen.contents.member(area, "setup.py").is_some()
    };
    if setup(sides.now) && !setup(sides.before) {
        let detail = "is new and runs when the sdist is built";
        found.add(ChangeKind::InstallHook, "setup.py", detail, Weight::UNUSUAL);
    }
}

/// What the distribution is able to do only now, and only where it is asked for.
fn asked(before: &Abilities<'_>, now: &Abilities<'_>, found: &mut Found) {
    use CapabilityKind::{DynamicCode, Network, Process, Spying};
    let new = now.whole.ever().without(before.whole.ever());
    let new = new.without(now.whole.unasked());
    for kind in new.iter() {
        let weight = match kind {
            Spying => Weight::STRONG,
            Network | Process | DynamicCode => Weight::UNUSUAL,
            _ => continue,
        };
        let detail = format!("{} when it is called, and did not before", does(kind));
        found.add(ChangeKind::Capability, "the distribution", detail, weight);
    }
}

/// Where files were before: at the same place, or elsewhere with the same code.
struct Origins<'a> {
    sides: Sides<'a>,
    by_code: HashMap<CodeHash, PlaceOf<'a>>,
}

impl<'a> Origins<'a> {
    fn of(sides: Sides<'a>) -> Self {
        let members = sides.before.contents.members.iter();
        let by_code =
            members.filter_map(|member| Some((member.code?, (member.area, &*member.path))));
        Self {
            sides,
            by_code: by_code.collect(),
        }
    }

    fn of_file(&self, place: PlaceOf<'a>) -> Option<PlaceOf<'a>> {
        if self
            .sides
            .before
            .contents
            .member(place.0, place.1)
            .is_some()
        {
            return Some(place);
        }
        let member = self.sides.now.contents.member(place.0, place.1)?;
        self.by_code.get(&member.code?).copied()
    }
}
