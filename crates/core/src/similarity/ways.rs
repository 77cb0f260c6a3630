//! The ways in which a name can resemble a target: a few edits, the same look, the same words, the
//! same name but for affixes, two well-known names in one.

use super::TargetKind;
use super::affixes::{Language, Stem, stem, stems};
use super::distance::{Change, Edits};
use super::folding::{skeleton, sorted_words, without_separators};
use super::scoring::{self, Family, Likeness};
use super::signal::Signal;
use super::table::{Form, Table};

/// The rank up to which a name glued with another one is worth mentioning.
const GLUED_RANK: u32 = 500;

/// Hands every target of `table` that `name` resembles to `found`, with how. A target may come more than
/// once. `known` knows which words are common.
pub(super) fn each(
    table: &Table,
    known: &Table,
    name: &str,
    found: &mut dyn FnMut(usize, Likeness),
) {
    table.near(name, |number, edits| {
        let mut likeness = by_edits(known, name, table.name(number), edits);
        let length = table.name(number).len();
        likeness.score -= scoring::shortness(length, table.kind(number));
        found(number, likeness);
    });
    let mut found_by_form = |number: usize, mut likeness: Likeness| {
        let shorter = table.name(number).len().min(name.len());
        likeness.score -= scoring::shortness(shorter, table.kind(number));
        found(number, likeness);
    };
    by_look(table, name, &mut found_by_form);
    by_words(table, name, &mut found_by_form);
    by_affixes(table, name, &mut found_by_form);
    by_glue(table, name, found);
}

fn by_edits(known: &Table, name: &str, target: &str, edits: Edits) -> Likeness {
    let mut likeness = scoring::of_edits(name, target, edits);
    let edits = match edits {
        Edits::One(edit) => [Some(edit), None],
        Edits::Two(one, other) => [Some(one), Some(other)],
    };
    let touched = edits
        .into_iter()
        .flatten()
        .filter_map(|edit| match edit.what {
            Change::Added(b'-') | Change::Omitted(b'-') => None,
            _ => Some(word_at(name, edit.at)),
        });
    let common = touched.into_iter().find(|word| known.is_word(word));
    let is_plural = likeness
        .signals
        .iter()
        .all(|signal| *signal == Signal::Plural);
    if let Some(word) = common.filter(|_| !is_plural) {
        likeness.score -= scoring::COMMON_WORD;
        likeness.signals.push(Signal::CommonWord(word.to_owned()));
    }
    likeness
}

/// The word of a name that a position lies in, or that ends there.
fn word_at(name: &str, at: usize) -> &str {
    let at = at.min(name.len());
    let start = name[..at].rfind('-').map_or(0, |dash| dash + 1);
    let end = name[at..].find('-').map_or(name.len(), |dash| at + dash);
    &name[start..end]
}

fn by_look(table: &Table, name: &str, found: &mut dyn FnMut(usize, Likeness)) {
    let folded = skeleton(name);
    let plain = without_separators(name);
    for number in table.with_form(Form::Skeleton, &folded) {
        let target = table.name(number);
        if target == name || skeleton(target) != folded {
            continue;
        }
        found(
            number,
            match without_separators(target) == plain {
                true => Likeness::new(0.95, Signal::Separators),
                false => Likeness::new(0.90, Signal::SameLook),
            },
        );
    }
}

fn by_words(table: &Table, name: &str, found: &mut dyn FnMut(usize, Likeness)) {
    let Some(sorted) = sorted_words(name) else {
        return;
    };
    for number in table.with_form(Form::Words, &sorted) {
        let target = table.name(number);
        if target != name && sorted_words(target).as_deref() == Some(&sorted) {
            found(
                number,
                Likeness::new(scoring::WORD_ORDER, Signal::WordOrder),
            );
        }
    }
}

fn by_affixes(table: &Table, name: &str, found: &mut dyn FnMut(usize, Likeness)) {
    let plain = without_separators(name);
    for (number, target) in with_stem(table, &plain) {
        let score = scoring::of_omitted_affix(target.only_language, table.kind(number));
        found(
            number,
            Likeness::new(score, Signal::AffixOmitted(target.affixes)),
        );
    }
    let stems = stems(name);
    for own in &stems {
        for number in table.with_form(Form::Skeleton, &skeleton(&own.text)) {
            if without_separators(table.name(number)) == own.text {
                let family = table.family(table.name(number));
                let score = scoring::of_added_affix(own, family);
                let signal = Signal::AffixAdded(own.affixes.clone());
                found(number, Likeness::new(score, signal));
            }
        }
    }
    let Some(own) = stems.last() else {
        return;
    };
    for (number, target) in with_stem(table, &own.text) {
        if table.name(number) == name {
            continue;
        }
        let score = match (own.only_language, target.only_language) {
            (Language::Only, Language::Only) => scoring::OTHER_LANGUAGE_AFFIX,
            _ => scoring::OTHER_AFFIXES,
        };
        let signals = vec![
            Signal::AffixAdded(own.affixes.clone()),
            Signal::AffixOmitted(target.affixes),
        ];
        found(number, Likeness { score, signals });
    }
}

/// The targets of which `text` remains without their affixes.
fn with_stem<'t>(table: &'t Table, text: &'t str) -> impl Iterator<Item = (usize, Stem)> + 't {
    let numbers = table.with_form(Form::Stem, text);
    numbers.filter_map(move |number| {
        let stem = stem(table.name(number))?;
        (stem.text == text).then_some((number, stem))
    })
}

fn by_glue(table: &Table, name: &str, found: &mut dyn FnMut(usize, Likeness)) {
    for (at, _) in name.match_indices('-') {
        let (left, right) = (&name[..at], &name[at + 1..]);
        let (Some(one), Some(other)) = (well_known(table, left), well_known(table, right)) else {
            continue;
        };
        let (better, worse) = match table.kind(one) <= table.kind(other) {
            true => (one, other),
            false => (other, one),
        };
        let other = table.name(worse).to_owned();
        let family = match (table.family(left), table.family_behind(right)) {
            (Family::None, Family::None) => Family::None,
            _ => Family::Grown,
        };
        let score = scoring::of_glue(family);
        found(better, Likeness::new(score, Signal::GluedWith(other)));
    }
}

/// The popular project of this name, or of this name with a number behind it, as in `beautifulsoup4`.
fn well_known(table: &Table, text: &str) -> Option<usize> {
    let is_known = |number: &usize| matches!(table.kind(*number), TargetKind::Popular { rank } if rank <= GLUED_RANK);
    if text.len() < 4 {
        return None;
    }
    let itself = table.exactly(text).filter(is_known);
    itself.or_else(|| {
        let numbered = ('2'..='5').map(|digit| format!("{text}{digit}"));
        numbered
            .into_iter()
            .find_map(|name| table.exactly(&name).filter(is_known))
    })
}
