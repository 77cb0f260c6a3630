//! The fields of the upload form, collected one by one within bounds.

use std::collections::BTreeMap;
use std::fmt;

use super::digests::{ClaimedDigests, hexadecimal, md5};
use super::in_reason_phrase;
use crate::digest::Sha256;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// The most fields that a form may have, counting repeated ones.
const MAX_FIELDS: usize = 20_000;

/// The most bytes of all fields together.
const MAX_TOTAL: usize = 32 * 1024 * 1024;

/// The longest field name, in bytes.
const MAX_FIELD_NAME: usize = 100;

/// The most bytes that the form's field may hold. Read no more than this of one before giving it to
/// [`FormCollector::push`].
pub fn field_limit(field: &str) -> usize {
    match field {
        "description" => 16 * 1024 * 1024,
        "attestations" => 1024 * 1024,
        "license" | "keywords" | "comment" => 256 * 1024,
        ":action" | "protocol_version" | "filetype" | "pyversion" | "metadata_version" | "name"
        | "version" | "md5_digest" | "sha256_digest" | "blake2_256_digest" => 1024,
        _ => 64 * 1024,
    }
}

/// The `filetype` of an upload. The older kinds are refused, as PyPI does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Filetype {
    /// `bdist_wheel`.
    Wheel,
    /// `sdist`.
    Sdist,
}

impl fmt::Display for Filetype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wheel => "bdist_wheel",
            Self::Sdist => "sdist",
        })
    }
}

/// An upload form whose own fields are there and valid. Nothing in it has been held against the
/// file yet.
#[derive(Clone, Debug)]
pub struct UploadForm {
    /// What is uploaded.
    pub filetype: Filetype,
    /// The Python tag of a wheel, `source` for an sdist.
    pub pyversion: Box<str>,
    /// The version of the core metadata.
    pub metadata_version: Box<str>,
    /// The project, normalised.
    pub name: ProjectName,
    /// The project, as the form spells it.
    pub name_text: Box<str>,
    /// The version.
    pub version: Version,
    /// The version, as the form spells it.
    pub version_text: Box<str>,
    /// What the client says the bytes are.
    pub digests: ClaimedDigests,
    /// PEP 740 attestations, a JSON array that nobody has read yet.
    pub attestations: Option<Box<str>>,
    /// All other fields by name (`summary`, `classifiers`, …), without empty and `UNKNOWN` values.
    pub fields: BTreeMap<Box<str>, Vec<Box<str>>>,
}

