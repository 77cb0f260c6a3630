//! The policy: which rules are in force, and [`judge`], the only maker of a [`Decision`]. Judging is
//! pure and total; it is done again from the facts each time, so that an edited policy or the passing
//! of time acts at once.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::fact::Facts;
use crate::inspection::InspectionRule;
use crate::pypi::name::NamePattern;
use crate::pypi::version::{VersionSpecifiers, admits};
use crate::time::Timestamp;

pub mod rule;
pub mod rules;
pub mod conditions;
pub mod expectations;
pub mod examples;
mod config;
mod decision;

pub use decision::{Decision, Finding, Standing, Subject};

use conditions::Condition;
use rule::{Check, Need, Outcome};

/// The id of a rule, for example `too-young`, or of a condition that a policy defines.
pub type RuleId = Cow<'static, str>;

/// What a decision does to a file, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It passes.
    Allow,
    /// It passes, and the finding is shown where the client can show it.
    Warn,
    /// It waits: for time to pass, or for a reviewer.
    Hold,
    /// It does not pass.
    Deny,
}

/// Whether a rule acts, only watches, or does not run at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It does not run.
    Off,
    /// Its findings are recorded and shown, and change nothing.
    Observe,
    /// Its findings take effect.
    Enforce,
}

macro_rules! words {
    ($type:ident, $what:literal, $($word:literal => $variant:ident),+) => {
        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(format!("{other:?} is not {}", $what)),
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word,)+ })
            }
        }
    };
}

words!(Effect, "an effect (allow, warn, hold, deny)",
    "allow" => Allow, "warn" => Warn, "hold" => Hold, "deny" => Deny);
words!(Mode, "a mode (off, observe, enforce)",
    "off" => Off, "observe" => Observe, "enforce" => Enforce);

impl Effect {
    /// Every effect, from the mildest.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Hold, Self::Deny];

    /// What it does to its subject, in a sentence: `Portcullis holds flask 3.1.3`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Allow => "allows",
            Self::Warn => "warns about",
            Self::Hold => "holds",
            Self::Deny => "denies",
        }
    }
}

/// The line of the policy that decided, as `policy.toml:4`, or `built-in defaults`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyLine {
    /// The file's name.
    pub file: Arc<str>,
    /// The line, 1-based; `None` for a default that no file mentions.
    pub line: Option<u32>,
}

impl fmt::Display for PolicyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str("built-in defaults"),
        }
    }
}

/// A policy that was read without mistakes. Made by [`Policy::parse`] and [`Policy::built_in`].
#[derive(Debug)]
pub struct Policy {
    digest: Sha256,
    file: Arc<str>,
    rules: Vec<ConfiguredRule>,
    conditions: Vec<Condition>,
    exceptions: Vec<Exception>,
    /// Whether a rule in force wants to know what the inspection saw.
    looks_inside: bool,
}

/// A rule with the settings that the policy gives it.
#[derive(Debug)]
pub struct ConfiguredRule {
    /// The rule's id.
    pub id: RuleId,
    /// One line: what it stops.
    pub summary: Cow<'static, str>,
    /// Off, observed or enforced.
    pub mode: Mode,
    /// What its finding does.
    pub effect: Effect,
    /// What it does when a fact that it needs is unknown.
    pub on_unknown: Effect,
    /// Where the policy says so.
    pub line: PolicyLine,
    /// Whether it states a promise, so that nothing lifts it.
    is_law: bool,
    /// Whether what it stops is left out rather than shown as refused.
    is_filter: bool,
    check: Box<dyn Check>,
}

/// A written exception to a rule, with an owner and an end.
#[derive(Clone, Debug)]
pub struct Exception {
    /// Which projects.
    pub project: NamePattern,
    /// Which versions; all when absent.
    pub version: Option<VersionSpecifiers>,
    /// The file's content; every content when absent.
    pub sha256: Option<Sha256>,
    /// The rule that does not apply.
    pub rule: RuleId,
    /// The one finding of the inspection that the rule does not rest on; without it, the rule does not
    /// apply at all.
    pub finding: Option<InspectionRule>,
    /// Why.
    pub reason: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// The moment from which it no longer applies.
    pub expires: Option<Timestamp>,
    /// Where it is written.
    pub line: PolicyLine,
}

