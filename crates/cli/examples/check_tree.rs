//! How long `portcullis check` takes on a large repository, beside a bare walk of the same tree that respects
//! `.gitignore` and reads nothing: `check_tree FOLDER PROGRAM [FILES]`. The tree is made where it is not there yet.

#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use ignore::{WalkBuilder, WalkState};

const ROUNDS: usize = 7;
/// Lines of a module, which is about 8 KiB: the middle of what repositories have.
const LINES: usize = 160;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().context("which folder?")?);
    let program = PathBuf::from(arguments.next().context("which program?")?);
    let files = match arguments.next() {
        Some(number) => number.to_string_lossy().parse()?,
        None => 50_000,
    };
    if !folder.exists() {
        make(&folder, files)?;
    }
    let mut walks = Vec::new();
    let mut checks = Vec::new();
    for _ in 0..=ROUNDS {
        let start = Instant::now();
        let seen = walk(&folder);
        walks.push(start.elapsed());
        let start = Instant::now();
        let output = Command::new(&program)
            .args(["check", "--machine", "none"])
            .arg(&folder)
            .output()?;
        checks.push(start.elapsed());
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().last().unwrap_or_default();
        println!("{seen} files walked; {last}");
    }
    // The first round warms the cache of the file system.
    println!("walk  {:?}", median(&mut walks[1..]));
    println!("check {:?}", median(&mut checks[1..]));
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn walk(folder: &Path) -> usize {
    let seen = AtomicUsize::new(0);
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false).require_git(false);
    walk.build_parallel().run(|| {
        Box::new(|entry| {
            let kind = entry.ok().and_then(|entry| entry.file_type());
            let is_file = kind.is_some_and(|kind| kind.is_file());
            seen.fetch_add(usize::from(is_file), Ordering::Relaxed);
            WalkState::Continue
        })
    });
    seen.into_inner()
}

/// Of a hundred files, eighty are Python, one says something about packages, and the rest is something else.
fn make(folder: &Path, files: usize) -> anyhow::Result<()> {
    let module: String = (0..LINES)
        .map(|line| format!("def function_{line}(value): return value + {line}\n"))
        .collect();
    std::fs::create_dir_all(folder.join(".git"))?;
    for number in 0..files {
        let (package, position) = (number / 100, number % 100);
        let below = folder.join(format!("services/group{}/package{package}", package / 20));
        std::fs::create_dir_all(&below)?;
        let (name, text) = match position {
            0 => (
                "requirements.txt".to_owned(),
                "flask==3.1.0\nsix==1.17.0\n".to_owned(),
            ),
            1..=80 => (format!("module_{position}.py"), module.clone()),
            _ => (format!("page_{position}.html"), "<p>text</p>\n".repeat(100)),
        };
        std::fs::write(below.join(name), text)?;
    }
    Ok(())
}
