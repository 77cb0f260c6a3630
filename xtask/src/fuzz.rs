//! Fuzzing: cargo-fuzz, run so that it works on the stable toolchain. There is no unsafe code that a sanitizer
//! could watch, and coverage alone needs no nightly. What is found stays in the target directory; a person
//! decides what is kept as a seed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::arguments::Fuzzing;
use crate::places::Places;
use crate::run::{cargo, command, output, run};
use crate::steps::required;
use crate::system;

const VERSION: &str = "0.13.2";
/// An input that takes longer, in seconds, is as bad as a crash.
const TIMEOUT: u32 = 20;
/// The most memory of one program, in MiB.
const MEMORY: u32 = 2048;
/// The longest input, in bytes.
const LONGEST: u32 = 65_536;

/// Fuzzes one property, or each in turn.
pub(crate) fn fuzz(places: &Places, fuzzing: &Fuzzing) -> anyhow::Result<()> {
    required("system packages", system::install_missing_for_fuzzing)?;
    required("cargo-fuzz", || install(places))?;
    let known = required("the list of properties", || targets(places))?;
    let chosen = match &fuzzing.target {
        None => known,
        Some(target) if known.contains(target) => vec![target.clone()],
        Some(target) => bail!("there is no property {target:?}, but {}", known.join(", ")),
    };
    for target in chosen {
        println!("==> {target}, for {} min", fuzzing.minutes);
        fuzz_one(places, &target, fuzzing.minutes)?;
    }
    Ok(())
}

/// Compiles cargo-fuzz, unless an earlier run did.
fn install(places: &Places) -> anyhow::Result<()> {
    let program = places.tools().join("bin/cargo-fuzz");
    let printed = output(command(&program).arg("--version")).unwrap_or_default();
    if printed.trim().ends_with(VERSION) {
        return Ok(());
    }
    run(cargo()
        .args(["install", "cargo-fuzz", "--version", VERSION])
        .args(["--locked", "--debug", "--force", "--root"])
        .arg(places.tools())
        .env("CARGO_TARGET_DIR", places.kept.join("tools-build")))
}

/// The program that knows the properties and their seeds.
fn seeds(places: &Places) -> std::process::Command {
    let mut seeds = cargo();
    seeds
        .args(["run", "--quiet", "--locked", "--package"])
        .args(["portcullis-properties", "--example", "seeds", "--"])
        .current_dir(&places.root);
    seeds
}

fn targets(places: &Places) -> anyhow::Result<Vec<String>> {
    let printed = output(&mut seeds(places))?;
    Ok(printed.lines().map(str::to_owned).collect())
}

/// One property: its kept seeds, its made ones and what earlier runs came across are where it starts.
fn fuzz_one(places: &Places, target: &str, minutes: u32) -> anyhow::Result<()> {
    let folder = places.kept.join("fuzz").join(target);
    let (corpus, found) = (folder.join("corpus"), folder.join("found"));
    let (made, words) = (folder.join("seeds"), folder.join("words.dict"));
    let kept = places.root.join("fuzz/corpus-seeds").join(target);
    for needed in [&corpus, &found, &kept] {
        fs::create_dir_all(needed).with_context(|| format!("cannot make {}", needed.display()))?;
    }
    run(seeds(places).arg(target).args([&made, &words]))?;
    let program = places.tools().join("bin/cargo-fuzz");
    let mut fuzzing = command(program);
    fuzzing
        .args(["fuzz", "run", "--sanitizer", "none", "--target-dir"])
        .arg(places.kept.join("fuzz/build"))
        .arg(target)
        .args([&corpus, &kept, &made])
        .arg("--")
        .arg(format!("-max_total_time={}", minutes * 60))
        .arg(format!("-timeout={TIMEOUT}"))
        .arg(format!("-rss_limit_mb={MEMORY}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1");
    if fs::metadata(&words).is_ok_and(|words| words.len() > 0) {
        fuzzing.arg(format!("-dict={}", words.display()));
    }
    let outcome = run(fuzzing.current_dir(&places.root));
    // An empty folder of seeds is nothing that the repository wants to keep.
    remove_if_empty(&kept);
    outcome.with_context(|| {
        format!(
            "{target} was broken; the input is in {}. Mend what it shows, and keep it in {}",
            found.display(),
            kept.display()
        )
    })
}

fn remove_if_empty(folder: &Path) {
    // It fails for a folder that holds something, which is what is wanted.
    let _ = fs::remove_dir(folder);
}
