//! `EXE-006`: a function that runs code or commands is called under a hidden name.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Reached, SinkKind};

/// The rule.
pub(super) struct HiddenNames;

impl Rule for HiddenNames {
    fn id(&self) -> &'static str {
        "EXE-006"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "a dangerous function is reached by a hidden name"
    }

    fn manual(&self) -> &'static str {
        "`exec`, `eval`, `os.system` and their like are looked up by a text, above all a \
         text that was put together or decoded first: `getattr(__builtins__, \"ex\" + \
         \"ec\")`.\n\n\
         Written plainly it would do the same; the detour only keeps readers and scanners \
         from seeing it.\n\n\
         Mistaken for it: libraries for two versions of Python that look `exec` up by its \
         name."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for call in analysis
            .calls()
            .filter(|call| call.reached != Reached::Plainly)
        {
            let Some(worst) = worst(call) else {
                continue;
            };
            let severity = in_context(worst, call.context);
            let confidence = Confidence::of(85).in_context(call.context);
            let how = match call.reached {
                Reached::ByHiddenName => "a name that was put together first",
                _ => "its name as a text",
            };
            let message = format!("{} is reached by {how}", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

fn worst(call: &Call) -> Option<Severity> {
    let is_builtin = matches!(
        &*call.target,
        "builtins.exec" | "builtins.eval" | "builtins.compile" | "builtins.__import__"
    );
    let is_dangerous = is_builtin
        || matches!(
            call.sink,
            Some(SinkKind::Exec | SinkKind::Command | SinkKind::Native | SinkKind::Deserialise)
        );
    match call.reached {
        Reached::ByHiddenName if is_dangerous => Some(Severity::High),
        // `exec_ = getattr(builtins, "exec")` says what it is where it is called.
        Reached::ByName if is_builtin && !says_its_name(call) => Some(Severity::High),
        Reached::ByName if is_builtin => Some(Severity::Low),
        _ => None,
    }
}

fn says_its_name(call: &Call) -> bool {
    let callee = call
        .code
        .split('(')
        .next()
        .unwrap_or_default()
        .trim_matches('_');
    call.target
        .rsplit('.')
        .next()
        .is_some_and(|name| callee == name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn hidden_names_are_seen_however_they_are_hidden() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "getattr(__builtins__, 'ex' + 'ec')('x = 1')",
            ),
            ("demo/__init__.py", "__builtins__['eval']('1')"),
            (
                "setup.py",
                "globals()['__builtins__'].__dict__['exec']('x = 1')",
            ),
            (
                "demo/__init__.py",
                "import os\ngetattr(os, ''.join(map(chr, [115, 121, 115, 116, 101, 109])))('id')",
            ),
            ("demo.pth", "import os; getattr(os, 'metsys'[::-1])('id')"),
            (
                "demo/__init__.py",
                "import builtins\ng = getattr(builtins, 'exec')\ng(text)",
            ),
        ] {
            found("EXE-006", path, code);
        }
    }

    #[test]
    fn names_looked_up_in_the_open_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import builtins\nexec_ = getattr(builtins, 'exec')\nexec_('x = 1')",
            ),
            (
                "demo/__init__.py",
                "import os\nget = getattr(os, 'getuid', None)\nget()",
            ),
            (
                "demo/__init__.py",
                "def call(o, n):\n    return getattr(o, n)()",
            ),
            ("demo/__init__.py", "exec('x = 1')"),
        ] {
            quiet("EXE-006", path, code);
        }
    }
}
