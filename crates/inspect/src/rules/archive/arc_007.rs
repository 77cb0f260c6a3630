//! `ARC-007`: a command of another program is taken, or a plugin loads by itself.

use super::{ArchiveRule, Seen, project, taken_names};
use crate::archive::survey::Survey;
use portcullis_core::inspection::{Observation, Severity};
use portcullis_core::pypi::name::ProjectName;

use crate::archive::survey::installed_scripts;
use crate::python::Context;

/// The rule.
pub(super) struct TakenCommand;

impl ArchiveRule for TakenCommand {
    fn id(&self) -> &'static str {
        "ARC-007"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a command of another program is taken, or a plugin loads by itself"
    }

    fn manual(&self) -> &'static str {
        "An entry point or script has the name of a command that people and programs start \
         without looking, such as `pip`, `python`, `git` or `ssh`; or an entry point is loaded \
         by a tool for everybody who has the package installed, such as pytest.\n\n\
         The environment's `bin` comes first in the path, so that the command is this one from \
         then on.\n\n\
         Mistaken for it: packages that bring the real program. Plugins are information."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let Some(project) = project(survey).filter(|_| survey.is_wheel()) else {
            return;
        };
        let Some((file, _)) = survey
            .document("entry_points.txt")
            .or(survey.document("METADATA"))
        else {
            return;
        };
        for entry in survey.entry_points() {
            let is_command = matches!(&*entry.group, "console_scripts" | "gui_scripts");
            let (name, mark) = (&entry.name, format!("{} {}", entry.group, entry.name));
            let seen = Seen::file(file).in_context(Context::Entry).marked(&mark);
            if is_command && taken_names::is_anothers_command(name, project) {
                let message = format!("the entry point {name} takes the place of a command");
                observations.push(seen.observe(self, severity(project), 90, message));
            } else if AUTOLOADED.contains(&&*entry.group) {
                let message = format!("{} loads {} for everybody", entry.group, entry.target);
                observations.push(seen.observe(self, Severity::Info, 90, message));
            }
        }
        for member in survey.files() {
            let script = installed_scripts(&member.name);
            let Some(name) = script.filter(|name| taken_names::is_anothers_command(name, project))
            else {
                continue;
            };
            let message = format!("the script {name} takes the place of a command");
            let seen = Seen::file(&member.name).in_context(Context::Entry);
            observations.push(seen.observe(self, severity(project), 90, message));
        }
    }
}

/// Groups that a tool loads without being asked to.
const AUTOLOADED: &[&str] = &[
    "pytest11",
    "flake8.extension",
    "setuptools.finalize_distribution_options",
    "distutils.setup_keywords",
    "egg_info.writers",
    "sphinx.builders",
    "pylint.plugins",
    "mkdocs.plugins",
    "jupyter_serverproxy_servers",
];

fn severity(project: &ProjectName) -> Severity {
    match taken_names::is_popular(project) {
        true => Severity::Low,
        false => Severity::High,
    }
}
