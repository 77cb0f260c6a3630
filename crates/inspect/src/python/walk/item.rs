//! Subscripts: items of what is known, names looked up in the dictionaries of modules, variables of the
//! environment.

use ruff_python_ast::{Expr, ExprSubscript};
use ruff_text_size::Ranged;

use super::super::analysis::Reached;
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::taint::paths::HERE;
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
                self.offer_layer(&value.kind, subscript.range());
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
                Some(name) => self.global_by_name(name, reached, node),
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
            (Kind::Symbol(sym, _), Kind::Int(0))
                if &**self.engine.symbols.name(*sym) == "sys.argv" =>
            {
                Value::text(&format!("{HERE}/__main__.py"))
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
            (Kind::Class(class), _) => {
                self.call_method_of_class_id(*class, "__class_getitem__");
                owner.clone()
            }
            (Kind::Instance(class), _) => {
                let class = *class;
                for name in ["__getitem__", "__missing__"] {
                    self.call_method_of_class_id(class, name);
                }
                Value::unknown(owner.whole_taint())
            }
            (Kind::OneOf(kinds), _) => {
                let kinds = kinds.clone();
                let each = kinds.iter().map(|kind| Value {
                    kind: kind.clone(),
                    taint: owner.taint.clone(),
                });
                self.joined(each.map(|one| (one, index.clone())).collect(), place, node)
            }
            (_, Kind::OneOf(kinds)) => {
                let each = kinds.iter().map(|kind| Value {
                    kind: kind.clone(),
                    taint: index.taint.clone(),
                });
                self.joined(each.map(|one| (owner.clone(), one)).collect(), place, node)
            }
            (Kind::Dict(items), Kind::Unknown | Kind::Symbol(..)) => {
                let mut value = super::call::any_value(items, None);
                value.taint.join(&owner.taint);
                value
            }
            (Kind::Unknown, Kind::Str(_)) => Value::unknown(owner.whole_taint().of_item()),
            (kind, index_kind) => {
                let mut value = fold::subscript(kind, index_kind)
                    .unwrap_or_else(|| Value::unknown(owner.whole_taint()));
                value.taint.join(&owner.taint);
                value
            }
        }
    }

    /// `globals()[name]`: a name of the module, or one that others put there.
    fn global_by_name(&mut self, name: &str, reached: Reached, node: &impl Ranged) -> Value {
        let value = self.load(name, node);
        let is_module = matches!(
            name,
            "os" | "sys" | "subprocess" | "socket" | "importlib" | "urllib" | "builtins"
        );
        match value.kind {
            Kind::Unknown if is_module => {
                let sym = self.engine.symbols.intern(name);
                Kind::Symbol(sym, Reached::ByHiddenName).into()
            }
            _ => with_reached(value, reached),
        }
    }

    /// What several items may be.
    fn joined(&mut self, pairs: Vec<(Value, Value)>, place: &'a Expr, node: &impl Ranged) -> Value {
        let mut joined: Option<Value> = None;
        for (owner, index) in pairs {
            let value = self.item(&owner, &index, place, node);
            match &mut joined {
                Some(joined) => joined.join(&value),
                none => *none = Some(value),
            }
        }
        joined.unwrap_or_default()
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
