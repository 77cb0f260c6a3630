//! How much each kind of resemblance weighs. A score is how sure one can be, from the names alone,
//! that one was meant for the other: below 0.6 it happens among honest names every day, from 0.8 it
//! hardly ever does.

use super::TargetKind;
use super::affixes::{Language, Stem};
use super::distance::{Change, Edit, Edits};
use super::keyboard::{are_neighbours, is_vowel, look};
use super::signal::Signal;

/// Both names have affixes, and not the same ones.
pub(super) const OTHER_AFFIXES: f32 = 0.35;

/// Both names say that they are for Python, in different ways.
pub(super) const OTHER_LANGUAGE_AFFIX: f32 = 0.45;

/// What is taken away when the word that differs is a word of other well-known projects.
pub(super) const COMMON_WORD: f32 = 0.33;

/// A letter that stands a little before or behind its place.
const MOVED: f32 = 0.85;

/// The same words in another order.
pub(super) const WORD_ORDER: f32 = 0.70;

/// A resemblance before the target's standing is taken into account.
#[derive(Clone, Debug)]
pub(super) struct Likeness {
    /// The weight.
    pub(super) score: f32,
    /// What it is.
    pub(super) signals: Vec<Signal>,
}

impl Likeness {
    pub(super) fn new(score: f32, signal: Signal) -> Self {
        Self {
            score,
            signals: vec![signal],
        }
    }
}

/// The weight of the edits between two names.
pub(super) fn of_edits(written: &str, meant: &str, edits: Edits) -> Likeness {
    let one_by_one = |edit| of_edit(written.as_bytes(), edit);
    match edits {
        Edits::One(edit) => {
            let (score, signal) = one_by_one(edit);
            let bonus = match signal {
                Signal::Plural | Signal::Added('0'..='9') | Signal::Omitted('0'..='9') => 0.0,
                _ => length_bonus(differing(meant, written)),
            };
            Likeness::new(score + bonus, signal)
        }
        Edits::Two(first, second) => match moved(first, second) {
            Some(letter) => {
                let score = MOVED - scarcity(meant.len());
                Likeness::new(score, Signal::Moved(char::from(letter)))
            }
            None => of_two(
                one_by_one(first),
                one_by_one(second),
                differing(meant, written),
            ),
        },
    }
}

/// A letter that is left out here and added a little further on, or the other way round.
fn moved(first: Edit, second: Edit) -> Option<u8> {
    match (first.what, second.what) {
        (Change::Added(one), Change::Omitted(other))
        | (Change::Omitted(one), Change::Added(other)) => {
            (one == other && one != b'-' && second.at.abs_diff(first.at) <= 3).then_some(one)
        }
        _ => None,
    }
}

/// Two edits. A light one, which fingers make without noticing, costs little beside another.
fn of_two(one: (f32, Signal), other: (f32, Signal), length: usize) -> Likeness {
    let light = [&one.1, &other.1]
        .into_iter()
        .filter(|signal| is_light(signal))
        .count();
    let least = one.0.min(other.0);
    let score = match light {
        0 => least - 0.40,
        1 if is_light(&one.1) => other.0 - 0.21,
        1 => one.0 - 0.21,
        _ => 0.72,
    };
    Likeness {
        score: score - scarcity(length) + length_bonus(length),
        signals: vec![one.1, other.1],
    }
}

fn is_light(signal: &Signal) -> bool {
    match signal {
        Signal::Doubled(_) | Signal::Undoubled(_) | Signal::Swapped | Signal::Separators => true,
        Signal::Plural => true,
        Signal::Omitted(character) => character.is_ascii_digit(),
        _ => false,
    }
}

/// Two edits make the likelier a coincidence the fewer characters there are.
fn scarcity(length: usize) -> f32 {
    match length {
        0..6 => 0.50,
        6 => 0.30,
        7 => 0.15,
        8 => 0.10,
        9 => 0.05,
        _ => 0.0,
    }
}

/// Long names are hardly ever near one another by chance.
fn length_bonus(length: usize) -> f32 {
    match length {
        0..8 => 0.0,
        8..10 => 0.03,
        10..12 => 0.08,
        _ => 0.12,
    }
}

/// How many characters the words have that differ: `python-osc` and `python-jose` are short names.
fn differing(meant: &str, written: &str) -> usize {
    let differs = |word: &&str| !written.split('-').any(|other| other == *word);
    meant.split('-').filter(differs).map(str::len).sum()
}

fn of_edit(written: &[u8], edit: Edit) -> (f32, Signal) {
    let at_end = edit.at + 1 >= written.len();
    let place = |inside: f32, end: f32, start: f32| match edit.at {
        0 => start,
        _ if at_end => end,
        _ => inside,
    };
    match edit.what {
        Change::Swapped => (place(0.95, 0.95, 0.85), Signal::Swapped),
        Change::Added(b'-') | Change::Omitted(b'-') => (0.95, Signal::Separators),
        Change::Added(digit) if digit.is_ascii_digit() => (0.48, Signal::Added(char::from(digit))),
        Change::Omitted(digit) if digit.is_ascii_digit() => {
            (0.53, Signal::Omitted(char::from(digit)))
        }
        Change::Added(letter) => match doubles(written, edit.at) {
            true => (place(0.95, 0.90, 0.90), Signal::Doubled(char::from(letter))),
            false if letter == b's' && ends_word(written, edit.at + 1) => (0.70, Signal::Plural),
            // A letter before a long name often makes a variant of it, as in `aresponses`.
            false if written.len() > 6 => {
                (place(0.85, 0.75, 0.60), Signal::Added(char::from(letter)))
            }
            false => (place(0.85, 0.75, 0.75), Signal::Added(char::from(letter))),
        },
        Change::Omitted(letter) => {
            let missing_at_end = edit.at >= written.len();
            let was_double = edit.at > 0 && written.get(edit.at - 1) == Some(&letter)
                || written.get(edit.at) == Some(&letter);
            let score = match edit.at {
                0 => 0.65,
                _ if missing_at_end => 0.80,
                _ => 0.85,
            };
            match was_double {
                true => (0.95, Signal::Undoubled(char::from(letter))),
                false if letter == b's' && ends_word(written, edit.at) => (0.70, Signal::Plural),
                false => (score, Signal::Omitted(char::from(letter))),
            }
        }
        Change::Replaced {
            meant: was,
            written: is,
        } => {
            let (score, signal) = of_replacement(was, is);
            let first = if edit.at == 0 { 0.15 } else { 0.0 };
            (score - first, signal)
        }
    }
}

