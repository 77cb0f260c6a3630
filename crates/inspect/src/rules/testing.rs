//! For the cases of rules: one source in, and whether a rule found something worth stopping for.

use portcullis_core::inspection::{Observation, Severity};

use super::RULES;
use crate::python::{Budget, Package, Role, Source, analyse};

/// What `rule` says of one source; the role follows from the path.
pub(super) fn observations(rule: &str, path: &str, code: &str) -> Vec<Observation> {
    let role = match path {
        "setup.py" => Role::Install,
        _ if path.ends_with(".pth") || path.ends_with("customize.py") => Role::Startup,
        _ if path.starts_with("tests/") => Role::Test,
        _ => Role::Module,
    };
    let sources = vec![Source::new(path, code.as_bytes(), role)];
    let analysis = analyse(
        &Package {
            sources,
            ..Package::default()
        },
        &Budget::default(),
    );
    let rule = RULES
        .iter()
        .find(|each| each.id() == rule)
        .expect("the rule is registered");
    let mut observations = Vec::new();
    rule.check(&analysis, &mut observations);
    observations
}

/// Fails unless `rule` finds `code` at least of medium severity.
pub(super) fn found(rule: &str, path: &str, code: &str) {
    let all = observations(rule, path, code);
    let loud = all.iter().any(|each| each.severity >= Severity::Medium);
    assert!(loud, "{rule} says nothing of:\n{code}\n{all:#?}");
}

/// Fails if `rule` finds anything in `code` above low severity.
pub(super) fn quiet(rule: &str, path: &str, code: &str) {
    let all = observations(rule, path, code);
    let loud: Vec<_> = all
        .iter()
        .filter(|each| each.severity > Severity::Low)
        .collect();
    assert!(loud.is_empty(), "{rule} cries out over:\n{code}\n{loud:#?}");
}
