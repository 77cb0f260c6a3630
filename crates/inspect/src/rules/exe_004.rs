//! `EXE-004`: a code object that is not source runs.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::sent::FAR;
use super::{Rule, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Folded, Label, SinkKind};

/// The rule.
pub(super) struct CodeObjects;

impl Rule for CodeObjects {
    fn id(&self) -> &'static str {
        "EXE-004"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a code object runs that nobody can read"
    }

    fn manual(&self) -> &'static str {
        "Byte code, loaded by `marshal` or built with `types.CodeType`, runs. Where the \
         distribution has the source, nothing needs to be loaded like this.\n\n\
         Byte code hides what it does from readers and from scanners, and cannot be \
         unwrapped here.\n\n\
         Mistaken for it: loaders of compiled modules that a user calls, and bootstrap \
         code of freezers."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            if flow.label != Label::Code || flow.kind != SinkKind::Exec {
                continue;
            }
            let worst = if flow.hops > FAR {
                Severity::Medium
            } else {
                Severity::High
            };
            let severity = in_context(worst, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!(
                "{} runs byte code of {}",
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
        for call in analysis.calls().filter(|call| is_literal_code(call)) {
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(85).in_context(call.context);
            let message = format!("{} makes code of constant bytes", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

/// Whether the call makes a code object of bytes that stand in the source.
fn is_literal_code(call: &Call) -> bool {
    let has_bytes = || {
        call.arguments
            .iter()
            .any(|each| matches!(each.value, Folded::Bytes(_)))
    };
    match &*call.target {
        "types.CodeType" => has_bytes(),
        "marshal.loads" => call
            .arguments
            .first()
            .is_some_and(|each| each.labels.has(Label::Const)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn byte_code_is_seen_however_it_is_loaded() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import marshal\nexec(marshal.loads(b'\\xe3\\x00\\x00'))",
            ),
            (
                "setup.py",
                "from marshal import loads as l\nimport types\ntypes.FunctionType(l(data), globals())()",
            ),
            (
                "demo/__init__.py",
                "import types\nc = types.CodeType(0, 0, 0, 0, 0, 64, b'd\\x00S\\x00', (None,), (), (), '', '', 1, b'')\nexec(c)",
            ),
            (
                "demo/__init__.py",
                "import marshal, sys\nwith open(sys.argv[1], 'rb') as f:\n    exec(marshal.load(f))",
            ),
            (
                "demo.pth",
                "import marshal, zlib; exec(marshal.loads(zlib.decompress(blob)))",
            ),
        ] {
            found("EXE-004", path, code);
        }
    }

    #[test]
    fn writing_and_caching_byte_code_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import marshal\ndef cache(path):\n    with open(path, 'rb') as f:\n        return marshal.load(f)",
            ),
            (
                "demo/__init__.py",
                "def tool(code):\n    return code.co_code",
            ),
            (
                "demo/__init__.py",
                "import marshal\nmarshal.dumps(compile('1', '', 'eval'))",
            ),
        ] {
            quiet("EXE-004", path, code);
        }
    }
}
