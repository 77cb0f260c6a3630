//! What an expectation says that a project's page tells, and what others measured of the project.

use super::moment::moment;
use super::{About, NOT_SAID, Unknowable, number};
use crate::fact::Fact;
use crate::maintenance::{Maintenance, Share};
use crate::pypi::simple::ProjectStatus;
use crate::settings::{Table, resembles};
use crate::signals::{Signal, SignalKind, Signals};

/// The marks of PEP 792. An index may use others, which are taken unless they look like a slip.
const STATUSES: [&str; 4] = ["active", "archived", "deprecated", "quarantined"];

/// How the project is kept.
pub(super) fn maintenance(table: &mut Table<'_>, about: &About) -> Maintenance {
    let first = moment(table, "first-release", about.now);
    let last = moment(table, "last-release", about.now);
    let releases = number(table, "releases");
    let mut maintenance = Maintenance::unknown(NOT_SAID);
    maintenance.first_release.fact = Fact::known_or(first, NOT_SAID);
    maintenance.last_release.fact = Fact::known_or(last, NOT_SAID);
    maintenance.releases.fact = Fact::known_or(releases, NOT_SAID);
    maintenance.yanked.fact = Fact::known_or(yanked_share(table, releases), NOT_SAID);
    let status = status(table);
    if !about.is_unknown(Unknowable::Status) {
        maintenance.status = Maintenance::of_page(&[], status.as_ref()).status;
    }
    maintenance
}

fn yanked_share(table: &mut Table<'_>, releases: Option<u32>) -> Option<Share> {
    let yanked = table.integer("yanked-releases", 0..100_000)?;
    let part = u32::try_from(yanked.value).ok()?;
    match releases {
        Some(whole) if whole > 0 && part <= whole => Some(Share { part, whole }),
        _ => {
            let message = "`yanked-releases` is a part of `releases`";
            table.mistake(&yanked, message, Some("say how many releases there are"));
            None
        }
    }
}

fn status(table: &mut Table<'_>) -> Option<ProjectStatus> {
    let status = table.text("status");
    let reason = table.text("status-reason");
    if let Some(reason) = reason.as_ref().filter(|_| status.is_none()) {
        table.mistake(reason, "a reason without a `status`", None);
    }
    let status = status?;
    let known = STATUSES
        .iter()
        .find(|known| resembles(known, &status.value));
    if let Some(known) = known.filter(|known| **known != status.value) {
        let help = format!("did you mean {known:?}?");
        let message = format!("{:?} is not a status of PEP 792", status.value);
        table.mistake(&status, message, Some(&help));
    }
    Some(ProjectStatus {
        status: status.value.into(),
        reason: reason.map(|reason| reason.value.into()),
    })
}

/// `signals = { scorecard = 3.1, … }`.
pub(super) fn signals(table: &mut Table<'_>, about: &About) -> Signals {
    let mut signals = Signals::default();
    let Some(mut table) = table.table("signals") else {
        return signals;
    };
    for kind in SignalKind::ALL {
        let bounds = [1e15, 10.0, 1.0];
        let most = bounds.into_iter().find(|most| kind.admits(*most));
        let value = table.number(kind.as_str(), 0.0..=most.unwrap_or(0.0));
        if let Some(value) = value {
            let signal = Signal {
                value: value.value,
                provider: "expectation".into(),
                at: about.now,
            };
            signals.add(kind, signal);
        }
    }
    table.finish();
    signals
}
