//! What lifts a finding over observations: exceptions from one of them, and approvals of the same code.

use super::*;
use crate::policy::Standing;
use crate::waiver::Waiver;

const EXCEPTION: &str =
    "[[exceptions]]\nproject = 'demo'\nrule = 'malicious-code'\nreason = 'r'\nowner = 'o'\n";

#[test]
fn an_exception_may_name_one_finding_and_one_content() {
    let (one, two) = (
        &[worst("NET-001")][..],
        &[worst("NET-001"), suspicious("EXE-001")][..],
    );
    let digest = crate::digest::Sha256::of(b"bytes");
    let other = crate::digest::Sha256::of(b"others");
    for (exception, case, expected) in [
        ("", outside(two), Effect::Allow),
        ("finding = 'NET-001'", outside(one), Effect::Allow),
        ("finding = 'NET-001'", outside(two), Effect::Hold),
        ("finding = 'NET-002'", outside(one), Effect::Deny),
        (
            "finding = 'NET-001'\nversion = '==1.1'",
            outside(one),
            Effect::Deny,
        ),
        (
            "finding = 'NET-001'\nexpires = 2020-01-01",
            outside(one),
            Effect::Deny,
        ),
        (&format!("sha256 = '{digest}'"), outside(one), Effect::Deny),
        (
            &format!("sha256 = '{digest}'"),
            outside(two).sha256(digest),
            Effect::Allow,
        ),
        (
            &format!("sha256 = '{digest}'"),
            outside(one).sha256(other),
            Effect::Deny,
        ),
        (
            &format!("sha256 = '{digest}'\nfinding = 'NET-001'"),
            outside(two).sha256(digest),
            Effect::Hold,
        ),
    ] {
        let decision = under(&format!("{EXCEPTION}{exception}"), &case);
        assert_eq!(decision.effect(), expected, "{exception}");
    }
    let lifted = under(
        &format!("{EXCEPTION}finding = 'NET-001'\nexpires = 2099-01-01"),
        &outside(one),
    );
    let finding = &lifted.findings()[0];
    assert!(
        matches!(finding.standing, Standing::Excepted(_)),
        "{finding:?}"
    );
    assert_eq!(
        lifted.changes_at(),
        Some("2099-01-01".parse().expect("a date"))
    );
    let both = format!("{EXCEPTION}finding = 'NET-001'\n{EXCEPTION}finding = 'EXE-001'\n");
    assert!(under(&both, &outside(two)).lets_through());
}

#[test]
fn an_exception_from_a_finding_of_another_rule_is_a_mistake() {
    let text = "[[exceptions]]\nproject = 'demo'\nrule = 'malicious-code'\nfinding = 'ARC-004'\n\
                reason = 'r'\nowner = 'o'\n\
                [[exceptions]]\nproject = 'demo'\nrule = 'too-young'\nfinding = 'NET-01'\n\
                sha256 = 'abc'\nreason = 'r'\nowner = 'o'\n";
    let mistakes = Policy::parse("policy.toml", text).expect_err("mistakes");
    insta::assert_snapshot!(mistakes.to_string());
}

fn waiver(about: &[&Observation]) -> Waiver {
    Waiver {
        review: 7,
        index: None,
        project: "demo".parse().expect("a name"),
        versions: Some("==0.9".parse().expect("specifiers")),
        rule: "malicious-code".into(),
        about: about.iter().map(|seen| seen.identity()).collect(),
        reason: "it is our own telemetry".into(),
        owner: "security".into(),
        expires: Some(NOW.plus_millis(1000)),
    }
}

fn waived(case: Case, waivers: Vec<Waiver>) -> Case {
    case.with_project(|project| project.waivers = waivers.into_iter().map(Arc::new).collect())
}

