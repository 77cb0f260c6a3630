//! [`read_sdist`]: a source distribution read from end to end, as a tarball or a zip file (PEP 517,
//! PEP 625). There is no RECORD to hold its members against; what its build would do is not asked.

use std::io::{BufReader, Read, Seek, SeekFrom};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;
use portcullis_core::pypi::filename::{DistFilename, DistKind};

use super::dist_info::{belongs_to, check_license_files, expected_folder, other_distribution};
use super::error::{ArchiveError, Member, Problem};
use super::limits::Limits;
use super::member_name::Names;
use super::tarball::read_tarball;
use super::wheel::{read_entries, read_entry};

/// What a publication needs of a source distribution that was found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdistContents {
    /// The top-level folder as the archive spells it, without a slash.
    pub folder: String,
    /// PKG-INFO, byte for byte (core metadata specification).
    pub pkg_info: Vec<u8>,
    /// Members, folders and links included.
    pub members: u64,
    /// The archive when inflated, in bytes; for a tarball with its headers.
    pub inflated_size: u64,
}

/// Reads a whole sdist once and checks that it holds one folder that `filename` names, with PKG-INFO
/// in it, and nothing that could be unpacked anywhere else.
///
/// Takes `.tar.gz`, `.tgz`, `.tar.bz2` and `.zip`.
///
/// # Errors
/// [`ArchiveError`], which names the first member at fault.
pub fn read_sdist(
    mut archive: impl Read + Seek,
    filename: &DistFilename,
    limits: &Limits,
) -> Result<SdistContents, ArchiveError> {
    let unknown = || ArchiveError::FileName(Member::new(filename.as_str()));
    if *filename.kind() != DistKind::Sdist {
        return Err(unknown());
    }
    let size = archive.seek(SeekFrom::End(0))?;
    archive.seek(SeekFrom::Start(0))?;
    let name = filename.as_str();
    let mut gathered = Gathered::new(filename, limits);
    if name.ends_with(".zip") {
        read_zip(&mut archive, &mut gathered)?;
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        read_tarball(
            MultiGzDecoder::new(BufReader::new(archive)),
            size,
            &mut gathered,
        )?;
    } else if name.ends_with(".tar.bz2") {
        read_tarball(
            MultiBzDecoder::new(BufReader::new(archive)),
            size,
            &mut gathered,
        )?;
    } else {
        return Err(unknown());
    }
    gathered.finish()
}

/// What has been seen of an sdist so far, whatever the container.
pub(super) struct Gathered<'a> {
    filename: &'a DistFilename,
    pub(super) limits: &'a Limits,
    folder: Option<String>,
    names: Vec<String>,
    name_bytes: u64,
    pkg_info: Option<Vec<u8>>,
    pub(super) inflated_size: u64,
}

impl<'a> Gathered<'a> {
    fn new(filename: &'a DistFilename, limits: &'a Limits) -> Self {
        Self {
            filename,
            limits,
            folder: None,
            names: Vec::new(),
            name_bytes: 0,
            pkg_info: None,
            inflated_size: 0,
        }
    }

    /// Takes a member's safe name in; a folder's ends in a slash. The first one says which folder
    /// everything has to be in.
    pub(super) fn add(&mut self, name: &str) -> Result<(), ArchiveError> {
        self.limits.check_members(self.names.len() as u64 + 1)?;
        self.name_bytes += name.len() as u64;
        if self.name_bytes > self.limits.directory_size {
            return Err(super::limits::too_large(
                self.limits.directory_size,
                "bytes of names",
            ));
        }
        let (top, _) = name.split_once('/').unwrap_or((name, ""));
        let folder = self.folder.get_or_insert_with(|| top.to_owned());
        if folder != top || folder.len() == name.len() {
            let folder = expected_folder(self.filename, "");
            return Err(ArchiveError::member(
                name,
                Problem::OutsideFolder(Member::new(&folder)),
            ));
        }
        if !belongs_to(top, self.filename) {
            return Err(other_distribution(top, self.filename));
        }
        self.names.push(name.to_owned());
        Ok(())
    }

    /// Whether this is the PKG-INFO that counts. A link of that name is not.
    pub(super) fn is_pkg_info(&self, name: &str) -> bool {
        let folder = self.folder.as_deref().unwrap_or_default();
        name.strip_prefix(folder) == Some("/PKG-INFO")
    }

    /// Refuses a PKG-INFO that is too large to be kept.
    pub(super) fn check_pkg_info_size(&self, name: &str, size: u64) -> Result<(), ArchiveError> {
        let largest = self.limits.metadata_size;
        if size > largest {
            return Err(ArchiveError::member(name, Problem::TooLarge(largest)));
        }
        Ok(())
    }

    pub(super) fn keep_pkg_info(&mut self, bytes: Vec<u8>) {
        self.pkg_info = Some(bytes);
    }

    fn finish(self) -> Result<SdistContents, ArchiveError> {
        let expected = expected_folder(self.filename, "");
        let missing = |name: &str| ArchiveError::Missing(Member::new(name));
        let folder = self.folder.ok_or_else(|| missing(&expected))?;
        let names = Names::new(self.names.iter().map(String::as_str).collect())?;
        let pkg_info = self
            .pkg_info
            .ok_or_else(|| missing(&format!("{folder}/PKG-INFO")))?;
        check_license_files(&pkg_info, &folder, &names)?;
        let members = self.names.len() as u64;
        Ok(SdistContents {
            folder,
            pkg_info,
            members,
            inflated_size: self.inflated_size,
        })
    }
}

fn read_zip(
    archive: &mut (impl Read + Seek),
    gathered: &mut Gathered<'_>,
) -> Result<(), ArchiveError> {
    for entry in read_entries(archive, gathered.limits)? {
        gathered.add(&entry.name)?;
        gathered.inflated_size += entry.size;
        if !gathered.is_pkg_info(&entry.name) {
            read_entry(archive, &entry, |_| {})?;
            continue;
        }
        gathered.check_pkg_info_size(&entry.name, entry.size)?;
        let mut bytes = Vec::with_capacity(entry.size as usize);
        read_entry(archive, &entry, |piece| bytes.extend_from_slice(piece))?;
        gathered.keep_pkg_info(bytes);
    }
    Ok(())
}
