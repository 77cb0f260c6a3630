//! What is passed reaches a sink: flows, summaries, layers of code that commands carry along, and commands
//! that are the network by another name.

use std::sync::Arc;

use ruff_text_size::TextRange;

use super::super::analysis::{Inspected, SinkKind};
use super::super::engine::{ParameterSink, Part};
use super::super::label::Label;
use super::super::source_bytes::Unpacker;
use super::super::symbols::Sym;
use super::super::taint::commands::{self, Leaves};
use super::super::taint::tables::Sink;
use super::super::taint::trace::{Origin, Taint};
use super::super::value::{Kind, Passed, Value};
use super::Walker;
use super::outside::Given;

/// Texts that are shorter say too little to be hidden.
const HIDDEN: usize = 8;

impl<'a> Walker<'a, '_, '_> {
    /// What is passed reaches a sink: flows for what has a label, summaries for what parameters bring.
    pub(super) fn reach_sink(
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

    pub(super) fn sink_argument(
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
        let mut missing: Vec<memchr::memmem::Finder<'_>> =
            words.map(memchr::memmem::Finder::new).collect();
        let all = missing.len();
        let may_be = |missing: &[_]| !missing.is_empty() && missing.len() * 2 >= all;
        // Most of what is run stands in the very source that runs it.
        missing.retain(|word| word.find(self.text.as_bytes()).is_none());
        if !may_be(&missing) {
            return false;
        }
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
            missing.retain(|word| word.find(text).is_none());
            if !may_be(&missing) {
                return false;
            }
        }
        true
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
