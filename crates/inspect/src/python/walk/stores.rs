//! What is put somewhere to be taken out again: private data in files, archives in memory, code that is
//! written to be started later.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextRange};

use super::super::analysis::HOLE;
use super::super::engine::WrittenCode;
use super::super::label::{Label, Labels};
use super::super::prefilter;
use super::super::taint::trace::{Origin, Taint};
use super::super::value::{Kind, Passed, Value};
use super::Walker;
use super::call::{positional, whole};

/// Files of one distribution whose content is remembered.
const STORED: usize = 256;
/// Code that is shorter than this is not worth writing to a file.
const CODE: usize = 24;

/// What is worth remembering of what a file holds.
const KEPT: Labels = Labels::of(&[
    Label::SecretFile,
    Label::EnvAll,
    Label::EnvSecret,
    Label::Clipboard,
    Label::Keys,
    Label::Screen,
    Label::CloudMetadata,
    Label::File,
]);

/// What writes into the file or buffer it is given, instead of the object it belongs to.
const POURS: &[&str] = &[
    "save",
    "dump",
    "write",
    "tofile",
    "copyfileobj",
    "writexml",
    "to_csv",
    "to_json",
    "to_pickle",
    "savefig",
    "download_fileobj",
    "writeto",
    "decode",
];

/// Where something that was made of a buffer or a path puts what it is given.
pub(super) enum Backing<'a> {
    Name(&'a str),
    Path(Kind),
}

impl<'a> Walker<'a, '_, '_> {
    /// Remembers that the file at `path` holds what `taint` says.
    pub(super) fn store_at(&mut self, path: &Kind, taint: &Taint) {
        let kept = taint.map(|carried| match carried.what {
            Origin::Label(label) if KEPT.has(label) => Some(carried),
            _ => None,
        });
        if kept.is_empty() {
            return;
        }
        for kind in path.alternatives() {
            let (Kind::Str(text) | Kind::Path(text)) = kind else {
                continue;
            };
            if self.engine.stored.len() < STORED && file_name(kind).is_some() {
                self.engine.stored.push((text.clone(), kept.clone()));
            }
        }
    }

    /// What was put into the file at `path`.
    pub(super) fn stored_in(&self, path: &Kind) -> Taint {
        let mut taint = Taint::default();
        for kind in path.alternatives() {
            let (Kind::Str(text) | Kind::Path(text)) = kind else {
                continue;
            };
            for (path, stored) in &self.engine.stored {
                let name = path.rsplit('/').next().unwrap_or(path);
                // What is read is the file itself, or a folder that it was put into.
                let is_inside = text.len() > 3 && path.starts_with(&**text);
                if text.contains(name) || is_inside {
                    taint.join(stored);
                }
            }
        }
        taint
    }

    /// Remembers Python that is written to the file at `path`.
    pub(super) fn write_code(&mut self, path: &Kind, passed: &[Passed]) {
        let Some(name) = path.alternatives().iter().find_map(file_name) else {
            return;
        };
        for text in passed.iter().filter_map(|each| each.value.kind.as_text()) {
            let is_code = text.len() >= CODE && prefilter::is_interesting(text);
            if is_code && self.engine.written.len() < STORED {
                let code = Kind::str(text);
                let name = name.clone();
                self.engine.written.push(WrittenCode { name, code });
            }
        }
    }

    /// A command that names a file to which Python was written runs that Python.
    pub(super) fn run_written(&mut self, command: &Kind, range: TextRange) {
        if self.engine.written.is_empty() {
            return;
        }
        let Some(line) = command.folded(&self.engine.symbols, 0).command_line() else {
            return;
        };
        let named = self.engine.written.iter();
        let named: Vec<Kind> = named
            .filter(|written| line.contains(&*written.name))
            .map(|written| written.code.clone())
            .collect();
        for code in named {
            self.run_layer(&code, range);
        }
    }

