//! `EXE-001`: decoded data runs as Python.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::beside::{self, BESIDE};
use super::sent::FAR;
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Label, SinkKind};

/// The rule.
pub(super) struct DecodedCode;

impl Rule for DecodedCode {
    fn id(&self) -> &'static str {
        "EXE-001"
    }

    fn severity(&self) -> Severity {
        Severity::Critical
    }

    fn title(&self) -> &'static str {
        "decoded data runs as code"
    }

    fn manual(&self) -> &'static str {
        "Data that was decoded, decompressed or put together from numbers reaches `exec`, `eval`, \
         `compile` or a code object.\n\n\
         People who publish code want it read; code that has to be decoded before it runs does not \
         want to be. Where the decoded part is constant it has been unwrapped and inspected as a \
         further layer, and what was found in it carries the layer's number.\n\n\
         Mistaken for it: programs that carry a compressed copy of another program, such as \
         bootstrap scripts. Compare with the version before, read the layer, and except it by its \
         hash."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            if flow.label != Label::Decoded || flow.kind != SinkKind::Exec {
                continue;
            }
            // Byte code out of a file, as caches of it are read, is what EXE-004 speaks of.
            if &*flow.what == "marshal.load" {
                continue;
            }
            // What is decoded out of the code itself is hidden in it, whoever runs it.
            let first = flow.steps.first().map_or("", |step| &*step.text);
            let is_inside = [" constant ", "stands nowhere", "put together by"]
                .iter()
                .any(|words| first.contains(words));
            let severity = match is_inside {
                _ if flow.hops > FAR => in_context(Severity::Medium, flow.context),
                true => even_if_asked(Severity::Critical, flow.context),
                false => in_context(Severity::Critical, flow.context),
            };
            let confidence = Confidence::of(95).in_context(flow.context);
            let message = format!(
                "{} runs what {} decoded",
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
        let made = analysis.calls().filter(|call| beside::runs_made_up(call));
        for call in beside::decoded_and_run(analysis).chain(made) {
            let is_told = observations
                .iter()
                .any(|seen| seen.rule == self.id() && call.place.file == seen.file);
            if !is_told {
                let severity = in_context(Severity::High, call.context);
                let message = format!(
                    "{} runs what nobody can read before it is put together",
                    call.target
                );
                observations.push(observe_call(self, call, (severity, BESIDE), message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn decoded_code_is_seen_however_it_is_spelled() {
        for code in [
            "import base64\nexec(base64.b64decode('cHJpbnQoMSk='))",
            "import base64 as b, zlib\nd = zlib.decompress(b.b85decode(blob))\nexec(compile(d, '', 'exec'))",
            "e = exec\ne(bytes.fromhex('7072696e742831 29').decode())",
            "getattr(__builtins__, 'ex' + 'ec')(''.join(chr(c) for c in [112, 97, 115, 115]))",
            "import codecs\neval(codecs.decode('cevag(1)', 'rot13'))",
            "import marshal\nexec(marshal.loads(blob))",
            "import marshal, gzip\nexec(marshal.load(gzip.open('data.gz')))",
        ] {
            found("EXE-001", "demo/__init__.py", code);
        }
    }

    #[test]
    fn code_that_is_read_or_written_in_the_open_is_not() {
        for code in [
            "exec(open('_version.py').read())",
            "import base64\nicon = base64.b64decode('aGVsbG8=')",
            "import re\nre.compile(bytes.fromhex('41').decode())",
            "eval('1 + 1')",
            "import marshal, sys\nwith open(sys.argv[1], 'rb') as f:\n    exec(marshal.load(f))",
        ] {
            quiet("EXE-001", "demo/__init__.py", code);
        }
    }
}
