//! TOML as a [`Node`].

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::spelled::{Escapes, Spelled};
use super::{Entry, Is, Node, SyntaxError};

/// Reads a document.
///
/// # Errors
/// [`SyntaxError`], with the first mistake.
pub(in crate::lint) fn parse(text: &str) -> Result<Node, SyntaxError> {
    match DeTable::parse(text) {
        Ok(root) => Ok(Node {
            at: 0..text.len(),
            is: table(text, root.get_ref()),
        }),
        Err(error) => Err(SyntaxError {
            why: first_line(error.message()),
            at: error.span(),
        }),
    }
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    format!("it is not TOML: {line}")
}

fn table(text: &str, table: &DeTable<'_>) -> Is {
    let entry =
        |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| Entry {
            key: key.get_ref().to_string(),
            key_at: key.span(),
            value: node(text, value),
        };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_at.start);
    Is::Table(entries)
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let at = value.span();
    let is = match value.get_ref() {
        DeValue::String(string) => {
            let raw = &text[at.clone()];
            let escapes = match raw.starts_with('"') {
                true => Escapes::Backslash,
                false => Escapes::None,
            };
            let quotes = match raw.starts_with("'''") || raw.starts_with("\"\"\"") {
                true => 3,
                false => 1,
            };
            let inside = at.start + quotes..at.end.saturating_sub(quotes).max(at.start + quotes);
            Is::Text(Spelled::aligned(string, text, inside, escapes))
        }
        DeValue::Array(items) => Is::List(items.iter().map(|item| node(text, item)).collect()),
        DeValue::Table(inner) => table(text, inner),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            Is::Literal(text[at.clone()].to_owned())
        }
    };
    Node { at, is }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_has_its_place() {
        let text = "[project]\ndependencies = [\n  \"flask>=3\", # why\n]\na.b = true\n";
        let root = parse(text).expect("sound");
        let project = root.get("project").expect("there");
        let flask = &project.get("dependencies").expect("there").items()[0];
        assert_eq!(&text[flask.at.clone()], "\"flask>=3\"");
        assert_eq!(&text[flask.spelled().expect("text").at()], "flask>=3");
        let b = project.path(&["a", "b"]).expect("there");
        assert_eq!(b.scalar(), Some("true"));
        let entry = project.entry("dependencies").expect("there");
        assert_eq!(&text[entry.key_at.clone()], "dependencies");
    }

    #[test]
    fn a_mistake_has_its_place() {
        let error = parse("a = \nb = 1\n").expect_err("broken");
        assert!(error.at.is_some() && error.why.starts_with("it is not TOML"));
    }
}
