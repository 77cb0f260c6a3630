//! Who runs what: contexts, from where code begins to everything reached from there.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};

use super::engine::Engine;
use super::source::{Package, Role};
use super::symbols::Sym;
use super::value::{ClassId, FunctionId, Kind};
use portcullis_core::inspection::Context;

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
        for callee in edges.of(function) {
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
        // Whatever a build backend of the distribution's own can do, a build may ask of it (PEP 517).
        if module.facts.role == Role::BuildBackend {
            roots.push((id, Context::Install));
        }
        // Whoever imports a name that a module does not have runs this (PEP 562).
        let is_module_hook = matches!(&*function.name, "__getattr__" | "__dir__");
        if is_module_hook && !is_test && !module.name.is_empty() {
            roots.push((id, top_context(module.facts.role)));
        }
    }
    // What a command does in one of its methods, it does when it is run: they call each other through
    // what setuptools gives them.
    for class in command_classes(engine) {
        let methods = engine.methods_of(class);
        roots.extend(methods.map(|method| (method, Context::Install)));
        let inherited = [
            "run",
            "initialize_options",
            "finalize_options",
            "initialize",
        ];
        let inherited = inherited
            .iter()
            .filter_map(|name| engine.class_attribute(class, name));
        roots.extend(inherited.filter_map(|(value, _)| match value.kind {
            Kind::Function(method) => Some((method, Context::Install)),
            _ => None,
        }));
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
        let context = entry_context(&entry.group);
        let found = engine.exports.get(&sym).map(|value| value.kind.clone());
        match found {
            Some(Kind::Function(function)) => roots.push((function, context)),
            Some(Kind::Class(class)) if group_is_command(&entry.group) => {
                roots.extend(
                    engine
                        .methods_of(class)
                        .map(|method| (method, Context::Install)),
                );
            }
            Some(Kind::Class(class)) if context.is_unasked() => {
                roots.extend(engine.methods_of(class).map(|method| (method, context)));
            }
            _ => {}
        }
        if entry.group == "pytest11" {
            roots.extend(hooks_of(engine, &target).map(|function| (function, Context::Import)));
        }
    }
    roots
}

/// When what an entry point names runs: plugins of tools are loaded by whoever uses the tool, and those
/// of setuptools by every build.
fn entry_context(group: &str) -> Context {
    match group {
        "setuptools.cmdclass" | "setuptools.finalize_distribution_options" => Context::Install,
        "pytest11" | "flake8.extension" | "flake8.report" => Context::Import,
        _ => Context::Entry,
    }
}

fn group_is_command(group: &str) -> bool {
    group == "setuptools.cmdclass"
}

/// The functions that pytest calls by their names, and fixtures, in the module of a plugin.
fn hooks_of<'e>(engine: &'e Engine<'_>, module: &'e str) -> impl Iterator<Item = FunctionId> + 'e {
    let functions = engine.functions.iter().enumerate();
    functions.filter_map(move |(at, function)| {
        let state = &engine.modules[function.module as usize];
        let is_hook = function.name.starts_with("pytest_") || function.is_fixture;
        (is_hook && *state.name == *module).then_some(FunctionId(at as u32))
    })
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
            name.contains(".command.")
                || name.ends_with("Command")
                || name.ends_with(".Distribution")
                || name.ends_with("build_ext")
                || name.ends_with("HookInterface")
        }
        Kind::Class(_) => true,
        _ => false,
    })
}

/// Every function that calls one of `these`, or calls one that does, themselves included.
pub(super) fn leading_to(
    engine: &Engine<'_>,
    these: &FxHashSet<FunctionId>,
) -> FxHashSet<FunctionId> {
    let pairs = pairs(engine);
    let back = pairs.iter().map(|(caller, callee)| (*callee, *caller));
    let callers = Edges::of_pairs(engine.functions.len(), back);
    drop(pairs);
    let mut found = these.clone();
    let mut open: Vec<FunctionId> = these.iter().copied().collect();
    while let Some(function) = open.pop() {
        for caller in callers.of(function) {
            if found.insert(*caller) {
                open.push(*caller);
            }
        }
    }
    found
}

/// What each function leads to, one function after the other.
pub(super) struct Edges {
    /// Where those of each function begin; one more at the end.
    starts: Vec<u32>,
    to: Vec<FunctionId>,
}

