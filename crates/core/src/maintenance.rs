//! [`Maintenance`]: what a project's page tells of how it is kept: when it released, how often, what it took
//! back, and its status (PEP 792). What its metadata and others say of it is in `release_metadata` and
//! `signals`.

use std::collections::BTreeMap;
use std::fmt;

use crate::fact::{Fact, FileFacts};
use crate::pypi::filename::DistKind;
use crate::pypi::simple::{ProjectStatus, Yanked};
use crate::pypi::version::Version;
use crate::time::Timestamp;

/// A fact together with where it was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The fact.
    pub fact: Fact<T>,
    /// Where it was learned, for people.
    pub source: &'static str,
}

/// The status marker of a project (PEP 792).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing special. What a page without a marker means.
    Active,
    /// It does not expect updates.
    Archived,
    /// The index holds it for being unsafe.
    Quarantined,
    /// Its author advises against it.
    Deprecated,
    /// A marker that was not known when this was written.
    Other(Box<str>),
}

/// A status together with the reason that the index gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkedStatus {
    /// The status.
    pub status: Status,
    /// Why, for people.
    pub reason: Option<Box<str>>,
}

/// A share of a whole, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How many.
    pub part: u32,
    /// Of how many; never 0.
    pub whole: u32,
}

/// How a project is kept, as its page tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maintenance {
    /// How many versions it has.
    pub releases: Sourced<u32>,
    /// When its first version was uploaded.
    pub first_release: Sourced<Timestamp>,
    /// When its last version was uploaded.
    pub last_release: Sourced<Timestamp>,
    /// The median time between two releases, in milliseconds.
    pub cadence: Sourced<i64>,
    /// How many of its versions are yanked.
    pub yanked: Sourced<Share>,
    /// Whether its newest version has a source distribution.
    pub latest_has_sdist: Sourced<bool>,
    /// Its status.
    pub status: Sourced<MarkedStatus>,
}

const PAGE: &str = "the index page";
const UPLOAD_TIMES: &str = "the upload times of the index page";
const STATUS: &str = "the project status of the index page";

/// What a page tells of one version.
struct Release {
    uploaded: Option<Timestamp>,
    is_yanked: bool,
    has_sdist: bool,
}

impl Maintenance {
    /// A project whose page was not read.
    pub fn unknown(why: &'static str) -> Self {
        fn no<T>(why: &'static str) -> Sourced<T> {
            Sourced {
                fact: Fact::Unknown(why.into()),
                source: PAGE,
            }
        }
        Self {
            releases: no(why),
            first_release: no(why),
            last_release: no(why),
            cadence: no(why),
            yanked: no(why),
            latest_has_sdist: no(why),
            status: no(why),
        }
    }

    /// What the files and the status of a page tell.
    pub fn of_page(files: &[FileFacts], status: Option<&ProjectStatus>) -> Self {
        let releases = releases(files);
        let times = times(&releases);
        let none = "the page lists no version";
        let whole = u32::try_from(releases.len()).unwrap_or(u32::MAX);
        let part = releases
            .values()
            .filter(|release| release.is_yanked)
            .count();
        let share = Share {
            part: u32::try_from(part).unwrap_or(u32::MAX),
            whole,
        };
        let latest = releases
            .iter()
            .rfind(|(version, _)| !version.any_prerelease())
            .or_else(|| releases.last_key_value());
        let by_time = |at: Option<Timestamp>| Sourced {
            fact: match (at, releases.is_empty()) {
                (Some(at), _) => Fact::Known(at),
                (None, true) => Fact::Unknown(none.into()),
                (None, false) => Fact::Unknown("not every version has an upload time".into()),
            },
            source: UPLOAD_TIMES,
        };
        let of_page = PAGE;
        Self {
            releases: Sourced {
                fact: Fact::Known(whole),
                source: of_page,
            },
            first_release: by_time(times.as_ref().and_then(|times| times.first().copied())),
            last_release: by_time(times.as_ref().and_then(|times| times.last().copied())),
            cadence: Sourced {
                fact: Fact::known_or(
                    times.as_deref().and_then(median_gap),
                    "there are no two versions with an upload time",
                ),
                source: UPLOAD_TIMES,
            },
            yanked: Sourced {
                fact: Fact::known_or((whole > 0).then_some(share), none),
                source: of_page,
            },
            latest_has_sdist: Sourced {
                fact: Fact::known_or(latest.map(|(_, release)| release.has_sdist), none),
                source: of_page,
            },
            status: Sourced {
                fact: Fact::Known(MarkedStatus::of(status)),
                source: STATUS,
            },
        }
    }
}

