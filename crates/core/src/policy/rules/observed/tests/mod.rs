//! What both rules come to, case by case: what weighs how much.

use std::sync::Arc;

use super::*;
use crate::inspection::{
    CERTAIN, Confidence, ContentFacts, Context, Severity, Statistics, fingerprint,
};
use crate::policy::rule::Rule;
use crate::policy::rules::broken_archive::BrokenArchive;
use crate::policy::rules::malicious_code::MaliciousCode;
use crate::policy::rules::testing::{Case, NOW, decide, effect_of};
use crate::policy::{Decision, Policy, judge};

mod lifting;
mod words;

const ON: &str = "mode = 'enforce'";

fn seen(rule: &str, severity: Severity, context: Context, confidence: u8) -> Observation {
    Observation {
        rule: rule.to_owned().into(),
        severity,
        confidence: Confidence::of(confidence).in_context(context),
        file: "demo/__init__.py".into(),
        line: 3,
        column: 1,
        layer: 0,
        context,
        message: "secrets from os.environ are sent to https://collect.invalid".to_owned(),
        chain: Vec::new(),
        code_hash: fingerprint(rule, "requests.post(url, json=dict(os.environ))"),
    }
}

/// Certain, critical and unasked.
fn worst(rule: &str) -> Observation {
    seen(rule, Severity::Critical, Context::Import, 95)
}

fn suspicious(rule: &str) -> Observation {
    seen(rule, Severity::High, Context::Call, 80)
}

fn left_out(rule: &str) -> Observation {
    seen(rule, Severity::Medium, Context::Import, 100)
}

fn inspected(observations: &[Observation]) -> Inspected {
    let is_left_out = Observation::is_about_completeness;
    Inspected {
        sha256: crate::digest::Sha256::of(b"bytes"),
        revision: 1,
        complete: !observations.iter().any(is_left_out),
        observations: observations.to_vec(),
        excerpts: Vec::new(),
        capabilities: Vec::new(),
        statistics: Statistics::default(),
    }
}

fn outside(observations: &[Observation]) -> Case {
    Case::upstream("demo").inspected(inspected(observations))
}

fn inside(observations: &[Observation]) -> Case {
    Case::hosted("demo").inspected(inspected(observations))
}

fn not_inspected() -> Case {
    Case::upstream("demo").content(ContentFacts {
        inspection: Knowledge::not_learned("being inspected, ask again in 5 s"),
        ..ContentFacts::default()
    })
}

fn code(settings: &str, case: &Case) -> Effect {
    effect_of(&MaliciousCode, &format!("{ON}\n{settings}"), case)
}

fn archive(settings: &str, case: &Case) -> Effect {
    effect_of(&BrokenArchive, &format!("{ON}\n{settings}"), case)
}

#[test]
fn the_worst_finding_decides() {
    use Context::{Call, Import, Startup, Test};
    use Effect::{Allow, Deny, Hold, Warn};
    use Severity::{Critical, High, Info, Low, Medium};
    for (severity, context, confidence, expected) in [
        (Critical, Import, 95, Deny),
        (High, Startup, CERTAIN.per_cent(), Deny),
        (Critical, Import, 80, Hold),
        (Critical, Call, 100, Hold),
        (High, Test, 100, Warn),
        (Medium, Import, 100, Warn),
        (Low, Import, 100, Allow),
        (Info, Import, 100, Allow),
    ] {
        let one = outside(&[seen("NET-001", severity, context, confidence)]);
        assert_eq!(code("", &one), expected, "{severity} {context}");
        let both = outside(&[suspicious("EXE-001"), worst("NET-001")]);
        assert_eq!(code("", &both), Deny);
    }
    assert_eq!(code("", &outside(&[])), Allow);
    let denied = outside(&[worst("NET-001")]);
    for effect in Effect::ALL {
        let settings = format!("effect = '{effect}'");
        assert_eq!(code(&settings, &denied), effect);
        let held = outside(&[suspicious("NET-001")]);
        assert_eq!(code(&settings, &held), effect.min(Hold));
    }
}

#[test]
fn what_is_about_the_archive_and_what_is_about_the_code_have_a_rule_each() {
    for id in crate::inspection::INSPECTION_RULES {
        let case = outside(&[worst(id)]);
        let effects = [code("", &case), archive("", &case)];
        let expected = match id {
            "ENG-002" => [Effect::Hold, Effect::Allow],
            "ARC-012" => [Effect::Allow, Effect::Hold],
            _ if worst(id).is_about_the_archive() => [Effect::Allow, Effect::Deny],
            _ => [Effect::Deny, Effect::Allow],
        };
        assert_eq!(effects, expected, "{id}");
    }
}

