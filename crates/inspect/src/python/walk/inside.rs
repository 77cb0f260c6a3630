//! Calls of the distribution's own functions: by their summaries, or followed with the very values
//! passed when those are constants or functions.

use std::sync::Arc;

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::super::analysis::SinkKind;
use super::super::engine::{ParameterSink, Part, RawFlow};
use super::super::label::Label;
use super::super::taint::trace::{Carried, Origin, Taint, Trace};
use super::super::value::{FunctionId, Kind, Passed, Value};
use super::{Code, Walker};

/// Bodies longer than this, in bytes, are not followed for one caller.
const INLINED_BYTES: usize = 6_000;
/// Calls followed for one caller, one within the other, and in one module.
const INLINE_DEPTH: u8 = 5;
const INLINED: u32 = 4_000;
/// Items that are kept apart in `*args` and `**kwargs`.
const VARIADIC: usize = 4_096;
/// Functions that data is followed through on its way to a sink.
const HOPS: u8 = 8;
/// Sinks that one function's parameters are remembered to reach.
const SINKS: usize = 64;

impl<'a> Walker<'a, '_, '_> {
    /// Calls `id`; `own` is what the method belongs to.
    pub(super) fn call_function(
        &mut self,
        id: FunctionId,
        own: Option<Value>,
        passed: Vec<Passed>,
        node: &'a Expr,
    ) -> Value {
        self.engine.edges.insert((self.frame.function, id));
        if self.bodies.get(&id).is_some_and(|body| body.is_open) {
            self.remembered.cuts();
        }
        let bound = self.bound(id, own, &passed);
        if let Some(value) = self.inlined(id, &bound) {
            return value;
        }
        self.summarise_waiting(id);
        self.run_passed(id, &bound);
        let summary = &self.engine.fact(id).summary;
        let is_given =
            |sink: &&ParameterSink| matches!(bound.get(usize::from(sink.parameter)), Some(Some(_)));
        let sinks: Vec<ParameterSink> = summary.sinks.iter().filter(is_given).cloned().collect();
        let returns = summary.returns.clone();
        for sink in &sinks {
            if let Some(Some(value)) = bound.get(usize::from(sink.parameter)) {
                let given = self.part_of(value, sink.part, node);
                self.reach_through(id, sink, &given, node);
            }
        }
        self.returned(id, &returns, &bound, node)
    }

    /// Follows the body of a function that was not followed yet.
    fn summarise_waiting(&mut self, id: FunctionId) {
        let body = self.bodies.get(&id);
        let is_waiting = body.is_some_and(|body| !body.is_open && body.round == 0);
        if is_waiting && !self.is_stopped {
            self.summarise(id, 1);
        }
    }

    /// What each parameter gets; `None` where nothing is passed.
    fn bound(
        &mut self,
        id: FunctionId,
        own: Option<Value>,
        passed: &[Passed],
    ) -> Vec<Option<Value>> {
        let fact = self.engine.fact(id);
        let mut bound: Vec<Option<Value>> = vec![None; fact.parameters.len()];
        let mut next = 0;
        if let (Some(own), Some(first)) = (own, bound.first_mut()) {
            *first = Some(own);
            next = 1;
        }
        let (variadic, named) = (
            fact.variadic.map(usize::from),
            fact.keywords.map(usize::from),
        );
        let mut add = |at: Option<usize>, keyword: Option<&Arc<str>>, value: &Value| {
            let Some(slot) = at.and_then(|at| bound.get_mut(at)) else {
                return;
            };
            let value = match keyword {
                _ if at == variadic => Kind::List(Arc::new(vec![value.clone()])).into(),
                Some(keyword) if at == named => {
                    let item = (Value::text(keyword), value.clone());
                    Kind::Dict(Arc::new(vec![item])).into()
                }
                _ => value.clone(),
            };
            match slot {
                Some(held) => gathered(held, value),
                none => *none = Some(value),
            }
        };
        let last = variadic.or(named).unwrap_or(fact.parameters.len());
        for each in passed {
            match &each.keyword {
                _ if each.is_starred => {
                    let spread = Value::unknown(each.value.whole_taint());
                    for at in next..fact.parameters.len() {
                        add(Some(at), None, &spread);
                    }
                }
                Some(keyword) => {
                    let at = fact.parameters.iter().position(|name| name == keyword);
                    add(at.or(named), Some(keyword), &each.value);
                }
                None => {
                    add(
                        if next < last { Some(next) } else { variadic },
                        None,
                        &each.value,
                    );
                    next += 1;
                }
            }
        }
        bound
    }

