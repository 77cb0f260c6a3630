//! What is known of the whole distribution while its modules are followed one after the other: names,
//! functions and their summaries, classes, exports, edges, flows, layers. Syntax trees are not kept.

use std::collections::VecDeque;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::analysis::{Call, EngineFinding, Literal, Module, Patch, SinkKind, Statistics};
use super::clock::Deadline;
use super::label::Label;
use super::large::Large;
use super::places;
use super::source::{Budget, Package};
use super::symbols::{Sym, Symbols};
use super::taint::trace::{Taint, Trace, Traces};
use super::value::{ClassId, FunctionId, Kind, Value};
use portcullis_core::inspection::{Context, Place};

pub(super) struct Engine<'b> {
    pub(super) budget: &'b Budget,
    pub(super) package: &'b Package,
    pub(super) deadline: Deadline,
    pub(super) symbols: Symbols,
    /// Names of parameters, functions and attributes, of which the same few come again and again.
    names: FxHashSet<Arc<str>>,
    pub(super) traces: Traces,
    pub(super) functions: Vec<FunctionFact>,
    pub(super) function_index: FxHashMap<(u32, u32), FunctionId>,
    pub(super) classes: Vec<ClassFact>,
    pub(super) class_index: FxHashMap<(u32, u32), ClassId>,
    /// What the modules followed so far give to importers, by absolute name.
    pub(super) exports: FxHashMap<Sym, Value>,
    pub(super) modules: Vec<ModuleState>,
    pub(super) edges: FxHashSet<(FunctionId, FunctionId)>,
    /// Edges to names that another module may turn out to define.
    pub(super) named_edges: FxHashSet<(FunctionId, Sym)>,
    /// Who imports what: modules run, but functions that are imported are not called yet.
    pub(super) import_edges: FxHashSet<(FunctionId, Sym)>,
    /// Sources of the distribution that are run by their path.
    pub(super) path_edges: FxHashSet<(FunctionId, Arc<str>)>,
    pub(super) flows: Vec<RawFlow>,
    pub(super) flow_keys: FxHashSet<(Label, Trace, CallKey, FunctionId)>,
    pub(super) large: Large,
    pub(super) layers: VecDeque<PendingLayer>,
    pub(super) layer_bytes: usize,
    /// Bytes of the large values that folding made.
    pub(super) folded_bytes: usize,
    pub(super) seen_layers: FxHashSet<u64>,
    /// Constant paths to which data from the network was written.
    pub(super) dropped: Vec<(Arc<str>, Trace)>,
    /// Folders into which an archive from the network was unpacked.
    pub(super) unpacked: Vec<(Arc<str>, Trace)>,
    /// Paths of files to which private data was written.
    pub(super) stored: Vec<(Arc<str>, Taint)>,
    /// Python that was written to files.
    pub(super) written: Vec<WrittenCode>,
    pub(super) findings: Vec<EngineFinding>,
    pub(super) statistics: Statistics,
}

/// Python that the distribution writes to a file.
pub(super) struct WrittenCode {
    pub(super) name: Arc<str>,
    pub(super) code: Kind,
}

/// A module's facts as they are gathered.
pub(super) struct ModuleState {
    pub(super) facts: Module,
    pub(super) calls: Vec<RawCall>,
    /// Where each call stands among the calls, while the module is followed.
    pub(super) call_index: FxHashMap<(u32, u32, Sym), u32>,
    pub(super) literals: Vec<(FunctionId, Literal)>,
    pub(super) patches: Vec<RawPatch>,
    pub(super) noted: FxHashSet<u32>,
    /// The text, while the module is followed and for layers: places are told from it.
    pub(super) text: Option<Arc<str>>,
    pub(super) line_starts: Vec<u32>,
    pub(super) top: Option<FunctionId>,
    /// Absolute dotted name; empty when nothing can import it.
    pub(super) name: Arc<str>,
    pub(super) is_package: bool,
    /// Names of the distribution that were not known yet when the module asked for them.
    pub(super) unresolved: FxHashSet<Sym>,
    /// Names of the distribution that were given data with a label before they were known.
    pub(super) wanted: FxHashSet<Sym>,
    /// Whether data with a label begins in it.
    pub(super) has_sources: bool,
    /// The functions and classes whose code stands in it.
    pub(super) functions: Vec<FunctionId>,
    pub(super) classes: Vec<ClassId>,
}

