//! `EXE-007`: imports, decoding and running in one expression.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::{Rule, in_context, observe_call};
use crate::python::Analysis;

/// The rule.
pub(super) struct ImportChains;

impl Rule for ImportChains {
    fn id(&self) -> &'static str {
        "EXE-007"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "imports and decoding are nested in one expression"
    }

    fn manual(&self) -> &'static str {
        "One expression imports modules by `__import__`, decodes with them and goes on \
         with what came out, several layers deep.\n\n\
         It is the signature of public obfuscators: nobody writes it by hand, and it is \
         only ever there to hide.\n\n\
         Mistaken for it: puzzles and tests of obfuscators."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let mut seen = 0;
            for call in module.calls.iter().filter(|call| is_chain(&call.code)) {
                if seen == call.place.line {
                    continue;
                }
                seen = call.place.line;
                let severity = in_context(Severity::High, call.context);
                let confidence = Confidence::of(90).in_context(call.context);
                let message = "imports and decoding are nested in one expression".to_owned();
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

const IMPORTS: &[&str] = &["__import__(", "import_module(", "__import__ ("];
const LOOKUPS: &[&str] = &[
    "getattr(",
    "globals()[",
    "__builtins__",
    "lambda",
    "vars()[",
];
const DECODERS: &[&str] = &[
    "b64decode",
    "b85decode",
    "b32decode",
    "b16decode",
    "a85decode",
    "decompress",
    "unhexlify",
    "fromhex",
    "loads",
    ".decode(",
    "[::-1]",
    "chr(",
];

/// Three layers at least, two of them imports, or one import among three ways to look a name up, and
/// something that decodes.
fn is_chain(code: &str) -> bool {
    let count =
        |words: &[&str]| -> usize { words.iter().map(|word| code.matches(word).count()).sum() };
    let (imports, lookups, decoders) = (count(IMPORTS), count(LOOKUPS), count(DECODERS));
    let is_nested = imports >= 2 || imports >= 1 && lookups >= 2;
    is_nested && decoders >= 1 && imports + lookups + decoders >= 3
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn nested_imports_are_seen_however_deep() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "_ = lambda __ : __import__('zlib').decompress(__import__('base64').b64decode(__[::-1]))\nexec((_)(b'abc'))",
            ),
            (
                "setup.py",
                "__import__('builtins').exec(__import__('zlib').decompress(__import__('base64').b64decode(b'eJw=')))",
            ),
            (
                "demo/__init__.py",
                "import importlib as i\ni.import_module('os').system(i.import_module('base64').b64decode('aWQ=').decode())",
            ),
            (
                "demo/__init__.py",
                "getattr(__import__('os'), getattr(__import__('base64'), 'b64decode')('c3lzdGVt').decode())('id')",
            ),
        ] {
            found("EXE-007", path, code);
        }
    }

    #[test]
    fn single_imports_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "__import__('pkg_resources').declare_namespace(__name__)",
            ),
            (
                "demo/__init__.py",
                "import importlib\nmodule = importlib.import_module('.a', __package__)",
            ),
            (
                "demo/__init__.py",
                "import base64, zlib\nx = zlib.decompress(base64.b64decode(text))",
            ),
        ] {
            quiet("EXE-007", path, code);
        }
    }
}
