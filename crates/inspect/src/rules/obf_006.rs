//! `OBF-006`: the source was made unreadable by a known tool.

use std::collections::BTreeSet;

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::{context_of, is_harmful, line_of, observe_place};
use super::{Rule, in_context};
use crate::python::{Analysis, Call, Module};

/// The rule.
pub(super) struct Packed;

impl Rule for Packed {
    fn id(&self) -> &'static str {
        "OBF-006"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "it was packed by an obfuscator"
    }

    fn manual(&self) -> &'static str {
        "The names in the code are of the kind that obfuscators make (`_0x3fa2`, `IlIlIl`, \
         `____`), or a known packer's run-time is imported.\n\n\
         Open source that cannot be read is neither.\n\n\
         Mistaken for it: commercial packages that are packed on purpose. Decide once whether \
         you trust their maker, and except the project."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let packer = module.imports.iter().find(|import| is_packer(&import.name));
            let (place, message) = match packer {
                Some(import) => (
                    import.place.clone(),
                    format!("{} is the run-time of a packer", import.name),
                ),
                None if has_packed_names(module) => {
                    let line = module.calls.first().map_or(0, |call| call.place.line);
                    (
                        line_of(module, line),
                        "most names are such as obfuscators make".to_owned(),
                    )
                }
                None => continue,
            };
            let context = context_of(module.role);
            let severity = in_context(Severity::Medium, context);
            let confidence = Confidence::of(85).in_context(context);
            observations.push(observe_place(
                self,
                (&place, context, &message),
                (severity, confidence),
                message.clone(),
            ));
        }
    }
}

/// Fewer names say nothing about how names are chosen.
const ENOUGH: usize = 4;

fn is_packer(name: &str) -> bool {
    name.contains("pyarmor") || name.contains("pytransform") || name.contains("sourcedefender")
}

/// Whether at least six of ten names in the calls that matter are such as obfuscators make.
fn has_packed_names(module: &Module) -> bool {
    let packed = |names: &BTreeSet<&str>| names.iter().filter(|name| is_packed(name)).count();
    let names: BTreeSet<&str> = module.calls.iter().flat_map(own_names).collect();
    let made = packed(&names);
    made >= ENOUGH && made * 10 >= names.len() * 6 && module.calls.iter().any(is_harmful)
}

/// The names in the text of `call`, attributes and words inside of literals left out.
fn own_names(call: &Call) -> Vec<&str> {
    let is_part = |each: char| each.is_alphanumeric() || each == '_';
    let outside = call.code.split(['"', '\'']).step_by(2);
    let words = outside.flat_map(move |text| {
        let starts = text.match_indices(is_part).map(|(at, _)| at);
        let starts = starts
            .filter(move |at| !text[..*at].ends_with(|each: char| is_part(each) || each == '.'));
        starts.map(move |at| {
            let end = text[at..]
                .find(|each| !is_part(each))
                .map_or(text.len(), |end| at + end);
            &text[at..end]
        })
    });
    let is_name = |word: &&str| !word.starts_with(|each: char| each.is_ascii_digit());
    words
        .filter(is_name)
        .filter(|word| !EVERYDAY.contains(word))
        .collect()
}

/// Names that Python gives, which say nothing about who chose the others.
const EVERYDAY: &[&str] = &[
    "exec",
    "eval",
    "compile",
    "getattr",
    "__import__",
    "open",
    "str",
    "bytes",
    "int",
    "chr",
    "ord",
    "len",
    "map",
    "lambda",
    "for",
    "in",
    "if",
    "else",
    "not",
    "and",
    "or",
    "range",
    "import",
    "os",
    "base64",
    "zlib",
    "None",
    "b",
    "r",
];

/// Whether `name` is of a kind that only obfuscators make.
fn is_packed(name: &str) -> bool {
    let only = |letters: &str| name.chars().all(|each| letters.contains(each));
    let hexadecimal = name
        .trim_start_matches('_')
        .strip_prefix("0x")
        .is_some_and(|rest| rest.len() >= 3 && rest.chars().all(|each| each.is_ascii_hexdigit()));
    hexadecimal
        || (name.len() >= 5 && (only("Il1_") || only("O0oQ_")))
        || (name.len() >= 3 && only("_"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn packed_code_is_seen() {
        for code in [
            "from pyarmor_runtime_000000 import __pyarmor__\n__pyarmor__(__name__, __file__, b'x')".to_owned(),
            "from pytransform import pyarmor_runtime\npyarmor_runtime()".to_owned(),
            "import os\n_0x3fa1 = 'a'\n_0x3fa2 = 'b'\n_0x3fa3 = str\n_0x3fa4 = 'c'\nos.system(_0x3fa3(_0x3fa1 + _0x3fa2 + _0x3fa4))".to_owned(),
            "def IlIlI(a): return a\nIIIll = 1\nlIlIl = 2\nllllI = input()\nexec(IlIlI(llllI + str(IIIll + lIlIl)))".to_owned(),
        ] {
            found("OBF-006", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn readable_names_are_not() {
        for code in [
            "import os\nname = 'a'\nos.system(name + str(1))".to_owned(),
            "import gettext as _\nx = _.gettext('a')\nexec('x = 1')".to_owned(),
            "def f(_, __, ___): return ___\nf(1, 2, 3)".to_owned(),
        ] {
            quiet("OBF-006", "demo/__init__.py", &code);
        }
    }
}