/// Judges `facts` under `policy` at the moment `now`. This is the only way to a [`Decision`].
pub fn judge(facts: Facts<'_>, policy: &Policy, now: Timestamp) -> Decision {
    let mut findings = Vec::new();
    let mut changes_at = None;
    for configured in &policy.rules {
        earliest(&mut changes_at, configured.check.changes_at(facts, now));
        let Some(finding) = configured.finding(facts, now) else {
            continue;
        };
        let finding = match configured.is_law {
            true => finding,
            false => policy.with_exceptions(finding, facts, now, &mut changes_at),
        };
        earliest(&mut changes_at, finding.until);
        findings.push(finding);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.takes_effect()));
    Decision {
        subject: Subject::of(facts),
        effect: findings
            .iter()
            .map(Finding::takes_effect)
            .max()
            .unwrap_or(Effect::Allow),
        findings,
        policy: policy.digest,
        changes_at,
        is_ahead: facts.inspection().is_ahead() && policy.looks_inside,
    }
}

fn earliest(moment: &mut Option<Timestamp>, candidate: Option<Timestamp>) {
    *moment = match (*moment, candidate) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

impl ConfiguredRule {
    /// Whether the rule needs something that is not always gathered.
    pub fn needs(&self, need: Need) -> bool {
        self.check.needs().contains(&need)
    }

    fn finding(&self, facts: Facts<'_>, now: Timestamp) -> Option<Finding> {
        let standing = match self.mode {
            Mode::Observe => Standing::Observed,
            Mode::Off | Mode::Enforce => Standing::Enforced,
        };
        let (effect, found, standing) = match self.check.check(facts, now) {
            Outcome::Pass => return None,
            Outcome::Found(found) => (self.effect, found, standing),
            Outcome::Lifted(lifted) => (self.effect, lifted.0, lifted.1.into()),
            Outcome::Unknown(found) if found.is_general && self.on_unknown == Effect::Allow => {
                return None;
            }
            Outcome::Unknown(found) => (self.on_unknown, found, standing),
        };
        Some(Finding {
            rule: self.id.clone(),
            effect: found.strength.applied_to(effect),
            standing,
            message: found.message,
            evidence: found.evidence,
            remedy: found.remedy,
            line: self.line.clone(),
            until: found.until,
            about: found.about,
            is_filter: self.is_filter,
        })
    }
}

impl Policy {
    /// SHA-256 of what the policy says, recorded with each decision. The built-in defaults are part
    /// of it, so that a new release of Portcullis with other defaults is another policy.
    pub fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The file it was read from, or `built-in defaults`.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The rules that are not off, in the order in which they are judged.
    pub fn rules(&self) -> &[ConfiguredRule] {
        &self.rules
    }

    /// Whether a rule in force needs something that is not always gathered.
    pub fn needs(&self, need: Need) -> bool {
        let needs = |rule: &ConfiguredRule| rule.check.needs().contains(&need);
        self.rules.iter().any(needs)
    }

    /// Whether a rule in force wants to know what the inspection saw in the bytes of files.
    pub fn looks_inside(&self) -> bool {
        self.looks_inside
    }

    /// The conditions that it defines, those that are off too, in the order of the alphabet.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// Up to which age, in days, a rule in force wants to know who published a release that fixes a
    /// vulnerability; 0 when none does.
    pub fn publisher_matters_for(&self) -> i64 {
        let days = |rule: &ConfiguredRule| rule.check.publisher_matters_for();
        self.rules.iter().map(days).max().unwrap_or(0)
    }

    /// The exceptions, in the order of the file.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    fn with_exceptions(
        &self,
        mut finding: Finding,
        facts: Facts<'_>,
        now: Timestamp,
        changes_at: &mut Option<Timestamp>,
    ) -> Finding {
        if finding.is_lifted() {
            return finding;
        }
        let lifts_all = |exception: &&Exception| {
            exception.finding.is_none() && exception.applies(&finding.rule, facts, now)
        };
        if let Some(exception) = self.exceptions.iter().find(lifts_all) {
            earliest(changes_at, exception.expires);
            finding.standing = Standing::Excepted(exception.clone());
            return finding;
        }
        let waivable = finding.waivable(facts);
        let mut waivers = facts.project.waivers.iter();
        if let Some(waiver) = waivers.find(|waiver| waiver.covers(waivable, now)) {
            earliest(changes_at, waiver.expires);
            finding.standing = Standing::Waived(Arc::clone(waiver));
        }
        finding
    }
}

