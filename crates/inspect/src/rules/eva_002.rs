//! `EVA-002`: what is harmful runs only after a long wait or a date.

use portcullis_core::inspection::{Confidence, Observation, Severity};

use super::evidence::is_harmful;
use super::{Rule, in_context, observe_call};
use crate::python::{Analysis, Call, Context, Folded, Module};

/// The rule.
pub(super) struct WaitsFirst;

impl Rule for WaitsFirst {
    fn id(&self) -> &'static str {
        "EVA-002"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn title(&self) -> &'static str {
        "it waits before it acts"
    }

    fn manual(&self) -> &'static str {
        "Something that runs, sends or loads at import waits a minute or longer first, or only \
         happens on certain dates.\n\n\
         Sandboxes watch for a short time. Waiting is how they are passed.\n\n\
         Mistaken for it: caches that are renewed by age, and workers that poll, when a user \
         starts them."
    }

    fn check(&self, analysis: &Analysis, observations: &mut Vec<Observation>) {
        for module in &analysis.modules {
            for call in module.calls.iter().filter(|call| call.context.is_unasked()) {
                let message =
                    if is_harmful(call) && call.guards.iter().any(|guard| asks_when(guard)) {
                        format!("{} runs only on certain dates", call.target)
                    } else if is_long_wait(call) && harm_follows(module, call) {
                        format!("{} waits before something runs or is sent", call.target)
                    } else {
                        continue;
                    };
                let severity = in_context(Severity::High, call.context);
                let confidence = Confidence::of(75).in_context(call.context);
                observations.push(observe_call(self, call, (severity, confidence), message));
            }
        }
    }
}

/// Seconds that are longer than programs wait for anything but being watched.
const LONG: i64 = 60;

fn asks_when(guard: &str) -> bool {
    [
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "time.time",
        "time.localtime",
        "time.gmtime",
        "time.strftime",
    ]
    .iter()
    .any(|name| guard.starts_with(name))
}

fn is_long_wait(call: &Call) -> bool {
    let waits = match &*call.target {
        "time.sleep" | "asyncio.sleep" => call.argument(0, "secs"),
        "threading.Timer" => call.argument(0, "interval"),
        _ => None,
    };
    waits.is_some_and(|each| matches!(each.value, Folded::Int(seconds) if seconds >= LONG))
}

/// Whether something harmful that nobody asked for comes after `wait`, or is what the timer calls.
fn harm_follows(module: &Module, wait: &Call) -> bool {
    let called = wait.argument(1, "function").map(|each| &each.value);
    let is_called = |call: &Call| match called {
        Some(Folded::Name(name)) => !name.is_empty() && **name == *call.function,
        _ => false,
    };
    let is_after = |call: &Call| {
        let follows = call.place.line >= wait.place.line && called.is_none();
        follows && call.context >= Context::Import
    };
    let mut harmful = module.calls.iter().filter(|call| is_harmful(call));
    harmful.any(|call| is_called(call) || is_after(call))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{found, quiet};

    #[test]
    fn waiting_before_harm_is_seen() {
        for code in [
            "import time, os\ntime.sleep(600)\nos.system('echo inert')".to_owned(),
            "import datetime, os\nif datetime.date.today() > datetime.date(2030, 1, 1):\n    os.system('echo inert')".to_owned(),
            "import threading, os\ndef go():\n    os.system('echo inert')\nthreading.Timer(3600, go).start()".to_owned(),
            "from time import sleep as s\nimport urllib.request as u\ndef w():\n    s(60 * 5)\n    u.urlopen('https://collect.invalid')\nw()".to_owned(),
        ] {
            found("EVA-002", "demo/__init__.py", &code);
        }
    }

    #[test]
    fn polling_is_not() {
        for code in [
            "import time, os\ntime.sleep(1)\nos.system('ls')".to_owned(),
            "import time, requests\ndef poll():\n    while True:\n        requests.get('https://api.invalid')\n        time.sleep(300)".to_owned(),
            "import time\ntime.sleep(600)".to_owned(),
        ] {
            quiet("EVA-002", "demo/__init__.py", &code);
        }
    }
}
