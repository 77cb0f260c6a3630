//! [`Addresses`]: where a lock names its indexes and its files, and the same lock with other addresses in their
//! place. Nothing but addresses is ever touched, so that there and back is the identity.

use super::address::is_same_index;
use super::contents::Span;
use super::rule::Edit;
use super::syntax::{Node, SyntaxError, json, toml};
use crate::digest::Sha256;
use crate::pypi::lockfile::LockFormat;
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;

/// Where a lock names indexes and files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The addresses of indexes, in the order of the file.
    pub indexes: Vec<Address>,
    /// The files of releases of an index, in the order of the file.
    pub files: Vec<FileOfLock>,
}

/// An address in a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The URL as it is spelled.
    pub url: String,
    /// Its place, without quotes.
    pub at: Span,
}

/// A file that a lock names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOfLock {
    /// The project.
    pub project: ProjectName,
    /// The version.
    pub version: Option<Version>,
    /// Its name.
    pub filename: String,
    /// Its SHA-256, where the lock gives one.
    pub sha256: Option<Sha256>,
    /// Its address, where the lock has that and not only its name.
    pub address: Option<Address>,
    /// The index of its release, where the lock says so.
    pub index: Option<String>,
}

/// Why a lock's addresses cannot be told: a clause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownAddresses {
    /// The file is not in its format.
    #[error("{0}")]
    Syntax(String),
    /// The format is no lock of an installer.
    #[error("{0} is a bill of materials, whose addresses are nobody's to change")]
    NoLock(LockFormat),
}

impl From<SyntaxError> for UnknownAddresses {
    fn from(error: SyntaxError) -> Self {
        Self::Syntax(error.why)
    }
}

/// Reads the addresses of a lock.
///
/// # Errors
/// [`UnknownAddresses`].
pub fn addresses(format: LockFormat, text: &str) -> Result<Addresses, UnknownAddresses> {
    let mut found = Addresses::default();
    match format {
        LockFormat::Uv => of_uv(&toml::parse(text)?, text, &mut found),
        LockFormat::Pylock => of_pylock(&toml::parse(text)?, text, &mut found),
        LockFormat::Poetry => of_poetry(&toml::parse(text)?, text, &mut found),
        LockFormat::Pdm => of_pdm(&toml::parse(text)?, text, &mut found),
        LockFormat::Pipfile => of_pipfile(&json::parse(text)?, text, &mut found),
        LockFormat::Requirements => of_requirements(text, &mut found),
        LockFormat::CycloneDx | LockFormat::Spdx => return Err(UnknownAddresses::NoLock(format)),
    }
    found.indexes.sort_by_key(|address| address.at.start);
    Ok(found)
}

/// A string of the file that is written as it is. One with escapes cannot be replaced byte by byte.
fn address(node: Option<&Node>, text: &str) -> Option<Address> {
    let spelled = node?.spelled()?;
    let (url, at) = (spelled.as_str(), spelled.at());
    (text.get(at.clone()) == Some(url)).then(|| Address {
        url: url.to_owned(),
        at,
    })
}

fn release(package: &Node) -> Option<(ProjectName, Option<Version>)> {
    let name = ProjectName::new(package.text_of("name")?).ok()?;
    let version = package.text_of("version");
    Some((name, version.and_then(|version| version.parse().ok())))
}

/// The file in a table, whose location is under one of `keys`.
fn file(
    (project, version): &(ProjectName, Option<Version>),
    table: &Node,
    text: &str,
    index: Option<&str>,
) -> Option<FileOfLock> {
    let address = address(table.get("url"), text);
    let name = ["filename", "name", "file", "path"];
    let named = name.iter().find_map(|key| table.text_of(key));
    let location = named.or_else(|| table.text_of("url"))?;
    let sha256 = table.path(&["hashes", "sha256"]).and_then(Node::text);
    let sha256 = sha256.or_else(|| table.text_of("hash")?.strip_prefix("sha256:"));
    Some(FileOfLock {
        project: project.clone(),
        version: version.clone(),
        filename: file_name(location)?,
        sha256: sha256.and_then(|digest| digest.parse().ok()),
        address,
        index: index.map(str::to_owned),
    })
}

/// The last part of a path or URL, without query and fragment, percent-decoded.
fn file_name(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let last = path.rsplit(['/', '\\']).next()?;
    let decoded = percent_encoding::percent_decode_str(last).decode_utf8();
    decoded
        .ok()
        .map(std::borrow::Cow::into_owned)
        .filter(|name| !name.is_empty() && !name.contains(['/', '\\']))
}

fn items<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    node.get(key).map_or(&[], Node::items)
}

fn of_uv(root: &Node, text: &str, found: &mut Addresses) {
    for package in items(root, "package") {
        let registry = package.path(&["source", "registry"]);
        let (Some(registry), Some(release)) = (registry, release(package)) else {
            continue;
        };
        let index = registry.text();
        found.indexes.extend(address(Some(registry), text));
        let files = package
            .get("sdist")
            .into_iter()
            .chain(items(package, "wheels"));
        let files = files.filter_map(|table| file(&release, table, text, index));
        found.files.extend(files);
    }
}

