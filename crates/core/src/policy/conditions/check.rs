//! The type check of a condition: every name is known, every operator gets what it takes, the whole is a
//! `bool`, and evaluating it ends soon whatever the facts are.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SelectExpr};

use super::facts::{MAX_ITEMS, Variable};
use super::functions;
use super::parse::{MAX_DEPTH, Mistake, Places, too_deep};
use super::types::{Item, Type};
use super::variables::VARIABLES;
use crate::settings::resembles;

/// How many steps evaluating a condition may take at most: about two milliseconds.
pub const MAX_STEPS: u64 = 20_000;

/// What the check finds out about a sound condition.
#[derive(Debug)]
pub(super) struct Checked {
    /// The variables that it reads, each once.
    pub(super) variables: Vec<&'static Variable>,
}

/// What is known of a part of the condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Its type.
    pub(super) of: Type,
    /// How many steps evaluating it may take.
    pub(super) steps: u64,
    /// How many items it may have, where it is a list.
    pub(super) items: u64,
}

impl Part {
    /// A part that is no list.
    pub(super) fn single(of: Type, steps: u64) -> Self {
        Self {
            of,
            steps,
            items: 1,
        }
    }
}

/// Checks the tree of a condition.
///
/// # Errors
/// Every mistake in it.
pub(super) fn check(tree: &IdedExpr, places: &Places<'_>) -> Result<Checked, Vec<Mistake>> {
    let mut checker = Checker {
        places,
        mistakes: Vec::new(),
        variables: Vec::new(),
        scope: Vec::new(),
        depth: 0,
    };
    let whole = checker.part(tree);
    if let Some(whole) = whole {
        if whole.of != Type::BOOL {
            let message = format!(
                "a condition is a bool, and this is {}",
                with_article(whole.of)
            );
            checker.report(tree, message, None);
        }
        if whole.steps > MAX_STEPS {
            let steps = whole.steps;
            checker.report(
                tree,
                format!("this could take {steps} steps, and {MAX_STEPS} are allowed"),
                Some("go through one list at a time, with a shorter condition for its items"),
            );
        }
    }
    match (whole, checker.mistakes) {
        (Some(_), mistakes) if mistakes.is_empty() => Ok(Checked {
            variables: checker.variables,
        }),
        (_, mistakes) => Err(mistakes),
    }
}

/// `an int`, `a string`.
pub(super) fn with_article(of: Type) -> String {
    match of == Type::INT {
        true => format!("an {of}"),
        false => format!("a {of}"),
    }
}

/// The state of a check. Methods give `None` for a part with a mistake, which is reported by then.
pub(super) struct Checker<'c> {
    places: &'c Places<'c>,
    mistakes: Vec<Mistake>,
    variables: Vec<&'static Variable>,
    /// The names that macros bind, the innermost last.
    scope: Vec<(String, Part)>,
    depth: usize,
}

