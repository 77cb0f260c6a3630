//! Functions between numbers, characters and bytes.

use std::sync::Arc;

use super::super::value::{Kind, Value};
use super::{Fold, LARGEST, operators, sequence};

pub(super) fn call(name: &str, arguments: &[&Value]) -> Option<Fold> {
    let Some(first) = arguments.first().map(|value| &value.kind) else {
        return match name {
            "builtins.bytes" | "builtins.bytearray" => Fold::plain(Kind::bytes(Vec::new())),
            "builtins.str" => Fold::plain(Kind::str("")),
            _ => None,
        };
    };
    if let Some(name) = name.strip_prefix("operator.") {
        return operators::by_name(name, first, arguments.get(1).map(|value| &value.kind));
    }
    match name {
        "builtins.chr" => {
            let character = char::from_u32(u32::try_from(first.as_int()?).ok()?)?;
            Fold::decoded(Kind::str(character.to_string()))
        }
        "builtins.ord" => ord(first),
        "builtins.int" => int(first, arguments.get(1).map(|base| &base.kind)),
        "builtins.str" => text(first, arguments),
        "builtins.hex" => Fold::plain(Kind::str(radix(first.as_int()?, "0x", |n| {
            format!("{n:x}")
        }))),
        "builtins.oct" => Fold::plain(Kind::str(radix(first.as_int()?, "0o", |n| {
            format!("{n:o}")
        }))),
        "builtins.bin" => Fold::plain(Kind::str(radix(first.as_int()?, "0b", |n| {
            format!("{n:b}")
        }))),
        "builtins.abs" => Fold::plain(Kind::Int(first.as_int()?.checked_abs()?)),
        "builtins.bytes" | "builtins.bytearray" => bytes(first, arguments),
        "builtins.len" => Fold::plain(Kind::Int(length(first)?)),
        "builtins.int.from_bytes" => from_bytes(first, &arguments.get(1)?.kind),
        _ => None,
    }
}

fn ord(kind: &Kind) -> Option<Fold> {
    let number = match kind {
        Kind::Str(text) => {
            let mut characters = text.chars();
            let only = characters.next()?;
            if characters.next().is_some() || only == super::super::analysis::HOLE {
                return None;
            }
            i64::from(u32::from(only))
        }
        Kind::Bytes(bytes) if bytes.len() == 1 => i64::from(bytes[0]),
        _ => return None,
    };
    Fold::plain(Kind::Int(number))
}

fn int(kind: &Kind, base: Option<&Kind>) -> Option<Fold> {
    if let Some(number) = kind.as_int() {
        return Fold::plain(Kind::Int(number));
    }
    let text = std::str::from_utf8(kind.as_bytes()?)
        .ok()?
        .trim()
        .replace('_', "")
        .to_lowercase();
    let base = base.map_or(Some(10), Kind::as_int)?;
    let (digits, base) = match (base, text.get(..2)) {
        (0 | 16, Some("0x")) => (&text[2..], 16),
        (0 | 8, Some("0o")) => (&text[2..], 8),
        (0 | 2, Some("0b")) => (&text[2..], 2),
        (0, _) => (&text[..], 10),
        (base @ 2..=36, _) => (&text[..], base as u32),
        _ => return None,
    };
    Fold::plain(Kind::Int(i64::from_str_radix(digits, base).ok()?))
}

fn text(kind: &Kind, arguments: &[&Value]) -> Option<Fold> {
    match kind {
        Kind::Str(text) => Fold::plain(Kind::Str(text.clone())),
        Kind::Path(path) => Fold::plain(Kind::Str(path.clone())),
        Kind::Int(number) => Fold::plain(Kind::str(number.to_string())),
        Kind::Bool(true) => Fold::plain(Kind::str("True")),
        Kind::Bool(false) => Fold::plain(Kind::str("False")),
        Kind::None => Fold::plain(Kind::str("None")),
        Kind::Bytes(bytes) if arguments.len() > 1 => {
            super::decode_text(bytes, arguments[1].kind.as_text()?).and_then(Fold::plain)
        }
        _ => None,
    }
}

fn radix(number: i64, prefix: &str, digits: impl Fn(u64) -> String) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{prefix}{}", digits(number.unsigned_abs()))
}

