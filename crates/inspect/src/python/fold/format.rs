//! Text put together from parts: `%`, `str.format`, f-strings. What is not known becomes a hole.

use super::super::analysis::HOLE;
use super::super::value::{Kind, Value};
use super::LARGEST;

/// The parts as one text.
pub(in super::super) fn concatenated(parts: &[Kind]) -> Kind {
    let mut out = String::new();
    for part in parts {
        push(&mut out, part);
        if out.len() > LARGEST {
            return Kind::Unknown;
        }
    }
    Kind::str(out)
}

fn push(out: &mut String, value: &Kind) {
    match value {
        Kind::Str(text) | Kind::Path(text) => out.push_str(text),
        Kind::Int(number) => out.push_str(&number.to_string()),
        _ if out.ends_with(HOLE) => {}
        _ => out.push(HOLE),
    }
}

/// `template % values`.
pub(in super::super) fn percent(format: &str, values: &Kind) -> Kind {
    let one = [Value::from(values.clone())];
    let list: &[Value] = match values {
        Kind::List(items) => items,
        _ => &one,
    };
    let mut values_left = list.iter();
    let mut out = String::new();
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let mut key = None;
        if rest.peek() == Some(&'(') {
            key = Some(
                rest.by_ref()
                    .skip(1)
                    .take_while(|each| *each != ')')
                    .collect::<String>(),
            );
        }
        let kind = rest.find(|each| each.is_alphabetic() || *each == '%');
        match (kind, key) {
            (Some('%'), _) => out.push('%'),
            (Some('c'), None) => match values_left.next().and_then(|value| value.kind.as_int()) {
                Some(number) => out.extend(u32::try_from(number).ok().and_then(char::from_u32)),
                None => out.push(HOLE),
            },
            (Some(kind), Some(key)) => {
                let found = super::subscript(values, &Kind::str(key)).unwrap_or_default();
                push_as(&mut out, kind, &found.kind);
            }
            (Some(kind), None) => {
                push_as(
                    &mut out,
                    kind,
                    &values_left.next().cloned().unwrap_or_default().kind,
                );
            }
            (None, _) => {}
        }
        if out.len() > LARGEST {
            return Kind::Unknown;
        }
    }
    Kind::str(out)
}

fn push_as(out: &mut String, kind: char, value: &Kind) {
    match (kind, value) {
        ('x', Kind::Int(number)) => out.push_str(&format!("{number:x}")),
        ('X', Kind::Int(number)) => out.push_str(&format!("{number:X}")),
        ('o', Kind::Int(number)) => out.push_str(&format!("{number:o}")),
        _ => push(out, value),
    }
}

/// `template.format(*positional, **named)`.
pub(super) fn format(template: &str, positional: &[&Value], named: &[(&str, &Value)]) -> Kind {
    let mut out = String::new();
    let mut automatic = 0;
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let doubled = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
        if doubled || rest[at..].starts_with('}') {
            out.push_str(&rest[at..=at]);
            rest = &rest[at + 1 + usize::from(doubled)..];
            continue;
        }
        let Some(end) = rest[at..].find('}') else {
            return Kind::Unknown;
        };
        let field = &rest[at + 1..at + end];
        rest = &rest[at + end + 1..];
        let name = field.split(['!', ':']).next().unwrap_or_default();
        let found = match name.parse::<usize>() {
            Ok(index) => positional.get(index).copied(),
            Err(_) if name.is_empty() => {
                automatic += 1;
                positional.get(automatic - 1).copied()
            }
            Err(_) => named
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value),
        };
        let kind = match field.split_once(':') {
            Some((_, "c")) => character(found),
            _ => found.map(|value| value.kind.clone()),
        };
        push(&mut out, &kind.unwrap_or_default());
        if out.len() > LARGEST {
            return Kind::Unknown;
        }
    }
    out.push_str(rest);
    Kind::str(out)
}

fn character(value: Option<&Value>) -> Option<Kind> {
    let character = char::from_u32(u32::try_from(value?.kind.as_int()?).ok()?)?;
    Some(Kind::str(character.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_filled_in() {
        let name = Value::text("os");
        let number = Value::from(Kind::Int(115));
        let values = Kind::List(std::sync::Arc::new(vec![name.clone(), number.clone()]));
        assert_eq!(percent("%s.%c%%", &values).as_text(), Some("os.s%"));
        let kind = format("{0}-{b}-{{}}", &[&name], &[("b", &number)]);
        assert_eq!(kind.as_text(), Some("os-115-{}"));
        assert_eq!(
            format("{:c}{}", &[&number, &name], &[]).as_text(),
            Some("sos")
        );
        let Kind::Str(holey) = format("a{}b", &[], &[]) else {
            panic!("text")
        };
        assert_eq!(&*holey, "a\u{FFFC}b");
    }
}
