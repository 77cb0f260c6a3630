//! `PER-002`: files of other installed packages are written.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::written_paths;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, HOLE, Module};

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
                let Some(path) = written_paths(call)
                    .into_iter()
                    .find(|path| is_foreign(module, call, path))
                else {
                    continue;
                };
                let severity = in_context(Severity::High, call.context);
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
    is_code && (is_below || (is_found && module.calls.iter().any(asks)))
        || path.contains(".__file__")
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
