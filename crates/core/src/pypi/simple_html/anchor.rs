//! One anchor of an HTML page as a file: its address, the hash in its fragment, its name and the
//! `data-` attributes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use url::Url;

use super::document::Anchor;
use crate::pypi::filename::{has_distribution_ending, is_file_name};
use crate::pypi::json_values::{is_digest, yanked_because};
use crate::pypi::simple::{CoreMetadata, PageFile, Provenance, UploadTime, Yanked};
use crate::pypi::simple_json::is_listable_url;

/// The algorithms that `hashlib` guarantees and PEP 503 therefore allows in a fragment, and the
/// name that PyPI's JSON uses beside them.
const ALGORITHMS: [&str; 14] = [
    "sha256",
    "md5",
    "sha1",
    "sha224",
    "sha384",
    "sha512",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "blake2b",
    "blake2s",
    "blake2b_256",
    "blake2_256",
];

/// What an anchor turned out to be.
pub(super) enum Link {
    /// A distribution file.
    File(Box<PageFile>),
    /// A link to something else, which pages may hold.
    Elsewhere,
    /// It looks like a file, and cannot be listed.
    Malformed,
}

/// Reads an anchor of a page whose links are relative to `base`, if it has one.
pub(super) fn read_link(anchor: &Anchor, base: Option<&str>) -> Link {
    let href = without_white_space(&anchor.href);
    let (address, fragment) = href.split_once('#').unwrap_or((&href, ""));
    let Some(filename) = filename(address, anchor.text.trim()) else {
        return Link::Elsewhere;
    };
    let url = base.map_or(Cow::Borrowed(address), |base| join(base, address));
    let Some(hashes) = hashes(fragment) else {
        return Link::Malformed;
    };
    if !is_file_name(&filename) || !is_listable_url(&url) {
        return Link::Malformed;
    }
    let mut file = PageFile {
        hashes,
        ..PageFile::new(&filename, &url)
    };
    read_attributes(anchor, &mut file);
    Link::File(Box::new(file))
}

/// The URL standard drops white space around an address, and tabs and line ends within.
pub(super) fn without_white_space(href: &str) -> Cow<'_, str> {
    let trimmed = href.trim_matches(|c: char| c <= ' ');
    if trimmed.contains(['\t', '\n', '\r']) {
        return Cow::Owned(trimmed.replace(['\t', '\n', '\r'], ""));
    }
    Cow::Borrowed(trimmed)
}

/// The last segment of the path, decoded; the text where that is no distribution's name; `None`
/// where neither is one.
fn filename<'a>(address: &'a str, text: &'a str) -> Option<Cow<'a, str>> {
    let segment = last_segment(address);
    if has_distribution_ending(&segment) && is_file_name(&segment) {
        return Some(segment);
    }
    if has_distribution_ending(text) {
        return Some(Cow::Borrowed(text));
    }
    has_distribution_ending(&segment).then_some(segment)
}

/// The last segment of an address' path, percent-decoded; empty where that is not UTF-8.
pub(super) fn last_segment(address: &str) -> Cow<'_, str> {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let segment = path.rsplit('/').next().unwrap_or_default();
    percent_decode_str(segment)
        .decode_utf8()
        .unwrap_or_default()
}

/// `address` as seen from `base`. An absolute base resolves it; a relative one is itself relative
/// to the page, whose address is not known here, so that the two are only put together.
fn join<'a>(base: &str, address: &'a str) -> Cow<'a, str> {
    if let Ok(base) = Url::parse(base) {
        return base
            .join(address)
            .map_or(Cow::Borrowed(address), |url| Cow::Owned(url.into()));
    }
    if address.starts_with('/') || Url::parse(address).is_ok() {
        return Cow::Borrowed(address);
    }
    // A slash behind a question mark or hash sign belongs to no folder.
    let path = base.split(['?', '#']).next().unwrap_or_default();
    let directory = path.rfind('/').map_or("", |end| &path[..=end]);
    Cow::Owned(format!("{directory}{address}"))
}

/// The hashes in a fragment such as `sha256=…&egg=name`; `None` when one is not hexadecimal, since
/// to drop it would be to trust the file blindly.
fn hashes(fragment: &str) -> Option<BTreeMap<Box<str>, Box<str>>> {
    let mut hashes = BTreeMap::new();
    for (key, value) in fragment.split('&').filter_map(|part| part.split_once('=')) {
        let algorithm = key.to_ascii_lowercase();
        if !ALGORITHMS.contains(&&*algorithm) {
            continue;
        }
        if !is_digest(value) {
            return None;
        }
        hashes
            .entry(algorithm.into())
            .or_insert_with(|| value.to_ascii_lowercase().into());
    }
    Some(hashes)
}

fn read_attributes(anchor: &Anchor, file: &mut PageFile) {
    let offer = anchor.attribute("data-core-metadata");
    let offer = offer.or_else(|| anchor.attribute("data-dist-info-metadata"));
    file.core_metadata = offer.map_or(CoreMetadata::Absent, core_metadata);
    file.requires_python = anchor.attribute("data-requires-python").map(Into::into);
    file.yanked = anchor
        .attribute("data-yanked")
        .map_or(Yanked::No, yanked_because);
    file.gpg_sig = anchor.attribute("data-gpg-sig").and_then(boolean);
    file.provenance = match anchor.attribute("data-provenance").map(str::trim) {
        Some(url) if is_listable_url(url) => Provenance::Url(url.into()),
        _ => Provenance::Absent,
    };
    file.upload_time = anchor
        .attribute("data-upload-time")
        .and_then(UploadTime::read);
    file.size = anchor
        .attribute("data-size")
        .and_then(|size| size.trim().parse().ok());
}

/// `true`, or `sha256=…`; anything else offers nothing (PEP 714).
fn core_metadata(value: &str) -> CoreMetadata {
    if boolean(value) == Some(true) {
        return CoreMetadata::Unhashed;
    }
    match hashes(value.trim()) {
        Some(hashes) if !hashes.is_empty() => CoreMetadata::Hashed(hashes),
        _ => CoreMetadata::Absent,
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value.trim() {
        value if value.eq_ignore_ascii_case("true") => Some(true),
        value if value.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
