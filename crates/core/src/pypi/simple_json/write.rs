//! Writing JSON pages. Keys stand in the order of the specification; what the house does not know
//! follows them, verbatim.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::namespaces::{Namespaces, ProjectNamespace};
use super::{API_VERSION, API_VERSION_WITH_NAMESPACES};
use crate::pypi::name::ProjectName;
use crate::pypi::simple::{
    CoreMetadata, Extra, PageFile, ProjectList, ProjectPage, ProjectStatus, Provenance, Yanked,
};

/// Keys that are written from the model, so that an unknown key cannot say them a second time.
const PAGE_KEYS: [&str; 5] = ["meta", "name", "versions", "files", "project-status"];
const META_KEYS: [&str; 2] = ["api-version", "project-status"];
const LIST_KEYS: [&str; 2] = ["meta", "projects"];
const FILE_KEYS: [&str; 12] = [
    "filename",
    "url",
    "hashes",
    "size",
    "upload-time",
    "requires-python",
    "core-metadata",
    "dist-info-metadata",
    "data-dist-info-metadata",
    "gpg-sig",
    "yanked",
    "provenance",
];

/// The JSON page of a project, with its versions made complete. An unknown `namespaces` key is
/// replaced where this server speaks of namespaces itself.
pub fn render(page: &ProjectPage, namespaces: Namespaces<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512 + page.files.len() * 512);
    serde_json::to_writer(&mut bytes, &PageBody { page, namespaces })
        .expect("a page holds only text, numbers and valid JSON, and memory takes any of it");
    bytes
}

/// The JSON list of an index's projects.
pub fn render_list(list: &ProjectList) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 + list.projects.len() * 32);
    serde_json::to_writer(&mut bytes, &ListBody(list))
        .expect("a list holds only text and valid JSON, and memory takes any of it");
    bytes
}

struct PageBody<'a> {
    page: &'a ProjectPage,
    namespaces: Namespaces<'a>,
}

impl Serialize for PageBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let page = self.page;
        let version = match self.namespaces {
            Namespaces::Unsupported => API_VERSION,
            Namespaces::Of(_) => API_VERSION_WITH_NAMESPACES,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "meta",
            &MetaBody {
                version,
                extra: &page.meta_extra,
            },
        )?;
        map.serialize_entry("name", &page.name)?;
        if let Some(status) = &page.status {
            map.serialize_entry("project-status", &StatusBody(status))?;
        }
        map.serialize_entry("versions", &page.complete_versions())?;
        match self.namespaces {
            Namespaces::Unsupported => write_extra(&mut map, &page.extra, &PAGE_KEYS)?,
            Namespaces::Of(namespaces) => {
                map.serialize_entry("namespaces", &none_as_null(namespaces))?;
                let known = [PAGE_KEYS.as_slice(), &["namespaces"]].concat();
                write_extra(&mut map, &page.extra, &known)?;
            }
        }
        map.serialize_entry("files", &Sequence(&page.files, FileBody))?;
        map.end()
    }
}

fn none_as_null(namespaces: &[ProjectNamespace]) -> Option<&[ProjectNamespace]> {
    (!namespaces.is_empty()).then_some(namespaces)
}

struct ListBody<'a>(&'a ProjectList);

impl Serialize for ListBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(LIST_KEYS.len()))?;
        map.serialize_entry(
            "meta",
            &MetaBody {
                version: API_VERSION,
                extra: &self.0.meta_extra,
            },
        )?;
        map.serialize_entry("projects", &Sequence(&self.0.projects, ProjectBody))?;
        map.end()
    }
}

struct ProjectBody<'a>(&'a ProjectName);

impl Serialize for ProjectBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("name", self.0)?;
        map.end()
    }
}

struct MetaBody<'a> {
    version: &'static str,
    extra: &'a Extra,
}

impl Serialize for MetaBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("api-version", self.version)?;
        write_extra(&mut map, self.extra, &META_KEYS)?;
        map.end()
    }
}

struct StatusBody<'a>(&'a ProjectStatus);

impl Serialize for StatusBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &self.0.status)?;
        if let Some(reason) = &self.0.reason {
            map.serialize_entry("reason", reason)?;
        }
        map.end()
    }
}

struct FileBody<'a>(&'a PageFile);

impl Serialize for FileBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let file = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("filename", &file.filename)?;
        map.serialize_entry("url", &file.url)?;
        map.serialize_entry("hashes", &file.hashes)?;
        if let Some(size) = file.size {
            map.serialize_entry("size", &size)?;
        }
        if let Some(time) = &file.upload_time {
            map.serialize_entry("upload-time", &time.text)?;
        }
        if let Some(specifiers) = &file.requires_python {
            map.serialize_entry("requires-python", specifiers)?;
        }
        if let Some(offer) = offered(&file.core_metadata) {
            map.serialize_entry("core-metadata", &offer)?;
            map.serialize_entry("dist-info-metadata", &offer)?;
        }
        if let Some(signed) = file.gpg_sig {
            map.serialize_entry("gpg-sig", &signed)?;
        }
        map.serialize_entry("yanked", &YankBody(&file.yanked))?;
        match &file.provenance {
            Provenance::Absent => {}
            Provenance::None => map.serialize_entry("provenance", &None::<&str>)?,
            Provenance::Url(url) => map.serialize_entry("provenance", url)?,
        }
        write_extra(&mut map, &file.extra, &FILE_KEYS)?;
        map.end()
    }
}

struct YankBody<'a>(&'a Yanked);

impl Serialize for YankBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Yanked::No => serializer.serialize_bool(false),
            Yanked::Yes => serializer.serialize_bool(true),
            Yanked::Because(reason) => serializer.serialize_str(reason),
        }
    }
}

/// The value of `core-metadata`, in the order in which serde has to tell the two apart.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum OfferBody<'a> {
    Unhashed(bool),
    Hashed(&'a BTreeMap<Box<str>, Box<str>>),
}

fn offered(offer: &CoreMetadata) -> Option<OfferBody<'_>> {
    match offer {
        CoreMetadata::Absent => None,
        CoreMetadata::Unhashed => Some(OfferBody::Unhashed(true)),
        CoreMetadata::Hashed(hashes) if hashes.is_empty() => Some(OfferBody::Unhashed(true)),
        CoreMetadata::Hashed(hashes) => Some(OfferBody::Hashed(hashes)),
    }
}

/// A slice written as an array, each item through its body, without a list of bodies in between.
struct Sequence<'a, T, F>(&'a [T], F);

impl<'a, T, B: Serialize, F: Fn(&'a T) -> B> Serialize for Sequence<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

fn write_extra<M: SerializeMap>(
    map: &mut M,
    extra: &Extra,
    known: &[&str],
) -> Result<(), M::Error> {
    for (key, value) in extra.iter().filter(|(key, _)| !known.contains(&&**key)) {
        map.serialize_entry(key, value)?;
    }
    Ok(())
}
