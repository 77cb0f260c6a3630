//! `PER-002`: files of other installed packages are written.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::written_paths;
use super::{Rule, even_if_asked, in_context, observe_call};
use crate::python::{Analysis, Call, Context, HOLE, Module};

/// The rule.
pub(super) struct ForeignPackage;

impl Rule for ForeignPackage {
    fn id(&self) -> &'static str {
        "PER-002"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it writes into other installed packages"
    }

    fn manual(&self) -> &'static str {
        "A file is written below `site-packages`, in the folder of another package, or where \
         the import system found another module.\n\n\
         What is written there runs under somebody else's name and stays when this package is \
         removed. Worms spread like this.\n\n\
         Mistaken for it: managers of plugins and of packages, which a user calls; there it \
         counts less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            for call in &module.calls {
                let mut paths = written_paths(call);
                if paths.is_empty() && &*call.target == "builtins.open().write" {
                    paths.push(String::new());
                }
                let Some(path) = paths
                    .into_iter()
                    .find(|path| is_foreign(module, call, path))
                else {
                    continue;
                };
                // Nobody asks for what is done to every project below the home folder.
                let severity = match path.starts_with('~') {
                    true => even_if_asked(Severity::High, call.context),
                    false => in_context(Severity::High, call.context),
                };
                let confidence = Confidence::of(85).in_context(call.context);
                let message = format!(
                    "{} writes {} among installed packages",
                    call.target,
                    path.replace(HOLE, "…")
                );
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Whether `path` is a module that was found among the installed ones.
fn is_foreign(module: &Module, call: &Call, path: &str) -> bool {
    let is_code = path.ends_with(".py") || path.ends_with(".pyc") || path.ends_with(".so");
    let is_below = ["site-packages/", "dist-packages/"]
        .iter()
        .any(|part| path.contains(part));
    let is_found = path.contains(HOLE) || path.is_empty();
    let asks = |other: &Call| other.function == call.function && finds_packages(&other.target);
    let unasked = call.context.is_unasked();
    // Whatever a list of the installed distributions leads to, or the projects of somebody else.
    let lists = |other: &Call| &*other.target == "importlib.metadata.distributions";
    let is_listed = unasked && is_unknown(path) && module.calls.iter().any(lists);
    let is_home = path.starts_with('~') && !path.starts_with("~/.");
    let is_found_below =
        (is_home || unasked && path.starts_with('/')) && path.contains([HOLE, '*']);
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_project = is_found_below && PROJECTS.iter().any(|part| name.contains(part));
    let is_loaded = matches!(call.context, Context::Import | Context::Startup);
    let is_here = !path.starts_with(['/', '~', '<']);
    is_project
        || is_loaded && is_here && STARTS.contains(&name)
        || is_code && (is_below || (is_found && module.calls.iter().any(asks)))
        || path.contains(".__file__")
        || is_listed
}

/// Files of projects, each of which makes what it says run.
const PROJECTS: &[&str] = &[
    ".py",
    "requirements",
    "package.json",
    "pyproject.toml",
    "setup.cfg",
    "Pipfile",
    ".ipynb",
    "Makefile",
    "Dockerfile",
    ".js",
    ".sh",
];

/// Files of the folder at hand that Python, or its tools, run by themselves.
const STARTS: &[&str] = &[
    "setup.py",
    "conftest.py",
    "sitecustomize.py",
    "usercustomize.py",
    "noxfile.py",
    "manage.py",
];

fn is_unknown(path: &str) -> bool {
    path.chars().all(|each| each == HOLE)
}

fn finds_packages(target: &str) -> bool {
    matches!(
        target,
        "site.getsitepackages"
            | "site.getusersitepackages"
            | "sysconfig.get_path"
            | "sysconfig.get_paths"
            | "distutils.sysconfig.get_python_lib"
            | "importlib.util.find_spec"
            | "importlib.metadata.distributions"
    )
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn writes_into_other_packages_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import site, os\np = os.path.join(site.getsitepackages()[0], 'other', '__init__.py')\nopen(p, 'a').write('import x')",
            ),
            (
                "demo/__init__.py",
                "open('/usr/lib/python3/dist-packages/other/api.py', 'w').write('x')",
            ),
            (
                "demo/__init__.py",
                "import sysconfig, shutil, os\nshutil.copy('x.py', os.path.join(sysconfig.get_paths()['purelib'], 'other/x.py'))",
            ),
            (
                "demo/__init__.py",
                "import site\nfrom pathlib import Path\n(Path(site.getusersitepackages()) / 'other' / 'a.py').write_text('x')",
            ),
        ] {
            found("PER-002", path, code);
        }
    }

    #[test]
    fn ones_own_files_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "open('demo/_version.py', 'w').write('1')",
            ),
            (
                "demo/__init__.py",
                "import site\nprint(site.getsitepackages())",
            ),
            (
                "demo/__init__.py",
                "import os\nopen(os.path.join(os.path.dirname(__file__), 'cache.json'), 'w').write('{}')",
            ),
        ] {
            quiet("PER-002", path, code);
        }
    }
}
