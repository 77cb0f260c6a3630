//! From what the engine gathered to what rules ask: contexts filled in, chains told, calls in the order
//! of the text, capabilities counted.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_core::inspection::{Capability, CapabilityKind, Context, Place, Step};
use rustc_hash::{FxHashMap, FxHashSet};

use super::analysis::{Analysis, Class, Flow, Folded, HandedOn, Module, SinkKind};
use super::encoding;
use super::engine::{Engine, FunctionFact, ModuleState, RawFlow};
use super::graph;
use super::places;
use super::source::{Package, Role};
use super::source_bytes::Unpacker;
use super::taint::tables::known;
use super::value::{FunctionId, Kind};

/// Calls that lie between what a patch puts in and what sends.
const BEHIND: usize = 3;
/// Functions between one that is given something and one that sends it.
const HANDS: u8 = 2;
/// Calls that are told of one patch, and of one function.
const SENDING: usize = 16;

/// The analysis that `engine` has gathered over `package`.
pub(super) fn finish(mut engine: Engine<'_>, package: &Package) -> Analysis {
    let contexts = graph::contexts(&mut engine, package);
    let orders: Vec<Vec<u32>> = engine.modules.iter_mut().map(in_order).collect();
    find_behind_patches(&mut engine);
    let raw_flows = std::mem::take(&mut engine.flows);
    reopen(&mut engine, package, &raw_flows);
    let mut flows: Vec<Flow> = raw_flows
        .into_iter()
        .filter_map(|flow| told(&engine, &contexts, &orders, flow))
        .collect();
    flows = strictest(flows);
    let handed_on = handed_on(&engine, &orders);
    let classes = classes(&engine);
    let mut modules: Vec<Module> = Vec::with_capacity(engine.modules.len());
    let mut names = Names::default();
    for state in engine.modules {
        modules.push(module(state, &contexts));
    }
    for (index, class) in classes {
        modules[index].classes.push(class);
    }
    let capabilities = capabilities(&modules, &mut names);
    Analysis {
        modules,
        flows,
        handed_on,
        findings: engine.findings,
        capabilities,
        statistics: engine.statistics,
    }
}

/// Which parameters reach what sends them, for functions that somebody else may call.
fn handed_on(engine: &Engine<'_>, orders: &[Vec<u32>]) -> Vec<HandedOn> {
    let mut all = Vec::new();
    for function in &engine.functions {
        let is_test = matches!(
            engine.modules[function.module as usize].facts.role,
            Role::Test | Role::Doc
        );
        let sending = function.summary.sinks.iter().filter(|sink| {
            matches!(sink.kind, SinkKind::Send | SinkKind::Resolve) && sink.hops <= HANDS
        });
        for sink in sending.filter(|_| !is_test).take(SENDING) {
            let (module, call) = sink.call;
            let order = orders[module as usize].get(call as usize);
            let parameter = function.parameters.get(usize::from(sink.parameter));
            let (Some(call), Some(parameter)) = (order, parameter) else {
                continue;
            };
            all.push(HandedOn {
                function: function.name.clone(),
                module: function.module as usize,
                parameter: parameter.clone(),
                bases: bases_of(engine, function),
                sink: (module as usize, *call as usize),
                argument: sink.argument.clone(),
                hops: sink.hops,
            });
        }
    }
    all
}

/// The names that the class of a method derives from, outside of the distribution.
fn bases_of(engine: &Engine<'_>, function: &FunctionFact) -> Vec<Arc<str>> {
    let Some((class, _)) = function.name.rsplit_once('.') else {
        return Vec::new();
    };
    let classes = engine.modules[function.module as usize].classes.iter();
    let mut classes = classes.map(|id| &engine.classes[id.0 as usize]);
    let class = classes.find(|fact| *fact.name == *class);
    let bases = class.into_iter().flat_map(|fact| &fact.bases);
    let named = bases.filter_map(|base| match base.kind {
        Kind::Symbol(sym, _) => Some(engine.symbols.name(sym).clone()),
        _ => None,
    });
    named.collect()
}

