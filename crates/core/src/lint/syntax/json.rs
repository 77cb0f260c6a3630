//! JSON (RFC 8259) as a [`Node`].

use jsonc_parser::ast::{ObjectPropName, Value};
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions};

use super::spelled::{Escapes, Spelled};
use super::{Entry, Is, Node, SyntaxError};

/// Reads a document. Nothing that JSON does not know is accepted, comments included.
///
/// # Errors
/// [`SyntaxError`], with the first mistake.
pub(in crate::lint) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let parsed = jsonc_parser::parse_to_ast(text, &collect, &strict);
    let parsed = parsed.map_err(|error| SyntaxError {
        why: format!("it is not JSON: {}", error.kind()),
        at: Some(error.range().start..error.range().end),
    })?;
    match parsed.value {
        Some(value) => Ok(node(text, &value)),
        None => Err(SyntaxError {
            why: "it is not JSON: it is empty".to_owned(),
            at: None,
        }),
    }
}

fn node(text: &str, value: &Value<'_>) -> Node {
    let at = value.start()..value.end();
    let is = match value {
        Value::StringLit(string) => {
            let inside = at.start + 1..at.end.saturating_sub(1).max(at.start + 1);
            let escapes = Escapes::Backslash;
            Is::Text(Spelled::aligned(&string.value, text, inside, escapes))
        }
        Value::NumberLit(_) | Value::BooleanLit(_) => Is::Literal(text[at.clone()].to_owned()),
        Value::NullKeyword(_) => Is::Nothing,
        Value::Array(array) => Is::List(array.elements.iter().map(|one| node(text, one)).collect()),
        Value::Object(object) => {
            let properties = object.properties.iter();
            let entries = properties.map(|property| {
                let name = &property.name;
                let (key, range) = match name {
                    ObjectPropName::String(string) => (string.value.to_string(), string.range),
                    ObjectPropName::Word(word) => (word.value.to_owned(), word.range),
                };
                Entry {
                    key,
                    key_at: range.start..range.end,
                    value: node(text, &property.value),
                }
            });
            Is::Table(entries.collect())
        }
    };
    Node { at, is }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place() {
        let text = r#"{"cells": [{"source": ["%pip install \"a\"\n"]}], "n": 1, "x": null}"#;
        let root = parse(text).expect("sound");
        let line = &root.path(&["cells"]).expect("there").items()[0];
        let line = line.get("source").expect("there").items()[0]
            .spelled()
            .expect("text");
        let a = line.as_str().find("a\"").expect("there");
        assert_eq!(&text[line.place(a..a + 1)], "a");
        assert_eq!(root.get("n").and_then(Node::scalar), Some("1"));
        assert_eq!(root.get("x").map(|x| &x.is), Some(&Is::Nothing));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["", "{", "[1,]", "{a: 1}", "// x\n{}", "'a'"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
