//! [`literal_calls`]: the calls of a source with as much of their arguments as can be told without evaluating
//! anything. Nothing is followed into functions or other modules, and what a name of the module stands for is
//! known only where it is bound once, to a literal.

use std::ops::Range;

use portcullis_core::lint::python::{PythonCall, PythonLiteral, PythonValue};
use ruff_python_ast::visitor::source_order::{SourceOrderVisitor, walk_expr, walk_stmt};
use ruff_python_ast::{Alias, Expr, ExprCall, Operator, Parameter, Stmt};
use ruff_text_size::Ranged;
use rustc_hash::FxHashMap;

use super::large_stack::on_large_stack;
use super::parse::parse;
use super::source::Budget;

/// Why the calls of a source cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCalls {
    /// It is larger than is parsed.
    #[error("it has {0} bytes, more than are parsed")]
    TooLarge(usize),
    /// It nests deeper than is walked.
    #[error("it nests {0} levels deep, more than are followed")]
    TooDeep(u32),
    /// Python 3 would not run it.
    #[error("line {line} is not Python 3: {why}")]
    NotPython {
        /// The line of the first mistake, from 1.
        line: usize,
        /// What the parser says of it.
        why: String,
    },
    /// There is no thread on which it can be parsed.
    #[error("{0}")]
    NoThread(String),
}

/// How many values and bytes of text names and concatenations may add, so that no small source becomes a large
/// one.
const MAX_COPIED: usize = 1 << 20;

/// The calls of the source `text` whose function is a name or a dotted name, in the order of the source. Blocks,
/// on a thread of its own.
///
/// # Errors
/// [`NoCalls`], when the source cannot be parsed or walked as a whole.
pub fn literal_calls(text: &str) -> Result<Vec<PythonCall>, NoCalls> {
    let budget = Budget::default();
    if text.len() > budget.source_bytes {
        return Err(NoCalls::TooLarge(text.len()));
    }
    on_large_stack(&budget, |stack| {
        stack.map_err(|why| NoCalls::NoThread(why.to_owned()))?;
        let tree =
            parse(text, budget.depth).map_err(|too_deep| NoCalls::TooDeep(too_deep.depth))?;
        if let Some((offset, why)) = tree.first_error() {
            let before = text.get(..offset).unwrap_or(text);
            let line = 1 + before.matches('\n').count();
            return Err(NoCalls::NotPython { line, why });
        }
        Ok(calls_of(&tree.module().body))
    })
}

fn calls_of(body: &[Stmt]) -> Vec<PythonCall> {
    let mut bindings = Bindings::default();
    bindings.visit_body(body);
    let mut literals = Literals {
        known: FxHashMap::default(),
        left: MAX_COPIED,
    };
    for statement in body {
        literals.learn(statement, &bindings);
    }
    let mut calls = Calls {
        literals,
        found: Vec::new(),
    };
    calls.visit_body(body);
    calls.found
}

/// How often each name is bound or changed, in whatever scope.
#[derive(Default)]
struct Bindings<'a> {
    times: FxHashMap<&'a str, usize>,
}

impl<'a> Bindings<'a> {
    fn bind(&mut self, name: &'a str) {
        *self.times.entry(name).or_default() += 1;
    }

    fn is_bound_once(&self, name: &str) -> bool {
        self.times.get(name) == Some(&1)
    }

    /// `name.append(…)` and `name[…] = …` change what the name stands for.
    fn change(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Subscript(subscript) if !subscript.ctx.is_load() => {
                if let Expr::Name(name) = &*subscript.value {
                    self.bind(&name.id);
                }
            }
            Expr::Call(call) => {
                if let Expr::Attribute(method) = &*call.func
                    && let Expr::Name(name) = &*method.value
                    && CHANGING.contains(&method.attr.as_str())
                {
                    self.bind(&name.id);
                }
            }
            _ => {}
        }
    }
}

/// Methods that change a list, set or dictionary.
const CHANGING: &[&str] = &[
    "add",
    "append",
    "clear",
    "extend",
    "insert",
    "pop",
    "remove",
    "setdefault",
    "update",
];

impl<'a> SourceOrderVisitor<'a> for Bindings<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.bind(function.name.as_str()),
            Stmt::ClassDef(class) => self.bind(class.name.as_str()),
            _ => {}
        }
        walk_stmt(self, statement);
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if !name.ctx.is_load() => self.bind(&name.id),
            other => self.change(other),
        }
        walk_expr(self, expression);
    }

    fn visit_alias(&mut self, alias: &'a Alias) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name);
        self.bind(name.as_str().split('.').next().unwrap_or_default());
    }

    fn visit_parameter(&mut self, parameter: &'a Parameter) {
        self.bind(parameter.name.as_str());
        ruff_python_ast::visitor::source_order::walk_parameter(self, parameter);
    }
}

/// What the names of the module stand for.
struct Literals<'a> {
    known: FxHashMap<&'a str, PythonValue>,
    left: usize,
}

