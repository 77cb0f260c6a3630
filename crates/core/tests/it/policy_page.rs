//! `docs/policy.md` and `examples/policy.tests.toml` say what is so: their policies are read, and what
//! they expect is met. What commands print is compared where the program is tested.

use std::path::Path;

use portcullis_core::policy::Policy;
use portcullis_core::policy::expectations::{self, Expectation, Outcome};
use portcullis_core::time::Timestamp;

/// 2026-11-23T09:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_424_400_000);

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

/// The block of the page that begins with the comment `# name`.
fn block(page: &str, name: &str) -> String {
    let start = format!("# {name}\n");
    let (_, rest) = page.split_once(&format!("```toml\n{start}")).unwrap();
    start + rest.split_once("```").unwrap().0
}

fn policy(text: &str) -> Policy {
    Policy::parse("policy.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn expected(text: &str) -> Vec<Expectation> {
    let expectations = expectations::parse("policy.tests.toml", text, NOW);
    expectations.unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What is not met, in words.
fn unmet(expectations: &[Expectation], policy: &Policy) -> Vec<String> {
    let outcomes = expectations::run(expectations, policy).into_iter();
    let unmet = outcomes.filter(|outcome| !outcome.is_met());
    let in_words = |outcome: Outcome<'_>| {
        format!(
            "{}: {}",
            outcome.expectation.that,
            outcome.decision.sentence()
        )
    };
    unmet.map(in_words).collect()
}

#[test]
fn the_example_of_expectations_is_met_by_the_example_of_a_policy() {
    let expectations = expected(&read("examples/policy.tests.toml"));
    let policy = policy(&read("examples/policy.toml"));
    assert!(expectations.len() > 10);
    assert_eq!(unmet(&expectations, &policy), [""; 0]);
    assert_eq!(unmet(&expectations, &Policy::built_in()), [""; 0]);
}

#[test]
fn the_page_about_policies_is_true() {
    let page = read("docs/policy.md");
    let text = block(&page, "policy.toml");
    let expectations = expected(&block(&page, "policy.tests.toml"));
    let unmet_at_first = unmet(&expectations, &policy(&text));
    assert_eq!(unmet_at_first.len(), 1, "{unmet_at_first:?}");
    let enforced = text.replace("\"observe\"", "\"enforce\"");
    assert_eq!(unmet(&expectations, &policy(&enforced)), [""; 0]);
}

#[test]
fn what_the_page_says_of_inspections_is_true() {
    let page = read("docs/policy.md");
    let expectations = expected(&block(&page, "accepted.tests.toml"));
    let accepted = policy(&block(&page, "accepted.toml"));
    assert_eq!(expectations.len(), 3);
    assert_eq!(unmet(&expectations, &accepted), [""; 0]);
}

#[test]
fn the_page_names_every_key_of_an_expectation() {
    let page = read("docs/policy.md");
    let text = "[[expect]]\nproject = 'x'\neffect = 'deny'\nquintessence = 1\n\
                advisories = [{ id = 'A-1', quintessence = 1 }]\n\
                findings = [{ id = 'NET-001', quintessence = 1 }]\n";
    let mistakes = expectations::parse("t", text, NOW).unwrap_err().to_string();
    let known = mistakes
        .lines()
        .filter_map(|line| line.split_once("known here: "))
        .flat_map(|(_, keys)| keys.split(", "));
    let known: Vec<&str> = known.collect();
    assert!(known.len() > 40, "{mistakes}");
    let (_, table) = page.split_once("### Facts").unwrap();
    let words: Vec<&str> = table
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .collect();
    for key in known {
        assert!(words.contains(&key), "docs/policy.md does not name `{key}`");
    }
}