    /// Follows the body with these values, when that can tell more than its summary.
    fn inlined(&mut self, id: FunctionId, bound: &[Option<Value>]) -> Option<Value> {
        let body = self.bodies.get(&id)?;
        let is_worth_it = |value: &Value| {
            let mut kinds = value.kind.alternatives().iter();
            kinds.any(|kind| {
                let is_object = matches!(kind, Kind::Instance(_));
                kind.is_constant() || kind.is_callable() || is_object || is_holey(kind)
            })
        };
        let mut given = bound.iter().skip(usize::from(body.own.is_some())).flatten();
        let length = match body.code {
            Code::Function(function) => function.range().len().to_usize(),
            Code::Lambda(lambda) => lambda.range().len().to_usize(),
        };
        let is_possible = !body.is_open
            && length <= INLINED_BYTES
            && self.frame.inline < INLINE_DEPTH
            && self.inlined < INLINED
            && !self.is_stopped;
        let uses_defaults = || {
            let is_left_out = |at: usize| bound.get(at).is_some_and(Option::is_none);
            let mut defaults = body.defaults.iter();
            given.clone().next().is_none()
                && defaults.any(|(at, default)| is_left_out(*at) && is_holey(&default.kind))
        };
        // A method sees what the class of its instance overrides.
        let own = bound
            .first()
            .and_then(Option::as_ref)
            .map(|own| own.kind.clone());
        let is_derived = match (&own, body.class) {
            (Some(Kind::Instance(own) | Kind::Class(own)), Some(class)) => *own != class,
            _ => false,
        } && body.own.is_some();
        if !is_possible
            || !(is_derived || uses_defaults() || given.clone().any(is_worth_it))
            || !given.all(|value| is_worth_it(value) || !value.taint.is_empty())
        {
            return None;
        }
        let mut body = body.clone();
        let mut values: Vec<Value> = bound
            .iter()
            .map(|value| value.clone().unwrap_or_default())
            .collect();
        for (at, default) in body.defaults.iter() {
            if bound.get(*at).is_some_and(Option::is_none) {
                values[*at] = default.clone();
            }
        }
        if let (Some(own), Some(first), false) = (&body.own, values.first_mut(), is_derived) {
            first.kind = own.clone();
        }
        if let Some(value) = self.remembered(id, &values) {
            return Some(value);
        }
        self.inlined += 1;
        body.is_open = true;
        if let Some(held) = self.bodies.get_mut(&id) {
            held.is_open = true;
        }
        let begun = self.remembered.begins();
        let value = self.follow(id, &body, values.clone(), self.frame.inline + 1);
        if let Some(held) = self.bodies.get_mut(&id) {
            held.is_open = false;
        }
        self.remember_call(id, (values, &value), &begun);
        Some(value)
    }

    /// What a value carries that is passed for a parameter of which this part matters. A function that is
    /// passed brings what it returns.
    fn part_of(&mut self, value: &Value, part: Part, node: &'a Expr) -> Taint {
        match part {
            Part::Whole => {
                let mut whole = value.whole_taint();
                self.add_returns(&value.kind, &mut whole, 0);
                whole
            }
            Part::Item => {
                let mut whole = value.whole_taint().of_item();
                self.add_returns(&value.kind, &mut whole, 0);
                whole
            }
            Part::Content => self.content_of(value, node),
        }
    }

