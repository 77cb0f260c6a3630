//! Sources that name nothing which could do harm, but something of the distribution that does: who calls
//! it says when it runs. They are found by the words in their text, before anything is parsed.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::analysis::SinkKind;
use super::bodies::bodies;
use super::engine::Engine;
use super::graph;
use super::label::Label;
use super::normal::IS_PART;
use super::source::{Package, Role, Source};
use super::source_bytes::Unpacker;
use super::symbols::Sym;
use super::value::{FunctionId, Kind};
use portcullis_core::inspection::CapabilityKind;

/// More names than this are not looked for: so large a distribution is followed nearly whole anyway.
const NAMES: usize = 20_000;
/// A list of imported names is not longer than this.
const LISTED: usize = 4_096;
/// Modules that may lie between what does harm and what calls it.
const HANDED_ON: usize = 4;

/// What was looked for in the sources that are not followed.
#[derive(Default)]
pub(super) struct Callers {
    asked: FxHashSet<Sym>,
    /// Functions that only hand on what does harm, with the sources that they stand in.
    handing: FxHashMap<Arc<str>, u32>,
}

impl Callers {
    /// Sources not followed so far whose top level names something which does harm, and the module it
    /// stands in, with those that only hand it on in between. They were asked for other names before:
    /// whoever had one of those is followed.
    pub(super) fn find(
        &mut self,
        engine: &Engine<'_>,
        package: &Package,
        followed: &FxHashSet<u32>,
        unpacker: &mut Unpacker,
    ) -> Vec<u32> {
        let is_open = |(index, source): &(u32, &Source)| {
            !followed.contains(index)
                && !matches!(source.role, Role::Test | Role::Doc)
                && source.bytes.len() <= engine.budget.source_bytes
        };
        let open: Vec<(u32, &Source)> = (0..).zip(&package.sources).filter(is_open).collect();
        if open.is_empty() {
            return Vec::new();
        }
        let mut new = harmful_names(engine);
        new.retain(|sym| self.asked.insert(*sym));
        let mut names: Vec<Arc<str>> = new
            .iter()
            .map(|sym| engine.symbols.name(*sym).clone())
            .collect();
        let mut found = self.asked_for(engine, followed);
        for _ in 0..HANDED_ON {
            if names.is_empty() {
                break;
            }
            let known = Names::of(names.iter().map(|name| &**name));
            let mut handing = Vec::new();
            for (index, source) in &open {
                let used = known.used_in(&source.module, unpacker.read(&source.bytes));
                if let Some(name) = used.at_import {
                    found.insert(*index);
                    found.extend(self.handing.get(&*name));
                }
                for name in used
                    .handed_on
                    .into_iter()
                    .filter(|_| !source.module.is_empty())
                {
                    let name: Arc<str> = format!("{}.{name}", source.module).into();
                    if self.handing.insert(name.clone(), *index).is_none() {
                        handing.push(name);
                    }
                }
            }
            names = handing;
        }
        found.extend(self.asked_for(engine, followed));
        let mut found: Vec<u32> = found.into_iter().collect();
        found.sort_unstable();
        found
    }

    /// Sources that hand something on which a followed module calls without knowing it.
    fn asked_for(&self, engine: &Engine<'_>, followed: &FxHashSet<u32>) -> FxHashSet<u32> {
        let unresolved = engine.modules.iter().flat_map(|module| &module.unresolved);
        let asked = unresolved.filter_map(|sym| self.handing.get(&**engine.symbols.name(*sym)));
        let open = asked.filter(|index| !followed.contains(index));
        open.copied().collect()
    }
}

/// How a source uses names that it was asked for.
#[derive(Default)]
struct Used {
    /// The dotted name of one that stands outside of all functions.
    at_import: Option<String>,
    /// The source's own functions and classes in which one stands.
    handed_on: Vec<String>,
}

/// Words of sources that give what is worth sending, but that do nothing with it themselves.
const GIVING: &[&str] = &[
    "getnode",
    "getpwuid",
    "getuser",
    "gethostname",
    "platform.node",
    "platform.uname",
    "getlogin",
    "expanduser",
    "Path.home",
    "psutil",
    "cpu_count",
    "listdir",
    "os.walk",
    "netifaces",
    "uuid1",
];

