//! Comprehensions: item by item when what they run over is known.

use std::sync::Arc;

use ruff_python_ast::{Comprehension, Expr, ExprDictComp};
use ruff_text_size::Ranged;

use super::super::fold;
use super::super::taint::trace::Taint;
use super::super::value::{Kind, Value};
use super::{ITERATIONS, Walker};

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [Comprehension],
        node: &'a Expr,
    ) -> Value {
        let outer = self.frame.scope;
        self.frame.scope = self.new_scope(outer, false);
        let value = self
            .known_comprehension(element, generators)
            .unwrap_or_else(|| {
                let taint = self.unknown_generators(generators);
                let item = self.eval(element);
                let mut taint_of_items = item.whole_taint();
                taint_of_items.join(&taint);
                Value::unknown(taint_of_items)
            });
        self.frame.scope = outer;
        if let Kind::List(items) = &value.kind {
            self.note_numbers(items, node);
        }
        value
    }

    /// A single loop over something known, carried out. `None` when it is not that.
    fn known_comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [Comprehension],
    ) -> Option<Value> {
        let [generator] = generators else { return None };
        if self.has_inner_function(element) {
            return None;
        }
        let over = self.eval(&generator.iter);
        let items = fold::items(&over.kind)?;
        let left = ITERATIONS.saturating_sub(self.iterations) as usize;
        if items.len() > left
            || items.len() > 16_384
            || !items.iter().all(|each| is_simple(&each.kind))
        {
            return None;
        }
        self.iterations += items.len() as u32;
        let mut results = Vec::with_capacity(items.len());
        'items: for item in items.iter() {
            let mut item = item.clone();
            item.taint.join(&over.taint);
            self.assign(&generator.target, &item, generator.target.range());
            for test in &generator.ifs {
                match self.eval(test).kind {
                    Kind::Bool(false) => continue 'items,
                    Kind::Bool(true) => {}
                    _ => return None,
                }
            }
            results.push(self.eval(element));
        }
        Some(Value {
            kind: Kind::List(Arc::new(results)),
            taint: over.taint,
        })
    }

    fn unknown_generators(&mut self, generators: &'a [Comprehension]) -> Taint {
        let mut taint = Taint::default();
        for generator in generators {
            let over = self.eval(&generator.iter);
            let item = any_item(&over);
            taint.join(&over.taint);
            self.assign(&generator.target, &item, generator.target.range());
            for test in &generator.ifs {
                self.condition(test);
            }
        }
        taint
    }

    pub(super) fn dict_comprehension(&mut self, comp: &'a ExprDictComp) -> Value {
        let outer = self.frame.scope;
        self.frame.scope = self.new_scope(outer, false);
        let mut taint = self.unknown_generators(&comp.generators);
        if let Some(key) = &comp.key {
            let key = self.eval(key);
            taint.join(&key.whole_taint());
        }
        let value = self.eval(&comp.value);
        taint.join(&value.whole_taint());
        self.frame.scope = outer;
        Value::unknown(taint)
    }

    /// Functions that are made inside need their scope afterwards; loops that make them are not
    /// carried out.
    fn has_inner_function(&self, element: &Expr) -> bool {
        self.source(element.range()).contains("lambda")
    }
}

fn is_simple(kind: &Kind) -> bool {
    match kind {
        Kind::List(items) => items.iter().all(|item| is_simple(&item.kind)),
        Kind::Symbol(..) => true,
        other => other.is_constant(),
    }
}

/// What an unknown turn of a loop over `value` sees.
pub(super) fn any_item(value: &Value) -> Value {
    let mut joined = Value::unknown(value.taint.clone());
    match &value.kind {
        Kind::List(items) if items.len() <= 64 => {
            let mut items = items.iter();
            if let Some(first) = items.next() {
                let mut item = first.clone();
                items.for_each(|other| item.join(other));
                item.taint.join(&value.taint);
                joined = item;
            }
        }
        Kind::Dict(items) => {
            for (key, _) in items.iter().take(64) {
                joined.taint.join(&key.taint);
            }
        }
        Kind::Symbol(..) | Kind::Handle(_) | Kind::Unknown => {}
        _ => joined.taint = value.whole_taint(),
    }
    joined
}
