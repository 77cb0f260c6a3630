//! `PRC-006`: packages are installed by a package.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::observe_place;
use super::sent::{command_lines, host_of, is_foreign, spaced, texts};
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, HOLE, Patch, Role, SinkKind};

/// The rule.
pub(super) struct InstallsPackages;

impl Rule for InstallsPackages {
    fn id(&self) -> &'static str {
        "PRC-006"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "packages are installed without being asked for"
    }

    fn manual(&self) -> &'static str {
        "Code that runs on installation, on import or at the start of the interpreter \
         starts an installer of packages, or one is told of an index of its own.\n\n\
         What is installed so is in no list of dependencies: nobody resolves, checks or \
         locks it, and this gateway may never be asked.\n\n\
         Mistaken for it: notebooks' conveniences, and old `setup.py` files that install \
         what they need to build."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis.calls() {
            let lines = match call.sink {
                Some(SinkKind::Publish) => vec![format!("pip {}", texts(call).join(" "))],
                _ if &*call.target == "runpy.run_module" && texts(call).contains(&"pip") => {
                    vec!["pip install".to_owned()]
                }
                _ => command_lines(call),
            };
            let Some(worst) = lines.iter().filter_map(|line| worst(line, call)).max() else {
                continue;
            };
            let severity = in_context(worst, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!("{} installs packages", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
        let installs = analysis
            .modules
            .iter()
            .filter(|module| module.role == Role::Install);
        let literals = installs.flat_map(|module| &module.literals);
        for literal in literals.filter(|literal| is_direct(&literal.text)) {
            let severity = in_context(Severity::High, literal.context);
            let confidence = Confidence::of(70).in_context(literal.context);
            let message = "a requirement is taken from an address".to_owned();
            observations.push(observe_place(
                self,
                (&literal.place, literal.context, &literal.text),
                (severity, confidence),
                message,
            ));
        }
        let patches = analysis.modules.iter().flat_map(|module| &module.patches);
        for patch in patches.filter(|patch| leads_elsewhere(patch)) {
            let severity = in_context(Severity::High, patch.context);
            let confidence = Confidence::of(90).in_context(patch.context);
            let message = format!("{} leads installers elsewhere", patch.target);
            observations.push(observe_place(
                self,
                (&patch.place, patch.context, &patch.code),
                (severity, confidence),
                message,
            ));
        }
    }
}

/// Variables that lead installers elsewhere.
const VARIABLES: &[&str] = &[
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_TRUSTED_HOST",
    "UV_INDEX_URL",
    "UV_EXTRA_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "NPM_CONFIG_REGISTRY",
];

/// Whether the patch tells installers to take packages from an address of the author's.
fn leads_elsewhere(patch: &Patch) -> bool {
    let variable = patch.target.strip_prefix("os.environ.").unwrap_or_default();
    let hosts = patch.value.texts();
    VARIABLES.contains(&variable)
        && hosts
            .iter()
            .any(|text| host_of(text).is_some_and(is_foreign))
}

/// Whether the text is a requirement with an address (PEP 508) that is not encrypted, or not known before
/// the build runs.
fn is_direct(text: &str) -> bool {
    let Some((_, address)) = text.split_once(" @ ") else {
        return false;
    };
    let is_plain = address.starts_with("http://") || address.starts_with("git+http://");
    let host = host_of(address.trim_start_matches("git+"));
    is_plain || host.is_some_and(|host| host.contains(HOLE))
}

const INSTALLERS: &[&str] = &[
    " pip install ",
    " pip3 install ",
    " easy_install ",
    " uv add ",
    " pipx install ",
    " conda install ",
    " npm install -g ",
    " pip.main install ",
    " ensurepip ",
];
/// Options that lead an installer elsewhere.
const ELSEWHERE: &[&str] = &[
    "--index-url",
    "--extra-index-url",
    " -i http",
    "http://",
    "--trusted-host",
    "git+http",
    "--find-links",
];

fn worst(line: &str, call: &Call) -> Option<Severity> {
    let mut line = spaced(line);
    for version in ["pip3.", "pip2."] {
        line = line.replace(version, "pip .");
    }
    // `python -m pip --quiet install`: options may stand between.
    let words: Vec<&str> = line
        .split(' ')
        .filter(|word| !word.starts_with('-') || word.len() < 2)
        .collect();
    let plain = format!(" {} ", words.join(" "));
    let installs = INSTALLERS
        .iter()
        .any(|name| line.contains(name) || plain.contains(&name.replace('/', "")))
        || plain.contains("/pip install ");
    if !installs {
        return None;
    }
    let is_elsewhere = ELSEWHERE.iter().any(|option| line.contains(option));
    if !is_elsewhere && is_own(&words) {
        return Some(Severity::Medium);
    }
    // What a user calls is told to go elsewhere by its author, not by the user.
    match call.context.is_unasked() || is_elsewhere {
        true => Some(Severity::High),
        // Programs that are started to install something are not worth a word.
        false => Some(Severity::Low),
    }
}

/// Whether what is installed is the very folder the installer is started in.
fn is_own(words: &[&str]) -> bool {
    let mut what = words
        .iter()
        .skip_while(|word| **word != "install")
        .skip(1)
        .filter(|word| !word.is_empty())
        .peekable();
    what.peek().is_some() && what.all(|word| matches!(*word, "." | "./") || word.starts_with(".["))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, observations, quiet};
    use super::Severity;

    #[test]
    fn installers_are_seen_however_they_are_started() {
        for (path, code) in [
            (
                "setup.py",
                "import os\nos.system('pip install demo-helper')",
            ),
            (
                "demo/__init__.py",
                "import subprocess, sys\nsubprocess.check_call([sys.executable, '-m', 'pip', 'install', '--quiet', 'demo-helper'])",
            ),
            (
                "demo/__init__.py",
                "import pip\npip.main(['install', 'demo-helper'])",
            ),
            (
                "demo.pth",
                "from pip._internal import main as m; m(['install', '--index-url', 'http://index.invalid/', 'demo-helper'])",
            ),
            (
                "demo/__init__.py",
                "import subprocess\ndef need(n):\n    subprocess.run(f'pip3 --disable-pip-version-check install {n}', shell=True)\nneed('demo-helper')",
            ),
            (
                "setup.py",
                "import os\nos.system('easy_install demo-helper')",
            ),
        ] {
            found("PRC-006", path, code);
        }
    }

    #[test]
    fn a_package_that_installs_itself_is_worth_a_word_and_no_more() {
        for (command, severity) in [
            ("pip install .", Severity::Medium),
            ("pip install -e .[dev]", Severity::Medium),
            ("pip install . demo-helper", Severity::High),
            ("pip install", Severity::High),
            (
                "pip install --extra-index-url http://index.invalid/ .",
                Severity::High,
            ),
        ] {
            let code = format!("import os\nos.system('{command}')");
            let all = observations("PRC-006", "setup.py", &code);
            let worst = all.iter().map(|each| each.severity).max();
            assert_eq!(worst, Some(severity), "{command}: {all:?}");
        }
    }

    #[test]
    fn advice_and_what_is_asked_for_is_not() {
        for (path, code) in [
            ("demo/__init__.py", "print('pip install demo[extra]')"),
            (
                "demo/__init__.py",
                "import subprocess, sys\ndef install(n):\n    subprocess.run([sys.executable, '-m', 'pip', 'install', n])",
            ),
            (
                "demo/__init__.py",
                "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', '--version'])",
            ),
            ("demo/__init__.py", "raise_text = 'run pip install demo'"),
            (
                "demo/update.py",
                "import subprocess\ndef keep(f):\n    def inner():\n        return f()\n    return inner\n@keep\ndef update():\n    subprocess.call(['pip', 'install', '-U', 'demo'])",
            ),
        ] {
            quiet("PRC-006", path, code);
        }
    }
}
