//! The operators and functions that conditions have: which types they take and give, what they cost, and
//! the environment that evaluates them. There is no `matches`: a regular expression is neither quick nor
//! easy to read in a policy.

use std::sync::{Arc, LazyLock};

use cel::common::ast::{CallExpr, Expr, LiteralValue, operators as op};
use cel::common::types::{CelBool, CelString, STRING_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError, IdedExpr};

use super::check::{Checker, Part, with_article};
use super::types::{Scalar, Type};
use super::variables::VARIABLES;
use crate::pypi::version::{Version, VersionSpecifiers, admits};

/// The function that asks whether a version meets PEP 440 specifiers.
const SATISFIES: &str = "satisfies";

/// Steps for a search in a text, and for reading versions and specifiers.
const SEARCH: u64 = 4;
const READ_VERSION: u64 = 40;

/// One function, for the reference.
#[derive(Clone, Copy, Debug)]
pub struct FunctionManual {
    /// How it is called.
    pub form: &'static str,
    /// What it says.
    pub meaning: &'static str,
}

/// The functions, for the reference. Operators are CEL's.
pub static FUNCTIONS: &[FunctionManual] = &[
    FunctionManual {
        form: "text.startsWith(text)",
        meaning: "whether it begins so; `endsWith` and `contains` likewise",
    },
    FunctionManual {
        form: "size(list)",
        meaning: "how many items a list, or characters a text, has; also `list.size()`",
    },
    FunctionManual {
        form: "version.satisfies('>=2,<3')",
        meaning: "whether a text that is a version meets specifiers (PEP 440); pre-releases count",
    },
    FunctionManual {
        form: "list.exists(item, condition)",
        meaning: "whether it holds for an item; `all`, `exists_one`, `filter` and `map` likewise",
    },
    FunctionManual {
        form: "has(item.field)",
        meaning: "whether a field of a record is known",
    },
];

/// CEL's standard library with what conditions have beside it. Made once.
pub(super) fn environment() -> Arc<Env> {
    static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::stdlib();
        env.add_member_overload(
            SATISFIES,
            "string_satisfies_string",
            STRING_TYPE,
            vec![STRING_TYPE],
            satisfies,
        )
        .expect("the standard library has no function of this name");
        Arc::new(env)
    });
    Arc::clone(&ENVIRONMENT)
}

fn satisfies<'b, 'v>(args: Vec<CowVal<'b, 'v>>) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let text = |at: usize| {
        let text = args.get(at).and_then(|arg| arg.downcast_ref::<CelString>());
        text.map(CelString::inner).unwrap_or_default()
    };
    let version: Result<Version, _> = text(0).parse();
    let specifiers: Result<VersionSpecifiers, _> = text(1).parse();
    match (version, specifiers) {
        (Ok(version), Ok(specifiers)) => {
            Ok(CowVal::owned(CelBool::from(admits(&specifiers, &version))))
        }
        (Err(_), _) => Err(ExecutionError::function_error(
            SATISFIES,
            "this is no version",
        )),
        (_, Err(_)) => Err(ExecutionError::function_error(
            SATISFIES,
            "these are no specifiers",
        )),
    }
}

/// The type of a call, given its operands, a target first, and what is known of them.
pub(super) fn part_of_call(
    checker: &mut Checker<'_>,
    (node, call): (&IdedExpr, &CallExpr),
    operands: &[&IdedExpr],
    parts: &[Part],
) -> Option<Part> {
    let steps = parts
        .iter()
        .map(|part| part.steps)
        .fold(1, u64::saturating_add);
    match (call.func_name.as_str(), call.target.is_some(), parts) {
        (op::LOGICAL_AND | op::LOGICAL_OR, false, [_, _]) | (op::LOGICAL_NOT, false, [_]) => {
            all_are_bool(checker, operands, parts).map(|()| Part::single(Type::BOOL, steps))
        }
        (op::CONDITIONAL, false, [_, one, other]) => {
            all_are_bool(checker, &operands[..1], &parts[..1])?;
            let of = one.of.or(other.of);
            if of.is_none() {
                let (one, other) = (with_article(one.of), with_article(other.of));
                checker.report(node, format!("this is {one} or {other}"), None);
            }
            of.map(|of| Part {
                of,
                steps,
                items: one.items.max(other.items),
            })
        }
        (name, false, [left, right]) if is_binary(name) => {
            binary(checker, (node, name), operands, [left, right])
                .map(|(of, work)| Part::single(of, steps.saturating_add(work)))
                .map(|part| match part.of {
                    Type::List(_) => Part {
                        items: left.items + right.items,
                        ..part
                    },
                    _ => part,
                })
        }
        (op::NEGATE, false, [part]) if part.of.is_number() => Some(Part::single(part.of, steps)),
        (op::NEGATE, false, [part]) => {
            let message = format!("{} cannot be negated", with_article(part.of));
            checker.report(node, message, None);
            None
        }
        (op::INDEX, false, [list, index]) => indexed(checker, node, [list, index], steps),
        (op::NOT_STRICTLY_FALSE, false, [_]) => Some(Part::single(Type::BOOL, steps)),
        (name, is_method, parts) => function(checker, (node, name), operands, parts)
            .map(|(of, work)| Part::single(of, steps.saturating_add(work)))
            .filter(|_| is_method || name == "size" || report_method(checker, node, name)),
    }
}