impl Checker<'_> {
    /// Reports a mistake at the token of a node.
    pub(super) fn report(&mut self, at: &IdedExpr, message: impl Into<String>, help: Option<&str>) {
        let mut mistake = Mistake::new(message, self.places.of(at));
        mistake.help = help.map(str::to_owned);
        // Macros repeat parts of what is written; one report of it is enough.
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    /// The type of a part, and the work that it takes.
    pub(super) fn part(&mut self, node: &IdedExpr) -> Option<Part> {
        if self.depth >= MAX_DEPTH {
            let at = self.places.of(node);
            if self.mistakes.is_empty() {
                self.mistakes.push(too_deep(at));
            }
            return None;
        }
        self.depth += 1;
        let part = self.part_within(node);
        self.depth -= 1;
        part
    }

    fn part_within(&mut self, node: &IdedExpr) -> Option<Part> {
        match &node.expr {
            Expr::Literal(literal) => self.literal(node, literal),
            Expr::Ident(name) => self.name(node, name),
            Expr::Select(select) => self.selected(node, select),
            Expr::Call(call) => self.call(node, call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Comprehension(comprehension) => self.comprehension(node, comprehension),
            Expr::Map(_) | Expr::Struct(_) => {
                self.report(node, "conditions have no maps and messages", None);
                None
            }
            Expr::Unspecified => {
                self.report(node, "the condition cannot be read", None);
                None
            }
        }
    }

    fn literal(&mut self, node: &IdedExpr, literal: &LiteralValue) -> Option<Part> {
        let of = match literal {
            LiteralValue::Boolean(_) => Type::BOOL,
            LiteralValue::Int(_) => Type::INT,
            LiteralValue::Double(_) => Type::DOUBLE,
            LiteralValue::String(_) => Type::STRING,
            LiteralValue::UInt(_) => {
                self.report(node, "write whole numbers without `u`", None);
                return None;
            }
            LiteralValue::Bytes(_) | LiteralValue::Null => {
                let help = "what is not known is handled by `on-unknown`; text is written 'so'";
                self.report(node, "conditions have no null and no bytes", Some(help));
                return None;
            }
        };
        Some(Part::single(of, 1))
    }

    fn name(&mut self, node: &IdedExpr, name: &str) -> Option<Part> {
        let bound = self.scope.iter().rev().find(|(bound, _)| bound == name);
        if let Some((_, part)) = bound {
            return Some(*part);
        }
        let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name) else {
            let known = VARIABLES.iter().map(|variable| variable.name);
            let help = did_you_mean(name, known, "the variables are listed in docs/rules.md");
            self.report(node, format!("there is no variable `{name}`"), Some(&help));
            return None;
        };
        if !self.variables.iter().any(|known| known.name == name) {
            self.variables.push(variable);
        }
        Some(Part {
            of: variable.of,
            steps: 1,
            items: MAX_ITEMS as u64,
        })
    }

    fn selected(&mut self, node: &IdedExpr, select: &SelectExpr) -> Option<Part> {
        let operand = self.part(&select.operand)?;
        let name = select.field.as_str();
        let Type::Record(fields) = operand.of else {
            let message = format!("{} has no fields", with_article(operand.of));
            self.report(node, message, None);
            return None;
        };
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            let known = fields.iter().map(|field| field.name);
            let all: Vec<&str> = known.clone().collect();
            let others = format!("the fields are {}", all.join(", "));
            let help = did_you_mean(name, known, &others);
            self.report(node, format!("there is no field `{name}`"), Some(&help));
            return None;
        };
        let of = match select.test {
            true => Type::BOOL,
            false => Type::Scalar(field.of),
        };
        Some(Part::single(of, operand.steps + 1))
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Option<Part> {
        // Every element is looked at, so that all mistakes are found.
        let parts: Vec<Option<Part>> = elements.iter().map(|item| self.part(item)).collect();
        let parts: Vec<Part> = parts.into_iter().collect::<Option<_>>()?;
        let mut item: Option<Item> = None;
        for (element, part) in elements.iter().zip(&parts) {
            let Some(this) = part.of.as_item() else {
                let message = format!("a list cannot hold {}", with_article(part.of));
                self.report(element, message, None);
                return None;
            };
            if item.is_some_and(|item| item != this) {
                let first = Type::List(item);
                let message = format!("{} in a {first}", with_article(part.of));
                self.report(element, message, Some("all items of a list have one type"));
                return None;
            }
            item = Some(this);
        }
        Some(Part {
            of: Type::List(item),
            steps: parts.iter().map(|part| part.steps).sum::<u64>() + 1,
            items: elements.len() as u64,
        })
    }

    fn call(&mut self, node: &IdedExpr, call: &CallExpr) -> Option<Part> {
        let target = call.target.as_deref();
        let operands: Vec<&IdedExpr> = target.into_iter().chain(&call.args).collect();
        let parts: Vec<Option<Part>> = operands.iter().map(|part| self.part(part)).collect();
        let parts: Vec<Part> = parts.into_iter().collect::<Option<_>>()?;
        functions::part_of_call(self, (node, call), &operands, &parts)
    }

    fn comprehension(&mut self, node: &IdedExpr, of: &ComprehensionExpr) -> Option<Part> {
        let range = self.part(&of.iter_range)?;
        let Type::List(item) = range.of else {
            let message = format!("{} has no items to go through", with_article(range.of));
            self.report(node, message, None);
            return None;
        };
        if VARIABLES
            .iter()
            .any(|variable| variable.name == of.iter_var)
        {
            let message = format!("`{}` is a variable already", of.iter_var);
            self.report(node, message, Some("call the items something else"));
            return None;
        }
        // Of an empty list nothing is gone through, whatever its items are taken for.
        let item = Part {
            of: item.map_or(Type::BOOL, Type::from),
            steps: 1,
            items: 1,
        };
        let start = self.part(&of.accu_init)?;
        let bound = self.scope.len();
        self.scope.push((of.iter_var.clone(), item));
        self.scope.push((of.accu_var.clone(), start));
        let step = self.part(&of.loop_step);
        self.scope.truncate(bound);
        let step = step?;
        let sum = Part {
            of: step.of,
            steps: 1,
            items: range.items,
        };
        self.scope.push((of.accu_var.clone(), sum));
        let result = self.part(&of.result);
        self.scope.truncate(bound);
        let result = result?;
        let each = step.steps.saturating_add(4);
        let steps = range.items.saturating_mul(each);
        Some(Part {
            steps: range
                .steps
                .saturating_add(steps)
                .saturating_add(result.steps),
            ..result
        })
    }
}

/// The nearest of the known names as help, else `otherwise`.
fn did_you_mean<'n>(
    name: &str,
    mut known: impl Iterator<Item = &'n str>,
    otherwise: &str,
) -> String {
    let nearest = known.find(|known| resembles(known, name));
    match nearest {
        Some(known) => format!("did you mean `{known}`?"),
        None => otherwise.to_owned(),
    }
}
