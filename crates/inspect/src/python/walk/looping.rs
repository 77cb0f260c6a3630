//! `for`: turn by turn over what is known and short, otherwise twice, so that what one turn leaves
//! behind is seen by the next.

use ruff_python_ast::{Stmt, StmtFor};
use ruff_text_size::Ranged;

use super::super::fold;
use super::comprehension::any_item;
use super::{ITERATIONS, Walker};

/// Turns of a loop with any body that are followed one by one.
const SHORT: usize = 24;
/// Turns of a loop of nothing but assignments.
const LONG: usize = 8_192;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn for_statement(&mut self, loop_: &'a StmtFor) {
        let over = self.eval(&loop_.iter);
        let turns =
            fold::items(&over.kind).filter(|items| self.can_unroll(items.len(), &loop_.body));
        match turns {
            Some(items) => {
                self.iterations += items.len() as u32;
                for item in items.iter() {
                    let mut item = item.clone();
                    item.taint.join(&over.taint);
                    self.assign(&loop_.target, &item, loop_.target.range());
                    self.statements(&loop_.body);
                }
            }
            None => {
                let item = any_item(&over);
                self.assign(&loop_.target, &item, loop_.target.range());
                self.repeated(|walker| walker.statements(&loop_.body));
            }
        }
        self.branch(|walker| walker.statements(&loop_.orelse));
    }

    /// Follows the body of a loop whose turns are not known: twice at the outermost level.
    pub(super) fn repeated(&mut self, mut body: impl FnMut(&mut Self)) {
        self.frame.loops += 1;
        let times = if self.frame.loops == 1 { 2 } else { 1 };
        for _ in 0..times {
            self.branch(&mut body);
        }
        self.frame.loops -= 1;
    }

    fn can_unroll(&self, turns: usize, body: &[Stmt]) -> bool {
        let left = ITERATIONS.saturating_sub(self.iterations) as usize;
        if self.frame.branches > 0 || turns > left {
            return false;
        }
        let is_plain = body.len() <= 6 && body.iter().all(is_plain);
        turns <= if is_plain { LONG } else { SHORT } && body.iter().all(|each| !makes_scopes(each))
    }
}

fn is_plain(statement: &Stmt) -> bool {
    matches!(
        statement,
        Stmt::Assign(_) | Stmt::AugAssign(_) | Stmt::Expr(_)
    )
}

fn makes_scopes(statement: &Stmt) -> bool {
    matches!(
        statement,
        Stmt::FunctionDef(_) | Stmt::ClassDef(_) | Stmt::For(_) | Stmt::While(_)
    )
}
