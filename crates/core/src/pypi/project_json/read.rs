//! Reading an upstream's project JSON. Only the files matter; a malformed one is left out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{FileDetail, ProjectJson};
use crate::pypi::filename::is_file_name;
use crate::pypi::json_values::{Hashes, Object, Offer, Text, yanked_because};
use crate::pypi::simple::{CoreMetadata, MAX_FILES, UploadTime, Yanked};

/// Why a document is not the project JSON of PyPI and its likes.
#[derive(Debug, thiserror::Error)]
pub enum ProjectJsonError {
    /// The bytes are not UTF-8.
    #[error("the project's JSON is not UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// The text is not JSON, or of another shape.
    #[error("the project's JSON cannot be read")]
    Json(#[source] serde_json::Error),
    /// More files than any honest project has.
    #[error("the project's JSON has more than {MAX_FILES} files")]
    TooManyFiles,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, default)]
    urls: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    releases: Option<Releases<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(default)]
    digests: Option<Hashes>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(borrow, default)]
    upload_time_iso_8601: Option<Text<'a>>,
    #[serde(borrow, default)]
    requires_python: Option<Text<'a>>,
    #[serde(default, alias = "core_metadata", rename = "core-metadata")]
    core_metadata: Option<Offer>,
    #[serde(default)]
    yanked: Option<bool>,
    #[serde(borrow, default)]
    yanked_reason: Option<Text<'a>>,
}

/// Reads the answer of an upstream's `/pypi/<project>/json`.
///
/// # Errors
/// [`ProjectJsonError`] when it is not JSON, not an object, or has more files than any project.
pub fn parse(bytes: &[u8]) -> Result<ProjectJson, ProjectJsonError> {
    let text = std::str::from_utf8(bytes).map_err(ProjectJsonError::NotUtf8)?;
    let Object::<Document<'_>>(document) =
        serde_json::from_str(text).map_err(ProjectJsonError::Json)?;
    let Releases { versions, files } = document.releases.unwrap_or_default();
    let mut project = ProjectJson {
        versions,
        ..ProjectJson::default()
    };
    for entry in document.urls.unwrap_or_default().into_iter().chain(files) {
        if project.files.len() + project.skipped == MAX_FILES {
            return Err(ProjectJsonError::TooManyFiles);
        }
        match read_entry(entry.get()) {
            Some((filename, detail)) => {
                project.files.entry(filename).or_insert(detail);
            }
            None => project.skipped += 1,
        }
    }
    Ok(project)
}

fn read_entry(json: &str) -> Option<(Box<str>, FileDetail)> {
    let Object::<Entry<'_>>(entry) = serde_json::from_str(json).ok()?;
    if !is_file_name(&entry.filename.0) {
        return None;
    }
    let reason = entry
        .yanked_reason
        .map_or(Cow::Borrowed(""), |Text(reason)| reason);
    let detail = FileDetail {
        digests: entry
            .digests
            .map(|Hashes(hashes)| hashes)
            .unwrap_or_default(),
        size: entry.size,
        upload_time: entry
            .upload_time_iso_8601
            .and_then(|text| UploadTime::read(&text.0)),
        requires_python: entry
            .requires_python
            .filter(|text| !text.0.trim().is_empty())
            .map(Into::into),
        core_metadata: entry
            .core_metadata
            .map_or(CoreMetadata::Absent, |Offer(offer)| offer),
        yanked: match entry.yanked {
            Some(true) => yanked_because(&reason),
            Some(false) | None => Yanked::No,
        },
    };
    Some((entry.filename.into(), detail))
}

/// The `releases` object, flattened as it is read: its keys, and the files of all of them.
#[derive(Default)]
struct Releases<'a> {
    versions: Vec<Box<str>>,
    files: Vec<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Releases<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReleasesVisitor;
        impl<'de> serde::de::Visitor<'de> for ReleasesVisitor {
            type Value = Releases<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("files by version")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Releases<'de>, A::Error> {
                let mut releases = Releases::default();
                while let Some(version) = map.next_key::<Text<'de>>()? {
                    releases.versions.push(version.into());
                    releases
                        .files
                        .extend(map.next_value::<Vec<&'de RawValue>>()?);
                }
                Ok(releases)
            }
        }
        deserializer.deserialize_map(ReleasesVisitor)
    }
}
