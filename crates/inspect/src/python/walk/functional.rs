//! Functions that call other functions for each item: `map`, `filter`, `reduce`, `starmap`.

use std::sync::Arc;

use ruff_python_ast::Expr;

use super::super::fold;
use super::super::value::{Kind, Passed, Value};
use super::Walker;
use super::call::{positional, whole};
use super::comprehension::any_item;

/// Items that are followed one by one.
const ITEMS: usize = 16_384;

impl<'a> Walker<'a, '_, '_> {
    /// What `name` makes of a function and what it goes through.
    pub(super) fn through_items(
        &mut self,
        name: &str,
        passed: &[Passed],
        place: &'a Expr,
    ) -> Option<Value> {
        let [function, over @ ..] = passed else {
            return Some(Value::unknown(whole(passed)));
        };
        let over: Vec<Value> = over.iter().map(|each| each.value.clone()).collect();
        let function = function.value.clone();
        Some(match (name, &*over) {
            ("builtins.filter", [over, ..]) => self.filter(&function, over, place),
            ("functools.reduce", [over, first @ ..]) => {
                self.reduce(&function, over, first.first(), place)
            }
            ("itertools.starmap", [over, ..]) => {
                let rows = self.rows(over)?;
                self.each(&function, rows, over, place)
            }
            ("builtins.map", [over]) => match self.rows(over) {
                Some(items) => {
                    let rows = items
                        .into_iter()
                        .map(|item| Kind::List(vec![item].into()).into());
                    self.each(&function, rows.collect(), over, place)
                }
                None => self.any(&function, &[any_item(over)], over, place),
            },
            ("builtins.map", _) => self.map_many(&function, &over, place),
            _ => return None,
        })
    }

    /// The items of `over`, when they are known and few enough.
    fn rows(&mut self, over: &Value) -> Option<Vec<Value>> {
        let left = super::ITERATIONS.saturating_sub(self.iterations) as usize;
        let items = fold::items(&over.kind).filter(|items| items.len() <= left.min(ITEMS))?;
        self.iterations += items.len() as u32;
        Some(items.to_vec())
    }

    /// `function` called with each row of arguments.
    fn each(&mut self, function: &Value, rows: Vec<Value>, over: &Value, place: &'a Expr) -> Value {
        let mut results = Vec::with_capacity(rows.len());
        for row in rows {
            let arguments = match &row.kind {
                Kind::List(items) => items.iter().cloned().map(positional).collect(),
                _ => vec![positional(row)],
            };
            results.push(self.call_value(function, arguments, place));
        }
        Value {
            kind: Kind::List(Arc::new(results)),
            taint: over.taint.clone(),
        }
    }

    /// `function` called with what any turn may see.
    fn any(&mut self, function: &Value, items: &[Value], over: &Value, place: &'a Expr) -> Value {
        let passed = items.iter().cloned().map(positional).collect();
        let mut value = self.call_value(function, passed, place);
        value.taint.join(&over.whole_taint());
        Value::unknown(value.whole_taint())
    }

    fn map_many(&mut self, function: &Value, over: &[Value], place: &'a Expr) -> Value {
        let mut taint = Value::default();
        over.iter()
            .for_each(|each| taint.taint.join(&each.whole_taint()));
        let columns: Option<Vec<Vec<Value>>> = over.iter().map(|each| self.rows(each)).collect();
        let Some(columns) = columns else {
            let items: Vec<Value> = over.iter().map(any_item).collect();
            return self.any(function, &items, &taint, place);
        };
        let shortest = columns.iter().map(Vec::len).min().unwrap_or(0);
        let row = |at: usize| {
            let row: Vec<Value> = columns.iter().map(|column| column[at].clone()).collect();
            Value::from(Kind::List(Arc::new(row)))
        };
        self.each(function, (0..shortest).map(row).collect(), &taint, place)
    }

    fn filter(&mut self, function: &Value, over: &Value, place: &'a Expr) -> Value {
        let Some(items) = self.rows(over) else {
            return self.any(function, &[any_item(over)], over, place);
        };
        let mut kept = Vec::with_capacity(items.len());
        for item in items {
            let truth = match function.kind {
                Kind::None => Value::default(),
                _ => self.call_value(function, vec![positional(item.clone())], place),
            };
            // What is not known to be dropped may be kept.
            if !matches!(truth.kind, Kind::Bool(false)) {
                kept.push(item);
            }
        }
        Value {
            kind: Kind::List(Arc::new(kept)),
            taint: over.taint.clone(),
        }
    }

    fn reduce(
        &mut self,
        function: &Value,
        over: &Value,
        first: Option<&Value>,
        place: &'a Expr,
    ) -> Value {
        let Some(items) = self.rows(over) else {
            let mut held = any_item(over);
            if let Some(first) = first {
                held.join(first);
            }
            return self.any(function, &[held, any_item(over)], over, place);
        };
        let mut items = items.into_iter();
        let Some(mut held) = first.cloned().or_else(|| items.next()) else {
            return Value::default();
        };
        for item in items {
            let mut made =
                self.call_value(function, vec![positional(held), positional(item)], place);
            made.taint.join(&over.taint);
            held = made;
        }
        held
    }
}
