//! Files: what opening, reading and writing them says of data, and how paths are put together.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::super::analysis::{HOLE, Reached};
use super::super::label::Label;
use super::super::taint::paths;
use super::super::taint::trace::{Origin, Taint};
use super::super::value::{Handle, Kind, Passed, Value};
use super::Walker;
use super::call::{positional, whole};

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn open_file(
        &mut self,
        path: &Value,
        name: &str,
        place: &'a Expr,
        range: TextRange,
    ) -> Value {
        if let Kind::Handle(_) = &path.kind {
            return path.clone();
        }
        let mut taint = of_path(path);
        taint.join(&self.content_at(path, range));
        if let Some(dropped) = self.dropped_in(&path.kind) {
            taint.join(&dropped);
        }
        if !matches!(name, "builtins.open" | "os.fdopen" | "os.open") {
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

    /// What the file carries that `path` names, as far as its path, or what was written to it, tells.
    pub(super) fn content_at(&mut self, path: &Value, range: TextRange) -> Taint {
        let mut taint = self.stored_in(&path.kind);
        taint.join(&path.taint.of_content());
        let texts: Vec<String> = path.kind.alternatives().iter().map(path_text).collect();
        for text in texts.iter().take(PATHS) {
            let label = paths::label_of(text);
            let shown = text.replace(HOLE, "…");
            taint.join(&self.begin(label, &format!("opens {shown}"), &range));
        }
        taint
    }

    /// The content of a file whose path is passed to a function that opens it.
    pub(super) fn content_of(&mut self, path: &Value, node: &impl Ranged) -> Taint {
        let mut taint = self.stored_in(&path.kind);
        taint.join(&path.taint.of_content());
        let items = match &path.kind {
            Kind::List(items) => items.iter().map(|item| item.kind.clone()).collect(),
            other => other.alternatives().to_vec(),
        };
        for kind in items.iter().take(64) {
            let (Kind::Str(text) | Kind::Path(text)) = kind else {
                continue;
            };
            let label = paths::label_of(text);
            let is_worth_it = paths::is_personal(text) || text.starts_with(paths::HERE);
            if label == Label::SecretFile || is_worth_it {
                let shown = text.replace(HOLE, "…");
                taint.join(&self.begin(label, &format!("opens {shown}"), node));
            }
        }
        taint
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
        if matches!(name, "write" | "writelines") {
            self.write_to(handle, name, &passed, (call.range(), &call.func));
            return Kind::None.into();
        }
        if name == "fileno" {
            return receiver.clone();
        }
        if name == "name" || name == "close" || name == "flush" {
            return Value::default();
        }
        Value::unknown(receiver.taint.clone())
    }

    /// Writes what is passed to an open file.
    pub(super) fn write_to(
        &mut self,
        handle: &Handle,
        name: &str,
        passed: &[Passed],
        (range, place): (TextRange, &'a Expr),
    ) {
        let open = self.engine.symbols.intern("builtins.open()");
        let sym = self.engine.symbols.member(open, name);
        let path = Value {
            kind: handle.path.clone(),
            taint: Taint::default(),
        };
        self.outside_at(sym, Reached::Plainly, (Some(&path), passed), (range, place));
        let taint = whole(passed);
        self.store_at(&handle.path, &taint);
        self.write_code(&handle.path, passed);
        if taint.has(Label::Net) || taint.has(Label::Dropped) || taint.has(Label::Decoded) {
            self.drop_at(&handle.path, &taint);
            let words = "written to a file";
            let dropped = self.stepped(&taint, words, &range).map(|mut carried| {
                let is_foreign = matches!(
                    carried.what,
                    Origin::Label(Label::Net | Label::Dropped | Label::Decoded)
                );
                carried.what = Origin::Label(Label::Dropped);
                is_foreign.then_some(carried)
            });
            if let Some((scope, variable)) = &handle.variable
                && let Some(scope) = self.scopes.get_mut(*scope)
                && let Some(held) = scope.names.get_mut(&**variable)
            {
                held.taint.join(&dropped);
            }
        }
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
            "joinpath" | "with_name" | "with_stem" => {
                let before = match name {
                    "joinpath" => path.to_string(),
                    _ => paths::parent(path),
                };
                let own = Value::from(Kind::Path(before.into()));
                let parts: Vec<Passed> = std::iter::once(positional(own)).chain(passed).collect();
                Value {
                    kind: Kind::one_of(joined_paths(&parts, |path| Kind::Path(path.into()))),
                    taint: receiver.taint.clone(),
                }
            }
            "with_suffix" | "relative_to" => receiver.clone(),
            "expanduser" | "resolve" | "absolute" | "as_posix" | "__str__" => receiver.clone(),
            "glob" | "rglob" | "iterdir" | "walk" => {
                let own = Kind::Path(path.clone()).into();
                let pattern = passed.into_iter().next().filter(|_| name != "walk");
                let pattern = pattern.unwrap_or_else(|| positional(Kind::Unknown.into()));
                let mut parts = vec![positional(own), pattern];
                if name == "rglob" {
                    parts.insert(1, positional(Kind::Unknown.into()));
                }
                let below = Kind::one_of(joined_paths(&parts, |path| Kind::Path(path.into())));
                let item = Value {
                    kind: below,
                    taint: receiver.taint.clone(),
                };
                let item = match name {
                    "walk" => {
                        let names = || Value::from(Kind::List(Arc::default()));
                        Kind::List(Arc::new(vec![item, names(), names()])).into()
                    }
                    _ => item,
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
                if name.starts_with("write_") {
                    self.store_at(&receiver.kind, &written);
                    self.write_code(&receiver.kind, &passed);
                }
                if name.starts_with("write_")
                    && (written.has(Label::Net) || written.has(Label::Decoded))
                {
                    self.drop_at(&receiver.kind, &written);
                }
                Value::unknown(receiver.taint.clone())
            }
        }
    }

    /// `print(…, file=handle)` writes.
    pub(super) fn printed(
        &mut self,
        passed: &[Passed],
        (range, place): (TextRange, &'a Expr),
    ) -> Option<Value> {
        let file = passed
            .iter()
            .find(|each| each.keyword.as_deref() == Some("file"))?;
        let Kind::Handle(handle) = &file.value.kind else {
            return None;
        };
        let handle = handle.clone();
        let written: Vec<Passed> = passed
            .iter()
            .filter(|each| each.keyword.is_none())
            .cloned()
            .collect();
        self.write_to(&handle, "write", &written, (range, place));
        Some(Kind::None.into())
    }

    /// Functions that put paths together.
    pub(super) fn path_function(&mut self, name: &str, passed: &[Passed]) -> Option<Value> {
        let kind = match name {
            "os.path.join" | "posixpath.join" => Kind::one_of(joined_paths(passed, Kind::str)),
            "pathlib.Path" => Kind::one_of(joined_paths(passed, |path| Kind::Path(path.into()))),
            "pathlib.Path.home" => Kind::Path("~".into()),
            "pathlib.Path.cwd" => Kind::Path(HOLE.to_string().into()),
            "os.path.expanduser" | "os.path.abspath" | "os.path.realpath" | "os.path.normpath"
            | "os.path.expandvars" | "os.fspath" => {
                Kind::one_of(joined_paths(passed.get(..1)?, Kind::str))
            }
            "os.path.dirname" => {
                let parent = |path: String| Kind::str(paths::parent(&path));
                Kind::one_of(joined_paths(passed.get(..1)?, parent))
            }
            "os.path.basename" => {
                let base = |path: String| Kind::str(path.rsplit('/').next().unwrap_or(&path));
                Kind::one_of(joined_paths(passed.get(..1)?, base))
            }
            _ => return None,
        };
        Some(Value {
            kind,
            taint: whole(passed),
        })
    }
}

/// What is read from a file because of its path: that the network gave the name does not make it
/// what the network gave.
fn of_path(path: &Value) -> Taint {
    let is_name = matches!(path.kind, Kind::Str(_) | Kind::Path(_));
    path.whole_taint().map(|carried| {
        let is_net = carried.what == Origin::Label(Label::Net);
        (!(is_name && is_net)).then_some(carried)
    })
}

/// Paths that are kept apart where parts of them may be one of several.
const PATHS: usize = 8;

/// The parts joined as `os.path.join` does, for each choice among alternatives.
fn joined_paths(passed: &[Passed], shape: impl Fn(String) -> Kind) -> Vec<Kind> {
    let mut all: Vec<Option<String>> = vec![None];
    for each in passed {
        let parts: Vec<String> = each
            .value
            .kind
            .alternatives()
            .iter()
            .map(path_text)
            .collect();
        let joined = all.iter().flat_map(|before| {
            parts.iter().map(move |part| match before {
                Some(before) => Some(paths::join(before, part)),
                None => Some(part.clone()),
            })
        });
        all = joined.take(PATHS).collect();
    }
    let all = all
        .into_iter()
        .map(|path| shape(path.unwrap_or_else(|| ".".to_owned())));
    all.collect()
}

fn path_text(kind: &Kind) -> String {
    match kind {
        Kind::Str(text) | Kind::Path(text) => text.to_string(),
        _ => HOLE.to_string(),
    }
}
