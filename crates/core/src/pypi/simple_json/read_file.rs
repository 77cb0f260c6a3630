//! Reading one file of a JSON page. Whatever is wrong with it costs this file, not the page.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::pypi::filename::is_file_name;
use crate::pypi::json_values::{Hashes, Offer, Text, YankMark, keep, once, provenance};
use crate::pypi::simple::{CoreMetadata, Extra, PageFile, Provenance, UploadTime, Yanked};

/// The longest address of a file, in bytes.
const MAX_URL_LENGTH: usize = 8192;

/// Whether `url` may be listed: neither empty nor endless, and nothing in it that breaks a line.
pub(in crate::pypi) fn is_listable_url(url: &str) -> bool {
    !url.is_empty() && url.len() <= MAX_URL_LENGTH && !url.contains(char::is_control)
}

/// Reads the object of one file; `None` where it cannot be listed.
pub(super) fn read_file(json: &str) -> Option<PageFile> {
    serde_json::from_str::<FileEntry>(json)
        .ok()
        .map(|FileEntry(file)| file)
}

struct FileEntry(PageFile);

#[derive(Default)]
struct Draft<'a> {
    filename: Option<Text<'a>>,
    url: Option<Text<'a>>,
    hashes: Option<Option<Hashes>>,
    size: Option<Option<u64>>,
    upload_time: Option<Option<Text<'a>>>,
    requires_python: Option<Option<Text<'a>>>,
    core_metadata: Option<Option<Offer>>,
    dist_info_metadata: Option<Option<Offer>>,
    data_dist_info_metadata: Option<Option<Offer>>,
    gpg_sig: Option<Option<bool>>,
    yanked: Option<YankMark>,
    provenance: Option<Option<Text<'a>>>,
    extra: Extra,
}

impl<'de> Draft<'de> {
    fn read_key<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "filename" => once(&mut self.filename, map.next_value()?, "filename"),
            "url" => once(&mut self.url, map.next_value()?, "url"),
            "hashes" => once(&mut self.hashes, map.next_value()?, "hashes"),
            "size" => once(&mut self.size, map.next_value()?, "size"),
            "upload-time" => once(&mut self.upload_time, map.next_value()?, "upload-time"),
            "requires-python" => once(
                &mut self.requires_python,
                map.next_value()?,
                "requires-python",
            ),
            "core-metadata" => once(&mut self.core_metadata, map.next_value()?, "core-metadata"),
            "dist-info-metadata" => once(
                &mut self.dist_info_metadata,
                map.next_value()?,
                "dist-info-metadata",
            ),
            "data-dist-info-metadata" => once(
                &mut self.data_dist_info_metadata,
                map.next_value()?,
                "data-dist-info-metadata",
            ),
            "gpg-sig" => once(&mut self.gpg_sig, map.next_value()?, "gpg-sig"),
            "yanked" => once(&mut self.yanked, map.next_value()?, "yanked"),
            "provenance" => once(&mut self.provenance, map.next_value()?, "provenance"),
            _ => keep(&mut self.extra, key, map.next_value()?),
        }
    }

    fn finish<E: de::Error>(self) -> Result<PageFile, E> {
        let filename = self.filename.ok_or_else(|| E::missing_field("filename"))?.0;
        let url = self.url.ok_or_else(|| E::missing_field("url"))?.0;
        if !is_file_name(&filename) || !is_listable_url(&url) {
            return Err(E::custom("not a file name, or not an address"));
        }
        let offer = (self.core_metadata.flatten())
            .or(self.dist_info_metadata.flatten())
            .or(self.data_dist_info_metadata.flatten());
        Ok(PageFile {
            filename: filename.into(),
            url: url.into(),
            hashes: self
                .hashes
                .flatten()
                .map(|Hashes(hashes)| hashes)
                .unwrap_or_default(),
            size: self.size.flatten(),
            upload_time: self
                .upload_time
                .flatten()
                .and_then(|text| UploadTime::read(&text.0)),
            requires_python: self.requires_python.flatten().map(Into::into),
            core_metadata: offer.map_or(CoreMetadata::Absent, |Offer(offer)| offer),
            gpg_sig: self.gpg_sig.flatten(),
            yanked: self.yanked.map_or(Yanked::No, |YankMark(yanked)| yanked),
            provenance: self.provenance.map_or(Provenance::Absent, provenance),
            extra: self.extra,
        })
    }
}

impl<'de> Deserialize<'de> for FileEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FileVisitor;
        impl<'de> Visitor<'de> for FileVisitor {
            type Value = FileEntry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FileEntry, A::Error> {
                let mut draft = Draft::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    draft.read_key(&key.0, &mut map)?;
                }
                draft.finish().map(FileEntry)
            }
        }
        deserializer.deserialize_map(FileVisitor)
    }
}