impl ModuleState {
    /// Gets ready for being followed, for the first time or once more.
    pub(super) fn open(&mut self, text: &str) {
        self.text = Some(text.into());
        self.line_starts = places::line_starts(text);
        let calls = self.calls.iter().zip(0..);
        self.call_index = calls
            .map(|(raw, index)| ((raw.offset, raw.end, raw.sym), index))
            .collect();
    }

    /// Keeps only what is asked for after the module was followed.
    pub(super) fn close(&mut self) {
        self.call_index = FxHashMap::default();
        self.calls.shrink_to_fit();
        self.literals.shrink_to_fit();
        self.patches.shrink_to_fit();
        self.facts.imports.shrink_to_fit();
        self.noted.shrink_to_fit();
        if self.facts.layer == 0 {
            self.text = None;
            self.line_starts = Vec::new();
        }
    }
}

pub(super) struct RawPatch {
    pub(super) function: FunctionId,
    pub(super) patch: Patch,
    /// The functions of the distribution that are put in.
    pub(super) functions: Vec<FunctionId>,
}

pub(super) struct RawCall {
    pub(super) function: FunctionId,
    pub(super) offset: u32,
    pub(super) end: u32,
    pub(super) sym: Sym,
    pub(super) call: Call,
}

/// A call's module and its index there.
pub(super) type CallKey = (u32, u32);

pub(super) struct RawFlow {
    pub(super) label: Label,
    pub(super) trace: Trace,
    pub(super) beside: super::label::Labels,
    pub(super) kind: SinkKind,
    pub(super) call: CallKey,
    pub(super) argument: Arc<str>,
    /// The function in which source and sink meet.
    pub(super) function: FunctionId,
}

pub(super) struct FunctionFact {
    pub(super) module: u32,
    pub(super) name: Arc<str>,
    pub(super) parameters: Box<[Arc<str>]>,
    /// Where `*args` and `**kwargs` stand among the parameters.
    pub(super) variadic: Option<u16>,
    pub(super) keywords: Option<u16>,
    pub(super) summary: Summary,
    /// When it runs by itself.
    pub(super) root: Option<Context>,
    /// What its first parameter is.
    pub(super) binding: Binding,
    /// Whether a test framework calls it wherever it is installed.
    pub(super) is_fixture: bool,
}

/// What a function is given before what its callers pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Binding {
    /// Nothing outside of a class; inside, the instance.
    #[default]
    Plain,
    /// The class: `@classmethod`.
    Class,
    /// Nothing: `@staticmethod`.
    Nothing,
}

/// What a function does with what it is given.
#[derive(Clone, Default)]
pub(super) struct Summary {
    pub(super) returns: Value,
    pub(super) sinks: Vec<ParameterSink>,
    /// Parameters that it calls.
    pub(super) called: Vec<u8>,
    pub(super) is_done: bool,
}

/// What of a parameter matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Item,
    /// What stands in the file that it is the path of.
    Content,
}

/// A parameter that reaches a sink.
#[derive(Clone)]
pub(super) struct ParameterSink {
    pub(super) parameter: u8,
    /// What of it does.
    pub(super) part: Part,
    pub(super) kind: SinkKind,
    pub(super) call: CallKey,
    pub(super) argument: Arc<str>,
    pub(super) trace: Trace,
    /// Functions that lie between the parameter and the sink.
    pub(super) hops: u8,
}

pub(super) struct ClassFact {
    pub(super) module: u32,
    pub(super) name: Arc<str>,
    pub(super) place: Place,
    pub(super) bases: Vec<Value>,
    pub(super) attributes: FxHashMap<Arc<str>, Value>,
    pub(super) properties: FxHashSet<Arc<str>>,
    pub(super) commands: Vec<Arc<str>>,
}

/// Code that decoding brought to light.
pub(super) struct PendingLayer {
    pub(super) text: Arc<str>,
    pub(super) module: u32,
    pub(super) place: Place,
    /// The function that decodes it: the layer runs when it does.
    pub(super) function: FunctionId,
    /// Whether it is run as Python for certain, so that it need not look like it.
    pub(super) is_run: bool,
}

