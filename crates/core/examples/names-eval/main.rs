//! Measures how well similar names are told from others, and how quickly:
//! `cargo run --release -p portcullis-core --example names-eval -- SQUATS.csv RANKED.csv [--show]`.
//! `SQUATS.csv` has the columns `squat,target,class`; `RANKED.csv` is a list of popular names with at
//! least 15,000 rows. Prints Markdown; `--show` lists what was missed and what was flagged wrongly.
#![expect(clippy::print_stdout, reason = "it prints what it measures")]
#![expect(
    clippy::unwrap_used,
    reason = "a measurement that cannot be made should stop"
)]

mod generator;
mod speed;

use std::collections::{BTreeMap, HashSet};

use portcullis_core::pypi::name::ProjectName;
use portcullis_core::similarity::{
    LIKELY, NEAR_CERTAIN, PopularNames, Resemblance, Similarity, WellKnown,
};

/// How many of the most popular names are targets.
const TARGETS: usize = 5_000;

/// How many of the most popular names are varied.
const VARIED: usize = 500;

struct Squat {
    name: ProjectName,
    target: ProjectName,
    class: String,
}

/// How many of some names were found.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    all: usize,
    likely: usize,
    near_certain: usize,
    target_named: usize,
}

impl Tally {
    fn count(&mut self, found: Option<&Resemblance>, target: &ProjectName) {
        self.all += 1;
        let score = found.map_or(0.0, |found| found.score);
        self.likely += usize::from(score >= LIKELY);
        self.near_certain += usize::from(score >= NEAR_CERTAIN);
        self.target_named += usize::from(found.is_some_and(|found| found.target == *target));
    }

    fn row(&self, what: &str) {
        let share = |number: usize| 100.0 * number as f64 / self.all.max(1) as f64;
        println!(
            "| {what} | {} | {:.1} % | {:.1} % | {:.1} % |",
            self.all,
            share(self.likely),
            share(self.near_certain),
            share(self.target_named)
        );
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [squats, ranked, rest @ ..] = arguments.as_slice() else {
        panic!("names-eval SQUATS.csv RANKED.csv [--show]");
    };
    let shows = rest.iter().any(|argument| argument == "--show");
    let squats = read_squats(&std::fs::read_to_string(squats).unwrap());
    let ranked = PopularNames::parse(&std::fs::read(ranked).unwrap()).unwrap();
    let ranked: Vec<ProjectName> = ranked.iter().cloned().collect();
    let targets = ranked[..TARGETS].iter().cloned().collect();
    let similarity = Similarity::new(WellKnown::new(&targets).into(), []);
    labelled(&similarity, &ranked, &squats, shows);
    honest(&similarity, &ranked[TARGETS..], shows);
    generated(&similarity, &ranked, shows);
    speed::measure(&ranked);
}

fn read_squats(text: &str) -> Vec<Squat> {
    let rows = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect::<Vec<_>>());
    let squats = rows.filter_map(|row| {
        Some(Squat {
            name: ProjectName::new(row.first()?).ok()?,
            target: ProjectName::new(row.get(1)?).ok()?,
            class: (*row.get(2)?).to_owned(),
        })
    });
    squats.collect()
}

fn labelled(similarity: &Similarity, ranked: &[ProjectName], squats: &[Squat], shows: bool) {
    println!("\n### Labelled squats, the top {TARGETS} as targets\n");
    println!("| class | names | ≥ {LIKELY} | ≥ {NEAR_CERTAIN} | target named |");
    println!("|---|---|---|---|---|");
    let reachable: HashSet<&ProjectName> = ranked[..TARGETS].iter().collect();
    let mut classes: BTreeMap<&str, Tally> = BTreeMap::new();
    let (mut of_targets, mut of_all) = (Tally::default(), Tally::default());
    for squat in squats {
        let found = similarity.look(&squat.name);
        of_all.count(found.as_ref(), &squat.target);
        if reachable.contains(&squat.target) {
            let class = classes.entry(&squat.class).or_default();
            class.count(found.as_ref(), &squat.target);
            of_targets.count(found.as_ref(), &squat.target);
        }
        if shows
            && found
                .as_ref()
                .is_none_or(|found| found.score < NEAR_CERTAIN)
        {
            eprintln!(
                "squat {} of {}: {}",
                squat.name,
                squat.target,
                told(found.as_ref())
            );
        }
    }
    for (class, tally) in &classes {
        tally.row(class);
    }
    of_targets.row("**all whose target is one**");
    of_all.row("all of the file");
}

fn honest(similarity: &Similarity, unknown: &[ProjectName], shows: bool) {
    println!(
        "\n### Names of rank {} to {}, as if unknown\n",
        TARGETS + 1,
        TARGETS + unknown.len()
    );
    println!("| score | flagged | share |\n|---|---|---|");
    let looked: Vec<_> = unknown
        .iter()
        .map(|name| (name, similarity.look(name)))
        .collect();
    for score in [
        0.50,
        0.55,
        LIKELY,
        0.65,
        0.70,
        0.75,
        NEAR_CERTAIN,
        0.85,
        0.90,
    ] {
        let is_flagged = |found: &&Resemblance| found.score >= score;
        let flagged = looked
            .iter()
            .filter_map(|(_, found)| found.as_ref())
            .filter(is_flagged)
            .count();
        let share = 100.0 * flagged as f64 / unknown.len() as f64;
        println!("| ≥ {score} | {flagged} | {share:.2} % |");
    }
    if shows {
        for (name, found) in looked
            .iter()
            .filter_map(|(name, found)| Some((name, found.as_ref()?)))
        {
            eprintln!("honest {name}: {}", told(Some(found)));
        }
    }
}

fn generated(similarity: &Similarity, ranked: &[ProjectName], shows: bool) {
    println!("\n### Variations of the top {VARIED}\n");
    println!("| class | names | ≥ {LIKELY} | ≥ {NEAR_CERTAIN} | target named |");
    println!("|---|---|---|---|---|");
    let real: HashSet<&ProjectName> = ranked.iter().collect();
    let mut near = Tally::default();
    for class in generator::CLASSES {
        let mut tally = Tally::default();
        for target in &ranked[..VARIED] {
            for name in generator::variations(class, target) {
                if real.contains(&name) {
                    continue;
                }
                let found = similarity.look(&name);
                tally.count(found.as_ref(), target);
                if class.is_one_edit() {
                    near.count(found.as_ref(), target);
                }
                if shows && found.as_ref().is_none_or(|found| found.score < LIKELY) {
                    eprintln!("{class} {name} of {target}: {}", told(found.as_ref()));
                }
            }
        }
        tally.row(&class.to_string());
    }
    near.row("**all of distance 1**");
}

fn told(found: Option<&Resemblance>) -> String {
    match found {
        None => "nothing".to_owned(),
        Some(found) => {
            let signals: Vec<String> = found.signals.iter().map(ToString::to_string).collect();
            let (score, target, kind) = (found.score, &found.target, found.kind);
            format!("{score:.2} {target} {kind:?} {}", signals.join(", "))
        }
    }
}
