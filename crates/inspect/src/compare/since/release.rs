//! What the page of the project and its attestations say of the two releases.

use std::str::FromStr;

use portcullis_core::fact::PublisherStanding;
use portcullis_core::inspection::{ChangeKind, Weight};
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;

use super::beside::Beside;
use super::{Found, Seen, Sides};

/// After how many days without a release a project was silent.
const SILENCE: i64 = 365;
/// A step of the first number of a version that is a leap.
const LEAP: u64 = 10;
/// From here on it is a year.
const CALENDAR: u64 = 2_000;

pub(super) fn compare(sides: Sides<'_>, beside: &Beside, found: &mut Found) {
    publisher(beside, found);
    if beside.before.has_sdist == Some(true) && beside.now.has_sdist == Some(false) {
        let detail = "has no sdist any more";
        found.add(
            ChangeKind::SdistGone,
            "the release",
            detail,
            Weight::UNUSUAL,
        );
    }
    if let (Some(before), Some(now)) = (beside.before.uploaded, beside.now.uploaded) {
        let days = now.since(before) / Timestamp::DAY;
        if days > SILENCE {
            let detail = format!("comes {days} days after the one before");
            found.add(ChangeKind::Dormant, "the release", detail, Weight::UNUSUAL);
        }
    }
    if let (Some(before), Some(now)) = (version(sides.before), version(sides.now)) {
        leap(&before, &now, found);
    }
}

fn publisher(beside: &Beside, found: &mut Found) {
    match &beside.publisher {
        Some(PublisherStanding::Changed { before, now }) => {
            let (before, now) = (before.to_string(), now.to_string());
            let weight = match repository(&before) == repository(&now) {
                true => Weight::UNUSUAL,
                false => Weight::STRONG,
            };
            let detail = format!("published it, and before {before} did");
            found.add(ChangeKind::PublisherChanged, &now, detail, weight);
        }
        Some(PublisherStanding::NoLongerAttested(before)) => {
            let detail = format!("is not attested; the one before was published by {before}");
            found.add(
                ChangeKind::AttestationGone,
                "the release",
                detail,
                Weight::STRONG,
            );
        }
        Some(PublisherStanding::Same(_) | PublisherStanding::NotComparable) | None => {}
    }
}

/// Kind and first claim of a publisher: the service and the repository that it works for, whatever the
/// workflow is called.
fn repository(publisher: &str) -> Vec<&str> {
    publisher.split(' ').take(2).collect()
}

fn version(seen: Seen<'_>) -> Option<Version> {
    let essentials = seen.contents.essentials.as_ref()?;
    Version::from_str(&essentials.version).ok()
}

fn leap(before: &Version, now: &Version, found: &mut Found) {
    let first = |version: &Version| version.release().first().copied().unwrap_or(0);
    let (was, is) = (first(before), first(now));
    let is_calendar = (CALENDAR..CALENDAR + 1_000).contains(&is);
    if before.epoch() == now.epoch() && is >= was.saturating_add(LEAP) && !is_calendar {
        let detail = format!("leaps from {before} to {now}");
        found.add(
            ChangeKind::VersionJump,
            "the version",
            detail,
            Weight::UNUSUAL,
        );
    }
}
