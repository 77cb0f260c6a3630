//! Following the code of one module: statements in order, expressions to values, calls to what they
//! call. Branches are joined, loops walked twice, functions summarised; nothing is executed.

mod assign;
mod call;
mod callbacks;
mod class;
mod comprehension;
mod dropped;
mod expression;
mod files;
mod function;
mod functional;
mod growing;
mod import;
mod inside;
mod item;
mod looping;
mod outside;
mod passed;
mod places;
mod reaching;
mod record;
mod remembered;
mod special;
mod statement;
mod stores;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use ruff_python_ast::{Expr, ExprLambda, ModModule, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};
use rustc_hash::{FxHashMap, FxHashSet};

use super::clock::Deadline;
use super::engine::{Binding, Engine, FunctionFact, Summary};
use super::symbols::Sym;
use super::value::{ClassId, FunctionId, Kind, Value};

/// Follows one module.
pub(super) struct Walker<'a, 'e, 'b> {
    engine: &'e mut Engine<'b>,
    module: u32,
    text: &'a str,
    scopes: Vec<Scope<'a>>,
    bodies: FxHashMap<FunctionId, Body<'a>>,
    /// Functions that may not have been followed in this round.
    waiting: BinaryHeap<Reverse<FunctionId>>,
    frame: Frame,
    deadline: Deadline,
    nodes: u64,
    /// Expressions and statements that are open at the moment.
    depth: u32,
    /// Calls followed with the values of one caller.
    inlined: u32,
    /// The functions that are open one within the other, since the last one that is followed for whoever
    /// may call it.
    open: Vec<FunctionId>,
    /// Iterations of loops that were followed one by one.
    iterations: u32,
    is_stopped: bool,
    /// Whether data was left where functions followed earlier may pick it up.
    is_unsettled: bool,
    /// Calls that were followed with the values of one caller.
    remembered: remembered::Remembered,
    /// What names were made of, by scope.
    backings: FxHashMap<(usize, &'a str), Vec<stores::Backing<'a>>>,
    /// Whether something was asked of a cloud's metadata service.
    asks_metadata: bool,
    /// Functions that were registered with something by a decorator, by what it was.
    handlers: Vec<(Arc<str>, FunctionId)>,
    /// Where statements begin that are nothing but a call.
    discarded: FxHashSet<u32>,
    /// Modules of which everything was imported.
    stars: Vec<Sym>,
}

/// The names of a module, class or function.
struct Scope<'a> {
    names: FxHashMap<&'a str, Value>,
    parent: Option<usize>,
    is_class: bool,
    /// Whether a function that was made inside may look names up here later.
    is_kept: bool,
    /// Names that a function declared `global` or `nonlocal`.
    outer: Vec<&'a str>,
}

/// A function whose code stands in this module.
#[derive(Clone)]
struct Body<'a> {
    code: Code<'a>,
    scope: usize,
    class: Option<ClassId>,
    /// What the first parameter is, for methods.
    own: Option<Kind>,
    defaults: Arc<Vec<(usize, Value)>>,
    is_open: bool,
    round: u8,
}

