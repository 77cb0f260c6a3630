//! Functions that need more than a line in a table: those that look names up, open files, put paths
//! together, or wrap other functions.

use std::sync::Arc;

use ruff_python_ast::Expr;
use ruff_text_size::{Ranged, TextRange};

use super::super::analysis::Reached;
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::value::{Getter, Kind, Passed, Value};
use super::Walker;
use super::call::{split, whole};
use super::outside::Given;

pub(super) use super::super::special::STAR_NAMES;

impl<'a> Walker<'a, '_, '_> {
    /// What a function that needs more than a table returns; `None` when it is not one of those.
    pub(super) fn special(
        &mut self,
        sym: Sym,
        (receiver, passed): Given<'_>,
        (range, place): (TextRange, &'a Expr),
    ) -> Option<Value> {
        let name = self.engine.symbols.name(sym).clone();
        let first = passed.first().map(|each| each.value.clone());
        match &*name {
            "builtins.getattr" | "inspect.getattr_static" | "operator.attrgetter" => {
                self.lookup_by_name(&name, passed, place)
            }
            "builtins.__import__" | "importlib.import_module" => {
                Some(self.import_by_name(&name, passed, place))
            }
            "builtins.globals" | "builtins.locals" => Some(Kind::Globals.into()),
            "builtins.vars" | "dataclasses.asdict" | "dataclasses.astuple"
                if matches!(
                    first,
                    Some(Value {
                        kind: Kind::Instance(_),
                        ..
                    })
                ) =>
            {
                self.attributes_of(&first?)
            }
            "builtins.vars" => Some(first.unwrap_or_else(|| Kind::Globals.into())),
            "builtins.setattr" | "unittest.mock.patch.object" | "mock.patch.object" => {
                self.set_by_name(passed, range);
                (&*name == "builtins.setattr").then(|| Kind::None.into())
            }
            "builtins.eval" => self.evaluated(first.as_ref(), place),
            "builtins.compile" => first,
            "builtins.map" | "builtins.filter" | "functools.reduce" | "itertools.starmap" => {
                self.through_items(&name, passed, place)
            }
            "builtins.type" => self.type_of(passed, place),
            "operator.getitem" => {
                let index = passed.get(1)?.value.clone();
                Some(self.item(&first?, &index, place, place))
            }
            "builtins.print" => self.printed(passed, (range, place)),
            "builtins.open" | "os.fdopen" | "os.open" | "gzip.open" | "bz2.open" | "lzma.open" => {
                Some(self.open_file(&first?, &name, place, range))
            }
            "os.write" | "os.pwrite" => self.written(&first?, passed, (range, place)),
            "inspect.getsource" | "inspect.getsourcelines" => first.map(|_| self.own_source(range)),
            "socket.socket().accept" => Some(self.accepted(receiver)),
            "os.read" | "os.pread" => Some(Value::unknown(first?.taint)),
            "functools.partial" => Some(partial(first?, passed)),
            // What `wraps` makes gives back what it decorates, and calls nothing.
            "functools.wraps()"
            | "functools.update_wrapper"
            | "functools.lru_cache"
            | "functools.cache"
            | "staticmethod"
            | "classmethod" => first,
            "operator.itemgetter" => Some(Kind::Getter(Arc::new(Getter::Item(first?))).into()),
            "operator.methodcaller" => method_caller(&first?, passed),
            "os.environ.get"
            | "os.environ.pop"
            | "os.environ.setdefault"
            | "os.getenv"
            | "os.environ.__getitem__" => {
                let default = passed.get(1).map(|each| each.value.clone());
                Some(self.variable_by_name(&first?, default.as_ref(), &range))
            }
            "os.environ.copy" | "os.environ.items" | "os.environ.values" => {
                Some(Value::unknown(receiver?.taint.clone()))
            }
            "os.environ.keys" | "os.environ.update" => Some(Value::default()),
            "builtins.str"
                if matches!(
                    &first,
                    Some(Value {
                        kind: Kind::OneOf(_),
                        ..
                    })
                ) =>
            {
                first.map(texts_of_paths)
            }
            "builtins.str" | "builtins.bytes" | "builtins.bytearray" if first.is_some() => {
                self.put_together(&name, passed, range)
            }
            "setuptools.setup" | "distutils.core.setup" | "skbuild.setup" => {
                self.note_cmdclass(passed);
                None
            }
            "builtins.super" => Some(match self.frame_class() {
                Some(class) => Kind::Instance(class).into(),
                None => Value::default(),
            }),
            _ => self
                .path_function(&name, passed)
                .or_else(|| self.path_source(&name, passed, range)),
        }
    }

    /// The source of the distribution, as `inspect` gives it.
    fn own_source(&mut self, range: TextRange) -> Value {
        let words = format!("opens {}/__init__.py", super::super::taint::paths::HERE);
        Value::unknown(self.begin(Label::File, &words, &range))
    }

    /// What `os.write` does to the file that a handle is of.
    fn written(
        &mut self,
        file: &Value,
        passed: &[Passed],
        at: (TextRange, &'a Expr),
    ) -> Option<Value> {
        let Kind::Handle(handle) = &file.kind else {
            return None;
        };
        let handle = handle.clone();
        self.write_to(&handle, "write", passed.get(1..)?, at);
        Some(Value::default())
    }

    /// The attributes of an instance as a mapping: whatever any of them holds.
    fn attributes_of(&mut self, instance: &Value) -> Option<Value> {
        let Kind::Instance(class) = instance.kind else {
            return None;
        };
        let mut taint = self.attribute_taint(class);
        taint.join(&instance.taint);
        Some(Value::unknown(taint))
    }

    /// What `accept` of a listening socket gives: a connection and who is at its other end.
    fn accepted(&mut self, listening: Option<&Value>) -> Value {
        let taint = listening
            .map(|value| value.taint.clone())
            .unwrap_or_default();
        let connection = self.symbol("socket.socket()");
        let items = vec![connection, Value::unknown(taint)];
        Kind::List(Arc::new(items)).into()
    }

    /// What `str`, `bytes` and `bytearray` make of their arguments; text that is put together from numbers
    /// counts as decoded.
    fn put_together(&mut self, name: &str, passed: &[Passed], range: TextRange) -> Option<Value> {
        let (arguments, keywords) = split(passed);
        let fold = fold::call(name, &arguments, &keywords);
        let mut taint = whole(passed);
        let kind = match fold {
            Some(fold) if fold.is_decoded => {
                self.mark_decoded(&arguments.first()?.kind);
                taint.join(&self.begin(Label::Decoded, "put together from numbers", &range));
                self.offer_layer(&fold.kind, range);
                fold.kind
            }
            Some(fold) => fold.kind,
            None => {
                let text = self.source(range);
                let computes = text.contains('^')
                    || (text.contains(" for ") && text.contains(['%', '-', '~', '&', '>']));
                if name != "builtins.str" && computes {
                    let words = "put together from numbers";
                    taint.join(&self.begin(Label::Decoded, words, &range));
                }
                Kind::Unknown
            }
        };
        Some(Value { kind, taint })
    }

    /// One variable of the environment, whatever its name; the name may say more than the value.
    fn variable_by_name(
        &mut self,
        name: &Value,
        default: Option<&Value>,
        range: &TextRange,
    ) -> Value {
        let mut value = Value::default();
        for kind in name.kind.alternatives() {
            let one = match kind.as_text() {
                Some(variable) => self.environment_variable(variable, range),
                None => Value::unknown(self.begin(Label::Env, "reads os.environ[…]", range)),
            };
            value.taint.join(&one.taint);
            value.kind = one.kind;
        }
        // What stands in for a variable that is not set is the best guess at it.
        if let (Kind::Unknown, Some(default)) = (&value.kind, default)
            && default.kind.as_text().is_some_and(|text| !text.is_empty())
        {
            value.kind = default.kind.clone();
        }
        value.taint.join(&name.whole_taint());
        value
    }

    /// Remembers the classes that `setup(cmdclass={…})` names.
    fn note_cmdclass(&mut self, passed: &[Passed]) {
        let Some(given) = passed
            .iter()
            .find(|each| each.keyword.as_deref() == Some("cmdclass"))
        else {
            return;
        };
        let Kind::Dict(items) = &given.value.kind else {
            return;
        };
        for (command, class) in items.iter() {
            for kind in class.kind.alternatives() {
                if let Kind::Class(class) = kind {
                    let command = command.kind.as_text().unwrap_or("?").into();
                    let commands = &mut self.engine.class_fact(*class).commands;
                    if !commands.contains(&command) {
                        commands.push(command);
                    }
                }
            }
        }
    }

    fn frame_class(&self) -> Option<super::super::value::ClassId> {
        let body = self.bodies.get(&self.frame.function)?;
        let bases = &self.engine.classes[body.class?.0 as usize].bases;
        bases.iter().find_map(|base| match base.kind {
            Kind::Class(base) => Some(base),
            _ => None,
        })
    }

    fn lookup_by_name(&mut self, name: &str, passed: &[Passed], place: &'a Expr) -> Option<Value> {
        if name == "operator.attrgetter" {
            let path = passed.first()?.value.kind.as_text()?.to_owned();
            return Some(Kind::Getter(Arc::new(Getter::Attribute(path))).into());
        }
        let owner = passed.first()?.value.clone();
        let Some(member) = passed.get(1)?.value.kind.as_text().map(str::to_owned) else {
            let mut taint = owner.taint.clone();
            taint.join(&whole(passed));
            return Some(Value::unknown(taint));
        };
        let reached = self.how(place, 1);
        let mut value = self.attribute(&owner, &member, reached, place);
        if matches!(owner.kind, Kind::Unknown) {
            value.taint.join(&owner.taint);
        }
        Some(value)
    }

    /// How openly the name at `position` of the call around `place` is written.
    fn how(&self, place: &'a Expr, position: usize) -> Reached {
        let start = place.range().end().to_usize();
        let rest = self.text.get(start..).unwrap_or_default();
        let argument = rest.split([',', ')']).nth(position).unwrap_or_default();
        let argument = argument
            .trim_start_matches(['(', ' ', '\n', '\t'])
            .trim_end();
        let quote = argument.chars().next().unwrap_or(' ');
        let is_open = matches!(quote, '"' | '\'')
            && argument.len() > 1
            && argument[1..].find(quote) == Some(argument.len() - 2)
            && !argument.contains('\\');
        if is_open {
            Reached::ByName
        } else {
            Reached::ByHiddenName
        }
    }

    fn import_by_name(&mut self, name: &str, passed: &[Passed], place: &'a Expr) -> Value {
        let Some(first) = passed.first() else {
            return Value::default();
        };
        let Some(module) = first.value.kind.as_text().map(str::to_owned) else {
            return Value::unknown(first.value.taint.clone());
        };
        let has_list = passed.iter().enumerate().any(|(at, each)| {
            each.keyword.as_deref() == Some("fromlist") || (each.keyword.is_none() && at == 3)
        });
        let module = match (name, module.split_once('.')) {
            ("builtins.__import__", Some((first, _))) if !has_list => first.to_owned(),
            _ => module.trim_start_matches('.').to_owned(),
        };
        let reached = self.how(place, 0);
        let sym = self.engine.symbols.intern(&module);
        self.engine.import_edges.insert((self.frame.function, sym));
        Kind::Symbol(sym, reached).into()
    }

    fn set_by_name(&mut self, passed: &[Passed], range: TextRange) {
        let [owner, name, value, ..] = passed else {
            return;
        };
        let Some(name) = name.value.kind.as_text() else {
            return;
        };
        match owner.value.kind {
            Kind::Symbol(sym, _) => {
                let target = self.engine.symbols.member(sym, name);
                self.patch(target, &value.value, range);
                self.installed(&value.value);
            }
            Kind::Instance(class) | Kind::Class(class) => {
                self.remembered.changes();
                let attributes = &mut self.engine.class_fact(class).attributes;
                let held = attributes.entry(name.into());
                held.and_modify(|held| held.join(&value.value))
                    .or_insert(value.value.clone());
            }
            _ => {}
        }
    }

    /// `eval` of a constant: the name it is, when it is no more than that.
    fn evaluated(&mut self, first: Option<&Value>, place: &'a Expr) -> Option<Value> {
        let text = first?.kind.as_text()?.trim().to_owned();
        let is_dotted_name = !text.is_empty()
            && text.split('.').all(|part| {
                part.starts_with(|each: char| each.is_alphabetic() || each == '_')
                    && part
                        .chars()
                        .all(|each| each.is_alphanumeric() || each == '_')
            });
        if !is_dotted_name {
            return Some(Value::unknown(first?.taint.clone()));
        }
        let mut parts = text.split('.');
        let mut value = self.load(parts.next()?, place);
        for part in parts {
            value = self.attribute(&value, part, Reached::ByHiddenName, place);
        }
        if let Kind::Symbol(sym, _) = value.kind {
            value.kind = Kind::Symbol(sym, Reached::ByHiddenName);
        }
        Some(value)
    }

    /// `type(x)`, which for a function is what makes functions, and `type(name, bases, members)`.
    fn type_of(&mut self, passed: &[Passed], place: &'a Expr) -> Option<Value> {
        if let [name, bases, members] = passed {
            return Some(self.made_class((&name.value, &bases.value, &members.value), place));
        }
        match &passed.first()?.value.kind {
            Kind::Function(_) | Kind::Bound(..) => Some(self.symbol("types.FunctionType")),
            Kind::Instance(class) => Some(Kind::Class(*class).into()),
            _ => None,
        }
    }
}

/// The texts that a value may be, where it may be paths.
fn texts_of_paths(value: Value) -> Value {
    let each = value.kind.alternatives().iter().map(|kind| match kind {
        Kind::Path(path) => Kind::Str(path.clone()),
        other => other.clone(),
    });
    Value {
        kind: Kind::one_of(each.collect()),
        taint: value.taint,
    }
}

/// `operator.methodcaller(name, …)`: whatever it is given is asked for that method.
fn method_caller(name: &Value, passed: &[Passed]) -> Option<Value> {
    let method = name.kind.as_text()?.to_owned();
    let rest = passed.get(1..).unwrap_or_default().to_vec();
    Some(Kind::Getter(Arc::new(Getter::Method(method, rest))).into())
}

/// `functools.partial(function, …)`.
fn partial(function: Value, passed: &[Passed]) -> Value {
    let rest = passed.get(1..).unwrap_or_default().to_vec();
    Kind::Partial(Arc::new((function, rest))).into()
}
