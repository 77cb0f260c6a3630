//! Assignment: to names, attributes, subscripts and patterns.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprAttribute, ExprSubscript, Operator, Pattern, StmtAugAssign};
use ruff_text_size::{Ranged, TextRange};

use super::super::fold;
use super::super::label::Label;
use super::super::taint::trace::Taint;
use super::super::value::{FunctionId, Kind, Value};
use super::Walker;

/// Items of which one may be replaced, at the cost of copying all.
const REPLACED: usize = 4_096;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn assign(&mut self, target: &'a Expr, value: &Value, statement: TextRange) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), value.clone()),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, value, statement),
            Expr::List(list) => self.unpack(&list.elts, value, statement),
            Expr::Starred(starred) => {
                let rest = Value::unknown(value.whole_taint());
                self.assign(&starred.value, &rest, statement);
            }
            Expr::Attribute(attribute) => self.assign_attribute(attribute, value, statement),
            Expr::Subscript(subscript) => self.assign_item(subscript, value, statement),
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &'a [Expr], value: &Value, statement: TextRange) {
        let items = match &value.kind {
            Kind::List(items) if items.len() == targets.len() => Some(items.clone()),
            other => fold::items(other).filter(|items| items.len() == targets.len()),
        };
        for (at, target) in targets.iter().enumerate() {
            let item = match &items {
                Some(items) => {
                    let mut item = items[at].clone();
                    item.taint.join(&value.taint);
                    item
                }
                None => Value::unknown(value.whole_taint()),
            };
            self.assign(target, &item, statement);
        }
    }

    /// Binds a name in the scope at hand, or where `global` says.
    pub(super) fn bind(&mut self, name: &'a str, value: Value) {
        let mut scope = self.frame.scope;
        if self.scopes[scope].outer.contains(&name) {
            scope = self.outer_scope(scope, name);
        }
        let is_outer = scope != self.frame.scope;
        let may_be_skipped = self.frame.branches > 0 || is_outer;
        self.is_unsettled |= is_outer && value.taint.has_label();
        let names = &mut self.scopes[scope].names;
        if scope == 0 || is_outer && adds(names.get(name), &value) {
            self.remembered.changes();
        }
        match names.get_mut(name) {
            Some(held) if may_be_skipped => held.join(&value),
            Some(held) => *held = value,
            None => {
                names.insert(name, value);
            }
        }
    }

    fn outer_scope(&self, scope: usize, name: &str) -> usize {
        let mut at = self.scopes[scope].parent;
        while let Some(index) = at {
            let outer = &self.scopes[index];
            if outer.parent.is_none() || (!outer.is_class && outer.names.contains_key(name)) {
                return index;
            }
            at = outer.parent;
        }
        0
    }

    fn assign_attribute(&mut self, target: &'a ExprAttribute, value: &Value, statement: TextRange) {
        let owner = self.eval(&target.value);
        match owner.kind {
            Kind::Instance(class) | Kind::Class(class) => {
                self.is_unsettled |= value.taint.has_label();
                let name = self.engine.name(target.attr.as_str());
                let attributes = &mut self.engine.class_fact(class).attributes;
                if adds(attributes.get(&name), value) {
                    self.remembered.changes();
                }
                let held = attributes.entry(name);
                held.and_modify(|held| held.join(value))
                    .or_insert_with(|| value.clone());
            }
            Kind::Symbol(sym, _) => {
                let name = self.engine.symbols.member(sym, target.attr.as_str());
                self.patch(name, value, statement);
                self.put_in(value);
                if super::callbacks::is_server(self.engine.symbols.name(sym)) {
                    let passed = [super::call::positional(value.clone())];
                    self.serve(&passed, (statement, &target.value));
                }
                self.add_to(&target.value, &value.whole_taint());
            }
            _ => self.add_to(&target.value, &value.whole_taint()),
        }
    }

    /// A function that takes the place of one elsewhere runs when nobody asks for it. A class only lends
    /// its methods to whoever makes something of it.
    pub(super) fn put_in(&mut self, value: &Value) {
        for kind in value.kind.alternatives() {
            if let Kind::Function(function) | Kind::Bound(function, _) = kind {
                self.engine.edges.insert((self.frame.function, *function));
            }
        }
    }

    /// What is handed over to be called later runs, with all its methods.
    pub(super) fn installed(&mut self, value: &Value) {
        for function in self.functions_of(value) {
            self.engine.edges.insert((self.frame.function, function));
        }
    }

    /// The distribution's functions that `value` is, or has as methods.
    pub(super) fn functions_of(&self, value: &Value) -> Vec<FunctionId> {
        let each = value
            .kind
            .alternatives()
            .iter()
            .flat_map(|kind| match kind {
                Kind::Function(function) | Kind::Bound(function, _) => vec![*function],
                Kind::Class(class) | Kind::Instance(class) => {
                    self.engine.methods_of(*class).collect()
                }
                _ => Vec::new(),
            });
        each.collect()
    }

    fn assign_item(&mut self, target: &'a ExprSubscript, value: &Value, statement: TextRange) {
        let owner = self.eval(&target.value);
        let key = self.eval(&target.slice);
        match &owner.kind {
            Kind::Symbol(sym, _) => {
                if let Some(name) = key.kind.as_text() {
                    let name = self.engine.symbols.member(*sym, name);
                    self.patch(name, value, statement);
                    self.put_in(value);
                }
            }
            Kind::Dict(items) if items.len() < 512 => {
                let mut items = items.to_vec();
                if self.frame.branches == 0 {
                    items.retain(|(held, _)| held.kind.as_text() != key.kind.as_text());
                }
                items.push((key.clone(), value.clone()));
                let whole = Value {
                    kind: Kind::Dict(Arc::new(items)),
                    taint: owner.taint.clone(),
                };
                if let Expr::Name(name) = &*target.value {
                    return self.rebind(name.id.as_str(), whole);
                }
            }
            Kind::Bytes(_) | Kind::List(_) => {
                if let (Some(kind), Expr::Name(name)) =
                    (self.replaced(&owner.kind, &key, value), &*target.value)
                {
                    let mut taint = owner.taint.clone();
                    taint.join(&value.taint);
                    return self.rebind(name.id.as_str(), Value { kind, taint });
                }
            }
            _ => {}
        }
        let mut taint = value.whole_taint();
        taint.join(&key.taint);
        self.add_to(&target.value, &taint);
    }

    /// `kind` with another item at `key`, when that is certain.
    fn replaced(&self, kind: &Kind, key: &Value, value: &Value) -> Option<Kind> {
        if self.frame.branches > 0 {
            return None;
        }
        let index = key.kind.as_int()?;
        let at = |length: usize| {
            let length = i64::try_from(length).ok()?;
            let index = if index < 0 { index + length } else { index };
            (0..length).contains(&index).then_some(index as usize)
        };
        match kind {
            Kind::Bytes(bytes) if bytes.len() <= REPLACED => {
                let mut bytes = bytes.to_vec();
                let place = at(bytes.len())?;
                *bytes.get_mut(place)? = u8::try_from(value.kind.as_int()?).ok()?;
                Some(Kind::bytes(bytes))
            }
            Kind::List(items) if items.len() <= REPLACED => {
                let mut items = items.to_vec();
                let place = at(items.len())?;
                *items.get_mut(place)? = value.clone();
                Some(Kind::List(Arc::new(items)))
            }
            _ => None,
        }
    }

    /// Changes what a name holds, where it is bound.
    pub(super) fn rebind(&mut self, name: &str, value: Value) {
        if let Some(held) = self.bound_to_name(name) {
            *held = value;
        }
    }

    /// What a name holds, where it is bound.
    pub(super) fn bound_to_name(&mut self, name: &str) -> Option<&mut Value> {
        let mut at = Some(self.frame.scope);
        while let Some(index) = at {
            if self.scopes[index].names.contains_key(name) {
                if index == 0 || index != self.frame.scope {
                    self.remembered.changes();
                }
                return self.scopes[index].names.get_mut(name);
            }
            at = self.scopes[index].parent;
        }
        None
    }

    /// What `target` names carries `taint` from now on: something was put into it.
    pub(super) fn add_to(&mut self, target: &'a Expr, taint: &Taint) {
        if taint.is_empty() {
            return;
        }
        match target {
            Expr::Name(name) => self.add_to_name(name.id.as_str(), taint),
            Expr::Attribute(attribute) => {
                if let Expr::Name(owner) = &*attribute.value {
                    let owner = self
                        .lookup(owner.id.as_str())
                        .map(|value| value.kind.clone());
                    if let Some(Kind::Instance(class) | Kind::Class(class)) = owner {
                        let attributes = &mut self.engine.class_fact(class).attributes;
                        let held = attributes
                            .entry(attribute.attr.as_str().into())
                            .or_default();
                        if held.taint.lacks(taint) {
                            self.remembered.changes();
                        }
                        held.taint.join(taint);
                        self.is_unsettled |= taint.has_label();
                        return;
                    }
                }
                self.add_to(&attribute.value, taint);
            }
            Expr::Subscript(subscript) => self.add_to(&subscript.value, taint),
            _ => {}
        }
    }

    /// What `name` stands for carries `taint` from now on.
    pub(super) fn add_to_name(&mut self, name: &'a str, taint: &Taint) {
        let mut at = Some(self.frame.scope);
        while let Some(index) = at {
            if let Some(held) = self.scopes[index].names.get_mut(name) {
                if (index == 0 || index != self.frame.scope) && held.taint.lacks(taint) {
                    self.remembered.changes();
                }
                held.taint.join(taint);
                let is_shared = index == 0 && !self.bodies.is_empty() && self.frame.loops == 0;
                self.is_unsettled |= (index != self.frame.scope || is_shared && is_grave(taint))
                    && taint.has_label();
                return self.add_to_backing((index, name), taint);
            }
            at = self.scopes[index].parent;
        }
    }

    pub(super) fn augmented(&mut self, assign: &'a StmtAugAssign) {
        let held = self.eval(&assign.target);
        let value = self.eval(&assign.value);
        let made = self.combine(assign.op, &held, &value);
        let mut result = self.afford(made);
        if assign.op == Operator::BitXor && matches!(*assign.target, Expr::Subscript(_)) {
            result
                .taint
                .join(&self.begin(Label::Decoded, "decoded with ^=", assign));
        }
        if assign.op == Operator::Add && self.source(assign.value.range()).starts_with("chr(") {
            let words = "put together from numbers by chr";
            result
                .taint
                .join(&self.begin(Label::Decoded, words, assign));
        }
        match &*assign.target {
            Expr::Name(name) if self.frame.branches > 0 => {
                // A text that grows in a loop is not one of several: it is not known any more.
                let unknown = Value {
                    kind: blurred(&result.kind),
                    taint: result.taint,
                };
                self.rebind_or_bind(name.id.as_str(), unknown);
            }
            target => self.assign(target, &result, assign.range()),
        }
    }

    fn rebind_or_bind(&mut self, name: &'a str, value: Value) {
        if self.lookup(name).is_some() {
            self.rebind(name, value)
        } else {
            self.bind(name, value)
        }
    }

    /// `left op right` with what both carry.
    pub(super) fn combine(&mut self, operator: Operator, left: &Value, right: &Value) -> Value {
        if let (Operator::Mod, Kind::Str(format)) = (operator, &left.kind) {
            let mut taint = left.taint.clone();
            taint.join(&right.whole_taint());
            return Value {
                kind: fold::percent(format, &right.kind),
                taint,
            };
        }
        let kind = match (&left.kind, &right.kind) {
            (Kind::OneOf(kinds), other) if matches!(other, Kind::Str(_) | Kind::Path(_)) => {
                Kind::one_of(
                    kinds
                        .iter()
                        .map(|kind| fold::binary(operator, kind, other))
                        .collect(),
                )
            }
            (other, Kind::OneOf(kinds)) if matches!(other, Kind::Str(_) | Kind::Path(_)) => {
                Kind::one_of(
                    kinds
                        .iter()
                        .map(|kind| fold::binary(operator, other, kind))
                        .collect(),
                )
            }
            (left, right) => fold::binary(operator, left, right),
        };
        let mut taint = left.taint.clone();
        taint.join(&right.taint);
        if matches!(kind, Kind::Unknown) {
            taint.join(&left.whole_taint());
            taint.join(&right.whole_taint());
        }
        Value { kind, taint }
    }

    pub(super) fn bind_pattern(&mut self, pattern: &'a Pattern, subject: &Value) {
        let part = || Value::unknown(subject.whole_taint());
        match pattern {
            Pattern::MatchAs(as_) => {
                if let Some(inner) = &as_.pattern {
                    self.bind_pattern(inner, subject);
                }
                if let Some(name) = &as_.name {
                    self.bind(name.as_str(), subject.clone());
                }
            }
            Pattern::MatchStar(star) => {
                if let Some(name) = &star.name {
                    self.bind(name.as_str(), part());
                }
            }
            Pattern::MatchSequence(sequence) => {
                sequence
                    .patterns
                    .iter()
                    .for_each(|each| self.bind_pattern(each, &part()));
            }
            Pattern::MatchMapping(mapping) => {
                mapping
                    .patterns
                    .iter()
                    .for_each(|each| self.bind_pattern(each, &part()));
                if let Some(rest) = &mapping.rest {
                    self.bind(rest.as_str(), part());
                }
            }
            Pattern::MatchClass(class) => {
                class
                    .arguments
                    .patterns
                    .iter()
                    .for_each(|each| self.bind_pattern(each, &part()));
                let keywords = class.arguments.keywords.iter();
                keywords.for_each(|each| self.bind_pattern(&each.pattern, &part()));
            }
            Pattern::MatchOr(or) => {
                or.patterns
                    .iter()
                    .for_each(|each| self.bind_pattern(each, subject));
            }
            Pattern::MatchValue(_) | Pattern::MatchSingleton(_) => {}
        }
    }
}

/// Whether `value` is more than what was held before.
fn adds(held: Option<&Value>, value: &Value) -> bool {
    held.is_none_or(|held| held.lacks(value))
}

/// Whether a thread that was started before must not miss it.
fn is_grave(taint: &Taint) -> bool {
    let everyday = [
        Label::File,
        Label::OwnFile,
        Label::Env,
        Label::Output,
        Label::HostInfo,
    ];
    taint
        .labels()
        .iter()
        .any(|label| !everyday.contains(&label))
}

/// What is left of a value that changes with each turn of a loop.
fn blurred(kind: &Kind) -> Kind {
    match kind {
        Kind::Str(text) if text.contains(super::super::analysis::HOLE) => kind.clone(),
        Kind::Str(_) | Kind::Bytes(_) | Kind::Int(_) | Kind::List(_) => Kind::Unknown,
        other => other.clone(),
    }
}
