//! Comprehensions: item by item when what they run over is known.

use std::sync::Arc;

use ruff_python_ast::{Comprehension, Expr, ExprDictComp};
use ruff_text_size::Ranged;

use super::super::fold;
use super::super::label::Label;
use super::super::taint::paths;
use super::super::taint::trace::Taint;
use super::super::value::{Kind, Value};
use super::{ITERATIONS, Walker};

/// Secrets that are kept apart where there are more items than alternatives.
const SECRETS: usize = 6;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn comprehension(
        &mut self,
        element: &'a Expr,
        generators: &'a [Comprehension],
        node: &'a Expr,
    ) -> Value {
        let outer = self.frame.scope;
        self.frame.scope = self.new_scope(outer, false);
        let mut results = Vec::new();
        let mut taint = Taint::default();
        let is_known = !self.has_inner_function(element) && {
            let mut each = |walker: &mut Self| results.push(walker.eval(element));
            self.turns(generators, &mut taint, &mut each).is_some()
        };
        let value = if is_known {
            Value {
                kind: Kind::List(Arc::new(results)),
                taint,
            }
        } else {
            let taint = self.unknown_generators(generators);
            let mut item = self.eval(element);
            item.taint.join(&taint);
            Value {
                taint: item.whole_taint(),
                kind: Kind::List(Arc::new(vec![item])),
            }
        };
        let inner = std::mem::replace(&mut self.frame.scope, outer);
        self.leave_scope(inner);
        if let Kind::List(items) = &value.kind {
            self.note_numbers(items, node);
        }
        value
    }

    /// Carries loops out whose turns are known, one within the other; `None` when one is not.
    fn turns(
        &mut self,
        generators: &'a [Comprehension],
        taint: &mut Taint,
        each: &mut dyn FnMut(&mut Self),
    ) -> Option<()> {
        let Some((generator, inner)) = generators.split_first() else {
            each(self);
            return Some(());
        };
        let over = self.eval(&generator.iter);
        taint.join(&over.taint);
        let items = fold::items(&over.kind)?;
        let left = ITERATIONS.saturating_sub(self.iterations) as usize;
        let is_simple = items.iter().all(|each| is_simple(&each.kind));
        if items.len() > left || items.len() > if is_simple { 16_384 } else { 64 } {
            return None;
        }
        self.iterations += items.len() as u32;
        'items: for item in items.iter() {
            let mut item = item.clone();
            item.taint.join(&over.taint);
            self.assign(&generator.target, &item, generator.target.range());
            for test in &generator.ifs {
                // What is not known to be left out is kept.
                if let Kind::Bool(false) = self.eval(test).kind {
                    continue 'items;
                }
            }
            self.turns(inner, taint, each)?;
        }
        Some(())
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
        let mut items: Vec<(Value, Value)> = Vec::new();
        let mut taint = Taint::default();
        let mut each = |walker: &mut Self| {
            let key = comp
                .key
                .as_ref()
                .map(|key| walker.eval(key))
                .unwrap_or_default();
            items.push((key, walker.eval(&comp.value)));
        };
        let is_known = !self.has_inner_function(&comp.value)
            && self
                .turns(&comp.generators, &mut taint, &mut each)
                .is_some();
        if !is_known {
            taint = self.unknown_generators(&comp.generators);
            let key = comp
                .key
                .as_ref()
                .map(|key| self.eval(key))
                .unwrap_or_default();
            let value = self.eval(&comp.value);
            taint.join(&key.whole_taint());
            taint.join(&value.whole_taint());
            items = vec![(key, value)];
        }
        let inner = std::mem::replace(&mut self.frame.scope, outer);
        self.leave_scope(inner);
        Value {
            kind: Kind::Dict(Arc::new(items)),
            taint,
        }
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

/// Any of several values; of pairs, a pair of what either side may be. Where there are more texts than are
/// kept apart, those stay that lead to secrets.
fn joined_items(items: &[Value]) -> Value {
    let rows: Option<Vec<&Arc<Vec<Value>>>> = items
        .iter()
        .map(|item| match &item.kind {
            Kind::List(row) => Some(row),
            _ => None,
        })
        .collect();
    let width = rows
        .as_ref()
        .and_then(|rows| rows.first())
        .map_or(0, |row| row.len());
    if let Some(rows) = rows.filter(|rows| width > 0 && rows.iter().all(|row| row.len() == width)) {
        let column = |at: usize| {
            let cells: Vec<Value> = rows.iter().map(|row| row[at].clone()).collect();
            joined_items(&cells)
        };
        let mut joined = Value::from(Kind::List(Arc::new((0..width).map(column).collect())));
        items.iter().for_each(|item| joined.taint.join(&item.taint));
        return joined;
    }
    let is_secret = |item: &&Value| matches!(&item.kind, Kind::Str(text) | Kind::Path(text) if paths::label_of(text) == Label::SecretFile);
    let secrets: Vec<&Value> = items.iter().filter(is_secret).take(SECRETS).collect();
    let kept: Vec<&Value> = match items.len() > SECRETS && !secrets.is_empty() {
        true => secrets,
        false => items.iter().collect(),
    };
    let mut joined = Value::default();
    for (at, item) in kept.into_iter().enumerate() {
        match at {
            0 => joined = item.clone(),
            _ => joined.join(item),
        }
    }
    items.iter().for_each(|item| joined.taint.join(&item.taint));
    joined
}

/// What an unknown turn of a loop over `value` sees.
pub(super) fn any_item(value: &Value) -> Value {
    let mut joined = Value::unknown(value.taint.clone());
    match &value.kind {
        Kind::List(items) if items.len() <= 64 && !items.is_empty() => {
            joined = joined_items(items);
            joined.taint.join(&value.taint);
        }
        Kind::Dict(items) => {
            let keys: Vec<Value> = items.iter().take(64).map(|(key, _)| key.clone()).collect();
            if !keys.is_empty() {
                joined = joined_items(&keys);
            }
            joined.taint.join(&value.taint);
        }
        // What a class itself goes through are its members: an enumeration.
        Kind::Class(class) => joined.kind = Kind::Instance(*class),
        Kind::OneOf(kinds) => {
            for (at, kind) in kinds.iter().enumerate() {
                let item = any_item(&Value {
                    kind: kind.clone(),
                    taint: value.taint.clone(),
                });
                match at {
                    0 => joined = item,
                    _ => joined.join(&item),
                }
            }
        }
        Kind::Symbol(..) | Kind::Handle(_) | Kind::Unknown => {}
        _ => joined.taint = value.whole_taint(),
    }
    joined
}