fn releases(files: &[FileFacts]) -> BTreeMap<&Version, Release> {
    let mut releases = BTreeMap::new();
    for file in files {
        let Some(version) = file.version.known() else {
            continue;
        };
        let release = releases.entry(version).or_insert(Release {
            uploaded: None,
            is_yanked: true,
            has_sdist: false,
        });
        let uploaded = file.upload_time.known().copied();
        release.uploaded = match (release.uploaded, uploaded) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        release.is_yanked &= file.yanked != Yanked::No;
        release.has_sdist |= file.kind == DistKind::Sdist;
    }
    releases
}

/// The upload times of all versions in ascending order; `None` when one of them has none.
fn times(releases: &BTreeMap<&Version, Release>) -> Option<Vec<Timestamp>> {
    let times: Option<Vec<Timestamp>> = releases.values().map(|release| release.uploaded).collect();
    let mut times = times.filter(|times| !times.is_empty())?;
    times.sort_unstable();
    Some(times)
}

fn median_gap(times: &[Timestamp]) -> Option<i64> {
    let mut gaps: Vec<i64> = times.windows(2).map(|two| two[1].since(two[0])).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).copied()
}

impl MarkedStatus {
    fn of(status: Option<&ProjectStatus>) -> Self {
        let Some(marked) = status else {
            return Self {
                status: Status::Active,
                reason: None,
            };
        };
        Self {
            status: match &*marked.status {
                "active" => Status::Active,
                "archived" => Status::Archived,
                "quarantined" => Status::Quarantined,
                "deprecated" => Status::Deprecated,
                other => Status::Other(other.chars().take(40).collect::<String>().into()),
            },
            reason: marked.reason.clone(),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Quarantined => "quarantined",
            Self::Deprecated => "deprecated",
            Self::Other(other) => other,
        })
    }
}

impl Share {
    /// The share in whole percent, rounded down.
    pub fn percent(self) -> u32 {
        let percent = u64::from(self.part) * 100 / u64::from(self.whole.max(1));
        u32::try_from(percent).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::policy::rules::testing::Case;
    use crate::pypi::filename::DistFilename;

    fn file(name: &str, day: Option<i64>, yanked: Yanked) -> FileFacts {
        let parsed = DistFilename::parse(name, None).unwrap();
        let case = Case::upstream("x").with_file(|facts| {
            facts.filename = name.into();
            facts.kind = parsed.kind().clone();
            facts.version = Fact::known_or(parsed.version().cloned(), "unreadable");
            facts.upload_time = Fact::known_or(
                day.map(|day| Timestamp::from_millis(day * Timestamp::DAY)),
                "not given",
            );
            facts.yanked = yanked;
        });
        case.facts().file.unwrap().clone()
    }

    #[test]
    fn a_page_tells_when_and_how_often_a_project_releases() {
        let files = [
            file("x-1.0.tar.gz", Some(10), Yanked::No),
            file("x-1.0-py3-none-any.whl", Some(11), Yanked::No),
            file("x-2.0-py3-none-any.whl", Some(40), Yanked::Yes),
            file("x-1.1.tar.gz", Some(20), Yanked::No),
            file("x-3.0rc1.tar.gz", Some(100), Yanked::No),
        ];
        let told = Maintenance::of_page(&files, None);
        let day = |day: i64| Fact::Known(Timestamp::from_millis(day * Timestamp::DAY));
        assert_eq!(told.releases.fact, Fact::Known(4));
        assert_eq!(told.first_release.fact, day(10));
        assert_eq!(told.last_release.fact, day(100));
        assert_eq!(told.cadence.fact, Fact::Known(20 * Timestamp::DAY));
        assert_eq!(told.yanked.fact, Fact::Known(Share { part: 1, whole: 4 }));
        assert_eq!(told.yanked.fact.known().unwrap().percent(), 25);
        assert_eq!(told.latest_has_sdist.fact, Fact::Known(false));
    }

    #[test]
    fn a_missing_upload_time_makes_ages_unknown_and_nothing_else() {
        let files = [
            file("x-1.0.tar.gz", Some(10), Yanked::No),
            file("x-1.1.tar.gz", None, Yanked::No),
        ];
        let told = Maintenance::of_page(&files, None);
        assert!(matches!(told.last_release.fact, Fact::Unknown(_)));
        assert_eq!(told.releases.fact, Fact::Known(2));
        assert_eq!(told.latest_has_sdist.fact, Fact::Known(true));
    }

    #[test]
    fn an_empty_page_knows_its_status_only() {
        let status = ProjectStatus {
            status: "quarantined".into(),
            reason: Some("malware".into()),
        };
        let told = Maintenance::of_page(&[], Some(&status));
        assert_eq!(
            told.status.fact.known().unwrap().status,
            Status::Quarantined
        );
        assert!(matches!(told.last_release.fact, Fact::Unknown(_)));
        assert!(matches!(told.yanked.fact, Fact::Unknown(_)));
        let told = Maintenance::of_page(&[], None);
        assert_eq!(told.status.fact.known().unwrap().status, Status::Active);
    }
}
