//! [`ArchiveError`]: why an archive was not accepted, as one line for the person who uploaded it or
//! wanted to install it. Names out of the archive are escaped and shortened before they are printed.

use std::fmt;
use std::io;

/// Why an archive was refused, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Reading failed: this says nothing about the archive.
    #[error("could not read the archive: {0}")]
    Io(#[from] io::Error),
    /// The file name is not that of a wheel or of an sdist with a name and a version.
    #[error("{0} does not name a distribution that can be inspected")]
    FileName(Member),
    /// The container itself is broken or ambiguous.
    #[error("broken archive: {0}")]
    Broken(&'static str),
    /// One member is not acceptable.
    #[error("{member}: {problem}")]
    Member {
        /// The member, as the archive names it.
        member: Member,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The archive is larger, in some way, than what is inspected.
    #[error("the archive has more than {limit} {unit}")]
    TooLarge {
        /// The limit that was exceeded.
        limit: u64,
        /// What was counted, in the plural: `members`, `bytes when inflated`.
        unit: &'static str,
    },
    /// The file or folder that every distribution of this kind has is not there.
    #[error("there is no {0} in the archive")]
    Missing(Member),
    /// A second `.dist-info` or top-level folder.
    #[error("{second} stands beside {first}, where there must be only one")]
    Ambiguous {
        /// The folder found first.
        first: Member,
        /// The folder that should not be there.
        second: Member,
    },
    /// The folder that names the distribution says something else than the file name.
    #[error("{found} does not belong to {filename}")]
    OtherDistribution {
        /// The folder inside the archive.
        found: Member,
        /// The archive's file name.
        filename: Member,
    },
    /// RECORD cannot be read.
    #[error("RECORD, line {line}: {problem}")]
    Record {
        /// Counted from 1.
        line: usize,
        /// What is wrong with the line.
        problem: &'static str,
    },
    /// A range request was answered with another number of bytes than was asked for.
    #[error("asked for {wanted} bytes of the archive, got {got}")]
    RangeLength {
        /// Bytes asked for.
        wanted: u64,
        /// Bytes received.
        got: u64,
    },
}

/// A name out of an archive, for messages: escaped, and shortened when it is long.
#[derive(Clone, PartialEq, Eq)]
pub struct Member(String);

/// What is wrong with one member of an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Control characters, backslashes, absolute paths, `..`, empty parts, or not UTF-8.
    #[error("unsafe name ({0})")]
    Name(&'static str),
    /// The name stands in the archive twice.
    #[error("appears more than once")]
    Duplicate,
    /// Another member needs this name to be a folder.
    #[error("is a file and a folder at once")]
    FileAsFolder,
    /// Encrypted, so that nobody can look inside.
    #[error("is encrypted")]
    Encrypted,
    /// Patched data, or a bit that has no meaning yet.
    #[error("has flags that are not supported")]
    Flags,
    /// A compression method that installers do not read.
    #[error("compression method {0} is not supported")]
    Method(u16),
    /// A symbolic or hard link in a wheel.
    #[error("is a link")]
    Link,
    /// A link in an sdist that leaves its folder.
    #[error("is a link to {0}, outside the archive's folder")]
    LinkOutside(Member),
    /// A device, pipe, socket, sparse file or anything else that is not a file, folder or link.
    #[error("is neither a file nor a folder")]
    Special,
    /// The header before the member says something else than the central directory.
    #[error("its two headers disagree ({0})")]
    HeadersDisagree(&'static str),
    /// Overlapping members, or bytes that belong to none.
    #[error("is not followed directly by the next member")]
    Gap,
    /// The compressed data is broken, too short or too long.
    #[error("broken data ({0})")]
    Data(&'static str),
    /// Larger than what is read.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// Outside the folder that carries the distribution's name.
    #[error("is outside the folder {0}")]
    OutsideFolder(Member),
    /// Not listed in RECORD.
    #[error("is not listed in RECORD")]
    Unlisted,
    /// Listed in RECORD, and not in the archive.
    #[error("is listed in RECORD but not in the archive")]
    ListedOnly,
    /// RECORD's hash or size is not that of the member.
    #[error("its {0} is not the one in RECORD")]
    RecordMismatch(&'static str),
    /// METADATA names a licence file that is not there.
    #[error("is named as License-File but not in the archive")]
    NoLicense,
}

impl ArchiveError {
    pub(super) fn member(name: &str, problem: Problem) -> Self {
        Self::Member {
            member: Member::new(name),
            problem,
        }
    }

    /// Whether this says that the archive is at fault: not so for failing disks and connections.
    pub fn blames_the_archive(&self) -> bool {
        !matches!(self, Self::Io(_) | Self::RangeLength { .. })
    }
}

/// More characters than this are not needed to recognise a member in a one-line message.
const SHOWN_CHARACTERS: usize = 120;

impl Member {
    pub(super) fn new(name: &str) -> Self {
        let mut text: String = name.chars().take(SHOWN_CHARACTERS).collect();
        if text.len() < name.len() {
            text.push('…');
        }
        Self(text.escape_debug().collect())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}
