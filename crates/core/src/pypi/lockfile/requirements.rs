//! `requirements.txt` as pip reads it: pins with hashes, continuation lines and comments. Options
//! and nested files are noted and not followed.

use super::reading::{Found, Reading, leading_name, sha256};
use super::{LockError, LockFormat, LockedFiles};
use crate::pypi::requirement::Requirement;
use crate::pypi::requirements_lines::{logical_lines, options, requirement_part};

/// The longest logical line that is read, in bytes: a few thousand hashes.
const MAX_LINE: usize = 1 << 20;

pub(super) fn read(text: &str) -> Result<LockedFiles, LockError> {
    let mut reading = Reading::new(LockFormat::Requirements);
    for line in logical_lines(text) {
        line_into(&mut reading, &line.text, line.number)?;
    }
    Ok(reading.finish())
}

/// Whether the first line that says something is an option or a pinned requirement.
pub(super) fn looks_like_one(text: &str) -> bool {
    let Some(line) = logical_lines(text).next().map(|line| line.text) else {
        return false;
    };
    let requirement = requirement_part(&line);
    line.starts_with("-r ")
        || line.starts_with("--")
        || requirement
            .parse::<Requirement>()
            .is_ok_and(|one| one.exact_version().is_some())
}

fn line_into(reading: &mut Reading, line: &str, number: u32) -> Result<(), LockError> {
    let number = Some(number);
    if line.len() > MAX_LINE {
        return reading.skip(line, number, "the line is too long to be read");
    }
    if let Some(reason) = option_reason(line) {
        return reading.skip(line, number, reason);
    }
    let requirement = requirement_part(line);
    let parsed = match requirement.parse::<Requirement>() {
        Ok(parsed) => parsed,
        Err(error) => return reading.skip(line, number, error.to_string()),
    };
    let Some(version) = parsed.exact_version() else {
        let reason = "it is not pinned to one version; resolve the file to a lock first";
        return reading.skip(requirement, number, reason);
    };
    let version = version.to_string();
    let (options, _) = options(line);
    let hashes = options.iter().filter(|option| option.name == "hash");
    let hashes = hashes.filter_map(|option| option.value.as_deref());
    let hashes = hashes.filter(|hash| hash.starts_with("sha256:"));
    reading.take(Found {
        name: leading_name(requirement),
        version: Some(&version),
        hashes: hashes.filter_map(sha256).collect(),
        line: number,
        ..Found::default()
    })
}

fn option_reason(line: &str) -> Option<&'static str> {
    let option = line.split([' ', '=', '\t']).next().unwrap_or_default();
    match option {
        "-r" | "--requirement" => Some("another file is named here; give that file as well"),
        "-c" | "--constraint" => {
            Some("constraints are named here; they lock nothing by themselves")
        }
        "-e" | "--editable" => Some("it is installed from a directory, not from an index"),
        option if option.starts_with("-r") => {
            Some("another file is named here; give that file as well")
        }
        option if option.starts_with('-') => Some("an option for the installer"),
        _ => None,
    }
}
