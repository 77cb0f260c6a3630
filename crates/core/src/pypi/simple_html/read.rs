//! Reading HTML pages as they are found in the wild: any case, missing end tags, no doctype.

use std::collections::HashSet;
use std::sync::Arc;

use super::anchor::{Link, last_segment, read_link, without_white_space};
use super::document::{Anchor, Document, MAX_PAGE_ANCHORS};
use crate::pypi::name::ProjectName;
use crate::pypi::simple::{
    MAX_FILES, MAX_PROJECTS, PageError, ProjectList, ProjectPage, ProjectStatus,
};
use crate::pypi::simple_json::is_known_version;

/// Reads the HTML page of the project `expected`.
///
/// Addresses are resolved against `<base href>` where there is one and left as found otherwise;
/// the hash in the fragment goes into the file's hashes. Links that are no distribution files are
/// passed over; files that cannot be listed, or are listed a second time, are counted as skipped.
///
/// # Errors
/// [`PageError`] when the page claims a major version above 1 or holds too many links.
pub fn parse(text: &str, expected: &ProjectName) -> Result<ProjectPage, PageError> {
    let document = Document::read(text, MAX_PAGE_ANCHORS)?;
    check_version(&document)?;
    let base = document.base.as_deref().map(without_white_space);
    let mut page = ProjectPage::empty(expected.clone());
    page.status = status(&document);
    let mut seen: HashSet<Arc<str>> = HashSet::new();
    for anchor in &document.anchors {
        match read_link(anchor, base.as_deref()) {
            Link::File(file) if seen.insert(Arc::clone(&file.filename)) => page.files.push(*file),
            Link::File(_) | Link::Malformed => page.skipped += 1,
            Link::Elsewhere => {}
        }
    }
    if page.files.len() > MAX_FILES {
        return Err(PageError::TooMany {
            what: "files",
            limit: MAX_FILES,
        });
    }
    Ok(page)
}

/// Reads the HTML list of an index's projects: the text of each link, or where that is no name the
/// last segment of its address.
///
/// # Errors
/// [`PageError`] when the page claims a major version above 1 or holds too many links.
pub fn parse_list(text: &str) -> Result<ProjectList, PageError> {
    let document = Document::read(text, MAX_PROJECTS)?;
    check_version(&document)?;
    let mut list = ProjectList::default();
    for anchor in &document.anchors {
        match project(anchor) {
            Some(name) => list.projects.push(name),
            None => list.skipped += 1,
        }
    }
    Ok(list)
}

fn project(anchor: &Anchor) -> Option<ProjectName> {
    let href = without_white_space(&anchor.href);
    let path = href.split(['?', '#']).next().unwrap_or_default();
    let segment = last_segment(path.trim_end_matches('/'));
    ProjectName::new(anchor.text.trim())
        .or_else(|_| ProjectName::new(&segment))
        .ok()
}

fn check_version(document: &Document) -> Result<(), PageError> {
    match document.meta("pypi:repository-version") {
        Some(version) if !is_known_version(version) => Err(PageError::UnsupportedVersion(
            version.chars().take(40).collect(),
        )),
        _ => Ok(()),
    }
}

fn status(document: &Document) -> Option<ProjectStatus> {
    let status = document.meta("pypi:project-status")?.into();
    let reason = document.meta("pypi:project-status-reason").map(Into::into);
    Some(ProjectStatus { status, reason })
}
