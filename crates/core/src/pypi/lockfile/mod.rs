//! Lock files and bills of materials, read into one model: which files of which releases a project
//! has settled on. Reading trusts nothing: size and number are bounded, what is no release of an
//! index is kept apart with the reason, and no path or URL in a file is ever followed.

use std::collections::HashMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::name::ProjectName;
use super::version::Version;
use crate::digest::Sha256;

mod reading;
mod spelled;
mod toml_tables;
mod purl;
mod pylock;
mod uv;
mod poetry;
mod pdm;
mod pipfile;
mod requirements;
mod cyclonedx;
mod spdx_sbom;

pub(crate) use spelled::{
    SpelledFile, SpelledHash, SpelledHead, SpelledInput, SpelledLock, SpelledMember, SpelledOrigin,
    SpelledPackage,
};
pub(crate) use toml_tables::TomlFile;

/// The largest file that is read, in bytes. The lock of a very large monorepo has about 5 MiB.
pub const MAX_LOCK_BYTES: usize = 32 << 20;

/// The most packages that one file may name, those that are skipped included.
pub const MAX_LOCK_ENTRIES: usize = 50_000;

/// What a file says about itself by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LockFormat {
    /// `pylock.toml` (PEP 751).
    Pylock,
    /// `uv.lock`.
    Uv,
    /// `poetry.lock`.
    Poetry,
    /// `pdm.lock`.
    Pdm,
    /// `Pipfile.lock`.
    Pipfile,
    /// `requirements.txt` with pins, as pip reads it.
    Requirements,
    /// A CycloneDX bill of materials as JSON (ECMA-424).
    CycloneDx,
    /// An SPDX 2 bill of materials as JSON (ISO/IEC 5962).
    Spdx,
}

impl LockFormat {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Pylock,
        Self::Uv,
        Self::Poetry,
        Self::Pdm,
        Self::Pipfile,
        Self::Requirements,
        Self::CycloneDx,
        Self::Spdx,
    ];

    /// What people call a file of this form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pylock => "pylock.toml",
            Self::Uv => "uv.lock",
            Self::Poetry => "poetry.lock",
            Self::Pdm => "pdm.lock",
            Self::Pipfile => "Pipfile.lock",
            Self::Requirements => "requirements.txt",
            Self::CycloneDx => "CycloneDX",
            Self::Spdx => "SPDX",
        }
    }
}

impl fmt::Display for LockFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a file has locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockedFiles {
    /// The form in which it was written.
    pub format: LockFormat,
    /// The releases, each once, in the order of the file.
    pub entries: Vec<Locked>,
    /// What is in the file and is no release of an index.
    pub skipped: Vec<Skipped>,
}

/// One release that is locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Locked {
    /// The project.
    pub project: ProjectName,
    /// The version; `None` where the format lets it be left out and it was.
    #[serde(serialize_with = "as_text")]
    pub version: Option<Version>,
    /// The SHA-256 digests of the files that are allowed; none where the file gives none.
    pub hashes: Vec<Sha256>,
    /// The names of those files, where the format tells them.
    pub filenames: Vec<String>,
    /// The line where the release is named (1-based), where the format has lines.
    pub line: Option<u32>,
    /// The projects that this one wants, where the format tells.
    pub dependencies: Vec<ProjectName>,
}

/// Something in the file that is no release of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// What it is, as the file spells it, shortened.
    pub what: String,
    /// Where it stands (1-based), where the format has lines.
    pub line: Option<u32>,
    /// Why it is no release: a clause for people.
    pub reason: String,
}

/// The reason for leaving out the project that a lock is of.
const ITSELF: &str = "it is the project itself or a member of its workspace";

impl Skipped {
    /// Whether it is the project that the file locks, or a member of its workspace, and so nothing that
    /// comes from anywhere.
    #[must_use]
    pub fn is_the_project_itself(&self) -> bool {
        self.reason == ITSELF
    }
}

fn as_text<S: serde::Serializer>(version: &Option<Version>, to: S) -> Result<S::Ok, S::Error> {
    match version {
        Some(version) => to.collect_str(version),
        None => to.serialize_none(),
    }
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Larger than [`MAX_LOCK_BYTES`].
    #[error("the file is larger than {} MiB", MAX_LOCK_BYTES >> 20)]
    TooLarge,
    /// More than [`MAX_LOCK_ENTRIES`] packages.
    #[error("the file names more than {MAX_LOCK_ENTRIES} packages")]
    TooMany,
    /// Not text.
    #[error("the file is not UTF-8 text")]
    NotText,
    /// Neither its name nor its content is known.
    #[error(
        "not a lock file or bill of materials that is known (pylock.toml, uv.lock, poetry.lock, \
         pdm.lock, Pipfile.lock, requirements.txt, CycloneDX JSON, SPDX 2 JSON)"
    )]
    Unknown,
    /// The text is not in the format.
    #[error("not a sound {format} file: {}{why}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Syntax {
        /// What it was read as.
        format: LockFormat,
        /// Where (1-based), as far as it is known.
        line: Option<u32>,
        /// What is wrong there, in one line.
        why: String,
    },
}

impl LockError {
    fn shape(format: LockFormat, why: impl Into<String>) -> Self {
        Self::Syntax {
            format,
            line: None,
            why: why.into(),
        }
    }
}

