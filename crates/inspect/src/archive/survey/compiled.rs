//! Compiled Python and the source beside it (PEP 3147).

use std::collections::HashSet;
use std::sync::Arc;

use super::fact::MemberFact;

/// Compiled Python, and whether its source is there and the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The `.pyc` member.
    pub pyc: Arc<str>,
    /// The source that it says it is of, when that is in the archive.
    pub source: Option<Arc<str>>,
    /// Whether size or hash are those of the source; `None` when that was not compared.
    pub matches: Option<bool>,
}

/// Every compiled file among `members`, nothing compared yet.
pub(super) fn find(members: &[MemberFact]) -> Vec<Compiled> {
    let names: HashSet<&Arc<str>> = members.iter().map(|member| &member.name).collect();
    let is_compiled = |member: &&MemberFact| member.is_file() && member.extension() == "pyc";
    let compiled = members.iter().filter(is_compiled).map(|member| {
        let source: Arc<str> = source_of(&member.name).into();
        let source = names.get(&source).map(|name| Arc::clone(name));
        Compiled {
            pyc: member.name.clone(),
            source,
            matches: None,
        }
    });
    compiled.collect()
}

/// The pairs that can be compared.
pub(super) fn pairs(members: &[MemberFact]) -> Vec<(Arc<str>, Arc<str>)> {
    let compiled = find(members).into_iter();
    compiled
        .filter_map(|each| Some((each.pyc, each.source?)))
        .collect()
}

/// `a/__pycache__/b.cpython-311.opt-1.pyc` and `a/b.pyc` are both of `a/b.py`.
fn source_of(name: &str) -> String {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let (folder, stem) = match folder.strip_suffix("__pycache__") {
        Some(above) => (
            above.trim_end_matches('/'),
            file.split('.').next().unwrap_or_default(),
        ),
        None => (folder, file.strip_suffix(".pyc").unwrap_or(file)),
    };
    match folder {
        "" => format!("{stem}.py"),
        folder => format!("{folder}/{stem}.py"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stand_beside_or_above() {
        for (compiled, source) in [
            ("a/__pycache__/b.cpython-311.pyc", "a/b.py"),
            ("a/__pycache__/b.cpython-311.opt-2.pyc", "a/b.py"),
            ("__pycache__/b.cpython-311.pyc", "b.py"),
            ("a/b.pyc", "a/b.py"),
            ("b.pyc", "b.py"),
        ] {
            assert_eq!(source_of(compiled), source);
        }
    }
}
