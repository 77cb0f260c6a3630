//! Subscripts, slices and iteration over what is known.

use std::sync::Arc;

use super::super::value::{Kind, Value};
use super::{Fold, LARGEST, numbers};

/// The items of a value, one by one.
pub(in super::super) fn items(kind: &Kind) -> Option<Arc<Vec<Value>>> {
    Some(match kind {
        Kind::List(items) => items.clone(),
        Kind::Str(_) => {
            let text = kind.as_text().filter(|text| text.len() <= LARGEST / 64)?;
            Arc::new(
                text.chars()
                    .map(|each| Kind::str(each.to_string()).into())
                    .collect(),
            )
        }
        Kind::Bytes(bytes) if bytes.len() <= LARGEST / 64 => Arc::new(
            bytes
                .iter()
                .map(|byte| Kind::Int(i64::from(*byte)).into())
                .collect(),
        ),
        Kind::Dict(items) => Arc::new(items.iter().map(|(key, _)| key.clone()).collect()),
        _ => return None,
    })
}

/// `value[index]`.
pub(in super::super) fn subscript(kind: &Kind, index: &Kind) -> Option<Value> {
    if let Kind::Dict(items) = kind {
        let found = items.iter().rev().find(|(key, _)| equal(&key.kind, index));
        return found.map(|(_, value)| value.clone());
    }
    let index = index.as_int()?;
    match kind {
        Kind::Str(_) => {
            let text = kind.as_text()?;
            let at = if text.is_ascii() {
                let at = position(index, text.len())?;
                text.get(at..=at)?.to_owned()
            } else {
                let at = position(index, text.chars().count())?;
                text.chars().nth(at)?.to_string()
            };
            Some(Kind::str(at).into())
        }
        Kind::Bytes(bytes) => {
            let byte = bytes.get(position(index, bytes.len())?)?;
            Some(Kind::Int(i64::from(*byte)).into())
        }
        Kind::List(items) => items.get(position(index, items.len())?).cloned(),
        _ => None,
    }
}

fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 {
        index.checked_add(length)?
    } else {
        index
    };
    (0..length).contains(&index).then_some(index as usize)
}

fn equal(one: &Kind, two: &Kind) -> bool {
    match (one, two) {
        (Kind::Str(one), Kind::Str(two)) => one == two,
        (Kind::Bytes(one), Kind::Bytes(two)) => one == two,
        _ => one.as_int().is_some() && one.as_int() == two.as_int(),
    }
}

/// `value[lower:upper:step]`, and whether it was turned around or thinned out.
pub(in super::super) fn slice(
    kind: &Kind,
    lower: Option<i64>,
    upper: Option<i64>,
    step: Option<i64>,
) -> Option<Fold> {
    let step = step.unwrap_or(1);
    let is_decoded = step != 1 && matches!(kind, Kind::Str(_) | Kind::Bytes(_));
    let kind = match kind {
        Kind::Str(_) => {
            let text = kind.as_text()?;
            if text.is_ascii() {
                let bytes = picked(text.as_bytes(), lower, upper, step)?;
                Kind::str(String::from_utf8(bytes).ok()?)
            } else {
                let characters: Vec<char> = text.chars().collect();
                let picked = picked(&characters, lower, upper, step)?;
                Kind::str(picked.into_iter().collect::<String>())
            }
        }
        Kind::Bytes(bytes) => Kind::bytes(picked(bytes, lower, upper, step)?),
        Kind::List(items) => Kind::List(Arc::new(picked(items, lower, upper, step)?)),
        _ => return None,
    };
    Some(Fold { kind, is_decoded })
}

fn picked<T: Clone>(
    all: &[T],
    lower: Option<i64>,
    upper: Option<i64>,
    step: i64,
) -> Option<Vec<T>> {
    let length = i64::try_from(all.len()).ok()?;
    let bound = |value: i64, low: i64, high: i64| {
        let value = if value < 0 {
            value.saturating_add(length)
        } else {
            value
        };
        value.clamp(low, high)
    };
    let mut result = Vec::new();
    if step > 0 {
        let mut at = lower.map_or(0, |value| bound(value, 0, length));
        let end = upper.map_or(length, |value| bound(value, 0, length));
        while at < end {
            result.push(all[at as usize].clone());
            at = at.checked_add(step)?;
        }
    } else if step < 0 {
        let mut at = lower.map_or(length - 1, |value| bound(value, -1, length - 1));
        let end = upper.map_or(-1, |value| bound(value, -1, length - 1));
        while at > end {
            result.push(all[at as usize].clone());
            at = at.checked_add(step)?;
        }
    } else {
        return None;
    }
    Some(result)
}

