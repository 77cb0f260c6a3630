//! Calls of what comes from outside the distribution: sources, decoders and sinks by the tables, and a
//! record of the call for rules.

use std::sync::Arc;

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use super::super::analysis::{HOLE, Inspected, Reached, SinkKind};
use super::super::engine::{ParameterSink, Part};
use super::super::fold;
use super::super::label::Label;
use super::super::source_bytes::Unpacker;
use super::super::symbols::Sym;
use super::super::taint::commands::{self, Leaves};
use super::super::taint::tables::{Gives, Known, Sink};
use super::super::taint::trace::{Origin, Taint, Trace};
use super::super::value::{Kind, Passed, Value};
use super::Walker;
use super::call::{split, whole};
use super::record::Recorded;

/// What a method belongs to, when it is one, and what is passed.
pub(super) type Given<'g> = (Option<&'g Value>, &'g [Passed]);

/// Texts that are shorter say too little to be hidden.
const HIDDEN: usize = 8;

impl<'a> Walker<'a, '_, '_> {
    /// Calls something with a dotted name; `place` is the expression that names it.
    pub(super) fn outside_at(
        &mut self,
        sym: Sym,
        reached: Reached,
        (receiver, passed): Given<'_>,
        (range, place): (TextRange, &'a Expr),
    ) -> Value {
        let known = self.engine.symbols.known(sym);
        self.asks_metadata |=
            known.sink.is_some() && passed.iter().any(|each| is_metadata(&each.value.kind));
        let is_own = self.engine.symbols.is_own(sym);
        if is_own {
            self.engine.named_edges.insert((self.frame.function, sym));
        }
        if is_own && !known.is_watched {
            let is_given = passed.iter().any(|each| each.value.taint.has_label());
            let module = &mut self.engine.modules[self.module as usize];
            module.unresolved.insert(sym);
            if is_given {
                module.wanted.insert(sym);
            }
        }
        let own = receiver
            .filter(|value| !value.taint.is_empty() || !matches!(value.kind, Kind::Symbol(..)));
        let recorded = (known.is_watched || known.capability.is_some()).then(|| {
            self.record(
                sym,
                Recorded {
                    reached,
                    own,
                    passed,
                    range,
                    known,
                },
            )
        });
        let opened: Vec<Passed>;
        let passed = match known.reads_files {
            true => {
                opened = passed.iter().map(|each| self.opened(each, range)).collect();
                &*opened
            }
            false => passed,
        };
        if let (Some(sink), Some(call)) = (known.sink, recorded) {
            self.reach_sink(sink, (sym, call), (own, passed), range);
        }
        if let Some(call) = recorded.filter(|_| makes_spec(self.engine.symbols.name(sym))) {
            for each in passed {
                self.loaded_by(&each.value, (sym, call), (range, place));
            }
        }
        self.run_handlers(sym);
        if is_server(self.engine.symbols.name(sym)) {
            self.serve(passed, (range, place));
        }
        let name = self.engine.symbols.name(sym);
        if name.starts_with("sys.meta_path.") || name.starts_with("sys.path_hooks.") {
            passed.iter().for_each(|each| self.installed(&each.value));
        }
        if known.calls_back {
            self.call_backs(sym, passed, (place, range));
        }
        if let Some(value) = self.special(sym, (receiver, passed), (range, place)) {
            return value;
        }
        let mut taint = receiver
            .map(|value| value.whole_taint())
            .unwrap_or_default();
        let (arguments, keywords) = split(passed);
        let name = self.engine.symbols.name(sym).clone();
        if let Some(fold) = fold::call(&name, &arguments, &keywords) {
            taint.join(&whole(passed));
            // One character is nothing; what is put together from many is decoded where it is.
            if fold.is_decoded && &*name != "builtins.chr" {
                self.decoded_constant(&name, &arguments, &mut taint, range);
                self.offer_layer(&fold.kind, range);
            }
            return Value {
                kind: fold.kind,
                taint,
            };
        }
        if &*name == "shutil.unpack_archive" {
            let packed = passed
                .first()
                .map(|each| each.value.clone())
                .unwrap_or_default();
            let mut unpacked = packed.whole_taint();
            unpacked.join(&self.dropped_in(&packed.kind).unwrap_or_default());
            if let Some(folder) = passed.get(1) {
                self.unpack_to(&folder.value.kind, &unpacked);
            }
        }
        if name.ends_with(".extractall") || name.ends_with(".extract") {
            let unpacked = receiver
                .map(|value| value.whole_taint())
                .unwrap_or_default();
            let at = usize::from(name.ends_with(".extract"));
            if let Some(folder) = passed.get(at) {
                self.unpack_to(&folder.value.kind, &unpacked);
            }
        }
        if known.reads_files {
            return self.read_into((sym, known), (taint, passed), range);
        }
        self.result(sym, known, (taint, passed), range)
    }

    /// What reads files gives, or leaves at the path that it is told to: copies and archives.
    fn read_into(
        &mut self,
        (sym, known): (Sym, Known),
        (taint, passed): (Taint, &[Passed]),
        range: TextRange,
    ) -> Value {
        let name = self.engine.symbols.name(sym).clone();
        let content = whole(passed);
        let at = |position: usize| passed.get(position).map(|each| each.value.kind.clone());
        match name.strip_prefix("shutil.") {
            Some("make_archive") => {
                let (Some(Kind::Str(base)), Some(format)) = (at(0), at(1)) else {
                    return self.result(sym, known, (taint, passed), range);
                };
                let ending = format.as_text().unwrap_or("zip");
                let path = Kind::str(format!("{base}.{ending}"));
                self.store_at(&path, &content);
                Value {
                    kind: path,
                    taint: content,
                }
            }
            Some(_) => {
                let destination = at(1).unwrap_or_default();
                self.store_at(&destination, &content);
                Value {
                    kind: destination,
                    taint: content,
                }
            }
            None => self.result(sym, known, (taint, passed), range),
        }
    }

    /// An argument that carries what stands in the file that it is the path of.
    fn opened(&mut self, passed: &Passed, range: TextRange) -> Passed {
        let mut passed = passed.clone();
        let content = self.content_of(&passed.value, &range);
        passed.value.taint.join(&content);
        passed
    }

    /// The value of a call that is not folded.
    fn result(
        &mut self,
        sym: Sym,
        known: Known,
        (mut taint, passed): (Taint, &[Passed]),
        range: TextRange,
    ) -> Value {
        let made = Kind::Symbol(self.engine.symbols.made_by(sym), Reached::Plainly);
        let name = self.engine.symbols.name(sym).clone();
        if known.is_clean {
            return Value::default();
        }
        match known.source {
            Some((label, Gives::Result)) => {
                let words = format!("gets {} from {name}", label.words());
                let label = self.source_label(label, passed);
                let mut from = self.begin(label, &words, &range);
                // What was sent to get it does not come back with it.
                if known.sink.is_none() {
                    from.join(&taint);
                }
                if known.decoder.is_some() {
                    from.join(&whole(passed));
                    from.join(&self.begin(Label::Decoded, &format!("decoded by {name}"), &range));
                }
                self.drop_to_file(sym, passed, &from);
                return Value {
                    kind: made,
                    taint: from,
                };
            }
            Some((_, Gives::Value)) | None => {}
        }
        // What a connection, response or file gives carries what it carries; what is sent does not.
        if !matches!(known.sink, Some(sink) if sink.kind == SinkKind::Send) {
            taint.join(&whole(passed));
        }
        if let Some(label) = known.decoder {
            let words = format!("decoded by {name}");
            taint = self.stepped(&taint, &words, &range);
            taint.join(&self.begin(label, &words, &range));
        }
        let text = self.source(range);
        if &*name == "builtins.chr"
            && (text.contains(['^', '-', '%', '~']) || text.contains("ord("))
        {
            taint.join(&self.begin(Label::Decoded, "put together from numbers by chr", &range));
        }
        let is_plain = name.starts_with("builtins.") && !name.starts_with("builtins.open");
        Value {
            kind: if is_plain { Kind::Unknown } else { made },
            taint,
        }
    }

    /// What a source gives here: the output of a command is what the command shows, and the cloud's
    /// metadata service answers with credentials.
    fn source_label(&self, label: Label, passed: &[Passed]) -> Label {
        if label == Label::Output {
            let line = passed.first().and_then(|each| {
                each.value
                    .kind
                    .folded(&self.engine.symbols, 0)
                    .command_line()
            });
            return line.map_or(label, |line| commands::label_of_output(&line));
        }
        let is_asked = label == Label::Net
            && passed.iter().any(|each| match &each.value.kind {
                Kind::Symbol(sym, _) => {
                    self.asks_metadata && self.engine.symbols.name(*sym).contains("Request()")
                }
                other => is_metadata(other),
            });
        if is_asked {
            Label::CloudMetadata
        } else {
            label
        }
    }

    fn decoded_constant(
        &mut self,
        name: &str,
        arguments: &[&Value],
        taint: &mut Taint,
        range: TextRange,
    ) {
        let Some(first) = arguments.first() else {
            return;
        };
        let length = match &first.kind {
            Kind::Str(text) => text.len(),
            Kind::Bytes(bytes) => bytes.len(),
            Kind::List(items) => items.len(),
            _ => 1,
        };
        self.mark_decoded(&first.kind);
        let words = format!("decoded by {name} from a constant of length {length}");
        if taint.has(Label::Decoded) {
            *taint = self.stepped(taint, &format!("decoded by {name}"), &range);
        } else {
            taint.join(&self.begin(Label::Decoded, &words, &range));
        }
    }

    /// What is passed reaches a sink: flows for what has a label, summaries for what parameters bring.
    fn reach_sink(
        &mut self,
        sink: Sink,
        (sym, call): (Sym, u32),
        (own, passed): Given<'_>,
        range: TextRange,
    ) {
        let key = (self.module, call);
        if sink.kind == SinkKind::Command {
            self.sent_by_command((sym, key), passed, range);
        }
        let mut position = 0;
        for each in passed {
            let at = position;
            if each.keyword.is_none() {
                position += 1;
            }
            let may_be_any = each.is_starred && each.keyword.is_none();
            if !may_be_any && !sink.takes(at, each.keyword.as_deref()) {
                continue;
            }
            let argument = match &each.keyword {
                Some(keyword) => keyword.clone(),
                None => at.to_string().into(),
            };
            self.sink_argument(sink.kind, (sym, key), (&each.value, argument), range);
        }
        // What was put into a session, a message or a connection before leaves with it.
        let has_own = sink.takes_self() || sink.kind == SinkKind::Send;
        if let Some(own) = own.filter(|_| has_own) {
            self.sink_argument(sink.kind, (sym, key), (own, "self".into()), range);
        }
    }

    fn sink_argument(
        &mut self,
        kind: SinkKind,
        (sym, call): (Sym, (u32, u32)),
        (value, argument): (&Value, Arc<str>),
        range: TextRange,
    ) {
        let mut taint = value.whole_taint();
        let is_loading = matches!(
            kind,
            SinkKind::Command | SinkKind::Import | SinkKind::Native | SinkKind::Executable
        );
        let dropped = match kind {
            SinkKind::Import => self.dropped_module(&value.kind),
            _ => None,
        };
        let dropped = dropped
            .or_else(|| self.dropped_in(&value.kind))
            .or_else(|| self.unpacked_in(&value.kind));
        if let Some(dropped) = dropped.filter(|_| is_loading) {
            taint.join(&dropped);
        }
        if kind == SinkKind::Command {
            if let Some(code) = python_of_command(&value.kind) {
                self.run_layer(&code, range);
            }
            self.run_written(&value.kind, range);
        }
        if kind == SinkKind::Exec {
            self.run_layer(&value.kind, range);
            if !taint.has(Label::Decoded) && self.is_hidden(&value.kind) {
                let words = "put together so that its text stands nowhere";
                taint.join(&self.begin(Label::Decoded, words, &range));
            }
        }
        self.note_run_paths(kind, value, &taint);
        if taint.is_empty() {
            return;
        }
        let words = format!("{} by {}", verb(kind), self.engine.symbols.name(sym));
        let at = (self.module, range.start().to_u32());
        for carried in taint.iter() {
            let trace = self.engine.traces.add(carried.trace, at, words.clone());
            let sink = ParameterSink {
                parameter: 0,
                part: Part::Whole,
                kind,
                call,
                argument: argument.clone(),
                trace,
                hops: 0,
            };
            self.reach(carried.what, trace, &taint, sink);
        }
    }

    /// A source that is run by its path, or whose text is run, runs then.
    fn note_run_paths(&mut self, kind: SinkKind, value: &Value, taint: &Taint) {
        let mut paths: Vec<Arc<str>> = Vec::new();
        match kind {
            SinkKind::Exec => {
                for carried in taint
                    .iter()
                    .filter(|each| each.what == Origin::Label(Label::File))
                {
                    let first = self.engine.traces.first(carried.trace);
                    let text = self.engine.traces.text(first);
                    paths.extend(text.strip_prefix("opens ").map(Arc::from));
                }
            }
            SinkKind::Import | SinkKind::Command => {
                let folded = value.kind.folded(&self.engine.symbols, 0);
                let texts = folded.texts();
                let words = texts.iter().flat_map(|text| text.split([' ', '"', '\'']));
                paths.extend(words.map(Arc::from));
            }
            _ => {}
        }
        let is_source = |path: &Arc<str>| path.ends_with(".py") || path.ends_with(".pyw");
        for path in paths.into_iter().filter(is_source).take(16) {
            self.engine.path_edges.insert((self.frame.function, path));
        }
    }

    /// Whether a constant is run whose words are not to be read anywhere in the distribution.
    fn is_hidden(&self, kind: &Kind) -> bool {
        let text = match kind {
            Kind::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            other => other.as_text(),
        };
        let Some(text) = text.filter(|text| text.len() >= HIDDEN) else {
            return false;
        };
        let is_word = |word: &&str| word.len() >= 4;
        let words = text
            .split(|each: char| !each.is_alphabetic())
            .filter(is_word)
            .take(64);
        let finders: Vec<memchr::memmem::Finder<'_>> =
            words.map(memchr::memmem::Finder::new).collect();
        let mut found = vec![false; finders.len()];
        let mut unpacker = Unpacker::default();
        for (index, module) in self.engine.modules.iter().enumerate() {
            if module.facts.depth != Inspected::Whole {
                continue;
            }
            let text = match (&module.text, self.engine.package.sources.get(index)) {
                (Some(text), _) => text.as_bytes(),
                (None, Some(source)) => unpacker.read(&source.bytes),
                (None, None) => continue,
            };
            for (finder, found) in finders.iter().zip(&mut found) {
                *found = *found || finder.find(text).is_some();
            }
        }
        let missing = found.iter().filter(|found| !**found).count();
        missing > 0 && missing * 2 >= found.len()
    }

    /// A command that sends what it is given is the network by another name.
    fn sent_by_command(
        &mut self,
        (sym, call): (Sym, (u32, u32)),
        passed: &[Passed],
        range: TextRange,
    ) {
        let line = passed
            .first()
            .map(|each| &each.value.kind)
            .and_then(|kind| kind.folded(&self.engine.symbols, 0).command_line());
        for file in line
            .as_deref()
            .map(commands::recordings)
            .unwrap_or_default()
        {
            let words = format!("gets {} from a command", Label::Screen.words());
            let taint = self.begin(Label::Screen, &words, &range);
            self.store_at(&Kind::str(file), &taint);
        }
        let kind = match line.as_deref().and_then(commands::leaves) {
            Some(Leaves::Sent) => SinkKind::Send,
            Some(Leaves::Resolved) => SinkKind::Resolve,
            None => return,
        };
        let mut position = 0;
        for each in passed {
            let argument = match &each.keyword {
                Some(keyword) => keyword.clone(),
                None => position.to_string().into(),
            };
            position += usize::from(each.keyword.is_none());
            self.sink_argument(kind, (sym, call), (&each.value, argument), range);
        }
    }

    /// What a loader of the distribution gives out as a module runs as one.
    fn loaded_by(
        &mut self,
        loader: &Value,
        (sym, call): (Sym, u32),
        (range, place): (TextRange, &'a Expr),
    ) {
        self.installed(loader);
        let (Kind::Instance(class) | Kind::Class(class)) = loader.kind else {
            return;
        };
        for method in ["get_data", "get_source", "get_code"] {
            let found = self.engine.class_attribute(class, method);
            if let Some((
                Value {
                    kind: Kind::Function(function),
                    ..
                },
                _,
            )) = found
            {
                let own = Value::from(Kind::Instance(class));
                let given = self.call_function(function, Some(own), Vec::new(), place);
                let key = (self.module, call);
                self.sink_argument(SinkKind::Exec, (sym, key), (&given, "loader".into()), range);
            }
        }
    }

    /// Running an application runs what was registered with it: `app.run()` after `@app.route(…)`.
    fn run_handlers(&mut self, sym: Sym) {
        if self.handlers.is_empty() {
            return;
        }
        let name = self.engine.symbols.name(sym).clone();
        let Some((object, method)) = name.split_once("().") else {
            return;
        };
        let runs = [
            "run",
            "serve",
            "start",
            "polling",
            "infinity_polling",
            "run_polling",
            "listen",
            "mainloop",
        ];
        if !runs.iter().any(|start| method.starts_with(start)) {
            return;
        }
        for (of, function) in &self.handlers {
            if **of == *object {
                self.engine.edges.insert((self.frame.function, *function));
            }
        }
    }

    /// What a server is given to answer with runs when somebody asks, with what they send.
    pub(super) fn serve(&mut self, passed: &[Passed], (range, place): (TextRange, &'a Expr)) {
        let words = "gets data from the network from whoever connects";
        let asked = Value::unknown(self.begin(Label::Net, words, &range));
        for each in passed {
            self.installed(&each.value);
            if matches!(each.value.kind, Kind::Function(_) | Kind::Bound(..)) {
                let arguments = vec![asked.clone(); 4];
                self.call_back(&each.value.clone(), arguments, place);
            }
        }
    }

    /// Functions given to something that calls them.
    fn call_backs(&mut self, sym: Sym, passed: &[Passed], (place, range): (&'a Expr, TextRange)) {
        let name = self.engine.symbols.name(sym).clone();
        if hears_keys(&name) {
            let words = format!("gets {} from {name}", Label::Keys.words());
            let key = Value::unknown(self.begin(Label::Keys, &words, &range));
            for each in passed {
                self.call_back(&each.value.clone(), vec![key.clone()], place);
            }
            return;
        }
        let named = |name: &str| {
            passed
                .iter()
                .find(|each| each.keyword.as_deref() == Some(name))
        };
        let arguments: Vec<Value> = match named("args").map(|each| &each.value.kind) {
            Some(Kind::List(items)) => items.to_vec(),
            _ => self.given_to_callback(&name, passed),
        };
        if matches!(&*name, "functools.partial" | "builtins.map") {
            return;
        }
        for each in passed {
            self.call_back(&each.value.clone(), arguments.clone(), place);
        }
    }

    /// What a function is called with that is called later: what is passed after it, in one list for
    /// threads, processes and timers, and one item at a time for what goes through items.
    fn given_to_callback(&self, name: &str, passed: &[Passed]) -> Vec<Value> {
        let positional: Vec<&Value> = passed
            .iter()
            .filter(|each| each.keyword.is_none())
            .map(|each| &each.value)
            .collect();
        let runs = |value: &&Value| {
            value.kind.alternatives().iter().any(Kind::is_callable)
                || matches!(value.kind, Kind::Instance(_))
        };
        let after = positional.iter().position(runs).map_or(0, |at| at + 1);
        let rest = positional.get(after..).unwrap_or_default();
        let spreads = ["Thread", "Timer", "Process", "enter", "enterabs"];
        let called = name.rsplit('.').next().unwrap_or(name);
        match rest {
            [
                Value {
                    kind: Kind::List(items),
                    ..
                },
                ..,
            ] if spreads.contains(&called) => items.to_vec(),
            _ if matches!(called, "map" | "filter" | "imap" | "imap_unordered") => rest
                .iter()
                .map(|value| super::comprehension::any_item(value))
                .collect(),
            _ => rest.iter().map(|value| (*value).clone()).collect(),
        }
    }

    /// A file at a path carries what was written to it from the network.
    pub(super) fn drop_to_file(&mut self, sym: Sym, passed: &[Passed], taint: &Taint) {
        let is_download = matches!(
            &**self.engine.symbols.name(sym),
            "urllib.request.urlretrieve" | "wget.download" | "urllib.request.URLopener().retrieve"
        );
        if !is_download {
            return;
        }
        if let Some(path) = passed.get(1) {
            self.drop_at(&path.value.kind, taint);
        }
    }

    /// Remembers that data from the network was written to the path `kind`.
    pub(super) fn drop_at(&mut self, kind: &Kind, taint: &Taint) {
        if let Kind::OneOf(kinds) = kind {
            return kinds.iter().for_each(|kind| self.drop_at(kind, taint));
        }
        let (Kind::Str(path) | Kind::Path(path)) = kind else {
            return;
        };
        let trace = taint.iter().find_map(|carried| match carried.what {
            Origin::Label(Label::Net | Label::Dropped | Label::Decoded) => Some(carried.trace),
            _ => None,
        });
        let name = path.rsplit('/').next().unwrap_or_default();
        // What is not known of a name tells no file from another.
        let known = name.chars().filter(|each| *each != HOLE).count();
        let is_kept = known > 2 && self.engine.dropped.len() < 256;
        if let Some(trace) = trace.filter(|_| is_kept) {
            self.engine.dropped.push((name.into(), trace));
        }
    }

    /// Remembers that an archive from the network was unpacked into the folder `kind`.
    fn unpack_to(&mut self, kind: &Kind, taint: &Taint) {
        let trace = taint.iter().find_map(|carried| match carried.what {
            Origin::Label(Label::Net | Label::Dropped) => Some(carried.trace),
            _ => None,
        });
        if let (Some(trace), Kind::Str(path) | Kind::Path(path)) = (trace, kind)
            && self.engine.unpacked.len() < 64
        {
            self.engine.unpacked.push((path.clone(), trace));
        }
    }

    /// What was unpacked where the program lies that `kind` starts, or where it is imported from.
    fn unpacked_in(&self, kind: &Kind) -> Option<Taint> {
        let starts = |text: &str| {
            let mut found = self.engine.unpacked.iter();
            let found = found.find(|(path, _)| text.trim_start().starts_with(&**path))?;
            Some(Taint::of(Origin::Label(Label::Dropped), found.1))
        };
        match kind {
            Kind::Str(text) | Kind::Path(text) => starts(text),
            // `python main.py` starts the second word.
            Kind::List(items) => items.iter().take(2).find_map(|item| match &item.kind {
                Kind::Str(text) | Kind::Path(text) => starts(text),
                _ => None,
            }),
            _ => None,
        }
    }

    /// What was written from elsewhere to the path that `kind` names.
    pub(super) fn dropped_in(&self, kind: &Kind) -> Option<Taint> {
        if self.engine.dropped.is_empty() {
            return None;
        }
        let names = |text: &str| {
            let found = self
                .engine
                .dropped
                .iter()
                .find(|(name, _)| text.contains(&**name));
            found.map(|(_, trace)| Taint::of(Origin::Label(Label::Dropped), *trace))
        };
        match kind {
            Kind::Str(text) | Kind::Path(text) => names(text),
            Kind::OneOf(kinds) => kinds.iter().find_map(|kind| self.dropped_in(kind)),
            Kind::List(items) => {
                let first = items.first().map(|item| &item.kind);
                let starts = first.is_some_and(|first| starts_others(first, &self.engine.symbols));
                let count = if starts { items.len() } else { 1 };
                items
                    .iter()
                    .take(count)
                    .find_map(|item| self.dropped_in(&item.kind))
            }
            _ => None,
        }
    }

    /// What was written from elsewhere to a file that is imported as `kind` names it.
    fn dropped_module(&self, kind: &Kind) -> Option<Taint> {
        let Kind::Str(name) = kind else {
            return None;
        };
        let name = name.rsplit('.').next()?;
        let is_it = |file: &str| {
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            stem == name && name.chars().filter(|each| *each != HOLE).count() > 2
        };
        let found = self.engine.dropped.iter().find(|(file, _)| is_it(file));
        found.map(|(_, trace)| Taint::of(Origin::Label(Label::Dropped), *trace))
    }

    /// The value of one environment variable.
    pub(super) fn environment_variable(
        &mut self,
        name: &str,
        node: &impl ruff_text_size::Ranged,
    ) -> Value {
        let is_secret = super::super::taint::sources::is_secret_variable(name);
        let label = if is_secret {
            Label::EnvSecret
        } else {
            Label::Env
        };
        let trace = self.engine.traces.add(
            Trace::START,
            self.at(node),
            format!("reads os.environ[{name:?}]"),
        );
        self.engine.modules[self.module as usize].has_sources = true;
        let taint = Taint::of(Origin::Label(label), trace);
        // Where these lead is known well enough to tell what is below.
        let kind = match name {
            "HOME" | "USERPROFILE" | "HOMEPATH" => Kind::str("~"),
            "APPDATA" => Kind::str("~/AppData/Roaming"),
            "LOCALAPPDATA" => Kind::str("~/AppData/Local"),
            "XDG_CONFIG_HOME" => Kind::str("~/.config"),
            "TMPDIR" | "TEMP" | "TMP" => Kind::str("/tmp"),
            _ => Kind::Unknown,
        };
        Value { kind, taint }
    }
}

/// Whether a text is an address of the metadata service of a cloud.
fn is_metadata(kind: &Kind) -> bool {
    let hosts = [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "fd00:ec2::",
        "metadata.google.internal",
        "metadata.azure.internal",
        "://metadata/",
        "://2852039166",
        "://0xa9fea9fe",
    ];
    matches!(kind, Kind::Str(text) if hosts.iter().any(|host| text.contains(host)))
}

/// Whether it ties a module to what loads it.
fn makes_spec(name: &str) -> bool {
    matches!(
        name,
        "importlib.util.spec_from_loader" | "importlib.machinery.ModuleSpec"
    )
}

/// Whether it answers others with what it is given.
pub(super) fn is_server(name: &str) -> bool {
    let starts = [
        "selectors.",
        "websocket.WebSocketApp",
        "paho.mqtt.client.Client()",
        "discord.Client()",
        "discord.ext.commands.Bot()",
        "telebot.TeleBot()",
        "socketio.Client()",
        "pika.BlockingConnection()",
        "socketserver.",
        "http.server.",
        "xmlrpc.server.",
        "wsgiref.simple_server.",
        "aiohttp.web.",
    ];
    starts.iter().any(|start| name.starts_with(start))
        || matches!(
            name,
            "asyncio.start_server"
                | "asyncio.start_unix_server"
                | "websockets.serve"
                | "websockets.server.serve"
                | "asyncio.get_event_loop().create_server"
                | "asyncio.get_running_loop().create_server"
        )
}

/// Whether what it calls back is given key strokes.
fn hears_keys(name: &str) -> bool {
    name.starts_with("pynput.keyboard.") || name.starts_with("keyboard.")
}

/// Whether the program starts what it is given: `sh`, `python`, `chmod`.
fn starts_others(program: &Kind, symbols: &super::super::symbols::Symbols) -> bool {
    let name = match program {
        Kind::Str(text) | Kind::Path(text) => text.to_string(),
        Kind::Symbol(sym, _) => symbols.name(*sym).to_string(),
        _ => return true,
    };
    if name.contains([HOLE, '(']) {
        return true;
    }
    let name = name
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let known = [
        "sh",
        "bash",
        "zsh",
        "dash",
        "cmd",
        "start",
        "open",
        "xdg-open",
        "chmod",
        "msiexec",
        "rundll32",
        "regsvr32",
        "sudo",
        "nohup",
        "env",
        "wscript",
        "cscript",
        "java",
        "node",
        "perl",
        "ruby",
        "wine",
        "sys.executable",
        "mono",
        "dotnet",
        "explorer",
        "setsid",
        "screen",
        "tmux",
        "pip",
        "pip3",
    ];
    known.contains(&name) || name.starts_with("python") || name.starts_with("powershell")
}

/// The Python that a command line carries along: `python -c "…"`.
fn python_of_command(command: &Kind) -> Option<Kind> {
    match command {
        Kind::List(items) => {
            let at = items
                .iter()
                .position(|item| item.kind.as_text() == Some("-c"))?;
            let program = items.first().and_then(|item| item.kind.as_text());
            let is_shell = program.is_some_and(|name| !name.contains("py"));
            let code = items.get(at + 1).filter(|_| !is_shell)?;
            matches!(code.kind, Kind::Str(_)).then(|| code.kind.clone())
        }
        Kind::Str(_) => {
            let text = command.as_text()?;
            let (program, rest) = text.split_once(" -c ")?;
            let rest = rest.trim_start();
            let quote = rest
                .chars()
                .next()
                .filter(|each| matches!(each, '"' | '\''))?;
            let code = rest[1..].rsplit_once(quote)?.0;
            program.contains("py").then(|| Kind::str(code))
        }
        _ => None,
    }
}

fn verb(kind: SinkKind) -> &'static str {
    match kind {
        SinkKind::Exec => "run as Python",
        SinkKind::Deserialise => "turned into objects",
        SinkKind::Import => "imported",
        SinkKind::Command => "run as a command",
        SinkKind::Send => "sent over the network",
        SinkKind::Resolve => "given to a name server",
        SinkKind::Write => "written to a file",
        SinkKind::Native => "loaded as native code",
        SinkKind::Delete => "deleted",
        SinkKind::Executable => "made executable",
        SinkKind::Publish => "given to an installer or publisher",
    }
}
