//! `PER-003`: packages are published by the code of a package.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{commands, texts};
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Folded, SinkKind};

/// The rule.
pub(super) struct Publishes;

impl Rule for Publishes {
    fn id(&self) -> &'static str {
        "PER-003"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it publishes packages"
    }

    fn manual(&self) -> &'static str {
        "Something is uploaded to a package index, or a tool that publishes is started.\n\n\
         A package that publishes packages with the tokens it finds is a worm.\n\n\
         Mistaken for it: release tools, when a user starts them; there it counts less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis.calls().filter(|call| publishes(call)) {
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!("{} publishes a package", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Commands that publish.
const COMMANDS: &[&str] = &[
    "twine upload",
    "npm publish",
    "yarn publish",
    "pnpm publish",
    "poetry publish",
    "uv publish",
    "flit publish",
    "hatch publish",
    "pdm publish",
    "maturin publish",
    "cargo publish",
    "gem push",
    "setup.py upload",
    "bdist_wheel upload",
    "sdist upload",
];

fn publishes(call: &Call) -> bool {
    match call.sink {
        Some(SinkKind::Publish) => call.target.starts_with("twine."),
        Some(SinkKind::Command) => commands(call)
            .iter()
            .any(|line| COMMANDS.iter().any(|command| line.contains(command))),
        Some(SinkKind::Send) => {
            let texts = texts(call);
            let has_address = texts
                .iter()
                .any(|text| text.contains("://upload.") && text.contains("/legacy"));
            has_address
                || texts.contains(&"file_upload")
                || call.arguments.iter().any(|each| is_upload(&each.value))
        }
        _ => false,
    }
}

/// The form of an upload: `:action` is `file_upload`.
fn is_upload(value: &Folded) -> bool {
    match value {
        Folded::Dict(items) => items
            .iter()
            .any(|(key, _)| *key == Folded::Str(":action".into())),
        Folded::List(values) | Folded::OneOf(values) => values.iter().any(is_upload),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn publishing_is_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['twine', 'upload', 'dist/*'])",
            ),
            (
                "demo/__init__.py",
                "import os\nos.system('cd /tmp/x && npm publish')",
            ),
            (
                "demo/__init__.py",
                "import requests\nrequests.post('https://upload.index.invalid/legacy/', data={':action': 'file_upload'}, files={})",
            ),
            (
                "demo/__init__.py",
                "import sys, subprocess\nsubprocess.check_call([sys.executable, '-m', 'twine', 'upload', '--skip-existing', 'dist/a.whl'])",
            ),
            (
                "demo/__init__.py",
                "from twine.commands.upload import main\nmain(['dist/*'])",
            ),
        ] {
            found("PER-003", path, code);
        }
    }

    #[test]
    fn uploads_of_other_things_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import requests\nrequests.post('https://api.invalid/upload', data={'action': 'photo'})",
            ),
            (
                "demo/__init__.py",
                "import subprocess\nsubprocess.run(['twine', 'check', 'dist/*'])",
            ),
            ("demo/__init__.py", "print('twine upload dist/*')"),
        ] {
            quiet("PER-003", path, code);
        }
    }
}
