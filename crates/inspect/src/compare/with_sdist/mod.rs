//! [`with_sdist`]: what a wheel has that the sdist of its release does not account for.
//!
//! A wheel is built from its sdist, so that everything that runs should stand in both: at the same path, or
//! at one that the build maps to it, or be made from sources that stand there. What does not is weighed by
//! what it is able to do unasked; a difference that is able to do nothing is worth knowing and no more.
//!
//! Read the modules in this order: finding the file of the sdist that a file of the wheel was made from,
//! what builds make, and what a difference counts.

mod counterpart;
mod built;
mod weigh;

#[cfg(test)]
mod tests;

use portcullis_core::inspection::{
    Area, Difference, DifferenceKind, Differences, FileKind, Member, Weight,
};

use super::seen::Seen;
use counterpart::{Counterpart, Sources};
use weigh::Weigher;

/// How many differences are kept, the weightiest first.
const MOST: usize = 200;

/// What `wheel` has that `sdist`, that of the same release, does not account for.
#[must_use]
pub fn with_sdist<'a>(wheel: impl Into<Seen<'a>>, sdist: impl Into<Seen<'a>>) -> Differences {
    let (wheel, sdist) = (wheel.into(), sdist.into());
    let sources = Sources::of(wheel, sdist);
    let weigher = Weigher::of(wheel, sdist);
    let mut all = Differences::default();
    for member in &wheel.contents.members {
        let counterpart = match member.area {
            Area::DistInfo | Area::Sdist => continue,
            _ => sources.counterpart(member),
        };
        match difference(wheel, (member, counterpart), (&sources, &weigher)) {
            None => all.alike += 1,
            Some(difference) => all.differences.push(difference),
        }
    }
    all.differences.sort_by(|a, b| {
        let weight = b.weight.cmp(&a.weight);
        weight.then_with(|| (a.kind, &a.path).cmp(&(b.kind, &b.path)))
    });
    all.differences.truncate(MOST);
    all
}

fn difference(
    wheel: Seen<'_>,
    (member, counterpart): (&Member, Counterpart<'_>),
    (sources, weigher): (&Sources<'_>, &Weigher<'_>),
) -> Option<Difference> {
    let other = match counterpart {
        Counterpart::Alike => return None,
        Counterpart::Elsewhere(other) => return moved(member, other, weigher),
        Counterpart::Differs(other) => Some(other),
        Counterpart::Absent => None,
    };
    let (kind, detail, weight) = match member.kind {
        FileKind::Startup => startup(wheel, member, weigher.weigh(member, other)),
        FileKind::Native => native(wheel, member, sources),
        FileKind::Python => return Some(python(member, other, (sources, weigher))),
        _ if member.area == Area::Scripts => script(other),
        FileKind::Compiled => (
            DifferenceKind::OnlyInWheel,
            "is compiled Python that the sdist has not".to_owned(),
            Weight::UNUSUAL,
        ),
        _ => (
            DifferenceKind::Data,
            "is not as in the sdist".to_owned(),
            Weight::INFORMATION,
        ),
    };
    Some(Difference {
        kind,
        path: shown(&member.path),
        detail,
        weight,
    })
}

/// A file that stands elsewhere in the sdist is one of its own, unless it does there nothing of what it
/// does here: a test that has become a module, data that is now read at each start.
fn moved(member: &Member, other: &Member, weigher: &Weigher<'_>) -> Option<Difference> {
    let weighed = weigher.weigh(member, Some(other));
    let is_list = |path: &str| path.ends_with(".pth") || path.ends_with(".start");
    let was_list = is_list(&member.path) && is_list(&other.path);
    let is_same = was_list || member.file_name() == other.file_name();
    let (kind, weight) = match member.kind {
        FileKind::Startup if is_same => return None,
        FileKind::Startup => (DifferenceKind::Startup, Weight::DECISIVE),
        _ => (DifferenceKind::OnlyInWheel, weighed.weight),
    };
    weight.is_strong().then(|| Difference {
        kind,
        path: shown(&member.path),
        detail: format!(
            "stands elsewhere in the sdist ({}), and runs here",
            shown(&other.path)
        ),
        weight,
    })
}

fn python(
    member: &Member,
    other: Option<&Member>,
    (sources, weigher): (&Sources<'_>, &Weigher<'_>),
) -> Difference {
    let weighed = weigher.weigh(member, other);
    let made = built::made_by(member, sources);
    let (kind, what) = match (made, other) {
        (Some(what), _) => (DifferenceKind::Built, what),
        (None, Some(_)) => (DifferenceKind::OtherCode, "is other code than in the sdist"),
        (None, None) => (DifferenceKind::OnlyInWheel, "is not in the sdist"),
    };
    let detail = match weighed.able.is_empty() {
        true => what.to_owned(),
        false => format!("{what}, and there it {}", weighed.able),
    };
    Difference {
        kind,
        path: shown(&member.path),
        detail,
        weight: weighed.weight,
    }
}

/// A file that each start of Python reads runs in every environment, so that its lines alone count.
fn startup(
    wheel: Seen<'_>,
    member: &Member,
    weighed: weigh::Weighed,
) -> (DifferenceKind, String, Weight) {
    let mut lines = wheel
        .contents
        .startup
        .iter()
        .filter(|line| line.file == member.path);
    let is_python = member.path.ends_with(".py");
    let weight = match (lines.find(|line| !line.is_known), is_python) {
        (Some(_), _) | (None, true) => Weight::DECISIVE,
        (None, false) => weighed.weight,
    };
    let detail = match weight.is_strong() {
        true => "is not so in the sdist, and runs at each start of Python",
        false => "is not so in the sdist, and runs nothing that is not known",
    };
    (DifferenceKind::Startup, detail.to_owned(), weight)
}

fn native(
    wheel: Seen<'_>,
    member: &Member,
    sources: &Sources<'_>,
) -> (DifferenceKind, String, Weight) {
    if let Some(language) = sources.language_of(member) {
        let detail = format!("is machine code, which the sdist has sources in {language} for");
        return (DifferenceKind::Built, detail, Weight::INFORMATION);
    }
    let weight = match wheel.contents.is_pure {
        true => Weight::STRONG,
        false => Weight::UNUSUAL,
    };
    let detail = "is machine code, and the sdist has no sources for any";
    (DifferenceKind::Native, detail.to_owned(), weight)
}

fn script(other: Option<&Member>) -> (DifferenceKind, String, Weight) {
    let (detail, weight) = match other {
        // Builds write the interpreter's path into the first line.
        Some(_) => (
            "is a command that reads otherwise in the sdist",
            Weight::INFORMATION,
        ),
        None => ("is a command that the sdist has not", Weight::UNUSUAL),
    };
    (DifferenceKind::Script, detail.to_owned(), weight)
}

/// A path as it can be shown: without control characters, and not endless.
fn shown(path: &str) -> String {
    path.chars().filter(|c| !c.is_control()).take(200).collect()
}
