//! [`Signals`]: what others measured of a project, such as its OpenSSF Scorecard. They are asked in the
//! background; what nobody said is unknown, and never a bad mark.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// The aggregate score of OpenSSF Scorecard, 0 to 10.
    Scorecard,
    /// Scorecard's check `Maintained`, 0 to 10.
    Maintained,
    /// Stars of the repository.
    Stars,
    /// Forks of the repository.
    Forks,
    /// Open issues of the repository.
    OpenIssues,
    /// Packages that depend on it.
    Dependents,
    /// Whether the repository is archived, 0 or 1.
    Archived,
}

impl SignalKind {
    /// All kinds, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Scorecard,
        Self::Maintained,
        Self::Stars,
        Self::Forks,
        Self::OpenIssues,
        Self::Dependents,
        Self::Archived,
    ];

    /// Its name in files, tables and policies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scorecard => "scorecard",
            Self::Maintained => "maintained",
            Self::Stars => "stars",
            Self::Forks => "forks",
            Self::OpenIssues => "open-issues",
            Self::Dependents => "dependents",
            Self::Archived => "archived",
        }
    }

    /// Whether `value` is one that this can have.
    pub fn admits(self, value: f64) -> bool {
        let most = match self {
            Self::Scorecard | Self::Maintained => 10.0,
            Self::Archived => 1.0,
            Self::Stars | Self::Forks | Self::OpenIssues | Self::Dependents => 1e15,
        };
        (0.0..=most).contains(&value)
    }
}

impl fmt::Display for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no signal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no signal {0:?}")]
pub struct UnknownSignal(pub String);

impl FromStr for SignalKind {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownSignal(text.chars().take(40).collect()))
    }
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// The measured value, in the unit of its kind.
    pub value: f64,
    /// Who measured, as the configuration calls it.
    pub provider: Box<str>,
    /// When it was asked.
    pub at: Timestamp,
}

/// What was measured of a project: one value for each kind, the newest one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Signals {
    measured: BTreeMap<SignalKind, Signal>,
}

impl Signals {
    /// Whether nobody said anything.
    pub fn is_empty(&self) -> bool {
        self.measured.is_empty()
    }

    /// Adds a measurement, unless a newer one of its kind is there, or its value is none.
    pub fn add(&mut self, kind: SignalKind, signal: Signal) {
        if !kind.admits(signal.value) {
            return;
        }
        let known = self.measured.get(&kind);
        if known.is_none_or(|known| known.at <= signal.at) {
            self.measured.insert(kind, signal);
        }
    }

    /// The measurement of this kind.
    pub fn get(&self, kind: SignalKind) -> Option<&Signal> {
        self.measured.get(&kind)
    }

    /// All measurements, in the order of their kinds.
    pub fn iter(&self) -> impl Iterator<Item = (SignalKind, &Signal)> {
        self.measured.iter().map(|(kind, signal)| (*kind, signal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(value: f64, at: i64) -> Signal {
        Signal {
            value,
            provider: "file".into(),
            at: Timestamp::from_millis(at),
        }
    }

    #[test]
    fn the_newest_measurement_counts_and_nonsense_does_not() {
        let mut signals = Signals::default();
        signals.add(SignalKind::Scorecard, signal(7.5, 2));
        signals.add(SignalKind::Scorecard, signal(3.0, 1));
        signals.add(SignalKind::Stars, signal(f64::NAN, 3));
        signals.add(SignalKind::Maintained, signal(11.0, 3));
        signals.add(SignalKind::Forks, signal(-1.0, 3));
        let all: Vec<_> = signals
            .iter()
            .map(|(kind, signal)| (kind, signal.value))
            .collect();
        assert_eq!(all, [(SignalKind::Scorecard, 7.5)]);
    }

    #[test]
    fn names_are_read_back() {
        for kind in SignalKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!("score".parse::<SignalKind>().is_err());
    }
}