    fn add_returns(&mut self, kind: &Kind, taint: &mut Taint, depth: u8) {
        match kind {
            Kind::Function(function) | Kind::Bound(function, _) => {
                self.summarise_waiting(*function);
                let returns = &self.engine.functions[function.0 as usize].summary.returns;
                let labels = returns.whole_taint().map(|carried| match carried.what {
                    Origin::Label(_) => Some(carried),
                    _ => None,
                });
                taint.join(&labels);
            }
            Kind::Instance(class) => taint.join(&self.attribute_taint(*class)),
            Kind::List(items) if depth < 2 => {
                for item in items.iter().take(64) {
                    self.add_returns(&item.kind, taint, depth + 1);
                }
            }
            Kind::OneOf(kinds) if depth < 2 => {
                for kind in kinds.iter() {
                    self.add_returns(kind, taint, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// What a call gives back, in terms of what it was given.
    fn returned(
        &mut self,
        id: FunctionId,
        returns: &Value,
        bound: &[Option<Value>],
        node: &'a Expr,
    ) -> Value {
        let at = self.at(node);
        let mut taint = Taint::default();
        for carried in returns.whole_taint().iter() {
            match carried.what {
                Origin::Parameter(owner, parameter) if owner == id => {
                    if let Some(Some(value)) = bound.get(usize::from(parameter)) {
                        taint.join(&self.part_of(value, Part::Whole, node));
                    }
                }
                Origin::Item(owner, parameter) if owner == id => {
                    if let Some(Some(value)) = bound.get(usize::from(parameter)) {
                        taint.join(&self.part_of(value, Part::Item, node));
                    }
                }
                Origin::Content(owner, parameter) if owner == id => {
                    if let Some(Some(value)) = bound.get(usize::from(parameter)) {
                        taint.join(&self.part_of(value, Part::Content, node));
                    }
                }
                _ => {
                    let name = self.engine.fact(id).name.clone();
                    let words = format!("returned by {name}()");
                    let trace = self.engine.traces.add(carried.trace, at, words);
                    taint.join(&Taint::of(carried.what, trace));
                }
            }
        }
        // What is in a container may be what was passed, of which a summary does not know.
        let depends = || {
            let whole = returns.whole_taint();
            whole
                .iter()
                .any(|each| !matches!(each.what, Origin::Label(_)))
        };
        let kind = match &returns.kind {
            Kind::List(_) | Kind::Dict(_) if depends() => Kind::Unknown,
            other => other.clone(),
        };
        Value { kind, taint }
    }

    /// What is passed for a parameter reaches the sink that the parameter reaches.
    fn reach_through(
        &mut self,
        id: FunctionId,
        sink: &ParameterSink,
        taint: &Taint,
        node: &'a Expr,
    ) {
        if sink.hops >= HOPS {
            return;
        }
        let at = self.at(node);
        for carried in taint.iter() {
            if is_everyday(carried.what, sink.kind) {
                continue;
            }
            let name = self.engine.fact(id).name.clone();
            let words = format!("passed to {name}()");
            let passed = self.engine.traces.add(carried.trace, at, words);
            let trace = self.engine.traces.continued(passed, sink.trace);
            let sink = ParameterSink {
                hops: sink.hops + 1,
                ..sink.clone()
            };
            self.reach(carried.what, trace, taint, sink);
        }
    }

    /// Notes that something carried reached a sink: a flow when its beginning is known, part of a
    /// summary when a parameter brought it.
    pub(super) fn reach(
        &mut self,
        what: Origin,
        trace: Trace,
        beside: &Taint,
        sink: ParameterSink,
    ) {
        match what {
            Origin::Label(label) => self.engine.add_flow(RawFlow {
                label,
                trace,
                beside: beside.labels(),
                kind: sink.kind,
                call: sink.call,
                argument: sink.argument,
                function: self.frame.function,
            }),
            Origin::Parameter(owner, parameter)
            | Origin::Item(owner, parameter)
            | Origin::Content(owner, parameter) => {
                let part = match what {
                    Origin::Item(..) => Part::Item,
                    Origin::Content(..) => Part::Content,
                    _ => Part::Whole,
                };
                let sinks = &mut self.engine.fact(owner).summary.sinks;
                let is_known = sinks.iter().any(|held| {
                    (held.parameter, held.part) == (parameter, part)
                        && (held.call, held.kind) == (sink.call, sink.kind)
                });
                if !is_known && sinks.len() < SINKS {
                    sinks.push(ParameterSink {
                        parameter,
                        part,
                        trace,
                        ..sink
                    });
                }
            }
        }
    }

    /// Something calls `value` back, with `arguments`.
    pub(super) fn call_back(&mut self, value: &Value, arguments: Vec<Value>, node: &'a Expr) {
        let passed = arguments
            .into_iter()
            .map(|value| Passed {
                keyword: None,
                value,
                is_starred: false,
            })
            .collect();
        if matches!(value.kind, Kind::Instance(_)) || value.kind.is_callable() {
            self.call_value(value, passed, node);
        } else {
            self.note_called(value);
        }
    }

    /// The taint of everything passed, with one more step each.
    pub(super) fn stepped(&mut self, taint: &Taint, words: &str, node: &impl Ranged) -> Taint {
        let at = self.at(node);
        let words: Arc<str> = words.into();
        let traces = &mut self.engine.traces;
        taint.map(|carried| {
            Some(Carried {
                what: carried.what,
                trace: traces.add(carried.trace, at, words.clone()),
            })
        })
    }
}

/// Adds what else is passed for one parameter: an item of `*args`, a name of `**kwargs`.
fn gathered(held: &mut Value, more: Value) {
    match (&mut held.kind, more.kind) {
        (Kind::List(items), Kind::List(more)) if items.len() < VARIADIC => {
            Arc::make_mut(items).extend(more.iter().cloned());
        }
        (Kind::Dict(items), Kind::Dict(more)) if items.len() < VARIADIC => {
            Arc::make_mut(items).extend(more.iter().cloned());
        }
        (_, other) => {
            let more = Value {
                kind: other,
                taint: more.taint,
            };
            held.taint.join(&more.whole_taint());
        }
    }
}

/// What programs do all day: files are written from files, and deleted. Followed inside one function,
/// not from function to function.
fn is_everyday(what: Origin, kind: SinkKind) -> bool {
    let is_common = matches!(
        what,
        Origin::Label(
            Label::File | Label::Env | Label::UserInput | Label::Output | Label::HostInfo
        )
    );
    is_common
        && matches!(
            kind,
            SinkKind::Write | SinkKind::Delete | SinkKind::Executable
        )
}

/// A text with something unknown in it: following it tells more of commands and addresses.
fn is_holey(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Str(_) | Kind::List(_) | Kind::Path(_) | Kind::Dict(_)
    )
}