impl Edges {
    fn of_pairs(
        functions: usize,
        pairs: impl ExactSizeIterator<Item = (FunctionId, FunctionId)> + Clone,
    ) -> Self {
        let mut starts = vec![0; functions + 1];
        for (from, _) in pairs.clone() {
            starts[from.0 as usize + 1] += 1;
        }
        for at in 0..functions {
            starts[at + 1] += starts[at];
        }
        let mut next: Vec<u32> = starts.clone();
        let mut to = vec![FunctionId(0); pairs.len()];
        for (from, target) in pairs {
            let at = &mut next[from.0 as usize];
            to[*at as usize] = target;
            *at += 1;
        }
        Self { starts, to }
    }

    pub(super) fn of(&self, function: FunctionId) -> &[FunctionId] {
        let at = function.0 as usize;
        &self.to[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

/// Edges by caller; names resolved to what a module of the distribution defines under them.
pub(super) fn edges(engine: &Engine<'_>) -> Edges {
    Edges::of_pairs(engine.functions.len(), pairs(engine).iter().copied())
}

fn pairs(engine: &Engine<'_>) -> Vec<(FunctionId, FunctionId)> {
    let mut pairs: Vec<(FunctionId, FunctionId)> = engine.edges.iter().copied().collect();
    let tops: FxHashMap<&str, FunctionId> = engine
        .modules
        .iter()
        .filter(|module| !module.name.is_empty() && module.facts.layer == 0)
        .filter_map(|module| Some((&*module.name, module.top?)))
        .collect();
    // The same few names are imported and called all over.
    let mut runs: FxHashMap<Sym, Vec<FunctionId>> = FxHashMap::default();
    for (caller, sym) in engine.import_edges.iter().chain(&engine.named_edges) {
        let name = engine.symbols.name(*sym);
        let run = runs
            .entry(*sym)
            .or_insert_with(|| imported(&tops, name).collect());
        pairs.extend(run.iter().map(|top| (*caller, *top)));
    }
    for (caller, path) in &engine.path_edges {
        let name = path.rsplit(['/', '>']).next().unwrap_or(path);
        let ends = path
            .trim_start_matches("<here>")
            .trim_start_matches(['.', '/']);
        let tops = engine
            .modules
            .iter()
            .filter(|module| module.facts.layer == 0);
        let run = tops.filter(|module| {
            let of = &module.facts.path;
            of.rsplit('/').next() == Some(name) && of.ends_with(ends)
        });
        pairs.extend(run.filter_map(|module| Some((*caller, module.top?))));
    }
    for (caller, sym) in &engine.named_edges {
        pairs.extend(called(engine, *sym).map(|callee| (*caller, callee)));
    }
    pairs
}

/// The top levels that run when `name` is imported: the packages above it run first.
fn imported(tops: &FxHashMap<&str, FunctionId>, name: &str) -> impl Iterator<Item = FunctionId> {
    let dots = name.match_indices('.').map(|(at, _)| at);
    let ends = dots.chain([name.len()]);
    ends.filter_map(|end| tops.get(&name[..end]).copied())
}

/// What runs when the thing named `sym` is called: a function, what makes an instance, or a method of a
/// class or instance that another module gives.
fn called(engine: &Engine<'_>, sym: Sym) -> Option<FunctionId> {
    let of_class = |class: ClassId, name: &str| {
        let method = engine
            .class_attribute(class, name)
            .map(|(value, _)| value.kind);
        match method {
            Some(Kind::Function(method)) => Some(method),
            _ => None,
        }
    };
    match engine.exports.get(&sym).map(|value| &value.kind) {
        Some(Kind::Function(function)) => return Some(*function),
        Some(Kind::Class(class)) => return of_class(*class, "__init__"),
        _ => {}
    }
    let (owner, method) = engine.symbols.name(sym).rsplit_once('.')?;
    let owner = engine
        .symbols
        .find(owner.strip_suffix("()").unwrap_or(owner))?;
    match engine.exports.get(&owner).map(|value| &value.kind) {
        Some(Kind::Class(class) | Kind::Instance(class)) => of_class(*class, method),
        _ => None,
    }
}
