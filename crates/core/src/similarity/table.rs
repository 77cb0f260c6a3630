//! The targets in memory: names sorted by length in one piece of text, a letter bag for each, and the
//! forms under which they can be looked up. Under a megabyte for 15,000 names.

use super::TargetKind;
use super::affixes::stem;
use super::distance::{Edits, edits};
use super::folding::{hash, letter_bag, skeleton, sorted_words};
use super::scoring::Family;

/// The forms under which a name can be found without comparing it with all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The skeleton, which is the same whatever the separators.
    Skeleton = 1,
    /// The words in alphabetical order.
    Words = 2,
    /// What remains of a target without its affixes.
    Stem = 3,
}

/// The targets.
#[derive(Debug)]
pub(super) struct Table {
    text: Box<str>,
    /// Where each name starts, and where the last one ends.
    starts: Box<[u32]>,
    kinds: Box<[TargetKind]>,
    bags: Box<[u64]>,
    /// For each length, the first name that is at least so long.
    by_length: Box<[u32]>,
    /// The high half of each form's hash and the name it belongs to, sorted.
    forms: Box<[(u32, u32)]>,
    /// The hashes of the words of popular names, sorted.
    words: Box<[u64]>,
    /// The hashes of the beginnings and ends that many popular names share, sorted.
    families: Box<[u64]>,
}

const WORD: u8 = 4;
const BEGINNING: u8 = 5;
const END: u8 = 6;

/// So many popular names make a family.
const FAMILY: usize = 3;

/// The shortest word that counts as one.
const SHORTEST_WORD: usize = 3;

impl Table {
    /// A table of names, each once.
    pub(super) fn new(mut names: Vec<(&str, TargetKind)>) -> Self {
        names.sort_unstable_by_key(|(name, kind)| (name.len(), *kind));
        let text: String = names.iter().map(|(name, _)| *name).collect();
        let mut starts = Vec::with_capacity(names.len() + 1);
        let mut end = 0;
        for (name, _) in &names {
            starts.push(end);
            end += position(name.len());
        }
        starts.push(end);
        let longest = names.last().map_or(0, |(name, _)| name.len());
        let first_of = |length| names.partition_point(|(name, _)| name.len() < length);
        Self {
            text: text.into_boxed_str(),
            starts: starts.into(),
            kinds: names.iter().map(|(_, kind)| *kind).collect(),
            bags: names
                .iter()
                .map(|(name, _)| letter_bag(name.as_bytes()))
                .collect(),
            by_length: (0..=longest + 1)
                .map(|length| position(first_of(length)))
                .collect(),
            forms: forms(&names),
            words: words(&names),
            families: families(&names),
        }
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// One name.
    pub(super) fn name(&self, number: usize) -> &str {
        &self.text[self.starts[number] as usize..self.starts[number + 1] as usize]
    }

    /// What kind of target one name is.
    pub(super) fn kind(&self, number: usize) -> TargetKind {
        self.kinds[number]
    }

    /// The number of exactly this name.
    pub(super) fn exactly(&self, name: &str) -> Option<usize> {
        self.with_form(Form::Skeleton, &skeleton(name))
            .find(|number| self.name(*number) == name)
    }

    /// The names that may have this form. A few may not: whoever asks compares.
    pub(super) fn with_form(&self, form: Form, text: &str) -> impl Iterator<Item = usize> {
        let key = high(hash(form as u8, text));
        let first = self.forms.partition_point(|(other, _)| *other < key);
        let same = self.forms[first..]
            .iter()
            .take_while(move |(other, _)| *other == key);
        same.map(|(_, number)| *number as usize)
    }

    /// Whether popular names have this word.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.words.binary_search(&hash(WORD, word)).is_ok()
    }

    /// Whether many popular names begin with this one and a separator.
    pub(super) fn family(&self, name: &str) -> Family {
        match self.families.binary_search(&hash(BEGINNING, name)) {
            Ok(_) => Family::Grown,
            Err(_) => Family::None,
        }
    }

    /// Whether many popular names end with a separator and this one.
    pub(super) fn family_behind(&self, name: &str) -> Family {
        match self.families.binary_search(&hash(END, name)) {
            Ok(_) => Family::Grown,
            Err(_) => Family::None,
        }
    }

