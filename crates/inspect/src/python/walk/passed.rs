//! Functions that run because something that calls what it is given is given them. Giving a function
//! to one that only keeps it, as decorators do, runs nothing.

use super::super::taint::trace::Origin;
use super::super::value::{FunctionId, Kind, Value};
use super::Walker;

/// Containers of functions are looked into so deep, and so many items of each.
const DEPTH: u8 = 2;
const ITEMS: usize = 64;

impl<'a> Walker<'a, '_, '_> {
    /// Remembers of the function at hand that it calls what is passed for a parameter.
    pub(super) fn note_called(&mut self, callee: &Value) {
        for carried in callee.taint.iter() {
            let (Origin::Parameter(owner, at) | Origin::Item(owner, at)) = carried.what else {
                continue;
            };
            // A function inside that calls a parameter of the one around it may never run itself.
            if owner != self.frame.function && !self.open.contains(&owner) {
                continue;
            }
            let called = &mut self.engine.fact(owner).summary.called;
            if !called.contains(&at) {
                called.push(at);
            }
        }
    }

    /// Whatever is passed to `id` for parameters that it calls runs.
    pub(super) fn run_passed(&mut self, id: FunctionId, bound: &[Option<Value>]) {
        for at in self.engine.fact(id).summary.called.clone() {
            if let Some(Some(value)) = bound.get(usize::from(at)) {
                self.note_called(value);
                self.run_functions(&value.kind, 0);
            }
        }
    }

    fn run_functions(&mut self, kind: &Kind, depth: u8) {
        match kind {
            Kind::Function(function) | Kind::Bound(function, _) => {
                self.engine.edges.insert((self.frame.function, *function));
            }
            Kind::List(items) if depth < DEPTH => {
                for item in items.iter().take(ITEMS) {
                    self.run_functions(&item.kind, depth + 1);
                }
            }
            Kind::Dict(items) if depth < DEPTH => {
                for (_, item) in items.iter().take(ITEMS) {
                    self.run_functions(&item.kind, depth + 1);
                }
            }
            Kind::OneOf(kinds) if depth < DEPTH => {
                for kind in kinds.iter() {
                    self.run_functions(kind, depth + 1);
                }
            }
            _ => {}
        }
    }
}