impl<'a> Literals<'a> {
    /// Takes a statement of the module itself: `NAME = literal`.
    fn learn(&mut self, statement: &'a Stmt, bindings: &Bindings<'_>) {
        let (target, value) = match statement {
            Stmt::Assign(assign) => match &assign.targets[..] {
                [target] => (target, &*assign.value),
                _ => return,
            },
            Stmt::AnnAssign(assign) => match &assign.value {
                Some(value) => (&*assign.target, &**value),
                None => return,
            },
            _ => return,
        };
        let Expr::Name(name) = target else { return };
        if !bindings.is_bound_once(&name.id) {
            return;
        }
        let value = self.value(value);
        if value.is != PythonLiteral::Other {
            self.known.insert(&name.id, value);
        }
    }

    /// As much of `expression` as can be told.
    fn value(&mut self, expression: &Expr) -> PythonValue {
        let at = place(expression);
        let is = match expression {
            Expr::StringLiteral(string) => PythonLiteral::Text(string.value.to_str().to_owned()),
            Expr::BooleanLiteral(boolean) => PythonLiteral::Boolean(boolean.value),
            Expr::NoneLiteral(_) => PythonLiteral::Nothing,
            Expr::List(list) => self.list(&list.elts),
            Expr::Tuple(tuple) => self.list(&tuple.elts),
            Expr::Set(set) => self.list(&set.elts),
            Expr::Dict(dict) => {
                let mut entries = Vec::new();
                for item in &dict.items {
                    self.entry(item.key.as_ref(), &item.value, &mut entries);
                }
                PythonLiteral::Table(entries)
            }
            Expr::Name(name) => return self.of_name(&name.id, at),
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                let (left, right) = (self.value(&sum.left), self.value(&sum.right));
                self.joined(left.is, right.is)
            }
            _ => PythonLiteral::Other,
        };
        PythonValue { is, at }
    }

    fn list(&mut self, items: &[Expr]) -> PythonLiteral {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Expr::Starred(starred) => match self.value(&starred.value) {
                    PythonValue {
                        is: PythonLiteral::List(more),
                        ..
                    } => values.extend(more),
                    value => values.push(PythonValue {
                        is: PythonLiteral::Other,
                        at: value.at,
                    }),
                },
                item => values.push(self.value(item)),
            }
        }
        PythonLiteral::List(values)
    }

    /// An entry of a dictionary; without a key, the entries of another one.
    fn entry(
        &mut self,
        key: Option<&Expr>,
        value: &Expr,
        entries: &mut Vec<(String, PythonValue)>,
    ) {
        let value = self.value(value);
        match key.map(|key| self.value(key).is) {
            Some(PythonLiteral::Text(key)) => entries.push((key, value)),
            Some(_) => {}
            None => {
                if let PythonLiteral::Table(more) = value.is {
                    entries.extend(more);
                }
            }
        }
    }

    fn of_name(&mut self, name: &str, at: Range<usize>) -> PythonValue {
        let other = PythonValue {
            is: PythonLiteral::Other,
            at,
        };
        let Some(known) = self.known.get(name) else {
            return other;
        };
        let Some(left) = self.left.checked_sub(size(known)) else {
            return other;
        };
        self.left = left;
        known.clone()
    }

    fn joined(&mut self, left: PythonLiteral, right: PythonLiteral) -> PythonLiteral {
        match (left, right) {
            (PythonLiteral::Text(mut left), PythonLiteral::Text(right)) => {
                left.push_str(&right);
                PythonLiteral::Text(left)
            }
            (PythonLiteral::List(mut left), PythonLiteral::List(right)) => {
                left.extend(right);
                PythonLiteral::List(left)
            }
            _ => PythonLiteral::Other,
        }
    }
}

/// How many values and bytes of text it takes to copy a value.
fn size(value: &PythonValue) -> usize {
    1 + match &value.is {
        PythonLiteral::Text(text) => text.len(),
        PythonLiteral::List(items) => items.iter().map(size).sum(),
        PythonLiteral::Table(entries) => {
            let entries = entries.iter();
            entries.map(|(key, value)| key.len() + size(value)).sum()
        }
        PythonLiteral::Boolean(_) | PythonLiteral::Nothing | PythonLiteral::Other => 0,
    }
}

fn place(node: &impl Ranged) -> Range<usize> {
    node.start().to_usize()..node.end().to_usize()
}

struct Calls<'a> {
    literals: Literals<'a>,
    found: Vec<PythonCall>,
}

impl<'a> SourceOrderVisitor<'a> for Calls<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && let Some(function) = dotted(&call.func)
        {
            let call = self.call(function, call);
            self.found.push(call);
        }
        walk_expr(self, expression);
    }
}

impl Calls<'_> {
    fn call(&mut self, function: String, call: &ExprCall) -> PythonCall {
        let literals = &mut self.literals;
        let arguments = call.arguments.args.iter();
        let arguments = arguments.map(|one| literals.value(one)).collect();
        let keywords = call.arguments.keywords.iter();
        let keywords = keywords.map(|keyword| {
            let name = keyword.arg.as_ref().map(ToString::to_string);
            (name, literals.value(&keyword.value))
        });
        PythonCall {
            function,
            at: place(call),
            arguments,
            keywords: keywords.collect(),
        }
    }
}

