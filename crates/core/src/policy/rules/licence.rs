//! `licence`: releases under licences that the organisation does not accept.

use crate::fact::{Fact, Facts};
use crate::licence::Licence;
use crate::licence::lists::{LicenceLists, LicencePattern, Verdict};
use crate::policy::rule::{Check, Defaults, Example, Found, Need, OptionManual, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::settings::{Located, Table};
use crate::time::Timestamp;

/// The rule, before it is configured.
#[derive(Debug)]
pub struct LicenceRule;

/// The rule with its settings.
#[derive(Debug)]
struct Accepted {
    lists: LicenceLists,
    conflicts: Conflicts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflicts {
    /// They are shown, and matter only where one side is not accepted.
    Shown,
    /// They stop a release.
    Denied,
}

const REMEDY: &str = "choose a version or a project under another licence";

impl Rule for LicenceRule {
    fn id(&self) -> &'static str {
        "licence"
    }

    fn summary(&self) -> &'static str {
        "stops releases from outside whose licence is not accepted"
    }

    fn manual(&self) -> &'static str {
        "The licence of a release is read from its core metadata: `License-Expression` (PEP 639), the texts of \
         its licence files where they are at hand, the `License ::` classifiers, and the field `License`. They \
         are compared with the lists `allow` and `deny` as SPDX means them: `OR` is satisfied by one side, \
         `AND` needs both, `GPL-2.0-or-later` is a choice among the versions that exist, and an entry without \
         an exception also fits the licence with one. An entry is an SPDX id (`MIT`), one with an exception \
         (`GPL-2.0-only WITH Classpath-exception-2.0`), a prefix (`GPL-*`), a reference (`LicenseRef-Acme`), or \
         one of the classes `osi-approved`, `fsf-libre` and `copyleft`. `deny` outweighs `allow`, except where \
         `allow` names the exception. With an empty `allow` everything is accepted that is not denied.\n\n\
         Words that name a family, such as the classifier `BSD License`, mean any of its members: the release \
         passes when all of them are accepted, is stopped when none is, and is unknown otherwise. What \
         `on-unknown` says also holds while the metadata was not read yet: the page of a project may list a \
         release whose file is then refused. What is published here is not looked at."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Off,
            effect: Effect::Deny,
            on_unknown: Effect::Warn,
        }
    }

    fn options(&self) -> &'static [OptionManual] {
        &[
            OptionManual {
                key: "allow",
                default: "[]",
                meaning: "licences that may be used; empty means all that are not denied",
            },
            OptionManual {
                key: "deny",
                default: "[]",
                meaning: "licences that may not be used",
            },
            OptionManual {
                key: "deny-conflicts",
                default: "false",
                meaning: "whether a release is stopped whose sources contradict each other",
            },
        ]
    }

    fn example(&self) -> Example {
        Example {
            settings: r#"deny = ["copyleft"]"#,
            facts: r#"project = "acme-sdk"
version = "1.0"
licence = "AGPL-3.0-only""#,
        }
    }

    fn configure(&self, table: &mut Table<'_>) -> Box<dyn Check> {
        let allow = patterns(table.list("allow"));
        let deny = patterns(table.list("deny"));
        let conflicts = match table.boolean("deny-conflicts") {
            Some(deny) if deny.value => Conflicts::Denied,
            _ => Conflicts::Shown,
        };
        Box::new(Accepted {
            lists: LicenceLists { allow, deny },
            conflicts,
        })
    }
}

fn patterns(listed: Option<Vec<Located<LicencePattern>>>) -> Vec<LicencePattern> {
    let listed = listed.into_iter().flatten();
    listed.map(|pattern| pattern.value).collect()
}

impl Check for Accepted {
    fn needs(&self) -> &[Need] {
        match self.lists.is_empty() && self.conflicts == Conflicts::Shown {
            true => &[],
            false => &[Need::Metadata],
        }
    }

    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        let Some(release) = facts.release else {
            return Outcome::Pass;
        };
        if !facts.is_from_outside() || self.needs().is_empty() {
            return Outcome::Pass;
        }
        let licence = match &release.metadata {
            Fact::Known(metadata) => &metadata.licence,
            Fact::Unknown(why) => {
                return Outcome::Unknown(Found::new(
                    format!("its licence is not known ({why})"),
                    REMEDY,
                ));
            }
        };
        if self.conflicts == Conflicts::Denied && !licence.conflicts.is_empty() {
            let found = Found::new(
                format!("its licence is disputed: {}", licence.conflicts[0]),
                REMEDY,
            );
            return Outcome::Found(with_sources(found, licence).about("conflict"));
        }
        match self.lists.judge(licence) {
            Verdict::Accepted => Outcome::Pass,
            Verdict::Unknown(why) => Outcome::Unknown(with_sources(
                Found::new(
                    format!("its licence is not known for certain: {why}"),
                    REMEDY,
                ),
                licence,
            )),
            Verdict::Refused(in_the_way) => Outcome::Found(refused(&in_the_way, licence)),
        }
    }
}

fn refused(in_the_way: &[Box<str>], licence: &Licence) -> Found {
    let names = in_the_way.join(", ");
    let found = Found::new(format!("its licence {names} is not accepted here"), REMEDY);
    let found = with_sources(found, licence);
    in_the_way
        .iter()
        .fold(found, |found, id| found.about(&**id))
}

