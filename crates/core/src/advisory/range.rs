//! Which versions the events of an OSV range mean, made into intervals once so that asking is
//! cheap. Versions are ordered as PEP 440 orders them.

use serde::{Deserialize, Serialize};

use crate::pypi::version::Version;

/// One event of an ECOSYSTEM range, its version readable.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// `introduced`; `None` is `"0"`, before any version.
    Introduced(Option<Version>),
    /// `fixed`: this version and later ones are well.
    Fixed(Version),
    /// `last_affected`: later versions are well.
    LastAffected(Version),
}

impl Event {
    fn version(&self) -> Option<&Version> {
        match self {
            Self::Introduced(version) => version.as_ref(),
            Self::Fixed(version) | Self::LastAffected(version) => Some(version),
        }
    }
}

/// Affected versions without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Interval {
    /// The first affected version; `None` is before any version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Version>,
    /// Where it ends.
    until: End,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum End {
    Never,
    /// The first version that is well again.
    Before(Version),
    /// The last affected version.
    At(Version),
}

impl Interval {
    /// Every version there is and will be.
    pub(super) const EVERYTHING: Self = Self {
        from: None,
        until: End::Never,
    };

    /// Whether `version` lies inside. Its local part counts only against a bound that has one
    /// itself: advisories speak of public versions, and `2.0+cu118` is a build of `2.0`.
    pub(super) fn contains(&self, version: &Version, public: &Version) -> bool {
        let begun = self.from.as_ref().is_none_or(|from| version >= from);
        begun
            && match &self.until {
                End::Never => true,
                End::Before(end) => version < end,
                End::At(last) if last.is_local() => version <= last,
                End::At(last) => public <= last,
            }
    }
}

/// The intervals that `events` mean: sorted by version (stable, so that events at one version count
/// in the order in which they are written), each `introduced` switches on and each `fixed` or
/// `last_affected` off. Only versions below the highest of `limits` count, where there are any.
pub(super) fn intervals(mut events: Vec<Event>, limits: &[Version]) -> Vec<Interval> {
    events.sort_by(|a, b| a.version().cmp(&b.version()));
    let mut intervals = Vec::new();
    let mut open: Option<Option<Version>> = None;
    for event in events {
        let until = match event {
            Event::Introduced(from) => {
                open.get_or_insert(from);
                continue;
            }
            Event::Fixed(version) => End::Before(version),
            Event::LastAffected(version) => End::At(version),
        };
        if let Some(from) = open.take() {
            intervals.push(Interval { from, until });
        }
    }
    intervals.extend(open.map(|from| Interval {
        from,
        until: End::Never,
    }));
    match limits.iter().max() {
        Some(limit) => intervals
            .iter()
            .filter_map(|one| one.below(limit))
            .collect(),
        None => intervals,
    }
}

impl Interval {
    /// The part that lies below `limit`.
    fn below(&self, limit: &Version) -> Option<Self> {
        if self.from.as_ref().is_some_and(|from| from >= limit) {
            return None;
        }
        let ends_earlier = match &self.until {
            End::Never => false,
            End::Before(end) => end <= limit,
            End::At(last) => last < limit,
        };
        let until = match ends_earlier {
            true => self.until.clone(),
            false => End::Before(limit.clone()),
        };
        Some(Self {
            from: self.from.clone(),
            until,
        })
    }
}
