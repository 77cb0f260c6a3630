//! [`plain`]: what rules say, without characters that would steer a terminal or a log. Much of it is quoted
//! from the package; excerpts are kept as they are, and showing them safely is for whoever shows them.

use portcullis_core::inspection::Observation;

/// Replaces control characters in the words of `seen`.
pub(super) fn plain(seen: &mut Observation) {
    let texts = seen.chain.iter_mut().map(|step| &mut step.text);
    for text in texts.chain([&mut seen.message]) {
        if text.contains(char::is_control) {
            *text = text.replace(char::is_control, "\u{fffd}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Budget, inspect_source};

    #[test]
    fn what_a_package_says_does_not_steer_a_terminal() {
        for code in [
            "\x1b[2J",
            "x = \u{9b}2J",
            "exec('\x07\n",
            "import os\nos.system('\x1b]0;x')\n",
        ] {
            let inspected = inspect_source("setup.py", code.into(), &Budget::default());
            for seen in &inspected.observations {
                assert!(!seen.message.contains(char::is_control), "{seen:?}");
                for step in &seen.chain {
                    assert!(!step.text.contains(char::is_control), "{seen:?}");
                }
            }
        }
    }
}
