//! Lists and bytes that grow: what code puts at the end of them, one after the other.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprCall};

use super::super::fold;
use super::super::taint::trace::Taint;
use super::super::value::{Kind, Passed, Value};
use super::Walker;

impl<'a> Walker<'a, '_, '_> {
    /// Puts what is passed at the end of a list or `bytearray`.
    pub(super) fn grow(
        &mut self,
        (call, place): (&'a ExprCall, &'a Expr),
        receiver: Value,
        passed: &[Passed],
    ) -> Value {
        let is_bytes = matches!(receiver.kind, Kind::Bytes(_));
        // A list that only its name holds grows where it is.
        drop(receiver);
        if let Some(item) = passed.first() {
            let mut item = item.value.clone();
            if is_bytes {
                self.computed_bytes(call, &mut item.taint);
            }
            self.push_onto(place, item);
        }
        Kind::None.into()
    }

    /// Puts an item at the end of the list that `target` names.
    fn push_onto(&mut self, target: &'a Expr, item: Value) {
        let taint = item.whole_taint();
        if let Expr::Name(name) = target {
            let name = name.id.as_str();
            let is_certain = self.frame.branches == 0;
            match self.lookup(name).cloned() {
                Some(Value {
                    kind: Kind::Bytes(bytes),
                    taint: own,
                }) => return self.push_byte(name, (&bytes, own), &item),
                Some(Value {
                    kind: Kind::List(items),
                    taint: own,
                }) => {
                    let kind = match is_certain && items.len() < fold::LARGEST / 64 {
                        true => Kind::List(self.pushed(name, items, item)),
                        false => Kind::Unknown,
                    };
                    let mut whole = Value { kind, taint: own };
                    whole.taint.join(&taint);
                    return self.rebind(name, whole);
                }
                _ => {}
            }
        }
        self.add_to(target, &taint);
    }

    /// `items` and one more: the very list where nothing but `name` holds it.
    fn pushed(&mut self, name: &str, mut items: Arc<Vec<Value>>, item: Value) -> Arc<Vec<Value>> {
        let held = self.bound_to_name(name);
        if let Some(held) =
            held.filter(|held| matches!(&held.kind, Kind::List(own) if Arc::ptr_eq(own, &items)))
        {
            held.kind = Kind::Unknown;
        }
        Arc::make_mut(&mut items).push(item);
        items
    }

    /// Puts a byte, or bytes, at the end of a `bytearray`.
    fn push_byte(&mut self, name: &'a str, (bytes, mut taint): (&[u8], Taint), item: &Value) {
        taint.join(&item.whole_taint());
        let more: Option<Vec<u8>> = match &item.kind {
            Kind::Int(number) => u8::try_from(*number).ok().map(|byte| vec![byte]),
            Kind::Bytes(more) => Some(more.to_vec()),
            Kind::List(items) => items
                .iter()
                .map(|item| u8::try_from(item.kind.as_int()?).ok())
                .collect(),
            _ => None,
        };
        let is_certain = self.frame.branches == 0 && bytes.len() < fold::LARGEST / 64;
        let kind = match more.filter(|_| is_certain) {
            Some(more) => Kind::bytes([bytes, &*more].concat()),
            None => Kind::Unknown,
        };
        self.rebind(name, Value { kind, taint });
    }
}

/// Whether the method puts something at the end of what it belongs to.
pub(super) fn grows(kind: &Kind, name: &str) -> bool {
    match kind {
        Kind::List(_) => name == "append",
        Kind::Bytes(_) => matches!(name, "append" | "extend"),
        _ => false,
    }
}