/// Puts a module's calls in the order of the text; gives back where each went.
fn in_order(module: &mut ModuleState) -> Vec<u32> {
    let mut order: Vec<u32> = (0..module.calls.len() as u32).collect();
    order.sort_by_key(|index| module.calls[*index as usize].offset);
    let mut went = vec![0; order.len()];
    for (to, from) in order.iter().enumerate() {
        went[*from as usize] = to as u32;
    }
    module.calls.sort_by_key(|call| call.offset);
    went
}

/// What sends something in the functions that patches put in, and in what those call.
fn find_behind_patches(engine: &mut Engine<'_>) {
    if engine
        .modules
        .iter()
        .all(|module| module.patches.is_empty())
    {
        return;
    }
    let edges = graph::edges(engine);
    let mut by_function: FxHashMap<FunctionId, Vec<(usize, usize)>> = FxHashMap::default();
    for (at, module) in engine.modules.iter().enumerate() {
        for (index, raw) in module.calls.iter().enumerate() {
            if raw.call.sink == Some(SinkKind::Send) {
                by_function
                    .entry(raw.function)
                    .or_default()
                    .push((at, index));
            }
        }
    }
    for patch in engine
        .modules
        .iter_mut()
        .flat_map(|module| &mut module.patches)
    {
        let mut open: Vec<FunctionId> = patch.functions.clone();
        let mut seen: FxHashSet<FunctionId> = open.iter().copied().collect();
        for _ in 0..BEHIND {
            let next: Vec<FunctionId> = open
                .iter()
                .flat_map(|function| edges.of(*function).iter().copied())
                .filter(|function| seen.insert(*function))
                .collect();
            open = next;
        }
        let sending = seen.iter().filter_map(|function| by_function.get(function));
        patch.patch.behind = sending.flatten().copied().take(SENDING).collect();
        patch.patch.behind.sort_unstable();
    }
}

fn told(
    engine: &Engine<'_>,
    contexts: &[Context],
    orders: &[Vec<u32>],
    flow: RawFlow,
) -> Option<Flow> {
    let chain = engine.traces.chain(flow.trace);
    let steps: Vec<Step> = chain
        .iter()
        .map(|step| Step {
            place: place(engine, step.module, step.offset),
            text: step.text.to_string(),
        })
        .collect();
    let is_hop =
        |step: &&Step| step.text.starts_with("passed to ") || step.text.starts_with("returned by ");
    let hops = steps.iter().filter(is_hop).count();
    let first = steps.first()?;
    let (source, what) = (first.place.clone(), what(&first.text));
    Some(Flow {
        label: flow.label,
        source,
        what,
        beside: flow.beside,
        steps,
        hops,
        kind: flow.kind,
        module: flow.call.0 as usize,
        call: *orders[flow.call.0 as usize].get(flow.call.1 as usize)? as usize,
        argument: flow.argument,
        context: contexts[flow.function.0 as usize],
    })
}

/// Of flows from the same source into the same call, the one in the strictest context; in the order of
/// sinks.
fn strictest(mut flows: Vec<Flow>) -> Vec<Flow> {
    let key = |flow: &Flow| {
        let source = (
            flow.source.file.clone(),
            flow.source.line,
            flow.source.column,
        );
        (flow.module, flow.call, flow.label, source)
    };
    flows.sort_by_cached_key(|flow| (key(flow), Reverse(flow.context), flow.steps.len()));
    flows.dedup_by_key(|flow| key(flow));
    flows
}

/// Chains are told with lines and columns: brings back the texts that they lead through.
fn reopen(engine: &mut Engine<'_>, package: &Package, flows: &[RawFlow]) {
    let mut told: BTreeSet<u32> = BTreeSet::new();
    for flow in flows {
        let chain = engine.traces.chain(flow.trace);
        told.extend(chain.iter().map(|step| step.module));
    }
    let mut unpacker = Unpacker::default();
    for index in told {
        let module = &mut engine.modules[index as usize];
        let source = package.sources.get(index as usize);
        if let (None, Some(source)) = (&module.text, source) {
            let text = encoding::decode(unpacker.read(&source.bytes)).text;
            module.line_starts = places::line_starts(&text);
            module.text = Some((&*text).into());
        }
    }
}