fn with_sources(found: Found, licence: &Licence) -> Found {
    let found = licence.sources.iter().fold(found, |found, source| {
        let label = match source.statement.kind {
            crate::licence::SourceKind::Expression => "License-Expression",
            crate::licence::SourceKind::File => "licence files",
            crate::licence::SourceKind::Classifier => "classifiers",
            crate::licence::SourceKind::FreeText => "License",
        };
        let ids = source.statement.ids.join(", ");
        match ids.is_empty() {
            true => found.because(label, &source.statement.text),
            false => found.because(label, format!("{}: {ids}", source.statement.text)),
        }
    });
    let conflicts = licence.conflicts.iter();
    conflicts.fold(found, |found, conflict| found.because("conflict", conflict))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::licence::Licence;
    use crate::policy::Policy;
    use crate::policy::rules::testing::{Case, decide, effect_of};
    use crate::pypi::metadata::CoreMetadata;
    use crate::release_metadata::{ReleaseMetadata, ReleaseObservation};

    fn says(case: Case, headers: &str) -> Case {
        let text = format!("Metadata-Version: 2.4\nName: x\nVersion: 1.0\n{headers}\n");
        let metadata = CoreMetadata::parse(text.as_bytes()).expect("metadata");
        let observed = ReleaseObservation::of(&metadata);
        case.with_release(|release| {
            release.metadata = Fact::Known(Arc::new(ReleaseMetadata::from(observed)));
        })
    }

    #[test]
    fn what_is_not_accepted_is_stopped() {
        let gpl = says(Case::upstream("x"), "License-Expression: GPL-3.0-only");
        let mit = says(Case::upstream("x"), "License-Expression: MIT");
        let bsd = says(
            Case::upstream("x"),
            "Classifier: License :: OSI Approved :: BSD License",
        );
        let both = says(
            Case::upstream("x"),
            "License: GPLv3\nClassifier: License :: OSI Approved :: MIT License",
        );
        for (case, settings, expected) in [
            (&gpl, "allow = ['MIT']", Effect::Deny),
            (&gpl, "deny = ['GPL-*']", Effect::Deny),
            (&gpl, "deny = ['GPL-*']\neffect = 'hold'", Effect::Hold),
            (&gpl, "deny = ['AGPL-*']", Effect::Allow),
            (&gpl, "", Effect::Allow),
            (&gpl, "mode = 'enforce'", Effect::Allow),
            (&mit, "allow = ['MIT', 'Apache-2.0']", Effect::Allow),
            (&bsd, "allow = ['BSD-3-Clause']", Effect::Warn),
            (
                &bsd,
                "allow = ['BSD-3-Clause']\non-unknown = 'deny'",
                Effect::Deny,
            ),
            (&bsd, "allow = ['BSD-*']", Effect::Allow),
            (&both, "allow = ['MIT']", Effect::Warn),
            (&both, "deny-conflicts = true", Effect::Deny),
            (&mit, "deny-conflicts = true", Effect::Allow),
        ] {
            assert_eq!(
                effect_of(&LicenceRule, settings, case),
                expected,
                "{settings}"
            );
        }
    }

    #[test]
    fn metadata_that_was_not_read_is_unknown_and_ours_is_not_asked() {
        let settings = "allow = ['MIT']\non-unknown = 'hold'";
        assert_eq!(
            effect_of(&LicenceRule, settings, &Case::upstream("x")),
            Effect::Hold
        );
        assert_eq!(
            effect_of(&LicenceRule, settings, &Case::nowhere("x")),
            Effect::Allow
        );
        let ours = says(Case::hosted("x"), "License: Proprietary");
        assert_eq!(effect_of(&LicenceRule, settings, &ours), Effect::Allow);
    }

    #[test]
    fn metadata_is_needed_only_where_lists_are_configured() {
        let needs = |text: &str| {
            let policy = Policy::parse("policy.toml", text).expect("sound");
            policy.needs(Need::Metadata)
        };
        assert!(needs("[rules.licence]\nallow = ['MIT']"));
        assert!(needs("[rules.licence]\ndeny-conflicts = true"));
        assert!(!needs("[rules.licence]\nmode = 'off'\nallow = ['MIT']"));
        assert!(!needs(""));
    }

    #[test]
    fn a_refusal_says_what_the_release_says() {
        let case = says(
            Case::upstream("x"),
            "License: GPL\nClassifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
        );
        let decision = decide(&LicenceRule, "allow = ['MIT']", &case);
        insta::assert_snapshot!(decision.sentence(), @"Portcullis denies x 1.0: its licence GPL-3.0-only is not accepted here (licence)");
        let finding = decision.decisive().expect("a finding");
        assert_eq!(
            finding.evidence,
            [
                (
                    "classifiers",
                    "GNU General Public License v3 (GPLv3)".to_owned()
                ),
                ("License", "GPL".to_owned())
            ]
        );
        assert_eq!(finding.about, ["GPL-3.0-only"]);
    }

    #[test]
    fn a_list_with_a_slip_is_a_mistake_at_its_place() {
        let text = "[rules.licence]\nallow = ['MIT', 'Apache 2.0']\n";
        let mistakes = Policy::parse("policy.toml", text)
            .expect_err("a mistake")
            .to_string();
        assert!(
            mistakes.contains("Apache 2.0") && mistakes.contains("policy.toml:2"),
            "{mistakes}"
        );
        assert!(Licence::from_statements(Vec::new()).sources.is_empty());
    }
}
