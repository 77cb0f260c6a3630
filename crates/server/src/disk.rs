//! How much room a disk has, as its file system says.

use std::io;
use std::path::Path;

/// The room on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// How many bytes it has.
    pub total: u64,
    /// How many of them a process without privileges can have.
    pub free: u64,
    /// How many files it can hold; 0 where it does not say.
    pub files: u64,
    /// How many more files it can hold.
    pub free_files: u64,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

/// The room on the file system that has `path`.
///
/// # Errors
/// When it cannot be asked.
#[cfg(unix)]
pub fn space(path: &Path) -> io::Result<Space> {
    let found = rustix::fs::statvfs(path)?;
    Ok(Space {
        total: found.f_blocks.saturating_mul(found.f_frsize),
        free: found.f_bavail.saturating_mul(found.f_frsize),
        files: found.f_files,
        free_files: found.f_favail,
        read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
    })
}

/// The room on the file system that has `path`.
///
/// # Errors
/// Always: it is not asked on this system.
#[cfg(not(unix))]
pub fn space(_: &Path) -> io::Result<Space> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
