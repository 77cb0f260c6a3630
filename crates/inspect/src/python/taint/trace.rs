//! How data travelled: an arena of steps, each pointing to the one before it. Values carry only
//! numbers of steps, so that carrying taint costs nothing until a chain is told.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHasher};

use super::super::label::{Label, Labels};
use super::super::value::FunctionId;

/// A step in the arena; [`Trace::START`] is before all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct Trace(u32);

/// One step.
#[derive(Clone, Debug)]
pub(in super::super) struct TraceStep {
    /// The module it happens in, as an index into the analysis.
    pub(in super::super) module: u32,
    /// Byte offset in that module's text.
    pub(in super::super) offset: u32,
    /// What happens, in plain words.
    pub(in super::super) text: Arc<str>,
    before: Trace,
    /// Instead of a step: the way through a function that was called, up to its last step.
    inside: Option<Trace>,
}

/// All steps of one analysis.
pub(in super::super) struct Traces {
    steps: Vec<TraceStep>,
    /// The same step after the same step is one, so that following code twice adds nothing.
    known: FxHashMap<(Trace, u32, u32, u64), Trace>,
    limit: usize,
    /// Whether a step was not remembered because there are too many.
    pub(in super::super) is_full: bool,
}

/// What a value carries: a label, or a parameter of the function at hand, and how it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Carried {
    pub(in super::super) what: Origin,
    pub(in super::super) trace: Trace,
}

/// Where something carried began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Origin {
    /// At a source.
    Label(Label),
    /// It is whatever the callers of a function pass for one of its parameters.
    Parameter(FunctionId, u8),
    /// It is one item of what the callers pass: one variable of the environment, not all.
    Item(FunctionId, u8),
    /// It is what stands in the file that the callers pass the path of.
    Content(FunctionId, u8),
}

/// Everything one value carries.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Taint(Option<Arc<Vec<Carried>>>);

/// More than this a value does not carry; labels come before repetitions of a label.
const CARRIED: usize = 24;
/// Ways through functions that are told one within the other.
const NESTED: u8 = 24;
/// A chain is told with at most so many steps.
const TOLD: usize = 24;

impl Trace {
    /// Before the first step.
    pub(in super::super) const START: Self = Self(u32::MAX);
}

impl Traces {
    pub(in super::super) fn new(limit: usize) -> Self {
        Self {
            steps: Vec::new(),
            known: FxHashMap::default(),
            limit,
            is_full: false,
        }
    }

    /// Remembers a step after `before`. When there are too many already, the step is left out of the
    /// chain, and `is_full` says so.
    pub(in super::super) fn add(
        &mut self,
        before: Trace,
        (module, offset): (u32, u32),
        text: impl Into<Arc<str>>,
    ) -> Trace {
        let text = text.into();
        let mut hasher = FxHasher::default();
        text.hash(&mut hasher);
        let key = (before, module, offset, hasher.finish());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        self.push(
            key,
            TraceStep {
                module,
                offset,
                text,
                before,
                inside: None,
            },
        )
    }

    fn push(&mut self, key: (Trace, u32, u32, u64), step: TraceStep) -> Trace {
        if self.steps.len() >= self.limit {
            self.is_full = true;
            return step.before;
        }
        self.steps.push(step);
        let trace = Trace(self.steps.len() as u32 - 1);
        self.known.insert(key, trace);
        trace
    }

    /// The chain that ends at `last`, from its beginning.
    pub(in super::super) fn chain(&self, last: Trace) -> Vec<&TraceStep> {
        let mut chain = Vec::new();
        self.collect(last, &mut chain, 0);
        chain.reverse();
        if chain.len() > TOLD {
            chain.drain(TOLD / 2..chain.len() - TOLD / 2);
        }
        chain
    }

    /// The steps up to `last`, from the last to the first.
    fn collect<'t>(&'t self, last: Trace, chain: &mut Vec<&'t TraceStep>, depth: u8) {
        let mut at = last;
        while let Some(step) = self.steps.get(at.0 as usize) {
            match step.inside {
                Some(inside) if depth < NESTED => self.collect(inside, chain, depth + 1),
                Some(_) => {}
                None => chain.push(step),
            }
            at = step.before;
            if chain.len() > 4 * TOLD {
                break;
            }
        }
    }

    /// What happens in a step; nothing before the first.
    pub(in super::super) fn text(&self, step: Trace) -> &str {
        self.steps
            .get(step.0 as usize)
            .map_or("", |step| &step.text)
    }

    /// The step that `last`'s chain begins with.
    pub(in super::super) fn first(&self, last: Trace) -> Trace {
        let mut at = last;
        for _ in 0..4 * TOLD {
            match self.steps.get(at.0 as usize) {
                Some(step) if step.before != Trace::START => at = step.before,
                _ => break,
            }
        }
        at
    }

    /// The way of `inside`, through a function that was called, after `before`.
    pub(in super::super) fn continued(&mut self, before: Trace, inside: Trace) -> Trace {
        let key = (before, u32::MAX, inside.0, 0);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let text = "".into();
        let step = TraceStep {
            module: 0,
            offset: 0,
            text,
            before,
            inside: Some(inside),
        };
        self.push(key, step)
    }
}

