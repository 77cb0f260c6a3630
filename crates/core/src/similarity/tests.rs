//! What resembles what: tables of names against the embedded list.

use proptest::prelude::*;

use super::*;

fn name(spelling: &str) -> ProjectName {
    ProjectName::new(spelling).expect(spelling)
}

fn similarity(owned: &[&str]) -> Similarity {
    let owned = owned.iter().map(|pattern| pattern.parse().expect(pattern));
    Similarity::new(WellKnown::embedded(), owned)
}

fn told(similarity: &Similarity, spelling: &str) -> String {
    match similarity.look(&name(spelling)) {
        None => format!("{spelling}: nothing"),
        Some(found) => {
            let signals: Vec<String> = found.signals.iter().map(ToString::to_string).collect();
            let (score, target) = (found.score, &found.target);
            format!("{spelling}: {target} {score:.2} ({})", signals.join(", "))
        }
    }
}

#[test]
fn each_way_of_resembling_is_told() {
    let similarity = similarity(&[]);
    let names = [
        "reqeusts",
        "rquests",
        "requestss",
        "requezts",
        "raquests",
        "reque5ts",
        "r3qu3sts",
        "re-quests",
        "panda",
        "botoceor",
        "prompt-tool-kit",
        "nmap-python",
        "dateutil",
        "python-requests-tool",
        "requests-darwin-lite",
        "beautifulsoup-numpy",
        "pyhton",
        "urllib",
        "json",
        "telnet",
        "dataclasses",
        "requests",
        "x",
        "nothing-like-it-at-all",
    ];
    let told: Vec<String> = names.iter().map(|name| told(&similarity, name)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn owned_names_and_prefixes_are_the_strongest_targets() {
    let similarity = similarity(&[
        "acme-*",
        "initech-*",
        "globex-labs-*",
        "billing-core",
        "ibm-*",
    ]);
    let names = [
        "acme-billing",
        "billing-core",
        "acrne-billing",
        "acmee-billing",
        "amce-billing",
        "acm-e-billing",
        "acmebilling",
        "acme",
        "billing-acme",
        "billing-initech",
        "my-initech-tools",
        "glodex-labs-api",
        "globexlabs-api",
        "biling-core",
        "billingcore",
        "core-billing",
        "billing-core-utils",
        "lbm-watson",
        "ibn-watson",
        "numpy",
        "requests",
    ];
    let told: Vec<String> = names.iter().map(|name| told(&similarity, name)).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn popular_names_are_compared_with_owned_ones_only_and_never_certain() {
    let similarity = similarity(&["requets", "numpi"]);
    for spelling in ["requests", "numpy"] {
        let found = similarity.look(&name(spelling)).expect(spelling);
        assert_eq!(found.kind, TargetKind::Owned);
        assert!(found.score < NEAR_CERTAIN);
    }
    assert_eq!(similarity.look(&name("pandas")), None);
}

#[test]
fn an_owned_word_that_everybody_uses_does_not_accuse_everybody() {
    let similarity = similarity(&["data-*"]);
    for spelling in ["open-data", "my-data-tools", "dataloom"] {
        let found = similarity.look(&name(spelling));
        assert!(
            found.is_none_or(|found| found.kind != TargetKind::Owned),
            "{spelling}"
        );
    }
}

#[test]
fn no_popular_name_is_flagged_without_owned_ones() {
    let similarity = similarity(&[]);
    for popular in PopularNames::embedded().iter() {
        assert_eq!(similarity.look(popular), None, "{popular}");
    }
}

#[test]
fn fifteen_thousand_names_take_less_than_a_megabyte() {
    let similarity = similarity(&["acme-*", "billing-core"]);
    assert!(similarity.len() > 15_000);
    assert!(similarity.bytes() < 1_000_000, "{}", similarity.bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn looking_is_total_and_scores_are_fractions(spelling in "[a-z0-9]([a-z0-9._-]{0,40}[a-z0-9])?") {
        if let Some(found) = similarity(&["acme-*", "a*"]).look(&name(&spelling)) {
            prop_assert!((0.0..=1.0).contains(&found.score));
            prop_assert!(!found.signals.is_empty());
        }
    }

    #[test]
    fn one_swap_in_a_long_popular_name_is_always_seen(number in 0_usize..500, at in 1_usize..40) {
        let popular = PopularNames::embedded();
        let target = popular.iter().nth(number).expect("there are 15,000");
        let mut letters = target.as_str().as_bytes().to_vec();
        prop_assume!(letters.len() >= 6 && at + 1 < letters.len() && letters[at] != letters[at + 1]);
        letters.swap(at, at + 1);
        let swapped = String::from_utf8(letters).expect("ASCII");
        let Ok(swapped) = ProjectName::new(&swapped) else { return Ok(()) };
        prop_assume!(!WellKnown::embedded().is_popular(&swapped));
        let found = similarity(&[]).look(&swapped);
        prop_assert!(found.is_some_and(|found| found.score >= LIKELY), "{}", swapped);
    }
}