/// A source with addresses is not longer when it has little else.
const SETTINGS: usize = 4_096;

/// Sources not followed so far of which something is taken by one that was, and that tell of the machine
/// or of its files.
pub(super) fn givers(
    engine: &Engine<'_>,
    package: &Package,
    followed: &FxHashSet<u32>,
    unpacker: &mut Unpacker,
) -> Vec<u32> {
    let open = package
        .sources
        .iter()
        .enumerate()
        .filter(|(index, source)| {
            !followed.contains(&(*index as u32))
                && !source.module.is_empty()
                && !matches!(source.role, Role::Test | Role::Doc)
                && source.bytes.len() <= engine.budget.source_bytes
        });
    let mut gives = |source: &Source| {
        let bytes = unpacker.read(&source.bytes);
        let has = |word: &str| memchr::memmem::find(bytes, word.as_bytes()).is_some();
        GIVING.iter().any(|word| has(word)) || bytes.len() < SETTINGS && has("://")
    };
    let open: FxHashMap<&str, (u32, &Source)> = open
        .map(|(index, source)| (&*source.module, (index as u32, source)))
        .collect();
    if open.is_empty() {
        return Vec::new();
    }
    let mut asked: FxHashSet<&str> = FxHashSet::default();
    for sym in engine.modules.iter().flat_map(|module| &module.unresolved) {
        let name = &**engine.symbols.name(*sym);
        let owner = name.rsplit_once('.').map_or("", |(owner, _)| owner);
        asked.extend([name, owner]);
    }
    let found = asked.into_iter().filter_map(|name| open.get(name));
    let mut found: Vec<(u32, &Source)> = found.copied().collect();
    // Neighbours are unpacked together.
    found.sort_unstable_by_key(|(index, _)| *index);
    found.retain(|(_, source)| gives(source));
    found.into_iter().map(|(index, _)| index).collect()
}

/// What importers can call and what does harm when they do.
fn harmful_names(engine: &Engine<'_>) -> Vec<Sym> {
    let harmful = graph::leading_to(engine, &harmful_functions(engine));
    let does_harm = |function: &FunctionId| {
        let module = engine.functions[function.0 as usize].module as usize;
        let role = engine.modules[module].facts.role;
        harmful.contains(function) && !matches!(role, Role::Test | Role::Doc)
    };
    let mut names = Vec::new();
    for (sym, value) in &engine.exports {
        let is_harmful = value.kind.alternatives().iter().any(|kind| match kind {
            Kind::Function(function) | Kind::Bound(function, _) => does_harm(function),
            Kind::Class(class) | Kind::Instance(class) => {
                let attributes = &engine.classes[class.0 as usize].attributes;
                attributes.values().any(
                    |value| matches!(&value.kind, Kind::Function(function) if does_harm(function)),
                )
            }
            _ => false,
        });
        if is_harmful {
            names.push(*sym);
        }
    }
    names.truncate(NAMES);
    names
}

/// Functions that call what runs, sends, loads, writes or deletes something.
fn harmful_functions(engine: &Engine<'_>) -> FxHashSet<FunctionId> {
    let calls = engine.modules.iter().flat_map(|module| &module.calls);
    let harmful = calls.filter(|raw| {
        let spies = matches!(
            engine.symbols.known(raw.sym).source,
            Some((Label::Clipboard | Label::Keys | Label::Screen, _))
        );
        let is_sink = raw.call.sink.is_some_and(|kind| kind != SinkKind::Import);
        let speaks = || engine.symbols.known(raw.sym).capability == Some(CapabilityKind::Network);
        spies || is_sink || speaks()
    });
    harmful.map(|raw| raw.function).collect()
}

/// The bit of a length among 64 of which the last stands for all longer ones.
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

/// Dotted names of things, by the words that whoever uses them writes.
struct Names<'n> {
    /// The modules in which something of this name stands.
    modules: FxHashMap<&'n str, Vec<&'n str>>,
    /// The names of things, and the last parts of their modules'.
    words: FxHashSet<&'n [u8]>,
    /// For each first byte of those words their lengths, one bit each: most words of a text are told apart
    /// by these alone.
    lengths: Box<[u64; 256]>,
}

