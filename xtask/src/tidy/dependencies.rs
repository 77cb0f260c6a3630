//! Rules about crates: which may use which, what the law's crate may never list, and one test
//! binary a crate, since linking is what costs time here.

use super::tree::{TextFile, Tree, Violation};

/// Our crates and those of ours that each may use. Who is not listed may use all.
const WALLS: [(&str, &[&str]); 5] = [
    ("core", &[]),
    ("store", &["core"]),
    ("upstream", &["core"]),
    ("inspect", &["core"]),
    ("server", &["core", "store", "upstream", "inspect"]),
];

/// What does I/O, reads clocks or throws dice has no place where everything is decided.
const NOT_IN_CORE: [&str; 9] = [
    "axum",
    "futures-util",
    "hyper",
    "object_store",
    "rand",
    "reqwest",
    "sqlx",
    "tempfile",
    "tokio",
];

/// The walls between crates hold, as far as the product goes; tests may use anything.
pub(super) fn walls(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, allowed) in WALLS {
        let path = format!("crates/{name}/Cargo.toml");
        let Some(manifest) = tree.files.iter().find(|file| file.path == path) else {
            found.push(Violation {
                path,
                line: 0,
                what: "is not there".to_owned(),
            });
            continue;
        };
        for (line, dependency) in dependencies(manifest) {
            let ours = dependency.strip_prefix("portcullis-");
            if ours.is_some_and(|ours| !allowed.contains(&ours)) {
                found.push(manifest.violation(line, format!("{name} must not use {dependency}")));
            }
            if name == "core" && NOT_IN_CORE.contains(&dependency) {
                let what = format!("core is pure, which {dependency} is not");
                found.push(manifest.violation(line, what));
            }
        }
    }
    found
}

/// The names under `[dependencies]` and `[build-dependencies]`, with their lines.
fn dependencies(manifest: &TextFile) -> Vec<(usize, &str)> {
    let mut section = "";
    let mut found = Vec::new();
    for (number, line) in (1..).zip(manifest.text.lines()) {
        if line.starts_with('[') {
            section = line;
        } else if matches!(section, "[dependencies]" | "[build-dependencies]") {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            if !name.is_empty() && !name.starts_with('#') {
                found.push((number, name));
            }
        }
    }
    found
}

/// Integration tests live in `tests/it/`, as one binary.
pub(super) fn one_test_binary(tree: &Tree) -> Vec<Violation> {
    let what = "a second test binary; integration tests belong to tests/it/main.rs";
    let is_other_binary = |file: &&TextFile| match file.path.split('/').collect::<Vec<_>>()[..] {
        ["crates", _, "tests", name] => name.ends_with(".rs"),
        ["crates", _, "tests", folder, "main.rs"] => folder != "it",
        _ => false,
    };
    tree.files
        .iter()
        .filter(is_other_binary)
        .map(|file| file.violation(0, what))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::tree::{shown, tree};
    use super::*;

    #[test]
    fn nobody_reaches_over_a_wall() {
        let core = "[dependencies]\nserde.workspace = true\ntokio = \"1\"\n";
        let store = "[dependencies]\nportcullis-core.workspace = true\n\
            portcullis-upstream.workspace = true\n[dev-dependencies]\nportcullis-server = \"1\"\n";
        let tree = tree(&[
            ("crates/core/Cargo.toml", core),
            ("crates/store/Cargo.toml", store),
            ("crates/upstream/Cargo.toml", ""),
            ("crates/inspect/Cargo.toml", ""),
        ]);
        assert_eq!(
            shown(&walls(&tree)),
            [
                "crates/core/Cargo.toml:3: core is pure, which tokio is not",
                "crates/store/Cargo.toml:3: store must not use portcullis-upstream",
                "crates/server/Cargo.toml: is not there",
            ]
        );
    }

    #[test]
    fn a_second_test_binary_is_found() {
        let tree = tree(&[
            ("crates/a/tests/it/main.rs", ""),
            ("crates/a/tests/it/more.rs", ""),
            ("crates/a/tests/other.rs", ""),
            ("crates/a/tests/more/main.rs", ""),
            ("crates/a/tests/data/page.html", ""),
        ]);
        assert_eq!(one_test_binary(&tree).len(), 2);
    }
}
