//! Reading JSON pages. Unknown keys are kept; a malformed file is left out and counted; a document
//! that is no page, of another project, or of a newer major version is an error.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::read_file::read_file;
use crate::pypi::json_values::{Object, Text, keep, once};
use crate::pypi::name::ProjectName;
use crate::pypi::simple::{
    Extra, MAX_FILES, MAX_PROJECTS, PageError, PageFile, ProjectList, ProjectPage, ProjectStatus,
};

/// The most versions that a page may list.
const MAX_VERSIONS: usize = 200_000;

/// Reads the JSON page of the project `expected`.
///
/// Accepts what servers really send: `data-dist-info-metadata` for `core-metadata`, null for
/// absent, the status under `meta`. Of files with the same name the first one counts.
///
/// # Errors
/// [`PageError`] when `bytes` are not UTF-8, not a page, the page of another project, or of a
/// major version above 1.
pub fn parse(bytes: &[u8], expected: &ProjectName) -> Result<ProjectPage, PageError> {
    let document: Document<'_> = read_document(bytes)?;
    check_version(&document.meta)?;
    check_name(document.name, expected)?;
    let Some(Files { files, skipped }) = document.files else {
        return Err(PageError::Missing("files"));
    };
    let Meta {
        status: misplaced_status,
        extra: meta_extra,
        ..
    } = document.meta.unwrap_or_default();
    Ok(ProjectPage {
        name: expected.clone(),
        versions: document
            .versions
            .map(|Versions(versions)| versions)
            .unwrap_or_default(),
        files,
        status: document
            .status
            .flatten()
            .or(misplaced_status.flatten())
            .map(Into::into),
        extra: document.extra,
        meta_extra,
        skipped,
    })
}

/// Reads the JSON list of an index's projects.
///
/// # Errors
/// [`PageError`] when `bytes` are not UTF-8, not a list, or of a major version above 1.
pub fn parse_list(bytes: &[u8]) -> Result<ProjectList, PageError> {
    let document: Document<'_> = read_document(bytes)?;
    check_version(&document.meta)?;
    let Some(Projects { projects, skipped }) = document.projects else {
        return Err(PageError::Missing("projects"));
    };
    let meta_extra = document.meta.unwrap_or_default().extra;
    Ok(ProjectList {
        projects,
        meta_extra,
        skipped,
    })
}

fn read_document(bytes: &[u8]) -> Result<Document<'_>, PageError> {
    let text = std::str::from_utf8(bytes).map_err(PageError::NotUtf8)?;
    serde_json::from_str(text).map_err(PageError::Json)
}

fn check_version(meta: &Option<Meta<'_>>) -> Result<(), PageError> {
    let Some(version) = meta.as_ref().and_then(|meta| meta.api_version) else {
        return Ok(());
    };
    let version = version.get().trim_matches('"');
    if version == "null" || is_known_version(version) {
        return Ok(());
    }
    Err(PageError::UnsupportedVersion(
        version.chars().take(40).collect(),
    ))
}

/// Whether an API version's major number is one that this house speaks (PEP 629).
pub(in crate::pypi) fn is_known_version(version: &str) -> bool {
    let major = version.split('.').next().unwrap_or_default();
    major.parse::<u32>().is_ok_and(|major| major <= 1)
}

fn check_name(name: Option<Text<'_>>, expected: &ProjectName) -> Result<(), PageError> {
    let Some(Text(name)) = name else {
        return Ok(());
    };
    if ProjectName::new(&name).as_ref() == Ok(expected) {
        return Ok(());
    }
    let found = name.chars().take(80).collect();
    Err(PageError::OtherProject {
        expected: expected.clone(),
        found,
    })
}

#[derive(Default)]
struct Document<'a> {
    meta: Option<Meta<'a>>,
    name: Option<Text<'a>>,
    versions: Option<Versions>,
    files: Option<Files>,
    projects: Option<Projects>,
    status: Option<Option<Object<Status>>>,
    extra: Extra,
}

#[derive(Default)]
struct Meta<'a> {
    api_version: Option<&'a RawValue>,
    status: Option<Option<Object<Status>>>,
    extra: Extra,
}

struct Versions(Vec<Box<str>>);

struct Files {
    files: Vec<PageFile>,
    skipped: usize,
}

