//! Operators on constants.

use std::sync::Arc;

use ruff_python_ast::{CmpOp, Operator, UnaryOp};

use super::super::analysis::HOLE;
use super::super::taint::paths;
use super::super::value::{Kind, Value};
use super::{Fold, LARGEST};

/// `left op right`. An unknown operand beside a text makes a text with a hole.
pub(in super::super) fn binary(operator: Operator, left: &Kind, right: &Kind) -> Kind {
    match (operator, left, right) {
        (Operator::Add, Kind::Str(left), Kind::Str(right)) => joined(&[left, right]),
        (Operator::Add, Kind::Bytes(left), Kind::Bytes(right))
            if left.len() + right.len() <= LARGEST =>
        {
            Kind::bytes([&**left, &**right].concat())
        }
        (Operator::Add, Kind::Unknown | Kind::OneOf(_) | Kind::Symbol(..), Kind::Str(right)) => {
            with_hole("", right)
        }
        (Operator::Add, Kind::Str(left), Kind::Unknown | Kind::OneOf(_) | Kind::Symbol(..)) => {
            with_hole(left, "")
        }
        (Operator::Add, Kind::List(left), Kind::List(right))
            if left.len() + right.len() <= LARGEST / 16 =>
        {
            Kind::List(Arc::new(left.iter().chain(right.iter()).cloned().collect()))
        }
        (Operator::Mult, sequence, times) => repeated(sequence, times)
            .or_else(|| repeated(times, sequence))
            .unwrap_or_else(|| number(operator, left, right)),
        (Operator::Div, Kind::Path(left), Kind::Str(right) | Kind::Path(right)) => {
            Kind::Path(paths::join(left, right).into())
        }
        (Operator::Div, Kind::Path(left), Kind::Unknown) => {
            Kind::Path(paths::join(left, &HOLE.to_string()).into())
        }
        (Operator::Div, Kind::Str(left), Kind::Path(right)) => {
            Kind::Path(paths::join(left, right).into())
        }
        _ => number(operator, left, right),
    }
}

fn joined(parts: &[&str]) -> Kind {
    if parts.iter().map(|part| part.len()).sum::<usize>() > LARGEST {
        return Kind::Unknown;
    }
    Kind::str(parts.concat())
}

/// A text around something unknown; holes that touch are one.
fn with_hole(before: &str, after: &str) -> Kind {
    let mut hole = [0; 4];
    let hole: &str = HOLE.encode_utf8(&mut hole);
    if before.ends_with(HOLE) || after.starts_with(HOLE) {
        return joined(&[before, after]);
    }
    joined(&[before, hole, after])
}

fn repeated(sequence: &Kind, times: &Kind) -> Option<Kind> {
    let Kind::Int(times) = times else { return None };
    let times = usize::try_from((*times).max(0)).ok()?;
    match sequence {
        Kind::Str(text) => fits(text.len(), times).then(|| Kind::str(text.repeat(times))),
        Kind::Bytes(bytes) => fits(bytes.len(), times).then(|| Kind::bytes(bytes.repeat(times))),
        Kind::List(items) => {
            let repeat = || {
                let mut all = Vec::with_capacity(items.len() * times);
                (0..times).for_each(|_| all.extend(items.iter().cloned()));
                Kind::List(Arc::new(all))
            };
            fits(items.len() * size_of::<Value>(), times).then(repeat)
        }
        _ => None,
    }
}

fn fits(length: usize, times: usize) -> bool {
    length
        .checked_mul(times)
        .is_some_and(|total| total <= LARGEST)
}

fn number(operator: Operator, left: &Kind, right: &Kind) -> Kind {
    let (Some(left), Some(right)) = (left.as_int(), right.as_int()) else {
        return Kind::Unknown;
    };
    let result = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mult => left.checked_mul(right),
        Operator::FloorDiv => floor_division(left, right),
        Operator::Mod => floor_division(left, right)
            .and_then(|quotient| quotient.checked_mul(right))
            .and_then(|product| left.checked_sub(product)),
        Operator::BitXor => Some(left ^ right),
        Operator::BitAnd => Some(left & right),
        Operator::BitOr => Some(left | right),
        Operator::LShift => u32::try_from(right)
            .ok()
            .filter(|by| *by < 62)
            .and_then(|by| left.checked_mul(1 << by)),
        Operator::RShift => u32::try_from(right).ok().map(|by| left >> by.min(63)),
        Operator::Pow => u32::try_from(right)
            .ok()
            .and_then(|by| left.checked_pow(by)),
        Operator::Div | Operator::MatMult => None,
    };
    result.map_or(Kind::Unknown, Kind::Int)
}

