//! The technique corpus against the inspection, as a table, for people and for `bench/peers`:
//! `cargo run --release -p portcullis-inspect --example techniques -- [MODE]`
//!
//! Without a mode: found and denied of each technique, and by which rules. `--held-out`: ratios of each
//! family of what is held out, nothing more. `--waiting`: harm that waits for a call. `--look-alikes`: what is said of honest packages. `--missed`:
//! every sample that is not denied, with all that is said of it. `--show TECHNIQUE/SPELLING`: everything
//! about one known sample. `--json`: every sample in one line. `--write SET NUMBER FOLDER`: one sample's
//! archive, by the set and number that `--json` gives it.
#![allow(clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::io::{Cursor, Error, Result};
use std::path::Path;

use portcullis_core::inspection::{Inspected, Observation, effect_of};
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_fixtures::techniques::{
    Shape, Spelling, Technique, held_out_families, look_alikes, techniques, waiting,
};
use portcullis_inspect::inspection::{Budget, inspect_archive};

/// A sample: the technique, the spelling, and where it stands: its technique's id, or the number of
/// its family where names are not to be told.
struct Sample {
    group: String,
    technique: &'static Technique,
    spelling: &'static Spelling,
}

const SETS: [&str; 4] = ["techniques", "held-out", "waiting", "look-alikes"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => table("techniques"),
        ["--held-out"] => table("held-out"),
        ["--waiting"] => table("waiting"),
        ["--look-alikes"] => look_alikes_told(),
        ["--missed"] => missed(),
        ["--show", name] => show(name),
        ["--json"] => SETS.iter().for_each(|set| json(set)),
        ["--write", set, number, folder] => return write(set, number, Path::new(folder)),
        _ => return Err(Error::other("see the top of examples/techniques.rs")),
    }
    Ok(())
}

fn samples(set: &str) -> Vec<Sample> {
    let grouped: Vec<(String, &'static Technique)> = match set {
        "held-out" => {
            let families = held_out_families();
            let numbered = families.iter().zip(1..);
            let each = numbered.flat_map(|(family, number): (&&'static [Technique], u32)| {
                let named = move |technique| (format!("family {number:02}"), technique);
                family.iter().map(named)
            });
            each.collect()
        }
        "waiting" => named(waiting()),
        "look-alikes" => named(look_alikes()),
        _ => named(techniques()),
    };
    let spelled = |(group, technique): (String, &'static Technique)| {
        let spellings = technique.spellings.iter();
        spellings.map(move |spelling| Sample {
            group: group.clone(),
            technique,
            spelling,
        })
    };
    grouped.into_iter().flat_map(spelled).collect()
}

fn named(all: Vec<&'static Technique>) -> Vec<(String, &'static Technique)> {
    let named = all.into_iter().map(|one| (one.id.to_owned(), one));
    named.collect()
}

fn inspect(sample: &Sample) -> Inspected {
    let (name, bytes) = sample.spelling.archive(sample.technique);
    let filename = DistFilename::parse(&name, None).expect("a sample has a proper name");
    inspect_archive(Cursor::new(bytes), &filename, &Budget::default())
        .expect("memory can be read")
        .inspected
}

/// How many there are, how many are held or denied, how many are denied, and what said so.
#[derive(Default)]
struct Tally {
    all: usize,
    found: usize,
    denied: usize,
    rules: BTreeMap<String, usize>,
}

impl Tally {
    fn add(&mut self, inspected: &Inspected) {
        let effect = inspected.effect();
        self.all += 1;
        self.found += usize::from(effect >= Effect::Hold);
        self.denied += usize::from(effect == Effect::Deny);
        for rule in telling(inspected) {
            *self.rules.entry(rule).or_default() += 1;
        }
    }

    fn print(&self, name: &str) {
        let share = |part: usize| 100.0 * part as f64 / self.all.max(1) as f64;
        println!(
            "{name:34} found {:3} denied {:3} of {:3} = {:5.1} % {:5.1} %",
            self.found,
            self.denied,
            self.all,
            share(self.found),
            share(self.denied),
        );
    }
}

