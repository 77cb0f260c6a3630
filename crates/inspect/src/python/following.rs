//! Which sources are followed, and in which order: those that name something first, those that use
//! what they export after, and the layers that decoding brings to light last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::analysis::{EngineFinding, EngineFindingKind, Inspected, Module, SinkKind};
use super::aside::Aside;
use super::callers::{Callers, givers};
use super::encoding;
use super::engine::{Engine, ModuleState, PendingLayer};
use super::graph;
use super::label::{Label, Labels};
use super::parse::{self, Tree};
use super::places;
use super::prefilter;
use super::source::{Package, Role, Source};
use super::source_bytes::Unpacker;
use super::symbols::Sym;
use super::text;
use super::users::Users;
use super::value::{FunctionId, Kind};
use super::walk::Walker;

/// How often modules are followed again because what they import became known.
const ROUNDS: u8 = 3;
/// A layer of fewer bytes is looked into whatever it holds.
const SMALLEST_LAYER: usize = 6;

/// What is done with one source.
enum Plan {
    Skip,
    Count,
    Follow,
}

/// Follows the whole of `package`.
pub(super) fn follow_package(engine: &mut Engine<'_>, package: &Package) {
    let mut unpacker = Unpacker::default();
    let mut followed: FxHashSet<u32> = FxHashSet::default();
    let mut aside = Aside::default();
    for source in &package.sources {
        engine.statistics.sources += 1;
        engine.statistics.bytes += source.bytes.len() as u64;
        engine.modules.push(state(
            empty_module(source.path.clone(), source.role, 0),
            source.module.clone(),
            is_package(source),
        ));
        engine.symbols.owns(&source.module);
    }
    for (index, source) in (0..).zip(&package.sources) {
        let bytes = unpacker.read(&source.bytes);
        let decoded = encoding::decode(&bytes[..bytes.len().min(engine.budget.source_bytes)]);
        let plan = look(engine, (index, source), bytes, &decoded);
        if matches!(plan, Plan::Follow) && !aside.takes(index, source) {
            follow_text(engine, index, &decoded.text);
            followed.insert(index);
        }
    }
    let (mut users, mut callers) = (Users::default(), Callers::default());
    for _ in 0..ROUNDS {
        let mut again = to_follow_again(
            engine,
            package,
            &followed,
            (&mut users, &mut callers, &mut unpacker),
        );
        again.extend(aside.asked_for(engine, package, &mut unpacker));
        again.sort_unstable();
        again.dedup();
        if again.is_empty() {
            break;
        }
        for index in again {
            let bytes = unpacker.read(&package.sources[index as usize].bytes);
            follow_text(engine, index, &encoding::decode(bytes).text);
            followed.insert(index);
        }
    }
    engine.statistics.followed = followed.len();
    follow_layers(engine);
    if engine.traces.is_full {
        incomplete(
            engine,
            0,
            "the data flow has more steps than are remembered",
        );
    }
}

fn is_package(source: &Source) -> bool {
    source.path.ends_with("/__init__.py") || &*source.path == "__init__.py"
}

/// Looks at the text of one source and says whether it is to be followed.
fn look(
    engine: &mut Engine<'_>,
    (index, source): (u32, &Source),
    bytes: &[u8],
    decoded: &encoding::Text<'_>,
) -> Plan {
    let context = graph::top_context(source.role);
    let is_large = bytes.len() > engine.budget.source_bytes;
    let is_entered = !source.module.is_empty()
        && engine.package.entry_points.iter().any(|entry| {
            let module = entry.target.split([':', '[']).next().unwrap_or_default();
            module.trim() == &*source.module
        });
    let (facts, longest) = text::look(&bytes[..bytes.len().min(engine.budget.source_bytes)]);
    engine.modules[index as usize].facts.text = facts;
    if let Some(problem) = &decoded.problem {
        let message = format!("the source {problem}");
        add(
            engine,
            index,
            (EngineFindingKind::Unparsable, 0),
            context,
            message,
        );
    }
    let plan = match source.role {
        _ if is_large => Plan::Count,
        Role::Install | Role::BuildBackend | Role::Startup => Plan::Follow,
        _ if is_entered => Plan::Follow,
        _ if decoded.problem.is_some() || prefilter::is_interesting(&decoded.text) => Plan::Follow,
        _ if longest > text::LONG_LINE => Plan::Count,
        _ => Plan::Skip,
    };
    match plan {
        Plan::Count => {
            if is_large {
                incomplete(engine, index, "the source is larger than is looked at");
            }
            if let Err(deep) = parse::count(&decoded.text, engine.budget.depth) {
                bomb(engine, index, deep.depth);
            }
        }
        Plan::Follow | Plan::Skip => {}
    }
    plan
}

