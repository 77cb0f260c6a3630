//! `PER-003`: packages are published by the code of a package.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{commands, texts, written_paths};
use super::sent::FAR;
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Argument, Call, Flow, Folded, Label, SinkKind};

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
         Mistaken for it: release tools, when a user starts them; there it counts less. So \
         does an old `setup.py` that publishes the package it stands in and no other."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis.calls() {
            let Some(worst) = worst(call) else {
                continue;
            };
            let severity = in_context(worst, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!("{} publishes a package", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
        for flow in analysis.flows.iter().filter(|flow| spreads(analysis, flow)) {
            let severity = in_context(Severity::High, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} spreads the package's own code",
                analysis.sink(flow).target
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for call in analysis.calls().filter(|call| copies_itself(call)) {
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!("{} copies the package's own code elsewhere", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether the distribution's own code leaves, or is copied to where the user's files are, without being
/// asked for.
fn spreads(analysis: &Analysis, flow: &Flow) -> bool {
    let is_code = flow.what.starts_with("<here>") && flow.what.ends_with(".py");
    let near = flow.context.is_unasked() && flow.hops <= FAR;
    let is_far = |path: &String| path.starts_with(['~', '/']) && !path.starts_with("/tmp");
    flow.label == Label::File
        && is_code
        && near
        && match flow.kind {
            SinkKind::Send => true,
            SinkKind::Write => written_paths(analysis.sink(flow)).iter().any(is_far),
            _ => false,
        }
}

/// Whether `call` copies the distribution's own code to where the user's files are.
fn copies_itself(call: &Call) -> bool {
    let is_own =
        |text: &&str| text.starts_with("<here>") && (text.ends_with(".py") || *text == "<here>");
    let first = call.argument(0, "src").map(|each| each.value.texts());
    let is_far = |path: &String| path.starts_with(['~', '/']) && !path.starts_with("/tmp");
    call.context.is_unasked()
        && call.target.starts_with("shutil.")
        && first.is_some_and(|texts| texts.iter().any(is_own))
        && written_paths(call).iter().any(is_far)
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
];

/// What a `setup.py` is told to publish the very package that it stands in, as was once the custom.
const OWN: &[&str] = &["setup.py upload", "bdist_wheel upload", "sdist upload"];

/// How bad what `call` publishes is at its worst.
fn worst(call: &Call) -> Option<Severity> {
    let lines = commands(call);
    let is_custom = lines
        .iter()
        .any(|line| OWN.iter().any(|command| line.contains(command)));
    if !is_custom && !publishes(call) {
        return None;
    }
    // `setup.py publish`: whoever types it wants it.
    let is_asked_for = call.guards.iter().any(|guard| &**guard == "sys.argv");
    let is_command = call.sink == Some(SinkKind::Command);
    let is_elsewhere =
        lines.iter().any(|line| line.contains("cd ")) || call.arguments.iter().any(names_folder);
    match is_command && (is_custom || is_asked_for) && !is_elsewhere {
        true => Some(Severity::Medium),
        false => Some(Severity::High),
    }
}

/// Whether the argument says in which folder a command runs.
fn names_folder(argument: &Argument) -> bool {
    matches!(&*argument.keyword, "cwd" | "**")
}

fn publishes(call: &Call) -> bool {
    match call.sink {
        Some(SinkKind::Publish) => call.target.starts_with("twine."),
        Some(SinkKind::Command) => commands(call).iter().any(|line| {
            let pushes = call.context.is_unasked()
                && line.starts_with("git")
                && line.split_whitespace().any(|word| word == "push");
            pushes || COMMANDS.iter().any(|command| line.contains(command))
        }),
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
    use super::super::testing::{found, observations, quiet};
    use super::Severity;

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
    fn publishing_itself_is_worth_a_word_and_no_more() {
        for (code, severity) in [
            (
                "import os, sys\nif sys.argv[-1] == 'publish':\n    os.system('python setup.py sdist upload')",
                Severity::Medium,
            ),
            (
                "import os\nos.system('cd ../other && python setup.py sdist upload')",
                Severity::High,
            ),
            (
                "import subprocess\nfor d in found:\n    subprocess.run(['python', 'setup.py', 'bdist_wheel', 'upload'], cwd=d)",
                Severity::High,
            ),
            (
                "import subprocess\nsubprocess.run('python setup.py sdist upload', **options)",
                Severity::High,
            ),
            (
                "import os, sys\nif sys.argv[-1] == 'publish':\n    os.system('twine upload dist/*')",
                Severity::Medium,
            ),
            (
                "import os\nos.chdir(d)\nos.system('twine upload dist/*')",
                Severity::High,
            ),
            (
                "import sys\nfrom twine.commands.upload import main\nif 'install' in sys.argv:\n    main([found])",
                Severity::High,
            ),
        ] {
            let all = observations("PER-003", "setup.py", code);
            let worst = all.iter().map(|each| each.severity).max();
            assert_eq!(worst, Some(severity), "{code}");
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
