//! The rule that core is pure. Its manifest keeps crates out that do I/O; the standard library, which
//! no manifest lists, is kept out here.

use super::tree::{Tree, Violation};

const IMPURE: [(&str, &str); 10] = [
    ("SystemTime::now", "reads the clock"),
    ("Instant::now", "reads the clock"),
    ("Timestamp::now", "reads the clock"),
    ("Zoned::now", "reads the clock"),
    ("std::fs", "reads or writes files"),
    ("std::net", "uses the network"),
    ("std::process", "runs programs"),
    ("std::thread", "starts threads"),
    ("std::env::", "reads the environment"),
    ("println!", "prints"),
];

/// Nothing in core's product code does I/O or reads a clock.
pub(super) fn core_is_pure(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let is_core = |path: &str| path.starts_with("crates/core/src/");
    for file in tree
        .rust_files()
        .filter(|file| is_core(&file.path) && !file.is_test())
    {
        for (number, line) in file.lines_before_tests() {
            let code = line.split("//").next().unwrap_or_default();
            let does = IMPURE.iter().find(|(name, _)| code.contains(name));
            if let Some((_, does)) = does {
                found.push(file.violation(number, format!("core is pure, and this {does}")));
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
    fn core_asks_nobody() {
        let text =
            "//! Never SystemTime::now.\nfn a() { SystemTime::now(); }\n#[cfg(test)]\nstd::fs\n";
        let tree = tree(&[
            ("crates/core/src/a.rs", text),
            ("crates/store/src/a.rs", text),
        ]);
        let expected = "crates/core/src/a.rs:2: core is pure, and this reads the clock";
        assert_eq!(shown(&core_is_pure(&tree)), [expected]);
    }
}
