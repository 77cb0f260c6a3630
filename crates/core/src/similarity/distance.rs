//! How one name becomes another: the edits of the optimal string alignment distance (Levenshtein
//! with swaps of neighbours), up to two of them. Exact, and quick because almost every pair is given
//! up at its first difference.

/// One step from what is meant to what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// What was done.
    pub(super) what: Change,
    /// The position in the written name, in bytes.
    pub(super) at: usize,
}

/// What was done to a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Two neighbours were swapped.
    Swapped,
    /// A character was added.
    Added(u8),
    /// A character was left out.
    Omitted(u8),
    /// One character stands for another.
    Replaced {
        /// The one that was meant.
        meant: u8,
        /// The one that was written.
        written: u8,
    },
}

/// One edit, or two in the order of the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edits {
    /// Distance 1.
    One(Edit),
    /// Distance 2.
    Two(Edit, Edit),
}

/// The edits that make `written` of `meant` when there are one or two, at most `most`.
pub(super) fn edits(written: &[u8], meant: &[u8], most: usize) -> Option<Edits> {
    if written.len().abs_diff(meant.len()) > most || written == meant {
        return None;
    }
    let start = common_prefix(written, meant);
    if let Some(edit) = last_edit(written, meant, start, start) {
        return Some(Edits::One(edit));
    }
    if most < 2 {
        return None;
    }
    steps(written, meant, start, start).find_map(|(first, i, j)| {
        let more = common_prefix(&written[i..], &meant[j..]);
        let second = last_edit(written, meant, i + more, j + more)?;
        Some(Edits::Two(first, second))
    })
}

/// The one edit at this first difference after which the rest is the same.
fn last_edit(written: &[u8], meant: &[u8], i: usize, j: usize) -> Option<Edit> {
    steps(written, meant, i, j)
        .find(|(_, i, j)| written[*i..] == meant[*j..])
        .map(|(edit, _, _)| edit)
}

/// The edits that are possible at a difference, and where both names go on after each.
fn steps(
    written: &[u8],
    meant: &[u8],
    i: usize,
    j: usize,
) -> impl Iterator<Item = (Edit, usize, usize)> {
    let here = (written.get(i).copied(), meant.get(j).copied());
    let next = (written.get(i + 1).copied(), meant.get(j + 1).copied());
    let swapped = (here.0.is_some() && here.0 == next.1 && here.1 == next.0 && next.0.is_some())
        .then_some((Change::Swapped, i + 2, j + 2));
    let replaced = match here {
        (Some(written), Some(meant)) => Some((Change::Replaced { meant, written }, i + 1, j + 1)),
        _ => None,
    };
    let omitted = here.1.map(|meant| (Change::Omitted(meant), i, j + 1));
    let added = here.0.map(|written| (Change::Added(written), i + 1, j));
    [swapped, omitted, added, replaced]
        .into_iter()
        .flatten()
        .map(move |(what, after_i, after_j)| (Edit { what, at: i }, after_i, after_j))
}

fn common_prefix(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook table of the optimal string alignment distance.
    fn by_the_table(a: &[u8], b: &[u8]) -> usize {
        let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                rows[i][j] = if i == 0 || j == 0 {
                    i + j
                } else {
                    let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                    let least = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                    let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                    match swapped {
                        true => least.min(rows[i - 2][j - 2] + 1),
                        false => least,
                    }
                };
            }
        }
        rows[a.len()][b.len()]
    }

    #[test]
    fn each_edit_is_named() {
        let check = |written: &str, meant: &str, what| {
            let found = edits(written.as_bytes(), meant.as_bytes(), 2);
            let Some(Edits::One(edit)) = found else {
                panic!("{written} {meant}: {found:?}");
            };
            assert_eq!(edit.what, what, "{written} {meant}");
        };
        check("reqeusts", "requests", Change::Swapped);
        check("rquests", "requests", Change::Omitted(b'e'));
        check("requestss", "requests", Change::Added(b's'));
        check(
            "requezts",
            "requests",
            Change::Replaced {
                meant: b's',
                written: b'z',
            },
        );
    }

    proptest! {
        #[test]
        fn the_edits_are_as_many_as_the_table_says(a in "[ab-c]{0,8}", b in "[ab-c]{0,8}") {
            let found = match edits(a.as_bytes(), b.as_bytes(), 2) {
                None => None,
                Some(Edits::One(_)) => Some(1),
                Some(Edits::Two(..)) => Some(2),
            };
            let expected = by_the_table(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(found, (1..=2).contains(&expected).then_some(expected));
        }

        #[test]
        fn a_letter_bag_never_hides_a_near_name(a in "[a-d0-1-]{0,9}", b in "[a-d0-1-]{0,9}") {
            let (a, b) = (a.as_bytes(), b.as_bytes());
            let bits = (super::super::folding::letter_bag(a)
                ^ super::super::folding::letter_bag(b)).count_ones() as usize;
            let longer = a.len().abs_diff(b.len());
            let distance = by_the_table(a, b);
            prop_assert!(bits <= 2 * distance - longer);
        }
    }
}
