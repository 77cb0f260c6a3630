//! [`Remembered`]: calls that were followed with the values of one caller, and what they gave back. The same
//! call with the same values, while nothing that it may see has changed, tells nothing new.

use rustc_hash::FxHashMap;

use super::super::value::{FunctionId, Kind, Value};
use super::Walker;

/// Calls of one function that are remembered.
const CALLS: usize = 8;
/// Items of lists that are compared.
const ITEMS: usize = 16;
/// Texts and bytes that are longer are neither compared nor kept.
const LONGEST: usize = 4 << 10;

/// The calls of one module.
#[derive(Default)]
pub(super) struct Remembered {
    calls: FxHashMap<FunctionId, Vec<Followed>>,
    /// Changes of what more than one function sees.
    changes: u64,
    /// Calls of functions that were open already, of which less is known than later.
    cut: u64,
}

/// A call that was followed.
struct Followed {
    values: Vec<Value>,
    inline: u8,
    moment: (u64, usize),
    result: Value,
}

/// How much was cut short when a call began.
pub(super) struct Begun(u64);

impl Remembered {
    /// Something changed that more than one function sees.
    pub(super) fn changes(&mut self) {
        self.changes += 1;
    }

    /// A function is called that is open.
    pub(super) fn cuts(&mut self) {
        self.cut += 1;
    }

    pub(super) fn begins(&self) -> Begun {
        Begun(self.cut)
    }
}

impl Walker<'_, '_, '_> {
    /// What changes whenever something that was followed may turn out differently.
    fn moment(&self) -> (u64, usize) {
        let engine = &*self.engine;
        let kept = engine.stored.len() + engine.dropped.len() + engine.unpacked.len();
        let more = engine.written.len() + self.handlers.len() + usize::from(self.asks_metadata);
        (self.remembered.changes, kept + more)
    }

    /// What the call gave when it was followed with these values.
    pub(super) fn remembered(&self, id: FunctionId, values: &[Value]) -> Option<Value> {
        let (inline, moment) = (self.frame.inline, self.moment());
        let calls = self.remembered.calls.get(&id)?.iter();
        let mut same = calls.filter(|call| call.inline == inline && call.moment == moment);
        let found = same.find(|call| self.are_alike(&call.values, values))?;
        Some(found.result.clone())
    }

    /// Remembers what a call gave, when that depends on nothing else than its values and on what is the
    /// same for all.
    pub(super) fn remember_call(
        &mut self,
        id: FunctionId,
        (values, result): (Vec<Value>, &Value),
        begun: &Begun,
    ) {
        let is_whole = begun.0 == self.remembered.cut && !self.is_stopped;
        let is_small = self.are_alike(&values, &values) && result.kind.room() <= LONGEST;
        if !is_whole || !is_small || self.bodies.get(&id).is_none_or(|body| body.scope != 0) {
            return;
        }
        let followed = Followed {
            values,
            inline: self.frame.inline,
            moment: self.moment(),
            result: result.clone(),
        };
        let calls = self.remembered.calls.entry(id).or_default();
        if calls.len() >= CALLS {
            calls.remove(0);
        }
        calls.push(followed);
    }

    fn are_alike(&self, one: &[Value], two: &[Value]) -> bool {
        let mut pairs = one.iter().zip(two);
        one.len() == two.len()
            && pairs.all(|(one, two)| {
                one.taint.is_same(&two.taint) && self.is_alike(&one.kind, &two.kind)
            })
    }

    fn is_alike(&self, one: &Kind, two: &Kind) -> bool {
        match (one, two) {
            // What is in a list may be lists in turn, and the same ones many times over.
            (Kind::List(one), Kind::List(two)) => {
                let is_flat = !one.iter().any(|item| matches!(item.kind, Kind::List(_)));
                one.len() <= ITEMS && is_flat && self.are_alike(one, two)
            }
            (Kind::OneOf(one), Kind::OneOf(two)) => {
                let mut pairs = one.iter().zip(two.iter());
                one.len() == two.len() && pairs.all(|(one, two)| self.is_alike(one, two))
            }
            (Kind::Symbol(one, how), Kind::Symbol(two, also)) => one == two && how == also,
            (Kind::Function(one), Kind::Function(two)) => one == two && self.is_outermost(*one),
            (Kind::Bound(one, own), Kind::Bound(two, other)) => {
                one == two && own == other && self.is_outermost(*one)
            }
            (Kind::Str(text), _) | (Kind::Path(text), _) if text.len() > LONGEST => false,
            (Kind::Bytes(bytes), _) if bytes.len() > LONGEST => false,
            (
                Kind::Unknown
                | Kind::None
                | Kind::Globals
                | Kind::Bool(_)
                | Kind::Int(_)
                | Kind::Str(_)
                | Kind::Path(_)
                | Kind::Bytes(_)
                | Kind::Class(_)
                | Kind::Instance(_),
                _,
            ) => one.same(two),
            _ => false,
        }
    }

    /// Whether a function sees no names but its own and the module's. One inside another function may see
    /// others each time.
    fn is_outermost(&self, function: FunctionId) -> bool {
        let body = self.bodies.get(&function);
        body.is_none_or(|body| body.scope == 0)
    }
}