/// The rules that hold or deny it.
fn telling(inspected: &Inspected) -> Vec<String> {
    let all = inspected.observations.iter();
    let telling = all.filter(|seen| effect_of(seen) >= Effect::Hold);
    let mut rules: Vec<String> = telling.map(|seen| seen.rule.to_string()).collect();
    rules.sort();
    rules.dedup();
    rules
}

fn table(set: &str) {
    let mut groups: BTreeMap<String, Tally> = BTreeMap::new();
    let mut whole = Tally::default();
    for sample in samples(set) {
        let inspected = inspect(&sample);
        groups.entry(sample.group).or_default().add(&inspected);
        whole.add(&inspected);
    }
    for (name, tally) in &groups {
        tally.print(name);
        if set != "held-out" && !tally.rules.is_empty() {
            let rules = tally.rules.iter();
            let rules: Vec<String> = rules
                .map(|(rule, times)| format!("{rule} {times}"))
                .collect();
            println!("    {}", rules.join(", "));
        }
    }
    whole.print(set);
}

/// What is said of honest packages, where it holds or denies one.
fn look_alikes_told() {
    table("look-alikes");
    for sample in samples("look-alikes") {
        let inspected = inspect(&sample);
        if inspected.effect() >= Effect::Hold {
            print(&sample, &inspected);
        }
    }
}

fn missed() {
    for sample in samples("techniques") {
        let inspected = inspect(&sample);
        if inspected.effect() < Effect::Deny {
            print(&sample, &inspected);
        }
    }
}

fn show(name: &str) {
    for sample in samples("techniques") {
        if format!("{}/{}", sample.technique.id, sample.spelling.name) != name {
            continue;
        }
        for (path, content) in sample.spelling.files {
            println!("==== {path}\n{}", String::from_utf8_lossy(&content.bytes()));
        }
        let inspected = inspect(&sample);
        print(&sample, &inspected);
        for capability in &inspected.capabilities {
            println!("  {capability:?}");
        }
    }
}

fn print(sample: &Sample, inspected: &Inspected) {
    let effect = inspected.effect();
    println!(
        "{effect:?} {}/{}",
        sample.technique.id, sample.spelling.name
    );
    for seen in &inspected.observations {
        println!("    {}", line(seen));
    }
}

fn line(seen: &Observation) -> String {
    format!(
        "{} {} {} {} {}:{} {} [{}]",
        seen.rule,
        seen.severity,
        seen.confidence.per_cent(),
        seen.context,
        seen.file,
        seen.line,
        seen.message,
        seen.chain
            .iter()
            .map(|step| &*step.text)
            .collect::<Vec<_>>()
            .join(" > ")
    )
}

fn json(set: &str) {
    for (number, sample) in samples(set).iter().enumerate() {
        let shape = match sample.spelling.shape {
            Shape::Wheel => "wheel",
            Shape::Sdist => "sdist",
        };
        let name = match set {
            "held-out" => format!("{}/{number}", sample.group),
            _ => format!("{}/{}", sample.group, sample.spelling.name),
        };
        let inspected = inspect(sample);
        let effect = inspected.effect();
        let rules = telling(&inspected);
        println!(
            "{{\"set\": {set:?}, \"number\": {number}, \"name\": {name:?}, \"shape\": {shape:?}, \
             \"effect\": \"{effect:?}\", \"rules\": {rules:?}}}"
        );
    }
}

fn write(set: &str, number: &str, folder: &Path) -> Result<()> {
    let number: usize = number.parse().map_err(Error::other)?;
    let samples = samples(set);
    let sample = samples.get(number);
    let sample = sample.ok_or_else(|| Error::other("there is no such sample"))?;
    let (name, bytes) = sample.spelling.archive(sample.technique);
    let path = folder.join(name);
    std::fs::write(&path, bytes)?;
    println!("{}", path.display());
    Ok(())
}
