//! `ARC-002`: a module takes the name of another one.

use super::{ArchiveRule, Seen, project, taken_names};
use crate::archive::survey::Survey;
use portcullis_core::inspection::{Observation, Severity};
use portcullis_core::pypi::name::ProjectName;

use crate::archive::survey::site_path;
use crate::python::Context;

/// The rule.
pub(super) struct ShadowedModule;

impl ArchiveRule for ShadowedModule {
    fn id(&self) -> &'static str {
        "ARC-002"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a module takes the name of another one"
    }

    fn manual(&self) -> &'static str {
        "The wheel installs `sitecustomize` or `usercustomize`, which each start of Python \
         imports, or a top-level module with the name of one of the standard library or of \
         another, well-known project.\n\n\
         Whoever imports that name afterwards may get this module instead.\n\n\
         Mistaken for it: backports, and forks that keep the import name. Such projects are \
         usually popular themselves, and there it counts little."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let Some(project) = project(survey) else {
            return;
        };
        // What of an sdist is installed is said by programs; a module at its top mostly is.
        let sure = if survey.is_wheel() { 85 } else { 60 };
        for member in survey.files() {
            let path = match survey.is_wheel() {
                true => site_path(&member.name),
                false => source_path(&member.name),
            };
            let Some(module) = path.and_then(top_level_module) else {
                continue;
            };
            let Some((severity, what, context)) = judge(module, project) else {
                continue;
            };
            let message = format!("the module {module} {what}");
            let seen = Seen::file(&member.name).in_context(context);
            observations.push(seen.observe(self, severity, sure, message));
        }
    }
}

fn judge(module: &str, project: &ProjectName) -> Option<(Severity, &'static str, Context)> {
    if matches!(module, "sitecustomize" | "usercustomize") {
        return Some((
            Severity::High,
            "is imported at each start of Python",
            Context::Startup,
        ));
    }
    let what = match module {
        _ if taken_names::shadowed_stdlib(module, project) => "hides the standard library's",
        _ if taken_names::is_anothers_import(module, project) => {
            "is what another, well-known project is imported as"
        }
        _ => return None,
    };
    let severity = match taken_names::is_popular(project) || matches!(module, "test" | "tests") {
        true => Severity::Info,
        false => Severity::High,
    };
    Some((severity, what, Context::Import))
}

/// The path of a file of an sdist below the folder that its modules stand in.
fn source_path(name: &str) -> Option<&str> {
    let (_, path) = name.split_once('/')?;
    let path = path.strip_prefix("src/").unwrap_or(path);
    (path.ends_with(".py")).then_some(path)
}

/// The module that a file directly in `site-packages`, or an `__init__` one folder below, is.
fn top_level_module(path: &str) -> Option<&str> {
    let (module, file) = match path.split_once('/') {
        None => (path.split('.').next()?, path),
        Some((module, file)) if file.starts_with("__init__.") => (module, file),
        Some(_) => return None,
    };
    let is_module = [".py", ".pyc", ".so", ".pyd"]
        .iter()
        .any(|ending| file.ends_with(ending));
    is_module.then_some(module)
}
