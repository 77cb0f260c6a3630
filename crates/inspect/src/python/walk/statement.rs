//! Statements.

use std::sync::Arc;

use ruff_python_ast::{
    BoolOp, CmpOp, ExceptHandler, Expr, Stmt, StmtIf, StmtReturn, StmtTry, StmtWith,
};
use ruff_text_size::Ranged;

use super::super::engine::{Binding, FunctionFact, Summary};
use super::super::source::Role;
use super::super::value::{Kind, Value};
use super::Walker;
use portcullis_core::inspection::Context;

/// Items of a generator that are kept apart.
const YIELDED: usize = 64;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn statements(&mut self, body: &'a [Stmt]) {
        for statement in body {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        if !self.tick() {
            return;
        }
        self.depth += 1;
        match statement {
            Stmt::Expr(expression) => self.expression_statement(&expression.value),
            Stmt::Assign(assign) => {
                let value = self.eval(&assign.value);
                for target in &assign.targets {
                    self.assign(target, &value, statement.range());
                    self.note_backing(target, &assign.value);
                }
            }
            Stmt::AugAssign(assign) => self.augmented(assign),
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.eval(value);
                    self.assign(&assign.target, &value, statement.range());
                }
            }
            Stmt::FunctionDef(function) => self.define(function),
            Stmt::ClassDef(class) => self.define_class(class),
            Stmt::Return(returned) => self.return_statement(returned),
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::If(condition) => self.if_statement(condition),
            Stmt::For(loop_) => self.for_statement(loop_),
            Stmt::While(loop_) => {
                let guards = self.frame.guards.len();
                self.condition(&loop_.test);
                self.repeated(|walker| walker.statements(&loop_.body));
                self.branch(|walker| walker.statements(&loop_.orelse));
                self.frame.guards.truncate(guards);
            }
            Stmt::With(with) => self.with_statement(with),
            Stmt::Try(try_) => self.try_statement(try_),
            Stmt::Match(match_) => {
                let subject = self.eval(&match_.subject);
                for case in &match_.cases {
                    self.branch(|walker| {
                        walker.bind_pattern(&case.pattern, &subject);
                        if let Some(guard) = &case.guard {
                            walker.eval(guard);
                        }
                        walker.statements(&case.body);
                    });
                }
            }
            Stmt::Raise(raise) => {
                for part in [&raise.exc, &raise.cause].into_iter().flatten() {
                    self.eval(part);
                }
            }
            Stmt::Assert(assert) => {
                self.eval(&assert.test);
            }
            Stmt::Global(global) => {
                let names = global.names.iter().map(|name| name.as_str());
                self.scopes[self.frame.scope].outer.extend(names);
            }
            Stmt::Nonlocal(nonlocal) => {
                let names = nonlocal.names.iter().map(|name| name.as_str());
                self.scopes[self.frame.scope].outer.extend(names);
            }
            Stmt::Delete(_)
            | Stmt::TypeAlias(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_)
            | Stmt::IpyEscapeCommand(_) => {}
        }
        self.depth -= 1;
    }

    fn expression_statement(&mut self, expression: &'a Expr) {
        let called = match expression {
            Expr::Await(waited) => &waited.value,
            other => other,
        };
        if called.is_call_expr() {
            self.discarded.insert(called.range().start().to_u32());
        }
        // A text on its own is documentation.
        if !matches!(
            expression,
            Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)
        ) {
            self.eval(expression);
        }
    }

    fn return_statement(&mut self, returned: &'a StmtReturn) {
        let value = match &returned.value {
            Some(value) => self.eval(value),
            None => Kind::None.into(),
        };
        self.returns(value);
    }

    /// Adds to the items that the generator at hand gives, one after the other.
    pub(super) fn yields(&mut self, items: Vec<Value>) {
        match &mut self.frame.returns {
            Some(Value {
                kind: Kind::List(held),
                ..
            }) if held.len() < YIELDED => Arc::make_mut(held).extend(items),
            Some(returns) => {
                for item in &items {
                    returns.taint.join(&item.whole_taint());
                }
            }
            none => *none = Some(Kind::List(Arc::new(items)).into()),
        }
    }

    /// Adds to what the function at hand gives back.
    pub(super) fn returns(&mut self, value: Value) {
        match &mut self.frame.returns {
            Some(returns) => returns.join(&value),
            none => *none = Some(value),
        }
    }

    fn if_statement(&mut self, condition: &'a StmtIf) {
        if self.is_main_guard(&condition.test) {
            return self.main_block(condition);
        }
        let guards = self.frame.guards.len();
        let known = self.condition(&condition.test);
        if known == Some(true) && self.frame.inline > 0 {
            self.statements(&condition.body);
            self.frame.guards.truncate(guards);
            return;
        }
        if known != Some(false) || self.frame.inline == 0 {
            self.branch(|walker| walker.statements(&condition.body));
        }
        for clause in &condition.elif_else_clauses {
            if let Some(test) = &clause.test {
                self.condition(test);
            }
            self.branch(|walker| walker.statements(&clause.body));
        }
        self.frame.guards.truncate(guards);
    }

    /// Evaluates a condition, remembers what it asks, and says how it ends when that is known.
    pub(super) fn condition(&mut self, test: &'a Expr) -> Option<bool> {
        let value = self.eval(test);
        self.guard(test, 0);
        match value.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    fn guard(&mut self, test: &'a Expr, depth: u8) {
        if depth > 4 || self.frame.guards.len() > 12 {
            return;
        }
        match test {
            Expr::Call(call) => {
                self.guard(&call.func, depth + 1);
                for argument in &call.arguments.args {
                    self.guard(argument, depth + 1);
                }
            }
            Expr::Compare(compare) => {
                self.guard(&compare.left, depth + 1);
                for side in &compare.comparators {
                    self.guard(side, depth + 1);
                }
            }
            Expr::BoolOp(operation) => {
                for value in &operation.values {
                    self.guard(value, depth + 1);
                }
            }
            Expr::UnaryOp(operation) => self.guard(&operation.operand, depth + 1),
            Expr::Subscript(subscript) => self.guard(&subscript.value, depth + 1),
            Expr::Attribute(_) | Expr::Name(_) => {
                if let Some(sym) = self.plain_name(test) {
                    self.frame.guards.push(sym);
                } else if let Expr::Attribute(attribute) = test {
                    self.guard(&attribute.value, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn is_main_guard(&self, test: &Expr) -> bool {
        let compare = match test {
            Expr::Compare(compare) => compare,
            Expr::BoolOp(both) if both.op == BoolOp::And => {
                return both.values.iter().any(|each| self.is_main_guard(each));
            }
            _ => return false,
        };
        let is_name =
            |each: &Expr| matches!(each, Expr::Name(name) if name.id.as_str() == "__name__");
        let is_main = |each: &Expr| matches!(each, Expr::StringLiteral(text) if text.value.to_str() == "__main__");
        let [right] = &*compare.comparators else {
            return false;
        };
        compare.ops.first() == Some(&CmpOp::Eq)
            && ((is_name(&compare.left) && is_main(right))
                || (is_main(&compare.left) && is_name(right)))
    }

    /// `if __name__ == "__main__"`: runs when the file is run, which building does to `setup.py`.
    fn main_block(&mut self, condition: &'a StmtIf) {
        let role = self.engine.modules[self.module as usize].facts.role;
        if matches!(role, Role::Install | Role::Startup) {
            return self.statements(&condition.body);
        }
        // What the test calls beside asking for the name runs on import like everything around it.
        let guards = self.frame.guards.len();
        self.condition(&condition.test);
        self.frame.guards.truncate(guards);
        let module = self.module;
        let block = self.engine.function(self.at(condition), |_| FunctionFact {
            module,
            name: "__main__".into(),
            parameters: Box::default(),
            variadic: None,
            keywords: None,
            summary: Summary::default(),
            root: Some(Context::Entry),
            binding: Binding::default(),
            is_fixture: false,
        });
        let outer = std::mem::replace(&mut self.frame.function, block);
        self.branch(|walker| walker.statements(&condition.body));
        self.frame.function = outer;
        for clause in &condition.elif_else_clauses {
            if let Some(test) = &clause.test {
                self.condition(test);
            }
            self.branch(|walker| walker.statements(&clause.body));
        }
        self.frame.guards.truncate(guards);
    }

    fn with_statement(&mut self, with: &'a StmtWith) {
        for item in &with.items {
            let value = self.eval(&item.context_expr);
            if let Kind::Instance(class) = value.kind {
                self.call_method_of_class(class, "__enter__", &item.context_expr);
                self.call_method_of_class(class, "__exit__", &item.context_expr);
            }
            if let Some(target) = &item.optional_vars {
                self.assign(target, &value, item.range());
                self.note_backing(target, &item.context_expr);
            }
        }
        self.statements(&with.body);
    }

    fn try_statement(&mut self, try_: &'a StmtTry) {
        self.branch(|walker| {
            // The first statements of the body do happen; later ones may not.
            walker.frame.branches -= 1;
            walker.statements(&try_.body);
            walker.frame.branches += 1;
        });
        for handler in &try_.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            self.branch(|walker| {
                if let Some(type_) = &handler.type_ {
                    walker.eval(type_);
                }
                walker.statements(&handler.body);
            });
        }
        self.branch(|walker| walker.statements(&try_.orelse));
        self.statements(&try_.finalbody);
    }
}
