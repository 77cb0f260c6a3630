//! Two packages that have most in common, inspected and compared.

use portcullis_core::inspection::{Changes, Differences, Form as Kind};
use portcullis_inspect::compare::{Beside, since, with_sdist};
use portcullis_inspect::inspection::Inspection;

use crate::Property;
use crate::archives::{archive_holds, named};
use crate::choices::{Choices, rows_of_choices};
use crate::holding::survives_json;
use crate::packages::Distribution;

/// The most changes or differences that are kept.
const MOST: usize = 200;

/// A package and a changed one.
pub(crate) static COMPARISON: Property = Property {
    name: "comparison",
    what: "what two packages differ in is told, twice alike, and a package does not differ from itself",
    check: |bytes| {
        let mut choices = Choices::new(bytes);
        let before = Distribution::chosen(&mut choices);
        let mut after = before.clone();
        after.change(&mut choices);
        let (archive, filename) = before.pack(&mut choices);
        let before = archive_holds(&archive, &filename);
        let (archive, filename) = after.pack(&mut choices);
        let after = archive_holds(&archive, &filename);
        versions_hold(&before, &after);
        // Which is called the wheel matters for what is said, and not for whether it can be said.
        let wheel = archive_holds(&archive, &named("demo-1.0-py3-none-any.whl"));
        assert_eq!(wheel.contents.form, Kind::Wheel);
        differences_hold(&wheel, &before);
        differences_hold(&after, &before);
    },
    seeds: rows_of_choices,
    words: &[],
};

fn versions_hold(before: &Inspection, after: &Inspection) {
    let changes: Changes = since(before, after, &Beside::default());
    assert_eq!(
        changes,
        since(before, after, &Beside::default()),
        "not the same twice"
    );
    survives_json(&changes);
    assert!(changes.changes.len() <= MOST);
    for pair in changes.changes.windows(2) {
        assert!(pair[0].weight >= pair[1].weight, "{pair:#?}");
    }
    for change in &changes.changes {
        let is_plain = |text: &str| !text.contains(char::is_control);
        assert!(
            is_plain(&change.subject) && is_plain(&change.detail),
            "{change:#?}"
        );
    }
    assert!(changes.score() <= changes.points());
    for same in [before, after] {
        let changes = since(same, same, &Beside::default());
        assert!(
            changes.changes.is_empty(),
            "a package changed against itself: {changes:#?}"
        );
        for seen in &same.inspected.observations {
            let is_known = changes.was_known(seen) || seen.is_about_completeness();
            assert!(is_known, "not known from the very same package: {seen:#?}");
        }
    }
}

fn differences_hold(wheel: &Inspection, sdist: &Inspection) {
    let differences: Differences = with_sdist(wheel, sdist);
    assert_eq!(differences, with_sdist(wheel, sdist), "not the same twice");
    survives_json(&differences);
    assert!(differences.differences.len() <= MOST);
    for one in &differences.differences {
        let is_plain = |text: &str| !text.contains(char::is_control);
        assert!(is_plain(&one.path) && is_plain(&one.detail), "{one:#?}");
    }
}
