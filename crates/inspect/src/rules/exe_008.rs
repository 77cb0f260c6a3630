//! `EXE-008`: machine code is put into memory and run.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Label, Labels};

/// The rule.
pub(super) struct MachineCode;

impl Rule for MachineCode {
    fn id(&self) -> &'static str {
        "EXE-008"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn title(&self) -> &'static str {
        "machine code is put into memory and run"
    }

    fn manual(&self) -> &'static str {
        "Memory that may be run is asked for by `ctypes` or `mmap`, something is copied \
         there, and it is called. Where the bytes were decoded or came from the network \
         it counts more.\n\n\
         It is how shellcode is loaded. A package with native code of its own ships it as \
         an extension module.\n\n\
         Mistaken for it: compilers that work while the program runs."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            let Some(asked) = module.calls.iter().find(|call| asks_for_memory(call)) else {
                continue;
            };
            let Some(filled) = module.calls.iter().find(|call| fills(call) || runs(call)) else {
                continue;
            };
            let is_hidden = module
                .calls
                .iter()
                .any(|call| fills(call) && call.labels.meets(HIDDEN));
            let is_started = module.calls.iter().any(runs);
            let context = asked.context.max(filled.context);
            let severity = in_context(Severity::High, context);
            let sure = match is_hidden || is_started {
                true => 90,
                false => 80,
            };
            let confidence = Confidence::of(sure).in_context(context);
            let message = format!(
                "{} and {} put machine code into memory",
                asked.target, filled.target
            );
            let mut observation = observe_call(self, asked, (severity, confidence), message);
            observation.context = context;
            observation.chain.push(crate::python::Step {
                place: filled.place.clone(),
                text: filled.code.to_string(),
            });
            observations.push(observation);
        }
    }
}

const HIDDEN: Labels = Labels::of(&[Label::Decoded, Label::Net, Label::Decrypted, Label::OwnFile]);

fn last(call: &Call) -> &str {
    call.target.rsplit('.').next().unwrap_or_default()
}

/// Whether the call asks for memory that may be run.
fn asks_for_memory(call: &Call) -> bool {
    let is_native = call.target.starts_with("ctypes");
    let name = last(call);
    let asks = matches!(
        name,
        "VirtualAlloc"
            | "VirtualProtect"
            | "NtAllocateVirtualMemory"
            | "HeapCreate"
            | "mprotect"
            | "valloc"
    );
    is_native && asks || call.target.starts_with("mmap.mmap") && call.code.contains("PROT_EXEC")
}

fn fills(call: &Call) -> bool {
    matches!(
        last(call),
        "memmove" | "RtlMoveMemory" | "RtlCopyMemory" | "memcpy"
    ) || &*call.target == "mmap.mmap().write"
}

fn runs(call: &Call) -> bool {
    let name = last(call);
    matches!(name, "CreateThread" | "EnumSystemLocalesA" | "CreateFiber")
        || call.target.starts_with("ctypes.CFUNCTYPE()")
        || call.target.starts_with("ctypes.WINFUNCTYPE()")
        || &*call.target == "ctypes.cast" && call.code.contains("FUNCTYPE")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn machine_code_is_seen_however_it_is_loaded() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import ctypes\nk = ctypes.windll.kernel32\np = k.VirtualAlloc(0, 9, 0x3000, 0x40)\nk.RtlMoveMemory(p, b'\\x90\\x90', 2)\nk.CreateThread(0, 0, p, 0, 0, 0)",
            ),
            (
                "setup.py",
                "import mmap, ctypes\nm = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)\nm.write(b'\\x90\\xc3')\nctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_int.from_buffer(m)))()",
            ),
            (
                "demo/__init__.py",
                "from ctypes import CDLL, memmove\nlibc = CDLL(None)\nlibc.mprotect(a, 4096, 7)\nmemmove(a, bytes.fromhex('90c3'), 2)",
            ),
        ] {
            found("EXE-008", path, code);
        }
    }

    #[test]
    fn memory_that_is_only_memory_is_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import mmap\nm = mmap.mmap(-1, 4096)\nm.write(b'a')",
            ),
            ("demo/__init__.py", "import ctypes\nctypes.memmove(a, b, 4)"),
            (
                "demo/__init__.py",
                "import ctypes\ndef compile_():\n    k = ctypes.windll.kernel32\n    p = k.VirtualAlloc(0, 9, 0x3000, 0x40)\n    k.RtlMoveMemory(p, b'x', 1)",
            ),
        ] {
            quiet("EXE-008", path, code);
        }
    }
}