/// `a.b.c`; `None` where something else than names is in it.
fn dotted(expression: &Expr) -> Option<String> {
    let mut parts = Vec::new();
    let mut at = expression;
    loop {
        match at {
            Expr::Name(name) => {
                parts.push(name.id.as_str());
                parts.reverse();
                return Some(parts.join("."));
            }
            Expr::Attribute(attribute) => {
                parts.push(attribute.attr.as_str());
                at = &attribute.value;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value as Python would print it, with `…` for what is not known.
    fn told(value: &PythonValue) -> String {
        let list = |items: Vec<String>| items.join(", ");
        match &value.is {
            PythonLiteral::Text(text) => format!("{text:?}"),
            PythonLiteral::List(items) => format!("[{}]", list(items.iter().map(told).collect())),
            PythonLiteral::Table(entries) => {
                let entries = entries.iter();
                let told = entries.map(|(key, value)| format!("{key:?}: {}", told(value)));
                format!("{{{}}}", list(told.collect()))
            }
            PythonLiteral::Boolean(boolean) => boolean.to_string(),
            PythonLiteral::Nothing => "None".to_owned(),
            PythonLiteral::Other => "…".to_owned(),
        }
    }

    fn check(text: &str, expected: &str) {
        let calls = literal_calls(text).expect(text);
        let calls = calls.iter().map(|call| {
            let keywords = call.keywords.iter().map(|(name, value)| {
                format!("{}={}", name.as_deref().unwrap_or("**"), told(value))
            });
            let arguments: Vec<String> = call.arguments.iter().map(told).chain(keywords).collect();
            format!("{}({})", call.function, arguments.join(", "))
        });
        assert_eq!(calls.collect::<Vec<_>>().join("; "), expected, "{text}");
    }

    #[test]
    fn arguments_are_told_as_far_as_they_are_literal() {
        for (text, expected) in [
            (
                "import setuptools\nsetuptools.setup(a=['x' \"y\", r'\\z'], b=True)",
                r#"setuptools.setup(a=["xy", "\\z"], b=true)"#,
            ),
            (
                "A = ['x']\nB = A + ['y', *A]\nsetup(a=B, **{'c': 'd'})",
                r#"setup(a=["x", "y", "x"], **={"c": "d"})"#,
            ),
            (
                "def f(s):\n    s.install('-r', 'a.txt', silent=None)",
                r#"s.install("-r", "a.txt", silent=None)"#,
            ),
            (
                "setup(a=f('x'), b=f'{x}', c=1, **k)",
                r#"setup(a=…, b=…, c=…, **=…); f("x")"#,
            ),
            (
                "setup(a={'x': ['y'], z: 1, **{'p': 'q'}})",
                r#"setup(a={"x": ["y"], "p": "q"})"#,
            ),
            ("x()()\ny[0]()", "x()"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn a_name_that_is_bound_or_changed_again_is_not_known() {
        for change in [
            "A = ['y']",
            "A += ['y']",
            "A.append('y')",
            "A[0] = 'y'",
            "for A in b: pass",
            "import A",
            "from b import c as A",
            "def A(): pass",
            "def f(A): pass",
            "del A",
            "class A: pass",
            "if (A := 1): pass",
            "with b as A: pass",
        ] {
            let calls = literal_calls(&format!("A = ['x']\n{change}\nsetup(a=A)\n")).expect(change);
            let setup = calls
                .iter()
                .find(|call| call.function == "setup")
                .expect("there");
            let value = setup.keyword("a").expect("there");
            assert_eq!(told(value), "…", "{change}");
        }
    }

    #[test]
    fn places_are_bytes_of_the_source() {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}# é\nA = ['flask']\nsetup(a=A)\n");
            let calls = literal_calls(&text).expect("sound");
            let value = calls[0].keyword("a").expect("there");
            let PythonLiteral::List(items) = &value.is else {
                panic!("{value:?}");
            };
            assert_eq!(&text[items[0].at.clone()], "'flask'");
            assert_eq!(&text[calls[0].at.clone()], "setup(a=A)");
        }
    }

    #[test]
    fn a_source_that_cannot_be_parsed_says_why() {
        let error = literal_calls("x = 1\nprint 'x'\n")
            .expect_err("Python 2")
            .to_string();
        assert!(error.starts_with("line 2 is not Python 3: "), "{error}");
        let deep = format!("f({}1{})", "(".repeat(20_000), ")".repeat(20_000));
        assert!(matches!(literal_calls(&deep), Err(NoCalls::TooDeep(_))));
    }

    #[test]
    fn a_small_source_does_not_become_a_large_one() {
        let mut text = "a0 = ['x']\n".to_owned();
        for next in 1..60 {
            let last = next - 1;
            text.push_str(&format!("a{next} = [a{last}, a{last}]\n"));
        }
        text.push_str("setup(a=a59)\n");
        assert_eq!(literal_calls(&text).expect("sound").len(), 1);
    }
}
