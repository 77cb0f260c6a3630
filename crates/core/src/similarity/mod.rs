//! Similar names: whether a project's name was meant to be, or to be taken for, a well-known project,
//! a module of the standard library, or a name that the organisation owns. Names alone in the first
//! stage ([`Similarity::look`]), what is known of the project in the second
//! ([`second_stage`](second_stage::second_stage)). What follows from it is the policy's to say.

mod affixes;
mod beside_owned;
mod distance;
mod folding;
mod keyboard;
pub mod popular;
mod scoring;
pub mod second_stage;
mod signal;
mod table;
mod ways;

use std::sync::{Arc, LazyLock};

use serde::Serialize;

use crate::policy::rules::stdlib_name;
use crate::pypi::name::{NamePattern, ProjectName};
use beside_owned::OwnedPrefixes;
use scoring::Likeness;
use table::Table;

pub use popular::{FEWEST_CLIENTS, FEWEST_DAYS, LocalUse, PopularNames};
pub use signal::Signal;

/// From this score on, a resemblance hardly ever happens among honest names.
pub const NEAR_CERTAIN: f32 = 0.80;

/// From this score on, a resemblance is worth telling.
pub const LIKELY: f32 = 0.60;

/// What kind of name another one resembles, the most protected first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A name of the organisation, or one under its prefix.
    Owned,
    /// A well-known project.
    Popular {
        /// Its place in the list of popular names, from 1.
        rank: u32,
    },
    /// A module of Python's standard library.
    Stdlib,
}

/// A name resembles another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Resemblance {
    /// The name that was probably meant. For an owned prefix, the name under it.
    pub target: ProjectName,
    /// What kind of name that is.
    pub kind: TargetKind,
    /// How sure one can be from the names alone, 0 to 1; see [`NEAR_CERTAIN`] and [`LIKELY`].
    pub score: f32,
    /// In which ways they resemble one another.
    pub signals: Vec<Signal>,
}

/// The names that everybody knows, prepared for looking: popular projects and the modules of the
/// standard library. Made once and shared.
#[derive(Debug)]
pub struct WellKnown(Table);

/// Everything that a name may resemble, prepared for looking.
#[derive(Debug)]
pub struct Similarity {
    well_known: Arc<WellKnown>,
    owned: Table,
    prefixes: OwnedPrefixes,
    patterns: Vec<NamePattern>,
}

impl Default for Similarity {
    /// The embedded list, and nothing owned.
    fn default() -> Self {
        Self::new(WellKnown::embedded(), [])
    }
}

/// Comes with Python as its modules do, and is mistyped as they are.
const THE_LANGUAGE: &[&str] = &["python"];

/// Scores below this are nobody's business: every third honest name reaches them.
const LEAST: f32 = 0.40;

impl WellKnown {
    /// Prepares a list of popular names, and the modules of the standard library with it.
    pub fn new(popular: &PopularNames) -> Self {
        let popular = (1..).zip(popular.iter());
        let popular = popular.map(|(rank, name)| (name.as_str(), TargetKind::Popular { rank }));
        let modules = stdlib_name::MODULES.iter().chain(THE_LANGUAGE);
        let modules = modules.map(|name| (*name, TargetKind::Stdlib));
        let mut names: Vec<(&str, TargetKind)> = popular.chain(modules).collect();
        // A module that is a popular project, too, is that project.
        names.sort_unstable();
        names.dedup_by_key(|(name, _)| *name);
        Self(Table::new(names))
    }

    /// The list that comes with Portcullis, prepared once for the whole process.
    pub fn embedded() -> Arc<Self> {
        static EMBEDDED: LazyLock<Arc<WellKnown>> =
            LazyLock::new(|| Arc::new(WellKnown::new(&PopularNames::embedded())));
        Arc::clone(&EMBEDDED)
    }

    /// Whether `name` is one of the popular names.
    pub fn is_popular(&self, name: &ProjectName) -> bool {
        matches!(self.kind(name), Some(TargetKind::Popular { .. }))
    }

    fn kind(&self, name: &ProjectName) -> Option<TargetKind> {
        let number = self.0.exactly(name.as_str())?;
        Some(self.0.kind(number))
    }
}

impl Similarity {
    /// Prepares what is owned, beside what everybody knows.
    pub fn new(well_known: Arc<WellKnown>, owned: impl IntoIterator<Item = NamePattern>) -> Self {
        let owned: Vec<NamePattern> = owned.into_iter().collect();
        let exact = owned.iter().filter_map(|pattern| match pattern {
            NamePattern::Exact(name) => Some((name.as_str(), TargetKind::Owned)),
            NamePattern::Prefix(_) => None,
        });
        let mut exact: Vec<(&str, TargetKind)> = exact.collect();
        exact.sort_unstable();
        exact.dedup();
        Self {
            well_known,
            owned: Table::new(exact),
            prefixes: OwnedPrefixes::new(&owned),
            patterns: owned,
        }
    }

