//! Rules about the documents: what can be typed is written down somewhere.

use super::tree::{TextFile, Tree, Violation};
use crate::arguments::COMMANDS;

/// Every command of `cargo xtask` stands in CONTRIBUTING.md.
pub(super) fn commands(tree: &Tree) -> Vec<Violation> {
    let path = "CONTRIBUTING.md";
    let text = tree.files.iter().find(|file| file.path == path);
    let text = text.map_or("", |file: &TextFile| &file.text);
    let missing = COMMANDS
        .iter()
        .map(|command| format!("cargo xtask {command}"));
    let missing = missing.filter(|command| !text.contains(command.as_str()));
    let violation = |command| Violation {
        path: path.to_owned(),
        line: 0,
        what: format!("does not mention `{command}`"),
    };
    missing.map(violation).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{shown, tree};
    use super::*;

    #[test]
    fn an_unmentioned_command_is_found() {
        let text = "`cargo xtask test`, `cargo xtask setup`, `cargo xtask with`, `cargo xtask benign`, \
             `cargo xtask dist`, `cargo xtask fuzz`, `cargo xtask bench`, `cargo xtask soak`";
        let tree = tree(&[("CONTRIBUTING.md", text)]);
        let expected = "CONTRIBUTING.md: does not mention `cargo xtask tidy`";
        assert_eq!(shown(&commands(&tree)), [expected]);
    }
}
