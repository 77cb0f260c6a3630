//! [`Seen`], one side of a comparison, and [`Abilities`]: what its code is able to do, file by file, by
//! when it runs.

use std::collections::HashMap;

use portcullis_core::inspection::{
    Area, Capability, CapabilityKind, Contents, Context, Inspected, Observation,
};

use super::located;
use crate::inspection::Inspection;

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What the inspection saw.
    pub inspected: &'a Inspected,
    /// What there is.
    pub contents: &'a Contents,
}

impl<'a> From<&'a Inspection> for Seen<'a> {
    fn from(inspection: &'a Inspection) -> Self {
        Self {
            inspected: &inspection.inspected,
            contents: &inspection.contents,
        }
    }
}

impl<'a> From<(&'a Inspected, &'a Contents)> for Seen<'a> {
    fn from((inspected, contents): (&'a Inspected, &'a Contents)) -> Self {
        Self {
            inspected,
            contents,
        }
    }
}

impl<'a> Seen<'a> {
    /// Where the file that `name` names inside the archive is installed.
    pub(super) fn place(self, name: &'a str) -> PlaceOf<'a> {
        located(self.contents.form, name)
    }

    /// What was found, leaving aside what was not looked at.
    pub(super) fn found(self) -> impl Iterator<Item = &'a Observation> {
        let all = self.inspected.observations.iter();
        all.filter(|seen| !seen.is_about_completeness())
    }
}

/// An area and a path there.
pub(super) type PlaceOf<'a> = (Area, &'a str);

/// When code runs, in the steps that comparing tells apart, from the mildest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    Asked,
    Import,
    Startup,
    Install,
}

/// The moments at which code runs without anybody having asked for what it does.
pub(super) const UNASKED: [Moment; 3] = [Moment::Import, Moment::Startup, Moment::Install];

impl Moment {
    /// `None` for tests and examples, which are no part of what a distribution does.
    fn of(context: Context) -> Option<Self> {
        match context {
            Context::Test => None,
            Context::Call | Context::Entry => Some(Self::Asked),
            Context::Import => Some(Self::Import),
            Context::Startup => Some(Self::Startup),
            Context::Install => Some(Self::Install),
        }
    }

    /// As it continues a sentence about code.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Asked => "when it is called",
            Self::Import => "when it is imported",
            Self::Startup => "at each start of Python",
            Self::Install => "when it is built or installed",
        }
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u16);

impl Kinds {
    pub(super) fn add(&mut self, kind: CapabilityKind) {
        self.0 |= 1 << kind as u16;
    }

    pub(super) fn has(self, kind: CapabilityKind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = CapabilityKind> {
        CapabilityKind::ALL
            .into_iter()
            .filter(move |kind| self.has(*kind))
    }
}

/// What one file, or all of them, are able to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ability {
    at: [Kinds; 4],
}

impl Ability {
    /// At this moment.
    pub(super) fn at(self, moment: Moment) -> Kinds {
        self.at[moment as usize]
    }

    /// At this moment or one that is asked for even less.
    pub(super) fn from(self, moment: Moment) -> Kinds {
        let from = self.at[moment as usize..].iter();
        from.fold(Kinds::default(), |all, kinds| all.with(*kinds))
    }

    /// Without anybody having asked for it.
    pub(super) fn unasked(self) -> Kinds {
        self.from(Moment::Import)
    }

    /// At any moment.
    pub(super) fn ever(self) -> Kinds {
        self.from(Moment::Asked)
    }
}

/// What the code of a distribution is able to do.
pub(super) struct Abilities<'a> {
    pub(super) whole: Ability,
    by_place: HashMap<PlaceOf<'a>, Ability>,
    examples: HashMap<(PlaceOf<'a>, CapabilityKind), &'a Capability>,
}

impl<'a> Abilities<'a> {
    pub(super) fn of(seen: Seen<'a>) -> Self {
        let mut abilities = Self {
            whole: Ability::default(),
            by_place: HashMap::new(),
            examples: HashMap::new(),
        };
        for capability in &seen.inspected.capabilities {
            let Some(moment) = Moment::of(capability.context) else {
                continue;
            };
            let place = seen.place(&capability.file);
            abilities.whole.at[moment as usize].add(capability.kind);
            abilities.by_place.entry(place).or_default().at[moment as usize].add(capability.kind);
            let example = abilities
                .examples
                .entry((place, capability.kind))
                .or_insert(capability);
            if capability.context > example.context {
                *example = capability;
            }
        }
        abilities
    }

    /// What the file there is able to do.
    pub(super) fn at(&self, place: PlaceOf<'_>) -> Ability {
        self.by_place.get(&place).copied().unwrap_or_default()
    }

    /// Every file that is able to do anything, sorted.
    pub(super) fn places(&self) -> Vec<PlaceOf<'a>> {
        let mut places: Vec<PlaceOf<'a>> = self.by_place.keys().copied().collect();
        places.sort_unstable();
        places
    }

    /// The name that the file calls to do it, and the line: `(urllib.request.urlopen, line 3)`.
    pub(super) fn example(&self, place: PlaceOf<'a>, kind: CapabilityKind) -> String {
        match self.examples.get(&(place, kind)) {
            Some(one) => format!(" ({}, line {})", one.example, one.line),
            None => String::new(),
        }
    }
}

/// What a capability is, as it continues the name of a file.
pub(super) fn does(kind: CapabilityKind) -> &'static str {
    match kind {
        CapabilityKind::Network => "speaks to the network",
        CapabilityKind::Process => "starts processes",
        CapabilityKind::FileWrite => "writes files",
        CapabilityKind::FileDelete => "deletes files",
        CapabilityKind::Environment => "reads the environment",
        CapabilityKind::Native => "loads native code",
        CapabilityKind::DynamicCode => "runs code that it makes",
        CapabilityKind::InstallHook => "takes part in the installation",
        CapabilityKind::Spying => "watches the person at the machine",
    }
}