    /// Whether `name` is one of the popular names.
    pub fn is_popular(&self, name: &ProjectName) -> bool {
        self.well_known.is_popular(name)
    }

    /// The same with other owned names.
    #[must_use]
    pub fn with_owned(&self, owned: impl IntoIterator<Item = NamePattern>) -> Self {
        Self::new(Arc::clone(&self.well_known), owned)
    }

    /// The same with other names that everybody knows.
    #[must_use]
    pub fn with_well_known(&self, well_known: Arc<WellKnown>) -> Self {
        Self::new(well_known, self.patterns.iter().cloned())
    }

    /// What `name` resembles most, if it resembles anything. Popular names resemble nothing but owned
    /// ones, and owned names resemble nothing.
    pub fn look(&self, name: &ProjectName) -> Option<Resemblance> {
        if self.owned.exactly(name.as_str()).is_some() || self.prefixes.own(name) {
            return None;
        }
        let to_owned = self.look_at_owned(name);
        match self.well_known.kind(name) {
            Some(TargetKind::Popular { .. }) => to_owned.map(Resemblance::of_a_popular_name),
            Some(TargetKind::Stdlib) if stdlib_name::LEGITIMATE.contains(&name.as_str()) => {
                to_owned
            }
            Some(TargetKind::Stdlib) => Some(of_a_module(
                name,
                stronger(to_owned, self.look_at_known(name)),
            )),
            Some(TargetKind::Owned) | None => stronger(to_owned, self.look_at_known(name)),
        }
    }

    fn look_at_known(&self, name: &ProjectName) -> Option<Resemblance> {
        let known = &self.well_known.0;
        Best::of(known, |best| ways::each(known, known, name.as_str(), best))
    }

    fn look_at_owned(&self, name: &ProjectName) -> Option<Resemblance> {
        let known = &self.well_known.0;
        let exact = Best::of(&self.owned, |best| {
            ways::each(&self.owned, known, name.as_str(), best);
        });
        stronger(exact, self.prefixes.resemblance(name, known))
    }

    /// How many names are looked at, without prefixes.
    pub fn len(&self) -> usize {
        self.owned.len() + self.well_known.0.len()
    }

    /// Whether there is no name to look at.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.well_known.0.bytes() + self.owned.bytes() + self.prefixes.bytes()
    }
}

/// The resemblance with the higher score; the first where they are equal.
fn stronger(one: Option<Resemblance>, other: Option<Resemblance>) -> Option<Resemblance> {
    match (one, other) {
        (Some(one), Some(other)) if other.score > one.score => Some(other),
        (one, other) => one.or(other),
    }
}

impl Resemblance {
    /// A project that many use is at most suspected: a name of the organisation that happens to be
    /// near it does not take it away from everybody.
    fn of_a_popular_name(mut self) -> Self {
        self.score = self.score.min(NEAR_CERTAIN - 0.01);
        self
    }
}

/// What the name of a module of the standard library resembles: the well-known project that it is
/// nearly certainly mistaken for, else the module itself.
fn of_a_module(name: &ProjectName, found: Option<Resemblance>) -> Resemblance {
    let found = found.filter(|found| found.score >= NEAR_CERTAIN);
    let mut found = found.unwrap_or_else(|| Resemblance {
        target: name.clone(),
        kind: TargetKind::Stdlib,
        score: 1.0,
        signals: Vec::new(),
    });
    found.score = 1.0;
    found.signals.insert(0, Signal::StandardLibrary);
    found
}

/// The best resemblance so far.
#[derive(Debug, Default)]
struct Best(Option<(f32, usize, Likeness)>);

impl Best {
    /// The best of what `look` finds among the names of a table.
    fn of(
        table: &Table,
        look: impl FnOnce(&mut dyn FnMut(usize, Likeness)),
    ) -> Option<Resemblance> {
        let mut best = Self::default();
        look(&mut |number, likeness| best.offer(table, number, likeness));
        let (score, number, likeness) = best.0?;
        Some(Resemblance {
            target: ProjectName::new(table.name(number)).expect("targets are project names"),
            kind: table.kind(number),
            score,
            signals: likeness.signals,
        })
    }

    fn offer(&mut self, table: &Table, number: usize, likeness: Likeness) {
        let kind = table.kind(number);
        let score =
            scoring::rounded(likeness.score + scoring::standing_for(kind, &likeness.signals));
        let is_better = self.0.as_ref().is_none_or(|(best, other, _)| {
            score > *best || score == *best && kind < table.kind(*other)
        });
        if score >= LEAST && is_better {
            self.0 = Some((score, number, likeness));
        }
    }
}

#[cfg(test)]
mod tests;
