//! Who runs what: contexts, from where code begins to everything reached from there.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::engine::Engine;
use super::source::{Package, Role};
use super::symbols::Sym;
use super::value::{ClassId, FunctionId, Kind};
use portcullis_core::inspection::Context;

/// Hooks that a PEP 517 front end calls.
const HOOKS: &[&str] = &[
    "build_wheel",
    "build_sdist",
    "build_editable",
    "get_requires_for_build_wheel",
    "get_requires_for_build_sdist",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_wheel",
    "prepare_metadata_for_build_editable",
];
/// Methods of a command that `setup()` runs.
const COMMAND_METHODS: &[&str] = &[
    "run",
    "__init__",
    "initialize_options",
    "finalize_options",
    "build_extension",
    "build_extensions",
];

/// The strictest context of each function.
pub(super) fn contexts(engine: &mut Engine<'_>, package: &Package) -> Vec<Context> {
    let mut contexts: Vec<Context> = engine
        .functions
        .iter()
        .map(|function| floor(engine.modules[function.module as usize].facts.role))
        .collect();
    let mut open: VecDeque<FunctionId> = VecDeque::new();
    let mut raise = |contexts: &mut Vec<Context>, function: FunctionId, context: Context| {
        let held = &mut contexts[function.0 as usize];
        if context > *held {
            *held = context;
            open.push_back(function);
        }
    };
    for (function, context) in roots(engine, package) {
        raise(&mut contexts, function, context);
    }
    let edges = edges(engine);
    while let Some(function) = open.pop_front() {
        let context = contexts[function.0 as usize];
        for callee in edges.get(&function).into_iter().flatten() {
            let held = &mut contexts[callee.0 as usize];
            if context > *held {
                *held = context;
                open.push_back(*callee);
            }
        }
    }
    contexts
}

/// The context of a function that nothing is seen to run.
fn floor(role: Role) -> Context {
    match role {
        Role::Test | Role::Doc => Context::Test,
        _ => Context::Call,
    }
}

/// When the top level of a source with this role runs.
pub(super) fn top_context(role: Role) -> Context {
    match role {
        Role::Install | Role::BuildBackend => Context::Install,
        Role::Startup => Context::Startup,
        Role::Module => Context::Import,
        Role::EntryPoint => Context::Entry,
        Role::Test | Role::Doc => Context::Test,
    }
}

fn roots(engine: &mut Engine<'_>, package: &Package) -> Vec<(FunctionId, Context)> {
    let mut roots = Vec::new();
    for module in &engine.modules {
        // A layer runs when the function that decodes it does, not by itself.
        if let (Some(top), 0) = (module.top, module.facts.layer) {
            roots.push((top, top_context(module.facts.role)));
        }
    }
    for (at, function) in engine.functions.iter().enumerate() {
        let module = &engine.modules[function.module as usize];
        let id = FunctionId(at as u32);
        let is_test = matches!(module.facts.role, Role::Test | Role::Doc);
        if let Some(root) = function.root.filter(|_| !is_test) {
            roots.push((id, root));
        }
        if module.facts.role == Role::BuildBackend && HOOKS.contains(&&*function.name) {
            roots.push((id, Context::Install));
        }
    }
    for class in command_classes(engine) {
        for name in COMMAND_METHODS {
            let method = engine
                .class_attribute(class, name)
                .map(|(value, _)| value.kind);
            if let Some(Kind::Function(method)) = method {
                roots.push((method, Context::Install));
            }
        }
    }
    for entry in &package.entry_points {
        let target = entry
            .target
            .split('[')
            .next()
            .unwrap_or_default()
            .trim()
            .replace(':', ".");
        let sym = engine.symbols.intern(&target);
        if let Some(Kind::Function(function)) = engine.exports.get(&sym).map(|value| &value.kind) {
            roots.push((*function, Context::Entry));
        }
    }
    roots
}

/// Classes that `setup()` runs: named in `cmdclass`, or commands that stand in `setup.py`.
fn command_classes(engine: &Engine<'_>) -> Vec<ClassId> {
    let all = engine.classes.iter().enumerate();
    let commands = all.filter(|(_, class)| {
        let role = engine.modules[class.module as usize].facts.role;
        !class.commands.is_empty()
            || (matches!(role, Role::Install | Role::BuildBackend)
                && is_command(engine, class.bases.iter().map(|base| &base.kind)))
    });
    commands.map(|(at, _)| ClassId(at as u32)).collect()
}

fn is_command<'k>(engine: &Engine<'_>, mut bases: impl Iterator<Item = &'k Kind>) -> bool {
    bases.any(|base| match base {
        Kind::Symbol(sym, _) => {
            let name = engine.symbols.name(*sym);
            name.contains(".command.") || name.ends_with("Command") || name.ends_with("build_ext")
        }
        Kind::Class(_) => true,
        _ => false,
    })
}

/// Edges by caller; names resolved to what a module of the distribution defines under them.
fn edges(engine: &Engine<'_>) -> FxHashMap<FunctionId, Vec<FunctionId>> {
    let mut edges: FxHashMap<FunctionId, Vec<FunctionId>> = FxHashMap::default();
    for (caller, callee) in &engine.edges {
        edges.entry(*caller).or_default().push(*callee);
    }
    let tops: FxHashMap<&str, FunctionId> = engine
        .modules
        .iter()
        .filter(|module| !module.name.is_empty() && module.facts.layer == 0)
        .filter_map(|module| Some((&*module.name, module.top?)))
        .collect();
    for (caller, sym) in &engine.named_edges {
        for callee in named(engine, &tops, *sym) {
            edges.entry(*caller).or_default().push(callee);
        }
    }
    edges
}

fn named(engine: &Engine<'_>, tops: &FxHashMap<&str, FunctionId>, sym: Sym) -> Vec<FunctionId> {
    let mut found = Vec::new();
    let name = engine.symbols.name(sym);
    // Importing a module runs the packages above it first.
    let ends = name
        .match_indices('.')
        .map(|(at, _)| at)
        .chain([name.len()]);
    found.extend(ends.filter_map(|end| tops.get(&name[..end]).copied()));
    match engine.exports.get(&sym).map(|value| &value.kind) {
        Some(Kind::Function(function)) => found.push(*function),
        Some(Kind::Class(class)) => {
            let init = engine
                .class_attribute(*class, "__init__")
                .map(|(value, _)| value.kind);
            if let Some(Kind::Function(init)) = init {
                found.push(init);
            }
        }
        _ => {}
    }
    found
}
