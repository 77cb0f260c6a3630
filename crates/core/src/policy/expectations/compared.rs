//! What an expectation says that comparing the file came to: with the version before it, and of a wheel
//! with its sdist. Where nothing is said, there was nothing to compare with.

use std::sync::Arc;

use crate::inspection::{
    Change, ChangeKind, Changes, ContentFacts, Difference, DifferenceKind, Differences, Knowledge,
    Weight,
};
use crate::settings::Table;

/// What is said of comparing, without what the inspection saw.
pub(super) fn read(table: &mut Table<'_>) -> ContentFacts {
    let has = |key: &str| table.keys().iter().any(|known| known == key);
    let (has_changes, has_differences) = (has("changes"), has("differences"));
    let changes = table.tables("changes").into_iter();
    let changes: Vec<Change> = changes.filter_map(change).collect();
    let differences = table.tables("differences").into_iter();
    let differences: Vec<Difference> = differences.filter_map(difference).collect();
    let mut facts = ContentFacts::default();
    if let Some(why) = table.text("not-compared") {
        facts.since = Knowledge::not_learned(why.value.clone());
        facts.sdist = Knowledge::not_learned(why.value);
    }
    if has_changes {
        let changes = Changes {
            changes,
            ..Changes::default()
        };
        facts.since = Knowledge::of(Arc::new(changes));
    }
    if has_differences {
        let differences = Differences {
            differences,
            ..Differences::default()
        };
        facts.sdist = Knowledge::of(Arc::new(differences));
    }
    facts
}

/// `{ kind = "startup-file", subject = "demo.pth", weight = 10 }`.
fn change(mut table: Table<'_>) -> Option<Change> {
    let kind = table.parsed::<ChangeKind>("kind");
    let subject = table.text("subject");
    let (detail, weight) = (detail(&mut table, "is new"), weight(&mut table));
    if !table.keys().iter().any(|key| key == "kind") {
        table.mistake_here(
            "this change has no `kind`",
            Some("for example kind = \"startup-file\""),
        );
    }
    table.finish();
    Some(Change {
        kind: kind?.value,
        subject: subject.map_or_else(|| "demo/__init__.py".to_owned(), |subject| subject.value),
        detail,
        weight,
    })
}

/// `{ kind = "only-in-wheel", path = "demo/a.py", weight = 5 }`.
fn difference(mut table: Table<'_>) -> Option<Difference> {
    let kind = table.parsed::<DifferenceKind>("kind");
    let path = table.text("path");
    let (detail, weight) = (
        detail(&mut table, "is not in the sdist"),
        weight(&mut table),
    );
    if !table.keys().iter().any(|key| key == "kind") {
        table.mistake_here(
            "this difference has no `kind`",
            Some("for example kind = \"only-in-wheel\""),
        );
    }
    table.finish();
    Some(Difference {
        kind: kind?.value,
        path: path.map_or_else(|| "demo/__init__.py".to_owned(), |path| path.value),
        detail,
        weight,
    })
}

fn detail(table: &mut Table<'_>, usual: &str) -> String {
    table
        .text("detail")
        .map_or_else(|| usual.to_owned(), |detail| detail.value)
}

fn weight(table: &mut Table<'_>) -> Weight {
    let weight = table.integer("weight", 0..101);
    let weight = weight.and_then(|weight| u8::try_from(weight.value).ok());
    weight.map_or(Weight::STRONG, Weight)
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;
    use crate::policy::expectations::{parse, run};
    use crate::policy::rules::testing::NOW;

    const POLICY: &str = "[rules.changed-behaviour]\n[rules.wheel-differs]\non-unknown = 'warn'\n";

    fn decided(facts: &str) -> String {
        let text =
            format!("[[expect]]\nproject = 'flask'\nversion = '1'\neffect = 'deny'\n{facts}");
        let expectations = parse("t", &text, NOW).unwrap_or_else(|error| panic!("{error}"));
        let policy = Policy::parse("p", POLICY).unwrap_or_else(|error| panic!("{error}"));
        let outcomes = run(&expectations, &policy);
        let decision = &outcomes[0].decision;
        match decision.decisive() {
            Some(finding) => format!("{} by {}", decision.effect(), finding.rule),
            None => decision.effect().to_string(),
        }
    }

    #[test]
    fn what_comparing_came_to_can_be_described() {
        for (facts, expected) in [
            ("", "allow"),
            ("changes = []", "allow"),
            ("changes = [{ kind = 'dependency', weight = 1 }]", "allow"),
            (
                "changes = [{ kind = 'dependency' }]",
                "warn by changed-behaviour",
            ),
            (
                "changes = [{ kind = 'dependency' }, { kind = 'plugin', subject = 'x' }]",
                "hold by changed-behaviour",
            ),
            ("differences = [{ kind = 'native', weight = 0 }]", "allow"),
            (
                "differences = [{ kind = 'native' }]",
                "hold by wheel-differs",
            ),
            ("not-compared = 'it took too long'", "warn by wheel-differs"),
        ] {
            assert_eq!(decided(facts), expected, "{facts}");
        }
    }

    #[test]
    fn mistakes_in_what_comparing_came_to_are_shown_at_their_place() {
        let text = r#"
[[expect]]
project = "flask"
version = "1"
effect = "hold"
changes = [{ subject = "x" }, { kind = "startup" }, { kind = "plugin", weight = 200, path = "x" }]
differences = [{ path = "x" }, { kind = "other" }]
"#;
        let mistakes = parse("policy.tests.toml", text, NOW).expect_err("mistakes");
        insta::assert_snapshot!(mistakes.to_string());
    }
}
