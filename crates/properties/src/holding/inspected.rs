//! [`inspected_holds`]: what must hold of an [`Inspected`].

use std::collections::BTreeSet;

use portcullis_core::inspection::{
    Excerpt, INSPECTION_RULES, Inspected, Observation, effect_of, report,
};
use portcullis_core::policy::Effect;

use super::survives_json;

/// The longest excerpt that is kept, in characters.
const LONGEST_EXCERPT: usize = 240;

/// Panics unless `inspected` is in itself as its documentation says. `files` are the names that may be
/// spoken of, beside the empty one.
pub(crate) fn inspected_holds(inspected: &Inspected, files: &BTreeSet<String>) {
    survives_json(inspected);
    let told = serde_json::to_string(&report(inspected));
    assert!(told.is_ok(), "the report cannot be written");
    for seen in &inspected.observations {
        observation_holds(seen, files);
    }
    order_holds(&inspected.observations);
    excerpts_hold(&inspected.excerpts, files);
    effects_hold(inspected);
    incompleteness_is_told(inspected);
    for capability in &inspected.capabilities {
        assert!(capability.count > 0, "{capability:?}");
        assert!(files.contains(&*capability.file), "{capability:?}");
    }
}

fn observation_holds(seen: &Observation, files: &BTreeSet<String>) {
    let is_known = INSPECTION_RULES.contains(&&*seen.rule);
    assert!(is_known, "{} is in no list of rules", seen.rule);
    let speaks_of = |file: &str| file.is_empty() || files.contains(file);
    assert!(speaks_of(&seen.file), "no member is called so: {seen:#?}");
    assert!(!seen.message.is_empty(), "{seen:#?}");
    let is_plain = !seen.message.chars().any(char::is_control);
    assert!(is_plain, "control characters in a message: {seen:#?}");
    assert!(!seen.message.contains("the analysis failed"), "{seen:#?}");
    assert_eq!(seen.code_hash.len(), 32, "{seen:#?}");
    assert!(seen.line > 0 || seen.column == 0, "{seen:#?}");
    for step in &seen.chain {
        assert!(speaks_of(&step.place.file), "{seen:#?}");
        assert!(!step.text.is_empty(), "{seen:#?}");
        let is_plain = !step.text.chars().any(char::is_control);
        assert!(is_plain, "control characters in a chain: {seen:#?}");
    }
}

/// The worst first, and nothing twice.
fn order_holds(observations: &[Observation]) {
    for pair in observations.windows(2) {
        let weight = |seen: &Observation| (effect_of(seen), seen.severity);
        assert!(weight(&pair[0]) >= weight(&pair[1]), "{pair:#?}");
        assert_ne!(pair[0], pair[1], "the same twice");
    }
}

/// Sorted as looking one up by file and line expects, and short.
fn excerpts_hold(excerpts: &[Excerpt], files: &BTreeSet<String>) {
    let place = |one: &Excerpt| (one.file.clone(), one.line);
    for pair in excerpts.windows(2) {
        assert!(place(&pair[0]) < place(&pair[1]), "{pair:#?}");
    }
    for one in excerpts {
        assert!(one.text.chars().count() <= LONGEST_EXCERPT, "{one:#?}");
        assert!(files.contains(&*one.file), "{one:#?}");
    }
}

/// Seeing more never weighs less, and what was not looked at is never allowed.
fn effects_hold(inspected: &Inspected) {
    let whole = inspected.effect();
    assert!(whole >= inspected.found());
    assert!(inspected.complete || whole >= Effect::Hold);
    let mut fewer = inspected.clone();
    while fewer.observations.pop().is_some() {
        assert!(fewer.effect() <= whole, "fewer observations weigh more");
    }
}

/// What was not looked at is among the observations, and nothing else says that something was not.
fn incompleteness_is_told(inspected: &Inspected) {
    let mut all = inspected.observations.iter();
    let is_told = all.any(|seen| seen.is_about_completeness() || seen.is_about_the_archive());
    assert!(
        inspected.complete || is_told,
        "nothing says why: {inspected:#?}"
    );
    let mut all = inspected.observations.iter();
    let says_so = all.any(|seen| seen.is_about_completeness());
    assert!(
        !(inspected.complete && says_so),
        "complete, and not: {inspected:#?}"
    );
}