/// Parses and follows one source; whatever goes wrong is a finding.
fn follow_text(engine: &mut Engine<'_>, index: u32, text: &str) {
    if engine.deadline.is_over() {
        return incomplete(engine, index, "the time for the distribution was over");
    }
    engine.statistics.parsed_bytes += text.len() as u64;
    let limit = engine.budget.depth;
    // Neither parser nor walker is known to panic; if one does, it says so and does not take the rest
    // of the inspection with it.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let tree = parse::parse(text, limit)?;
        Ok::<bool, parse::TooDeep>(follow_tree(engine, index, text, &tree))
    }));
    match outcome {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => incomplete(
            engine,
            index,
            "the source takes more time than is given to one",
        ),
        Ok(Err(deep)) => bomb(engine, index, deep.depth),
        Err(_) => incomplete(engine, index, "the analysis failed on the source"),
    }
}

fn follow_tree(engine: &mut Engine<'_>, index: u32, text: &str, tree: &Tree) -> bool {
    engine.forget(index);
    let module = &mut engine.modules[index as usize];
    module.open(text);
    module.facts.depth = Inspected::Whole;
    if let Some((offset, error)) = tree.first_error() {
        let place = places::place(module, offset as u32);
        let (context, is_layer) = (
            graph::top_context(module.facts.role),
            module.facts.layer > 0,
        );
        let message = format!("does not parse as Python 3: {error}");
        if !is_layer {
            let kind = (EngineFindingKind::Unparsable, place.line);
            add(engine, index, kind, context, message);
        }
    }
    let is_whole = Walker::new(engine, index, text).run(tree.module());
    engine.modules[index as usize].close();
    engine.large.close();
    is_whole
}

/// Sources that asked for names which are known now, and sources not followed so far that use a
/// function which matters.
fn to_follow_again(
    engine: &Engine<'_>,
    package: &Package,
    followed: &FxHashSet<u32>,
    (users, callers, unpacker): (&mut Users, &mut Callers, &mut Unpacker),
) -> Vec<u32> {
    let mut again: Vec<u32> = Vec::new();
    for (index, module) in engine.modules.iter().enumerate() {
        let matters = |sym: &Sym| {
            let exported = engine.exports.get(sym);
            exported.is_some_and(|value| {
                matters(engine, &value.kind, module) || value.taint.has_label()
            })
        };
        let is_known = |sym: &Sym| engine.exports.contains_key(sym);
        // What builds a distribution names commands that stand elsewhere.
        let builds = matches!(module.facts.role, Role::Install | Role::BuildBackend);
        if builds && module.unresolved.iter().any(is_known) {
            again.push(index as u32);
        }
        if module.unresolved.iter().any(matters) || module.wanted.iter().any(is_known) {
            again.push(index as u32);
        }
    }
    again.extend(users.find(engine, package, followed, unpacker));
    again.extend(payload_holders(engine, package, followed));
    again.extend(callers.find(engine, package, followed, unpacker));
    again.extend(givers(engine, package, followed, unpacker));
    again.sort_unstable();
    again.dedup();
    again
}

/// Whether knowing that a name is `kind` tells more about a module than not knowing.
fn matters(engine: &Engine<'_>, kind: &Kind, module: &ModuleState) -> bool {
    let function_matters = |function: FunctionId| {
        gives_labels(engine, function) || (module.has_sources && reaches_sinks(engine, function))
    };
    match kind {
        Kind::Function(function) | Kind::Bound(function, _) => function_matters(*function),
        Kind::Symbol(sym, _) => {
            let known = engine.symbols.known(*sym);
            known.sink.is_some() || known.source.is_some() || known.decoder.is_some()
        }
        Kind::Class(class) | Kind::Instance(class) => {
            let attributes = &engine.classes[class.0 as usize].attributes;
            attributes.values().any(|value| match value.kind {
                Kind::Function(function) => function_matters(function),
                _ => false,
            })
        }
        Kind::Str(_) | Kind::Bytes(_) | Kind::List(_) | Kind::Dict(_) => runs_code(module),
        _ => false,
    }
}

/// Whether something passed to the function is run or sent.
fn reaches_sinks(engine: &Engine<'_>, function: FunctionId) -> bool {
    let is_grave = |kind| matches!(kind, SinkKind::Exec | SinkKind::Command | SinkKind::Send);
    engine.functions[function.0 as usize]
        .summary
        .sinks
        .iter()
        .any(|sink| is_grave(sink.kind))
}

/// Whether the function gives back something that must not leave or run.
pub(super) fn gives_labels(engine: &Engine<'_>, function: FunctionId) -> bool {
    let harmless = Labels::of(&[Label::Env, Label::File, Label::OwnFile, Label::UserInput]);
    let given = engine.functions[function.0 as usize]
        .summary
        .returns
        .taint
        .labels();
    given.iter().any(|label| !harmless.has(label))
}

fn runs_code(module: &ModuleState) -> bool {
    module
        .calls
        .iter()
        .any(|raw| matches!(raw.call.sink, Some(SinkKind::Exec | SinkKind::Deserialise)))
}

