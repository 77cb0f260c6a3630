//! The technique corpus against the whole inspection: how many of its samples are stopped, how many
//! outright, and that nothing honest is. Of what is held out only counts are told, never which.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Cursor;

use portcullis_core::inspection::effect_of;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::techniques::{
    Spelling, Technique, held_out_families, look_alikes, techniques, waiting,
};
use portcullis_inspect::inspection::{Budget, inspect_archive};

/// What the inspection makes of one sample.
struct Seen {
    name: String,
    effect: Effect,
    /// The rules that warn or more.
    rules: BTreeSet<String>,
}

fn seen(technique: &Technique, spelling: &Spelling) -> Seen {
    let (name, bytes) = spelling.archive(technique);
    let filename = DistFilename::parse(&name, None).expect("a sample has a proper name");
    let inspection = inspect_archive(Cursor::new(bytes), &filename, &Budget::default())
        .expect("memory can be read")
        .inspected;
    let telling = inspection.observations.iter();
    let telling = telling.filter(|seen| effect_of(seen) >= Effect::Warn);
    Seen {
        name: format!("{}/{}", technique.id, spelling.name),
        effect: inspection.effect(),
        rules: telling.map(|seen| seen.rule.to_string()).collect(),
    }
}

fn all_seen<'t>(techniques: impl IntoIterator<Item = &'t Technique>) -> Vec<Seen> {
    let each = |technique: &'t Technique| {
        let spellings = technique.spellings.iter();
        spellings.map(move |spelling| seen(technique, spelling))
    };
    techniques.into_iter().flat_map(each).collect()
}

fn share(all: &[Seen], least: Effect) -> f64 {
    let stopped = all.iter().filter(|seen| seen.effect >= least).count();
    stopped as f64 / all.len() as f64
}

/// One line for each sample that is not stopped at `least`.
fn missed(all: &[Seen], least: Effect) -> String {
    let missed = all.iter().filter(|seen| seen.effect < least);
    missed.fold(String::new(), |mut lines, seen| {
        let _ = writeln!(lines, "  {} {:?} {:?}", seen.name, seen.effect, seen.rules);
        lines
    })
}

#[test]
fn nearly_every_known_technique_is_stopped_and_most_are_denied() {
    let all = all_seen(techniques());
    let (stopped, denied) = (share(&all, Effect::Hold), share(&all, Effect::Deny));
    assert!(
        stopped >= 0.97,
        "only {stopped:.3} of {} are stopped:\n{}",
        all.len(),
        missed(&all, Effect::Hold)
    );
    assert!(
        denied >= 0.80,
        "only {denied:.3} of {} are denied:\n{}",
        all.len(),
        missed(&all, Effect::Deny)
    );
}

/// The share of what nobody has looked at that has to be stopped.
const STOPPED_UNSEEN: f64 = 0.90;
/// As much of what waits as is stopped today, so that it never becomes less.
const STOPPED_WAITING: f64 = 0.60;

#[test]
fn much_of_what_waits_for_a_call_is_stopped_too() {
    let all = all_seen(waiting());
    let stopped = share(&all, Effect::Hold);
    assert!(
        stopped >= STOPPED_WAITING,
        "only {stopped:.3} of {} are stopped:\n{}",
        all.len(),
        missed(&all, Effect::Hold)
    );
}

#[test]
fn what_was_never_seen_before_is_stopped_too() {
    let families = held_out_families();
    let all: Vec<Vec<Seen>> = families.iter().map(|family| all_seen(*family)).collect();
    let shares: Vec<String> = all
        .iter()
        .map(|family| format!("{:.2}", share(family, Effect::Hold)))
        .collect();
    let all: Vec<Seen> = all.into_iter().flatten().collect();
    let stopped = share(&all, Effect::Hold);
    assert!(
        stopped >= STOPPED_UNSEEN,
        "only {stopped:.3} of {} are stopped, family by family: {shares:?}",
        all.len()
    );
}

#[test]
fn honest_packages_that_look_alike_are_left_alone() {
    let all = all_seen(look_alikes());
    let stopped: Vec<String> = all
        .iter()
        .filter(|seen| seen.effect >= Effect::Hold)
        .map(|seen| format!("{} {:?} {:?}", seen.name, seen.effect, seen.rules))
        .collect();
    assert!(!all.is_empty() && stopped.is_empty(), "{stopped:#?}");
}
