//! `ARC-001`: code runs at each start of Python.

use super::{ArchiveRule, Seen, known_files};
use crate::archive::survey::Survey;
use portcullis_core::digest::Sha256;
use portcullis_core::inspection::{Observation, Severity};

use crate::archive::survey::StartupLine;
use crate::python::Context;

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
        for (name, number, line) in survey.startup_lines() {
            let (severity, message) = judge(&line);
            let bytes = survey.documents.get(&name).map(|bytes| Sha256::of(bytes));
            let severity = match known_files::is_startup(bytes, &line) {
                true => Severity::Info,
                false => severity,
            };
            let seen = Seen::file(&name)
                .line(number)
                .in_context(Context::Startup)
                .marked(line.text());
            observations.push(seen.observe(self, severity, 95, message));
        }
    }
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
