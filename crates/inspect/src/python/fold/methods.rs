//! Methods of known texts, bytes and containers.

use std::sync::Arc;

use super::super::analysis::HOLE;
use super::super::value::{Kind, Value};
use super::encoded::{decode_text, encode_text};
use super::{Fold, LARGEST, format, sequence};

/// What `receiver.name(arguments)` returns; `None` when that is not folded.
pub(in super::super) fn method(
    receiver: &Kind,
    name: &str,
    arguments: &[&Value],
    keywords: &[(&str, &Value)],
) -> Option<Fold> {
    match receiver {
        Kind::Str(text) => text_method(text, receiver, name, arguments, keywords),
        Kind::Bytes(bytes) => bytes_method(bytes, name, arguments),
        Kind::Dict(items) => dict_method(items, receiver, name, arguments),
        Kind::List(items) => match (name, arguments) {
            ("copy", _) => Fold::plain(receiver.clone()),
            ("index", _) => None,
            ("pop", []) => items.last().and_then(|last| Fold::plain(last.kind.clone())),
            _ => None,
        },
        Kind::Int(number) if name == "to_bytes" => to_bytes(*number, arguments, keywords),
        _ => None,
    }
}

fn text_method(
    text: &str,
    receiver: &Kind,
    name: &str,
    arguments: &[&Value],
    keywords: &[(&str, &Value)],
) -> Option<Fold> {
    let argument = |at: usize| arguments.get(at).and_then(|value| value.kind.as_text());
    if name == "join" {
        return join(text, &arguments.first()?.kind);
    }
    if name == "format" {
        return Fold::plain(format::format(text, arguments, keywords));
    }
    let text = match name {
        "strip" | "rstrip" | "lstrip" | "lower" | "upper" | "replace" | "split" => text,
        _ => receiver.as_text()?,
    };
    let kind = match name {
        "encode" => {
            let encoding = argument(0).unwrap_or("utf-8");
            return encode_text(text, encoding);
        }
        "replace" => {
            let (from, to) = (argument(0)?, argument(1)?);
            if from.is_empty() || text.len().saturating_mul(to.len() + 1) > LARGEST * 16 {
                return None;
            }
            Kind::str(text.replace(from, to))
        }
        "translate" => return translate(text, &arguments.first()?.kind),
        "lower" => Kind::str(text.to_lowercase()),
        "upper" => Kind::str(text.to_uppercase()),
        "swapcase" => Kind::str(swapcase(text)),
        "title" | "capitalize" if text.is_ascii() => Kind::str(capitalized(text)),
        "strip" => Kind::str(stripped(text, arguments, argument(0))?),
        "lstrip" if arguments.is_empty() => Kind::str(text.trim_start()),
        "rstrip" if arguments.is_empty() => Kind::str(text.trim_end()),
        "removeprefix" => Kind::str(text.strip_prefix(argument(0)?).unwrap_or(text)),
        "removesuffix" => Kind::str(text.strip_suffix(argument(0)?).unwrap_or(text)),
        "split" => split(text, arguments, argument(0))?,
        "splitlines" => list(text.lines()),
        "zfill" | "ljust" | "rjust" | "center" => return None,
        "__add__" => Kind::str([text, argument(0)?].concat()),
        "__str__" | "expandtabs" => Kind::str(text),
        "__getitem__" => {
            return Fold::plain(sequence::subscript(receiver, &arguments.first()?.kind)?.kind);
        }
        _ => return None,
    };
    Fold::plain(kind)
}

fn swapcase(text: &str) -> String {
    let swapped = text.chars().flat_map(|each| {
        let lower: Vec<char> = if each.is_uppercase() {
            each.to_lowercase().collect()
        } else {
            each.to_uppercase().collect()
        };
        lower
    });
    swapped.collect()
}

fn capitalized(text: &str) -> String {
    let mut text = text.to_ascii_lowercase();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn stripped<'a>(text: &'a str, arguments: &[&Value], given: Option<&str>) -> Option<&'a str> {
    match (arguments.is_empty(), given) {
        (true, _) => Some(text.trim()),
        (false, Some(characters)) => Some(text.trim_matches(|each| characters.contains(each))),
        (false, None) => None,
    }
}

fn split(text: &str, arguments: &[&Value], separator: Option<&str>) -> Option<Kind> {
    if arguments.len() > 1 {
        return None;
    }
    match (arguments.is_empty(), separator) {
        (true, _) => Some(list(text.split_whitespace())),
        (false, Some(separator)) if !separator.is_empty() => Some(list(text.split(separator))),
        _ => None,
    }
}

fn list<'a>(parts: impl Iterator<Item = &'a str>) -> Kind {
    Kind::List(Arc::new(
        parts.take(LARGEST / 64).map(Value::text).collect(),
    ))
}