fn is_binary(name: &str) -> bool {
    let all = [
        op::EQUALS,
        op::NOT_EQUALS,
        op::LESS,
        op::LESS_EQUALS,
        op::GREATER,
        op::GREATER_EQUALS,
        op::IN,
        op::ADD,
        op::SUBSTRACT,
        op::MULTIPLY,
        op::DIVIDE,
        op::MODULO,
    ];
    all.contains(&name)
}

/// How an operator is written.
fn sign(name: &str) -> &str {
    match name {
        op::IN => "in",
        _ => name.trim_matches('_'),
    }
}

fn all_are_bool(checker: &mut Checker<'_>, operands: &[&IdedExpr], parts: &[Part]) -> Option<()> {
    let mut sound = Some(());
    for (operand, part) in operands.iter().zip(parts) {
        if part.of != Type::BOOL {
            let message = format!(
                "a bool is needed here, and this is {}",
                with_article(part.of)
            );
            checker.report(operand, message, None);
            sound = None;
        }
    }
    sound
}

/// The type of an operator with two operands, and the steps beside those of its operands.
fn binary(
    checker: &mut Checker<'_>,
    (node, name): (&IdedExpr, &str),
    operands: &[&IdedExpr],
    [left, right]: [&Part; 2],
) -> Option<(Type, u64)> {
    let work = left.items.max(right.items);
    let both = (left.of, right.of);
    let numbers = left.of.is_number() && right.of.is_number();
    let fits = match name {
        op::EQUALS | op::NOT_EQUALS => left.of.is_comparable_with(right.of).then_some(Type::BOOL),
        op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS => {
            numbers.then_some(Type::BOOL)
        }
        op::IN => match both {
            (_, Type::List(None)) => Some(Type::BOOL),
            (Type::Scalar(_), Type::List(Some(item))) => left
                .of
                .is_comparable_with(item.into())
                .then_some(Type::BOOL),
            _ => None,
        },
        // Lists are joined by the macros alone: what conditions write cannot grow.
        op::ADD if is_of_a_macro(operands) => left.of.or(right.of),
        op::MODULO => (both == (Type::INT, Type::INT)).then_some(Type::INT),
        _ => (numbers && left.of == right.of).then_some(left.of),
    };
    if name == op::IN {
        check_name(checker, operands);
    }
    if fits.is_none() {
        let (one, other) = (with_article(left.of), with_article(right.of));
        let message = format!("`{}` does not go with {one} and {other}", sign(name));
        checker.report(node, message, advice(name, both));
    }
    let work = match (name, fits) {
        (_, Some(Type::List(_))) => 1,
        (op::EQUALS | op::NOT_EQUALS | op::IN, _) if is_list(left.of) || is_list(right.of) => work,
        _ => 0,
    };
    Some((fits?, work))
}

/// Reports a text that can never be in the list in which it is looked for.
fn check_name(checker: &mut Checker<'_>, operands: &[&IdedExpr]) {
    let [name, list] = operands else { return };
    let (Expr::Literal(LiteralValue::String(text)), Expr::Ident(list)) = (&name.expr, &list.expr)
    else {
        return;
    };
    let variable = VARIABLES.iter().find(|variable| variable.name == *list);
    let admits = variable.and_then(|variable| variable.admits);
    if let Some(Err(message)) = admits.map(|admits| admits(text.inner())) {
        checker.report(name, message, None);
    }
}

fn is_list(of: Type) -> bool {
    matches!(of, Type::List(_))
}

/// Whether the first operand is the sum of a macro, whose name cannot be written.
fn is_of_a_macro(operands: &[&IdedExpr]) -> bool {
    let first = operands.first().map(|operand| &operand.expr);
    matches!(first, Some(Expr::Ident(name)) if name.starts_with('@'))
}