impl<'n> Names<'n> {
    fn of(names: impl Iterator<Item = &'n str>) -> Self {
        let mut modules: FxHashMap<&str, Vec<&str>> = FxHashMap::default();
        let mut words = FxHashSet::default();
        for (module, name) in names.filter_map(|name| name.rsplit_once('.')) {
            modules.entry(name).or_default().push(module);
            words.extend([name.as_bytes(), last(module).as_bytes()]);
        }
        let mut lengths = Box::new([0; 256]);
        for word in &words {
            let first = word.first().copied().unwrap_or_default();
            lengths[usize::from(first)] |= length_bit(word.len());
        }
        Self {
            modules,
            words,
            lengths,
        }
    }

    /// The word, when it is one of those that are looked for.
    fn word(&self, word: &[u8]) -> Option<&'n [u8]> {
        let lengths = self.lengths[usize::from(*word.first()?)];
        if lengths & length_bit(word.len()) == 0 {
            return None;
        }
        self.words.get(word).copied()
    }

    /// How the source uses one of the names, when it has the module that it stands in as a word, too. What
    /// is `inside` the module, as a package, can take the name from it without naming it.
    fn used_in(&self, inside: &str, text: &[u8]) -> Used {
        let mut seen: FxHashSet<&[u8]> = FxHashSet::default();
        let mut places: Vec<(&[u8], usize)> = Vec::new();
        let mut at = 0;
        for word in text.split(|byte| !IS_PART[usize::from(*byte)]) {
            if let Some(word) = self.word(word) {
                seen.insert(word);
                places.push((word, at));
            }
            at += word.len() + 1;
        }
        let is_inside = |module: &str| {
            let rest = inside.strip_prefix(module);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let is_near = |module: &&str| seen.contains(last(module).as_bytes()) || is_inside(module);
        let named = |word: &[u8]| {
            let modules = self.modules.get(std::str::from_utf8(word).ok()?)?;
            modules.iter().copied().find(is_near)
        };
        places.retain(|(word, at)| named(word).is_some() && !is_imported(text, *at));
        let mut used = Used::default();
        if places.is_empty() {
            return used;
        }
        let bodies = bodies(text);
        for (word, at) in places {
            let body = bodies.iter().find(|body| body.holds(at));
            match (body, named(word)) {
                (Some(body), _) => used
                    .handed_on
                    .push(String::from_utf8_lossy(body.name).into()),
                (None, Some(module)) => {
                    let name = String::from_utf8_lossy(word);
                    used.at_import = Some(format!("{module}.{name}"));
                }
                (None, None) => {}
            }
        }
        used.handed_on.sort_unstable();
        used.handed_on.dedup();
        used
    }
}

/// Whether the word at `at` stands in a line that imports, and not under another name.
fn is_imported(text: &[u8], at: usize) -> bool {
    let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |line| line + 1);
    let length = memchr::memchr(b'\n', &text[at..]).unwrap_or(text.len() - at);
    let line = text[start..at + length].trim_ascii();
    let is_import = line.starts_with(b"from ") || line.starts_with(b"import ");
    let is_more = memchr::memmem::find(line, b" as ").is_some() || line.contains(&b';');
    if is_import {
        return !is_more;
    }
    // A list of names in parentheses that goes on over several lines.
    let before = &text[at.saturating_sub(LISTED)..at];
    let list = memchr::memmem::rfind(before, b"import (").map(|open| &before[open..]);
    let is_listed = list.is_some_and(|list| !list.contains(&b')')) && !is_more;
    // A name in quotes is told, as in `__all__`, and not called.
    let is_quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\''));
    let end = text[at..]
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')
        .map_or(text.len(), |length| at + length);
    is_listed || at > 0 && is_quote(text.get(at - 1)) && is_quote(text.get(end))
}

fn last(module: &str) -> &str {
    module.rsplit('.').next().unwrap_or(module)
}
