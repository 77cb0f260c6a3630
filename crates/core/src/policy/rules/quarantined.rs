//! `quarantined`: releases that an administrator has taken from everybody at once.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::quarantine::{Quarantine, Reach};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct Quarantined;

impl Rule for Quarantined {
    fn id(&self) -> &'static str {
        "quarantined"
    }

    fn summary(&self) -> &'static str {
        "stops releases that are in quarantine, wherever they would come from"
    }

    fn manual(&self) -> &'static str {
        "`portcullis quarantine 'litellm>=1.82.7,<=1.82.8' --reason …` takes releases from everybody \
         within a second: from every index, whether they are published here, cached, in a folder or \
         still with an upstream, and out of transfers that are under way. With `--sha256` only the \
         files with that content are meant. A file of which it is not known whether it is meant is \
         stopped as well. Everyone who asks reads the reason. `portcullis quarantine release` ends \
         it, and everything is as the other rules have it. No policy switches this rule off, no \
         exception lifts it; what was received before is told by `portcullis exposure`."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Deny,
        }
    }

    fn is_law(&self) -> bool {
        true
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.82.7"
quarantined = "it sends credentials away: rotate every secret of the machine""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for Quarantined {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let mut unclear = None;
        for quarantine in &facts.project.quarantines {
            match reach(quarantine, facts) {
                Reach::Within => return Outcome::Found(found(quarantine, "")),
                Reach::Unclear(why) => {
                    unclear = unclear.or(Some(found(quarantine, &format!(" ({why})"))));
                }
                Reach::Outside => {}
            }
        }
        // Not an unknown, whose meaning would be the policy's to say: a promise is not.
        unclear.map_or(Outcome::Pass, Outcome::Found)
    }
}

fn reach(quarantine: &Quarantine, facts: Facts<'_>) -> Reach {
    match facts.file {
        Some(file) => {
            let sha256 = file.sha256.known().copied();
            quarantine.reaches(file.version.known(), sha256)
        }
        None if quarantine.is_of_the_whole_project() => Reach::Within,
        None => Reach::Outside,
    }
}

fn found(quarantine: &Quarantine, aside: &str) -> Found {
    let (id, since) = (quarantine.id, quarantine.since.to_minute());
    Found::new(
        format!("it is in quarantine: {}{aside}", quarantine.reason),
        format!(
            "take another version; if you have installed this one, treat the machine as the reason \
             says and tell your security team, naming quarantine {id}"
        ),
    )
    .because("quarantine", quarantine)
    .because("since", since)
    .about(format!("quarantine {id}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::digest::Sha256;
    use crate::fact::Fact;
    use crate::policy::Policy;
    use crate::policy::judge;
    use crate::policy::rules::testing::{Case, NOW, effect_of};

    fn quarantined(case: Case, specifiers: &str, sha256: Option<Sha256>) -> Case {
        case.with_project(|facts| {
            facts.quarantines = vec![Arc::new(Quarantine {
                id: 7,
                project: facts.project.clone(),
                specifiers: specifiers.parse().expect(specifiers),
                sha256,
                reason: "takes credentials".into(),
                since: NOW,
            })];
        })
    }

    fn check(case: Case, specifiers: &str, sha256: Option<Sha256>) -> Effect {
        effect_of(&Quarantined, "", &quarantined(case, specifiers, sha256))
    }

    #[test]
    fn a_release_in_quarantine_is_denied_wherever_it_comes_from() {
        for case in [Case::upstream("x"), Case::hosted("x")] {
            assert_eq!(effect_of(&Quarantined, "", &case), Effect::Allow);
            assert_eq!(check(case.clone(), "", None), Effect::Deny);
            assert_eq!(check(case.clone(), "==1.0", None), Effect::Deny);
            assert_eq!(check(case.clone(), "!=1.0", None), Effect::Allow);
        }
        assert_eq!(check(Case::nowhere("x"), "", None), Effect::Deny);
        assert_eq!(check(Case::nowhere("x"), "==1.0", None), Effect::Allow);
    }

    #[test]
    fn ignorance_is_never_permission() {
        let bad = Sha256::of(b"bad");
        let case = Case::upstream("x");
        assert_eq!(check(case.clone(), "", Some(bad)), Effect::Deny);
        assert_eq!(check(case.clone().sha256(bad), "", Some(bad)), Effect::Deny);
        let good = case.clone().sha256(Sha256::of(b"good"));
        assert_eq!(check(good, "", Some(bad)), Effect::Allow);
        let nameless = case.with_file(|file| file.version = Fact::Unknown("unreadable".into()));
        assert_eq!(check(nameless.clone(), "==2.0", None), Effect::Deny);
        assert_eq!(check(nameless, "", None), Effect::Deny);
    }

    #[test]
    fn the_reason_is_what_people_read() {
        let case = quarantined(Case::upstream("x"), "<2", None);
        let decision = judge(case.facts(), &Policy::built_in(), NOW);
        let said = decision.sentence();
        let expected =
            "Portcullis denies x 1.0: it is in quarantine: takes credentials (quarantined)";
        assert_eq!(said, expected);
        let evidence = &decision.findings()[0].evidence;
        assert_eq!(evidence[0], ("quarantine", "x<2".to_owned()));
    }

    #[test]
    fn no_policy_switches_it_off() {
        for text in ["mode = 'off'", "mode = 'observe'", "effect = 'warn'"] {
            let policy = format!("[rules.quarantined]\n{text}\n");
            assert!(Policy::parse("policy.toml", &policy).is_err(), "{text}");
        }
    }
}
