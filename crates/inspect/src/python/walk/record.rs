//! What is written down for rules: calls, literals, patches, layers.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use ruff_text_size::{Ranged, TextRange};
use rustc_hash::FxHasher;

use portcullis_core::inspection::{Context, Place};

use super::super::analysis::{Argument, Call, Folded, Literal, Patch, Reached};
use super::super::engine::{PendingLayer, RawCall, RawPatch};
use super::super::label::Label;
use super::super::places;
use super::super::prefilter;
use super::super::symbols::Sym;
use super::super::taint::tables::Known;
use super::super::value::{Kind, Passed, Value};
use super::Walker;

/// Calls and literals of one module that are kept.
const CALLS: usize = 20_000;
const LITERALS: usize = 4_000;
/// Characters of code and of literals that are kept.
const CODE: usize = 400;
const LITERAL: usize = 4_096;
/// A literal at least so long is told about whatever it says.
const LONG: usize = 200;
/// A list of at least so many numbers is a literal.
const NUMBERS: usize = 96;

/// A call to be recorded.
pub(super) struct Recorded<'r> {
    pub(super) reached: Reached,
    pub(super) own: Option<&'r Value>,
    pub(super) passed: &'r [Passed],
    pub(super) range: TextRange,
    pub(super) known: Known,
}

impl<'a> Walker<'a, '_, '_> {
    /// Where `offset` is.
    pub(super) fn place(&self, offset: u32) -> Place {
        places::place(&self.engine.modules[self.module as usize], offset)
    }

    /// Writes a call down; the same call again adds what it was given this time.
    pub(super) fn record(&mut self, sym: Sym, recorded: Recorded<'_>) -> u32 {
        let Recorded {
            reached,
            own,
            passed,
            range,
            known,
        } = recorded;
        let offset = range.start().to_u32();
        let key = (offset, range.end().to_u32(), sym);
        let mut arguments: Vec<Argument> = passed.iter().map(|each| self.argument(each)).collect();
        let mut labels = arguments
            .iter()
            .fold(super::super::label::Labels::NONE, |labels, each| {
                labels.and(each.labels)
            });
        if let Some(own) = own {
            labels = labels.and(own.whole_taint().labels());
        }
        let module = &mut self.engine.modules[self.module as usize];
        if let Some(&index) = module.call_index.get(&key) {
            let call = &mut module.calls[index as usize].call;
            merge(&mut call.arguments, arguments);
            call.labels = call.labels.and(labels);
            return index;
        }
        if module.calls.len() >= CALLS {
            return CALLS as u32 - 1;
        }
        arguments.shrink_to_fit();
        let own = own.map(|own| own.kind.folded(&self.engine.symbols, 0));
        let place = self.place(offset);
        let mut guards: Vec<Arc<str>> = Vec::new();
        for guard in &self.frame.guards {
            guards.push(self.engine.symbols.name(*guard).clone());
        }
        let call = Call {
            target: self.engine.symbols.name(sym).clone(),
            reached,
            arguments,
            own: own.unwrap_or_default(),
            labels,
            place,
            context: Context::Call,
            function: self.engine.functions[self.frame.function.0 as usize]
                .name
                .clone(),
            guards,
            sink: known.sink.map(|sink| sink.kind),
            is_discarded: self.discarded.contains(&offset),
            code: shortened(self.source(range)),
        };
        let function = self.frame.function;
        let module = &mut self.engine.modules[self.module as usize];
        module.calls.push(RawCall {
            function,
            offset,
            end: range.end().to_u32(),
            sym,
            call,
        });
        let index = module.calls.len() as u32 - 1;
        module.call_index.insert(key, index);
        index
    }

    fn argument(&self, passed: &Passed) -> Argument {
        let mut labels = passed.value.whole_taint().labels();
        if passed.value.kind.is_constant() {
            labels.insert(Label::Const);
        }
        let mut value = passed.value.kind.folded(&self.engine.symbols, 0);
        if let Kind::Function(function) | Kind::Bound(function, _) = passed.value.kind {
            value = Folded::Name(self.engine.functions[function.0 as usize].name.clone());
        }
        if let Kind::Class(class) | Kind::Instance(class) = passed.value.kind {
            value = Folded::Name(self.engine.classes[class.0 as usize].name.clone());
        }
        Argument {
            keyword: passed.keyword.clone().unwrap_or_default(),
            value,
            labels,
        }
    }

    pub(super) fn note_text(&mut self, text: &str, node: &impl Ranged) {
        if text.len() >= LONG || (text.len() >= 5 && prefilter::is_telling_literal(text)) {
            let length = text.chars().count();
            self.note(
                text.chars().take(LITERAL).collect(),
                (length, false),
                text.as_bytes(),
                node,
            );
        }
    }

    pub(super) fn note_bytes(&mut self, bytes: &[u8], node: &impl Ranged) {
        let is_telling = std::str::from_utf8(bytes).is_ok_and(prefilter::is_telling_literal);
        if bytes.len() >= LONG || (bytes.len() >= 5 && is_telling) {
            let text = bytes
                .iter()
                .take(LITERAL)
                .map(|byte| char::from(*byte))
                .collect();
            self.note(text, (bytes.len(), true), bytes, node);
        }
    }

