//! `not-approved`: an index that serves only what somebody approved.

use std::sync::Arc;

use crate::approval::{Approved, Coverage};
use crate::fact::{Fact, Facts, FileFacts, ProjectFacts};
use crate::policy::rule::{Check, Defaults, Example, Found, Outcome, Rule};
use crate::policy::{Effect, Mode};
use crate::pypi::version::Version;
use crate::settings::Table;
use crate::time::Timestamp;

/// The rule.
#[derive(Debug)]
pub struct NotApproved;

/// How many approved ranges a refusal names.
const NAMED: usize = 3;

impl Rule for NotApproved {
    fn id(&self) -> &'static str {
        "not-approved"
    }

    fn summary(&self) -> &'static str {
        "stops everything from outside that is not on the index's list of approvals"
    }

    fn manual(&self) -> &'static str {
        "Makes an index that serves only what developers were given. `portcullis approve add \
         'flask>=3,<4' --index main --reason …` approves a project or some versions of it; `portcullis \
         approve import uv.lock` approves what a lock file or a bill of materials names, and where it \
         gives digests exactly those files. What an approved project depends on is not approved by \
         that: import the lock file that has it all. What is published here, and owned names, need no \
         approval.\n\n\
         A file is approved when one entry of the list covers its project, its version and, where the \
         entry names files, its SHA-256. `on-unknown` is what happens to a file of which the version or \
         the digest that would decide is not known, and while the list could not be read. Versions that \
         are not approved are listed as yanked while others of the project are, so that installers take \
         an approved one; a project of which nothing is approved is refused with this rule's reason. \
         Observe the rule for a while before it is enforced: `portcullis why` tells what it would stop."
    }

    fn defaults(&self) -> Defaults {
        Defaults {
            mode: Mode::Off,
            effect: Effect::Deny,
            on_unknown: Effect::Deny,
        }
    }

    fn example(&self) -> Example {
        Example {
            settings: "",
            facts: r#"project = "acme-sdk"
version = "1.0"
approved = false"#,
        }
    }

    fn configure(&self, _table: &mut Table<'_>) -> Box<dyn Check> {
        Box::new(Self)
    }
}

impl Check for NotApproved {
    fn check(&self, facts: Facts<'_>, _now: Timestamp) -> Outcome {
        if !facts.is_from_outside() || facts.project.ownership.is_some() {
            return Outcome::Pass;
        }
        let approvals = match &facts.project.approvals {
            Fact::Known(approvals) => approvals,
            Fact::Unknown(why) => {
                return Outcome::Unknown(
                    Found::new(
                        format!("it is not known whether it is approved ({why})"),
                        "try again in a moment",
                    )
                    .because("approvals", format!("unknown: {why}")),
                );
            }
        };
        match facts.file {
            file if approvals.is_empty() => {
                let version = file.and_then(|file| file.version.known());
                Outcome::Found(of_no_project(facts.project, version))
            }
            None => Outcome::Pass,
            Some(file) => of_file(facts.project, file, approvals),
        }
    }
}

fn of_no_project(project: &ProjectFacts, version: Option<&Version>) -> Found {
    let index = &project.index;
    Found::new(
        format!("it is not among the approved projects of index {index}"),
        how_to_ask(project, version),
    )
}

fn of_file(project: &ProjectFacts, file: &FileFacts, approvals: &[Arc<Approved>]) -> Outcome {
    let (version, sha256) = (file.version.known(), file.sha256.known());
    let coverage = approvals
        .iter()
        .map(|approved| approved.covers(version, sha256))
        .max();
    let ask = how_to_ask(project, version);
    match coverage {
        Some(Coverage::Covered) => Outcome::Pass,
        Some(Coverage::Perhaps) => Outcome::Unknown(
            Found::new(
                "it is not known whether it is one of the approved files",
                ask,
            )
            .because("version", told(&file.version))
            .because("SHA-256", told(&file.sha256)),
        ),
        Some(Coverage::OtherFile) => Outcome::Found(
            Found::new(
                "it is not one of the files that are approved of its version",
                ask,
            )
            .because("SHA-256", told(&file.sha256))
            .because("approved", ranges(approvals)),
        ),
        Some(Coverage::OtherVersion) | None => Outcome::Found(
            Found::new(
                format!(
                    "its version is not approved (approved: {})",
                    ranges(approvals)
                ),
                format!("use an approved version, or {ask}"),
            )
            .because("approved", ranges(approvals)),
        ),
    }
}

fn how_to_ask(project: &ProjectFacts, version: Option<&Version>) -> String {
    let (name, index) = (&project.project, &project.index);
    let wanted = match version {
        Some(version) => format!("{name}=={version}"),
        None => name.to_string(),
    };
    format!("ask for it: portcullis review request '{wanted}' --index {index}")
}