#[derive(Clone, Copy)]
enum Code<'a> {
    Function(&'a StmtFunctionDef),
    Lambda(&'a ExprLambda),
}

/// What is being followed at the moment.
struct Frame {
    function: FunctionId,
    scope: usize,
    /// Branches that are open: beyond zero, an assignment adds to what a name may be.
    branches: u32,
    loops: u32,
    inline: u8,
    returns: Option<Value>,
    guards: Vec<Sym>,
    class: Option<ClassId>,
}

/// Iterations of known loops that are followed one by one, in one module.
const ITERATIONS: u32 = 40_000;
/// Values of fewer bytes are not counted.
const SMALL: usize = 4 << 10;
/// Making a value of so many bytes takes longer than looking at the clock.
const LARGE: usize = 64 << 10;
/// Open nodes; far above what the depth check lets through.
const OPEN: u32 = 24_000;

impl<'a, 'e, 'b> Walker<'a, 'e, 'b> {
    pub(super) fn new(engine: &'e mut Engine<'b>, module: u32, text: &'a str) -> Self {
        let deadline = engine.deadline.or_within(engine.budget.time_per_source);
        let top = engine.function((module, u32::MAX), |_| top_level(module));
        engine.modules[module as usize].top = Some(top);
        let scope = Scope {
            names: FxHashMap::default(),
            parent: None,
            is_class: false,
            is_kept: true,
            outer: Vec::new(),
        };
        Self {
            engine,
            module,
            text,
            scopes: vec![scope],
            bodies: FxHashMap::default(),
            waiting: BinaryHeap::new(),
            frame: Frame {
                function: top,
                scope: 0,
                branches: 0,
                loops: 0,
                inline: 0,
                returns: None,
                guards: Vec::new(),
                class: None,
            },
            deadline,
            nodes: 0,
            depth: 0,
            inlined: 0,
            open: Vec::new(),
            iterations: 0,
            is_stopped: false,
            is_unsettled: false,
            remembered: remembered::Remembered::default(),
            backings: FxHashMap::default(),
            asks_metadata: false,
            handlers: Vec::new(),
            discarded: FxHashSet::default(),
            stars: Vec::new(),
        }
    }

    /// Follows the module: its top level, then every function; once more when data was left in
    /// attributes or globals, since functions see what others leave there. `false` when the budget
    /// ended it.
    pub(super) fn run(mut self, module: &'a ModModule) -> bool {
        self.round(module, 1);
        if self.is_unsettled && !self.is_stopped {
            self.round(module, 2);
        }
        self.export();
        self.engine.statistics.nodes += self.nodes;
        !self.is_stopped
    }

    fn round(&mut self, module: &'a ModModule, round: u8) {
        self.waiting = self.bodies.keys().copied().map(Reverse).collect();
        self.statements(&module.body);
        // Following a body may bring further functions to light.
        while let Some(next) = self.next_body(round) {
            self.summarise(next, round);
            if self.is_stopped {
                return;
            }
        }
    }

    /// The first function that was not followed in this round.
    fn next_body(&mut self, round: u8) -> Option<FunctionId> {
        while let Some(Reverse(next)) = self.waiting.pop() {
            let body = &self.bodies[&next];
            if body.round < round && !body.is_open {
                return Some(next);
            }
        }
        None
    }

    /// What importers see of the module.
    fn export(&mut self) {
        let name = self.engine.modules[self.module as usize].name.clone();
        if name.is_empty() {
            return;
        }
        let scope = std::mem::take(&mut self.scopes[0].names);
        for (variable, value) in scope {
            if matches!(value.kind, Kind::Unknown | Kind::None) && value.taint.is_empty() {
                continue;
            }
            let sym = self.engine.symbols.intern(&format!("{name}.{variable}"));
            self.engine.exports.insert(sym, value);
        }
    }

    /// Counts a node. `false` when the budget is spent.
    fn tick(&mut self) -> bool {
        self.nodes += 1;
        if self.is_stopped {
            return false;
        }
        let is_time_over = self.nodes.is_multiple_of(2_048) && self.deadline.is_over();
        if is_time_over || self.nodes > self.engine.budget.nodes_per_source || self.depth > OPEN {
            self.is_stopped = true;
        }
        !self.is_stopped
    }

    /// Counts what a value that was just made takes. Where all together take too much, nothing more is
    /// followed: that is as good as time that ran out.
    fn afford(&mut self, value: Value) -> Value {
        let bytes = value.kind.room();
        if bytes < SMALL {
            return value;
        }
        self.engine.folded_bytes += bytes;
        // Between two looks at the clock there may be thousands of values as large as this one.
        let is_time_over = bytes >= LARGE && self.deadline.is_over();
        let is_room_over = self.engine.folded_bytes > self.engine.budget.folded_bytes;
        if is_time_over || is_room_over {
            self.is_stopped = true;
            return Value::unknown(value.taint);
        }
        value
    }

    /// Where `node` stands, for traces.
    fn at(&self, node: &impl Ranged) -> (u32, u32) {
        (self.module, node.range().start().to_u32())
    }

    fn source(&self, range: TextRange) -> &'a str {
        self.text
            .get(range.start().to_usize()..range.end().to_usize())
            .unwrap_or_default()
    }

    fn lookup(&self, name: &str) -> Option<&Value> {
        let mut at = Some(self.frame.scope);
        let mut is_first = true;
        while let Some(index) = at {
            let scope = &self.scopes[index];
            let is_visible = is_first || !scope.is_class;
            if let Some(value) = scope.names.get(name).filter(|_| is_visible) {
                return Some(value);
            }
            is_first = false;
            at = scope.parent;
        }
        None
    }

    fn new_scope(&mut self, parent: usize, is_class: bool) -> usize {
        self.scopes.push(Scope {
            names: FxHashMap::default(),
            parent: Some(parent),
            is_class,
            is_kept: false,
            outer: Vec::new(),
        });
        self.scopes.len() - 1
    }

    /// Keeps `scope` and those around it for functions that are made in it.
    fn keep_scope(&mut self, scope: usize) {
        let mut at = Some(scope);
        while let Some(scope) = at
            .map(|at| &mut self.scopes[at])
            .filter(|scope| !scope.is_kept)
        {
            scope.is_kept = true;
            at = scope.parent;
        }
    }

    /// Forgets the names of a scope that nothing can look into any more.
    fn leave_scope(&mut self, scope: usize) {
        let scope = &mut self.scopes[scope];
        if !scope.is_kept {
            scope.names = FxHashMap::default();
        }
    }

    /// Follows `code` as a branch: what it assigns may or may not have happened.
    fn branch(&mut self, code: impl FnOnce(&mut Self)) {
        self.frame.branches += 1;
        code(self);
        self.frame.branches -= 1;
    }
}

fn top_level(module: u32) -> FunctionFact {
    FunctionFact {
        module,
        name: "".into(),
        parameters: Box::default(),
        variadic: None,
        keywords: None,
        summary: Summary::default(),
        root: None,
        binding: Binding::default(),
        is_fixture: false,
    }
}

/// Whether the expression is nothing but a literal: what it says can be read where it stands.
fn is_literal(expression: &Expr) -> bool {
    matches!(expression, Expr::StringLiteral(literal) if !literal.value.is_implicit_concatenated())
}