impl Taint {
    pub(in super::super) fn of(what: Origin, trace: Trace) -> Self {
        Self(Some(Arc::new(vec![Carried { what, trace }])))
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = Carried> + '_ {
        self.0.iter().flat_map(|carried| carried.iter().copied())
    }

    pub(in super::super) fn labels(&self) -> Labels {
        let labels = self.iter().filter_map(|carried| match carried.what {
            Origin::Label(label) => Some(label),
            Origin::Parameter(..) | Origin::Item(..) | Origin::Content(..) => None,
        });
        labels.collect()
    }

    /// Whether it carries anything that began at a source.
    pub(in super::super) fn has_label(&self) -> bool {
        self.iter()
            .any(|carried| matches!(carried.what, Origin::Label(_)))
    }

    pub(in super::super) fn has(&self, label: Label) -> bool {
        self.iter()
            .any(|carried| carried.what == Origin::Label(label))
    }

    /// Adds what `other` carries. Host facts keep their different traces, since it matters how many
    /// there are; of anything else the first is enough.
    #[inline]
    pub(in super::super) fn join(&mut self, other: &Self) {
        // Most values carry nothing.
        if let Some(more) = &other.0 {
            self.join_carried(more);
        }
    }

    /// Whether it carries the very same, come the same way.
    pub(in super::super) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Whether joining `other` would change it.
    pub(in super::super) fn lacks(&self, other: &Self) -> bool {
        let own = self.0.as_ref().map_or(&[][..], |own| own);
        own.len() < CARRIED && other.iter().any(|each| !is_carried(own, &each))
    }

    fn join_carried(&mut self, more: &Arc<Vec<Carried>>) {
        match &mut self.0 {
            None => self.0 = Some(more.clone()),
            Some(own) if Arc::ptr_eq(own, more) => {}
            Some(own) => {
                let fresh: Vec<Carried> = more
                    .iter()
                    .filter(|each| !is_carried(own, each))
                    .copied()
                    .collect();
                if !fresh.is_empty() {
                    let own = Arc::make_mut(own);
                    own.extend(fresh);
                    own.truncate(CARRIED);
                }
            }
        }
    }

    /// What one item of a value that carries this carries: of the environment, one variable.
    pub(in super::super) fn of_item(&self) -> Self {
        self.map(|carried| {
            let what = match carried.what {
                Origin::Label(Label::EnvAll) => Origin::Label(Label::Env),
                Origin::Parameter(function, at) => Origin::Item(function, at),
                other => other,
            };
            Some(Carried {
                what,
                trace: carried.trace,
            })
        })
    }

    /// What the file carries whose path carries this: nothing is known of it where the path is not.
    pub(in super::super) fn of_content(&self) -> Self {
        self.map(|carried| {
            let what = match carried.what {
                Origin::Parameter(function, at) | Origin::Item(function, at) => {
                    Origin::Content(function, at)
                }
                Origin::Content(..) | Origin::Label(_) => return None,
            };
            Some(Carried {
                what,
                trace: carried.trace,
            })
        })
    }

    /// The same taint after one more step each.
    pub(in super::super) fn map(&self, mut step: impl FnMut(Carried) -> Option<Carried>) -> Self {
        let carried: Vec<Carried> = self.iter().filter_map(&mut step).collect();
        Self((!carried.is_empty()).then(|| Arc::new(carried)))
    }
}

fn is_carried(own: &[Carried], each: &Carried) -> bool {
    let counts = matches!(
        each.what,
        Origin::Label(Label::HostInfo | Label::SecretFile)
    );
    own.iter()
        .any(|held| held.what == each.what && (!counts || held.trace == each.trace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_told_from_its_source() {
        let mut traces = Traces::new(10);
        let first = traces.add(Trace::START, (0, 1), "reads");
        let second = traces.add(first, (0, 2), "sends");
        let told: Vec<&str> = traces
            .chain(second)
            .iter()
            .map(|step| &*step.text)
            .collect();
        assert_eq!(told, ["reads", "sends"]);
    }

    #[test]
    fn what_does_not_fit_is_admitted() {
        let mut traces = Traces::new(1);
        let first = traces.add(Trace::START, (0, 1), "reads");
        assert_eq!(traces.add(first, (0, 2), "sends"), first);
        assert!(traces.is_full);
    }
}
