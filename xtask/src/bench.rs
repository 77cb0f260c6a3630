//! Measuring: the harness of `bench/index` with what it needs, and the instruction counts of
//! `bench/instructions` held against those that are committed. Both are packages of their own, so that
//! nobody compiles them who only wants to run the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::places::Places;
use crate::run::{cargo, command, output, run};
use crate::{environments, system};

/// What is installed of a peer from where, only when it is asked for.
const PEERS: [(&str, Origin); 2] = [
    ("peryx", Origin::PyPi("peryx")),
    ("nora", Origin::CratesIo("nora-registry")),
];

enum Origin {
    PyPi(&'static str),
    CratesIo(&'static str),
}

/// Runs what the command line asks for.
pub(crate) fn bench(places: &Places, arguments: &[String]) -> anyhow::Result<()> {
    match arguments.first().map(String::as_str) {
        Some("instructions") => instructions(places, &arguments[1..]),
        Some("smoke") => smoke(places),
        Some("growth") => harness(places, "growth", &arguments[1..]),
        _ => harness(places, "run", arguments),
    }
}

/// A few seconds that prove that the harness works, with the Portcullis that the tests built.
fn smoke(places: &Places) -> anyhow::Result<()> {
    system::install_missing_for_measuring()?;
    let target = places.kept.parent().context("it is in cargo's folder")?;
    run(cargo()
        .args(["build", "--quiet", "--package", "portcullis"])
        .current_dir(&places.root))?;
    run(program(places, "dev")
        .arg("--portcullis")
        .arg(target.join("debug/portcullis"))
        .arg("smoke")
        .arg("--uv")
        .arg(places.in_environment("uv", "uv")))
}

fn harness(places: &Places, word: &str, arguments: &[String]) -> anyhow::Result<()> {
    system::install_missing_for_measuring()?;
    run(cargo()
        .args(["build", "--release", "--package", "portcullis"])
        .current_dir(&places.root))?;
    let asked = |name: &str| arguments.iter().any(|argument| argument.contains(name));
    for (name, origin) in PEERS.iter().filter(|(name, _)| asked(name)) {
        install_peer(places, name, origin)?;
    }
    let target = places.kept.parent().context("it is in cargo's folder")?;
    let mut program = program(places, "release");
    program
        .arg("--portcullis")
        .arg(target.join("release/portcullis"))
        .arg("--peers")
        .arg(peers(places))
        .arg(word);
    match word {
        "growth" => {
            program
                .arg("--svg")
                .arg(places.root.join("docs/growth.svg"));
        }
        _ => {
            environments::install_uv(places)?;
            program.arg("--uv").arg(places.in_environment("uv", "uv"));
        }
    }
    run(program.args(arguments))
}

fn program(places: &Places, profile: &str) -> std::process::Command {
    let mut program = cargo();
    program
        .args(["run", "--quiet", "--profile", profile])
        .args(["--package", "portcullis-bench", "--manifest-path"])
        .arg(places.root.join("Cargo.toml"))
        .arg("--");
    program
}

fn peers(places: &Places) -> PathBuf {
    places.kept.join("peers")
}

fn install_peer(places: &Places, name: &str, origin: &Origin) -> anyhow::Result<()> {
    let folder = peers(places).join(name);
    if folder.join("bin").join(name).exists() {
        return Ok(());
    }
    println!("installing {name}, which is to be measured");
    fs::create_dir_all(&folder)?;
    match origin {
        Origin::PyPi(package) => {
            run(command("python3").args(["-m", "venv"]).arg(&folder))?;
            run(command(folder.join("bin/python"))
                .args(["-m", "pip", "install", "--quiet"])
                .arg(package))
        }
        Origin::CratesIo(package) => run(cargo()
            .args(["install", "--quiet", "--locked", "--root"])
            .arg(&folder)
            .arg(package)),
    }
}

/// How much more a case may cost than the baseline says, and how much less before the baseline is to be
/// written anew, in percent.
const TOLERANCE: f64 = 5.0;

const BASELINE: &str = "bench/instructions/baseline.txt";

fn instructions(places: &Places, arguments: &[String]) -> anyhow::Result<()> {
    let update = match arguments {
        [] => None,
        [word] if word == "--update" => Some(()),
        _ => bail!("instructions knows --update alone"),
    };
    system::install_missing_for_counting()?;
    run(cargo()
        .args(["build", "--quiet", "--profile", "counted"])
        .args(["--package", "portcullis-instructions"])
        .current_dir(&places.root))?;
    let target = places.kept.parent().context("it is in cargo's folder")?;
    let program = target.join("counted/portcullis-instructions");
    let mut counts = BTreeMap::new();
    for case in output(&mut command(&program))?.lines() {
        counts.insert(case.to_owned(), count(&program, case)?);
    }
    let path = places.root.join(BASELINE);
    if update.is_some() {
        fs::write(&path, written(&counts))?;
        println!("wrote {BASELINE}");
        return Ok(());
    }
    let baseline = fs::read_to_string(&path).with_context(|| format!("cannot read {BASELINE}"))?;
    let (table, worse) = compare(&read(&baseline)?, &counts);
    println!("{table}");
    if !worse.is_empty() {
        bail!(
            "more instructions than {BASELINE} says, by over {TOLERANCE} %: {}; where that is meant, \
             run cargo xtask bench instructions --update",
            worse.join(", ")
        );
    }
    Ok(())
}

/// The instructions of the part that counts.
fn count(program: &std::path::Path, case: &str) -> anyhow::Result<u64> {
    let done = command("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(["--toggle-collect=*counted_part*", "--"])
        .arg(program)
        .arg(case)
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&done.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let collected = collected.and_then(|(_, number)| number.trim().parse().ok());
    match collected.filter(|number| *number > 0 && done.status.success()) {
        Some(number) => Ok(number),
        None => bail!("valgrind counted nothing of {case}:\n{said}"),
    }
}

fn written(counts: &BTreeMap<String, u64>) -> String {
    let mut text = String::from(
        "# Instructions of each case, by cargo xtask bench instructions --update. Processors that have\n\
         # other instructions for hashing and copying count otherwise: write it anew before you compare.\n",
    );
    for (case, count) in counts {
        text.push_str(&format!("{case} {count}\n"));
    }
    text
}

fn read(text: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let entry = |line: &str| {
        let (case, count) = line.split_once(' ')?;
        Some((case.to_owned(), count.parse().ok()?))
    };
    let entries = lines.map(|line| entry(line).with_context(|| format!("no count: {line}")));
    entries.collect()
}

/// A table of both, and the cases that cost too much more.
fn compare(
    baseline: &BTreeMap<String, u64>,
    counts: &BTreeMap<String, u64>,
) -> (String, Vec<String>) {
    let (mut table, mut worse) = (String::new(), Vec::new());
    for (case, count) in counts {
        let Some(before) = baseline.get(case) else {
            table.push_str(&format!("{case:<20} {count:>12}  is not in the baseline\n"));
            worse.push(case.clone());
            continue;
        };
        let change = (*count as f64 / *before as f64 - 1.0) * 100.0;
        table.push_str(&format!("{case:<20} {count:>12}  {change:+.2} %\n"));
        if change > TOLERANCE {
            worse.push(case.clone());
        }
    }
    (table, worse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(entries: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let owned = entries
            .iter()
            .map(|(case, count)| ((*case).to_owned(), *count));
        owned.collect()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let counts = counts(&[("judge-one", 1_234), ("name", 5)]);
        assert_eq!(read(&written(&counts)).expect("a baseline"), counts);
        assert!(read("name").is_err() && read("name many").is_err());
    }

    #[test]
    fn only_what_costs_more_than_is_tolerated_is_worse() {
        let baseline = counts(&[("a", 1_000), ("b", 1_000), ("c", 1_000), ("gone", 1)]);
        let now = counts(&[("a", 1_040), ("b", 1_060), ("c", 10), ("new", 7)]);
        let (table, worse) = compare(&baseline, &now);
        assert_eq!(worse, ["b", "new"]);
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("+4.00 %") && table.contains("-99.00 %"));
    }
}
