//! Calls: what is called, with what, and what comes out.

use ruff_python_ast::{Arguments, Expr, ExprCall};
use ruff_text_size::Ranged;

use super::super::analysis::{Reached, SinkKind};
use super::super::fold;
use super::super::label::Label;
use super::super::taint::trace::Taint;
use super::super::value::{Getter, Kind, Passed, SPREAD, Value};
use super::Walker;
use super::growing::grows;

/// Items of `*items` that are passed one by one.
const SPREAD_OUT: usize = 2_048;

/// Methods that put their arguments into what they belong to.
const PUTS: &[&str] = &[
    "extend",
    "insert",
    "add",
    "update",
    "setdefault",
    "appendleft",
    "write",
    "writelines",
    "put",
    "push",
    "attach",
    "set_payload",
];

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn call(&mut self, call: &'a ExprCall) -> Value {
        if let Expr::Attribute(attribute) = &*call.func {
            let receiver = self.eval(&attribute.value);
            let passed = self.passed(&call.arguments);
            let name = attribute.attr.as_str();
            self.pour(call, (Some(&receiver), name), &passed);
            if grows(&receiver.kind, name) {
                return self.grow((call, &attribute.value), receiver, &passed);
            }
            return self.call_attribute(call, &attribute.value, (&receiver, name), passed);
        }
        let callee = self.eval(&call.func);
        let passed = self.passed(&call.arguments);
        if let Expr::Name(name) = &*call.func {
            self.pour(call, (None, name.id.as_str()), &passed);
        }
        self.dispatch(&callee, (None, passed), call)
    }

    fn passed(&mut self, arguments: &'a Arguments) -> Vec<Passed> {
        let mut passed = Vec::with_capacity(arguments.args.len() + arguments.keywords.len());
        for argument in &arguments.args {
            match argument {
                Expr::Starred(starred) => {
                    let value = self.eval(&starred.value);
                    match fold::items(&value.kind).filter(|items| items.len() <= SPREAD_OUT) {
                        Some(items) => {
                            passed.extend(items.iter().map(|item| positional(item.clone())))
                        }
                        None => passed.push(Passed {
                            keyword: None,
                            value,
                            is_starred: true,
                        }),
                    }
                }
                other => {
                    let value = self.eval(other);
                    passed.push(positional(value));
                }
            }
        }
        for keyword in &arguments.keywords {
            let value = self.eval(&keyword.value);
            match (&keyword.arg, &value.kind) {
                (Some(name), _) => {
                    let keyword = Some(name.as_str().into());
                    passed.push(Passed {
                        keyword,
                        value,
                        is_starred: false,
                    });
                }
                (None, Kind::Dict(items)) => {
                    for (key, value) in items.iter() {
                        let Some(name) = key.kind.as_text() else {
                            continue;
                        };
                        let keyword = Some(name.into());
                        passed.push(Passed {
                            keyword,
                            value: value.clone(),
                            is_starred: false,
                        });
                    }
                }
                (None, _) => passed.push(Passed {
                    keyword: Some(SPREAD.into()),
                    value,
                    is_starred: true,
                }),
            }
        }
        passed
    }

    fn call_attribute(
        &mut self,
        call: &'a ExprCall,
        place: &'a Expr,
        (receiver, name): (&Value, &'a str),
        passed: Vec<Passed>,
    ) -> Value {
        if let ("__new__", Some(Kind::Class(class))) =
            (name, passed.first().map(|each| &each.value.kind))
            && !matches!(receiver.kind, Kind::Class(_))
        {
            return Kind::Instance(*class).into();
        }
        match &receiver.kind {
            Kind::Str(_) | Kind::Bytes(_) | Kind::List(_) | Kind::Dict(_) | Kind::Int(_) => {
                self.call_known(call, place, (receiver, name), &passed)
            }
            Kind::Path(_) => self.path_method(call, (receiver, name), passed),
            Kind::Handle(handle) => {
                let handle = handle.clone();
                self.handle_method(call, (receiver, &handle, name), passed)
            }
            Kind::OneOf(kinds) if kinds.iter().any(has_known_methods) => {
                let kinds = kinds.clone();
                let mut joined: Option<Value> = None;
                for kind in kinds.iter() {
                    let taint = receiver.taint.clone();
                    let kind = kind.clone();
                    let one = Value { kind, taint };
                    let value = self.call_attribute(call, place, (&one, name), passed.clone());
                    match &mut joined {
                        Some(joined) => joined.join(&value),
                        none => *none = Some(value),
                    }
                }
                joined.unwrap_or_default()
            }
            Kind::Unknown | Kind::None | Kind::OneOf(_) => {
                let callee = match receiver.kind {
                    Kind::OneOf(_) => self.attribute(receiver, name, Reached::Plainly, &call.func),
                    _ => Value::unknown(receiver.taint.clone()),
                };
                if callee.kind.is_callable() || matches!(callee.kind, Kind::OneOf(_)) {
                    return self.dispatch(&callee, (Some(receiver), passed), call);
                }
                self.unknown_method(call, place, (receiver, name), passed)
            }
            Kind::Globals | Kind::Symbol(..)
                if matches!(name, "get" | "__getitem__") && !passed.is_empty() =>
            {
                let Some(key) = passed.first() else {
                    return Value::default();
                };
                if let Kind::Symbol(sym, _) = receiver.kind {
                    let known = self.engine.symbols.name(sym).clone();
                    if known.contains('(')
                        || !matches!(key.value.kind, Kind::Str(_))
                        || !is_mapping(&known)
                    {
                        let callee = self.attribute(receiver, name, Reached::Plainly, &call.func);
                        return self.dispatch(&callee, (Some(receiver), passed), call);
                    }
                }
                let mut value = self.item(receiver, &key.value.clone(), place, call);
                // What stands in for what is not there is the best guess at it.
                let default = passed.get(1).map(|each| &each.value.kind);
                if let (Kind::Unknown, Some(default)) = (&value.kind, default)
                    && default.as_text().is_some_and(|text| !text.is_empty())
                {
                    value.kind = default.clone();
                }
                value
            }
            _ => {
                if matches!(name, "__call__") {
                    return self.dispatch(receiver, (None, passed), call);
                }
                if matches!(name, "__getattribute__" | "__getattr__")
                    && let Some(member) = passed.last().and_then(|each| each.value.kind.as_text())
                {
                    return self.attribute(receiver, member, Reached::ByName, &call.func);
                }
                let callee = self.attribute(receiver, name, Reached::Plainly, &call.func);
                let value = self.dispatch(&callee, (Some(receiver), passed.clone()), call);
                let reads = match callee.kind {
                    Kind::Symbol(sym, _) => self.engine.symbols.known(sym).reads_files,
                    _ => false,
                };
                if puts_into(name) || reads {
                    let mut taint = whole(&passed);
                    for each in passed.iter().filter(|_| reads) {
                        taint.join(&self.content_of(&each.value, call));
                    }
                    self.add_to(place, &taint);
                }
                value
            }
        }
    }

    /// A method of a text, bytes, list or dictionary.
    fn call_known(
        &mut self,
        call: &'a ExprCall,
        place: &'a Expr,
        (receiver, name): (&Value, &str),
        passed: &[Passed],
    ) -> Value {
        if grows(&receiver.kind, name) {
            return self.grow((call, place), receiver.clone(), passed);
        }
        let (arguments, keywords) = split(passed);
        let mut taint = receiver.taint.clone();
        let Some(fold) = fold::method(&receiver.kind, name, &arguments, &keywords) else {
            if puts_into(name) {
                self.add_to(place, &whole(passed));
            }
            if name == "get"
                && let Kind::Dict(items) = &receiver.kind
            {
                return any_value(items, passed.get(1));
            }
            taint.join(&receiver.whole_taint());
            taint.join(&whole(passed));
            self.joined_characters(call, name, &mut taint);
            return Value::unknown(taint);
        };
        taint.join(&whole(passed));
        if name == "join" || name == "format" {
            taint.join(&receiver.whole_taint());
        }
        if !fold.kind.is_constant() {
            self.joined_characters(call, name, &mut taint);
        }
        if fold.is_decoded || taint.has(Label::Decoded) {
            self.offer_layer(&fold.kind, call.range());
        }
        if fold.is_decoded {
            self.mark_decoded(&receiver.kind);
            taint.join(&self.begin(Label::Decoded, &format!("put together by {name}()"), call));
        }
        Value {
            kind: fold.kind,
            taint,
        }
    }

    /// A text joined from characters that nobody knows was decoded.
    fn joined_characters(&mut self, call: &'a ExprCall, name: &str, taint: &mut Taint) {
        if name == "join" && self.source(call.range()).contains("chr") {
            taint.join(&self.begin(Label::Decoded, "put together from numbers by chr", call));
        }
    }

    /// Bytes that are computed one after the other were decoded.
    pub(super) fn computed_bytes(&mut self, call: &'a ExprCall, taint: &mut Taint) {
        if self.source(call.arguments.range()).contains('^') {
            taint.join(&self.begin(Label::Decoded, "put together from numbers", call));
        }
    }

    fn unknown_method(
        &mut self,
        call: &'a ExprCall,
        place: &'a Expr,
        (receiver, name): (&Value, &'a str),
        passed: Vec<Passed>,
    ) -> Value {
        let mut taint = receiver.whole_taint();
        let mut given = whole(&passed);
        if matches!(name, "append" | "extend") {
            self.computed_bytes(call, &mut given);
        }
        if puts_into(name) {
            self.add_to(place, &given);
        }
        if matches!(name, "read_bytes" | "read_text") {
            taint.join(&receiver.taint.of_content());
            taint.join(&self.begin(Label::File, "opens …", call));
        }
        if name == "to_bytes" {
            taint.join(&self.begin(Label::Decoded, "put together from a number", call));
        }
        let unknown = self.engine.symbols.intern("?");
        let sym = self.engine.symbols.member(unknown, name);
        let sink = self.engine.symbols.known(sym).sink;
        if let Some(sink) = sink {
            // Only what somebody asks a name server for by its text is a name.
            let is_text =
                matches!(passed.first(), Some(each) if matches!(each.value.kind, Kind::Str(_)));
            let counts = match sink.kind {
                SinkKind::Resolve => !given.is_empty() && is_text,
                SinkKind::Native => true,
                _ => !given.is_empty(),
            };
            if counts {
                let at = (call.range(), &*call.func);
                self.outside_at(sym, Reached::Plainly, (Some(receiver), &passed), at);
            }
        }
        if let Some(value) = self.of_own_class(call, name, &passed) {
            return value;
        }
        for each in &passed {
            if matches!(each.value.kind, Kind::Function(_) | Kind::Bound(..)) && is_submitting(name)
            {
                self.call_back(&each.value.clone(), Vec::new(), &call.func);
            }
        }
        if matches!(name, "get" | "pop")
            && matches!(passed.first(), Some(key) if matches!(key.value.kind, Kind::Str(_)))
        {
            taint = taint.of_item();
        }
        taint.join(&given);
        Value::unknown(taint)
    }

    /// `cls.only.method()`: what a class keeps of itself is mostly an instance of it.
    fn of_own_class(&mut self, call: &'a ExprCall, name: &str, passed: &[Passed]) -> Option<Value> {
        let Expr::Attribute(method) = &*call.func else {
            return None;
        };
        let Expr::Attribute(kept) = &*method.value else {
            return None;
        };
        let is_class = matches!(&*kept.value, Expr::Name(owner) if owner.id.as_str() == "cls");
        let class = self.bodies.get(&self.frame.function)?.class;
        let class = class.filter(|_| is_class)?;
        let (found, _) = self.engine.class_attribute(class, name)?;
        let Kind::Function(function) = found.kind else {
            return None;
        };
        let own = Some(Kind::Instance(class).into());
        Some(self.call_function(function, own, passed.to_vec(), &call.func))
    }

    /// Calls a value as a decorator or a callback does.
    pub(super) fn call_value(
        &mut self,
        callee: &Value,
        passed: Vec<Passed>,
        node: &'a Expr,
    ) -> Value {
        self.dispatch_at(callee, (None, passed), node, node)
    }

    fn dispatch(
        &mut self,
        callee: &Value,
        given: (Option<&Value>, Vec<Passed>),
        call: &'a ExprCall,
    ) -> Value {
        self.dispatch_at(callee, given, call, &call.func)
    }

    /// Calls whatever `callee` is; of several, each.
    fn dispatch_at(
        &mut self,
        callee: &Value,
        (receiver, passed): (Option<&Value>, Vec<Passed>),
        node: &impl Ranged,
        place: &'a Expr,
    ) -> Value {
        let mut joined: Option<Value> = None;
        for kind in callee.kind.alternatives() {
            let value = match kind {
                Kind::Symbol(sym, reached) => {
                    self.outside_at(*sym, *reached, (receiver, &passed), (node.range(), place))
                }
                Kind::Function(id) => self.call_function(*id, None, passed.clone(), place),
                Kind::Bound(id, class) => {
                    let own = receiver
                        .cloned()
                        .unwrap_or_else(|| Kind::Instance(*class).into());
                    self.call_function(*id, Some(own), passed.clone(), place)
                }
                Kind::Class(class) => self.call_class(*class, passed.clone(), place),
                Kind::Partial(partial) => {
                    let mut all = partial.1.clone();
                    all.extend(passed.clone());
                    self.dispatch_at(&partial.0.clone(), (None, all), node, place)
                }
                Kind::Getter(getter) => {
                    let owner = passed
                        .first()
                        .map(|each| each.value.clone())
                        .unwrap_or_default();
                    match &**getter {
                        Getter::Method(name, arguments) if is_lookup(name) => {
                            let member =
                                arguments.last().and_then(|each| each.value.kind.as_text());
                            let member = member.unwrap_or_default().to_owned();
                            self.attribute(&owner, &member, Reached::ByHiddenName, place)
                        }
                        Getter::Method(name, arguments) => {
                            let callee = self.attribute(&owner, name, Reached::ByName, place);
                            self.dispatch_at(
                                &callee,
                                (Some(&owner), arguments.clone()),
                                node,
                                place,
                            )
                        }
                        other => self.getter(other, &owner, place),
                    }
                }
                Kind::Instance(class) => match self.engine.class_attribute(*class, "__call__") {
                    Some((
                        Value {
                            kind: Kind::Function(id),
                            ..
                        },
                        _,
                    )) => self.call_function(id, Some(callee.clone()), passed.clone(), place),
                    _ => Value::unknown(whole(&passed)),
                },
                _ => {
                    // A method of what is passed is not what is passed.
                    if !place.is_attribute_expr() {
                        self.note_called(callee);
                    }
                    let mut taint = callee.whole_taint();
                    taint.join(&whole(&passed));
                    Value::unknown(taint)
                }
            };
            match &mut joined {
                Some(joined) => joined.join(&value),
                none => *none = Some(value),
            }
        }
        joined.unwrap_or_default()
    }
}

/// A value as a positional argument.
pub(super) fn positional(value: Value) -> Passed {
    Passed {
        keyword: None,
        value,
        is_starred: false,
    }
}

/// Positional values and keywords, as folding wants them.
pub(super) fn split(passed: &[Passed]) -> (Vec<&Value>, Vec<(&str, &Value)>) {
    let positional = passed
        .iter()
        .filter(|each| each.keyword.is_none() && !each.is_starred);
    let named = passed
        .iter()
        .filter(|each| !each.is_starred)
        .filter_map(|each| Some((each.keyword.as_deref()?, &each.value)));
    (
        positional.map(|each| &each.value).collect(),
        named.collect(),
    )
}

/// Everything that is passed, as one.
pub(super) fn whole(passed: &[Passed]) -> Taint {
    let mut taint = Taint::default();
    for each in passed {
        taint.join(&each.value.whole_taint());
    }
    taint
}

/// Whether a method of this name looks attributes up.
fn is_lookup(name: &str) -> bool {
    matches!(name, "__getattribute__" | "__getattr__")
}

/// Whether a method of this name puts its arguments into what it belongs to.
fn puts_into(name: &str) -> bool {
    name == "append"
        || PUTS.contains(&name)
        || ["add_", "set_", "put", "write", "append_", "insert_"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Whether methods of it are carried out rather than looked up.
fn has_known_methods(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Str(_)
            | Kind::Bytes(_)
            | Kind::List(_)
            | Kind::Dict(_)
            | Kind::Path(_)
            | Kind::Handle(_)
    )
}

/// What a dictionary gives for a key that is not known: any of its values, or what was asked for instead.
pub(super) fn any_value(items: &[(Value, Value)], instead: Option<&Passed>) -> Value {
    let values = items.iter().map(|(_, value)| value);
    let mut values = values.chain(instead.map(|each| &each.value));
    let Some(first) = values.next() else {
        return Value::default();
    };
    let mut joined = first.clone();
    values.take(64).for_each(|value| joined.join(value));
    joined
}

/// Names with `get`, whose items are what they hold.
fn is_mapping(name: &str) -> bool {
    matches!(
        name,
        "os.environ" | "os.environb" | "sys.modules" | "builtins"
    )
}

/// Methods of pools, loops and schedulers that run what they are given.
fn is_submitting(name: &str) -> bool {
    matches!(
        name,
        "submit"
            | "run_in_executor"
            | "create_task"
            | "call_soon"
            | "call_later"
            | "apply_async"
            | "run_until_complete"
            | "start_soon"
            | "add_job"
            | "map"
            | "map_async"
            | "imap"
            | "imap_unordered"
            | "starmap"
            | "starmap_async"
            | "apply"
            | "enter"
    )
}