fn floor_division(left: i64, right: i64) -> Option<i64> {
    let quotient = left.checked_div(right)?;
    let is_rounded_up = left.checked_rem(right)? != 0 && (left < 0) != (right < 0);
    Some(if is_rounded_up {
        quotient - 1
    } else {
        quotient
    })
}

/// Whether texts are the same, or one is in the other.
pub(in super::super) fn compared(operator: CmpOp, left: &Kind, right: &Kind) -> Option<bool> {
    match (operator, left, right) {
        (CmpOp::Eq | CmpOp::NotEq, Kind::Str(_), Kind::Str(_)) => {
            Some((left.as_text()? == right.as_text()?) == (operator == CmpOp::Eq))
        }
        (CmpOp::In | CmpOp::NotIn, Kind::Str(_), Kind::Str(_)) => {
            Some(right.as_text()?.contains(left.as_text()?) == (operator == CmpOp::In))
        }
        _ => None,
    }
}

/// The function of the `operator` module that is called `name`.
pub(super) fn by_name(name: &str, left: &Kind, right: Option<&Kind>) -> Option<Fold> {
    let operator = match name.trim_start_matches("__").trim_end_matches('_') {
        "add" | "concat" | "iadd" | "iconcat" => Operator::Add,
        "sub" | "isub" => Operator::Sub,
        "mul" | "imul" => Operator::Mult,
        "floordiv" | "ifloordiv" => Operator::FloorDiv,
        "mod" | "imod" => Operator::Mod,
        "xor" | "ixor" => Operator::BitXor,
        "and" | "iand" => Operator::BitAnd,
        "or" | "ior" => Operator::BitOr,
        "lshift" | "ilshift" => Operator::LShift,
        "rshift" | "irshift" => Operator::RShift,
        "pow" | "ipow" => Operator::Pow,
        "neg" => return Fold::plain(unary(UnaryOp::USub, left)),
        "inv" | "invert" => return Fold::plain(unary(UnaryOp::Invert, left)),
        _ => return None,
    };
    let kind = binary(operator, left, right?);
    kind.is_constant().then(|| Fold::plain(kind)).flatten()
}

/// `op operand`.
pub(in super::super) fn unary(operator: UnaryOp, operand: &Kind) -> Kind {
    let Some(value) = operand.as_int() else {
        return Kind::Unknown;
    };
    match operator {
        UnaryOp::USub => value.checked_neg().map_or(Kind::Unknown, Kind::Int),
        UnaryOp::UAdd => Kind::Int(value),
        UnaryOp::Invert => Kind::Int(!value),
        UnaryOp::Not => Kind::Bool(value == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_behave_as_in_python() {
        for (left, operator, right, expected) in [
            (-7, Operator::FloorDiv, 2, Some(-4)),
            (-7, Operator::Mod, 3, Some(2)),
            (7, Operator::Mod, -3, Some(-2)),
            (1, Operator::FloorDiv, 0, None),
            (i64::MAX, Operator::Add, 1, None),
            (i64::MIN, Operator::FloorDiv, -1, None),
            (2, Operator::Pow, 10, Some(1024)),
            (1, Operator::LShift, 4_000_000, None),
        ] {
            let result = binary(operator, &Kind::Int(left), &Kind::Int(right));
            assert_eq!(result.as_int(), expected, "{left} {operator:?} {right}");
        }
    }

    #[test]
    fn repetition_is_bounded() {
        let huge = binary(Operator::Mult, &Kind::str("abc"), &Kind::Int(i64::MAX));
        assert!(matches!(huge, Kind::Unknown));
        assert_eq!(
            binary(Operator::Mult, &Kind::Int(2), &Kind::str("ab")).as_text(),
            Some("abab")
        );
    }
}
