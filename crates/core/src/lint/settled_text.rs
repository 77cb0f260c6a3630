//! How requirements files are written once it is settled which releases they come to: `==` in the place of what is
//! open, and the hashes of all files, in the form in which pip-compile and uv write them.

use std::collections::BTreeSet;

use super::contents::{Span, Wanted};
use super::project::{Project, ProjectFile};
use super::requirement_files::{belonging_together, installed_from, named_beside, pinned};
use super::rule::{Edit, Finding};
use super::settling::{Chosen, Settled, Settlement, settle};
use crate::digest::Sha256;
use crate::fact::Fact;
use crate::pypi::requirement::Requirement;
use crate::pypi::version::{Version, VersionSpecifiers};

/// The algorithms whose hashes pip takes.
const TAKEN: &[&str] = &["sha256", "sha384", "sha512"];

/// With what pip-compile says that it has left out what others need.
const LEFT_OUT: &str =
    "# The following packages are considered to be unsafe in a requirements file:";

/// Edits of a file that are right only all together, with those of other files.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    edits: Vec<Edit>,
    /// The paths of the other files that have to be edited as well.
    others: Vec<String>,
}

/// The finding about what `file` leaves open, with the versions that it comes to where an index was asked.
pub(super) fn with_pins(project: &Project, file: &ProjectFile, finding: Finding) -> Finding {
    if project.candidates.is_none() {
        return finding;
    }
    match pins(project, file) {
        Ok(edits) => finding.fix("pin what the index has", edits),
        Err(why) => finding.unmended(format!("pins are not written: {why}")),
    }
}

/// The finding about hashes that `file` lacks, with the hashes where an index was asked.
pub(super) fn with_hashes(project: &Project, file: &ProjectFile, finding: Finding) -> Finding {
    if project.candidates.is_none() {
        return finding;
    }
    match hashes(project, file) {
        Ok(whole) => {
            let what = "write the hashes that the index has";
            finding.fix_together(what, whole.edits, whole.others)
        }
        Err(why) => finding.unmended(format!("hashes are not written: {why}")),
    }
}

/// What each of `files` comes to where it is installed from.
fn settlements<'p>(
    project: &'p Project,
    files: &[&'p ProjectFile],
) -> Result<Vec<Settlement<'p>>, String> {
    let each = files.iter().map(|file| match settle(project, file) {
        Settled::Done(settlement) => Ok(settlement),
        Settled::Cannot(why) => Err(why),
        Settled::Asks(asks) => {
            let first = asks.first().map(|question| question.title());
            Err(format!("nothing is known of {}", first.unwrap_or_default()))
        }
    });
    each.collect()
}

fn pins(project: &Project, file: &ProjectFile) -> Result<Vec<Edit>, String> {
    let files = belonging_together(project, file)?;
    let settlements = settlements(project, &files)?;
    let mut edits: Vec<Edit> = Vec::new();
    for chosen in settlements.iter().flat_map(|one| &one.releases) {
        if chosen.file.path != file.path || pinned(chosen.wanted).is_some() {
            continue;
        }
        let edit = pin(file, chosen.wanted, &chosen.release.version)?;
        let other = edits
            .iter()
            .find(|other| other.at == edit.at && other.with != edit.with);
        if other.is_some() {
            let spelled = &chosen.wanted.spelled;
            return Err(format!(
                "{spelled} comes to several versions in files that include it"
            ));
        }
        if !edits.contains(&edit) {
            edits.push(edit);
        }
    }
    Ok(edits)
}

/// One version in the place of those that a requirement allows. What stands around them stays: name, extras,
/// marker.
fn pin(file: &ProjectFile, wanted: &Wanted, version: &Version) -> Result<Edit, String> {
    let unclear = || format!("where {} names its versions cannot be told", wanted.spelled);
    let text = file.text.get(wanted.at.clone()).ok_or_else(unclear)?;
    let at = versions_at(text).ok_or_else(unclear)?;
    let with = format!("=={version}");
    let mended = format!("{}{with}{}", &text[..at.start], &text[at.end..]);
    let before: Requirement = text.parse().map_err(|_| unclear())?;
    let after: Requirement = mended.parse().map_err(|_| unclear())?;
    let is_same = (&before.name, &before.extras) == (&after.name, &after.extras);
    if !is_same || after.exact_version() != Some(version) {
        return Err(unclear());
    }
    Ok(Edit {
        at: wanted.at.start + at.start..wanted.at.start + at.end,
        with,
    })
}