/// `separator.join(items)`; what is not known becomes a hole.
fn join(separator: &str, kind: &Kind) -> Option<Fold> {
    let items = match kind {
        Kind::Unknown => return None,
        other => sequence::items(other)?,
    };
    let mut out = String::new();
    let mut characters = 0;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        match &item.kind {
            Kind::Str(text) => {
                characters += usize::from(text.chars().count() == 1);
                out.push_str(text);
            }
            _ => out.push(HOLE),
        }
        if out.len() > LARGEST {
            return None;
        }
    }
    // Text that is put together letter by letter is hidden from whoever searches for it.
    let is_decoded = items.len() >= 4 && characters == items.len();
    Some(Fold {
        kind: Kind::str(out),
        is_decoded,
    })
}

fn translate(text: &str, table: &Kind) -> Option<Fold> {
    if !matches!(table, Kind::Dict(_)) {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let code = Kind::Int(i64::from(u32::from(character)));
        match sequence::subscript(table, &code).map(|value| value.kind) {
            Some(Kind::Int(number)) => out.push(char::from_u32(u32::try_from(number).ok()?)?),
            Some(Kind::Str(text)) => out.push_str(&text),
            Some(Kind::None) => {}
            Some(_) => return None,
            None => out.push(character),
        }
        if out.len() > LARGEST {
            return None;
        }
    }
    Fold::decoded(Kind::str(out))
}

fn bytes_method(bytes: &[u8], name: &str, arguments: &[&Value]) -> Option<Fold> {
    let argument = |at: usize| arguments.get(at).and_then(|value| value.kind.as_bytes());
    let kind = match name {
        "decode" => {
            let encoding = arguments
                .first()
                .map_or(Some("utf-8"), |value| value.kind.as_text());
            return Fold::plain(decode_text(bytes, encoding?)?);
        }
        "hex" if arguments.is_empty() => Kind::str(
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        ),
        "strip" if arguments.is_empty() => Kind::bytes(bytes.trim_ascii().to_vec()),
        "lower" => Kind::bytes(bytes.to_ascii_lowercase()),
        "upper" => Kind::bytes(bytes.to_ascii_uppercase()),
        "replace" => {
            let (from, to) = (argument(0)?, argument(1)?);
            Kind::bytes(replaced(bytes, from, to)?)
        }
        "translate" => {
            let table = argument(0).filter(|table| table.len() == 256)?;
            let translated = bytes.iter().map(|byte| table[usize::from(*byte)]).collect();
            return Fold::decoded(Kind::bytes(translated));
        }
        "join" => {
            let items = sequence::items(&arguments.first()?.kind)?;
            let parts: Option<Vec<&[u8]>> = items
                .iter()
                .map(|item| match &item.kind {
                    Kind::Bytes(part) => Some(&**part),
                    _ => None,
                })
                .collect();
            let parts = parts?;
            let total: usize = parts.iter().map(|part| part.len() + bytes.len()).sum();
            if total > LARGEST {
                return None;
            }
            Kind::bytes(parts.join(bytes))
        }
        "__getitem__" => {
            let byte = sequence::subscript(&Kind::Bytes(bytes.into()), &arguments.first()?.kind)?;
            return Fold::plain(byte.kind);
        }
        _ => return None,
    };
    Fold::plain(kind)
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    if from.is_empty() {
        return None;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
        if out.len() > LARGEST {
            return None;
        }
    }
    out.extend_from_slice(rest);
    Some(out)
}

fn dict_method(
    items: &Arc<Vec<(Value, Value)>>,
    receiver: &Kind,
    name: &str,
    arguments: &[&Value],
) -> Option<Fold> {
    let kind = match name {
        "get" | "__getitem__" => sequence::subscript(receiver, &arguments.first()?.kind)?.kind,
        "copy" => receiver.clone(),
        "values" => Kind::List(Arc::new(
            items.iter().map(|(_, value)| value.clone()).collect(),
        )),
        "keys" => Kind::List(Arc::new(items.iter().map(|(key, _)| key.clone()).collect())),
        "items" => {
            let pairs = items.iter().map(|(key, value)| {
                Value::from(Kind::List(Arc::new(vec![key.clone(), value.clone()])))
            });
            Kind::List(Arc::new(pairs.collect()))
        }
        _ => return None,
    };
    Fold::plain(kind)
}

fn to_bytes(number: i64, arguments: &[&Value], keywords: &[(&str, &Value)]) -> Option<Fold> {
    let by_name = |name: &str| {
        keywords
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    let length = arguments.first().copied().or_else(|| by_name("length"));
    let length = length.map_or(Some(1), |value| value.kind.as_int())?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| (1..=8).contains(length))?;
    let order = arguments.get(1).copied().or_else(|| by_name("byteorder"));
    let order = order.map_or(Some("big"), |value| value.kind.as_text())?;
    let number = u64::try_from(number).ok()?;
    let bytes = match order {
        "little" => number.to_le_bytes()[..length].to_vec(),
        _ => number.to_be_bytes()[8 - length..].to_vec(),
    };
    Fold::decoded(Kind::bytes(bytes))
}
