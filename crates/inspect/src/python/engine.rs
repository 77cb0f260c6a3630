//! What is known of the whole distribution while its modules are followed one after the other: names,
//! functions and their summaries, classes, exports, edges, flows, layers. Syntax trees are not kept.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::{FxHashMap, FxHashSet};

use super::analysis::{Call, EngineFinding, Literal, Module, Patch, SinkKind, Statistics};
use super::label::Label;
use super::source::Budget;
use super::symbols::{Sym, Symbols};
use super::taint::trace::{Trace, Traces};
use super::value::{ClassId, FunctionId, Value};
use portcullis_core::inspection::Context;

pub(super) struct Engine<'b> {
    pub(super) budget: &'b Budget,
    pub(super) deadline: Instant,
    pub(super) symbols: Symbols,
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
    pub(super) flows: Vec<RawFlow>,
    pub(super) flow_keys: FxHashSet<(Label, Trace, CallKey, FunctionId)>,
    pub(super) layers: VecDeque<PendingLayer>,
    pub(super) layer_bytes: usize,
    pub(super) seen_layers: FxHashSet<u64>,
    /// Constant paths to which data from the network was written.
    pub(super) dropped: Vec<(Arc<str>, Trace)>,
    pub(super) findings: Vec<EngineFinding>,
    pub(super) statistics: Statistics,
}

/// A module's facts as they are gathered.
pub(super) struct ModuleState {
    pub(super) facts: Module,
    pub(super) calls: Vec<RawCall>,
    pub(super) call_index: FxHashMap<(u32, u32, Sym), u32>,
    pub(super) literals: Vec<(FunctionId, Literal)>,
    pub(super) patches: Vec<(FunctionId, Patch)>,
    pub(super) noted: FxHashSet<u32>,
    /// The text, once the module is followed: places are told from it.
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
}

pub(super) struct RawCall {
    pub(super) function: FunctionId,
    pub(super) offset: u32,
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
    pub(super) parameters: Vec<Arc<str>>,
    /// Where `*args` and `**kwargs` stand among the parameters.
    pub(super) variadic: Option<usize>,
    pub(super) keywords: Option<usize>,
    pub(super) summary: Summary,
    /// When it runs by itself.
    pub(super) root: Option<Context>,
}

/// What a function does with what it is given.
#[derive(Clone, Default)]
pub(super) struct Summary {
    pub(super) returns: Value,
    pub(super) sinks: Vec<ParameterSink>,
    pub(super) is_done: bool,
}

/// A parameter that reaches a sink.
#[derive(Clone)]
pub(super) struct ParameterSink {
    pub(super) parameter: u8,
    /// Whether only an item of it does.
    pub(super) is_item: bool,
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
    pub(super) offset: u32,
    pub(super) bases: Vec<Value>,
    pub(super) attributes: FxHashMap<Arc<str>, Value>,
    pub(super) properties: FxHashSet<Arc<str>>,
    pub(super) commands: Vec<Arc<str>>,
}

/// Code that decoding brought to light.
pub(super) struct PendingLayer {
    pub(super) text: Arc<str>,
    pub(super) module: u32,
    pub(super) offset: u32,
    /// The function that decodes it: the layer runs when it does.
    pub(super) function: FunctionId,
    /// Whether it is run as Python for certain, so that it need not look like it.
    pub(super) is_run: bool,
}

impl<'b> Engine<'b> {
    pub(super) fn new(budget: &'b Budget, now: Instant) -> Self {
        Self {
            budget,
            deadline: now + budget.time,
            symbols: Symbols::default(),
            traces: Traces::new(budget.traces),
            functions: Vec::new(),
            function_index: FxHashMap::default(),
            classes: Vec::new(),
            class_index: FxHashMap::default(),
            exports: FxHashMap::default(),
            modules: Vec::new(),
            edges: FxHashSet::default(),
            named_edges: FxHashSet::default(),
            flows: Vec::new(),
            flow_keys: FxHashSet::default(),
            layers: VecDeque::new(),
            layer_bytes: 0,
            seen_layers: FxHashSet::default(),
            dropped: Vec::new(),
            findings: Vec::new(),
            statistics: Statistics::default(),
        }
    }

    /// The function that begins at `offset` of `module`; the same number each time it is met.
    pub(super) fn function(
        &mut self,
        (module, offset): (u32, u32),
        make: impl FnOnce() -> FunctionFact,
    ) -> FunctionId {
        *self
            .function_index
            .entry((module, offset))
            .or_insert_with(|| {
                self.functions.push(make());
                FunctionId(self.functions.len() as u32 - 1)
            })
    }

    /// The class that begins at `offset` of `module`.
    pub(super) fn class(&mut self, module: u32, offset: u32, name: &str) -> ClassId {
        *self.class_index.entry((module, offset)).or_insert_with(|| {
            self.classes.push(ClassFact {
                module,
                name: name.into(),
                offset,
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

    /// Forgets what was concluded of a module that is about to be followed again.
    pub(super) fn forget(&mut self, module: u32) {
        let functions = &self.functions;
        let is_other = |function: FunctionId| functions[function.0 as usize].module != module;
        self.flows.retain(|flow| is_other(flow.function));
        self.flow_keys.retain(|key| is_other(key.3));
        for function in self
            .functions
            .iter_mut()
            .filter(|function| function.module == module)
        {
            function.summary = Summary::default();
        }
        for class in self
            .classes
            .iter_mut()
            .filter(|class| class.module == module)
        {
            class.attributes.clear();
        }
        let state = &mut self.modules[module as usize];
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