/// The place of the specifiers in a requirement on one line, empty where there are none.
fn versions_at(text: &str) -> Option<Span> {
    if text.contains(['\\', '\n', '\r', '@']) {
        return None;
    }
    let head = text.split(';').next()?.trim_end();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let name_end = head.find(|c: char| !is_name(c)).unwrap_or(head.len());
    let behind = head[name_end..].trim_start();
    let start = match behind.starts_with('[') {
        true => head.len() - behind.len() + behind.find(']')? + 1,
        false => name_end,
    };
    let specifiers = head[start..].trim();
    let bare = specifiers
        .strip_prefix('(')
        .and_then(|open| open.strip_suffix(')'));
    bare.unwrap_or(specifiers)
        .parse::<VersionSpecifiers>()
        .ok()?;
    Some(start..head.len())
}

fn hashes(project: &Project, file: &ProjectFile) -> Result<Whole, String> {
    let files = belonging_together(project, file)?;
    let settlements = settlements(project, &files)?;
    for (file, settlement) in files.iter().zip(&settlements) {
        complete(file, settlement)?;
    }
    if let Some((reader, beside)) = named_beside(project, &files) {
        let (path, spelled) = (&reader.path, &beside.spelled);
        return Err(format!("{path} installs {spelled} in one go with it"));
    }
    let mended: BTreeSet<&str> = installed_from(project)
        .into_iter()
        .map(|file| file.path.as_str())
        .collect();
    let mut whole = Whole {
        edits: Vec::new(),
        others: Vec::new(),
    };
    let mut seen: BTreeSet<(&str, usize)> = BTreeSet::new();
    for chosen in settlements.iter().flat_map(|one| &one.releases) {
        let path = chosen.file.path.as_str();
        let is_new = seen.insert((path, chosen.wanted.at.start));
        if !is_new || !lacks_hashes(chosen.wanted)? {
            continue;
        }
        if !mended.contains(path) {
            return Err(format!("{path}, which belongs to it, stays as it is"));
        }
        let edit = hashed(chosen)?;
        if path == file.path {
            whole.edits.push(edit);
        } else if !whole.others.iter().any(|other| other == path) {
            whole.others.push(path.to_owned());
        }
    }
    Ok(whole)
}

/// With a hash pip wants one of everything that it installs.
fn complete(file: &ProjectFile, settlement: &Settlement<'_>) -> Result<(), String> {
    let open = settlement
        .releases
        .iter()
        .find(|one| pinned(one.wanted).is_none());
    if let Some(open) = open {
        return Err(format!("{} is not pinned", open.wanted.spelled));
    }
    if file.contents.lock.is_some() && file.text.contains(LEFT_OUT) {
        let why = "leaves out what is needed; compile it with --allow-unsafe";
        return Err(format!("{} {why}", file.path));
    }
    settlement.unnamed.clone().map_or(Ok(()), Err)
}

/// Whether a requirement has no hash. One with others than pip takes cannot be mended by adding some.
fn lacks_hashes(wanted: &Wanted) -> Result<bool, String> {
    let mut hashes = wanted.hashes.iter();
    match hashes.find(|hash| !TAKEN.contains(&hash.algorithm.as_str())) {
        Some(hash) => {
            let (spelled, algorithm) = (&wanted.spelled, &hash.algorithm);
            Err(format!(
                "{spelled} has a hash that pip does not take: {algorithm}"
            ))
        }
        None => Ok(wanted.hashes.is_empty()),
    }
}

/// The hashes of every file of the release, each on a line of its own behind the requirement.
fn hashed(chosen: &Chosen<'_>) -> Result<Edit, String> {
    let title = || chosen.wanted.spelled.clone();
    let digests: &BTreeSet<Sha256> = match &chosen.release.digests {
        Fact::Known(digests) if !digests.is_empty() => digests,
        Fact::Known(_) => return Err(format!("{} has no files", title())),
        Fact::Unknown(why) => {
            return Err(format!("the hashes of {} are not known: {why}", title()));
        }
    };
    // The release is that of the pin: what another index or a lock has of it would be another one.
    if pinned(chosen.wanted) != Some(&chosen.release.version) {
        return Err(format!("{} is another release", title()));
    }
    let line_end = match chosen.file.text.contains("\r\n") {
        true => "\r\n",
        false => "\n",
    };
    let lines = digests
        .iter()
        .map(|digest| format!(" \\{line_end}    --hash=sha256:{}", digest.to_hex()));
    Ok(Edit {
        at: chosen.wanted.at.end..chosen.wanted.at.end,
        with: lines.collect(),
    })
}

#[cfg(test)]
mod tests;