fn advice(name: &str, both: (Type, Type)) -> Option<&'static str> {
    let texts = both == (Type::STRING, Type::STRING);
    match (name, both) {
        (op::LESS | op::LESS_EQUALS | op::GREATER | op::GREATER_EQUALS, _) if texts => {
            Some("versions are compared with version.satisfies('>=2')")
        }
        (
            op::EQUALS | op::NOT_EQUALS,
            (Type::List(_), Type::Scalar(_)) | (Type::Scalar(_), Type::List(_)),
        ) => Some("whether a list has an item is asked with `in`: 'x' in list"),
        (op::IN, (Type::List(_), Type::List(_))) => {
            Some("whether lists share an item is asked with list.exists(item, item in other)")
        }
        (op::ADD, _) if texts => Some("texts are compared whole, or with startsWith and endsWith"),
        (op::IN, (_, Type::Scalar(Scalar::String))) => {
            Some("whether a text has a part is asked with text.contains(part)")
        }
        _ => None,
    }
}

fn indexed(
    checker: &mut Checker<'_>,
    node: &IdedExpr,
    [list, index]: [&Part; 2],
    steps: u64,
) -> Option<Part> {
    match (list.of, index.of) {
        (Type::List(Some(item)), Type::INT) => Some(Part::single(item.into(), steps)),
        (Type::List(_), of) => {
            let message = format!(
                "an item is asked for by an int, and this is {}",
                with_article(of)
            );
            checker.report(node, message, None);
            None
        }
        (of, _) => {
            let message = format!("{} has no items", with_article(of));
            checker.report(node, message, None);
            None
        }
    }
}

/// The type of a function, and the steps beside those of its operands.
fn function(
    checker: &mut Checker<'_>,
    (node, name): (&IdedExpr, &str),
    operands: &[&IdedExpr],
    parts: &[Part],
) -> Option<(Type, u64)> {
    let types: Vec<Type> = parts.iter().map(|part| part.of).collect();
    match (name, &types[..]) {
        ("size", [Type::STRING | Type::List(_)]) => Some((Type::INT, 1)),
        ("startsWith" | "endsWith" | "contains", [Type::STRING, Type::STRING]) => {
            Some((Type::BOOL, SEARCH))
        }
        (SATISFIES, [Type::STRING, Type::STRING]) => {
            check_specifiers(checker, operands.get(1)?).map(|()| (Type::BOOL, READ_VERSION))
        }
        ("size" | "startsWith" | "endsWith" | "contains" | SATISFIES, _) => {
            let given: Vec<String> = types.iter().map(ToString::to_string).collect();
            let message = format!("`{name}` does not take ({})", given.join(", "));
            let form = FUNCTIONS.iter().find(|known| known.form.contains(name));
            let help = form.map(|known| format!("it is called so: {}", known.form));
            checker.report(node, message, help.as_deref());
            None
        }
        _ => {
            checker.report(
                node,
                format!("there is no function `{name}`"),
                Some(instead(name)),
            );
            None
        }
    }
}

fn check_specifiers(checker: &mut Checker<'_>, operand: &IdedExpr) -> Option<()> {
    let Expr::Literal(LiteralValue::String(text)) = &operand.expr else {
        let message = "the specifiers are written out, as in '>=2,<3'";
        checker.report(operand, message, None);
        return None;
    };
    if text.inner().parse::<VersionSpecifiers>().is_err() {
        let message = "these are no version specifiers (PEP 440)";
        checker.report(operand, message, Some("for example '>=2,<3'"));
        return None;
    }
    Some(())
}

fn instead(name: &str) -> &'static str {
    match name {
        "matches" => "regular expressions are left out: use startsWith, endsWith or contains",
        "exists" | "all" | "filter" | "map" | "exists_one" => {
            "it is called so: list.exists(item, condition)"
        }
        "has" => "it is called so: has(item.field)",
        "timestamp" | "duration" | "now" => "ages are numbers of days: age_days < 14",
        _ => {
            "there are startsWith, endsWith, contains, size, satisfies, has, and the macros exists, \
             all, exists_one, filter and map"
        }
    }
}

/// Functions other than `size` are methods.
fn report_method(checker: &mut Checker<'_>, node: &IdedExpr, name: &str) -> bool {
    checker.report(
        node,
        format!("`{name}` is called on a text: text.{name}(…)"),
        None,
    );
    false
}