#[test]
fn ignorance_is_never_permission() {
    for effect in Effect::ALL {
        let unknown = format!("on-unknown = '{effect}'");
        assert_eq!(code(&unknown, &not_inspected()), effect);
        assert_eq!(archive(&unknown, &not_inspected()), effect);
    }
    assert_eq!(code("", &not_inspected()), Effect::Hold);
    assert_eq!(archive("", &not_inspected()), Effect::Hold);
    // Nobody has received it yet: it is judged again before anybody does.
    let ahead = Case::upstream("demo");
    assert_eq!(code("on-unknown = 'deny'", &ahead), Effect::Allow);
    assert!(decide(&MaliciousCode, ON, &ahead).is_ahead());
    assert!(!decide(&MaliciousCode, ON, &outside(&[])).is_ahead());
    assert!(!decide(&MaliciousCode, ON, &not_inspected()).is_ahead());
}

#[test]
fn a_part_that_was_not_looked_at_has_the_effect_that_the_policy_says() {
    let partly = outside(&[left_out("ENG-002")]);
    let unread = outside(&[left_out("ARC-012")]);
    for effect in Effect::ALL {
        let settings = format!("incomplete = '{effect}'");
        assert_eq!(code(&settings, &partly), effect);
        assert_eq!(archive(&settings, &unread), effect);
        let weakened = format!("{settings}\neffect = 'allow'");
        assert_eq!(code(&weakened, &partly), effect);
    }
    // The strictest of what was seen and of what was not.
    let both = outside(&[left_out("ENG-002"), worst("NET-001")]);
    assert_eq!(code("", &both), Effect::Deny);
    assert_eq!(code("effect = 'warn'", &both), Effect::Hold);
    let both = outside(&[left_out("ENG-002"), suspicious("NET-001")]);
    assert_eq!(code("incomplete = 'deny'", &both), Effect::Deny);
    assert_eq!(code("incomplete = 'allow'", &both), Effect::Hold);
    // Nothing says what was left out: it may have been code.
    let untold = Inspected {
        complete: false,
        ..inspected(&[])
    };
    let untold = Case::upstream("demo").inspected(untold);
    assert_eq!(
        (code("", &untold), archive("", &untold)),
        (Effect::Hold, Effect::Allow)
    );
}

#[test]
fn in_files_from_inside_only_what_is_certain_acts() {
    use Effect::{Allow, Deny, Hold, Warn};
    for (observation, certain, all) in [
        (worst("NET-001"), Deny, Deny),
        (suspicious("NET-001"), Warn, Hold),
        (left_out("ENG-002"), Warn, Hold),
        (
            seen("NET-001", Severity::Medium, Context::Import, 100),
            Warn,
            Warn,
        ),
    ] {
        let case = inside(&[observation]);
        assert_eq!(code("", &case), certain);
        assert_eq!(code("inside = 'certain'", &case), certain);
        assert_eq!(code("inside = 'all'", &case), all);
        assert_eq!(code("inside = 'off'", &case), Allow);
        assert_eq!(code("incomplete = 'deny'", &case), certain);
    }
    let off = outside(&[worst("NET-001")]);
    assert_eq!(code("inside = 'off'", &off), Deny);
}

#[test]
fn findings_are_ignored_by_id_and_by_confidence() {
    let case = outside(&[worst("NET-001")]);
    assert_eq!(code("off = ['NET-001']", &case), Effect::Allow);
    assert_eq!(code("off = ['NET-002']", &case), Effect::Deny);
    // 95 per cent at import are 76.
    assert_eq!(code("minimum-confidence = 76", &case), Effect::Deny);
    assert_eq!(code("minimum-confidence = 77", &case), Effect::Allow);
    let unsure = outside(&[seen("ENG-002", Severity::Medium, Context::Call, 1)]);
    assert_eq!(code("minimum-confidence = 100", &unsure), Effect::Hold);
    assert_eq!(code("off = ['ENG-002']", &unsure), Effect::Allow);
}

#[test]
fn slips_in_the_settings_are_told() {
    let text = "[rules.malicious-code]\noff = ['NET-0001', 'nonsense', 'ARC-003', 'EXE-001']\n\
                minimum-confidence = 101\nincomplete = 'maybe'\ninside = 'sometimes'\n\
                [rules.broken-archive]\noff = 'NET-001'\n";
    let mistakes = Policy::parse("policy.toml", text).expect_err("mistakes");
    insta::assert_snapshot!(mistakes.to_string());
}

/// What is decided where of the two rules only `malicious-code` is on.
fn under(policy: &str, case: &Case) -> Decision {
    let text =
        format!("[rules.malicious-code]\n{ON}\n[rules.broken-archive]\nmode = 'off'\n{policy}");
    let policy = Policy::parse("policy.toml", &text).unwrap_or_else(|error| panic!("{error}"));
    judge(case.facts(), &policy, NOW)
}
