//! Writing our own project JSON from a page and, where it is at hand, the metadata of a release.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::pypi::filename::{DistFilename, DistKind};
use crate::pypi::metadata::CoreMetadata;
use crate::pypi::name::ProjectName;
use crate::pypi::simple::{self, PageFile, ProjectPage, Yanked};
use crate::pypi::version::Version;

/// The answer to `/pypi/<project>/json`: `info` of the latest release, its files, and the files of
/// all releases. `metadata` is that of [`latest_version`], if it is known.
pub fn render_project(page: &ProjectPage, metadata: Option<&CoreMetadata>) -> Vec<u8> {
    let files = versioned_files(page);
    let latest = latest_of(&files);
    let mut releases: BTreeMap<Version, Vec<FileBody<'_>>> = BTreeMap::new();
    for text in &page.versions {
        if let Ok(version) = text.parse() {
            releases.entry(version).or_default();
        }
    }
    for file in &files {
        releases
            .entry(file.version.clone())
            .or_default()
            .push(file_body(file));
    }
    let releases = releases
        .into_iter()
        .map(|(version, files)| (version.to_string(), files));
    let body = Body {
        info: Info::new(&page.name, latest.as_ref(), metadata, &files),
        last_serial: last_serial(page),
        releases: Some(Releases(releases.collect())),
        urls: of_version(&files, latest.as_ref()),
        vulnerabilities: [],
    };
    serde_json::to_vec(&body).expect("project JSON holds only text and numbers")
}

/// The answer to `/pypi/<project>/<version>/json`, without `releases`; `None` when the page has no
/// file of `version`. `metadata` is that of the release, if it is known.
pub fn render_release(
    page: &ProjectPage,
    version: &Version,
    metadata: Option<&CoreMetadata>,
) -> Option<Vec<u8>> {
    let files = versioned_files(page);
    let urls = of_version(&files, Some(version));
    if urls.is_empty() {
        return None;
    }
    let body = Body {
        info: Info::new(&page.name, Some(version), metadata, &files),
        last_serial: last_serial(page),
        releases: None,
        urls,
        vulnerabilities: [],
    };
    Some(serde_json::to_vec(&body).expect("project JSON holds only text and numbers"))
}

/// The version that `/pypi/<project>/json` is about: the highest with a file that is not yanked,
/// final releases before pre-releases; failing that the highest of all.
pub fn latest_version(page: &ProjectPage) -> Option<Version> {
    latest_of(&versioned_files(page))
}

/// A file whose name tells a version.
struct VersionedFile<'a> {
    file: &'a PageFile,
    name: DistFilename,
    version: Version,
}

fn versioned_files(page: &ProjectPage) -> Vec<VersionedFile<'_>> {
    let versioned = |file: &'_ PageFile| {
        let name = DistFilename::parse(&file.filename, Some(&page.name)).ok()?;
        let version = name.version().cloned()?;
        Some((name, version))
    };
    let files = page.files.iter().filter_map(|file| {
        let (name, version) = versioned(file)?;
        Some(VersionedFile {
            file,
            name,
            version,
        })
    });
    files.collect()
}

fn latest_of(files: &[VersionedFile<'_>]) -> Option<Version> {
    let rank = |file: &&VersionedFile<'_>| {
        let installable = file.file.yanked == Yanked::No;
        (
            installable,
            installable && file.version.is_stable(),
            file.version.clone(),
        )
    };
    files
        .iter()
        .max_by_key(rank)
        .map(|file| file.version.clone())
}

fn of_version<'a>(files: &'a [VersionedFile<'a>], version: Option<&Version>) -> Vec<FileBody<'a>> {
    files
        .iter()
        .filter(|file| Some(&file.version) == version)
        .map(file_body)
        .collect()
}

/// The serial number of the upstream that the page came from; zero where it gives none.
fn last_serial(page: &ProjectPage) -> u64 {
    let found = page
        .meta_extra
        .iter()
        .find(|(key, _)| &**key == "_last-serial");
    found
        .and_then(|(_, value)| value.get().parse().ok())
        .unwrap_or_default()
}

#[derive(Serialize)]
struct Body<'a> {
    info: Info<'a>,
    last_serial: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    releases: Option<Releases<'a>>,
    urls: Vec<FileBody<'a>>,
    vulnerabilities: [(); 0],
}

/// Files by version, in ascending order of the versions and not of their texts.
struct Releases<'a>(Vec<(String, Vec<FileBody<'a>>)>);

impl Serialize for Releases<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(version, files)| (version, files)))
    }
}