fn place(engine: &Engine<'_>, module: u32, offset: u32) -> Place {
    places::place(&engine.modules[module as usize], offset)
}

/// What a first step is about: what it reads, opens, gets or decodes.
fn what(text: &str) -> Arc<str> {
    let after = ["decoded by ", "put together by ", "reads ", "opens "]
        .iter()
        .find_map(|words| text.split_once(words).map(|(_, after)| after))
        .or_else(|| text.rsplit_once(" from ").map(|(_, after)| after));
    let after = after.unwrap_or(text);
    after
        .split(" from a constant")
        .next()
        .unwrap_or(after)
        .into()
}

fn module(state: ModuleState, contexts: &[Context]) -> Module {
    let mut module = state.facts;
    if let Some(top) = state.top {
        module.context = contexts[top.0 as usize];
    }
    for mut raw in state.calls {
        raw.call.context = contexts[raw.function.0 as usize];
        module.calls.push(raw.call);
    }
    for (function, mut literal) in state.literals {
        literal.context = contexts[function.0 as usize];
        module.literals.push(literal);
    }
    for mut raw in state.patches {
        raw.patch.context = contexts[raw.function.0 as usize];
        module.patches.push(raw.patch);
    }
    module
}

/// Classes that derive from something outside or that `cmdclass` names, with their modules.
fn classes(engine: &Engine<'_>) -> Vec<(usize, Class)> {
    let mut classes = Vec::new();
    for class in &engine.classes {
        let bases: Vec<Arc<str>> = class
            .bases
            .iter()
            .filter_map(|base| match base.kind.folded(&engine.symbols, 0) {
                Folded::Name(name) => Some(name),
                _ => None,
            })
            .collect();
        if bases.is_empty() && class.commands.is_empty() {
            continue;
        }
        let mut methods: Vec<Arc<str>> = class
            .attributes
            .iter()
            .filter(|(_, value)| matches!(value.kind, Kind::Function(_)))
            .map(|(name, _)| name.clone())
            .collect();
        methods.sort();
        let commands = class.commands.clone();
        let class = (
            class.module as usize,
            Class {
                name: class.name.clone(),
                bases,
                commands,
                methods,
                place: class.place.clone(),
            },
        );
        classes.push(class);
    }
    classes
}

/// What the tables say of a name, looked up once.
#[derive(Default)]
struct Names(rustc_hash::FxHashMap<Arc<str>, Option<CapabilityKind>>);

impl Names {
    fn capability(&mut self, name: &Arc<str>) -> Option<CapabilityKind> {
        *self
            .0
            .entry(name.clone())
            .or_insert_with(|| known(name).capability)
    }
}

fn capabilities(modules: &[Module], names: &mut Names) -> Vec<Capability> {
    let mut all: BTreeMap<(Arc<str>, CapabilityKind, Context), Capability> = BTreeMap::new();
    let mut add = |kind, context, place: &Place, example: &Arc<str>| {
        all.entry((place.file.clone(), kind, context))
            .and_modify(|held| held.count += 1)
            .or_insert_with(|| Capability {
                kind,
                context,
                file: place.file.clone(),
                line: place.line,
                example: example.clone(),
                count: 1,
            });
    };
    for module in modules {
        for call in &module.calls {
            if let Some(kind) = names.capability(&call.target) {
                add(kind, call.context, &call.place, &call.target);
            }
        }
        for class in &module.classes {
            if !class.commands.is_empty() {
                add(
                    CapabilityKind::InstallHook,
                    Context::Install,
                    &class.place,
                    &class.name,
                );
            }
        }
    }
    all.into_values().collect()
}
