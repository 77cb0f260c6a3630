//! [`Plain`]: what a plain index says of releases: whether they are there, yanked, and with which digests. The
//! fallback where there is no gateway.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::simple::{ProjectPage, Yanked};
use portcullis_core::pypi::version::Version;
use url::Url;

use crate::context::Place;
use crate::scan::index::Index;

/// How many pages are asked for at a time.
const AT_ONCE: usize = 16;

/// A plain index, or several that are asked one after the other.
pub struct Plain {
    index: Index,
}

/// What an index says of a project: its page, that there is none, or why that is not known.
pub type Said = Result<Option<Arc<ProjectPage>>, String>;

/// What a page says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Its name.
    pub filename: String,
    /// The version that the name tells.
    pub version: Option<Version>,
    /// Its SHA-256, where the page gives one.
    pub sha256: Option<String>,
    /// Its address.
    pub url: String,
}

impl Plain {
    /// The index at `url`, or the one that this machine's installers use.
    pub async fn open(url: Option<&Url>, place: &Place) -> anyhow::Result<Self> {
        let index = Index::open(url, place).await?;
        Ok(Self { index })
    }

    /// The index behind it, of which files can be fetched.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The pages of projects, each asked for once.
    pub async fn pages(
        &self,
        projects: impl IntoIterator<Item = ProjectName>,
    ) -> BTreeMap<ProjectName, Said> {
        let mut projects: Vec<ProjectName> = projects.into_iter().collect();
        projects.sort_unstable();
        projects.dedup();
        let one = async |project: ProjectName| {
            let listed = self.index.find(&project).await;
            let page = listed.map(|found| found.map(|listed| Arc::new(listed.page)));
            (project, page)
        };
        stream::iter(projects)
            .map(one)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await
    }
}

/// The files of a page.
pub(super) fn files(page: &ProjectPage) -> Vec<FileFacts> {
    let each = page.files.iter().map(|file| {
        let named = DistFilename::parse(&file.filename, Some(&page.name)).ok();
        let of_project = named.filter(|named| named.project() == Some(&page.name));
        FileFacts {
            filename: file.filename.to_string(),
            version: of_project.and_then(|named| named.version().cloned()),
            sha256: file.sha256().map(|digest| digest.to_hex()),
            url: file.url.to_string(),
        }
    });
    each.collect()
}

/// The SHA-256 digests of all files of a version, in the order of the page; why there are none, as a clause.
pub fn digests(page: &ProjectPage, version: &Version) -> Result<Vec<Sha256>, String> {
    let files = page.files.iter();
    let files = files.filter(|file| file.version(&page.name).as_ref() == Some(version));
    let files: Vec<_> = files.collect();
    if files.is_empty() {
        return Err(format!(
            "the index has no files of {version}, and so no hashes"
        ));
    }
    if files.iter().all(|file| file.yanked != Yanked::No) {
        return Err(format!("{version} was yanked"));
    }
    let digests: Option<Vec<Sha256>> = files.iter().map(|file| file.sha256()).collect();
    digests.ok_or_else(|| format!("the index does not give the hashes of all files of {version}"))
}

/// Why a release was yanked, where all of its files were: the first reason that is given, which may be empty.
pub(super) fn yanked(page: &ProjectPage, version: &Version) -> Option<String> {
    let files = page.files.iter();
    let of_release = files.filter(|file| file.version(&page.name).as_ref() == Some(version));
    let mut reasons = Vec::new();
    for file in of_release {
        match &file.yanked {
            Yanked::No => return None,
            Yanked::Yes => reasons.push(""),
            Yanked::Because(reason) => reasons.push(reason),
        }
    }
    let stated = reasons.iter().find(|reason| !reason.is_empty());
    stated
        .or(reasons.first())
        .map(|reason| (*reason).to_owned())
}