impl Exception {
    /// Whether it is an exception from `rule` for what is judged at the moment `now`.
    fn applies(&self, rule: &str, facts: Facts<'_>, now: Timestamp) -> bool {
        let version = facts.file.and_then(|file| file.version.known());
        let sha256 = facts.file.and_then(|file| file.sha256.known());
        self.rule == rule
            && self.sha256.is_none_or(|own| Some(&own) == sha256)
            && self.expires.is_none_or(|expires| now < expires)
            && self.project.matches(&facts.project.project)
            && match (&self.version, version) {
                (None, _) => true,
                (Some(specifiers), Some(version)) => admits(specifiers, version),
                (Some(_), None) => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::rules::testing::{Case, NOW};
    use super::*;

    fn effect(policy: &str, case: &Case) -> Effect {
        let policy = Policy::parse("policy.toml", policy).unwrap_or_else(|error| panic!("{error}"));
        judge(case.facts(), &policy, NOW).effect()
    }

    fn young() -> Case {
        Case::upstream("urllib3").uploaded(NOW)
    }

    #[test]
    fn the_strictest_finding_decides() {
        let case = young().prohibited("urllib3");
        let decision = judge(case.facts(), &Policy::built_in(), NOW);
        assert_eq!(decision.effect(), Effect::Deny);
        assert_eq!(
            decision.decisive().map(|finding| &*finding.rule),
            Some("prohibited-name")
        );
        assert_eq!(decision.findings().len(), 2);
    }

    #[test]
    fn a_rule_that_only_observes_changes_nothing_and_is_seen() {
        let policy = Policy::parse("p", "[rules.too-young]\nmode = 'observe'").expect("sound");
        let decision = judge(young().facts(), &policy, NOW);
        assert_eq!(
            (decision.effect(), decision.findings().len()),
            (Effect::Allow, 1)
        );
        assert_eq!(
            effect("[rules.too-young]\nmode = 'off'", &young()),
            Effect::Allow
        );
    }

    #[test]
    fn ignorance_is_never_permission() {
        let unknown = Case::upstream("x");
        for (policy, expected) in [("on-unknown = 'hold'", Effect::Hold), ("", Effect::Allow)] {
            assert_eq!(
                effect(&format!("[rules.too-young]\n{policy}"), &unknown),
                expected
            );
        }
    }

    const EXCEPTION: &str = "[[exceptions]]\nproject = 'urllib3'\nrule = 'too-young'\n\
                             reason = 'fixes a hole'\nowner = 'security@acme.example'\n";

    #[test]
    fn an_exception_is_for_its_project_rule_version_and_time() {
        for (more, case, expected) in [
            ("", young(), Effect::Allow),
            ("version = '==1.0'", young(), Effect::Allow),
            ("version = '==2.0'", young(), Effect::Hold),
            ("expires = 2099-01-01", young(), Effect::Allow),
            ("expires = '2020-01-01'", young(), Effect::Hold),
            ("", Case::upstream("urllib4").uploaded(NOW), Effect::Hold),
            ("", young().prohibited("urllib3"), Effect::Deny),
        ] {
            assert_eq!(
                effect(&format!("{EXCEPTION}{more}"), &case),
                expected,
                "{more}"
            );
        }
    }

    #[test]
    fn a_decision_knows_when_it_changes_by_itself() {
        let expires: Timestamp = "2099-01-01".parse().expect("a date");
        let text = format!("{EXCEPTION}expires = 2099-01-01");
        let policy = Policy::parse("p", &text).expect("sound");
        let decision = judge(young().facts(), &policy, NOW);
        assert_eq!(
            decision.changes_at(),
            Some(NOW.plus_millis(3 * Timestamp::DAY))
        );
        assert!(decision.changes_at() < Some(expires));
    }

    #[test]
    fn the_same_facts_under_the_same_policy_have_the_same_id() {
        let judged = |policy: &str| {
            let policy = Policy::parse("p", policy).expect("sound");
            judge(young().facts(), &policy, NOW).id()
        };
        assert_eq!(judged(""), judged(""));
        assert_ne!(judged(""), judged("[rules.too-young]\ndays = 4"));
        assert_eq!(judged("").len(), 10);
    }

    #[test]
    fn mistakes_in_a_policy_are_shown_together() {
        let text = "[rules.too-yuong]\n[rules.too-young]\nmode = 'on'\ndays = -1\n\
                    [rules.owned-name]\nmode = 'off'\n\
                    [[exceptions]]\nproject = 'a b'\nrule = 'changed-hash'\n";
        let mistakes = Policy::parse("policy.toml", text).expect_err("mistakes");
        insta::assert_snapshot!(mistakes.to_string());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_parsing_panic(text in proptest::prelude::any::<String>()) {
            let _ = Policy::parse("p", &text);
        }
    }
}
