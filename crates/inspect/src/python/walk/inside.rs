//! Calls of the distribution's own functions: by their summaries, or followed with the very values
//! passed when those are constants or functions.

use std::sync::Arc;

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::super::analysis::SinkKind;
use super::super::engine::{ParameterSink, RawFlow};
use super::super::label::Label;
use super::super::taint::trace::{Carried, Origin, Taint, Trace};
use super::super::value::{FunctionId, Kind, Passed, Value};
use super::{Code, Walker};

/// Bodies longer than this, in bytes, are not followed for one caller.
const INLINED_BYTES: usize = 6_000;
/// Calls followed for one caller, one within the other, and in one module.
const INLINE_DEPTH: u8 = 5;
const INLINED: u32 = 4_000;
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
        let bound = self.bound(id, own, &passed);
        if let Some(value) = self.inlined(id, &bound) {
            return value;
        }
        let is_waiting = self
            .bodies
            .get(&id)
            .is_some_and(|body| !body.is_open && body.round == 0);
        if is_waiting && !self.is_stopped {
            self.summarise(id, 1);
        }
        let summary = self.engine.fact(id).summary.clone();
        for sink in &summary.sinks {
            if let Some(Some(value)) = bound.get(usize::from(sink.parameter)) {
                let whole = value.whole_taint();
                let given = if sink.is_item { whole.of_item() } else { whole };
                self.reach_through(id, sink, &given, node);
            }
        }
        self.returned(id, &summary.returns, &bound, node)
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
        let mut add = |at: Option<usize>, value: &Value| {
            let Some(slot) = at.and_then(|at| bound.get_mut(at)) else {
                return;
            };
            match slot {
                Some(held) => held.taint.join(&value.whole_taint()),
                none => *none = Some(value.clone()),
            }
        };
        let last = fact
            .variadic
            .or(fact.keywords)
            .unwrap_or(fact.parameters.len());
        for each in passed {
            match &each.keyword {
                _ if each.is_starred => {
                    let spread = Value::unknown(each.value.whole_taint());
                    for at in next..fact.parameters.len() {
                        add(Some(at), &spread);
                    }
                }
                Some(keyword) => {
                    let at = fact.parameters.iter().position(|name| name == keyword);
                    add(at.or(fact.keywords), &each.value);
                }
                None => {
                    add(
                        if next < last {
                            Some(next)
                        } else {
                            fact.variadic
                        },
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
            value.kind.is_constant() || value.kind.is_callable() || is_holey(&value.kind)
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
        if !is_possible
            || !given.clone().any(is_worth_it)
            || !given.all(|value| is_worth_it(value) || !value.taint.is_empty())
        {
            return None;
        }
        self.inlined += 1;
        let mut body = body.clone();
        body.is_open = true;
        if let Some(held) = self.bodies.get_mut(&id) {
            held.is_open = true;
        }
        let mut values: Vec<Value> = bound
            .iter()
            .map(|value| value.clone().unwrap_or_default())
            .collect();
        for (at, default) in body.defaults.iter() {
            if bound.get(*at).is_some_and(Option::is_none) {
                values[*at] = default.clone();
            }
        }
        if let (Some(own), Some(first)) = (&body.own, values.first_mut()) {
            first.kind = own.clone();
        }
        let value = self.follow(id, &body, values, self.frame.inline + 1);
        if let Some(held) = self.bodies.get_mut(&id) {
            held.is_open = false;
        }
        Some(value)
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
                        taint.join(&value.whole_taint());
                    }
                }
                Origin::Item(owner, parameter) if owner == id => {
                    if let Some(Some(value)) = bound.get(usize::from(parameter)) {
                        taint.join(&value.whole_taint().of_item());
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
        let kind = match &returns.kind {
            Kind::List(_) | Kind::Dict(_) => Kind::Unknown,
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
            Origin::Parameter(owner, parameter) | Origin::Item(owner, parameter) => {
                let is_item = matches!(what, Origin::Item(..));
                let sinks = &mut self.engine.fact(owner).summary.sinks;
                let is_known = sinks.iter().any(|held| {
                    (held.parameter, held.is_item) == (parameter, is_item)
                        && (held.call, held.kind) == (sink.call, sink.kind)
                });
                if !is_known && sinks.len() < SINKS {
                    sinks.push(ParameterSink {
                        parameter,
                        is_item,
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