fn bytes(kind: &Kind, arguments: &[&Value]) -> Option<Fold> {
    match kind {
        Kind::Bytes(bytes) => Fold::plain(Kind::Bytes(bytes.clone())),
        Kind::Str(text) if arguments.len() > 1 => {
            Fold::plain(Kind::bytes(kind.as_text()?.as_bytes().to_vec()).or_latin(text, arguments))
        }
        Kind::Int(count) => {
            let count = usize::try_from(*count)
                .ok()
                .filter(|count| *count <= LARGEST)?;
            Fold::plain(Kind::bytes(vec![0; count]))
        }
        other => {
            let numbers = sequence::items(other)?;
            let bytes: Option<Vec<u8>> = numbers
                .iter()
                .map(|item| u8::try_from(item.kind.as_int()?).ok())
                .collect();
            Fold::decoded(Kind::bytes(bytes?))
        }
    }
}

impl Kind {
    /// Text as Latin-1 when the second argument asks for it.
    fn or_latin(self, text: &str, arguments: &[&Value]) -> Self {
        let encoding = arguments
            .get(1)
            .and_then(|value| value.kind.as_text())
            .unwrap_or("utf-8");
        if !matches!(encoding, "latin-1" | "latin1" | "iso-8859-1") {
            return self;
        }
        let bytes: Option<Vec<u8>> = text.chars().map(|each| u8::try_from(each).ok()).collect();
        bytes.map_or(self, Kind::bytes)
    }
}

fn length(kind: &Kind) -> Option<i64> {
    let length = match kind {
        Kind::Str(_) => kind.as_text()?.chars().count(),
        Kind::Bytes(bytes) => bytes.len(),
        Kind::List(items) => items.len(),
        Kind::Dict(items) => items.len(),
        _ => return None,
    };
    i64::try_from(length).ok()
}

fn from_bytes(kind: &Kind, order: &Kind) -> Option<Fold> {
    let bytes = kind.as_bytes().filter(|bytes| bytes.len() <= 7)?;
    let add = |sum: i64, byte: &u8| (sum << 8) | i64::from(*byte);
    let number = match order.as_text()? {
        "big" => bytes.iter().fold(0, add),
        "little" => bytes.iter().rev().fold(0, add),
        _ => return None,
    };
    Fold::plain(Kind::Int(number))
}

/// `range(...)` as a list.
pub(super) fn range(arguments: &[&Value]) -> Option<Kind> {
    let numbers: Option<Vec<i64>> = arguments.iter().map(|value| value.kind.as_int()).collect();
    let (start, stop, step) = match numbers?[..] {
        [stop] => (0, stop, 1),
        [start, stop] => (start, stop, 1),
        [start, stop, step] if step != 0 => (start, stop, step),
        _ => return None,
    };
    let way = i128::from(stop) - i128::from(start);
    let turns = (way + i128::from(step - step.signum())) / i128::from(step);
    let count = usize::try_from(turns.max(0)).ok()?;
    // Counted first: most ranges that are too long are far too long.
    if count > LARGEST / 64 {
        return None;
    }
    // Each item lies between the ends, whatever the way to it is.
    let item = |at: usize| {
        let item = start.wrapping_add((at as i64).wrapping_mul(step));
        Value::from(Kind::Int(item))
    };
    Some(Kind::List(Arc::new((0..count).map(item).collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_python() {
        let many = LARGEST as i64 / 64;
        for (ends, expected) in [
            (&[3][..], Some(&[0, 1, 2][..])),
            (&[-3], Some(&[])),
            (&[2, 2], Some(&[])),
            (&[1, 8, 3], Some(&[1, 4, 7])),
            (&[1, 7, 3], Some(&[1, 4])),
            (&[3, -2, -2], Some(&[3, 1, -1])),
            (&[3, -3, -3], Some(&[3, 0])),
            (&[0, 3, -1], Some(&[])),
            (
                &[i64::MIN, i64::MAX, i64::MAX],
                Some(&[i64::MIN, -1, i64::MAX - 1]),
            ),
            (&[0, 3, 0], None),
            (&[many + 1], None),
            (&[i64::MIN, i64::MAX], None),
        ] {
            let ends: Vec<Value> = ends.iter().map(|end| Kind::Int(*end).into()).collect();
            let ends: Vec<&Value> = ends.iter().collect();
            let numbers = range(&ends).map(|kind| match kind {
                Kind::List(items) => items.iter().filter_map(|item| item.kind.as_int()).collect(),
                _ => vec![],
            });
            assert_eq!(numbers.as_deref(), expected, "{ends:?}");
        }
    }
}
