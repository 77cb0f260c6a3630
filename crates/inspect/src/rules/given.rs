//! What a command does with a file that it is given: whether the file is what starts, or only what a
//! program that is known is given to work on.

use std::path::Path;

use super::sent::{command_lines, program};
use crate::python::{Analysis, Call};

/// Programs that start nothing of what they are given.
const KEEPERS: &[&str] = &["git", "hg", "svn", "gh", "tar", "unzip", "gzip"];
/// Modules that run what they are given, or put it where it runs.
const RUNNERS: &[&str] = &[
    "pip",
    "runpy",
    "pdb",
    "trace",
    "cProfile",
    "profile",
    "ensurepip",
    "easy_install",
];

/// Whether whatever `call` is given is no program to it: each of its command lines starts one that
/// keeps files, or Python of the distribution's own.
pub(super) fn is_worked_on(analysis: &Analysis, call: &Call) -> bool {
    let lines = command_lines(call);
    !lines.is_empty() && lines.iter().all(|line| works_on(analysis, line))
}

fn works_on(analysis: &Analysis, line: &str) -> bool {
    if line.contains([';', '|', '&', '\n', '`', '$']) {
        return false;
    }
    let name = program(line);
    if !matches!(&*name, "sys.executable" | "python" | "python3") {
        return KEEPERS.contains(&name.as_str());
    }
    let mut words = line.split_whitespace().skip(1);
    let modules = || analysis.modules.iter().filter(|module| module.layer == 0);
    match words.next() {
        Some("-m") => words.next().is_some_and(|asked| {
            let stem = asked.replace('.', "/");
            let paths = [format!("{stem}.py"), format!("{stem}/__main__.py")];
            let is_own = modules().any(|module| {
                let path = Path::new(&*module.path);
                paths.iter().any(|own| path.ends_with(own))
            });
            is_own && !RUNNERS.contains(&asked)
        }),
        Some(script) => script.strip_prefix("<here>/").is_some_and(|script| {
            modules().any(|module| Path::new(&*module.path).ends_with(script))
        }),
        None => false,
    }
}