fn of_pylock(root: &Node, text: &str, found: &mut Addresses) {
    for package in items(root, "packages") {
        let is_of_an_index = ["vcs", "directory", "archive"];
        let is_of_an_index = is_of_an_index.iter().all(|key| package.get(key).is_none());
        let Some(release) = release(package).filter(|_| is_of_an_index) else {
            continue;
        };
        let index = package.get("index");
        found.indexes.extend(address(index, text));
        let index = index.and_then(Node::text);
        let files = package
            .get("sdist")
            .into_iter()
            .chain(items(package, "wheels"));
        let files = files.filter_map(|table| file(&release, table, text, index));
        found.files.extend(files);
    }
}

fn of_poetry(root: &Node, text: &str, found: &mut Addresses) {
    let elsewhere = root.path(&["metadata", "files"]);
    for package in items(root, "package") {
        let source = package.get("source");
        let kind = source.map_or("legacy", |source| {
            source.text_of("type").unwrap_or("legacy")
        });
        let Some(release) = release(package).filter(|_| kind == "legacy") else {
            continue;
        };
        let url = source.and_then(|source| source.get("url"));
        found.indexes.extend(address(url, text));
        let index = url.and_then(Node::text);
        // Before version 2 of the format, the files stand together at the end.
        let name = package.text_of("name").unwrap_or_default();
        let at_end = elsewhere.map_or(&[][..], |files| items(files, name));
        let files = items(package, "files").iter().chain(at_end);
        let files = files.filter_map(|table| file(&release, table, text, index));
        found.files.extend(files);
    }
}

fn of_pdm(root: &Node, text: &str, found: &mut Addresses) {
    let elsewhere = root.path(&["metadata", "files"]);
    for package in items(root, "package") {
        let is_of_an_index = ["git", "path", "url"];
        let is_of_an_index = is_of_an_index.iter().all(|key| package.get(key).is_none());
        let Some(release) = release(package).filter(|_| is_of_an_index) else {
            continue;
        };
        let spelled = |key| package.text_of(key).unwrap_or_default();
        let key = format!("{} {}", spelled("name"), spelled("version"));
        let at_end = elsewhere.map_or(&[][..], |files| items(files, &key));
        let files = items(package, "files").iter().chain(at_end);
        let files = files.filter_map(|table| file(&release, table, text, None));
        found.files.extend(files);
    }
}

fn of_pipfile(root: &Node, text: &str, found: &mut Addresses) {
    let sources = root.path(&["_meta", "sources"]);
    for source in sources.map_or(&[][..], Node::items) {
        found.indexes.extend(address(source.get("url"), text));
    }
}

/// The options of pip that name an index.
const INDEX_OPTIONS: [&str; 4] = ["--index-url", "--extra-index-url", "--pypi-url", "-i"];

fn of_requirements(text: &str, found: &mut Addresses) {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        found.indexes.extend(index_of_line(line, start));
        start += line.len();
    }
}

/// The URL of an index option that stands alone on its line, as pip and those who write such files have it.
fn index_of_line(line: &str, start: usize) -> Option<Address> {
    let trimmed = line.trim_start();
    let option = INDEX_OPTIONS
        .iter()
        .find(|option| trimmed.starts_with(**option))?;
    let rest = &trimmed[option.len()..];
    let is_separated = rest.starts_with(['=', ' ', '\t']) || *option == "-i";
    let value = rest.trim_start_matches(['=', ' ', '\t']);
    let value = value.split_whitespace().next().filter(|_| is_separated)?;
    let url = value.trim_matches(['"', '\'']);
    // Both are slices of the line.
    let offset = url.as_ptr() as usize - line.as_ptr() as usize;
    let at = start + offset..start + offset + url.len();
    Some(Address {
        url: url.to_owned(),
        at,
    })
}

/// The index `to` as it takes the place of one that is spelled `like`: with or without a slash at its end.
#[must_use]
pub fn spelled_like(to: &str, like: &str) -> String {
    let bare = to.trim_end_matches('/');
    match like.ends_with('/') {
        true => format!("{bare}/"),
        false => bare.to_owned(),
    }
}

/// The edits that put the index `to` in the place of `from`.
#[must_use]
pub fn index_edits(addresses: &Addresses, from: &str, to: &str) -> Vec<Edit> {
    let replaced = addresses.indexes.iter();
    let replaced = replaced.filter(|address| is_same_index(&address.url, from));
    let edit = |address: &Address| Edit {
        at: address.at.clone(),
        with: spelled_like(to, &address.url),
    };
    let edits = replaced.map(edit);
    edits.collect()
}

/// The text with its edits, which do not overlap; `None` where one would not be an address that can stand there
/// as it is, or lies outside of the text.
#[must_use]
pub fn edited(text: &str, edits: &[Edit]) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.at.start);
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        let is_plain = |c: char| !c.is_control() && !c.is_whitespace() && !"\"'\\<>".contains(c);
        if edit.at.start < done || !edit.with.chars().all(is_plain) {
            return None;
        }
        result.push_str(text.get(done..edit.at.start)?);
        result.push_str(&edit.with);
        done = edit.at.end;
    }
    result.push_str(text.get(done..)?);
    Some(result)
}

#[cfg(test)]
mod tests;
