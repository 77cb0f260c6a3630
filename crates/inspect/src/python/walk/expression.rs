//! Expressions: each to what is known of its value.

use std::sync::Arc;

use ruff_python_ast::{
    BoolOp, CmpOp, Expr, ExprBinOp, ExprCompare, FStringPart, InterpolatedStringElement, Number,
    Operator,
};
use ruff_text_size::Ranged;

use super::super::analysis::{HOLE, Reached};
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::taint::paths::HERE;
use super::super::taint::tables::Gives;
use super::super::taint::trace::{Origin, Taint, Trace};
use super::super::value::{Kind, Value};
use super::Walker;
use super::record::Recorded;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn eval(&mut self, expression: &'a Expr) -> Value {
        if !self.tick() {
            return Value::default();
        }
        self.depth += 1;
        let mut value = self.eval_kind(expression);
        self.depth -= 1;
        let is_held = self.engine.large.share(&mut value.kind);
        match expression {
            Expr::Name(_) | Expr::Attribute(_) => value,
            _ if is_held => value,
            _ => self.afford(value),
        }
    }

    fn eval_kind(&mut self, expression: &'a Expr) -> Value {
        match expression {
            Expr::Name(name) => self.load(name.id.as_str(), expression),
            Expr::Attribute(attribute) => {
                let owner = self.eval(&attribute.value);
                self.attribute(
                    &owner,
                    attribute.attr.as_str(),
                    Reached::Plainly,
                    expression,
                )
            }
            Expr::Call(call) => self.call(call),
            Expr::StringLiteral(text) => {
                let text = text.value.to_str();
                self.note_text(text, expression);
                Value::text(text)
            }
            Expr::BytesLiteral(bytes) => {
                let bytes: Vec<u8> = bytes.value.bytes().collect();
                self.note_bytes(&bytes, expression);
                Kind::bytes(bytes).into()
            }
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(int) => int
                    .as_i64()
                    .map_or_else(Value::default, |n| Kind::Int(n).into()),
                Number::Float(_) | Number::Complex { .. } => Value::default(),
            },
            Expr::BooleanLiteral(literal) => Kind::Bool(literal.value).into(),
            Expr::NoneLiteral(_) => Kind::None.into(),
            Expr::BinOp(operation) => self.operation(operation, expression),
            Expr::UnaryOp(operation) => {
                let operand = self.eval(&operation.operand);
                let kind = fold::unary(operation.op, &operand.kind);
                Value {
                    kind,
                    taint: operand.taint,
                }
            }
            Expr::BoolOp(operation) => self.either(operation.op, &operation.values),
            Expr::Compare(compare) => self.compare(compare),
            Expr::If(conditional) => {
                self.condition(&conditional.test);
                let mut value = self.eval(&conditional.body);
                value.join(&self.eval(&conditional.orelse));
                value
            }
            Expr::Named(named) => {
                let value = self.eval(&named.value);
                self.assign(&named.target, &value, expression.range());
                value
            }
            Expr::FString(text) => {
                let value = self.f_string(text.value.iter());
                if let Kind::Str(known) = &value.kind {
                    self.note_text(known, expression);
                }
                value
            }
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::List(list) => self.list(&list.elts, expression),
            Expr::Tuple(tuple) => self.list(&tuple.elts, expression),
            Expr::Set(set) => self.list(&set.elts, expression),
            Expr::Dict(dict) => self.dict(dict),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::ListComp(comp) => self.comprehension(&comp.elt, &comp.generators, expression),
            Expr::SetComp(comp) => self.comprehension(&comp.elt, &comp.generators, expression),
            Expr::Generator(comp) => self.comprehension(&comp.elt, &comp.generators, expression),
            Expr::DictComp(comp) => self.dict_comprehension(comp),
            Expr::Await(await_) => self.eval(&await_.value),
            Expr::Yield(yield_) => {
                let value = yield_
                    .value
                    .as_ref()
                    .map(|value| self.eval(value))
                    .unwrap_or_default();
                self.yields(vec![value]);
                Value::default()
            }
            Expr::YieldFrom(yield_) => {
                let value = self.eval(&yield_.value);
                match fold::items(&value.kind) {
                    Some(items) => self.yields(items.to_vec()),
                    None => self.yields(vec![Value::unknown(value.whole_taint())]),
                }
                value
            }
            Expr::Starred(starred) => self.eval(&starred.value),
            Expr::TString(_)
            | Expr::Slice(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Value::default(),
        }
    }

    fn operation(&mut self, operation: &'a ExprBinOp, expression: &'a Expr) -> Value {
        let left = self.eval(&operation.left);
        let right = self.eval(&operation.right);
        if let Some(value) = self.by_method(operation.op, (&left, &right), expression) {
            return value;
        }
        let mut value = self.combine(operation.op, &left, &right);
        self.added_character((&operation.left, &operation.right), &right, &mut value);
        value
    }

    /// What an operator gives for an instance whose class says so.
    fn by_method(
        &mut self,
        operator: Operator,
        (left, right): (&Value, &Value),
        node: &'a Expr,
    ) -> Option<Value> {
        let Kind::Instance(class) = left.kind else {
            return None;
        };
        let method = self.engine.class_attribute(class, operator.dunder())?.0;
        let Kind::Function(function) = method.kind else {
            return None;
        };
        let passed = vec![super::call::positional(right.clone())];
        Some(self.call_function(function, Some(left.clone()), passed, node))
    }

    /// A text that grows by called-for characters, `chr(101) + chr(118) + …`, is put together from
    /// numbers.
    fn added_character(
        &mut self,
        (before, added): (&'a Expr, &'a Expr),
        right: &Value,
        value: &mut Value,
    ) {
        let is_one = matches!(&right.kind, Kind::Str(text) if text.chars().nth(1).is_none());
        let is_called = matches!(added, Expr::Call(_)) && ends_with_calls(before);
        if is_one && is_called && value.kind.is_constant() && !value.taint.has(Label::Decoded) {
            value
                .taint
                .join(&self.begin(Label::Decoded, "put together from numbers", added));
        }
    }

    /// What a name stands for.
    pub(super) fn load(&mut self, name: &str, node: &impl Ranged) -> Value {
        if let Some(value) = self.lookup(name) {
            let value = value.clone();
            return match value.kind {
                Kind::Symbol(sym, reached) if value.taint.is_empty() => {
                    self.named(sym, reached, node)
                }
                _ => value,
            };
        }
        match name {
            "__file__" => Value::text(&format!("{HERE}/__init__.py")),
            "__name__" => {
                let name = self.engine.modules[self.module as usize].name.clone();
                if name.is_empty() {
                    Value::default()
                } else {
                    Kind::Str(name).into()
                }
            }
            "__path__" => Value::text(HERE),
            "__builtins__" => self.symbol("builtins"),
            _ => match self.engine.symbols.builtin(name) {
                Some(builtin) => Kind::Symbol(builtin, Reached::Plainly).into(),
                None => self.starred_name(name, node),
            },
        }
    }

    /// A name that nothing binds comes from a module of which everything was imported.
    fn starred_name(&mut self, name: &str, node: &impl Ranged) -> Value {
        for owner in self.stars.clone().into_iter().rev() {
            let sym = self.engine.symbols.member(owner, name);
            let known = self.engine.symbols.known(sym);
            if self.engine.exports.contains_key(&sym) || known.is_watched {
                return self.named(sym, Reached::Plainly, node);
            }
            self.engine.modules[self.module as usize]
                .unresolved
                .insert(sym);
        }
        Value::default()
    }

    pub(super) fn symbol(&mut self, name: &str) -> Value {
        Kind::Symbol(self.engine.symbols.intern(name), Reached::Plainly).into()
    }

    /// The value of something with a dotted name: what another module exports under it, a source, or
    /// just the name.
    pub(super) fn named(&mut self, sym: Sym, reached: Reached, node: &impl Ranged) -> Value {
        if let Some(exported) = self.engine.exports.get(&sym) {
            let exported = exported.clone();
            let is_bare = exported.taint.is_empty();
            return match exported.kind {
                Kind::Symbol(other, _) if is_bare => Kind::Symbol(other, reached).into(),
                _ => exported,
            };
        }
        let known = self.engine.symbols.known(sym);
        if let Some(text) = known.text {
            return Value::text(text);
        }
        let mut value = Value::from(Kind::Symbol(sym, reached));
        if let Some((label, Gives::Value)) = known.source {
            let range = node.range();
            self.record(
                sym,
                Recorded {
                    reached,
                    own: None,
                    passed: &[],
                    range,
                    known,
                },
            );
            let words = format!("reads {}", self.engine.symbols.name(sym));
            value.taint = self.begin(label, &words, node);
        }
        value
    }

    /// Something that begins here with `label`.
    pub(super) fn begin(&mut self, label: Label, words: &str, node: &impl Ranged) -> Taint {
        let trace = self.engine.traces.add(Trace::START, self.at(node), words);
        self.engine.modules[self.module as usize].has_sources = true;
        Taint::of(Origin::Label(label), trace)
    }

    /// `owner.name`.
    pub(super) fn attribute(
        &mut self,
        owner: &Value,
        name: &str,
        reached: Reached,
        node: &'a Expr,
    ) -> Value {
        match &owner.kind {
            Kind::Symbol(sym, before) => {
                let reached = reached.max(*before);
                // The dictionary of a module, and the way back to builtins, are the thing itself.
                if matches!(name, "__dict__" | "__self__" | "__wrapped__" | "__func__") {
                    return owner.clone();
                }
                if matches!(name, "__file__" | "__path__" | "__cached__")
                    && let Some(path) = self.file_of_module(*sym)
                {
                    return path;
                }
                if matches!(name, "__name__" | "__qualname__") {
                    let text = self.engine.symbols.name(*sym).clone();
                    return Value::text(text.rsplit('.').next().unwrap_or(&text));
                }
                if matches!(name, "__builtins__") {
                    let builtins = self.engine.symbols.intern("builtins");
                    return Kind::Symbol(builtins, Reached::ByHiddenName).into();
                }
                let member = self.engine.symbols.member(*sym, name);
                let mut value = self.named(member, reached, node);
                value.taint.join(&owner.taint);
                value
            }
            Kind::Class(class) if matches!(name, "__name__" | "__qualname__") => {
                Value::text(&self.engine.classes[class.0 as usize].name.clone())
            }
            Kind::Instance(class) | Kind::Class(class) => {
                self.attribute_of_class(*class, name, owner, node)
            }
            Kind::Function(_) | Kind::Bound(..) if name == "__globals__" => Kind::Globals.into(),
            Kind::Globals if name == "get" => owner.clone(),
            Kind::Path(path) => path_attribute(path, name, owner),
            Kind::OneOf(kinds) => {
                let mut joined: Option<Value> = None;
                for kind in kinds.iter() {
                    let one = Value {
                        kind: kind.clone(),
                        taint: owner.taint.clone(),
                    };
                    let value = self.attribute(&one, name, reached, node);
                    match &mut joined {
                        Some(joined) => joined.join(&value),
                        none => *none = Some(value),
                    }
                }
                joined.unwrap_or_default()
            }
            // Whatever has it leads back to modules and builtins.
            _ if name == "__globals__" => Kind::Globals.into(),
            Kind::Function(_) if name == "__class__" => self.symbol("types.FunctionType"),
            Kind::Function(function) if matches!(name, "__name__" | "__qualname__") => {
                Value::text(&self.engine.functions[function.0 as usize].name.clone())
            }
            _ => Value::unknown(owner.whole_taint()),
        }
    }

    fn either(&mut self, operator: BoolOp, values: &'a [Expr]) -> Value {
        let mut joined: Option<Value> = None;
        for value in values {
            let value = self.eval(value);
            match &mut joined {
                // `None or x` is x.
                Some(held) if operator == BoolOp::Or && matches!(held.kind, Kind::None) => {
                    *held = value
                }
                Some(held) => held.join(&value),
                none => *none = Some(value),
            }
        }
        joined.unwrap_or_default()
    }

    fn compare(&mut self, compare: &'a ExprCompare) -> Value {
        let left = self.eval(&compare.left);
        let sides: Vec<Value> = compare
            .comparators
            .iter()
            .map(|side| self.eval(side))
            .collect();
        let ([operator], [right]) = (&*compare.ops, &*sides) else {
            return Value::default();
        };
        let is_certain = left.taint.is_empty() && right.taint.is_empty();
        if let Some(truth) =
            fold::compared(*operator, &left.kind, &right.kind).filter(|_| is_certain)
        {
            return Kind::Bool(truth).into();
        }
        let (Some(left), Some(right)) = (left.kind.as_int(), right.kind.as_int()) else {
            return Value::default();
        };
        let truth = match operator {
            CmpOp::Eq => left == right,
            CmpOp::NotEq => left != right,
            CmpOp::Lt => left < right,
            CmpOp::LtE => left <= right,
            CmpOp::Gt => left > right,
            CmpOp::GtE => left >= right,
            _ => return Value::default(),
        };
        Kind::Bool(truth).into()
    }

    fn f_string(&mut self, parts: impl Iterator<Item = &'a FStringPart>) -> Value {
        let mut taint = Taint::default();
        let mut pieces: Vec<Kind> = Vec::new();
        for part in parts {
            match part {
                FStringPart::Literal(text) => pieces.push(Kind::str(text.as_str())),
                FStringPart::FString(text) => {
                    for element in &text.elements {
                        match element {
                            InterpolatedStringElement::Literal(text) => {
                                pieces.push(Kind::str(&*text.value));
                            }
                            InterpolatedStringElement::Interpolation(inner) => {
                                let value = self.eval(&inner.expression);
                                taint.join(&value.whole_taint());
                                let is_plain = inner.format_spec.is_none();
                                pieces.push(match value.kind {
                                    Kind::Handle(handle) if is_plain => handle.path.clone(),
                                    kind if is_plain => kind,
                                    _ => Kind::Unknown,
                                });
                            }
                        }
                    }
                }
            }
        }
        Value {
            kind: fold::concatenated(&pieces),
            taint,
        }
    }

    fn list(&mut self, elements: &'a [Expr], node: &'a Expr) -> Value {
        let mut items = Vec::with_capacity(elements.len().min(64));
        let mut is_known = true;
        let mut taint = Taint::default();
        for element in elements {
            if let Expr::Starred(starred) = element {
                let value = self.eval(&starred.value);
                match fold::items(&value.kind) {
                    Some(inner) => items.extend(inner.iter().cloned()),
                    None => {
                        is_known = false;
                        taint.join(&value.whole_taint());
                    }
                }
                continue;
            }
            items.push(self.eval(element));
        }
        self.note_numbers(&items, node);
        if !is_known {
            for item in &items {
                taint.join(&item.whole_taint());
            }
            items.push(Value::unknown(taint.clone()));
        }
        Value {
            kind: Kind::List(Arc::new(items)),
            taint,
        }
    }

    fn dict(&mut self, dict: &'a ruff_python_ast::ExprDict) -> Value {
        let mut items = Vec::with_capacity(dict.items.len().min(64));
        let mut taint = Taint::default();
        for item in &dict.items {
            let value = self.eval(&item.value);
            match &item.key {
                Some(key) => {
                    let key = self.eval(key);
                    items.push((key, value));
                }
                None => match &value.kind {
                    Kind::Dict(inner) => items.extend(inner.iter().cloned()),
                    _ => taint.join(&value.whole_taint()),
                },
            }
        }
        Value {
            kind: Kind::Dict(Arc::new(items)),
            taint,
        }
    }

    /// The dotted name of a plain `a.b.c`, without following anything.
    pub(super) fn plain_name(&mut self, expression: &Expr) -> Option<Sym> {
        match expression {
            Expr::Name(name) => match self.lookup(name.id.as_str())?.kind {
                Kind::Symbol(sym, _) => Some(sym),
                _ => None,
            },
            Expr::Attribute(attribute) => {
                let owner = self.plain_name(&attribute.value)?;
                Some(self.engine.symbols.member(owner, attribute.attr.as_str()))
            }
            _ => None,
        }
    }
}

/// Whether the last two things added are calls, as in `chr(1) + chr(2)`.
fn ends_with_calls(expression: &Expr) -> bool {
    let Expr::BinOp(operation) = expression else {
        return false;
    };
    let before = match &*operation.left {
        Expr::BinOp(before) => &before.right,
        _ => &operation.left,
    };
    matches!(*operation.right, Expr::Call(_)) && matches!(**before, Expr::Call(_))
}

fn path_attribute(path: &str, name: &str, owner: &Value) -> Value {
    let kind = match name {
        "parent" => Kind::Path(super::super::taint::paths::parent(path).into()),
        "name" => Kind::str(path.rsplit('/').next().unwrap_or(path)),
        "path" => Kind::str(path),
        "suffix" | "stem" | "parts" | "parents" | "drive" => Kind::Unknown,
        _ => Kind::Str(HOLE.to_string().into()),
    };
    Value {
        kind,
        taint: owner.taint.clone(),
    }
}
