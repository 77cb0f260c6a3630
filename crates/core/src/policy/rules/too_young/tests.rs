//! Cases of `too-young`.

use super::*;
use crate::policy::rules::testing::{Case, NOW, decide, effect_of};
use crate::pypi::provenance::{Publisher, publishers};

fn days_ago(days: i64) -> Timestamp {
    NOW.plus_millis(-days * Timestamp::DAY)
}

fn uploaded(days: i64) -> Case {
    Case::upstream("x").uploaded(days_ago(days))
}

fn seen(case: Case, days: i64) -> Case {
    case.with_file(|file| file.first_seen = Fact::Known(days_ago(days)))
}

fn publisher(repository: &str) -> Publisher {
    let object = format!(
        r#"{{"attestation_bundles": [{{"publisher": {{"kind": "GitHub", "repository": "{repository}"}}}}]}}"#
    );
    publishers(object.as_bytes()).expect("sound").remove(0)
}

/// A release of today that fixes an advisory of some days ago.
fn fixing(advisory_days: i64, publisher: Fact<PublisherStanding>) -> Case {
    uploaded(0).with_release(|release| {
        release.fixes = Fact::Known(vec![Fix {
            advisory: "PYSEC-2026-1".to_owned(),
            published: days_ago(advisory_days),
        }]);
        release.publisher = publisher;
    })
}

fn same() -> Fact<PublisherStanding> {
    Fact::Known(PublisherStanding::Same(publisher("acme/x")))
}

#[test]
fn young_files_from_outside_are_held_until_they_are_old_enough() {
    for (days, expected) in [
        (-1, Effect::Hold),
        (0, Effect::Hold),
        (2, Effect::Hold),
        (3, Effect::Allow),
    ] {
        assert_eq!(
            effect_of(&TooYoung, "", &uploaded(days)),
            expected,
            "{days}"
        );
    }
    assert_eq!(
        effect_of(&TooYoung, "days = 0", &uploaded(0)),
        Effect::Allow
    );
    assert_eq!(
        effect_of(&TooYoung, "days = 30\neffect = 'deny'", &uploaded(9)),
        Effect::Deny
    );
}

#[test]
fn what_is_published_here_is_never_held() {
    assert_eq!(
        effect_of(
            &TooYoung,
            "not-after = 2020-01-01",
            &Case::hosted("x").uploaded(NOW)
        ),
        Effect::Allow
    );
}

#[test]
fn an_unknown_age_is_what_the_policy_says() {
    let unknown = Case::upstream("x");
    assert_eq!(effect_of(&TooYoung, "", &unknown), Effect::Allow);
    for effect in [Effect::Warn, Effect::Hold, Effect::Deny] {
        assert_eq!(
            effect_of(&TooYoung, &format!("on-unknown = '{effect}'"), &unknown),
            effect
        );
    }
}

#[test]
fn the_most_specific_pattern_gives_the_days() {
    let settings = "days = 3\ndays-for = { 'acme-*' = 0, 'acme-core-*' = 9, 'acme-core-x' = 1 }";
    for (name, days, expected) in [
        ("flask", 2, Effect::Hold),
        ("acme-web", 0, Effect::Allow),
        ("acme-core-y", 8, Effect::Hold),
        ("acme-core-x", 0, Effect::Hold),
        ("acme-core-x", 1, Effect::Allow),
    ] {
        let case = Case::upstream(name).uploaded(days_ago(days));
        assert_eq!(
            effect_of(&TooYoung, settings, &case),
            expected,
            "{name} {days}"
        );
    }
}

#[test]
fn the_second_clock_cannot_be_set_from_outside() {
    let settings = "seen-days = 2\non-unknown = 'hold'";
    for (case, expected) in [
        (seen(uploaded(900), 0), Effect::Hold),
        (seen(uploaded(900), 2), Effect::Allow),
        (seen(uploaded(1), 9), Effect::Hold),
        (seen(Case::upstream("x"), 1), Effect::Hold),
        (seen(Case::upstream("x"), 2), Effect::Allow),
        (uploaded(900), Effect::Hold),
    ] {
        assert_eq!(effect_of(&TooYoung, settings, &case), expected, "{case:?}");
    }
    let decision = decide(&TooYoung, settings, &seen(uploaded(900), 0));
    assert_eq!(
        decision.changes_at(),
        Some(NOW.plus_millis(2 * Timestamp::DAY))
    );
}

