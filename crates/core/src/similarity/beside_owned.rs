//! Names beside the organisation's prefixes: `acrne-billing` and `billing-acme` where `acme-*` is
//! owned. Exactly owned names are targets like others, with the highest standing.

use super::distance::edits;
use super::folding::{skeleton, without_separators};
use super::scoring::{self, Family};
use super::signal::Signal;
use super::table::Table;
use super::{LEAST, Resemblance, TargetKind};
use crate::pypi::name::{NamePattern, ProjectName};

/// The owned prefixes.
#[derive(Debug)]
pub(super) struct OwnedPrefixes {
    prefixes: Box<[Prefix]>,
}

#[derive(Debug)]
struct Prefix {
    pattern: NamePattern,
    /// The prefix as a name: `acme` for `acme-*`.
    stem: Box<str>,
    skeleton: Box<str>,
}

/// Prefixes with fewer characters are compared by their look only.
const SHORTEST_WITH_EDITS: usize = 4;

/// A prefix found in front of a name without the separator.
const GLUED: f32 = 0.70;

/// A prefix found behind a name, and between words.
const BEHIND: f32 = 0.80;
const BETWEEN: f32 = 0.65;

/// What is taken away when the prefix is a word of well-known projects.
const COMMON_WORD: f32 = 0.15;

/// What a name has in common with a prefix.
struct Beside {
    score: f32,
    signal: Signal,
    /// What of the name follows the prefix.
    rest: String,
}

impl OwnedPrefixes {
    pub(super) fn new(patterns: &[NamePattern]) -> Self {
        let prefixes = patterns.iter().filter_map(|pattern| match pattern {
            NamePattern::Exact(_) => None,
            NamePattern::Prefix(text) => {
                let stem = text.trim_end_matches('-');
                Some(Prefix {
                    pattern: pattern.clone(),
                    stem: stem.into(),
                    skeleton: skeleton(stem).into(),
                })
            }
        });
        Self {
            prefixes: prefixes.collect(),
        }
    }

    /// Whether the name is under one of the prefixes.
    pub(super) fn own(&self, name: &ProjectName) -> bool {
        self.prefixes
            .iter()
            .any(|prefix| prefix.pattern.matches(name))
    }

    /// The prefix that the name resembles most. `known` knows which words are common.
    pub(super) fn resemblance(&self, name: &ProjectName, known: &Table) -> Option<Resemblance> {
        let found = self.prefixes.iter().filter_map(|prefix| {
            let beside = prefix.beside(name.as_str(), known)?;
            Some((prefix, beside))
        });
        let (prefix, beside) =
            found.max_by(|(_, one), (_, other)| one.score.total_cmp(&other.score))?;
        if beside.score < LEAST {
            return None;
        }
        let target = match beside.rest.is_empty() {
            true => prefix.stem.to_string(),
            false => format!("{}-{}", prefix.stem, beside.rest),
        };
        // The name of the prefix itself belongs to whoever published it.
        let target = ProjectName::new(&target)
            .ok()
            .filter(|target| target != name)?;
        Some(Resemblance {
            target,
            kind: TargetKind::Owned,
            score: scoring::rounded(beside.score),
            signals: vec![
                beside.signal,
                Signal::BesidePrefix(prefix.pattern.to_string()),
            ],
        })
    }

    pub(super) fn bytes(&self) -> usize {
        let texts = self
            .prefixes
            .iter()
            .map(|prefix| 2 * prefix.stem.len() + prefix.skeleton.len());
        size_of_val(&*self.prefixes) + texts.sum::<usize>()
    }
}

impl Prefix {
    fn beside(&self, name: &str, known: &Table) -> Option<Beside> {
        let heads = boundaries(name).filter_map(|at| {
            let (head, rest) = name.split_at(at);
            let (score, signal) = self.like(head)?;
            let rest = rest.trim_start_matches('-').to_owned();
            Some(Beside {
                score,
                signal,
                rest,
            })
        });
        let head = heads.max_by(|one, other| one.score.total_cmp(&other.score));
        head.or_else(|| self.within(name, known))
    }

    /// How much the beginning of a name looks like the prefix.
    fn like(&self, head: &str) -> Option<(f32, Signal)> {
        let standing = scoring::standing(TargetKind::Owned);
        if skeleton(head) == *self.skeleton {
            return Some(
                match without_separators(head) == without_separators(&self.stem) {
                    true => (0.95, Signal::Separators),
                    false => (0.90, Signal::SameLook),
                },
            );
        }
        let shorter = self.stem.len().min(head.len());
        let most = match shorter {
            0..SHORTEST_WITH_EDITS => return None,
            SHORTEST_WITH_EDITS..8 => 1,
            _ => 2,
        };
        let edits = edits(head.as_bytes(), self.stem.as_bytes(), most)?;
        let mut likeness = scoring::of_edits(head, &self.stem, edits);
        let score = likeness.score + standing - scoring::shortness(shorter, TargetKind::Owned);
        Some((score, likeness.signals.swap_remove(0)))
    }

    /// Whether the prefix is somewhere else in the name. A prefix that is a word elsewhere, too, says less,
    /// and one that many names have says nothing.
    fn within(&self, name: &str, known: &Table) -> Option<Beside> {
        let grown = [known.family(&self.stem), known.family_behind(&self.stem)];
        if self.stem.len() < SHORTEST_WITH_EDITS || grown.contains(&Family::Grown) {
            return None;
        }
        let between = format!("-{}-", self.stem);
        let (score, rest) = if let Some(rest) = name.strip_prefix(&*self.stem) {
            let shortness = scoring::shortness(self.stem.len(), TargetKind::Owned);
            (GLUED - shortness / 2.0, rest.to_owned())
        } else if let Some(rest) = name.strip_suffix(&format!("-{}", self.stem)) {
            (BEHIND, rest.to_owned())
        } else if name.contains(&between) {
            (BETWEEN, name.replace(&between, "-"))
        } else {
            return None;
        };
        let common = match known.is_word(&self.stem) {
            true => COMMON_WORD,
            false => 0.0,
        };
        Some(Beside {
            score: score - common,
            signal: Signal::Contains(self.stem.to_string()),
            rest: rest.trim_matches('-').to_owned(),
        })
    }
}

/// Where the words of a name end, the end of the name included.
fn boundaries(name: &str) -> impl Iterator<Item = usize> {
    name.match_indices('-')
        .map(|(at, _)| at)
        .chain([name.len()])
}
