//! Time and memory of one look against 15,000 popular names, beside a plain Levenshtein scan in the
//! same run.

use std::hint::black_box;
use std::time::{Duration, Instant};

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::{Similarity, WellKnown};

const ROUNDS: usize = 9;

/// Prints the table.
pub(crate) fn measure(ranked: &[ProjectName]) {
    let started = Instant::now();
    let known = WellKnown::new(&ranked.iter().cloned().collect());
    let owned = ["acme-*", "billing-core"].map(|pattern| pattern.parse().unwrap());
    let similarity = Similarity::new(known.into(), owned);
    let built = started.elapsed();
    // No popular name is looked at in full, so one character is changed.
    let unknown = |name: &ProjectName| ProjectName::new(&format!("{name}q")).unwrap();
    let names: Vec<ProjectName> = ranked.iter().step_by(7).map(unknown).collect();
    let ours = median(
        (0..ROUNDS).map(|_| per_name(&names, |name| drop(black_box(similarity.look(name))))),
    );
    let mut each: Vec<Duration> = names
        .iter()
        .map(|name| {
            per_name(std::slice::from_ref(name), |name| {
                drop(black_box(similarity.look(name)));
            })
        })
        .collect();
    each.sort_unstable();
    let few = &names[..names.len().min(20)];
    let plain = median((0..3).map(|_| {
        per_name(few, |name| {
            for target in ranked {
                black_box(levenshtein(
                    name.as_str().as_bytes(),
                    target.as_str().as_bytes(),
                ));
            }
        })
    }));
    println!("\n### Time and memory, {} targets\n", similarity.len());
    println!("| | |\n|---|---|");
    println!(
        "| one look, median of {ROUNDS} rounds over {} names | {ours:.1?} |",
        names.len()
    );
    println!(
        "| one look, 99th percentile of single looks | {:.1?} |",
        each[each.len() * 99 / 100]
    );
    println!("| plain Levenshtein scan, same run | {plain:.1?} |");
    println!(
        "| ratio | {:.0} |",
        plain.as_secs_f64() / ours.as_secs_f64()
    );
    println!("| memory | {:.2} MB |", similarity.bytes() as f64 / 1e6);
    println!("| preparing the targets | {built:.1?} |");
}

fn per_name(names: &[ProjectName], look: impl Fn(&ProjectName)) -> Duration {
    let started = Instant::now();
    names.iter().for_each(look);
    started.elapsed() / u32::try_from(names.len()).unwrap()
}

fn median(rounds: impl Iterator<Item = Duration>) -> Duration {
    let mut rounds: Vec<Duration> = rounds.collect();
    rounds.sort_unstable();
    rounds[rounds.len() / 2]
}

fn levenshtein(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
