//! The inline metadata of a script (PEP 723): the block of comments `# /// script`, which is TOML.

use super::{not_readable, pyproject};
use crate::lint::contents::{Contents, Span};
use crate::lint::syntax::toml;

/// What the block of the script says; nothing where it has none.
pub(super) fn read(text: &str) -> Contents {
    let blocks = blocks(text);
    let [block] = &blocks[..] else {
        return match blocks.is_empty() {
            true => Contents::default(),
            false => {
                Contents::unreadable("it has several blocks `# /// script`, and no tool reads any")
            }
        };
    };
    match toml::parse(&document(text, block)) {
        Ok(root) => pyproject::read_script(&root),
        Err(error) => not_readable(error),
    }
}

/// The lines of each block between its first and last line. A block ends with the last `# ///` of its run of
/// comments.
fn blocks(text: &str) -> Vec<Vec<Span>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end_matches(['\n', '\r']).len();
        lines.push(start..end);
        start += line.len();
    }
    let said = |at: &Span| &text[at.clone()];
    let is_inside = |at: &&Span| said(at) == "#" || said(at).starts_with("# ");
    let mut blocks = Vec::new();
    let mut from = 0;
    while let Some(first) = lines[from..]
        .iter()
        .position(|at| said(at).trim_end() == "# /// script")
    {
        let begins = from + first + 1;
        let length = lines[begins..].iter().take_while(is_inside).count();
        let run = &lines[begins..begins + length];
        let last = run.iter().rposition(|at| said(at) == "# ///");
        if let Some(last) = last {
            blocks.push(run[..last].to_vec());
        }
        from = begins + last.map_or(0, |last| last + 1);
    }
    blocks
}

/// The TOML of a block, at the places where it stands in the file: everything else is blank.
fn document(text: &str, block: &[Span]) -> String {
    let mut document = String::with_capacity(text.len());
    for line in block {
        let inside = line.end.min(line.start + 2);
        document.extend(text[document.len()..inside].bytes().map(blank));
        document.push_str(&text[inside..line.end]);
    }
    document
}

fn blank(byte: u8) -> char {
    match byte {
        b'\n' => '\n',
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_block_is_read_at_its_place() {
        let text = "#!/usr/bin/env -S uv run\n# é\n# /// script\n# requires-python = '>=3.9'\n# dependencies = [\n\
                    #   \"flask>=3\",\n#\n# ]\n# [tool.uv.sources]\n# flask = { index = 'acme' }\n# ///\nprint()\n";
        let contents = read(text);
        assert_eq!(contents.unread, []);
        assert_eq!(&text[contents.wanted[0].at.clone()], "flask>=3");
        assert_eq!(contents.wanted[0].index.as_deref(), Some("acme"));
    }

    #[test]
    fn what_is_no_block_says_nothing() {
        for text in [
            "",
            "# /// script\n",
            "# /// script\n# a = 1\nx\n# ///\n",
            "# /// other\n# ///\n",
        ] {
            assert_eq!(read(text), Contents::default(), "{text}");
        }
    }

    #[test]
    fn two_blocks_and_broken_ones_are_told() {
        let block = "# /// script\n# dependencies = []\n# ///\n\n";
        assert_eq!(read(&block.repeat(2)).unread.len(), 1);
        let broken = read("x = 1\n# /// script\n# a = \n# ///\n");
        assert!(broken.unread[0].at.as_ref().is_some_and(|at| at.start >= 6));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), rest in "(# |#|///|script|\n|é|[a-z='\\[\\]]){0,40}") {
            for text in [text, format!("# /// script\n{rest}\n# ///\n")] {
                for wanted in read(&text).wanted {
                    prop_assert!(text.get(wanted.at.clone()).is_some());
                }
            }
        }
    }
}