fn told<T: std::fmt::Display>(fact: &Fact<T>) -> String {
    match fact {
        Fact::Known(value) => value.to_string(),
        Fact::Unknown(why) => format!("unknown: {why}"),
    }
}

/// What the approvals are about, for people: `>=3,<4 or ==2.3.3`.
fn ranges(approvals: &[Arc<Approved>]) -> String {
    let mut ranges: Vec<String> = Vec::new();
    for approved in approvals {
        let range = match &approved.versions {
            Some(versions) => versions.to_string(),
            None => "some files of any version".to_owned(),
        };
        if !ranges.contains(&range) {
            ranges.push(range);
        }
    }
    let more = ranges.len().saturating_sub(NAMED);
    ranges.truncate(NAMED);
    let named = ranges.join(" or ");
    match more {
        0 => named,
        more => format!("{named} or {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::ApprovalOrigin;
    use crate::digest::Sha256;
    use crate::policy::rules::testing::{Case, decide, effect_of};

    const ON: &str = "mode = 'enforce'";

    fn approvals(case: Case, entries: &[(&str, &[&str])]) -> Case {
        let entry = |(versions, files): &(&str, &[&str])| {
            Arc::new(Approved {
                id: 1,
                projects: "x".parse().expect("a pattern"),
                versions: (!versions.is_empty()).then(|| versions.parse().expect("specifiers")),
                files: files
                    .iter()
                    .map(|file| Sha256::of(file.as_bytes()))
                    .collect(),
                origin: ApprovalOrigin::Typed,
                reason: "wanted".into(),
            })
        };
        let all = entries.iter().map(entry).collect();
        case.with_project(|project| project.approvals = Fact::Known(all))
    }

    #[test]
    fn only_what_is_approved_passes() {
        let with_digest = || Case::upstream("x").sha256(Sha256::of(b"a"));
        for (case, entries, expected) in [
            (Case::upstream("x"), &[][..], Effect::Deny),
            (Case::upstream("x"), &[("", &[][..])], Effect::Allow),
            (Case::upstream("x"), &[(">=1,<2", &[])], Effect::Allow),
            (Case::upstream("x"), &[(">=2", &[])], Effect::Deny),
            (
                Case::upstream("x"),
                &[(">=2", &[]), ("==1.0", &[])],
                Effect::Allow,
            ),
            (with_digest(), &[("==1.0", &["a", "b"])], Effect::Allow),
            (with_digest(), &[("==1.0", &["b"])], Effect::Deny),
            (
                with_digest(),
                &[("==1.0", &["b"]), ("", &[])],
                Effect::Allow,
            ),
            (Case::hosted("x"), &[], Effect::Allow),
            (Case::upstream("x").owned("x"), &[], Effect::Allow),
            (Case::nowhere("x"), &[], Effect::Allow),
        ] {
            let found = effect_of(&NotApproved, ON, &approvals(case, entries));
            assert_eq!(found, expected, "{entries:?}");
        }
    }

    #[test]
    fn an_approval_that_cannot_be_checked_is_none() {
        let by_digest = approvals(Case::upstream("x"), &[("==1.0", &["a"])]);
        assert_eq!(effect_of(&NotApproved, ON, &by_digest), Effect::Deny);
        let hold = format!("{ON}\non-unknown = 'hold'");
        assert_eq!(effect_of(&NotApproved, &hold, &by_digest), Effect::Hold);
        let unread = Case::upstream("x");
        assert_eq!(effect_of(&NotApproved, ON, &unread), Effect::Deny);
        assert_eq!(effect_of(&NotApproved, "", &unread), Effect::Allow);
    }

    #[test]
    fn a_refusal_says_what_is_approved_and_how_to_ask() {
        let some = approvals(
            Case::upstream("x"),
            &[(">=2,<3", &[]), ("==4", &[]), ("==5", &[]), ("==6", &[])],
        );
        for (case, name) in [
            (approvals(Case::upstream("x"), &[]), "nothing"),
            (some, "other versions"),
            (
                approvals(Case::upstream("x"), &[("==1.0", &["a"])]),
                "unknown digest",
            ),
        ] {
            let decision = decide(&NotApproved, ON, &case);
            let finding = decision.decisive().expect("a finding");
            insta::assert_snapshot!(
                format!("not_approved_{}", name.replace(' ', "_")),
                format!(
                    "{}\n{}\n{:#?}",
                    decision.sentence(),
                    finding.remedy,
                    finding.evidence
                )
            );
        }
    }
}
