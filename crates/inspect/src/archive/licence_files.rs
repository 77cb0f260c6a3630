//! [`read_licence_files`]: the texts of a wheel's licence files (PEP 639, and where older tools put them).
//! Which licences they are is `licence_text`'s business.

use std::io::{Read, Seek};

use portcullis_core::pypi::filename::DistFilename;

use super::dist_info::find_dist_info;
use super::error::ArchiveError;
use super::limits::Limits;
use super::wheel::{read_entries, read_entry, require_wheel};

/// The most licence files that are read.
const MOST: usize = 20;

/// The longest licence file that is read, in bytes. The longest licence of SPDX stays far below.
const LONGEST: u64 = 256 * 1024;

/// A licence file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceFile {
    /// Its name below the `.dist-info` folder.
    pub name: String,
    /// Its text; bytes that are not UTF-8 are replaced.
    pub text: String,
}

/// Reads the licence files of a wheel, at most twenty of at most 256 KiB each. Only the members that are
/// read are checked; [`super::read_wheel`] checks the whole.
///
/// # Errors
/// [`ArchiveError`] when the archive cannot be read.
pub fn read_licence_files(
    mut archive: impl Read + Seek,
    filename: &DistFilename,
    limits: &Limits,
) -> Result<Vec<LicenceFile>, ArchiveError> {
    require_wheel(filename)?;
    let entries = read_entries(&mut archive, limits)?;
    let names = entries.iter().map(|entry| entry.name.as_str());
    let folder = format!("{}/", find_dist_info(names, filename)?);
    let mut files = Vec::new();
    for entry in &entries {
        let Some(name) = entry.name.strip_prefix(&folder) else {
            continue;
        };
        if files.len() == MOST || !is_licence(name) || entry.size == 0 || entry.size > LONGEST {
            continue;
        }
        let mut bytes = Vec::new();
        read_entry(&mut archive, entry, |chunk| bytes.extend_from_slice(chunk))?;
        files.push(LicenceFile {
            name: name.to_owned(),
            text: String::from_utf8_lossy(&bytes).into_owned(),
        });
    }
    Ok(files)
}

/// Whether a member of `.dist-info` is called as licence files are.
fn is_licence(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name).to_ascii_uppercase();
    let starts = ["LICENSE", "LICENCE", "COPYING", "UNLICENSE"];
    !file.is_empty() && starts.iter().any(|start| file.starts_with(start))
        || name.starts_with("licenses/") && file.contains("LICEN")
}