/// Functions over sequences.
pub(super) fn call(name: &str, arguments: &[&Value]) -> Option<Fold> {
    match name {
        "builtins.range" => Fold::plain(numbers::range(arguments)?),
        "builtins.sorted" => {
            let all = items(&arguments.first()?.kind)?;
            Fold::plain(Kind::List(sorted(&all)))
        }
        "builtins.set" | "builtins.frozenset" | "collections.deque" => match arguments {
            [] => Fold::plain(Kind::List(Arc::default())),
            [first, ..] => Fold::plain(Kind::List(items(&first.kind)?)),
        },
        "itertools.chain" => {
            let all: Option<Vec<_>> = arguments.iter().map(|each| items(&each.kind)).collect();
            let all = all?
                .iter()
                .flat_map(|items| items.iter().cloned())
                .collect();
            Fold::plain(Kind::List(Arc::new(all)))
        }
        "itertools.chain.from_iterable" => {
            let rows = items(&arguments.first()?.kind)?;
            let all: Option<Vec<_>> = rows.iter().map(|each| items(&each.kind)).collect();
            let all = all?
                .iter()
                .flat_map(|items| items.iter().cloned())
                .collect();
            Fold::plain(Kind::List(Arc::new(all)))
        }
        "builtins.list" | "builtins.tuple" | "builtins.iter" => match arguments {
            [] => Fold::plain(Kind::List(Arc::default())),
            [only] => Fold::plain(Kind::List(items(&only.kind)?)),
            _ => None,
        },
        "builtins.reversed" => {
            let of = &arguments.first()?.kind;
            let mut all = items(of)?.to_vec();
            all.reverse();
            let is_decoded = matches!(of, Kind::Str(_) | Kind::Bytes(_));
            Some(Fold {
                kind: Kind::List(Arc::new(all)),
                is_decoded,
            })
        }
        "builtins.enumerate" => {
            let all = items(&arguments.first()?.kind)?;
            let start = arguments
                .get(1)
                .map_or(Some(0), |start| start.kind.as_int())?;
            let pairs = all.iter().enumerate().map(|(at, item)| {
                let index = Value::from(Kind::Int(start.saturating_add(at as i64)));
                Kind::List(Arc::new(vec![index, item.clone()])).into()
            });
            Fold::plain(Kind::List(Arc::new(pairs.collect())))
        }
        "builtins.zip" => zip(arguments),
        "itertools.cycle" => {
            let all = items(&arguments.first()?.kind)?;
            if all.is_empty() || all.len() > 4_096 {
                return None;
            }
            let many = all
                .iter()
                .cycle()
                .take(8_192.max(all.len()))
                .cloned()
                .collect();
            Fold::plain(Kind::List(Arc::new(many)))
        }
        "builtins.sum" => {
            let all = items(&arguments.first()?.kind)?;
            let sum = all
                .iter()
                .try_fold(0i64, |sum, item| sum.checked_add(item.kind.as_int()?));
            Fold::plain(Kind::Int(sum?))
        }
        _ => None,
    }
}

/// In order when they are all numbers or all texts, and as they are otherwise.
fn sorted(all: &Arc<Vec<Value>>) -> Arc<Vec<Value>> {
    let mut sorted = all.to_vec();
    if all.iter().all(|item| item.kind.as_int().is_some()) {
        sorted.sort_by_key(|item| item.kind.as_int());
    } else if all.iter().all(|item| item.kind.as_text().is_some()) {
        sorted.sort_by(|one, two| one.kind.as_text().cmp(&two.kind.as_text()));
    }
    Arc::new(sorted)
}

fn zip(arguments: &[&Value]) -> Option<Fold> {
    let all: Option<Vec<_>> = arguments.iter().map(|value| items(&value.kind)).collect();
    let all = all.filter(|all| !all.is_empty())?;
    let shortest = all.iter().map(|items| items.len()).min()?;
    let rows = (0..shortest).map(|at| {
        let row = all.iter().map(|items| items[at].clone()).collect();
        Value::from(Kind::List(Arc::new(row)))
    });
    Fold::plain(Kind::List(Arc::new(rows.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_those_of_python() {
        for (lower, upper, step, expected) in [
            (None, None, Some(-1), "edcba"),
            (Some(1), Some(-1), None, "bcd"),
            (None, None, Some(2), "ace"),
            (Some(-2), None, None, "de"),
            (Some(3), Some(0), Some(-1), "dcb"),
            (Some(i64::MIN), Some(i64::MAX), None, "abcde"),
            (Some(9), None, None, ""),
        ] {
            let fold = slice(&Kind::str("abcde"), lower, upper, step).expect("folds");
            assert_eq!(
                fold.kind.as_text(),
                Some(expected),
                "{lower:?}:{upper:?}:{step:?}"
            );
        }
        assert!(slice(&Kind::str("a"), None, None, Some(0)).is_none());
    }
}