    /// Remembers that what `target` holds was made of a buffer or of a path to write to.
    pub(super) fn note_backing(&mut self, target: &'a Expr, made: &'a Expr) {
        let (Expr::Name(target), Expr::Call(call)) = (target, made) else {
            return;
        };
        let Some(callee) = self.plain_name(&call.func) else {
            return;
        };
        let keeps_path = matches!(
            &**self.engine.symbols.name(callee),
            "zipfile.ZipFile" | "tarfile.open" | "tarfile.TarFile" | "wave.open"
        );
        let keywords = call.arguments.keywords.iter().map(|each| &each.value);
        let first: Vec<&Expr> = call.arguments.args.iter().take(2).chain(keywords).collect();
        for argument in first {
            let name = match argument {
                Expr::Name(name) => Some(name.id.as_str()),
                Expr::Attribute(_) if keeps_path => None,
                _ => continue,
            };
            let held = match name.and_then(|name| self.lookup(name)) {
                Some(held) => held.kind.clone(),
                None => self.eval(argument).kind,
            };
            let backing = match (name, held) {
                (Some(name), Kind::Symbol(sym, _)) if self.is_buffer(sym) => Backing::Name(name),
                (Some(name), Kind::Handle(_)) => Backing::Name(name),
                (_, path @ (Kind::Str(_) | Kind::Path(_))) if keeps_path => Backing::Path(path),
                _ => continue,
            };
            let key = (self.frame.scope, target.id.as_str());
            self.backings.entry(key).or_default().push(backing);
        }
    }

    /// What was put into `name` was put into what it was made of, too.
    pub(super) fn add_to_backing(&mut self, (scope, name): (usize, &'a str), taint: &Taint) {
        let Some(backings) = self.backings.remove(&(scope, name)) else {
            return;
        };
        for backing in &backings {
            match backing {
                Backing::Name(behind) => self.add_to_name(behind, taint),
                Backing::Path(path) => self.store_at(path, taint),
            }
        }
        self.backings.insert((scope, name), backings);
    }

    /// What writes into a file or buffer that it is given: `picture.save(memory)`, `json.dump(x, file)`.
    pub(super) fn pour(
        &mut self,
        call: &'a ExprCall,
        (receiver, name): (Option<&Value>, &str),
        passed: &[Passed],
    ) {
        self.write_by_callback(call, (receiver, name), passed);
        let is_own_file = matches!(
            receiver,
            Some(Value {
                kind: Kind::Handle(_),
                ..
            })
        );
        if !POURS.contains(&name) || is_own_file {
            return;
        }
        let mut taint = whole(passed);
        if let Some(receiver) = receiver {
            taint.join(&receiver.whole_taint());
        }
        if name == "decode" {
            taint.join(&self.begin(Label::Decoded, "decoded into a buffer", call));
        }
        let keywords = call.arguments.keywords.iter().map(|each| &each.value);
        let places = call.arguments.args.iter().chain(keywords);
        for (place, each) in places.zip(passed) {
            match &each.value.kind {
                Kind::Handle(handle) => {
                    let data = Passed {
                        keyword: None,
                        value: Value::unknown(taint.clone()),
                        is_starred: false,
                    };
                    let handle = handle.clone();
                    self.write_to(&handle, "write", &[data], (call.range(), &call.func));
                }
                Kind::Symbol(sym, _) if self.is_buffer(*sym) => self.add_to(place, &taint),
                path @ (Kind::Str(_) | Kind::Path(_)) if receiver.is_some() => {
                    self.store_at(&path.clone(), &taint);
                }
                _ => {}
            }
        }
    }

    /// What calls `file.write` with what it has: `ftp.retrbinary("RETR a", file.write)`.
    fn write_by_callback(
        &mut self,
        call: &'a ExprCall,
        (receiver, name): (Option<&Value>, &str),
        passed: &[Passed],
    ) {
        let keywords = call.arguments.keywords.iter().map(|each| &each.value);
        for place in call.arguments.args.iter().chain(keywords) {
            let Expr::Attribute(callback) = place else {
                continue;
            };
            if callback.attr.as_str() != "write" {
                continue;
            }
            let Kind::Handle(handle) = self.eval(&callback.value).kind else {
                continue;
            };
            let mut taint = whole(passed);
            if let Some(receiver) = receiver {
                taint.join(&receiver.whole_taint());
            }
            if name.starts_with("retr") {
                let words = format!("gets {} from {name}", Label::Net.words());
                taint.join(&self.begin(Label::Net, &words, call));
            }
            let data = positional(Value::unknown(taint));
            self.write_to(&handle, "write", &[data], (call.range(), &call.func));
        }
    }

    fn is_buffer(&self, sym: super::super::symbols::Sym) -> bool {
        let name = self.engine.symbols.name(sym);
        ["io.BytesIO()", "io.StringIO()", "tempfile."]
            .iter()
            .any(|start| name.starts_with(start))
    }
}

/// The last part of a path, when enough of it is known to tell it from others.
fn file_name(path: &Kind) -> Option<Arc<str>> {
    let (Kind::Str(text) | Kind::Path(text)) = path else {
        return None;
    };
    let name = text.rsplit('/').next().unwrap_or_default();
    let known = name.chars().filter(|each| *each != HOLE).count();
    (known > 2).then(|| name.into())
}
