//! Do the form, the file name, METADATA and the bytes speak of the same distribution? Each of them
//! is somebody's only source later on, so that a difference would be a way to smuggle.

use std::collections::BTreeSet;
use std::fmt;

use super::digests::ComputedDigests;
use super::form::{Filetype, UploadForm};
use super::in_reason_phrase;
use crate::digest::Sha256;
use crate::pypi::filename::{DistFilename, DistKind};
use crate::pypi::metadata::CoreMetadata;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// What everything about an upload agreed on. Only [`agree`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    project: ProjectName,
    version: Version,
    filename: DistFilename,
    filetype: Filetype,
    sha256: Sha256,
}

impl Agreed {
    /// The project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// The version, as METADATA has it.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The file name.
    pub fn filename(&self) -> &DistFilename {
        &self.filename
    }

    /// Wheel or sdist.
    pub fn filetype(&self) -> Filetype {
        self.filetype
    }

    /// The digest of the bytes.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }
}

/// What contradicts the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// The name of the file.
    FileName,
    /// The METADATA (or PKG-INFO) inside the file.
    Metadata,
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FileName => "the file name",
            Self::Metadata => "the metadata inside the file",
        })
    }
}

/// What about an upload does not agree: one line of ASCII with both values and a way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// The file name is not that of a wheel or an sdist.
    #[error(
        "the file name '{}' is not that of a {filetype}: {}; rebuild it with a current build tool",
        in_reason_phrase(.filename), naming(*.filetype)
    )]
    Filename {
        /// The file name.
        filename: String,
        /// The form's file type.
        filetype: Filetype,
    },
    /// Two projects.
    #[error(
        "the form uploads to '{form}', but {witness} says '{found}'; rebuild the file, or correct \
         the name"
    )]
    Name {
        /// What contradicts the form.
        witness: Witness,
        /// The form's project.
        form: ProjectName,
        /// The other project.
        found: ProjectName,
    },
    /// Two versions.
    #[error(
        "the form says version '{}', but {witness} says '{}'; rebuild the file, or correct the \
         version", in_reason_phrase(.form), in_reason_phrase(.found)
    )]
    Version {
        /// What contradicts the form.
        witness: Witness,
        /// The form's version.
        form: String,
        /// The other version.
        found: String,
    },
    /// The bytes are not those that the client meant to send.
    #[error(
        "the form's {algorithm} begins {form}, but what arrived begins {found}; the file changed \
         on its way or after hashing, upload it again"
    )]
    Digest {
        /// `SHA-256`, `BLAKE2b-256` or `MD5`.
        algorithm: &'static str,
        /// The first digits of the claimed digest.
        form: String,
        /// The first digits of the computed digest.
        found: String,
    },
    /// Two Python versions.
    #[error(
        "the form says pyversion '{}', but the file name says '{}'; use a current upload tool, or \
         correct the field", in_reason_phrase(.form), in_reason_phrase(.found)
    )]
    Pyversion {
        /// The form's `pyversion`.
        form: String,
        /// The wheel's Python tags, or `source`.
        found: String,
    },
}

fn naming(filetype: Filetype) -> &'static str {
    match filetype {
        Filetype::Wheel => "it must read name-version-python-abi-platform.whl",
        Filetype::Sdist => "it must read name-version.tar.gz",
    }
}

/// Holds everything that is told about an upload against each other. `filename` should have been
/// parsed with the form's project in hand, and `metadata` come out of the file.
///
/// # Errors
/// The first [`Disagreement`]: digests before names, since about other bytes nothing else matters.
pub fn agree(
    form: &UploadForm,
    filename: &DistFilename,
    computed: &ComputedDigests,
    metadata: &CoreMetadata,
) -> Result<Agreed, Disagreement> {
    agree_on_digests(form, computed)?;
    agree_on_filename(form, filename)?;
    agree_on_name(form, Witness::Metadata, &metadata.name)?;
    agree_on_version(
        form,
        Witness::Metadata,
        &metadata.version,
        &metadata.version_text,
    )?;
    agree_on_pyversion(form, filename)?;
    Ok(Agreed {
        project: form.name.clone(),
        version: metadata.version.clone(),
        filename: filename.clone(),
        filetype: form.filetype,
        sha256: computed.sha256,
    })
}

fn agree_on_digests(form: &UploadForm, computed: &ComputedDigests) -> Result<(), Disagreement> {
    let claimed = &form.digests;
    let sha256 = claimed.sha256.as_ref().map(Sha256::as_bytes);
    same_digest("SHA-256", sha256, computed.sha256.as_bytes())?;
    same_digest(
        "BLAKE2b-256",
        claimed.blake2_256.as_ref(),
        &computed.blake2_256,
    )?;
    same_digest("MD5", claimed.md5.as_ref(), &computed.md5)
}

fn same_digest<const N: usize>(
    algorithm: &'static str,
    claimed: Option<&[u8; N]>,
    computed: &[u8; N],
) -> Result<(), Disagreement> {
    let first_digits = |digest: &[u8; N]| hex::encode(&digest[..8]);
    match claimed {
        Some(claimed) if claimed != computed => Err(Disagreement::Digest {
            algorithm,
            form: first_digits(claimed),
            found: first_digits(computed),
        }),
        _ => Ok(()),
    }
}

fn agree_on_filename(form: &UploadForm, filename: &DistFilename) -> Result<(), Disagreement> {
    let text = filename.as_str();
    let fits = match (form.filetype, filename.kind()) {
        (Filetype::Wheel, DistKind::Wheel(_)) => true,
        (Filetype::Sdist, DistKind::Sdist) => text.ends_with(".tar.gz") || text.ends_with(".zip"),
        _ => false,
    };
    let (true, Some(name), Some(version)) = (fits, filename.project(), filename.version()) else {
        return Err(Disagreement::Filename {
            filename: text.to_owned(),
            filetype: form.filetype,
        });
    };
    agree_on_name(form, Witness::FileName, name)?;
    agree_on_version(form, Witness::FileName, version, &version.to_string())
}

fn agree_on_name(
    form: &UploadForm,
    witness: Witness,
    found: &ProjectName,
) -> Result<(), Disagreement> {
    if form.name == *found {
        return Ok(());
    }
    Err(Disagreement::Name {
        witness,
        form: form.name.clone(),
        found: found.clone(),
    })
}

fn agree_on_version(
    form: &UploadForm,
    witness: Witness,
    found: &Version,
    found_text: &str,
) -> Result<(), Disagreement> {
    if form.version == *found {
        return Ok(());
    }
    Err(Disagreement::Version {
        witness,
        form: form.version_text.to_string(),
        found: found_text.to_owned(),
    })
}

/// The Python tags may be in any order, as tools sort them differently.
fn agree_on_pyversion(form: &UploadForm, filename: &DistFilename) -> Result<(), Disagreement> {
    let found = match filename.kind() {
        DistKind::Wheel(tags) => &*tags.python,
        DistKind::Sdist | DistKind::Other => "source",
    };
    let tags = |text: &str| {
        text.split('.')
            .map(str::to_ascii_lowercase)
            .collect::<BTreeSet<_>>()
    };
    if tags(&form.pyversion) == tags(found) {
        return Ok(());
    }
    Err(Disagreement::Pyversion {
        form: form.pyversion.to_string(),
        found: found.to_owned(),
    })
}
