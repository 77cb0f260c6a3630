//! What observations weigh together: speaking to somebody's host where nobody asked may be an oversight,
//! and so may be anything else that would be held; both in one distribution are not.

use portcullis_core::inspection::{Confidence, Context, Observation, effect_of};
use portcullis_core::policy::Effect;

/// The rule of what speaks to a host where nobody asked.
const SPEAKS: &str = "NET-008";
/// How sure two observations are together, before the context weighs it.
const SURE: Confidence = Confidence::of(90);

/// Makes an observation of [`SPEAKS`] certain where another rule holds something that runs unasked, too.
/// Builds are left out: they fetch and start what they need.
pub(super) fn together(observations: &mut [Observation]) {
    let is_loaded = |seen: &Observation| matches!(seen.context, Context::Import | Context::Startup);
    let holds = |seen: &&Observation| is_loaded(seen) && effect_of(seen) >= Effect::Hold;
    let others = observations.iter().filter(holds);
    let mut others = others.map(|seen| seen.rule.to_string());
    let Some(other) = others.find(|rule| rule != SPEAKS) else {
        return;
    };
    let speaking = observations
        .iter_mut()
        .filter(|seen| *seen.rule == *SPEAKS && is_loaded(seen) && effect_of(seen) == Effect::Hold);
    for seen in speaking {
        seen.confidence = SURE.in_context(seen.context);
        seen.message = format!("{}, beside what {other} says", seen.message);
    }
}

#[cfg(test)]
mod tests {
    use crate::inspection::{Budget, inspect_source};
    use portcullis_core::policy::Effect;

    #[test]
    fn two_that_would_be_held_are_denied_together() {
        let speaks = "import requests\nrequests.get('https://files.invalid/')\n";
        let starts = "import os\nos.system('systemctl stop a')\n";
        for (code, effect) in [
            (speaks.to_owned(), Effect::Hold),
            (starts.to_owned(), Effect::Hold),
            (format!("{speaks}{starts}"), Effect::Deny),
        ] {
            let seen = inspect_source(
                "demo/__init__.py",
                code.clone().into_bytes(),
                &Budget::default(),
            );
            assert_eq!(seen.effect(), effect, "{code}: {:#?}", seen.observations);
        }
    }
}
