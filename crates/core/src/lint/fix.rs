//! [`mend`]: applying the fixes of findings to a text. Fixes that would get in each other's way are left for when
//! the text was read again.

use super::contents::Span;
use super::rule::{Edit, Fix};

/// A text after fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The text.
    pub text: String,
    /// The positions of the fixes that were applied; the others would have got in the way of these, or do not fit
    /// the text.
    pub applied: Vec<usize>,
}

/// Applies as many of `fixes` to `text` as do not overlap, the first ones first. A fix is applied with all of its
/// edits or not at all. The same edit of two fixes is made once.
#[must_use]
pub fn mend(text: &str, fixes: &[&Fix]) -> Mended {
    let mut accepted: Vec<&Edit> = Vec::new();
    let mut applied = Vec::new();
    for (position, fix) in fixes.iter().enumerate() {
        if fix.edits.is_empty() || !fits(text, &fix.edits, &accepted) {
            continue;
        }
        for edit in &fix.edits {
            if !accepted.contains(&edit) {
                accepted.push(edit);
            }
        }
        applied.push(position);
    }
    accepted.sort_by_key(|edit| edit.at.start);
    let mut mended = String::with_capacity(text.len());
    let mut from = 0;
    for edit in accepted {
        mended.push_str(&text[from..edit.at.start]);
        mended.push_str(&edit.with);
        from = edit.at.end;
    }
    mended.push_str(&text[from..]);
    Mended {
        text: mended,
        applied,
    }
}

/// Whether all edits are within the text, and neither overlap each other nor what was accepted.
fn fits(text: &str, edits: &[Edit], accepted: &[&Edit]) -> bool {
    let is_within = |at: &Span| text.get(at.clone()).is_some();
    let is_free = |(position, edit): (usize, &Edit)| {
        let others = edits[..position].iter().chain(accepted.iter().copied());
        let mut others = others.filter(|other| *other != edit);
        is_within(&edit.at) && others.all(|other| !overlap(&other.at, &edit.at))
    };
    edits.iter().enumerate().all(is_free)
}

/// Whether two edits touch the same bytes. An insertion beside another edit counts, since nobody could say which
/// comes first.
fn overlap(a: &Span, b: &Span) -> bool {
    match a.is_empty() || b.is_empty() {
        true => a.start <= b.end && b.start <= a.end,
        false => a.start < b.end && b.start < a.end,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fix(edits: &[(Span, &str)]) -> Fix {
        let edit = |(at, with): &(Span, &str)| Edit {
            at: at.clone(),
            with: (*with).to_owned(),
        };
        Fix {
            what: String::new(),
            edits: edits.iter().map(edit).collect(),
            together: None,
        }
    }

    #[test]
    fn edits_that_overlap_wait() {
        let text = "http://a http://b";
        for (fixes, expected, applied) in [
            (
                vec![fix(&[(0..4, "https")]), fix(&[(9..13, "https")])],
                "https://a https://b",
                vec![0, 1],
            ),
            (
                vec![fix(&[(0..8, "x")]), fix(&[(0..4, "https")])],
                "x http://b",
                vec![0],
            ),
            (
                vec![fix(&[(0..4, "https")]), fix(&[(0..4, "https")])],
                "https://a http://b",
                vec![0, 1],
            ),
            (
                vec![fix(&[(4..4, "s")]), fix(&[(4..4, "x")])],
                "https://a http://b",
                vec![0],
            ),
            (
                vec![fix(&[(0..4, "x")]), fix(&[(4..4, "y")])],
                "x://a http://b",
                vec![0],
            ),
            (
                vec![fix(&[(0..4, "x")]), fix(&[(4..8, "y")])],
                "xy http://b",
                vec![0, 1],
            ),
            (vec![fix(&[(0..4, "x"), (99..100, "y")])], text, vec![]),
            (vec![fix(&[(0..4, "x"), (2..6, "y")])], text, vec![]),
            (
                vec![fix(&[(9..13, "2"), (0..4, "1")])],
                "1://a 2://b",
                vec![0],
            ),
            (vec![fix(&[])], text, vec![]),
        ] {
            let fixes: Vec<&Fix> = fixes.iter().collect();
            let mended = mend(text, &fixes);
            assert_eq!((mended.text.as_str(), mended.applied), (expected, applied));
        }
    }

    #[test]
    fn characters_are_never_cut() {
        assert!(mend("ä", &[&fix(&[(1..2, "x")])]).applied.is_empty());
        let backwards = Span { start: 2, end: 0 };
        assert!(mend("ab", &[&fix(&[(backwards, "x")])]).applied.is_empty());
    }

    proptest! {
        #[test]
        fn any_fixes_leave_the_rest_alone(
            text in "[a-z]{0,20}",
            spans in prop::collection::vec((0_usize..25, 0_usize..5), 0..8),
        ) {
            let fixes: Vec<Fix> = spans.iter().map(|(at, length)| fix(&[(*at..at + length, "#")])).collect();
            let mended = mend(&text, &fixes.iter().collect::<Vec<_>>());
            let kept: String = mended.text.chars().filter(|c| *c != '#').collect();
            let mut rest = text.chars();
            prop_assert!(kept.chars().all(|kept| rest.any(|one| one == kept)));
        }
    }
}
