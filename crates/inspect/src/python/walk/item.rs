//! Subscripts: items of what is known, names looked up in the dictionaries of modules, variables of the
//! environment.

use ruff_python_ast::{Expr, ExprSubscript};
use ruff_text_size::Ranged;

use super::super::analysis::Reached;
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::value::{Getter, Kind, Value};
use super::Walker;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn subscript(&mut self, subscript: &'a ExprSubscript) -> Value {
        let owner = self.eval(&subscript.value);
        if let Expr::Slice(slice) = &*subscript.slice {
            let mut bound = |part: &'a Option<Box<Expr>>| match part {
                Some(part) => self.eval(part).kind.as_int().map(Some),
                None => Some(None),
            };
            let (lower, upper, step) =
                (bound(&slice.lower), bound(&slice.upper), bound(&slice.step));
            let fold = match (lower, upper, step) {
                (Some(lower), Some(upper), Some(step)) => {
                    fold::slice(&owner.kind, lower, upper, step)
                }
                _ => None,
            };
            let Some(fold) = fold else {
                return Value::unknown(owner.whole_taint());
            };
            let mut value = Value {
                kind: fold.kind,
                taint: owner.taint,
            };
            if fold.is_decoded {
                self.mark_decoded(&owner.kind);
                value
                    .taint
                    .join(&self.begin(Label::Decoded, "picked apart by a slice", subscript));
            }
            return value;
        }
        let index = self.eval(&subscript.slice);
        self.item(&owner, &index, &subscript.value, subscript)
    }

    /// `owner[index]`.
    pub(super) fn item(
        &mut self,
        owner: &Value,
        index: &Value,
        place: &'a Expr,
        node: &impl Ranged,
    ) -> Value {
        let reached = match super::is_literal(place) {
            _ if matches!(index.kind, Kind::Str(_)) => Reached::ByName,
            _ => Reached::Plainly,
        };
        match (&owner.kind, &index.kind) {
            (Kind::Globals, Kind::Str(_)) => match index.kind.as_text() {
                Some(name) => with_reached(self.load(name, node), reached),
                None => Value::default(),
            },
            (Kind::Symbol(sym, _), _) if self.is_environment(*sym) => {
                let mut value = match index.kind.as_text() {
                    Some(key) => self.environment_variable(key, node),
                    None => Value::unknown(owner.taint.of_item()),
                };
                value.taint.join(&index.taint);
                value
            }
            (Kind::Symbol(sym, before), Kind::Str(_)) => {
                let name = self.engine.symbols.name(*sym).clone();
                let Some(key) = index.kind.as_text() else {
                    return Value::unknown(owner.taint.clone());
                };
                match &*name {
                    "sys.modules" => {
                        let module = self.engine.symbols.intern(key);
                        self.named(module, reached, node)
                    }
                    _ if is_namespace(&name) => {
                        let member = self.engine.symbols.member(*sym, key);
                        let mut value = self.named(member, reached.max(*before), node);
                        value.taint.join(&owner.taint);
                        value
                    }
                    _ => Value::unknown(owner.taint.clone()),
                }
            }
            (Kind::Class(_), _) => owner.clone(),
            (Kind::Unknown, Kind::Str(_)) => Value::unknown(owner.whole_taint().of_item()),
            (kind, index_kind) => {
                let mut value = fold::subscript(kind, index_kind)
                    .unwrap_or_else(|| Value::unknown(owner.whole_taint()));
                value.taint.join(&owner.taint);
                value
            }
        }
    }

    fn is_environment(&self, sym: Sym) -> bool {
        matches!(
            &**self.engine.symbols.name(sym),
            "os.environ" | "os.environb"
        )
    }

    pub(super) fn getter(&mut self, getter: &Getter, owner: &Value, node: &'a Expr) -> Value {
        match getter {
            Getter::Attribute(path) => path.split('.').fold(owner.clone(), |owner, name| {
                self.attribute(&owner, name, Reached::ByName, node)
            }),
            Getter::Item(index) => self.item(owner, index, node, node),
            Getter::Method(..) => Value::default(),
        }
    }
}

fn with_reached(mut value: Value, reached: Reached) -> Value {
    if let Kind::Symbol(sym, before) = value.kind {
        value.kind = Kind::Symbol(sym, before.max(reached));
    }
    value
}

/// Names whose items are their members: modules, which is what `__dict__` and `vars` make of them.
fn is_namespace(name: &str) -> bool {
    !name.contains('(')
}
