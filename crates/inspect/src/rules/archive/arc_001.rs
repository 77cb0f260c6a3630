//! `ARC-001`: code runs at each start of Python.

use std::collections::{BTreeMap, BTreeSet};

use super::{ArchiveRule, Seen, known_files};
use crate::archive::survey::{Survey, site_path};
use portcullis_core::inspection::{Observation, Severity};

use crate::archive::survey::StartupLine;
use crate::python::Context;

/// So many lines of one severity are told, and no more: a list may have a million.
const MOST_OF_EACH: usize = 100;

/// The rule.
pub(super) struct StartupCode;

impl ArchiveRule for StartupCode {
    fn id(&self) -> &'static str {
        "ARC-001"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "code runs at each start of Python"
    }

    fn manual(&self) -> &'static str {
        "A `.pth` file directly in `site-packages` has a line that starts with `import`: Python \
         runs it at each start, whether or not anybody imports the package. A `.start` file \
         names functions that are called then.\n\n\
         This is how compromised releases of popular projects stole credentials: it runs in \
         every environment, from the first `pip` or `pytest` on.\n\n\
         Mistaken for it: namespace packages of old tools, coverage measurement, and editable \
         installs; the usual files of these are known by their contents. The line itself is \
         inspected as Python."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let digests = survey.startup_digests();
        let own = own_modules(survey);
        let mut told: BTreeMap<Severity, usize> = BTreeMap::new();
        for (name, number, line) in survey.startup_lines() {
            let (severity, message) = match line.text() {
                text if calls_only_its_own(text, &own) => (
                    Severity::Medium,
                    "each start of Python calls a function of the package".to_owned(),
                ),
                _ => judge(&line),
            };
            let severity = match known_files::is_startup(digests.get(&name).copied(), &line) {
                true => Severity::Info,
                false => severity,
            };
            let told = told.entry(severity).or_default();
            *told += 1;
            if *told > MOST_OF_EACH {
                continue;
            }
            let seen = Seen::file(&name)
                .line(number)
                .in_context(Context::Startup)
                .marked(line.text());
            observations.push(seen.observe(self, severity, 95, message));
        }
    }
}

/// Names under which the distribution's own modules are imported.
fn own_modules(survey: &Survey) -> BTreeSet<String> {
    let paths = survey
        .members
        .iter()
        .filter_map(|member| site_path(&member.name));
    let sources = paths.filter(|path| path.ends_with(".py"));
    let names = sources.map(|path| path.split('/').next().unwrap_or(path));
    names
        .map(|name| name.trim_end_matches(".py").to_owned())
        .collect()
}

/// A line is not longer than this when all it does is to call a function.
const LONGEST: usize = 300;
/// What a line may ask of the environment before it calls something of its own.
const QUESTIONS: &[&str] = &["os.environ.get", "os.getenv"];
/// Words that a line has no use for that only calls a function of its own package.
const TELLING: &[&str] = &[
    "exec",
    "eval",
    "compile",
    "open",
    "getattr",
    "lambda",
    "globals",
    "subprocess",
    "socket",
    "urllib",
    "base64",
    "ctypes",
    "marshal",
    "zlib",
    "codecs",
    "chr",
    "system",
    "popen",
    "sys.path",
    "http",
];

/// Whether everything that the line calls is the distribution's own, which is followed with the rest of
/// its code.
fn calls_only_its_own(line: &str, own: &BTreeSet<String>) -> bool {
    if line.len() > LONGEST || !line.contains('(') || TELLING.iter().any(|word| line.contains(word))
    {
        return false;
    }
    let mut line = line.to_owned();
    for name in own {
        for quote in ['"', '\''] {
            line = line.replace(&format!("__import__({quote}{name}{quote})"), name);
        }
    }
    let is_part = |each: char| each.is_alphanumeric() || matches!(each, '_' | '.');
    line.match_indices('(').all(|(at, _)| {
        let before = &line[..at];
        let start = before.rfind(|each| !is_part(each)).map_or(0, |end| end + 1);
        let called = before.get(start..).unwrap_or_default();
        let root = called.split('.').next().unwrap_or(called);
        called.is_empty() && !before.trim_end().ends_with([')', ']'])
            || QUESTIONS.contains(&called)
            || own.contains(root)
    })
}

fn judge(line: &StartupLine) -> (Severity, String) {
    match line {
        StartupLine::Code(code) if code.contains('(') => (
            Severity::Critical,
            "each start of Python runs code that calls something".to_owned(),
        ),
        StartupLine::Code(_) => (
            Severity::Medium,
            "each start of Python imports a module".to_owned(),
        ),
        StartupLine::Call(target) => {
            let target: String = target
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect();
            (
                Severity::High,
                format!("each start of Python calls {target}"),
            )
        }
        StartupLine::Folder(path) if path.starts_with(['/', '\\']) || path.contains("..") => (
            Severity::Medium,
            "modules are looked for outside site-packages".to_owned(),
        ),
        StartupLine::Folder(_) => (
            Severity::Info,
            "modules are looked for in a folder of the package".to_owned(),
        ),
    }
}
