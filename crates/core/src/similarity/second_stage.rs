//! The second stage: what is known of a project that resembles another one makes the resemblance
//! weigh less or more. What nobody knows changes nothing, and what anybody can claim clears nobody.

use super::scoring::rounded;
use super::{Resemblance, TargetKind};
use crate::fact::Fact;

/// What is known of a project whose name resembles another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Circumstances {
    /// Days since its first upload.
    pub age: Fact<i64>,
    /// How many releases it has.
    pub releases: Fact<u32>,
    /// How many times as often the target is downloaded.
    pub download_ratio: Fact<f64>,
    /// Whether the index says, or an attestation proves, that the same people publish both.
    pub publisher: Fact<Comparison>,
    /// Whether it claims the repository of the target. Its own metadata says so, and nobody checks it.
    pub claimed_repository: Fact<Comparison>,
    /// Whether its description is the target's.
    pub description: Fact<Comparison>,
    /// Whether what it installs is imported under the target's name.
    pub import_name: Fact<Comparison>,
}

/// Whether the project and its target have something in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same, or almost.
    Same,
    /// Something else.
    Different,
}

/// What the second stage makes of a resemblance.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The score with everything that is known, 0 to 1; 0 when it is cleared.
    pub score: f32,
    /// What changed it, each a clause for people.
    pub reasons: Vec<&'static str>,
}

const YEAR: i64 = 365;

/// Downloads that are younger than this many days are cheap to make.
const SETTLED: i64 = 90;

/// A project with more than one download to so many of its target's is known for itself.
const KNOWN_FOR_ITSELF: f64 = 20.0;

impl Circumstances {
    /// Nothing is known, for this reason.
    pub fn unknown(why: &'static str) -> Self {
        Self {
            age: Fact::Unknown(why.into()),
            releases: Fact::Unknown(why.into()),
            download_ratio: Fact::Unknown(why.into()),
            publisher: Fact::Unknown(why.into()),
            claimed_repository: Fact::Unknown(why.into()),
            description: Fact::Unknown(why.into()),
            import_name: Fact::Unknown(why.into()),
        }
    }

    /// Why the resemblance means nothing, if that is so.
    ///
    /// The repository that a project claims is no such reason: squats claim the repository of what
    /// they imitate, to show its stars. Downloads are one only for a project that has been there for
    /// a while, because whoever publishes a squat can download it.
    fn cleared(&self, kind: TargetKind) -> Option<&'static str> {
        if self.publisher == Fact::Known(Comparison::Same) {
            return Some("the same people publish both");
        }
        let is_settled = matches!(self.age, Fact::Known(days) if days >= SETTLED);
        let is_known =
            matches!(self.download_ratio, Fact::Known(ratio) if ratio < KNOWN_FOR_ITSELF);
        (kind != TargetKind::Owned && is_settled && is_known)
            .then_some("it is itself downloaded often, and has been there for months")
    }

    fn for_itself(&self) -> Option<(f32, &'static str)> {
        match (&self.age, &self.releases) {
            (Fact::Known(days), Fact::Known(10..)) if *days >= 2 * YEAR => {
                Some((-0.25, "it has been there for years, with many releases"))
            }
            (Fact::Known(days), _) if *days >= YEAR => {
                Some((-0.15, "it has been there for more than a year"))
            }
            _ => None,
        }
    }

    /// What squats do to be taken for their target. Between projects of the same people it is
    /// ordinary, so it counts only where the publishers are known to differ.
    fn against_itself(&self) -> Vec<(f32, &'static str)> {
        if self.publisher != Fact::Known(Comparison::Different) {
            return Vec::new();
        }
        let signs = [
            (
                &self.claimed_repository,
                0.10,
                "it claims the repository of its target",
            ),
            (&self.description, 0.10, "its description is its target's"),
            (
                &self.import_name,
                0.05,
                "it is imported under its target's name",
            ),
        ];
        signs
            .into_iter()
            .filter(|(fact, _, _)| **fact == Fact::Known(Comparison::Same))
            .map(|(_, weight, reason)| (weight, reason))
            .collect()
    }
}

/// Weighs a resemblance again with what is known of the project.
pub fn second_stage(resemblance: &Resemblance, circumstances: &Circumstances) -> Verdict {
    if let Some(reason) = circumstances.cleared(resemblance.kind) {
        return Verdict {
            score: 0.0,
            reasons: vec![reason],
        };
    }
    let mut changes = circumstances.against_itself();
    // Years of existence are no excuse for a project that dresses up as another one.
    if changes.is_empty() {
        changes.extend(circumstances.for_itself());
    }
    let change: f32 = changes.iter().map(|(weight, _)| weight).sum();
    Verdict {
        score: rounded(resemblance.score + change),
        reasons: changes.into_iter().map(|(_, reason)| reason).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(change: impl FnOnce(&mut Circumstances)) -> Verdict {
        let resemblance = Resemblance {
            target: "requests".parse().expect("a name"),
            kind: TargetKind::Popular { rank: 7 },
            score: 0.75,
            signals: Vec::new(),
        };
        let mut circumstances = Circumstances::unknown("not asked");
        change(&mut circumstances);
        second_stage(&resemblance, &circumstances)
    }

    #[test]
    fn what_nobody_knows_changes_nothing() {
        assert_eq!(verdict(|_| {}).score, 0.75);
        assert_eq!(verdict(|_| {}).reasons, Vec::<&str>::new());
    }

    #[test]
    fn the_same_publisher_clears() {
        let same = |known: &mut Circumstances| known.publisher = Fact::Known(Comparison::Same);
        assert_eq!(verdict(same).score, 0.0);
    }

    #[test]
    fn a_claimed_repository_clears_nobody() {
        let claims = |known: &mut Circumstances| {
            known.claimed_repository = Fact::Known(Comparison::Same);
        };
        assert_eq!(verdict(claims).score, 0.75);
        let starjacking = |known: &mut Circumstances| {
            claims(known);
            known.publisher = Fact::Known(Comparison::Different);
        };
        assert_eq!(verdict(starjacking).score, 0.85);
    }

    #[test]
    fn downloads_clear_only_what_has_been_there_for_a_while() {
        let popular = |known: &mut Circumstances| known.download_ratio = Fact::Known(3.0);
        assert_eq!(verdict(popular).score, 0.75);
        for (days, expected) in [(3, 0.75), (90, 0.0)] {
            let aged = |known: &mut Circumstances| {
                popular(known);
                known.age = Fact::Known(days);
            };
            assert_eq!(verdict(aged).score, expected, "{days}");
        }
    }

    #[test]
    fn years_count_unless_it_dresses_up() {
        let old = |known: &mut Circumstances| {
            known.age = Fact::Known(900);
            known.releases = Fact::Known(12);
        };
        assert_eq!(verdict(old).score, 0.5);
        let dressed = |known: &mut Circumstances| {
            old(known);
            known.publisher = Fact::Known(Comparison::Different);
            known.description = Fact::Known(Comparison::Same);
        };
        assert_eq!(verdict(dressed).score, 0.85);
    }
}