    /// A list of many small numbers is bytes by another name.
    pub(super) fn note_numbers(&mut self, items: &[Value], node: &impl Ranged) {
        if items.len() < NUMBERS {
            return;
        }
        let bytes: Option<Vec<u8>> = items
            .iter()
            .map(|item| u8::try_from(item.kind.as_int()?).ok())
            .collect();
        if let Some(bytes) = bytes {
            let text = bytes
                .iter()
                .take(LITERAL)
                .map(|byte| char::from(*byte))
                .collect();
            self.note(text, (bytes.len(), true), &bytes, node);
        }
    }

    fn note(
        &mut self,
        text: String,
        (length, is_bytes): (usize, bool),
        all: &[u8],
        node: &impl Ranged,
    ) {
        let offset = node.range().start().to_u32();
        let function = self.frame.function;
        let name = self.engine.functions[function.0 as usize].name.clone();
        let module = &mut self.engine.modules[self.module as usize];
        if module.literals.len() >= LITERALS || !module.noted.insert(offset) {
            return;
        }
        let place = places::place(module, offset);
        let entropy = entropy(all);
        module.literals.push((
            function,
            Literal {
                text: text.into(),
                is_bytes,
                length,
                entropy,
                place,
                context: Context::Call,
                function: name,
                decoded: false,
            },
        ));
    }

    /// A decoder was given `kind`: if it is a literal of this module, that literal is a blob.
    pub(super) fn mark_decoded(&mut self, kind: &Kind) {
        let (text, length): (String, usize) = match kind {
            Kind::Str(text) if text.len() >= 32 => {
                (text.chars().take(64).collect(), text.chars().count())
            }
            Kind::Bytes(bytes) if bytes.len() >= 32 => (
                bytes
                    .iter()
                    .take(64)
                    .map(|byte| char::from(*byte))
                    .collect(),
                bytes.len(),
            ),
            Kind::List(items) if items.len() >= NUMBERS => {
                let bytes = items
                    .iter()
                    .take(64)
                    .filter_map(|item| u8::try_from(item.kind.as_int()?).ok().map(char::from));
                (bytes.collect(), items.len())
            }
            _ => return,
        };
        for (_, literal) in &mut self.engine.modules[self.module as usize].literals {
            if literal.length == length && literal.text.starts_with(&*text) {
                literal.decoded = true;
            }
        }
    }

    pub(super) fn patch(&mut self, target: Sym, value: &Value, range: TextRange) {
        let offset = range.start().to_u32();
        let place = self.place(offset);
        let argument = Passed {
            keyword: None,
            value: value.clone(),
            is_starred: false,
        };
        let patch = Patch {
            target: self.engine.symbols.name(target).clone(),
            value: self.argument(&argument).value,
            place,
            context: Context::Call,
            code: shortened(self.source(range)),
            behind: Vec::new(),
        };
        let function = self.frame.function;
        let functions = self.functions_of(value);
        let module = &mut self.engine.modules[self.module as usize];
        if module.patches.len() < 1_000
            && !module
                .patches
                .iter()
                .any(|held| held.patch.place == patch.place && held.patch.target == patch.target)
        {
            module.patches.push(RawPatch {
                function,
                patch,
                functions,
            });
        }
    }

    /// A decoded constant is looked into if it reads like Python.
    pub(super) fn offer_layer(&mut self, kind: &Kind, range: TextRange) {
        let text = match kind {
            Kind::Str(_) => kind.as_text().map(str::to_owned),
            Kind::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            _ => None,
        };
        let is_code = |text: &String| {
            text.len() >= 16 && prefilter::is_interesting(text) || prefilter::begins_as_code(text)
        };
        if let Some(text) = text.filter(is_code) {
            self.queue_layer(text, range, false);
        }
    }

    /// A constant that is run as Python is looked into.
    pub(super) fn run_layer(&mut self, kind: &Kind, range: TextRange) {
        for kind in kind.alternatives() {
            let text = match kind {
                Kind::Str(_) => kind.as_text().map(str::to_owned),
                Kind::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            };
            if let Some(text) = text.filter(|text| text.len() >= 6) {
                self.queue_layer(text, range, true);
            }
        }
    }

    fn queue_layer(&mut self, text: String, range: TextRange, is_run: bool) {
        let mut hasher = FxHasher::default();
        (text.as_str(), self.frame.function.0).hash(&mut hasher);
        if !self.engine.seen_layers.insert(hasher.finish()) {
            return;
        }
        self.engine.layers.push_back(PendingLayer {
            text: text.into(),
            module: self.module,
            place: self.place(range.start().to_u32()),
            function: self.frame.function,
            is_run,
        });
    }
}

fn merge(held: &mut Vec<Argument>, more: Vec<Argument>) {
    if held.is_empty() {
        *held = more;
        return;
    }
    for (held, more) in held.iter_mut().zip(more) {
        held.labels = held.labels.and(more.labels);
        if held.value == more.value || more.value == Folded::Unknown {
            continue;
        }
        match &mut held.value {
            Folded::Unknown => held.value = more.value,
            Folded::OneOf(values) if values.len() < 8 => {
                if !values.contains(&more.value) {
                    values.push(more.value);
                }
            }
            Folded::OneOf(_) => {}
            other => *other = Folded::OneOf(vec![std::mem::take(other), more.value]),
        }
    }
}

fn shortened(code: &str) -> Arc<str> {
    match code.char_indices().nth(CODE) {
        Some((end, _)) => code[..end].into(),
        None => code.into(),
    }
}

/// Shannon entropy in bits a byte, of the first 64 KiB.
fn entropy(bytes: &[u8]) -> f32 {
    let bytes = &bytes[..bytes.len().min(64 << 10)];
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len().max(1) as f32;
    let share = |count: &u32| {
        let share = *count as f32 / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}
