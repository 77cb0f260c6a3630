//! The example of a rule, judged: what its manual shows is what the rule really says.

use super::rule::Rule;
use super::{Decision, Policy, expectations};
use crate::explain;
use crate::settings::Mistakes;
use crate::time::Timestamp;

/// The moment at which examples are judged: 2026-11-23T09:00:00Z.
const MOMENT: Timestamp = Timestamp::from_millis(1_795_424_400_000);

/// The address of explanations in examples, without the project's name.
const WHY: &str = "http://gateway.example/why/";

/// What a rule says of its example.
#[derive(Debug)]
pub struct Judged {
    /// The policy under which it was judged: the rule enforced, and all others at their defaults.
    pub policy: String,
    /// The facts, as an expectation that is met.
    pub expectation: String,
    /// The decision.
    pub decision: Decision,
}

impl Judged {
    /// The refusal in one line, for clients with room for one.
    pub fn sentence(&self) -> String {
        self.decision.sentence()
    }

    /// The refusal in whole, as uv shows it: title and detail of the answer (RFC 9457).
    pub fn message(&self) -> String {
        let why = format!("{WHY}{}", self.decision.subject().project);
        let (title, detail) = (
            explain::title(&self.decision),
            explain::detail(&self.decision, &why),
        );
        format!("{title}, {detail}")
    }
}

/// Judges the example of `rule`.
///
/// # Errors
/// [`Mistakes`] in the example, which the tests of this crate show to have none.
pub fn judged(rule: &dyn Rule) -> Result<Judged, Mistakes> {
    let example = rule.example();
    let mut policy = format!("[rules.{}]\nmode = \"enforce\"\n", rule.id());
    if !example.settings.is_empty() {
        policy.push_str(example.settings);
        policy.push('\n');
    }
    let read = Policy::parse("policy.toml", &policy)?;
    let text = format!("[[expect]]\neffect = \"deny\"\n{}\n", example.facts);
    let expectations = expectations::parse("policy.tests.toml", &text, MOMENT)?;
    let mut outcomes = expectations::run(&expectations, &read);
    let decision = outcomes
        .pop()
        .expect("the text has one expectation")
        .decision;
    let expectation = format!(
        "[[expect]]\n{}\neffect = \"{}\"\nrule = \"{}\"\n",
        example.facts,
        decision.effect(),
        rule.id()
    );
    Ok(Judged {
        policy,
        expectation,
        decision,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Effect;
    use crate::policy::rules::RULES;

    #[test]
    fn every_rule_decides_its_own_example() {
        for rule in RULES {
            let judged = judged(*rule).unwrap_or_else(|mistakes| panic!("{rule:?}\n{mistakes}"));
            let decisive = judged.decision.decisive().map(|finding| &*finding.rule);
            assert_eq!(decisive, Some(rule.id()), "{}", judged.sentence());
            assert!(judged.decision.effect() > Effect::Allow);
            let expectations = expectations::parse("t", &judged.expectation, MOMENT);
            let expectations = expectations.unwrap_or_else(|mistakes| panic!("{mistakes}"));
            let policy = Policy::parse("p", &judged.policy).expect("it was read before");
            assert!(expectations::run(&expectations, &policy)[0].is_met());
        }
    }

    #[test]
    fn an_example_shows_what_its_rule_knows_and_not_what_it_lacks() {
        for rule in RULES {
            let judged = judged(*rule).unwrap_or_else(|mistakes| panic!("{rule:?}\n{mistakes}"));
            let message = judged.message();
            assert!(
                !message.contains("the expectation does not say"),
                "{message}"
            );
        }
    }
}
