//! Calls of what comes from outside the distribution: sources, decoders and sinks by the tables, and a
//! record of the call for rules.

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use super::super::analysis::{HOLE, Reached, SinkKind};
use super::super::engine::ParameterSink;
use super::super::fold;
use super::super::label::Label;
use super::super::symbols::Sym;
use super::super::taint::tables::{Gives, Known, Sink};
use super::super::taint::trace::{Origin, Taint, Trace};
use super::super::value::{Kind, Passed, Value};
use super::Walker;
use super::call::{split, whole};
use super::record::Recorded;

/// What a method belongs to, when it is one, and what is passed.
pub(super) type Given<'g> = (Option<&'g Value>, &'g [Passed]);

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
        self.engine.named_edges.insert((self.frame.function, sym));
        if !known.is_watched {
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
        if let (Some(sink), Some(call)) = (known.sink, recorded) {
            self.reach_sink(sink, (sym, call), (own, passed), range);
        }
        if known.calls_back {
            self.call_backs(sym, passed, (place, range));
        }
        if let Some(value) = self.special(sym, reached, (receiver, passed), (range, place)) {
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
        self.result(sym, known, (taint, passed), range)
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
        if &*name == "builtins.chr" && (text.contains('^') || text.contains("ord(")) {
            taint.join(&self.begin(Label::Decoded, "put together from numbers by chr", &range));
        }
        let is_plain = name.starts_with("builtins.") && !name.starts_with("builtins.open");
        Value {
            kind: if is_plain { Kind::Unknown } else { made },
            taint,
        }
    }

    /// The cloud's metadata service answers with credentials.
    fn source_label(&self, label: Label, passed: &[Passed]) -> Label {
        let is_metadata = label == Label::Net
            && passed.iter().any(|each| match &each.value.kind {
                Kind::Str(text) => [
                    "169.254.169.254",
                    "fd00:ec2::254",
                    "metadata.google.internal",
                ]
                .iter()
                .any(|host| text.contains(host)),
                _ => false,
            });
        if is_metadata {
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
        let mut position = 0;
        for each in passed {
            let at = position;
            if each.keyword.is_none() {
                position += 1;
            }
            if !each.is_starred && !sink.takes(at, each.keyword.as_deref()) {
                continue;
            }
            let argument = match &each.keyword {
                Some(keyword) => keyword.clone(),
                None => at.to_string().into(),
            };
            self.sink_argument(sink.kind, (sym, key), (&each.value, argument), range);
        }
        if let Some(own) = own.filter(|_| sink.takes_self()) {
            self.sink_argument(sink.kind, (sym, key), (own, "self".into()), range);
        }
    }

    fn sink_argument(
        &mut self,
        kind: SinkKind,
        (sym, call): (Sym, (u32, u32)),
        (value, argument): (&Value, std::sync::Arc<str>),
        range: TextRange,
    ) {
        let mut taint = value.whole_taint();
        let is_loading = matches!(
            kind,
            SinkKind::Command | SinkKind::Import | SinkKind::Native | SinkKind::Executable
        );
        if let Some(dropped) = self.dropped_in(&value.kind).filter(|_| is_loading) {
            taint.join(&dropped);
        }
        if let (SinkKind::Command, Some(code)) = (kind, python_of_command(&value.kind)) {
            self.run_layer(&code, range);
        }
        if kind == SinkKind::Exec {
            self.run_layer(&value.kind, range);
        }
        if taint.is_empty() {
            return;
        }
        let words = format!("{} by {}", verb(kind), self.engine.symbols.name(sym));
        let at = (self.module, range.start().to_u32());
        for carried in taint.iter() {
            let trace = self.engine.traces.add(carried.trace, at, words.clone());
            let sink = ParameterSink {
                parameter: 0,
                is_item: false,
                kind,
                call,
                argument: argument.clone(),
                trace,
                hops: 0,
            };
            self.reach(carried.what, trace, &taint, sink);
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
            _ => match passed {
                [_, rest] if rest.keyword.is_none() => match &rest.value.kind {
                    Kind::List(items) => items.to_vec(),
                    _ => vec![rest.value.clone()],
                },
                _ => passed
                    .iter()
                    .filter(|each| each.keyword.is_none() && !each.value.kind.is_callable())
                    .map(|each| each.value.clone())
                    .collect(),
            },
        };
        if matches!(&*name, "functools.partial" | "builtins.map") {
            return;
        }
        for each in passed {
            self.call_back(&each.value.clone(), arguments.clone(), place);
        }
    }

    /// A file at a path carries what was written to it from the network.
    pub(super) fn drop_to_file(&mut self, sym: Sym, passed: &[Passed], taint: &Taint) {
        let is_download = matches!(
            &**self.engine.symbols.name(sym),
            "urllib.request.urlretrieve" | "wget.download"
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
            Kind::List(items) => items.iter().find_map(|item| self.dropped_in(&item.kind)),
            _ => None,
        }
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
        Value::unknown(Taint::of(Origin::Label(label), trace))
    }
}

/// Whether what it calls back is given key strokes.
fn hears_keys(name: &str) -> bool {
    name.starts_with("pynput.keyboard.") || name.starts_with("keyboard.")
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
