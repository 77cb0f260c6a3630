//! `PRC-009`: code is put into another process.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::written_paths;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Folded};

/// The rule.
pub(super) struct Injection;

impl Rule for Injection {
    fn id(&self) -> &'static str {
        "PRC-009"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "code is put into another process"
    }

    fn manual(&self) -> &'static str {
        "The interfaces that write into another process and start a thread there are \
         called: `WriteProcessMemory`, `CreateRemoteThread`, `NtCreateThreadEx`, \
         `QueueUserAPC`, `ptrace` with a poke.\n\n\
         It makes a harmless program do the work of another, and gets past what watches \
         programs.\n\n\
         Mistaken for it: debuggers and profilers, which do it in what a user calls."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis.calls().filter(|call| injects(call)) {
            let severity = in_context(Severity::High, call.context);
            let confidence = Confidence::of(90).in_context(call.context);
            let message = format!("{} puts code into another process", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

const INTERFACES: &[&str] = &[
    "WriteProcessMemory",
    "CreateRemoteThread",
    "CreateRemoteThreadEx",
    "NtCreateThreadEx",
    "RtlCreateUserThread",
    "NtWriteVirtualMemory",
    "ZwWriteVirtualMemory",
    "QueueUserAPC",
    "NtQueueApcThread",
    "SetThreadContext",
    "NtMapViewOfSection",
    "NtUnmapViewOfSection",
    "process_vm_writev",
    "VirtualAllocEx",
];
/// `PTRACE_POKETEXT`, `PTRACE_POKEDATA`, `PTRACE_POKEUSER`, `PTRACE_SETREGS`.
const POKES: &[i64] = &[4, 5, 6, 13];

fn injects(call: &Call) -> bool {
    let name = call.target.rsplit('.').next().unwrap_or_default();
    let is_native = ["ctypes", "win32", "?."]
        .iter()
        .any(|start| call.target.starts_with(start));
    let first = call.arguments.first().map(|each| &each.value);
    let asks_poke =
        |value: &Folded| matches!(value, Folded::Int(request) if POKES.contains(request));
    let pokes = name == "ptrace"
        && match first {
            Some(Folded::OneOf(values)) => values.iter().any(asks_poke),
            Some(value) => asks_poke(value),
            None => false,
        };
    let is_memory = |path: &String| path.starts_with("/proc/") && path.ends_with("/mem");
    is_native && (INTERFACES.contains(&name) || pokes) || written_paths(call).iter().any(is_memory)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn injection_is_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import ctypes\nk = ctypes.windll.kernel32\nk.WriteProcessMemory(h, a, b, n, 0)\nk.CreateRemoteThread(h, None, 0, a, None, 0, None)",
            ),
            (
                "setup.py",
                "from ctypes import WinDLL\nWinDLL('ntdll').NtCreateThreadEx(h)",
            ),
            (
                "demo/__init__.py",
                "import ctypes\nlibc = ctypes.CDLL('libc.so.6')\nlibc.ptrace(4, pid, addr, word)",
            ),
            (
                "demo/__init__.py",
                "import ctypes as c\ngetattr(c.windll.kernel32, 'QueueUserAPC')(f, t, 0)",
            ),
        ] {
            found("PRC-009", path, code);
        }
    }

    #[test]
    fn other_calls_and_debuggers_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import ctypes\nctypes.windll.kernel32.GetStdHandle(-11)",
            ),
            (
                "demo/__init__.py",
                "import ctypes\ndef attach(h):\n    ctypes.windll.kernel32.WriteProcessMemory(h, 0, 0, 0, 0)",
            ),
            (
                "demo/__init__.py",
                "import ctypes\nctypes.CDLL(None).ptrace(0, 0, 0, 0)",
            ),
        ] {
            quiet("PRC-009", path, code);
        }
    }
}