#[test]
fn what_a_reviewer_has_approved_is_lifted_in_other_versions() {
    let (net, exe) = (worst("NET-001"), suspicious("EXE-001"));
    let approved = |about: &[&Observation], case: Case| waived(case, vec![waiver(about)]);
    let decision = under("", &approved(&[&net], outside(std::slice::from_ref(&net))));
    let finding = &decision.findings()[0];
    assert!(
        matches!(finding.standing, Standing::Waived(_)),
        "{finding:?}"
    );
    assert_eq!(decision.changes_at(), Some(NOW.plus_millis(1000)));
    // What is new in a version is found, and what is known stays quiet.
    let both = [net.clone(), exe.clone()];
    let partly = under("", &approved(&[&net], outside(&both)));
    let finding = partly.decisive().expect("a finding");
    assert_eq!(partly.effect(), Effect::Hold);
    assert_eq!(finding.about, [exe.identity()]);
    assert_eq!(partly.changes_at(), Some(NOW.plus_millis(1000)));
    // Approvals of several reviews add up.
    let both = waived(outside(&both), vec![waiver(&[&net]), waiver(&[&exe])]);
    assert!(under("", &both).lets_through());
}

#[test]
fn an_approval_is_for_the_same_code_at_the_same_time_while_it_is_in_force() {
    let net = worst("NET-001");
    let earlier = seen("NET-001", Severity::Critical, Context::Startup, 95);
    let changed = Observation {
        code_hash: fingerprint("NET-001", "requests.post(other, json=dict(os.environ))"),
        ..net.clone()
    };
    let moved = Observation {
        file: "demo/telemetry.py".into(),
        line: 90,
        ..net.clone()
    };
    let given = |change: fn(&mut Waiver)| {
        let mut waiver = waiver(&[&net]);
        change(&mut waiver);
        waiver
    };
    for (observation, waiver, expected) in [
        (&net, given(|_| ()), Effect::Allow),
        (&moved, given(|_| ()), Effect::Allow),
        (&earlier, given(|_| ()), Effect::Deny),
        (&changed, given(|_| ()), Effect::Deny),
        (
            &net,
            given(|waiver| waiver.expires = Some(NOW)),
            Effect::Deny,
        ),
        (&net, given(|waiver| waiver.expires = None), Effect::Allow),
        (
            &net,
            given(|waiver| waiver.rule = "broken-archive".into()),
            Effect::Deny,
        ),
        (
            &net,
            given(|waiver| waiver.index = Some("other".parse().expect("a label"))),
            Effect::Deny,
        ),
        (
            &net,
            given(|waiver| waiver.project = "demo2".parse().expect("a name")),
            Effect::Deny,
        ),
    ] {
        let case = waived(outside(std::slice::from_ref(observation)), vec![waiver]);
        assert_eq!(under("", &case).effect(), expected, "{observation:?}");
    }
}

#[test]
fn a_waiver_for_a_finding_does_not_cover_what_was_not_looked_at() {
    let net = worst("NET-001");
    let of_this_version = Waiver {
        versions: None,
        ..waiver(&[&net])
    };
    let partly = outside(&[left_out("ENG-002")]);
    let partly = waived(partly, vec![of_this_version.clone()]);
    assert_eq!(under("", &partly).effect(), Effect::Hold);
    let unknown = waived(not_inspected(), vec![of_this_version.clone()]);
    assert_eq!(under("", &unknown).effect(), Effect::Hold);
    let accepted = Waiver {
        about: vec!["not inspected".to_owned()],
        ..of_this_version
    };
    assert!(under("", &waived(not_inspected(), vec![accepted])).lets_through());
}

#[test]
fn more_findings_than_a_waiver_remembers_are_remembered_together() {
    let many: Vec<Observation> = (0..300)
        .map(|number| Observation {
            code_hash: fingerprint("NET-001", &number.to_string()),
            ..worst("NET-001")
        })
        .collect();
    let decision = under("", &outside(&many));
    let about = &decision.findings()[0].about;
    assert_eq!(about.len(), 1);
    let all = Waiver {
        versions: None,
        about: about.clone(),
        ..waiver(&[])
    };
    assert!(under("", &waived(outside(&many), vec![all.clone()])).lets_through());
    assert!(!under("", &waived(outside(&many[1..]), vec![all])).lets_through());
}
