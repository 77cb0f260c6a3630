//! Functions that need more than a line in a table: those that look names up, open files, put paths
//! together, or wrap other functions.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::super::analysis::{HOLE, Reached};
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::taint::paths;
use super::super::taint::trace::Taint;
use super::super::value::{Getter, Handle, Kind, Passed, Value};
use super::Walker;
use super::call::{split, whole};
use super::outside::Given;

pub(super) use super::super::special::{STAR_NAMES, is_builtin};

impl<'a> Walker<'a, '_, '_> {
    /// What a function that needs more than a table returns; `None` when it is not one of those.
    pub(super) fn special(
        &mut self,
        sym: Sym,
        reached: Reached,
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
            "builtins.vars" => Some(first.unwrap_or_else(|| Kind::Globals.into())),
            "builtins.setattr" => {
                self.set_by_name(passed, range);
                Some(Kind::None.into())
            }
            "builtins.eval" => self.evaluated(first.as_ref(), place),
            "builtins.compile" => first,
            "builtins.map" => Some(self.map(passed, place)),
            "builtins.open" | "os.fdopen" | "gzip.open" | "bz2.open" | "lzma.open" => {
                Some(self.open_file(&first?, &name, place, range))
            }
            "functools.partial" => {
                let rest = passed.get(1..).unwrap_or_default().to_vec();
                Some(Kind::Partial(Arc::new((first?, rest))).into())
            }
            "functools.wraps"
            | "functools.lru_cache"
            | "functools.cache"
            | "staticmethod"
            | "classmethod" => first,
            "operator.itemgetter" => Some(Kind::Getter(Arc::new(Getter::Item(first?))).into()),
            "operator.methodcaller" => {
                let method = first?.kind.as_text()?.to_owned();
                let rest = passed.get(1..).unwrap_or_default().to_vec();
                Some(Kind::Getter(Arc::new(Getter::Method(method, rest))).into())
            }
            "os.environ.get"
            | "os.environ.pop"
            | "os.environ.setdefault"
            | "os.getenv"
            | "os.environ.__getitem__" => Some(self.variable_by_name(&first?, &range)),
            "os.environ.copy" | "os.environ.items" | "os.environ.values" => {
                Some(Value::unknown(receiver?.taint.clone()))
            }
            "os.environ.keys" | "os.environ.update" => Some(Value::default()),
            "builtins.str" | "builtins.bytes" | "builtins.bytearray" if first.is_some() => {
                let (arguments, keywords) = split(passed);
                let fold = fold::call(&name, &arguments, &keywords);
                let mut taint = whole(passed);
                let kind = match fold {
                    Some(fold) if fold.is_decoded => {
                        self.mark_decoded(&arguments.first()?.kind);
                        taint.join(&self.begin(
                            Label::Decoded,
                            "put together from numbers",
                            &range,
                        ));
                        self.offer_layer(&fold.kind, range);
                        fold.kind
                    }
                    Some(fold) => fold.kind,
                    None => {
                        if &*name != "builtins.str" && self.source(range).contains('^') {
                            taint.join(&self.begin(Label::Decoded, "decoded with ^", &range));
                        }
                        Kind::Unknown
                    }
                };
                Some(Value { kind, taint })
            }
            "setuptools.setup" | "distutils.core.setup" | "skbuild.setup" => {
                self.note_cmdclass(passed);
                None
            }
            "builtins.super" => Some(match self.frame_class() {
                Some(class) => Kind::Instance(class).into(),
                None => Value::default(),
            }),
            _ => self.path_function(&name, reached, passed),
        }
    }

    /// One variable of the environment, whatever its name; the name may say more than the value.
    fn variable_by_name(&mut self, name: &Value, range: &TextRange) -> Value {
        let mut value = match name.kind.as_text() {
            Some(variable) => self.environment_variable(variable, range),
            None => Value::unknown(self.begin(Label::Env, "reads os.environ[…]", range)),
        };
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
        self.engine.named_edges.insert((self.frame.function, sym));
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
            }
            Kind::Instance(class) | Kind::Class(class) => {
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

    fn map(&mut self, passed: &[Passed], place: &'a Expr) -> Value {
        let [function, over, ..] = passed else {
            return Value::unknown(whole(passed));
        };
        let (function, over) = (function.value.clone(), over.value.clone());
        let left = super::ITERATIONS.saturating_sub(self.iterations) as usize;
        if let Some(items) = fold::items(&over.kind).filter(|items| items.len() <= left.min(16_384))
        {
            self.iterations += items.len() as u32;
            let mut results = Vec::with_capacity(items.len());
            for item in items.iter() {
                let passed = Passed {
                    keyword: None,
                    value: item.clone(),
                    is_starred: false,
                };
                results.push(self.call_value(&function, vec![passed], place));
            }
            return Value {
                kind: Kind::List(Arc::new(results)),
                taint: over.taint,
            };
        }
        let item = super::comprehension::any_item(&over);
        let passed = Passed {
            keyword: None,
            value: item,
            is_starred: false,
        };
        let mut value = self.call_value(&function, vec![passed], place);
        value.taint.join(&over.whole_taint());
        Value::unknown(value.whole_taint())
    }

    fn open_file(&mut self, path: &Value, name: &str, place: &'a Expr, range: TextRange) -> Value {
        let mut taint = path.whole_taint();
        let text = match &path.kind {
            Kind::Str(text) | Kind::Path(text) => text.clone(),
            Kind::Handle(_) => return path.clone(),
            _ => HOLE.to_string().into(),
        };
        let label = paths::label_of(&text);
        let shown = text.replace(HOLE, "…");
        taint.join(&self.begin(label, &format!("opens {shown}"), &range));
        if let Some(dropped) = self.dropped_in(&path.kind) {
            taint.join(&dropped);
        }
        if name != "builtins.open" && name != "os.fdopen" {
            taint.join(&self.begin(Label::Decoded, &format!("decoded by {name}"), &range));
        }
        let variable = self.variable_of_path(place, range);
        let handle = Handle {
            path: path.kind.clone(),
            variable,
        };
        Value {
            kind: Kind::Handle(Arc::new(handle)),
            taint,
        }
    }

    /// The variable that holds the path, when the path is nothing but a variable.
    fn variable_of_path(&mut self, place: &Expr, range: TextRange) -> Option<(usize, Arc<str>)> {
        let text: &'a str = self.text;
        let arguments = text.get(place.range().end().to_usize()..range.end().to_usize())?;
        let first = arguments
            .trim_start_matches('(')
            .split([',', ')'])
            .next()?
            .trim();
        let mut at = Some(self.frame.scope);
        while let Some(index) = at {
            if self.scopes[index].names.contains_key(first) {
                return Some((index, first.into()));
            }
            at = self.scopes[index].parent;
        }
        let is_name = first.starts_with(|each: char| each.is_alphabetic() || each == '_')
            && first
                .chars()
                .all(|each| each.is_alphanumeric() || each == '_');
        is_name.then(|| {
            self.scopes[self.frame.scope]
                .names
                .insert(first, Value::default());
            (self.frame.scope, first.into())
        })
    }

    pub(super) fn handle_method(
        &mut self,
        call: &'a ExprCall,
        (receiver, handle, name): (&Value, &Handle, &str),
        passed: Vec<Passed>,
    ) -> Value {
        let open = self.engine.symbols.intern("builtins.open()");
        let sym = self.engine.symbols.member(open, name);
        if matches!(name, "write" | "writelines") {
            let path = Value {
                kind: handle.path.clone(),
                taint: Taint::default(),
            };
            self.outside_at(
                sym,
                Reached::Plainly,
                (Some(&path), &passed),
                (call.range(), &call.func),
            );
            let taint = whole(&passed);
            if taint.has(Label::Net) || taint.has(Label::Dropped) || taint.has(Label::Decoded) {
                self.drop_at(&handle.path, &taint);
                let words = "written to a file";
                let dropped = self.stepped(&taint, words, call).map(|mut carried| {
                    carried.what = super::super::taint::trace::Origin::Label(Label::Dropped);
                    Some(carried)
                });
                if let Some((scope, variable)) = &handle.variable
                    && let Some(held) = self.scopes[*scope].names.get_mut(&**variable)
                {
                    held.taint.join(&dropped);
                }
            }
            return Kind::None.into();
        }
        if name == "name" || name == "close" || name == "flush" || name == "fileno" {
            return Value::default();
        }
        Value::unknown(receiver.taint.clone())
    }

    pub(super) fn path_method(
        &mut self,
        call: &'a ExprCall,
        (receiver, name): (&Value, &str),
        passed: Vec<Passed>,
    ) -> Value {
        let Kind::Path(path) = &receiver.kind else {
            return Value::default();
        };
        let made = self.engine.symbols.intern("pathlib.Path()");
        let sym = self.engine.symbols.member(made, name);
        match name {
            "read_text" | "read_bytes" | "open" => {
                let as_text = Value {
                    kind: Kind::Str(path.clone()),
                    taint: receiver.taint.clone(),
                };
                let range = call.range();
                let handle = self.open_file(&as_text, "builtins.open", &call.func, range);
                if name == "open" {
                    handle
                } else {
                    Value::unknown(handle.taint)
                }
            }
            "joinpath" | "with_name" | "with_suffix" => {
                let joined =
                    passed
                        .iter()
                        .fold(path.to_string(), |path, part| match &part.value.kind {
                            Kind::Str(part) | Kind::Path(part) => paths::join(&path, part),
                            _ => paths::join(&path, &HOLE.to_string()),
                        });
                Value {
                    kind: Kind::Path(joined.into()),
                    taint: receiver.taint.clone(),
                }
            }
            "expanduser" | "resolve" | "absolute" | "as_posix" | "__str__" => receiver.clone(),
            "glob" | "rglob" | "iterdir" => {
                let below = paths::join(path, &HOLE.to_string());
                let item = Value {
                    kind: Kind::Path(below.into()),
                    taint: receiver.taint.clone(),
                };
                Kind::List(Arc::new(vec![item])).into()
            }
            "exists" | "is_file" | "is_dir" | "stat" => Value::default(),
            _ => {
                let written = whole(&passed);
                self.outside_at(
                    sym,
                    Reached::Plainly,
                    (Some(receiver), &passed),
                    (call.range(), &call.func),
                );
                if name.starts_with("write_")
                    && (written.has(Label::Net) || written.has(Label::Decoded))
                {
                    self.drop_at(&receiver.kind, &written);
                }
                Value::unknown(receiver.taint.clone())
            }
        }
    }

    /// Functions that put paths together.
    fn path_function(&mut self, name: &str, _reached: Reached, passed: &[Passed]) -> Option<Value> {
        let text = |value: &Value| match &value.kind {
            Kind::Str(text) | Kind::Path(text) => text.to_string(),
            _ => HOLE.to_string(),
        };
        let joined = || {
            let mut parts = passed.iter().map(|each| text(&each.value));
            let first = parts.next().unwrap_or_else(|| ".".to_owned());
            parts.fold(first, |path, part| paths::join(&path, &part))
        };
        let first = || passed.first().map(|each| text(&each.value));
        let kind = match name {
            "os.path.join" => Kind::str(joined()),
            "pathlib.Path" => Kind::Path(joined().into()),
            "pathlib.Path.home" => Kind::Path("~".into()),
            "pathlib.Path.cwd" => Kind::Path(HOLE.to_string().into()),
            "os.path.expanduser" | "os.path.abspath" | "os.path.realpath" | "os.path.normpath"
            | "os.path.expandvars" | "os.fspath" => Kind::str(first()?),
            "os.path.dirname" => Kind::str(paths::parent(&first()?)),
            "os.path.basename" => {
                let path = first()?;
                Kind::str(path.rsplit('/').next().unwrap_or(&path))
            }
            _ => return None,
        };
        Some(Value {
            kind,
            taint: whole(passed),
        })
    }
}
