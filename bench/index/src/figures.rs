//! Figures and what they come to: a ratio within each round, the median of the rounds, and whether it is
//! within its limit.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::servers::Kind;

/// What a figure is of: the work, what of it, and the quantity with its unit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct What {
    /// W1 to W9.
    pub(crate) work: &'static str,
    /// Which part of it.
    pub(crate) part: String,
    /// The quantity with its unit.
    pub(crate) quantity: &'static str,
}

/// Who a figure is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// A server.
    Server(Kind),
    /// The upstream, asked without anybody between.
    Direct,
}

impl Who {
    /// What it is called in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server(kind) => kind.name(),
            Self::Direct => "direct",
        }
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// By what, who and round.
    of: BTreeMap<What, BTreeMap<Who, BTreeMap<u32, f64>>>,
}

/// What a figure of ours is held against.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Beside {
    /// The greatest of these in the same round; those that were not measured are passed over.
    Times(&'static [Who]),
    /// One of the same round, and the difference.
    Plus(Who),
    /// Nothing.
    Alone,
}

/// Which side of the limit is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The figure is at least the limit.
    AtLeast,
    /// It is at most the limit.
    AtMost,
}

/// A limit that is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    /// The work.
    pub(crate) work: &'static str,
    /// How the part begins.
    pub(crate) part: &'static str,
    /// The quantity.
    pub(crate) quantity: &'static str,
    /// What it is held against.
    pub(crate) beside: Beside,
    /// Which side is good.
    pub(crate) bound: Bound,
    /// The limit.
    pub(crate) limit: f64,
}

/// What came of a limit.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What was measured.
    pub(crate) what: What,
    /// What it was held against.
    pub(crate) beside: String,
    /// The median of the rounds.
    pub(crate) median: f64,
    /// The limit.
    pub(crate) limit: Limit,
}

impl Verdict {
    /// Whether the figure is within its limit.
    pub(crate) fn holds(&self) -> bool {
        match self.limit.bound {
            Bound::AtLeast => self.median >= self.limit.limit,
            Bound::AtMost => self.median <= self.limit.limit,
        }
    }
}

const US: Who = Who::Server(Kind::Portcullis);

impl Figures {
    /// Notes a figure.
    pub(crate) fn note(&mut self, what: What, who: Who, round: u32, value: f64) {
        let of_what = self.of.entry(what).or_default();
        of_what.entry(who).or_default().insert(round, value);
    }

    /// The median of the rounds.
    pub(crate) fn median(&self, what: &What, who: Who) -> Option<f64> {
        let rounds = self.of.get(what)?.get(&who)?;
        median(rounds.values().copied().collect())
    }

    /// Everything that was measured, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&What, &BTreeMap<Who, BTreeMap<u32, f64>>)> {
        self.of.iter()
    }

    /// The median over the rounds of ours beside others.
    pub(crate) fn beside(&self, what: &What, beside: Beside) -> Option<f64> {
        let of_what = self.of.get(what)?;
        let ours = of_what.get(&US)?;
        let values = ours.iter().filter_map(|(round, ours)| {
            let other = |who: &Who| of_what.get(who)?.get(round).copied();
            match beside {
                Beside::Times(others) => {
                    let greatest = others.iter().filter_map(other).reduce(f64::max)?;
                    (greatest > 0.0).then(|| ours / greatest)
                }
                Beside::Plus(who) => Some(ours - other(&who)?),
                Beside::Alone => Some(*ours),
            }
        });
        median(values.collect())
    }

    /// What comes of limits, as far as it was measured.
    pub(crate) fn verdicts(&self, limits: &[Limit]) -> Vec<Verdict> {
        let judge = |limit: &Limit| {
            let meant = self.of.keys().filter(|what| {
                what.work == limit.work
                    && what.part.starts_with(limit.part)
                    && what.quantity == limit.quantity
            });
            let judged = meant.filter_map(|what| {
                Some(Verdict {
                    median: self.beside(what, limit.beside)?,
                    beside: limit.beside.text(),
                    what: what.clone(),
                    limit: *limit,
                })
            });
            judged.collect::<Vec<_>>()
        };
        limits.iter().flat_map(judge).collect()
    }

    /// Every figure, for programs.
    pub(crate) fn to_json(&self) -> Value {
        let rows = self.of.iter().flat_map(|(what, servers)| {
            servers.iter().map(move |(who, rounds)| {
                json!({
                    "work": what.work,
                    "part": what.part,
                    "quantity": what.quantity,
                    "of": who.name(),
                    "rounds": rounds.values().collect::<Vec<_>>(),
                })
            })
        });
        rows.collect()
    }
}

impl Beside {
    fn text(self) -> String {
        let name = |who: &Who| who.name();
        match self {
            Self::Times([one]) => format!("× {}", one.name()),
            Self::Times(others) => {
                let names: Vec<_> = others.iter().map(name).collect();
                format!("× the greater of {}", names.join(" and "))
            }
            Self::Plus(who) => format!("beyond {}", who.name()),
            Self::Alone => String::new(),
        }
    }
}

/// The middle one; of an even number, the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let mut figures = Figures::default();
        let what = What {
            work: "W1",
            part: "x".to_owned(),
            quantity: "requests/s",
        };
        let nginx = Who::Server(Kind::Nginx);
        // The machine is half as fast in the second round: both are, and the ratio is the same.
        for (round, ours, theirs) in [(0, 100.0, 50.0), (1, 50.0, 25.0), (2, 90.0, 30.0)] {
            figures.note(what.clone(), US, round, ours);
            figures.note(what.clone(), nginx, round, theirs);
        }
        let limit = |bound, limit| Limit {
            work: "W1",
            part: "",
            quantity: "requests/s",
            beside: Beside::Times(&[Who::Server(Kind::Nginx), Who::Server(Kind::Peryx)]),
            bound,
            limit,
        };
        for (bound, against, holds) in [
            (Bound::AtLeast, 2.0, true),
            (Bound::AtLeast, 2.1, false),
            (Bound::AtMost, 2.0, true),
            (Bound::AtMost, 1.9, false),
        ] {
            let verdicts = figures.verdicts(&[limit(bound, against)]);
            assert_eq!(verdicts.len(), 1);
            assert_eq!(verdicts[0].holds(), holds, "{bound:?} {against}");
        }
        assert_eq!(figures.beside(&what, Beside::Plus(nginx)), Some(50.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
