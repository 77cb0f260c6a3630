//! Conditions over what the inspection saw.

use super::*;
use crate::digest::Sha256;
use crate::inspection::{
    Capability, CapabilityKind, Confidence, ContentFacts, Context, Inspected, Knowledge,
    Observation, Severity, Statistics, fingerprint,
};

fn observation(rule: &str) -> Observation {
    Observation {
        rule: rule.to_owned().into(),
        severity: Severity::Medium,
        confidence: Confidence::CERTAIN,
        file: "demo/__init__.py".into(),
        line: 1,
        column: 1,
        layer: 0,
        context: Context::Import,
        message: "something".to_owned(),
        chain: Vec::new(),
        code_hash: fingerprint(rule, "code"),
    }
}

fn capability(kind: CapabilityKind, context: Context) -> Capability {
    Capability {
        kind,
        context,
        file: "demo/__init__.py".into(),
        line: 1,
        example: "requests.get".into(),
        count: 1,
    }
}

fn inspected(rules: &[&str]) -> Inspected {
    Inspected {
        sha256: Sha256::of(b""),
        revision: 1,
        observations: rules.iter().map(|rule| observation(rule)).collect(),
        excerpts: Vec::new(),
        capabilities: vec![
            capability(CapabilityKind::Network, Context::Import),
            capability(CapabilityKind::Network, Context::Import),
            capability(CapabilityKind::Process, Context::Call),
        ],
        statistics: Statistics::default(),
        complete: true,
    }
}

fn looked_into(inspection: Knowledge<Arc<Inspected>>) -> Case {
    known().content(ContentFacts {
        inspection,
        ..ContentFacts::default()
    })
}

#[test]
fn conditions_see_what_the_inspection_saw() {
    let case = known().inspected(inspected(&["NET-006", "EXE-005", "NET-006"]));
    for when in [
        "inspected",
        "'NET-006' in findings && !('NET-001' in findings)",
        "findings == ['EXE-005', 'NET-006']",
        "findings.exists(id, id.startsWith('NET-'))",
        "'network@import' in capabilities",
        "!('process@install' in capabilities)",
        "capabilities.exists(one, one.startsWith('process@')) && capabilities.size() == 2",
    ] {
        assert_eq!(answer(when, &case), "true", "{when}");
        assert_eq!(answer(&format!("!({when})"), &case), "false", "{when}");
    }
    let decision = decide("findings.size() > 0", &case);
    let finding = decision
        .findings()
        .iter()
        .find(|finding| finding.rule == "tried");
    assert_eq!(finding.expect("a finding").about, ["EXE-005", "NET-006"]);
}

#[test]
fn what_nobody_has_looked_into_yet_is_judged_when_somebody_has() {
    let ahead = looked_into(Knowledge::Ahead);
    let failed = looked_into(Knowledge::not_learned("it took too long"));
    let partly = known().inspected(Inspected {
        complete: false,
        ..inspected(&[])
    });
    for (when, before, without, in_part) in [
        ("'NET-001' in findings", "false", "unknown", "false"),
        ("!('NET-001' in findings)", "false", "unknown", "true"),
        ("capabilities.size() > 5", "false", "unknown", "false"),
        ("inspected", "false", "false", "false"),
        ("!inspected", "false", "true", "true"),
        ("outside || 'NET-001' in findings", "true", "true", "true"),
        ("owned && 'NET-001' in findings", "false", "false", "false"),
        ("licence == 'MIT' && inspected", "false", "false", "false"),
        (
            "licence == 'MIT' || inspected",
            "false",
            "unknown",
            "unknown",
        ),
    ] {
        assert_eq!(answer(when, &ahead), before, "{when}");
        assert_eq!(answer(when, &failed), without, "{when}");
        assert_eq!(answer(when, &partly), in_part, "{when}");
    }
    // Rules over contents are on by default; what is asked here is what conditions alone need.
    let off: String = RULES
        .iter()
        .filter(|rule| !rule.is_law())
        .map(|rule| format!("[rules.{}]\nmode = 'off'\n", rule.id()))
        .collect();
    for (when, looks_inside) in [("inspected", true), ("outside", false)] {
        let text = format!("{off}{}", written(when));
        let policy = Policy::parse("policy.toml", &text).expect("sound");
        assert_eq!(policy.looks_inside(), looks_inside, "{when}");
        let decision = judge(ahead.facts(), &policy, NOW);
        assert_eq!(decision.is_ahead(), looks_inside, "{when}");
    }
}

#[test]
fn a_name_that_no_inspection_tells_is_a_mistake() {
    let mut told = String::new();
    for when in [
        "'NET-01' in findings",
        "'network' in capabilities",
        "'netwrk@import' in capabilities",
        "'network@improt' in capabilities",
    ] {
        let mistakes = Policy::parse("p", &written(when)).expect_err(when);
        let _ = writeln!(told, "{mistakes}");
    }
    insta::assert_snapshot!(told);
}
