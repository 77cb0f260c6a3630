//! Where in a TOML string, as it is written, a place of what it says is: for carets inside of strings.

/// Where in the literal `raw`, quotes included, the byte `inside` of the string that it stands for is
/// written. At most the end of the literal.
pub(super) fn offset_in_literal(raw: &str, inside: usize) -> usize {
    let quotes = match raw.starts_with("'''") || raw.starts_with("\"\"\"") {
        true => 3,
        false => 1,
    };
    let mut at = quotes;
    if quotes == 3 {
        let rest = raw.get(at..).unwrap_or_default();
        // A line break right after the opening quotes is not part of the string.
        at += ["\r\n", "\n"]
            .iter()
            .find(|end| rest.starts_with(**end))
            .map_or(0, |end| end.len());
    }
    let has_escapes = raw.starts_with('"');
    let mut said = 0;
    while said < inside {
        let rest = raw.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else {
            break;
        };
        let (written, means) = match first {
            '\\' if has_escapes => escape(rest),
            _ => (first.len_utf8(), first.len_utf8()),
        };
        at += written;
        said += means;
    }
    at.min(raw.len().saturating_sub(quotes))
}

/// The lengths of the escape at the start of `rest`, and of what it stands for (TOML 1.1).
fn escape(rest: &str) -> (usize, usize) {
    let digits = match rest.chars().nth(1) {
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        Some(c) if c.is_whitespace() => {
            let trimmed = rest.get(1..).unwrap_or_default().trim_start();
            return (rest.len() - trimmed.len(), 0);
        }
        Some(c) => return (1 + c.len_utf8(), 1),
        None => return (1, 1),
    };
    let hex = rest.get(2..2 + digits).unwrap_or_default();
    let stands_for = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
    (2 + digits, stands_for.map_or(1, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Document, Table, read_document};

    #[test]
    fn a_place_inside_a_string_is_found_however_the_string_is_written() {
        let texts = [
            "k = 'ab X'",
            "k = \"ab X\"",
            "k = '''ab X'''",
            "k = '''\nab X'''",
            "k = \"\"\"\r\nab X\"\"\"",
            "k = \"\\u0061\\x62 X\"",
            "k = \"\\U00000061\\u0062\\u0020X\"",
            "k = \"\"\"\\\n   ab\\\n  \\u0020X\"\"\"",
        ];
        for text in texts {
            let document = Document {
                file: "x.toml",
                text,
            };
            let read = |table: &mut Table<'_>| {
                let value = table.text("k").expect("a string");
                assert_eq!(value.value, "ab X", "{text:?}");
                let at =
                    value.span.start + offset_in_literal(&text[value.span.clone()], "ab ".len());
                assert_eq!(&text[at..=at], "X", "{text:?}");
                table.mistake_within(&value, 3..4, "here", None);
                table.mistake_within(&value, 90..99, "beyond", None);
            };
            let mistakes = read_document(document, read).expect_err("two mistakes");
            assert_eq!(mistakes.count(), 2);
        }
        assert_eq!(offset_in_literal("", 3), 0);
        assert_eq!(offset_in_literal("\"\\", 3), 1);
    }
}