/// Modules that name nothing, but from which a module that runs code takes something, or to which data
/// with a label is given.
fn payload_holders(engine: &Engine<'_>, package: &Package, followed: &FxHashSet<u32>) -> Vec<u32> {
    let by_name: FxHashMap<&str, u32> = package
        .sources
        .iter()
        .enumerate()
        .filter(|(index, source)| !followed.contains(&(*index as u32)) && !source.module.is_empty())
        .map(|(index, source)| (&*source.module, index as u32))
        .collect();
    let mut holders = Vec::new();
    for module in &engine.modules {
        let holders_of = if runs_code(module) {
            &module.unresolved
        } else {
            &module.wanted
        };
        for sym in holders_of {
            let name = engine.symbols.name(*sym);
            let owner = name.rsplit_once('.').map_or("", |(owner, _)| owner);
            holders.extend(by_name.get(&**name).or_else(|| by_name.get(owner)));
        }
    }
    holders
}

fn follow_layers(engine: &mut Engine<'_>) {
    while let Some(layer) = engine.layers.pop_front() {
        let outer = &engine.modules[layer.module as usize];
        let (depth, role, path) = (
            outer.facts.layer,
            outer.facts.role,
            outer.facts.path.clone(),
        );
        if depth >= engine.budget.layers {
            incomplete(
                engine,
                layer.module,
                "code is decoded more often than is followed",
            );
            continue;
        }
        engine.layer_bytes += layer.text.len();
        if engine.layer_bytes > engine.budget.layer_bytes {
            incomplete(
                engine,
                layer.module,
                "more code is decoded than is followed",
            );
            return;
        }
        if !reads_like_python(engine, &layer) {
            continue;
        }
        let mut module = empty_module(path, role, depth + 1);
        module.unwrapped_at = Some(layer.place.clone());
        module.is_hidden = !layer.is_run;
        module.text = text::look(layer.text.as_bytes()).0;
        let name = engine.modules[layer.module as usize].name.clone();
        engine.modules.push(state(module, name, false));
        let index = engine.modules.len() as u32 - 1;
        engine.statistics.layers += 1;
        let text: Arc<str> = layer.text.clone();
        follow_text(engine, index, &text);
        if let Some(top) = engine.modules[index as usize].top {
            engine.edges.insert((layer.function, top));
        }
    }
}

/// What is run is Python whatever it looks like; what is only decoded has to parse.
fn reads_like_python(engine: &Engine<'_>, layer: &PendingLayer) -> bool {
    if layer.text.len() < SMALLEST_LAYER {
        return false;
    }
    if layer.is_run {
        return true;
    }
    match parse::parse(&layer.text, engine.budget.depth) {
        Ok(tree) => tree.first_error().is_none() && !tree.module().body.is_empty(),
        Err(_) => true,
    }
}

fn empty_module(path: Arc<str>, role: Role, layer: u8) -> Module {
    Module {
        path,
        role,
        layer,
        unwrapped_at: None,
        is_hidden: false,
        depth: Inspected::Text,
        context: graph::top_context(role),
        calls: Vec::new(),
        literals: Vec::new(),
        imports: Vec::new(),
        patches: Vec::new(),
        classes: Vec::new(),
        text: Vec::new(),
    }
}

fn state(facts: Module, name: Arc<str>, is_package: bool) -> ModuleState {
    ModuleState {
        facts,
        calls: Vec::new(),
        call_index: FxHashMap::default(),
        literals: Vec::new(),
        patches: Vec::new(),
        noted: FxHashSet::default(),
        text: None,
        line_starts: Vec::new(),
        top: None,
        name,
        is_package,
        unresolved: FxHashSet::default(),
        wanted: FxHashSet::default(),
        has_sources: false,
        functions: Vec::new(),
        classes: Vec::new(),
    }
}

fn bomb(engine: &mut Engine<'_>, index: u32, depth: u32) {
    let module = &mut engine.modules[index as usize];
    module.facts.depth = Inspected::Tokens;
    let context = graph::top_context(module.facts.role);
    let message = format!("nests or chains at least {depth} deep, which exhausts parsers");
    add(
        engine,
        index,
        (EngineFindingKind::ParserBomb, 0),
        context,
        message,
    );
}

/// Something was not looked at to the end.
pub(super) fn incomplete(engine: &mut Engine<'_>, index: u32, why: &str) {
    let Some(module) = engine.modules.get(index as usize) else {
        return;
    };
    let context = graph::top_context(module.facts.role);
    add(
        engine,
        index,
        (EngineFindingKind::Incomplete, 0),
        context,
        why.to_owned(),
    );
}

fn add(
    engine: &mut Engine<'_>,
    index: u32,
    (kind, line): (EngineFindingKind, u32),
    context: portcullis_core::inspection::Context,
    message: String,
) {
    let facts = &engine.modules[index as usize].facts;
    let (file, layer) = (facts.path.clone(), facts.layer);
    let finding = EngineFinding {
        kind,
        file,
        line,
        layer,
        context,
        message,
    };
    if !engine.findings.contains(&finding) {
        engine.findings.push(finding);
    }
}