/// Affixes that are added. Where a name has a family, such names are how it grows.
pub(super) fn of_added_affix(stem: &Stem, family: Family) -> f32 {
    let piled_up = match stem.affixes.contains(' ') {
        true => 0.05,
        false => 0.0,
    };
    match (stem.only_language, family) {
        (Language::Only, _) => 0.53,
        (Language::AndMore, Family::None) => 0.50 + piled_up,
        (Language::AndMore, Family::Grown) => 0.38 + piled_up,
    }
}

/// Affixes that are left out.
pub(super) fn of_omitted_affix(language: Language, kind: TargetKind) -> f32 {
    match (language, kind) {
        // The short word for a module that is called after it: `telnet` for `telnetlib`.
        (_, TargetKind::Stdlib) => 0.95,
        (Language::Only, _) => 0.55,
        (Language::AndMore, _) => 0.40,
    }
}

/// Two well-known names in one: more often a plugin than a squat.
pub(super) fn of_glue(family: Family) -> f32 {
    match family {
        Family::None => 0.45,
        Family::Grown => 0.35,
    }
}

/// Whether many well-known projects are called after a name, as those that begin with `pytest-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// There are a few at most.
    None,
    /// There are many.
    Grown,
}

fn of_replacement(meant: u8, written: u8) -> (f32, Signal) {
    let characters = (char::from(meant), char::from(written));
    match (meant, written) {
        (meant, written) if meant.is_ascii_digit() && written.is_ascii_digit() => {
            (0.55, Signal::Replaced(characters.0, characters.1))
        }
        (meant, written) if look(meant) == look(written) => {
            (0.90, Signal::LooksTheSame(characters.0, characters.1))
        }
        (b'-', _) | (_, b'-') => (0.70, Signal::Replaced(characters.0, characters.1)),
        (meant, written) if is_vowel(meant) && is_vowel(written) => {
            (0.85, Signal::Vowel(characters.0, characters.1))
        }
        (meant, written) if are_neighbours(meant, written) => {
            (0.85, Signal::Neighbour(characters.0, characters.1))
        }
        _ => (0.61, Signal::Replaced(characters.0, characters.1)),
    }
}

/// Whether a word of the name ends before this position.
fn ends_word(name: &[u8], at: usize) -> bool {
    at > 0 && name.get(at).is_none_or(|next| *next == b'-')
}

/// Whether the added character repeats one beside it.
fn doubles(written: &[u8], at: usize) -> bool {
    let added = written.get(at);
    at > 0 && written.get(at - 1) == added || written.get(at + 1) == added
}

/// What is taken away because short names resemble one another by chance, and the sooner the less
/// the target is known.
pub(super) fn shortness(length: usize, kind: TargetKind) -> f32 {
    let taken = match length {
        0..4 => 0.46,
        4 => 0.25,
        5 => 0.12,
        6 => 0.08,
        _ => 0.0,
    };
    match kind {
        TargetKind::Owned | TargetKind::Popular { rank: 0..=500 } => taken,
        TargetKind::Popular { .. } | TargetKind::Stdlib => taken * 1.6,
    }
}

/// A score between 0 and 1, in hundredths: more would pretend to know more.
pub(super) fn rounded(score: f32) -> f32 {
    (score.clamp(0.0, 1.0) * 100.0).round() / 100.0
}

/// What the target's standing adds or takes away from a resemblance by `signals`. A slip that fingers
/// or eyes make says much even of a project that few know: honest names hardly ever differ by it alone.
pub(super) fn standing_for(kind: TargetKind, signals: &[Signal]) -> f32 {
    let is_slip = matches!(
        signals,
        [Signal::Swapped | Signal::Doubled(_) | Signal::Undoubled(_) | Signal::LooksTheSame(..)]
    );
    match standing(kind) {
        taken if is_slip && taken < 0.0 && kind != TargetKind::Stdlib => taken * 0.75,
        standing => standing,
    }
}

/// What the target's standing adds or takes away.
pub(super) fn standing(kind: TargetKind) -> f32 {
    match kind {
        TargetKind::Owned => 0.20,
        TargetKind::Stdlib => -0.20,
        TargetKind::Popular { rank: 0..=100 } => 0.20,
        TargetKind::Popular { rank: 101..=500 } => 0.10,
        TargetKind::Popular { rank: 501..=1000 } => 0.05,
        TargetKind::Popular { rank: 1001..=2000 } => -0.13,
        TargetKind::Popular { rank: 2001..=5000 } => -0.27,
        TargetKind::Popular { .. } => -0.30,
    }
}
