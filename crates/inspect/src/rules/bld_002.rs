//! `BLD-002`: a command of `setup.py` is replaced by one that runs, sends or loads.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{commands, is_harmful};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Class, Context, Label, Module, SinkKind};

/// The rule.
pub(super) struct InstallCommand;

impl Rule for InstallCommand {
    fn id(&self) -> &'static str {
        "BLD-002"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "its own install command does more than building"
    }

    fn manual(&self) -> &'static str {
        "`cmdclass` replaces `install`, `develop`, `egg_info`, `build_py` or `sdist`, and what \
         replaces it starts programs, sends, or runs what it decodes.\n\n\
         Installing should copy files. What else runs then runs before anybody has looked.\n\n\
         Mistaken for it: packages that compile or fetch a tool while building. Compilers and \
         build tools are left alone. Installing the wheel instead of the sdist avoids it."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let is_secret = matches!(flow.label, Label::EnvAll | Label::SecretFile);
            if !is_secret || flow.kind != SinkKind::Write || flow.context != Context::Install {
                continue;
            }
            let confidence = Confidence::of(75).in_context(flow.context);
            let message = format!(
                "{} puts {} into what is built",
                analysis.sink(flow).target,
                flow.what
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (Severity::High, confidence),
                message,
            ));
        }
        for module in &analysis.modules {
            for class in module
                .classes
                .iter()
                .filter(|class| replaces_install(class))
            {
                let Some(call) = module
                    .calls
                    .iter()
                    .find(|call| is_harm_in(module, class, call))
                else {
                    continue;
                };
                let context = call.context.max(Context::Install);
                let severity = in_context(Severity::Medium, context);
                let confidence = Confidence::of(80).in_context(context);
                let what = class
                    .commands
                    .first()
                    .map_or("install", |command| &**command);
                let message = format!(
                    "the command {what} is replaced by {}, which calls {}",
                    class.name, call.target
                );
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Commands that only copy files and write down what they copied.
const COPYING: &[&str] = &[
    "install",
    "develop",
    "egg_info",
    "build_py",
    "sdist",
    "bdist_wheel",
    "bdist_egg",
    "install_lib",
    "install_data",
    "install_scripts",
    "easy_install",
    "editable_wheel",
    "dist_info",
];

/// Programs that building needs.
const TOOLS: &[&str] = &[
    "git",
    "cmake",
    "make",
    "ninja",
    "meson",
    "cargo",
    "rustc",
    "gcc",
    "g++",
    "cc",
    "c++",
    "clang",
    "clang++",
    "swig",
    "cython",
    "pkg-config",
    "protoc",
    "msgfmt",
    "npm",
    "yarn",
    "node",
    "autoreconf",
    "./configure",
    "hg",
];

fn replaces_install(class: &Class) -> bool {
    let is_named = class
        .commands
        .iter()
        .any(|command| COPYING.contains(&&**command));
    let derives = class.bases.iter().any(|base| {
        let is_setup = base.starts_with("setuptools.") || base.starts_with("distutils.");
        let last = base.rsplit('.').next().unwrap_or(base);
        is_setup && COPYING.contains(&last)
    });
    is_named || derives
}

/// Whether `call` does harm in a method of `class`, or in a function of the module that only the
/// building runs.
fn is_harm_in(module: &Module, class: &Class, call: &Call) -> bool {
    let in_class = call
        .function
        .strip_prefix(&*class.name)
        .is_some_and(|rest| rest.starts_with('.'));
    let is_called = !call.function.is_empty()
        && is_function_of(module, call)
        && call.context == Context::Install;
    is_harmful(call) && (in_class || is_called) && !is_tool(call)
}

/// Whether `call` stands in a function that no class of the module holds.
fn is_function_of(module: &Module, call: &Call) -> bool {
    let holds = |class: &Class| call.function.starts_with(&format!("{}.", class.name));
    !module.classes.iter().any(holds)
}

fn is_tool(call: &Call) -> bool {
    let lines = commands(call);
    let is_tool = |line: &String| {
        let word = line.split_whitespace().next().unwrap_or_default();
        TOOLS.contains(&word.rsplit('/').next().unwrap_or(word)) || TOOLS.contains(&word)
    };
    call.sink == Some(SinkKind::Command) && !lines.is_empty() && lines.iter().any(is_tool)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn commands_that_do_more_are_seen() {
        for code in [
            "from setuptools import setup\nfrom setuptools.command.install import install\nimport os\nclass I(install):\n    def run(self):\n        install.run(self)\n        os.system('echo inert')\nsetup(name='a', cmdclass={'install': I})".to_owned(),
            "import setuptools, urllib.request as u\nfrom setuptools.command.develop import develop as d\nclass D(d):\n    def run(self):\n        u.urlopen('https://collect.invalid')\nsetuptools.setup(cmdclass=dict(develop=D))".to_owned(),
            "from setuptools import setup\nfrom setuptools.command.egg_info import egg_info\nimport subprocess\ndef go():\n    subprocess.Popen(['echo'])\nclass E(egg_info):\n    def run(self):\n        go()\n        egg_info.run(self)\nkw = {'cmdclass': {'egg_info': E}}\nsetup(**kw)".to_owned(),
        ] {
            found("BLD-002", "setup.py", &code);
        }
    }

    #[test]
    fn builders_are_not() {
        for code in [
            "from setuptools import setup\nfrom setuptools.command.build_py import build_py\nimport subprocess\nclass B(build_py):\n    def run(self):\n        subprocess.check_call(['cmake', '.'])\n        build_py.run(self)\nsetup(cmdclass={'build_py': B})".to_owned(),
            "from setuptools import setup\nfrom setuptools.command.install import install\nclass I(install):\n    def run(self):\n        print('thank you')\n        install.run(self)\nsetup(cmdclass={'install': I})".to_owned(),
            "from setuptools import setup\nsetup(name='a')".to_owned(),
        ] {
            quiet("BLD-002", "setup.py", &code);
        }
    }
}
