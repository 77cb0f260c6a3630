//! The rule that no file names a public registry: which one is used is the machine's to say. The
//! name to look for is asked from pip, since writing it down here would break the rule.

use std::path::PathBuf;

use anyhow::Context as _;

use super::tree::{Tree, Violation};
use crate::places::Places;
use crate::run::{command, output};

/// Every line of any file in which pip's own default index is named.
pub(super) fn host_names(tree: &Tree, places: &Places) -> anyhow::Result<Vec<Violation>> {
    let help = pip_help(places)?;
    let host = default_host(&help).context("pip's help names no default index")?;
    Ok(lines_with(tree, host))
}

fn lines_with(tree: &Tree, host: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in &tree.files {
        for (number, line) in (1..).zip(file.text.lines()) {
            if line.to_ascii_lowercase().contains(host) {
                found.push(file.violation(number, "names a public registry's host"));
            }
        }
    }
    found
}

/// Asks whichever pip there is, without the machine's configuration, which would change the answer.
fn pip_help(places: &Places) -> anyhow::Result<String> {
    let own = places.in_environment("pip", "python");
    let pythons = [
        PathBuf::from("python3"),
        own,
        places.in_environment("uv", "python"),
    ];
    let ask = |python: &PathBuf| {
        let mut pip = command(python);
        pip.args(["-m", "pip", "install", "--isolated", "--help"]);
        pip.env("PIP_CONFIG_FILE", "/dev/null")
            .env("COLUMNS", "400")
            .env("NO_COLOR", "1");
        output(pip.env_remove("PIP_INDEX_URL"))
    };
    let answer = pythons.iter().find_map(|python| ask(python).ok());
    answer.context("there is no pip to ask; run `cargo xtask setup`")
}

/// The host out of `(default https://host/simple)` in the description of `--index-url`.
fn default_host(help: &str) -> Option<&str> {
    let (_, description) = help.split_once("--index-url")?;
    let (_, url) = description.split_once("https://")?;
    url.split(['/', ')', ' ', ':'])
        .next()
        .filter(|host| host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::super::tree::{shown, tree};
    use super::*;

    #[test]
    fn the_default_index_is_found_and_looked_for() {
        let help = "  -i, --index-url <url>  Base URL of the index (default\n   \
            https://Index.example/simple). This should point to";
        assert_eq!(default_host(help), Some("Index.example"));
        let tree = tree(&[
            ("a.md", "one\nsee https://INDEX.example/simple\n"),
            ("b.rs", ""),
        ]);
        let expected = "a.md:2: names a public registry's host";
        assert_eq!(shown(&lines_with(&tree, "index.example")), [expected]);
    }
}