/// Reads a lock file or bill of materials whose format is told by [`detect`].
///
/// # Errors
/// [`LockError`].
pub fn read(filename: &str, bytes: &[u8]) -> Result<LockedFiles, LockError> {
    if bytes.len() > MAX_LOCK_BYTES {
        return Err(LockError::TooLarge);
    }
    let format = detect(filename, bytes).ok_or(LockError::Unknown)?;
    read_as(format, bytes)
}

/// Reads a lock file or bill of materials of a known format.
///
/// # Errors
/// [`LockError`].
pub fn read_as(format: LockFormat, bytes: &[u8]) -> Result<LockedFiles, LockError> {
    if bytes.len() > MAX_LOCK_BYTES {
        return Err(LockError::TooLarge);
    }
    let text = text_of(bytes).ok_or(LockError::NotText)?;
    match format {
        LockFormat::Pylock | LockFormat::Uv | LockFormat::Poetry | LockFormat::Pdm => {
            let file = TomlFile::parse(format, text)?;
            reading::releases(format, spelled_lock(format, &file)?)
        }
        LockFormat::Pipfile => pipfile::read(&json(format, text)?),
        LockFormat::Requirements => requirements::read(text),
        LockFormat::CycloneDx => cyclonedx::read(&json(format, text)?),
        LockFormat::Spdx => spdx_sbom::read(&json(format, text)?),
    }
}

/// What a lock in TOML says as it is spelled.
///
/// # Errors
/// [`LockError`], where the text is not in the format.
pub(crate) fn spelled_lock<'d>(
    format: LockFormat,
    file: &'d TomlFile<'d>,
) -> Result<SpelledLock<'d>, LockError> {
    match format {
        LockFormat::Pylock => pylock::spelled(file),
        LockFormat::Uv => uv::spelled(file),
        LockFormat::Poetry => poetry::spelled(file),
        LockFormat::Pdm => pdm::spelled(file),
        LockFormat::Pipfile
        | LockFormat::Requirements
        | LockFormat::CycloneDx
        | LockFormat::Spdx => Err(LockError::Unknown),
    }
}

/// The format of a file: by its name where that is one of those that tools write, and else by its
/// content. `filename` may be empty or a path.
pub fn detect(filename: &str, bytes: &[u8]) -> Option<LockFormat> {
    let text = text_of(bytes.get(..MAX_LOCK_BYTES).unwrap_or(bytes));
    by_name(filename).or_else(|| by_content(text?))
}

fn by_name(filename: &str) -> Option<LockFormat> {
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    let is_named_pylock = lower.starts_with("pylock.") && lower.ends_with(".toml");
    let ends_with = |ending: &str| lower.ends_with(ending);
    match lower.as_str() {
        "pylock.toml" => Some(LockFormat::Pylock),
        _ if is_named_pylock => Some(LockFormat::Pylock),
        "uv.lock" => Some(LockFormat::Uv),
        "poetry.lock" => Some(LockFormat::Poetry),
        "pdm.lock" => Some(LockFormat::Pdm),
        "pipfile.lock" => Some(LockFormat::Pipfile),
        _ if ends_with(".cdx.json") => Some(LockFormat::CycloneDx),
        _ if ends_with(".spdx.json") => Some(LockFormat::Spdx),
        _ if ends_with(".txt") || ends_with(".in") => Some(LockFormat::Requirements),
        _ => None,
    }
}

fn by_content(text: &str) -> Option<LockFormat> {
    if text.trim_start().starts_with('{') {
        return by_keys_of_json(&serde_json::from_str(text).ok()?);
    }
    if requirements::looks_like_one(text) {
        return Some(LockFormat::Requirements);
    }
    let file = TomlFile::parse(LockFormat::Pylock, text).ok()?;
    let root = file.root();
    let metadata = root.table("metadata");
    let has = |key: &str| metadata.as_ref().is_some_and(|table| table.has(key));
    if root.has("lock-version") && root.has("packages") {
        Some(LockFormat::Pylock)
    } else if has("lock_version") || has("content_hash") {
        Some(LockFormat::Pdm)
    } else if has("content-hash") {
        Some(LockFormat::Poetry)
    } else if root.has("version") && root.has("package") {
        Some(LockFormat::Uv)
    } else {
        None
    }
}

fn by_keys_of_json(value: &Value) -> Option<LockFormat> {
    if value
        .get("bomFormat")
        .is_some_and(|form| form == "CycloneDX")
    {
        Some(LockFormat::CycloneDx)
    } else if value.get("spdxVersion").is_some() || value.get("@graph").is_some() {
        Some(LockFormat::Spdx)
    } else if value.get("_meta").is_some() && value.get("default").is_some() {
        Some(LockFormat::Pipfile)
    } else {
        None
    }
}

/// The text behind a byte order mark, which editors on Windows still write.
fn text_of(bytes: &[u8]) -> Option<&str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).ok()
}

fn json(format: LockFormat, text: &str) -> Result<Value, LockError> {
    let value: Value = serde_json::from_str(text).map_err(|error| LockError::Syntax {
        format,
        line: u32::try_from(error.line()).ok().filter(|line| *line > 0),
        why: "it is not JSON".to_owned(),
    })?;
    match value.is_object() {
        true => Ok(value),
        false => Err(LockError::shape(format, "it is not a JSON object")),
    }
}

/// Who wants whom, by the references that bills of materials use.
type Edges<'v> = HashMap<&'v str, Vec<&'v str>>;

#[cfg(test)]
mod tests;
