//! `EXE-003`: code that is kept in a data file runs.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, source_call};
use super::{Rule, in_context, observe_flow};
use crate::python::{Analysis, Context, Flow, Label, SinkKind};

/// The rule.
pub(super) struct CodeInData;

impl Rule for CodeInData {
    fn id(&self) -> &'static str {
        "EXE-003"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "code kept in a data file of the distribution runs"
    }

    fn manual(&self) -> &'static str {
        "A file of the distribution that is not Python, such as a picture, a sound or a \
         licence, is read and run, often after decoding.\n\n\
         Nobody reads a picture as code, and most scanners do not either: that is why it \
         is there.\n\n\
         Mistaken for it: `setup.py` that runs a file called VERSION or about; that \
         counts less."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            if flow.label != Label::OwnFile || !runs(analysis, flow) {
                continue;
            }
            let worst = match () {
                () if flow.beside.has(Label::Decoded) || flow.beside.has(Label::Decrypted) => {
                    Severity::High
                }
                () if is_plain(analysis, flow) || flow.hops > FAR => Severity::Low,
                // Where a build runs, its files are; where a module is imported, anything may be.
                () if is_elsewhere(flow) => Severity::Medium,
                () => Severity::High,
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} runs what is kept in {}",
                analysis.sink(flow).target,
                flow.what
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
    }
}

/// Whether the path is only that of a file in whatever folder somebody is in.
fn is_elsewhere(flow: &Flow) -> bool {
    let is_bare = !flow.what.contains(['<', '/', '.']);
    is_bare && flow.context != Context::Install
}

fn runs(analysis: &Analysis, flow: &Flow) -> bool {
    let target = &*analysis.sink(flow).target;
    flow.kind == SinkKind::Exec
        || target.starts_with("marshal.") && flow.kind == SinkKind::Deserialise
}

/// A Python file by another way, or a file that by custom holds a version.
fn is_plain(analysis: &Analysis, flow: &Flow) -> bool {
    let call = source_call(analysis, flow);
    let mut names: Vec<&str> = call.map(super::sent::texts).unwrap_or_default();
    names.push(&flow.what);
    names.iter().any(|name| {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        [".py", ".py.in", ".ipy"]
            .iter()
            .any(|ending| name.ends_with(ending))
            || ["version", "about", "metadata", "release", "__pkginfo__"]
                .iter()
                .any(|word| name.contains(word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn code_in_pictures_sounds_and_licences_is_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import os\nexec(open(os.path.join(os.path.dirname(__file__), 'logo.png'), 'rb').read()[128:])",
            ),
            (
                "demo/__init__.py",
                "import pkgutil\nd = pkgutil.get_data('demo', 'LICENSE')\nexec(bytes(b ^ 7 for b in d))",
            ),
            (
                "setup.py",
                "import base64\nfrom pathlib import Path\nx = Path(__file__).parent / 'data' / 'ring.wav'\neval(base64.b64decode(x.read_bytes()))",
            ),
            (
                "demo/__init__.py",
                "import wave, os\nw = wave.open(os.path.join(os.path.dirname(__file__), 'ring.wav'))\nexec(w.readframes(w.getnframes()))",
            ),
        ] {
            found("EXE-003", path, code);
        }
    }

    #[test]
    fn version_files_and_data_are_not() {
        for (path, code) in [
            ("setup.py", "exec(open('demo/_version.py').read())"),
            ("setup.py", "ns = {}\nexec(open('VERSION').read(), ns)"),
            (
                "demo/__init__.py",
                "import pkgutil\nexec(pkgutil.get_data('demo', 'template.py'))",
            ),
            (
                "demo/__init__.py",
                "import os\nlogo = open(os.path.join(os.path.dirname(__file__), 'logo.png'), 'rb').read()",
            ),
            (
                "demo/__init__.py",
                "def run(name='<stdin>'):\n    eval(open(name).read())\nrun()",
            ),
        ] {
            quiet("EXE-003", path, code);
        }
    }
}
