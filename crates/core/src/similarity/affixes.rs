//! Words that are put before or behind a well-known name to make another one: `py`, `python`, `api`,
//! `utils` and the like, and what remains of a name without them.

/// What is said of the language itself; a project often has two names that differ only in it.
const LANGUAGE: &[&str] = &["py", "py3", "python", "python3", "pypi", "pip"];

/// What is said of any project, and hides nothing of the name it is added to. Sorted.
const COMMON: &[&str] = &[
    "alpha",
    "api",
    "app",
    "async",
    "auth",
    "automation",
    "beta",
    "bot",
    "cli",
    "client",
    "clients",
    "cloud",
    "common",
    "connector",
    "core",
    "darwin",
    "debug",
    "demo",
    "dev",
    "driver",
    "engine",
    "example",
    "ext",
    "extra",
    "extras",
    "fast",
    "fix",
    "fixed",
    "for",
    "framework",
    "free",
    "gui",
    "handler",
    "helper",
    "helpers",
    "http",
    "install",
    "installer",
    "integration",
    "interface",
    "internal",
    "js",
    "kit",
    "latest",
    "lib",
    "library",
    "linux",
    "lite",
    "mac",
    "macos",
    "main",
    "manager",
    "mini",
    "mod",
    "module",
    "modules",
    "new",
    "next",
    "nightly",
    "node",
    "official",
    "package",
    "patch",
    "patched",
    "pkg",
    "plugin",
    "plus",
    "pre",
    "premium",
    "pro",
    "project",
    "public",
    "pure",
    "release",
    "runner",
    "safe",
    "script",
    "scripts",
    "sdk",
    "secure",
    "server",
    "service",
    "setup",
    "simple",
    "stable",
    "std",
    "support",
    "sync",
    "test",
    "testing",
    "tests",
    "the",
    "tool",
    "toolkit",
    "tools",
    "ultra",
    "update",
    "updated",
    "updater",
    "util",
    "utilities",
    "utility",
    "utils",
    "v1",
    "v2",
    "v3",
    "web",
    "win",
    "win32",
    "windows",
    "wrapper",
    "x",
];

/// What is glued to a name without a separator.
const GLUED_BEFORE: &[&str] = &["python", "py"];
const GLUED_BEHIND: &[&str] = &["python", "lib", "sdk", "api", "cli", "py"];

/// What remains of a name without its affixes, and the affixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stem {
    /// The rest, without separators.
    pub(super) text: String,
    /// What was taken away, as it stood, joined by spaces.
    pub(super) affixes: String,
    /// Whether only the language's name was taken away.
    pub(super) only_language: Language,
}

/// Whether affixes say no more than that the project is for Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// No more than that.
    Only,
    /// Something else, too.
    AndMore,
}

/// How many words are taken from either end.
const MOST_WORDS: usize = 3;

/// The name without all affix words at both ends, or without the one that is glued to it; `None` when it
/// has none, or when nothing of three letters would remain.
pub(super) fn stem(name: &str) -> Option<Stem> {
    stems(name).pop()
}

/// The name without some of its affixes, with fewer and fewer left.
pub(super) fn stems(name: &str) -> Vec<Stem> {
    match name.contains('-') {
        true => by_words(name),
        false => glued(name).into_iter().collect(),
    }
}

fn by_words(name: &str) -> Vec<Stem> {
    let words: Vec<&str> = name.split('-').collect();
    let affixes = |count: usize| count.min(MOST_WORDS).min(words.len() - 1);
    let before = affixes(words.iter().take_while(|word| is_affix(word)).count());
    let behind = affixes(words.iter().rev().take_while(|word| is_affix(word)).count());
    let mut stems = Vec::new();
    for first in 0..=before {
        for last in 0..=behind.min(words.len() - 1 - first) {
            let (taken_before, rest) = words.split_at(first);
            let (rest, taken_behind) = rest.split_at(rest.len() - last);
            let taken: Vec<&str> = [taken_before, taken_behind].concat();
            let text = rest.concat();
            if !taken.is_empty() && text.len() >= 3 {
                stems.push(Stem {
                    text,
                    only_language: language(&taken),
                    affixes: taken.join(" "),
                });
            }
        }
    }
    stems
}

fn glued(name: &str) -> Option<Stem> {
    let before = GLUED_BEFORE
        .iter()
        .find_map(|affix| Some((*affix, name.strip_prefix(affix)?)));
    let behind = || {
        GLUED_BEHIND
            .iter()
            .find_map(|affix| Some((*affix, name.strip_suffix(affix)?)))
    };
    let (affix, rest) = before.or_else(behind)?;
    (rest.len() >= 3).then(|| Stem {
        text: rest.to_owned(),
        only_language: language(&[affix]),
        affixes: affix.to_owned(),
    })
}

fn language(taken: &[&str]) -> Language {
    match taken.iter().all(|word| LANGUAGE.contains(word)) {
        true => Language::Only,
        false => Language::AndMore,
    }
}

fn is_affix(word: &str) -> bool {
    LANGUAGE.contains(&word) || COMMON.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affixes_are_taken_from_both_ends() {
        for (name, rest) in [
            ("python-nmap", Some("nmap")),
            ("django-server", Some("django")),
            ("requests-darwin-lite", Some("requests")),
            ("py-prompt-toolkit-utils", Some("prompt")),
            ("telnetlib", Some("telnet")),
            ("pyyaml", Some("yaml")),
            ("pypy", None),
            ("api", None),
            ("flask", None),
            ("api-utils", Some("utils")),
        ] {
            let found = stem(name).map(|stem| stem.text);
            assert_eq!(found.as_deref(), rest, "{name}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(COMMON.is_sorted());
    }
}