#[test]
fn a_cutoff_holds_what_is_newer_and_knows_no_mercy() {
    let settings = format!("days = 0\nnot-after = '{}'", days_ago(10));
    for (case, expected) in [
        (uploaded(11), Effect::Allow),
        (uploaded(10), Effect::Hold),
        (fixing(5, same()), Effect::Hold),
        (seen(Case::upstream("x"), 11), Effect::Allow),
        (seen(Case::upstream("x"), 9), Effect::Allow),
    ] {
        assert_eq!(effect_of(&TooYoung, &settings, &case), expected, "{case:?}");
    }
    let strict = format!("{settings}\non-unknown = 'deny'");
    assert_eq!(
        effect_of(&TooYoung, &strict, &seen(Case::upstream("x"), 9)),
        Effect::Deny
    );
}

#[test]
fn a_fix_passes_early_when_its_publisher_did_not_change() {
    let changed = Fact::Known(PublisherStanding::Changed {
        before: publisher("acme/x"),
        now: publisher("mallory/x"),
    });
    let gone = Fact::Known(PublisherStanding::NoLongerAttested(publisher("acme/x")));
    let incomparable = Fact::Known(PublisherStanding::NotComparable);
    let unknown = Fact::Unknown("its index did not answer".into());
    for (settings, case, expected) in [
        ("", fixing(5, same()), Effect::Allow),
        ("", fixing(1, same()), Effect::Allow),
        ("", fixing(0, same()), Effect::Hold),
        ("fix-days = 0", fixing(0, same()), Effect::Allow),
        ("fix-days = 7", fixing(5, same()), Effect::Hold),
        ("", fixing(5, incomparable.clone()), Effect::Allow),
        (
            "fixes-pass = 'same-publisher'",
            fixing(5, incomparable),
            Effect::Hold,
        ),
        (
            "fixes-pass = 'same-publisher'",
            fixing(5, same()),
            Effect::Allow,
        ),
        ("fixes-pass = 'never'", fixing(5, same()), Effect::Hold),
        ("", fixing(5, changed), Effect::Hold),
        ("", fixing(5, gone), Effect::Hold),
        ("", fixing(5, unknown), Effect::Hold),
    ] {
        assert_eq!(
            effect_of(&TooYoung, settings, &case),
            expected,
            "{settings} {case:?}"
        );
    }
}

#[test]
fn a_release_that_passed_early_says_why() {
    let decision = decide(&TooYoung, "", &fixing(5, same()));
    let finding = &decision.findings()[0];
    insta::assert_snapshot!(format!("{}\n{:#?}", finding.message, finding.evidence));
    let soon = decide(&TooYoung, "", &fixing(0, same()));
    assert_eq!(soon.changes_at(), Some(NOW.plus_millis(Timestamp::DAY)));
}

#[test]
fn a_held_file_says_when_it_passes_by_itself() {
    let decision = decide(&TooYoung, "", &uploaded(1));
    assert_eq!(
        decision.changes_at(),
        Some(NOW.plus_millis(2 * Timestamp::DAY))
    );
    insta::assert_snapshot!(decision.sentence(), @"Portcullis holds x 1.0: published 24 hours ago, held for 3 days (too-young)");
}

#[test]
fn mistakes_in_its_settings_are_shown() {
    use crate::policy::Policy;
    let text = "[rules.too-young]\ndays-for = { 'a b' = 1, flask = 'x' }\nfixes-pass = 'perhaps'\n\
                not-after = 'soon'\n";
    let mistakes = Policy::parse("policy.toml", text).expect_err("mistakes");
    insta::assert_snapshot!(mistakes.to_string());
}
