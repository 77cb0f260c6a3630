//! How answers are printed: text as tables without colour, or one JSON document. What is printed of
//! names and reasons comes from outside, and never steers the terminal.

use std::io::{IsTerminal as _, Write as _};

use annotate_snippets::Renderer;
use annotate_snippets::renderer::DecorStyle;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// How wide text is where there is no terminal to ask.
const WIDTH: u16 = 80;

/// The form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document, for programs
    Json,
}

/// Whether text is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Plain,
    Coloured,
}

impl Look {
    /// Coloured on a terminal, unless `NO_COLOR` is set.
    pub fn of_terminal() -> Self {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match std::io::stdout().is_terminal() && !is_plain {
            true => Self::Coloured,
            false => Self::Plain,
        }
    }

    /// What shows source with what is said of it, `width` columns wide.
    pub fn renderer(self, width: usize) -> Renderer {
        let renderer = match self {
            Self::Plain => Renderer::plain(),
            Self::Coloured => Renderer::styled(),
        };
        renderer.decor_style(DecorStyle::Unicode).term_width(width)
    }
}

/// Prints text to the standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}

/// Prints a JSON document to the standard output.
pub fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Says something beside the answer, where it does not end up in a pipe.
pub fn remark(text: &str) {
    eprintln!("{text}");
}

/// A table without lines, indented by two, as wide as the terminal or 80 columns.
pub fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width())
        .set_header(head);
    for row in rows {
        table.add_row(row.map(|cell| visible(&cell)));
    }
    for (position, column) in table.column_iter_mut().enumerate() {
        column.set_padding(if position == 0 { (2, 2) } else { (0, 2) });
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

/// A paragraph at column `indent`, as wide as the terminal or 80 columns.
pub fn paragraph(indent: usize, text: &str) -> String {
    let width = usize::from(width());
    let mut wrapped = String::new();
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    for word in text.split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > width {
            wrapped.push_str(&line);
            wrapped.push('\n');
            line = " ".repeat(indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(&visible(word));
        is_empty = false;
    }
    wrapped.push_str(&line);
    wrapped.push('\n');
    wrapped
}

/// The text in lines of at most `width` characters, where its words allow.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The same text with everything replaced that a terminal would act on.
pub fn visible(text: &str) -> String {
    let one = |character: char| match character {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        control if control.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(one).collect()
}

/// `1 file`, `2 files`.
pub fn count(number: impl Into<u64>, what: &str) -> String {
    match number.into() {
        1 => format!("1 {what}"),
        number if what.ends_with('y') => format!("{number} {}ies", &what[..what.len() - 1]),
        number => format!("{number} {what}s"),
    }
}

/// A number of bytes for people: `1.5 MiB`.
pub fn bytes(number: u64) -> String {
    let mut value = number as f64;
    let mut unit = "B";
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{number} B"),
        unit => format!("{value:.1} {unit}"),
    }
}

/// The width of the terminal, or 80 columns.
pub fn width() -> u16 {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0.clamp(40, 160))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_no_wider_than_it_may_be() {
        let long = "a reason of many words ".repeat(8);
        let rows = [
            ["acme-*".to_owned(), "config".to_owned(), long],
            ["x".to_owned(), "admin".to_owned(), "short".to_owned()],
        ];
        let text = table(["name", "by", "reason"], rows);
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_comes_from_outside_does_not_steer_the_terminal() {
        assert_eq!(
            visible("a\u{1b}[31mb\u{202e}c\n"),
            "a\u{fffd}[31mb\u{fffd}c\u{fffd}"
        );
        assert!(!paragraph(2, "x \u{1b}]0;y\u{7}").contains('\u{1b}'));
    }

    #[test]
    fn numbers_are_told_to_people() {
        assert_eq!(count(1_u64, "file"), "1 file");
        assert_eq!(count(0_u64, "identity"), "0 identities");
        for (number, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (5 << 40, "5.0 TiB"),
        ] {
            assert_eq!(bytes(number), expected);
        }
    }
}