impl<'b> Engine<'b> {
    pub(super) fn new(budget: &'b Budget, package: &'b Package) -> Self {
        Self {
            budget,
            package,
            deadline: Deadline::within(budget.time, budget.longest),
            symbols: Symbols::default(),
            names: FxHashSet::default(),
            traces: Traces::new(budget.traces),
            functions: Vec::new(),
            function_index: FxHashMap::default(),
            classes: Vec::new(),
            class_index: FxHashMap::default(),
            exports: FxHashMap::default(),
            modules: Vec::new(),
            edges: FxHashSet::default(),
            named_edges: FxHashSet::default(),
            import_edges: FxHashSet::default(),
            path_edges: FxHashSet::default(),
            flows: Vec::new(),
            flow_keys: FxHashSet::default(),
            large: Large::default(),
            layers: VecDeque::new(),
            layer_bytes: 0,
            folded_bytes: 0,
            seen_layers: FxHashSet::default(),
            dropped: Vec::new(),
            unpacked: Vec::new(),
            stored: Vec::new(),
            written: Vec::new(),
            findings: Vec::new(),
            statistics: Statistics::default(),
        }
    }

    /// The one copy of a name.
    pub(super) fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(held) = self.names.get(name) {
            return held.clone();
        }
        let name: Arc<str> = name.into();
        self.names.insert(name.clone());
        name
    }

    /// The function that begins at `offset` of `module`; the same number each time it is met.
    pub(super) fn function(
        &mut self,
        (module, offset): (u32, u32),
        make: impl FnOnce(&mut Self) -> FunctionFact,
    ) -> FunctionId {
        if let Some(known) = self.function_index.get(&(module, offset)) {
            return *known;
        }
        let fact = make(self);
        self.functions.push(fact);
        let id = FunctionId(self.functions.len() as u32 - 1);
        self.function_index.insert((module, offset), id);
        self.modules[module as usize].functions.push(id);
        id
    }

    /// The class that begins at `offset` of `module`.
    pub(super) fn class(&mut self, module: u32, offset: u32, name: &str) -> ClassId {
        let state = &mut self.modules[module as usize];
        *self.class_index.entry((module, offset)).or_insert_with(|| {
            let place = places::place(state, offset);
            state.classes.push(ClassId(self.classes.len() as u32));
            self.classes.push(ClassFact {
                module,
                name: name.into(),
                place,
                bases: Vec::new(),
                attributes: FxHashMap::default(),
                properties: FxHashSet::default(),
                commands: Vec::new(),
            });
            ClassId(self.classes.len() as u32 - 1)
        })
    }

    pub(super) fn fact(&mut self, function: FunctionId) -> &mut FunctionFact {
        &mut self.functions[function.0 as usize]
    }

    pub(super) fn class_fact(&mut self, class: ClassId) -> &mut ClassFact {
        &mut self.classes[class.0 as usize]
    }

    /// The attribute `name` of a class or of its bases, and whether it is a property.
    pub(super) fn class_attribute(&self, class: ClassId, name: &str) -> Option<(Value, bool)> {
        let mut open = vec![class];
        for _ in 0..24 {
            let fact = &self.classes[open.pop()?.0 as usize];
            if let Some(value) = fact.attributes.get(name) {
                return Some((value.clone(), fact.properties.contains(name)));
            }
            for base in fact.bases.iter().rev() {
                if let super::value::Kind::Class(base) = base.kind {
                    open.push(base);
                }
            }
        }
        None
    }

    /// The methods that a class of the distribution defines itself.
    pub(super) fn methods_of(&self, class: ClassId) -> impl Iterator<Item = FunctionId> + '_ {
        let attributes = self.classes[class.0 as usize].attributes.values();
        attributes
            .flat_map(|value| value.kind.alternatives())
            .filter_map(|kind| match kind {
                Kind::Function(function) => Some(*function),
                _ => None,
            })
    }

    /// Forgets what was concluded of a module that is about to be followed again.
    pub(super) fn forget(&mut self, module: u32) {
        let state = &mut self.modules[module as usize];
        if state.functions.is_empty() {
            return;
        }
        let functions = &self.functions;
        let is_other = |function: FunctionId| functions[function.0 as usize].module != module;
        self.flows.retain(|flow| is_other(flow.function));
        self.flow_keys.retain(|key| is_other(key.3));
        for function in &state.functions {
            self.functions[function.0 as usize].summary = Summary::default();
        }
        for class in &state.classes {
            self.classes[class.0 as usize].attributes.clear();
        }
        state.unresolved.clear();
        state.wanted.clear();
    }

    /// Notes that data reached a sink, once for each way.
    pub(super) fn add_flow(&mut self, flow: RawFlow) {
        let source = self.source_of(flow.trace);
        if self
            .flow_keys
            .insert((flow.label, source, flow.call, flow.function))
        {
            self.flows.push(flow);
        }
    }

    fn source_of(&self, trace: Trace) -> Trace {
        self.traces.first(trace)
    }
}
