//! The tree's own rules, which no compiler knows. Each rule is a function from the tree to the
//! places where it is broken; the files are read once.

mod dependencies;
mod documents;
mod purity;
mod registries;
mod rust_files;
mod tree;

use anyhow::bail;

use crate::places::Places;
use tree::{Tree, Violation};

type Rule = fn(&Tree) -> Vec<Violation>;

const RULES: [Rule; 8] = [
    rust_files::opening_comment,
    rust_files::file_length,
    rust_files::function_length,
    rust_files::unfinished,
    dependencies::walls,
    dependencies::one_test_binary,
    purity::core_is_pure,
    documents::commands,
];

/// Checks every rule and tells of every violation.
pub(crate) fn tidy(places: &Places) -> anyhow::Result<()> {
    let tree = Tree::read(&places.root)?;
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    violations.extend(registries::host_names(&tree, places)?);
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        count => bail!("{count} places break the tree's rules"),
    }
}
