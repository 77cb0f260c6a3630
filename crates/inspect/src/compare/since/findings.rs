//! What the inspection finds now and did not find before. A finding is the same when its rule, its code
//! and where its data comes from are the same and it ran as early before: moving code changes nothing,
//! running it earlier does.

use std::collections::{BTreeSet, HashMap};

use portcullis_core::inspection::{ChangeKind, Observation, Weight, effect_of};
use portcullis_core::policy::Effect;

use super::{Found, Seen, Sides, shown};

/// Adds what is new; gives the fingerprints of what is not.
pub(super) fn compare(sides: Sides<'_>, found: &mut Found) -> BTreeSet<String> {
    let before = Known::of(sides.before);
    let mut known = BTreeSet::new();
    let mut new = BTreeSet::new();
    for seen in sides.now.found() {
        if before.has(sides.now, seen) {
            known.insert(seen.code_hash.clone());
            continue;
        }
        new.insert(seen.code_hash.clone());
        let weight = weight(seen, before.is_rule_known(sides.now, seen));
        if weight > Weight::INFORMATION {
            let kind = match seen.rule.starts_with("OBF-") || seen.layer > 0 {
                true => ChangeKind::Obfuscation,
                false => ChangeKind::Finding,
            };
            let detail = format!(
                "line {}: {} ({})",
                seen.line,
                shown(&seen.message),
                seen.rule
            );
            found.add(kind, sides.now.place(&seen.file).1, detail, weight);
        }
    }
    // One of two findings with the same fingerprint may be new.
    known.difference(&new).cloned().collect()
}

/// What the version before was known for.
struct Known<'a> {
    side: Seen<'a>,
    by_fingerprint: HashMap<&'a str, Vec<&'a Observation>>,
}

impl<'a> Known<'a> {
    fn of(side: Seen<'a>) -> Self {
        let mut by_fingerprint: HashMap<&str, Vec<&Observation>> = HashMap::new();
        for seen in side.found() {
            by_fingerprint
                .entry(&seen.code_hash)
                .or_default()
                .push(seen);
        }
        Self {
            side,
            by_fingerprint,
        }
    }

    fn has(&self, now: Seen<'_>, seen: &Observation) -> bool {
        let same_code = self
            .by_fingerprint
            .get(&*seen.code_hash)
            .into_iter()
            .flatten();
        let is_same = |known: &&&Observation| {
            known.context >= seen.context
                && effect_of(known) >= effect_of(seen)
                && source(known) == source(seen)
        };
        same_code.clone().any(|known| is_same(&known)) || self.has_statement(now, seen)
    }

    /// The same sentence of the same rule about the same file: what is found in a file as a whole is
    /// marked with its name, in which the version may stand.
    fn has_statement(&self, now: Seen<'_>, seen: &Observation) -> bool {
        seen.line == 0
            && self.side.found().any(|known| {
                known.rule == seen.rule
                    && known.message == seen.message
                    && self.side.place(&known.file) == now.place(&seen.file)
            })
    }

    /// Whether the rule found something as bad in the same file, so that its code only reads differently.
    fn is_rule_known(&self, now: Seen<'_>, seen: &Observation) -> bool {
        self.side.found().any(|known| {
            known.rule == seen.rule
                && known.context >= seen.context
                && effect_of(known) >= effect_of(seen)
                && source(known) == source(seen)
                && self.side.place(&known.file) == now.place(&seen.file)
        })
    }
}

/// What data begins a finding's chain.
fn source(seen: &Observation) -> Option<&str> {
    let first = seen.chain.first().filter(|_| seen.chain.len() > 1);
    first.map(|step| &*step.text)
}

fn weight(seen: &Observation, is_rule_known: bool) -> Weight {
    match (effect_of(seen), is_rule_known) {
        (Effect::Deny, false) => Weight::DECISIVE,
        (Effect::Deny, true) | (Effect::Hold, false) => Weight::STRONG,
        (Effect::Hold, true) => Weight::UNUSUAL,
        (Effect::Warn, false) => Weight::UNUSUAL,
        (Effect::Warn, true) => Weight::WEAK,
        (Effect::Allow, _) => Weight::INFORMATION,
    }
}