/// Why an upload form cannot be used: one line of ASCII for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// An `:action` other than `file_upload`. PyPI answers 410 for those it once knew.
    #[error(
        "the action '{}' is not supported; upload files with ':action=file_upload'",
        in_reason_phrase(.0)
    )]
    UnsupportedAction(String),
    /// A field that must be there is not, or is empty.
    #[error("the form has no '{0}'; use a current upload tool, or add the field")]
    Missing(&'static str),
    /// No digest of the file.
    #[error("the form has none of sha256_digest, blake2_256_digest and md5_digest; add one")]
    NoDigest,
    /// A field that may stand there once has two values.
    #[error("the form has two values for '{0}'; send it once")]
    Repeated(&'static str),
    /// A value that means nothing.
    #[error("the form's {field} is '{}', which is not {expected}", in_reason_phrase(.value))]
    Invalid {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A value longer than [`field_limit`] allows.
    #[error("the form's '{}' is longer than {limit} bytes; shorten it", in_reason_phrase(.field))]
    TooLong {
        /// The field.
        field: String,
        /// The most that is accepted, in bytes.
        limit: usize,
    },
    /// More fields, or more bytes of them, than any honest form has.
    #[error("the form has more than {MAX_FIELDS} fields or {MAX_TOTAL} bytes of them")]
    TooMuch,
}

/// Takes the fields of an upload form as they arrive. The file itself (`content`) and the
/// `gpg_signature` of old tools are not fields; they are passed over.
#[derive(Debug, Default)]
pub struct FormCollector {
    fields: BTreeMap<Box<str>, Vec<Box<str>>>,
    count: usize,
    total: usize,
}

impl FormCollector {
    /// Takes one field.
    ///
    /// # Errors
    /// [`FormError::TooLong`] and [`FormError::TooMuch`] beyond the limits.
    pub fn push(&mut self, field: &str, value: &str) -> Result<(), FormError> {
        let limit = field_limit(field);
        if field.len() > MAX_FIELD_NAME || value.len() > limit {
            return Err(FormError::TooLong {
                field: field.to_owned(),
                limit,
            });
        }
        self.count += 1;
        self.total += field.len() + value.len();
        if self.count > MAX_FIELDS || self.total > MAX_TOTAL {
            return Err(FormError::TooMuch);
        }
        let value = value.trim_matches('\0');
        let absent = value.trim().is_empty() || value.trim() == "UNKNOWN";
        if !absent && !matches!(field, "content" | "gpg_signature") {
            self.fields
                .entry(field.into())
                .or_default()
                .push(value.into());
        }
        Ok(())
    }

    /// The form, when all that it must have has been taken.
    ///
    /// # Errors
    /// [`FormError`] for what is missing, given twice with different values, or invalid.
    pub fn finish(mut self) -> Result<UploadForm, FormError> {
        self.check_action()?;
        let filetype = self.filetype()?;
        let name_text = self.required("name")?;
        let version_text = self.required("version")?;
        Ok(UploadForm {
            filetype,
            pyversion: self.required("pyversion")?,
            metadata_version: self.required("metadata_version")?,
            name: ProjectName::new(&name_text)
                .map_err(|_| invalid("name", &name_text, "a project name"))?,
            version: version_text
                .parse()
                .map_err(|_| invalid("version", &version_text, "a version (PEP 440)"))?,
            digests: self.digests()?,
            attestations: self.take("attestations")?,
            name_text,
            version_text,
            fields: self.fields,
        })
    }

    fn check_action(&mut self) -> Result<(), FormError> {
        let action = self.required(":action")?;
        if &*action != "file_upload" {
            return Err(FormError::UnsupportedAction(action.into()));
        }
        match self.take("protocol_version")? {
            Some(version) if &*version != "1" => Err(invalid(
                "protocol_version",
                &version,
                "1, the only one there is",
            )),
            _ => Ok(()),
        }
    }

    fn filetype(&mut self) -> Result<Filetype, FormError> {
        match &*self.required("filetype")? {
            "bdist_wheel" => Ok(Filetype::Wheel),
            "sdist" => Ok(Filetype::Sdist),
            other => Err(invalid("filetype", other, "bdist_wheel or sdist")),
        }
    }

    fn digests(&mut self) -> Result<ClaimedDigests, FormError> {
        let claimed = ClaimedDigests {
            md5: self.digest("md5_digest", md5, "a digest of 16 bytes")?,
            sha256: self
                .digest("sha256_digest", hexadecimal, "64 hexadecimal digits")?
                .map(Sha256::from_bytes),
            blake2_256: self.digest("blake2_256_digest", hexadecimal, "64 hexadecimal digits")?,
        };
        if claimed.is_empty() {
            Err(FormError::NoDigest)
        } else {
            Ok(claimed)
        }
    }

    fn digest<const N: usize>(
        &mut self,
        field: &'static str,
        read: fn(&str) -> Option<[u8; N]>,
        expected: &'static str,
    ) -> Result<Option<[u8; N]>, FormError> {
        let Some(text) = self.take(field)? else {
            return Ok(None);
        };
        read(text.trim())
            .map(Some)
            .ok_or_else(|| invalid(field, &text, expected))
    }

    fn required(&mut self, field: &'static str) -> Result<Box<str>, FormError> {
        self.take(field)?.ok_or(FormError::Missing(field))
    }

    /// Takes a field out that may stand there once, or more often with the same value.
    fn take(&mut self, field: &'static str) -> Result<Option<Box<str>>, FormError> {
        let mut values = self.fields.remove(field).unwrap_or_default();
        values.dedup();
        match (values.pop(), values.pop()) {
            (Some(_), Some(_)) => Err(FormError::Repeated(field)),
            (value, _) => Ok(value.map(|value| value.trim().into())),
        }
    }
}

impl UploadForm {
    /// The form that the pairs of field and value make.
    ///
    /// # Errors
    /// [`FormError`], see [`FormCollector`].
    pub fn collect<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, FormError> {
        let mut collector = FormCollector::default();
        for (field, value) in pairs {
            collector.push(field, value)?;
        }
        collector.finish()
    }

    /// The first value of another field.
    pub fn field(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.first().map(|value| &**value)
    }
}

fn invalid(field: &'static str, value: &str, expected: &'static str) -> FormError {
    FormError::Invalid {
        field,
        value: value.to_owned(),
        expected,
    }
}
