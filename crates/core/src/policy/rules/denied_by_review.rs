//! `denied-by-review`: versions to which a reviewer has said no.

use crate::fact::Facts;
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::ruling::{Part, Reach, Ruling};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct DeniedByReview;

impl Rule for DeniedByReview {
    fn id(&self) -> &'static str {
        "denied-by-review"
    }

    fn summary(&self) -> &'static str {
        "stops what a reviewer has denied"
    }

    fn manual(&self) -> &'static str {
        "`portcullis review deny ID --reason …` says no to what was asked for: to one version, a range or \
         a whole project, for good or until a date. The reason is shown to everyone who asks. It can be \
         asked for again: an approval of one version lifts the denial from that version alone, and \
         `portcullis review withdraw ID` takes the denial back."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Deny,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "2.0"
denied-by-review = "it phones home at every start""#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for DeniedByReview {
    fn check(&self, facts: Facts<'_>, now: Timestamp) -> Outcome {
        let part = match facts.file {
            None => Part::Name,
            Some(file) => Part::File(file.version.known()),
        };
        let rulings = &facts.project.rulings;
        let reaching = |wanted: Reach| -> Vec<&Ruling> {
            let index = &facts.project.index;
            let rulings = rulings.iter().map(|ruling| &**ruling);
            rulings
                .filter(|ruling| ruling.reach(index, part, now) == wanted)
                .collect()
        };
        let (here, perhaps) = (reaching(Reach::Here), reaching(Reach::Perhaps));
        match (&here[..], &perhaps[..]) {
            ([], []) => Outcome::Pass,
            ([first, ..], _) => Outcome::Found(found(first, &here)),
            ([], [first, ..]) => {
                let mut found = found(first, &perhaps);
                found.message = format!("its version is not known, and {}", found.message);
                Outcome::Unknown(found)
            }
        }
    }
}

/// What is told is the first of them. The finding is about all, so that an approval does not lift a
/// denial that came after it; it ends when the last of them ends.
fn found(first: &Ruling, all: &[&Ruling]) -> Found {
    let mut found = Found::new(
        format!("review {} denied it: {}", first.review, first.reason),
        "use another version or project",
    )
    .because("denied by", &first.owner);
    let ends: Option<Vec<Timestamp>> = all.iter().map(|ruling| ruling.expires).collect();
    found.until = ends.and_then(|ends| ends.into_iter().max());
    all.iter().fold(found, |found, ruling| {
        found.about(format!("review {}", ruling.review))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Fact;
    use crate::policy::rules::testing::{Case, NOW, decide, effect_of};

    fn denied(case: Case, versions: Option<&str>, expires: Option<Timestamp>) -> Case {
        case.with_project(|project| {
            let review = i64::try_from(project.rulings.len()).expect("a few") + 1;
            project.rulings.push(
                Ruling {
                    review,
                    index: None,
                    versions: versions.map(|versions| versions.parse().expect("specifiers")),
                    reason: "abandoned".into(),
                    owner: "ann".into(),
                    expires,
                }
                .into(),
            );
        })
    }

    #[test]
    fn what_a_reviewer_denied_is_denied_wherever_it_comes_from() {
        let check = |case: Case| effect_of(&DeniedByReview, "", &case);
        for case in [Case::upstream("x"), Case::hosted("x")] {
            assert_eq!(check(case.clone()), Effect::Allow);
            assert_eq!(
                check(denied(case.clone(), Some("==1.0"), None)),
                Effect::Deny
            );
            assert_eq!(check(denied(case.clone(), Some(">1"), None)), Effect::Allow);
            assert_eq!(check(denied(case, None, Some(NOW))), Effect::Allow);
        }
        let name = denied(Case::nowhere("x"), None, None);
        assert_eq!(check(name), Effect::Deny);
        let unreadable = denied(Case::upstream("x"), Some("==1.0"), None)
            .with_file(|file| file.version = Fact::Unknown("unreadable".into()));
        assert_eq!(
            check(unreadable),
            Effect::Deny,
            "ignorance is never permission"
        );
    }

    #[test]
    fn a_denial_ends_when_it_ends() {
        let later = NOW.plus_millis(5);
        let case = denied(Case::upstream("x"), None, Some(later));
        let decision = decide(&DeniedByReview, "", &case);
        assert_eq!(decision.changes_at(), Some(later));
        let case = denied(case, Some("==1.0"), None);
        let decision = decide(&DeniedByReview, "", &case);
        let finding = decision.decisive().expect("a finding");
        assert_eq!(decision.changes_at(), None);
        assert_eq!(finding.about, ["review 1", "review 2"]);
        assert_eq!(finding.message, "review 1 denied it: abandoned");
    }
}
