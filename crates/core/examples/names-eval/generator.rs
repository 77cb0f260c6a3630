//! Makes variations of a name as typing, reading and attacking hands make them, all of each class.
//! Has its own tables, so that it does not agree with what it tests by construction.

use std::collections::BTreeSet;
use std::fmt;

use portcullis_core::pypi::name::ProjectName;

/// A class of variations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// One character left out.
    Omission,
    /// One character doubled.
    Doubled,
    /// Two neighbours swapped.
    Transposition,
    /// One letter added.
    Insertion,
    /// A neighbouring key.
    Keyboard,
    /// Another vowel.
    Vowel,
    /// Separators added, dropped or moved; characters that look the same.
    Confusable,
    /// An affix, with or without a separator.
    Affix,
}

/// All classes.
pub(crate) const CLASSES: [Class; 8] = [
    Class::Omission,
    Class::Doubled,
    Class::Transposition,
    Class::Insertion,
    Class::Keyboard,
    Class::Vowel,
    Class::Confusable,
    Class::Affix,
];

impl Class {
    /// Whether one edit makes it.
    pub(crate) fn is_one_edit(self) -> bool {
        !matches!(self, Self::Confusable | Self::Affix)
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Omission => "omission",
            Self::Doubled => "doubled",
            Self::Transposition => "transposition",
            Self::Insertion => "insertion",
            Self::Keyboard => "keyboard substitution",
            Self::Vowel => "vowel substitution",
            Self::Confusable => "delimiter, confusable",
            Self::Affix => "affix, combosquat",
        })
    }
}

const KEYS: &[(char, &str)] = &[
    ('q', "wa"),
    ('w', "qeas"),
    ('e', "wrsd"),
    ('r', "etdf"),
    ('t', "ryfg"),
    ('y', "tugh"),
    ('u', "yihj"),
    ('i', "uojk"),
    ('o', "ipkl"),
    ('p', "ol"),
    ('a', "qwsz"),
    ('s', "awedxz"),
    ('d', "serfcx"),
    ('f', "drtgvc"),
    ('g', "ftyhbv"),
    ('h', "gyujnb"),
    ('j', "huikmn"),
    ('k', "jiolm"),
    ('l', "kop"),
    ('z', "asx"),
    ('x', "zsdc"),
    ('c', "xdfv"),
    ('v', "cfgb"),
    ('b', "vghn"),
    ('n', "bhjm"),
    ('m', "njk"),
];

const CONFUSABLE: &[(&str, &str)] = &[
    ("o", "0"),
    ("0", "o"),
    ("l", "1"),
    ("i", "1"),
    ("1", "l"),
    ("i", "l"),
    ("l", "i"),
    ("m", "rn"),
    ("rn", "m"),
    ("w", "vv"),
    ("s", "5"),
    ("e", "3"),
    ("a", "4"),
    ("t", "7"),
    ("b", "8"),
];

const AFFIXES: &[&str] = &[
    "py", "python", "api", "sdk", "lib", "client", "cli", "tools", "utils", "dev", "core", "async",
];

/// All variations of one class, without the name itself.
pub(crate) fn variations(class: Class, name: &ProjectName) -> BTreeSet<ProjectName> {
    let text: Vec<char> = name.as_str().chars().collect();
    let made: Vec<String> = match class {
        Class::Omission => spliced(&text, 1, |_| vec![String::new()]),
        Class::Doubled => spliced(&text, 1, |taken| vec![format!("{0}{0}", taken[0])]),
        Class::Transposition => {
            spliced(&text, 2, |taken| vec![format!("{}{}", taken[1], taken[0])])
        }
        Class::Insertion => {
            let mut made = spliced(&text, 0, |_| ('a'..='z').map(String::from).collect());
            made.extend(('a'..='z').map(|letter| format!("{name}{letter}")));
            made
        }
        Class::Keyboard => spliced(&text, 1, |taken| neighbours(taken[0])),
        Class::Vowel => spliced(&text, 1, |taken| other_vowels(taken[0])),
        Class::Confusable => confusable(name.as_str(), &text),
        Class::Affix => affixed(name.as_str()),
    };
    let parsed = made.iter().filter_map(|made| ProjectName::new(made).ok());
    parsed.filter(|made| made != name).collect()
}

/// The name with what `change` makes of each run of `width` characters in their place.
fn spliced(text: &[char], width: usize, change: impl Fn(&[char]) -> Vec<String>) -> Vec<String> {
    let places = 0..(text.len() + 1).saturating_sub(width.max(1));
    let made = places.flat_map(|at| {
        let (before, after) = (&text[..at], &text[at + width..]);
        let middles = change(&text[at..at + width]).into_iter();
        middles.map(move |middle| {
            before
                .iter()
                .copied()
                .chain(middle.chars())
                .chain(after.iter().copied())
                .collect()
        })
    });
    made.collect()
}

fn neighbours(key: char) -> Vec<String> {
    let found = KEYS.iter().find(|(other, _)| *other == key);
    found.map_or(Vec::new(), |(_, keys)| {
        keys.chars().map(String::from).collect()
    })
}

fn other_vowels(letter: char) -> Vec<String> {
    match "aeiou".contains(letter) {
        true => "aeiou"
            .chars()
            .filter(|other| *other != letter)
            .map(String::from)
            .collect(),
        false => Vec::new(),
    }
}

fn confusable(name: &str, text: &[char]) -> Vec<String> {
    let mut made = spliced(text, 0, |_| vec!["-".to_owned()]);
    made.push(name.replace('-', ""));
    made.extend(spliced(text, 1, |taken| match taken[0] {
        '-' => vec![String::new()],
        _ => Vec::new(),
    }));
    for (from, to) in CONFUSABLE {
        made.extend(
            name.match_indices(from)
                .map(|(at, _)| format!("{}{to}{}", &name[..at], &name[at + from.len()..])),
        );
    }
    made
}

fn affixed(name: &str) -> Vec<String> {
    let with = |affix: &&str| [format!("{affix}-{name}"), format!("{name}-{affix}")];
    AFFIXES.iter().flat_map(with).collect()
}