#[derive(Serialize)]
struct Info<'a> {
    #[serde(flatten)]
    said: Said<'a>,
    yanked: bool,
    yanked_reason: Option<&'a str>,
    bugtrack_url: (),
    docs_url: (),
    downloads: Downloads,
}

/// What the distribution says of itself, or its page of it, or what project has no release at all.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Metadata(&'a CoreMetadata),
    Page(Box<CoreMetadata>),
    NoRelease { name: &'a ProjectName, version: () },
}

/// Downloads are not counted in this API, as on PyPI.
#[derive(Serialize)]
struct Downloads {
    last_day: i8,
    last_month: i8,
    last_week: i8,
}

const NOT_COUNTED: Downloads = Downloads {
    last_day: -1,
    last_month: -1,
    last_week: -1,
};

impl<'a> Info<'a> {
    fn new(
        name: &'a ProjectName,
        version: Option<&Version>,
        metadata: Option<&'a CoreMetadata>,
        files: &[VersionedFile<'a>],
    ) -> Self {
        let of_version: Vec<&PageFile> = files
            .iter()
            .filter(|file| Some(&file.version) == version)
            .map(|file| file.file)
            .collect();
        let said = match (metadata, version) {
            (Some(metadata), _) => Said::Metadata(metadata),
            (None, Some(version)) => Said::Page(Box::new(told_by(name, version, &of_version))),
            (None, None) => Said::NoRelease { name, version: () },
        };
        let yanked = !of_version.is_empty() && of_version.iter().all(|f| f.yanked != Yanked::No);
        let yanked_reason = of_version
            .iter()
            .find_map(|file| reason(file))
            .filter(|_| yanked);
        Self {
            said,
            yanked,
            yanked_reason,
            bugtrack_url: (),
            docs_url: (),
            downloads: NOT_COUNTED,
        }
    }
}

/// The metadata of a release, as far as its page tells it.
fn told_by(name: &ProjectName, version: &Version, files: &[&PageFile]) -> CoreMetadata {
    let mut metadata = CoreMetadata::new(name.as_str(), &version.to_string())
        .expect("a parsed name and version print as valid ones");
    metadata.requires_python = files.iter().find_map(|file| file.requires_python.clone());
    metadata
}

fn reason(file: &PageFile) -> Option<&str> {
    match &file.yanked {
        Yanked::Because(reason) => Some(reason),
        Yanked::No | Yanked::Yes => None,
    }
}

#[derive(Serialize)]
struct FileBody<'a> {
    comment_text: &'static str,
    #[serde(rename = "core-metadata", skip_serializing_if = "Option::is_none")]
    core_metadata: Option<&'a BTreeMap<Box<str>, Box<str>>>,
    digests: &'a BTreeMap<Box<str>, Box<str>>,
    downloads: i8,
    filename: &'a str,
    has_sig: bool,
    md5_digest: Option<&'a str>,
    packagetype: &'static str,
    python_version: &'a str,
    requires_python: Option<&'a str>,
    size: Option<u64>,
    upload_time: Option<&'a str>,
    upload_time_iso_8601: Option<&'a str>,
    url: &'a str,
    yanked: bool,
    yanked_reason: Option<&'a str>,
}

fn file_body<'a>(versioned: &'a VersionedFile<'a>) -> FileBody<'a> {
    let file = versioned.file;
    let (packagetype, python_version) = match versioned.name.kind() {
        DistKind::Wheel(tags) => ("bdist_wheel", &*tags.python),
        DistKind::Sdist | DistKind::Other => ("sdist", "source"),
    };
    let upload_time = file.upload_time.as_ref().map(|time| &*time.text);
    FileBody {
        comment_text: "",
        core_metadata: match &file.core_metadata {
            simple::CoreMetadata::Hashed(hashes) => Some(hashes),
            simple::CoreMetadata::Absent | simple::CoreMetadata::Unhashed => None,
        },
        digests: &file.hashes,
        downloads: -1,
        filename: &file.filename,
        has_sig: file.gpg_sig == Some(true),
        md5_digest: file.hashes.get("md5").map(|digest| &**digest),
        packagetype,
        python_version,
        requires_python: file.requires_python.as_deref(),
        size: file.size,
        // The older key has whole seconds and no zone.
        upload_time: upload_time.and_then(|text| text.get(..19)),
        upload_time_iso_8601: upload_time,
        url: &file.url,
        yanked: file.yanked != Yanked::No,
        yanked_reason: reason(file),
    }
}
