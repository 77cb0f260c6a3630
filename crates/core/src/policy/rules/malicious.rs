//! `malicious`: releases that an advisory database reports as malware.

use crate::advisory::Affecting;
use crate::fact::{Fact, Facts};
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct Malicious;

impl Rule for Malicious {
    fn id(&self) -> &'static str {
        "malicious"
    }

    fn summary(&self) -> &'static str {
        "denies releases that are reported as malicious"
    }

    fn manual(&self) -> &'static str {
        "Databases of malicious packages publish advisories as well. A release from outside is \
         denied when an advisory that affects it has an id or an alias that begins with `MAL-`, \
         comes from such a database, or is marked as CWE-506, embedded malicious code. An \
         advisory of this kind that names no versions means all of them. Severities play no part, \
         and a withdrawn advisory none either. What is published here is another project than a \
         public one of the same name and is not looked up.\n\n\
         Without advisories nothing is known, and `on-unknown` says what that means: by default \
         installations go on, and the missing feed is shown wherever the gateway shows its state. \
         Reports come hours after a release; `too-young` is what stops the first hours."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Enforce,
            effect: Effect::Deny,
            on_unknown: Effect::Allow,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.82.7"
advisories = [{ id = "MAL-2026-1000", summary = "Steals credentials", published = "1 day ago" }]"#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for Malicious {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if facts.file.is_none() || !facts.is_from_outside() {
            return Outcome::Pass;
        }
        let affecting = match facts.release.map(|release| &release.advisories) {
            Some(Fact::Known(affecting)) => affecting,
            Some(Fact::Unknown(why)) => return unknown(why),
            None => return unknown("its file name gives no version"),
        };
        let malicious: Vec<(&Affecting, &str)> = affecting
            .iter()
            .filter_map(|one| Some((one, one.malicious.as_deref()?)))
            .collect();
        let Some((first, why)) = malicious.first() else {
            return Outcome::Pass;
        };
        let remedy = "do not install it; where it was installed, treat machine and secrets as \
                      compromised";
        let mut found = Found::new(format!("it is malicious: {why}"), remedy);
        if !first.group.summary.is_empty() {
            found = found.because("summary", &first.group.summary);
        }
        let reports: Vec<String> = malicious
            .iter()
            .map(|(one, _)| one.group.to_string())
            .collect();
        found = found.because("advisories", reports.join("; "));
        if let Some(published) = first.group.published {
            found = found.because("reported", published);
        }
        for (one, _) in &malicious {
            found = found.about(&*one.group.id);
        }
        Outcome::Found(found)
    }
}

fn unknown(why: &str) -> Outcome {
    let found = Found::new(
        format!("whether it is reported as malicious is not known ({why})"),
        "load an advisory feed",
    );
    Outcome::Unknown(found.general())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::testing::{RecordCase, index, record};
    use crate::policy::rules::testing::{Case, decide, effect_of};

    fn advised(records: &[RecordCase]) -> Case {
        Case::upstream("foo").advisories(&index(records))
    }

    #[test]
    fn what_is_reported_as_malicious_is_denied() {
        for (record, expected) in [
            (record("MAL-2026-1", "Foo", "0"), Effect::Deny),
            (
                record("MAL-2026-1", "foo", "").versions(&["1.0"]),
                Effect::Deny,
            ),
            (
                record("MAL-2026-1", "foo", "").versions(&["1.1"]),
                Effect::Allow,
            ),
            (record("MAL-2026-1", "bar", "0"), Effect::Allow),
            (record("MAL-2026-1", "foo", "0").withdrawn(), Effect::Allow),
            (
                record("GHSA-1", "foo", "0").aliases(&["MAL-2026-1"]),
                Effect::Deny,
            ),
            (
                record("GHSA-1", "foo", "0").aliases(&["CVE-2026-0001"]),
                Effect::Allow,
            ),
        ] {
            let shown = record.json();
            assert_eq!(
                effect_of(&Malicious, "", &advised(&[record])),
                expected,
                "{shown}"
            );
        }
    }

    #[test]
    fn what_is_published_here_is_another_project() {
        let hosted = Case::hosted("foo").advisories(&index(&[record("MAL-1", "foo", "0")]));
        assert_eq!(effect_of(&Malicious, "", &hosted), Effect::Allow);
    }

    #[test]
    fn without_advisories_the_policy_decides() {
        let case = Case::upstream("foo").without_advisories();
        assert_eq!(effect_of(&Malicious, "", &case), Effect::Allow);
        for effect in [Effect::Warn, Effect::Hold, Effect::Deny] {
            let settings = format!("on-unknown = '{effect}'");
            assert_eq!(effect_of(&Malicious, &settings, &case), effect);
        }
        assert_eq!(
            effect_of(&Malicious, "on-unknown = 'deny'", &advised(&[])),
            Effect::Allow
        );
    }

    #[test]
    fn a_denial_names_the_report_and_what_to_do() {
        let case = advised(&[
            record("MAL-2026-1", "foo", "0").aliases(&["GHSA-1"]),
            record("MAL-2026-2", "foo", "1.0"),
        ]);
        let decision = decide(&Malicious, "", &case);
        let finding = decision.decisive().expect("a finding");
        assert_eq!(finding.about, ["MAL-2026-1", "MAL-2026-2"]);
        insta::assert_snapshot!(crate::explain::detail(
            &decision,
            "https://gw.example/why/foo"
        ));
    }
}
