//! Rules about every Rust file: that it says what it is for, and that neither it nor its functions
//! are longer than a person reads. rustfmt has been here before, so indentation can be relied on.

use super::tree::{TextFile, Tree, Violation};

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 100;

/// Every file opens with `//!`.
pub(super) fn opening_comment(tree: &Tree) -> Vec<Violation> {
    let silent = tree
        .rust_files()
        .filter(|file| !file.text.starts_with("//!"));
    silent
        .map(|file| file.violation(1, "does not open with a //! comment"))
        .collect()
}

/// Files are at most [`LONGEST_FILE`] lines long, tests not counted.
pub(super) fn file_length(tree: &Tree) -> Vec<Violation> {
    let product = tree.rust_files().filter(|file| !file.is_test());
    let too_long = product.filter_map(|file| {
        let lines = file.lines_before_tests().count();
        let what = format!("has {lines} lines, at most {LONGEST_FILE} are allowed");
        (lines > LONGEST_FILE).then(|| file.violation(0, what))
    });
    too_long.collect()
}

/// Functions are at most [`LONGEST_FUNCTION`] lines long, tests not counted.
pub(super) fn function_length(tree: &Tree) -> Vec<Violation> {
    let product = tree.rust_files().filter(|file| !file.is_test());
    product.flat_map(long_functions).collect()
}

fn long_functions(file: &TextFile) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in file.lines_before_tests() {
        match &open {
            None if is_function(line) && !line.trim_end().ends_with(['}', ';']) => {
                let indentation = &line[..line.len() - line.trim_start().len()];
                open = Some((number, format!("{indentation}}}")));
            }
            None => {}
            Some((start, end)) if line == end => {
                let lines = number - start + 1;
                if lines > LONGEST_FUNCTION {
                    let what = format!("function of {lines} lines, at most {LONGEST_FUNCTION}");
                    found.push(file.violation(*start, what));
                }
                open = None;
            }
            // A declaration without a body ends before any block does.
            Some((_, end)) if line.ends_with(';') && line.len() < end.len() + 2 => open = None,
            Some(_) => {}
        }
    }
    found
}

fn is_function(line: &str) -> bool {
    let qualifiers = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "async",
        "default",
    ];
    let mut words = line
        .split_whitespace()
        .skip_while(|word| qualifiers.contains(word));
    words.next() == Some("fn")
}

/// What is unfinished is written down elsewhere, or finished.
pub(super) fn unfinished(tree: &Tree) -> Vec<Violation> {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
    ];
    let mut found = Vec::new();
    for file in tree.rust_files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            let is_word = |word: &str| marks.contains(&word);
            if line
                .split(|c: char| !c.is_ascii_alphanumeric())
                .any(is_word)
            {
                found.push(file.violation(number, "a mark of something unfinished"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tree::{shown, tree};
    use super::*;

    #[test]
    fn every_file_says_what_it_is_for() {
        let tree = tree(&[("a.rs", "//! A.\n"), ("b.rs", "use a;\n"), ("c.md", "text")]);
        assert_eq!(
            shown(&opening_comment(&tree)),
            ["b.rs:1: does not open with a //! comment"]
        );
    }

    #[test]
    fn lengths_count_without_tests() {
        let tests = format!(
            "//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "\n".repeat(700)
        );
        let long = "//! A.\n".repeat(601);
        let tree = tree(&[
            ("a.rs", &tests),
            ("crates/x/tests/it/b.rs", &long),
            ("c.rs", &long),
        ]);
        let expected = "c.rs: has 601 lines, at most 600 are allowed";
        assert_eq!(shown(&file_length(&tree)), [expected]);
    }

    #[test]
    fn long_functions_are_found_wherever_they_stand() {
        let body = |count| "        x();\n".repeat(count);
        let text = format!(
            "impl A {{\n    pub(crate) async fn a(\n        b: B,\n    ) -> C {{\n{}    }}\n}}\n\
             trait T {{\n    fn declared(&self);\n    fn two(\n        &self,\n    );\n}}\n\
             fn short() {{}}\nfn fine() {{\n{}}}\nfn over() {{\n{}}}\n",
            body(97),
            body(98),
            body(99),
        );
        let tree = tree(&[("a.rs", &text)]);
        let found = shown(&function_length(&tree));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("a.rs:2: function of 101 lines"),
            "{found:?}"
        );
    }
}