struct Projects {
    projects: Vec<ProjectName>,
    skipped: usize,
}

#[derive(serde::Deserialize)]
struct Status {
    status: Box<str>,
    #[serde(default)]
    reason: Option<Box<str>>,
}

impl From<Object<Status>> for ProjectStatus {
    fn from(Object(Status { status, reason }): Object<Status>) -> Self {
        Self { status, reason }
    }
}

#[derive(serde::Deserialize)]
struct ProjectEntry<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

impl<'de> Document<'de> {
    fn read_key<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "meta" => once(&mut self.meta, map.next_value()?, "meta"),
            "name" => once(&mut self.name, map.next_value()?, "name"),
            "versions" => once(&mut self.versions, map.next_value()?, "versions"),
            "files" => once(&mut self.files, map.next_value()?, "files"),
            "projects" => once(&mut self.projects, map.next_value()?, "projects"),
            "project-status" => once(&mut self.status, map.next_value()?, "project-status"),
            _ => keep(&mut self.extra, key, map.next_value()?),
        }
    }
}

impl<'de> Meta<'de> {
    fn read_key<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "api-version" => once(&mut self.api_version, map.next_value()?, "api-version"),
            "project-status" => once(&mut self.status, map.next_value()?, "project-status"),
            _ => keep(&mut self.extra, key, map.next_value()?),
        }
    }
}

/// Implements `Deserialize` for an object that is read key by key.
macro_rules! read_by_key {
    ($object:ident, $expected:literal) => {
        impl<'de> de::Deserialize<'de> for $object<'de> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ObjectVisitor;
                impl<'de> Visitor<'de> for ObjectVisitor {
                    type Value = $object<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut object = $object::default();
                        while let Some(key) = map.next_key::<Text<'de>>()? {
                            object.read_key(&key.0, &mut map)?;
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(ObjectVisitor)
            }
        }
    };
}

read_by_key!(Document, "a page of the simple repository API");
read_by_key!(Meta, "the meta object of a page");

/// Implements `Deserialize` for an array that is read item by item.
macro_rules! read_by_item {
    ($array:ident, $expected:literal, $read:ident) => {
        impl<'de> de::Deserialize<'de> for $array {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ArrayVisitor;
                impl<'de> Visitor<'de> for ArrayVisitor {
                    type Value = $array;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<$array, A::Error> {
                        $read(items)
                    }
                }
                deserializer.deserialize_seq(ArrayVisitor)
            }
        }
    };
}

read_by_item!(Versions, "a list of versions", read_versions);
read_by_item!(Files, "a list of files", read_files);
read_by_item!(Projects, "a list of projects", read_projects);

fn read_versions<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Versions, A::Error> {
    let mut versions = Vec::new();
    while let Some(version) = items.next_element::<Text<'de>>()? {
        if versions.len() == MAX_VERSIONS {
            return Err(de::Error::custom("too many versions"));
        }
        versions.push(version.into());
    }
    Ok(Versions(versions))
}

fn read_files<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Files, A::Error> {
    let mut seen: HashSet<Arc<str>> = HashSet::new();
    let mut files = Vec::new();
    let mut skipped = 0;
    while let Some(item) = items.next_element::<&'de RawValue>()? {
        if files.len() + skipped == MAX_FILES {
            return Err(de::Error::custom("too many files"));
        }
        match read_file(item.get()) {
            Some(file) if seen.insert(Arc::clone(&file.filename)) => files.push(file),
            _ => skipped += 1,
        }
    }
    Ok(Files { files, skipped })
}

fn read_projects<'de, A: SeqAccess<'de>>(mut items: A) -> Result<Projects, A::Error> {
    let mut projects = Vec::new();
    let mut skipped = 0;
    while let Some(item) = items.next_element::<&'de RawValue>()? {
        if projects.len() + skipped == MAX_PROJECTS {
            return Err(de::Error::custom("too many projects"));
        }
        let entry = serde_json::from_str::<Object<ProjectEntry<'_>>>(item.get());
        match entry.map(|Object(entry)| ProjectName::new(&entry.name.0)) {
            Ok(Ok(name)) => projects.push(name),
            _ => skipped += 1,
        }
    }
    Ok(Projects { projects, skipped })
}