    /// Hands every name within two edits to `found`; within one where a name is short.
    pub(super) fn near(&self, name: &str, mut found: impl FnMut(usize, Edits)) {
        let written = name.as_bytes();
        let bag = letter_bag(written);
        for length in written.len().saturating_sub(2)..=written.len() + 2 {
            let most = most_edits(length).min(most_edits(written.len() + 1));
            let longer = length.abs_diff(written.len());
            if longer > most {
                continue;
            }
            let bits = 2 * most - longer;
            for number in self.of_length(length) {
                if has_at_most(self.bags[number] ^ bag, bits)
                    && let Some(edits) = edits(written, self.name(number).as_bytes(), most)
                {
                    found(number, edits);
                }
            }
        }
    }

    fn of_length(&self, length: usize) -> std::ops::Range<usize> {
        let start = |length: usize| {
            self.by_length
                .get(length)
                .map_or(self.len(), |start| *start as usize)
        };
        start(length)..start(length + 1)
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
            + size_of_val(&*self.starts)
            + size_of_val(&*self.kinds)
            + size_of_val(&*self.bags)
            + size_of_val(&*self.by_length)
            + size_of_val(&*self.forms)
            + size_of_val(&*self.words)
            + size_of_val(&*self.families)
    }
}

/// How many edits may lie between a target of this length and a name that resembles it.
fn most_edits(length: usize) -> usize {
    match length {
        0..3 => 0,
        3..6 => 1,
        _ => 2,
    }
}

/// Whether at most `most` bits are set. Clearing the lowest one a few times is quicker than counting
/// on processors that a portable build may not assume more of.
fn has_at_most(mut bits: u64, most: usize) -> bool {
    for _ in 0..most {
        bits &= bits.wrapping_sub(1);
    }
    bits == 0
}

fn forms(names: &[(&str, TargetKind)]) -> Box<[(u32, u32)]> {
    let mut forms = Vec::with_capacity(names.len() * 2);
    for (number, (name, _)) in names.iter().enumerate() {
        let mut add = |form: Form, text: &str| {
            forms.push((high(hash(form as u8, text)), position(number)));
        };
        add(Form::Skeleton, &skeleton(name));
        if let Some(words) = sorted_words(name) {
            add(Form::Words, &words);
        }
        if let Some(stem) = stem(name) {
            add(Form::Stem, &stem.text);
        }
    }
    forms.sort_unstable();
    forms.into()
}

/// Words are learned from the names down to this rank. Far down the list there is every word.
const LEARNED_FROM: u32 = 5_000;

fn learned_from<'n>(names: &'n [(&str, TargetKind)]) -> impl Iterator<Item = &'n str> {
    let is_popular =
        |kind: TargetKind| matches!(kind, TargetKind::Popular { rank } if rank <= LEARNED_FROM);
    let popular = names.iter().filter(move |(_, kind)| is_popular(*kind));
    popular.map(|(name, _)| *name)
}

fn words(names: &[(&str, TargetKind)]) -> Box<[u64]> {
    let words = learned_from(names).flat_map(|name| name.split('-'));
    let long_enough = words.filter(|word| word.len() >= SHORTEST_WORD);
    let mut hashes: Vec<u64> = long_enough.map(|word| hash(WORD, word)).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes.into()
}

fn families(names: &[(&str, TargetKind)]) -> Box<[u64]> {
    let parts = learned_from(names).flat_map(|name| {
        let places = name.match_indices('-');
        places.flat_map(|(at, _)| [hash(BEGINNING, &name[..at]), hash(END, &name[at + 1..])])
    });
    let mut parts: Vec<u64> = parts.collect();
    parts.sort_unstable();
    let grown = parts.chunk_by(|one, other| one == other);
    grown
        .filter(|same| same.len() >= FAMILY)
        .map(|same| same[0])
        .collect()
}

fn high(hash: u64) -> u32 {
    u32::try_from(hash >> 32).expect("half of 64 bits are 32")
}

/// A number of names or of bytes of names.
fn position(number: usize) -> u32 {
    u32::try_from(number).expect("lists of names are far shorter than 4 GiB")
}
